"""Files over HTTP: who gets them, ranges, names, links that end."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam
from fakeviam.web.downloads import _disposition
from fakeviam.web.problems import HttpProblem
from fakeviam.web.ranges import wanted_range
from fakeviam.wire import auth, data, datasync

from .browser import Browser, call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .browser import Reply

BYTES = b"0123456789"


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(auth="keys", clock=Clock.frozen("2026-01-01T00:00:00Z")) as cloud:
        yield cloud


class Files:
    """A client with a key, a file it uploaded, and what it downloads."""

    def __init__(self, cloud: FakeViam, token: str, metadata: data.BinaryMetadata) -> None:
        self.cloud = cloud
        self.token = token
        self.metadata = metadata
        self.key = {"key_id": cloud.api_key_id, "key": cloud.api_key}

    def get(self, url: str = "", method: str = "GET", **headers: str) -> Reply:
        parts = urlsplit(url or self.metadata.uri)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {name.replace("key-id", "key_id"): value for name, value in named.items()}
        return Browser(self.cloud).request(method, path, headers=named)

    def mine(self, method: str = "GET", **headers: str) -> Reply:
        return self.get("", method, **self.key, **headers)

    def signed(self, minutes: int | None = None) -> Any:
        fields = {} if minutes is None else {"expiration_minutes": minutes}
        name = self.metadata.binary_data_id
        return call(
            self.cloud, "CreateBinaryDataSignedURL", self.bearer, binary_data_id=name, **fields
        )

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


def uploaded(
    cloud: FakeViam,
    *,
    contents: bytes = BYTES,
    name: str = "a",
    ext: str = ".txt",
    chosen: Mapping[str, str] | None = None,
) -> Files:
    credentials = auth.Credentials(type="api-key", payload=cloud.api_key)
    login = call(cloud, "Authenticate", chosen, entity=cloud.api_key_id, credentials=credentials)
    bearer = {"authorization": f"Bearer {login.access_token}", **(chosen or {})}
    reply = call(
        cloud,
        "DataCaptureUpload",
        bearer,
        metadata=datasync.UploadMetadata(
            part_id=FakeViam.default_part.id,
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            file_name=name,
            file_extension=ext,
        ),
        sensor_contents=[datasync.SensorData(binary=contents)],
    )
    ids = [reply.binary_data_id]
    found = call(cloud, "BinaryDataByIDs", bearer, binary_data_ids=ids)
    return Files(cloud, login.access_token, found.data[0].metadata)


def test_who_gets_a_file(cloud: FakeViam) -> None:
    """By a token or by a key in two headers, as the CLI does; nobody else (DL-1, DL-3, A52)."""
    files = uploaded(cloud)
    assert files.metadata.uri.startswith(f"{cloud.url}/files/")
    for headers in (files.key, files.bearer):
        reply = files.get(**headers)
        assert (reply.status, reply.body) == (200, BYTES)
    alone = {"key": cloud.api_key}
    for headers in ({}, alone, {**files.key, "key": "wrong"}, {"authorization": "Bearer wrong"}):
        reply = files.get(**headers)
        assert reply.status == 401
        assert "both headers, key_id and key" in reply.error["hint"]
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert "[AU-4]" in reply.error["what"]
    other = cloud.fleet.add_part("x", robot="r", location="l", organization="acme")
    key = cloud.add_api_key(organizations=other.organization_id)
    assert (files.get(key_id=key.id, key=key.key)).status == 403
    viewer = cloud.add_api_key(organizations=FakeViam.default_part.organization_id, role="operator")
    assert (files.get(key_id=viewer.id, key=viewer.key)).status == 200


def test_what_is_no_file(cloud: FakeViam) -> None:
    """404, and nothing beside the files can be had (DL-3)."""
    files = uploaded(cloud)
    for path in ("a/b", "../healthz", "..%2f..%2fetc%2fpasswd", f"{files.metadata.id}", "a/b/c/d"):
        reply = files.get(f"/files/{path}", **files.key)
        assert (reply.status, list(reply.error)) == (404, ["what", "hint"]), path
    reply = files.mine("POST")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=2-4", 206, b"234"),
        ("Bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-99", 206, BYTES),
        ("bytes=0-999999999999999999999999", 206, BYTES),
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=0-1,4-5", 200, BYTES),
        ("bytes=5-2", 200, BYTES),
        ("lines=1-2", 200, BYTES),
        ("bytes=-", 200, BYTES),
    ],
)
def test_ranges(cloud: FakeViam, asked: str, status: int, content: bytes | None) -> None:
    """So that players can seek and downloads go on (DL-2, DL-3)."""
    reply = (uploaded(cloud)).mine(range=asked)
    assert reply.status == status
    if content is None:
        assert reply.headers["content-range"] == "bytes */10"
    else:
        assert reply.body == content
    if status == 206:
        start = BYTES.index(content or b"")
        assert reply.headers["content-range"] == f"bytes {start}-{start + len(reply.body) - 1}/10"


def test_conditions(cloud: FakeViam) -> None:
    """What the client has already is not sent again (DL-2)."""
    files = uploaded(cloud)
    whole = files.mine("HEAD", range="bytes=1-2")
    assert (whole.status, whole.body, whole.headers["content-length"]) == (200, b"", "10")
    tag, date = whole.headers["etag"], whole.headers["last-modified"]
    assert date == "Thu, 01 Jan 2026 00:00:00 GMT"
    for headers, status in (
        ({"if_none_match": f'"x", W/{tag}'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"x"'}, 200),
        ({"if_modified_since": date}, 304),
        ({"if_modified_since": formatdate(0, usegmt=True)}, 200),
        ({"if_modified_since": "some day"}, 200),
        ({"if_range": tag, "range": "bytes=1-2"}, 206),
        ({"if_range": date, "range": "bytes=1-2"}, 206),
        ({"if_range": '"x"', "range": "bytes=1-2"}, 200),
        ({"if_match": '"x", "y"'}, 412),
        ({"if_match": f"W/{tag}"}, 412),
        ({"if_match": f'"x", {tag}', "range": "bytes=1-2"}, 206),
        ({"if_match": "*"}, 200),
        ({"if_unmodified_since": formatdate(0, usegmt=True)}, 412),
        ({"if_unmodified_since": date}, 200),
    ):
        assert (files.mine(**headers)).status == status, headers


@pytest.mark.parametrize(
    ("name", "plain", "exact"),
    [
        ("a.txt", "a.txt", "a.txt"),
        ("a", "a.txt", "a.txt"),
        ('day=1/sub\\bä"h%.txt', "b__h_.txt", "b%C3%A4%22h%25.txt"),
        ("x\r\ny", "xy.txt", "xy.txt"),
    ],
)
def test_names_and_types(cloud: FakeViam, name: str, plain: str, exact: str) -> None:
    """As RFC 6266 says; a file cannot act for the address that it comes from (DL-4)."""
    reply = (uploaded(cloud, name=name)).mine()
    told = f"inline; filename=\"{plain}\"; filename*=UTF-8''{exact}"
    assert reply.headers["content-disposition"] == told
    assert reply.headers["content-type"] == "text/plain"
    assert reply.headers["content-security-policy"] == "sandbox"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_signed_links(cloud: FakeViam) -> None:
    """They need no key, end by the fake's clock, and cannot be made up (SG-1, DL-3)."""
    files = uploaded(cloud)
    made = files.signed()
    assert made.expires_at.ToJsonString() == "2026-01-01T00:15:00Z"
    url = made.signed_url
    assert (files.get(url)).body == BYTES
    for wrong in (url[:-1] + "x", url.replace("expires=1", "expires=2")):
        assert (files.get(wrong)).status == 403
    cloud.clock.advance(minutes=15)
    expired = files.get(url)
    assert (expired.status, expired.error["what"]) == (410, "this link has expired [DL-3]")
    url = (files.signed(10_080)).signed_url
    ids = [files.metadata.binary_data_id]
    call(cloud, "DeleteBinaryDataByIDs", files.bearer, binary_data_ids=ids)
    assert (files.get(url)).status == 410
    assert (files.mine()).status == 404


@pytest.mark.parametrize("minutes", [0, 10_081, 2**32 - 1])
def test_minutes_of_signed_links(cloud: FakeViam, minutes: int) -> None:
    """Out of bounds is an error (SG-2)."""
    with pytest.raises(Exception, match=rf"from 1 to 10080, got {minutes} \[SG-2\]"):
        (uploaded(cloud)).signed(minutes)


def test_links_to_what_does_not_exist(cloud: FakeViam) -> None:
    """Are not made (SG-3)."""
    files = uploaded(cloud)
    files.metadata.binary_data_id += "x"
    with pytest.raises(Exception, match=r"no binary data .* \[SG-3\]"):
        files.signed()


def test_sessions_have_links_of_their_own(cloud: FakeViam) -> None:
    """Which end with them (DL-1, SS-1, SS-3)."""
    with cloud.session("one") as session:
        files = uploaded(cloud, chosen=session.metadata)
        assert files.metadata.uri.endswith("?session=one")
        files.key = {"key_id": session.api_key_id, "key": session.api_key}
        assert (files.mine()).body == BYTES
        bare = files.metadata.uri.partition("?")[0]
        assert (files.get(bare, **files.bearer)).body == BYTES  # by its token
    assert (files.mine()).status == 410


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_ranges_are_slices(size: int, first: int, last: int) -> None:
    """For every size and every range (DL-2)."""
    whole = bytes(range(size))
    for header, wanted in (
        (f"bytes={first}-{last}", whole[first : last + 1]),
        (f"bytes={first}-", whole[first:]),
        (f"bytes=-{last}", whole[max(size - last, 0) :]),
    ):
        if not wanted and not (f"{first}-{last}" in header and last < first):
            with pytest.raises(HttpProblem) as caught:
                wanted_range(header, size)
            assert caught.value.status == 416
        else:
            found = wanted_range(header, size)
            assert (last < first) if found is None else whole[slice(*found)] == wanted


def test_names_that_no_header_holds(web: Browser) -> None:
    """What would end a header goes, and so does what is longer than file systems hold (DL-2)."""
    for name, extension in [("a\r\nb", ".e\r\nset-cookie: a=b"), ("x" * 100_000, ".t\0xt")]:
        seed = {"files": [{"name": "f.txt", "data": "aGVsbG8="}]}
        web.cloud.load(seed)
        file = web.cloud.files.last()
        store = web.cloud._cloud.store
        (record,) = store.find_binary([file.file_id])
        assert record is not None
        odd = replace(record, file_name=name, file_ext=extension)
        shown = _disposition(odd)
        assert shown.isprintable()
        assert len(shown) < 1000
    dates = ("Fri, 27 Nov 99999999999 00:00:00 GMT", "Mon, 01 Jan 2000 00:00:00 +9999999999999")
    for date in dates:
        reply = web.request("GET", f"/ui/bytes/{file.id}", headers={"if-modified-since": date})
        assert reply.status == 200


def test_who_leaves_in_the_middle_is_sent_no_more(
    cloud: FakeViam, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does the log hear of each piece that nobody takes (DL-1, SV-11)."""
    files = uploaded(cloud, contents=bytes(30_000_000))
    parts = urlsplit(files.metadata.uri)
    lines = [f"GET {parts.path} HTTP/1.1", "host: x", f"authorization: Bearer {files.token}"]
    for _ in range(3):
        with socket.create_connection((cloud.host, cloud.port), timeout=30) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.sendall("\r\n".join([*lines, "", ""]).encode())
            assert line.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert files.mine().body == bytes(30_000_000)
    assert caplog.messages == []
