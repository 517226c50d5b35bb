"""The page in headless Chromium: every view at three sizes, live calls, controls ."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import struct
import subprocess
import zlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import bson
import pytest
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam
from fakeviam.wire import methods

from .browser import chromium
from .environments import clean_environ
from .npm import modules

PROGRAM = Path(__file__).parent / "page" / "look.mjs"
PACKAGES = ("playwright-core@1", "axe-core@4")

EVIL = "<script>alert(1)</script>\"'\u202eright-to-left " + "x" * 200
FILES, READINGS = 10_000, 100_000


def picture() -> str:
    """A small picture of a gradient."""
    width, height = 64, 48

    def chunk(kind: bytes, content: bytes) -> bytes:
        size, check = len(content), zlib.crc32(kind + content)
        return struct.pack(">I", size) + kind + content + struct.pack(">I", check)

    rows = (
        b"\0" + bytes(v for x in range(width) for v in (x * 4, y * 5, 90)) for y in range(height)
    )
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")).decode()


def points() -> str:
    """A point cloud: a dome."""
    steps = [step / 20 for step in range(-20, 21)]
    dome = [(x, y, (1 - (x * x + y * y) / 2) * 2) for x in steps for y in steps]
    head = (
        "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"
        f"WIDTH {len(dome)}\nHEIGHT 1\nPOINTS {len(dome)}\nDATA binary\n"
    )
    content = b"".join(struct.pack("<fff", *point) for point in dome)
    return base64.b64encode(head.encode() + content).decode()


def seed() -> dict[str, Any]:
    """Ten thousand files and a hundred thousand readings, some with hostile names."""
    data = picture()
    box = {
        "label": "dog",
        "x_min_normalized": 0.2,
        "y_min_normalized": 0.25,
        "x_max_normalized": 0.6,
        "y_max_normalized": 0.8,
    }
    hostile = {"component": "cam", "tags": ["indoor", EVIL], "datasets": "dogs", "boxes": [box]}
    return {
        "datasets": [{"name": "dogs"}, {"name": EVIL}],
        "images": [
            {"name": f"{number:05}.png", "data": data, "component": "cam", "tags": ["outdoor"]}
            for number in range(FILES - 40)
        ]
        + [{"name": f"dog-{number:02}.png", "data": data, **hostile} for number in range(40)],
        "files": [{"name": "hall.pcd", "data": points(), "component": "lidar"}],
        "readings": [
            {
                "component": "thermometer",
                "method": "Readings",
                "rows": [
                    {
                        "time": f"2026-03-{1 + n // 2880:02}T{n // 120 % 24:02}:{n // 2 % 60:02}:"
                        f"{n % 2 * 30:02}Z",
                        "celsius": 20 + n % 100 / 25,
                        "humidity": 50.0 - n % 37,
                    }
                    for n in range(READINGS * 4 // 5)
                ],
            },
            {
                "component": EVIL[:60],
                "rows": [
                    {"time": f"2026-02-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z", "n": n}
                    for n in range(READINGS // 5)
                ],
            },
        ],
    }


def keep(cloud: FakeViam) -> None:
    """A saved query, pipelines that have run, sequences in a dataset that was exported."""
    part = cloud.default_part
    owner = {"organization_id": part.organization_id}
    warm = [bson.encode({"$match": {"component_name": "thermometer"}})]
    call(cloud, "CreateSavedQuery", name="warm", mql_binary=warm, **owner)
    cloud.clock.set("2026-03-05T12:30:00Z")
    for name, stages in (("hourly", [*warm, bson.encode({"$count": "n"})]), (EVIL, warm)):
        hourly = {"name": name, "schedule": "0 * * * *", "mql_binary": stages}
        call(cloud, "CreateDataPipeline", **hourly, **owner)
    cloud.clock.advance(hours=3)
    kind = {"name": "walks", "type": "DATASET_TYPE_SEQUENCE_DATA"}
    dataset = call(cloud, "CreateDataset", **kind, **owner).id
    start = int(datetime(2026, 3, 5, 12, tzinfo=timezone.utc).timestamp())
    window = {"start_time": {"seconds": start}, "end_time": {"seconds": start + 600}}
    resources = [
        {"resource_name": name, "method_name": "Readings"} for name in ("thermometer", "x")
    ]
    chosen = {"part_id": part.id, "resources": resources, "sequence_tags": ["walk", EVIL]}
    walk = call(cloud, "CreateSequence", **window, **chosen).id
    call(cloud, "AddSequencesToDataset", dataset_id=dataset, sequence_ids=[walk])
    call(cloud, "StartSequenceDatasetExport", dataset_id=dataset)
    cloud.clock.advance(seconds=5)
    dog = cloud.files.where(tag="indoor")[0].id
    cloud.snapshot("before")
    call(cloud, "AddTagsToBinaryDataByIDs", binary_data_ids=[dog], tags=["seen"])


def call(cloud: FakeViam, rpc: str, **fields: Any) -> Any:
    """Call an RPC."""

    async def ask() -> Any:
        method = next(each for each in methods() if each.name == rpc)
        channel = Channel(cloud.host, cloud.port)
        stub: Any = UnaryUnaryMethod(channel, method.path, method.request, method.response)
        try:
            return await stub(method.request(**fields))
        finally:
            channel.close()

    return asyncio.run(ask())


def make_smaller(folder: Path) -> None:
    """Give pictures few colours: text and flat areas need no more."""
    image = pytest.importorskip("PIL.Image", reason="the pictures are larger without Pillow")
    for path in folder.glob("*.png"):
        with image.open(path) as picture:
            few = picture.convert("RGB").quantize(256, image.Quantize.MAXCOVERAGE)
        few.save(path, optimize=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_in_chromium() -> None:
    """Nothing overflows, no error in the console, nothing from elsewhere, axe has no serious
    finding; a call appears as it ends, a fault that is planned is seen to fire (PA-1 … PA-4)."""
    browser = chromium()
    folder = modules("page", *PACKAGES)
    program = folder / PROGRAM.name  # Node looks for modules beside the program
    shutil.copyfile(PROGRAM, program)
    pictures = os.environ.get("FAKEVIAM_PAGE_PICTURES", "")
    with FakeViam(seed=1, load=seed()) as cloud:
        wanted = {"component_name": "cam", "tags_filter": {"tags": ["indoor"]}}
        call(cloud, "BinaryDataByFilter", data_request={"filter": wanted})
        call(cloud, "TabularDataByFilter", data_request={"filter": {"component_name": EVIL}})
        call(cloud, "BinaryDataByIDs", binary_data_ids=[cloud.files[0].id, "a/b/c"])
        keep(cloud)
        with subprocess.Popen(
            ["node", program.name, cloud.url, browser, pictures and str(Path(pictures).resolve())],
            cwd=folder,
            env=clean_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as looking:
            assert looking.stdin is not None
            assert looking.stdout is not None
            said: Any = None
            for line in looking.stdout:
                said = json.loads(line)
                if said == "watching":
                    call(cloud, "TagsByFilter")
                elif said == "planned":
                    with pytest.raises(GRPCError, match="UNAVAILABLE"):
                        call(cloud, "TagsByFilter")
                    print("called", file=looking.stdin, flush=True)
        assert said == {"faults": []}
        if pictures:
            make_smaller(Path(pictures))
        assert not cloud.crashes
