"""Snapshots, resets, archives and keys over HTTP."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from fakeviam.archive.files import NO_ROOM
from fakeviam.web.routes.archives import TAR_TYPE

from .browser import ROOT, Reply, call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .browser import Browser
    from .conftest import Open

ORGANIZATION = "f4ce0000-0000-4000-8000-0000000000a1"


def datasets(web: Browser, session: str = "") -> list[str]:
    """Names of the datasets there are."""
    told = {"fakeviam-session": session} if session else None
    found = call(web.cloud, "ListDatasetsByOrganizationID", told, organization_id=ORGANIZATION)
    return sorted(each.name for each in found.datasets)


def add(web: Browser, name: str) -> None:
    call(web.cloud, "CreateDataset", name=name, organization_id=ORGANIZATION)


def test_a_snapshot_brings_back_what_there_was(web: Browser) -> None:
    """By its id or by its name, as often as you like (SN-1, HT-5)."""
    add(web, "one")
    first = web.send("POST", "/snapshots")
    assert (first.status, first.json["id"], first.json["name"]) == (201, "s1", "")
    assert web.send("POST", "/snapshots", {"name": "named"}).json["id"] == "s2"
    for asked in ("s1", "named", "s2"):
        add(web, "two")
        assert web.send("POST", f"/snapshots/{asked}/restore").status == 200
        assert datasets(web) == ["one"]
    assert [each["id"] for each in web.get("/snapshots")["snapshots"]] == ["s1", "s2"]


def test_a_snapshot_can_be_forgotten(web: Browser) -> None:
    """Then it is not found (HT-4)."""
    web.send("POST", "/snapshots", {"name": "named"})
    assert web.send("DELETE", "/snapshots/named").json["id"] == "s1"
    reply = web.send("POST", "/snapshots/named/restore")
    assert reply.status == 404
    assert reply.error == {
        "what": "there is no snapshot 'named'",
        "field": "snapshot",
        "value": "named",
        "hint": "none exist",
    }
    web.send("POST", "/snapshots", {"name": "again"})
    assert web.send("DELETE", "/snapshots/x").error["hint"] == "existing: again"


def test_a_name_is_given_once(web: Browser) -> None:
    """And no name is another's id (HT-4)."""
    web.send("POST", "/snapshots", {"name": "named"})
    texts = {
        "named": "a snapshot named 'named' already exists",
        "s1": "'s1' is the id of the snapshot 'named'",
    }
    for name, text in texts.items():
        reply = web.send("POST", "/snapshots", {"name": name})
        assert reply.status == 409
        assert reply.error["what"] == text
    assert len(web.get("/snapshots")["snapshots"]) == 1


def test_each_session_has_its_own_snapshots(web: Browser) -> None:
    """They end with it (HT-5)."""
    web.send("POST", "/sessions", {"name": "one"})
    one = web.on("one")
    one.send("POST", "/snapshots", {"name": "mine"})
    assert web.get("/snapshots")["snapshots"] == []
    assert web.send("POST", "/snapshots/mine/restore").status == 404
    web.send("DELETE", "/sessions/one")
    web.send("POST", "/sessions", {"name": "one"})
    assert one.get("/snapshots")["snapshots"] == []


def test_a_reset_tells_what_it_dropped(web: Browser) -> None:
    """In numbers (SN-3, HT-5)."""
    add(web, "one")
    web.cloud.faults.on("FileUpload").status("ABORTED")
    receipt = web.send("POST", "/reset").json
    assert receipt["datasets"] == 1
    assert receipt["calls"] == 1
    assert receipt["planned_faults"] == 1
    assert datasets(web) == []
    assert web.get("/faults")["faults"] == []


def test_an_archive_travels_between_servers(web: Browser, browse: Open) -> None:
    """As it is at one moment, and in place of everything else (AR-1, HT-5)."""
    add(web, "one")
    file_id = call(
        web.cloud,
        "DataCaptureUpload",
        metadata={"part_id": web.cloud.default_part.id, "type": 1, "file_extension": ".txt"},
        sensor_contents=[{"binary": b"hello"}],
    ).binary_data_id
    packed = web.request("GET", f"{ROOT}/archive")
    assert packed.headers["content-type"] == TAR_TYPE
    other = browse(seed=2)
    add(other, "gone")
    reply = other.request("POST", f"{ROOT}/archive", packed.body, {"content-type": TAR_TYPE})
    assert reply.json == {"binary_records": 1, "readings": 0, "datasets": 1}
    assert datasets(other) == ["one"]
    found = call(other.cloud, "BinaryDataByIDs", binary_data_ids=[file_id], include_binary=True)
    assert found.data[0].binary == b"hello"


def sent(web: Browser, body: bytes) -> Reply:
    return web.request("POST", f"{ROOT}/archive", body, {"content-type": TAR_TYPE})


def tar_of(*members: tarfile.TarInfo) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for member in members:
            tar.addfile(member)
    return held.getvalue()


def link(name: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return made


def sparse(name: str) -> tarfile.TarInfo:
    """One that says in its head that it has 1 TiB of nothing."""
    made = tarfile.TarInfo(name)
    made.pax_headers = {
        "GNU.sparse.size": str(1 << 40),
        "GNU.sparse.map": f"{1 << 40},0",
        "GNU.sparse.name": name,
    }
    return made


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (b"no tar", 400, "the body is not a tar: "),
        (tar_of(), 422, "there is no fakeviam archive in the tar"),
        (tar_of(tarfile.TarInfo("a")), 422, "there is no fakeviam archive in the tar"),
        (tar_of(tarfile.TarInfo("../a")), 422, "the tar has a member outside the archive: '../a'"),
        (tar_of(tarfile.TarInfo("/a")), 422, "the tar has a member outside the archive: '/a'"),
        (tar_of(link("a")), 422, "the tar has a member that is not a regular file: 'a'"),
        (
            tar_of(tarfile.TarInfo("a" * 999)),
            422,
            "the tar has a member that cannot be a file, File name too long: 'aaaa",
        ),
        (tar_of(tarfile.TarInfo("a"), tarfile.TarInfo("a/b")), 422, "the tar has a member that"),
        (tar_of(sparse("a")), 422, "the tar has a member that is not a regular file: 'a'"),
    ],
)
def test_what_is_no_archive_changes_nothing(
    web: Browser, body: bytes, status: int, what: str
) -> None:
    """And writes nothing outside of its own folder (AR-2, HT-4)."""
    add(web, "one")
    reply = sent(web, body)
    assert reply.status == status
    assert reply.error["what"].startswith(what)
    assert datasets(web) == ["one"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.thinned(3)
def test_a_compressed_archive_and_a_bomb(web: Browser, pack: Callable[[bytes], bytes]) -> None:
    """The one is read; the other is refused before it fills the disk (AR-2, HT-4)."""
    add(web, "one")
    packed = pack(web.request("GET", f"{ROOT}/archive").body)
    add(web, "two")
    bomb = sent(web, pack(bytes(65 * 1024 * 1024)))
    assert (bomb.status, bomb.error["what"]) == (
        413,
        "the tar is too large: it is compressed from more than 67108864 bytes",
    )
    assert sent(web, packed[:-30]).status == 400
    assert datasets(web) == ["one", "two"]
    assert sent(web, packed).status == 200
    assert datasets(web) == ["one"]


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EACCES, 503)])
def test_archives_without_room_for_them(
    web: Browser, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    """Both ways: that is the server's trouble, and no bug (AR-2, HT-4)."""
    packed = web.request("GET", f"{ROOT}/archive").body

    def make(*_: object) -> None:
        raise OSError(number, os.strerror(number), "place")

    monkeypatch.setattr("tempfile.mkdtemp", lambda *_, **__: make())
    replies = [web.request("GET", f"{ROOT}/archive"), sent(web, packed)]
    monkeypatch.undo()
    monkeypatch.setattr("shutil.copyfileobj", make)  # while it is unpacked
    if number in NO_ROOM:
        replies.append(sent(web, packed))
    for reply in replies:
        what = f"the server cannot use its files: {os.strerror(number)}"
        assert (reply.status, reply.error["what"]) == (status, what)


def test_a_damaged_archive_changes_nothing(web: Browser) -> None:
    """However far it was read (AR-2, HT-4)."""
    add(web, "one")
    packed = web.request("GET", f"{ROOT}/archive").body
    add(web, "two")
    assert b'"one"' in packed
    reply = sent(web, packed.replace(b'"one"', b'"ene"'))
    assert reply.status == 422
    assert datasets(web) == ["one", "two"]


def test_keys_are_made_listed_and_revoked(web: Browser) -> None:
    """They are keys of the session that the header names (HT-5)."""
    told = {"organizations": [ORGANIZATION], "role": "operator", "expires_in": 60}
    made = web.send("POST", "/api-keys", told)
    assert made.status == 201
    assert made.json["organization_ids"] == [ORGANIZATION]
    assert made.json["role"] == "operator"
    assert made.json["expires"]
    listed = web.get("/api-keys")["api_keys"]
    assert [each["id"] for each in listed] == [web.cloud.api_key_id, made.json["id"]]
    assert web.send("DELETE", f"/api-keys/{made.json['id']}").json == made.json
    assert web.send("DELETE", f"/api-keys/{made.json['id']}").status == 404
    both = {**told, "expires": "2030-01-01"}
    assert web.send("POST", "/api-keys", both).error["what"] == (
        "expires and expires_in cannot be combined"
    )
    late = {**told, "expires_in": 1e300}
    assert web.send("POST", "/api-keys", late).error["field"] == "expires_in"
