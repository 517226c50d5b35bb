"""Seeds over HTTP."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from fakeviam import seeds

from .browser import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

    from .browser import Browser

LINES = {"content-type": "application/x-ndjson"}

SEED = {
    "organizations": [
        {
            "name": "acme",
            "locations": [{"name": "lab", "robots": [{"name": "arm", "parts": ["arm-main"]}]}],
        }
    ],
    "files": [
        {
            "part": "arm-main",
            "each": {"a.txt": {"data": base64.b64encode(b"hello").decode(), "tags": ["x"]}},
        }
    ],
}


def test_a_seed_comes_in_lines_with_its_files(web: Browser, tmp_path: Path) -> None:
    """As `fakeviam seed` sends it; everything is there at once (HT-5)."""
    (tmp_path / "a.txt").write_bytes(b"hello")
    path = tmp_path / "lab.yaml"
    path.write_text("files: [{files: '*.txt', tags: x}]", encoding="utf-8")
    body = b"".join(seeds.inlined(seeds.read(path)))
    reply = web.request("POST", f"{ROOT}/seed", body, LINES)
    assert reply.status == 201, reply.body
    (file_id,) = reply.json["binary_data_ids"]
    assert reply.json["files"] == {"a.txt": file_id}
    found = call(web.cloud, "BinaryDataByIDs", binary_data_ids=[file_id], include_binary=True)
    assert found.data[0].binary == b"hello"


def test_a_seed_goes_where_the_session_is(web: Browser, tmp_path: Path) -> None:
    """And nowhere else (HT-5)."""
    session = web.cloud.session("one")
    path = tmp_path / "lab.json"
    path.write_text('{"datasets": [{"name": "dogs"}]}', encoding="utf-8")
    body = b"".join(seeds.inlined(seeds.read(path)))
    reply = web.on("one").request("POST", f"{ROOT}/seed", body, LINES)
    assert reply.status == 201, reply.body
    dataset_id = reply.json["datasets"]["dogs"]
    told = {"fakeviam-session": session.name}
    assert call(web.cloud, "ListDatasetsByIDs", told, ids=[dataset_id]).datasets[0].name == "dogs"


def test_a_wrong_seed_changes_nothing(web: Browser) -> None:
    """The text says what is wrong, and where (HT-4)."""
    lines = [{"fakeviam_seed": 1}, {"dataset": {"name": "dogs"}}, {"dataset": {}}]
    body = b"\n".join(json.dumps(line).encode() for line in lines)
    reply = web.request("POST", f"{ROOT}/seed", body, LINES)
    assert reply.status == 422
    assert reply.error["what"].splitlines()[-1].startswith("seed:3: ")
    assert call(web.cloud, "ListDatasetsByOrganizationID").datasets == []
    reply = web.send("POST", "/seed", {"data-sets": []})
    assert reply.status == 422
    assert reply.error["hint"].startswith("files cannot be named here")


def test_a_seed_must_say_what_it_is(web: Browser) -> None:
    """By its content type (HT-4)."""
    reply = web.request("POST", f"{ROOT}/seed", "datasets: []", {"content-type": "text/yaml"})
    assert reply.status == 415
    assert (
        web.request("POST", f"{ROOT}/seed", "{", {"content-type": "application/json"}).status == 400
    )


def test_a_seed_may_come_in_pieces(web: Browser) -> None:
    """Of unknown length, as long as they come (HT-5)."""
    pieces = iter([b'{"fakeviam_', b'seed": 1}\n{"dataset": {"name": "do', b'gs"}}'])
    reply = web.request("POST", f"{ROOT}/seed", pieces, LINES)
    assert reply.status == 201, reply.body
    assert "dogs" in reply.json["datasets"]
