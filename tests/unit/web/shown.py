"""What the tests of the page look at: a cloud with something of everything, and its views."""

from __future__ import annotations

import base64
import html
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import bson

from .browser import Browser, Reply, call

if TYPE_CHECKING:
    from fakeviam import FakeViam

EVIL = "<script>alert(1)</script>\"'&\u202e{{7*7}} " + "x" * 300
NOON = 1_773_144_000  # 2026-03-10T12:00:00Z
PIPELINE = '[{"$limit": 2}]'
FORM = {"content-type": "application/x-www-form-urlencoded"}


def png() -> str:
    """A red picture of one pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")).decode()


BOX = {
    "label": EVIL,
    "x_min_normalized": 0.1,
    "y_min_normalized": 0.2,
    "x_max_normalized": 0.5,
    "y_max_normalized": 0.9,
}
SEED: dict[str, Any] = {
    "datasets": [{"name": EVIL}],
    "images": [
        {
            "name": f"{number}{EVIL[:30].replace('/', '')}.png",
            "data": png(),
            "component": "cam",
            "tags": [EVIL, "indoor"],
            "datasets": EVIL,
            "boxes": [BOX],
        }
        for number in range(3)
    ],
    "files": [{"name": "a.txt", "data": base64.b64encode(EVIL.encode()).decode()}],
    "readings": [
        {
            "component": "thermometer",
            "method": "Readings",
            "rows": [
                {"time": f"2026-03-10T12:{minute:02}:00Z", "celsius": 20 + minute, EVIL: EVIL}
                for minute in range(5)
            ],
        }
    ],
}


def keep_more(cloud: FakeViam) -> None:
    """A saved query, a pipeline that has run, and a sequence in a dataset that was exported."""
    part = cloud.default_part
    owner = {"organization_id": part.organization_id}
    stages = [bson.encode({"$match": {"component_name": "thermometer"}})]
    call(cloud, "CreateSavedQuery", name=EVIL, mql_binary=stages, **owner)
    cloud.clock.set("2026-03-10T12:30:00Z")
    hourly = {"schedule": "0 * * * *", "mql_binary": [*stages, bson.encode({"$count": "n"})]}
    call(cloud, "CreateDataPipeline", name=EVIL, **hourly, **owner)
    cloud.clock.advance(hours=1)
    dataset = call(
        cloud, "CreateDataset", name="walks", type="DATASET_TYPE_SEQUENCE_DATA", **owner
    ).id
    window = {"start_time": {"seconds": NOON}, "end_time": {"seconds": NOON + 120}}
    resources = [
        {"resource_name": name, "method_name": "Readings"} for name in ("thermometer", EVIL)
    ]
    walk = {"part_id": part.id, "resources": resources, "sequence_tags": [EVIL]}
    sequence = call(cloud, "CreateSequence", **window, **walk).id
    call(cloud, "AddSequencesToDataset", dataset_id=dataset, sequence_ids=[sequence])
    call(cloud, "StartSequenceDatasetExport", dataset_id=dataset)
    cloud.clock.advance(seconds=5)


def linked(browser: Browser, listed: str, view: str) -> str:
    """The last address of a view that another view links to."""
    return str(re.findall(rf'href="/ui/({view}/[^"]*)"', page(browser, listed))[-1])


def page(browser: Browser, path: str, status: int = 200) -> str:
    reply = browser.request("GET", f"/ui/{path}")
    text = reply.body.decode()
    assert reply.status == status, re.sub("<[^>]*>", "", text)
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    return text


def told(browser: Browser, path: str) -> str:
    """What a view says, without its marks."""
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", page(browser, path))).split())


def send(web: Browser, action: str, session: str = "", **fields: str) -> Reply:
    path = f"/ui/controls?session={session}" if session else "/ui/controls"
    return web.request("POST", path, urlencode({"action": action, **fields}), FORM)
