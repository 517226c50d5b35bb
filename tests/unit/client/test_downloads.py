"""Files by HTTP: over links that break, from servers of odd habits, and in place of replies."""

# ruff: noqa: ASYNC240 - paths of a test's own folder

from __future__ import annotations

import asyncio
import os
import re
import tracemalloc
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from fakeviam_client import DownloadError, _downloading, _http, connect
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam
from fakeviam.wire import data as wire

from .links import Link, answer, answering, breaking
from .servers import law, scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fakeviam_client import DataClient

TAG = '"one"'


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloading, "_PAUSES", (0,) * 5)


@asynccontextmanager
async def linked(**options: Any) -> AsyncIterator[tuple[FakeViam, Link, DataClient]]:
    """A fake, a link to it that breaks as it is told, and a client at its end."""
    async with (
        FakeViam(seed=5, **options) as cloud,
        breaking(cloud.host, cloud.port) as link,
        connect(link.target) as client,
    ):
        yield cloud, link, client


async def uploaded(client: DataClient, contents: bytes) -> str:
    part_id = FakeViam.default_part.id
    return await client.file_upload(part_id=part_id, data=contents, file_extension=".bin")


def ranges(link: Any) -> list[bytes]:
    return [each for head in link.heads for each in re.findall(rb"range: bytes=(\d+-)", head)]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.asyncio
async def test_a_file_comes_with_its_progress(client: DataClient, tmp_path: Path) -> None:
    """It is all of it, what is said never goes back, and nothing else is left (DL-1, SG-1)."""
    contents = os.urandom(1_000_003)
    name = await uploaded(client, contents)
    dest, told = tmp_path / "f", []
    dest.write_bytes(b"old")
    record = await client.download(name, dest, progress=lambda *now: told.append(now))
    assert dest.read_bytes() == contents
    assert (record.metadata.binary_data_id, record.data) == (name, b"")
    assert told == sorted(told)
    assert told[-1] == (len(contents), len(contents))
    assert {total for _, total in told} == {len(contents)}
    assert left_in(tmp_path) == ["f"]


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.asyncio
async def test_small_files(client: DataClient, tmp_path: Path, size: int) -> None:
    """Empty ones, too (DL-1)."""
    name = await uploaded(client, b"x" * size)
    await client.download(name, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"x" * size


@given(
    size=st.integers(1, 3000),
    cuts=st.lists(st.integers(0, 3500), max_size=4),
)
@law(15)
def test_a_download_survives_cuts_at_any_byte(size: int, cuts: list[int]) -> None:
    """Four in a row that bring nothing, and more of those that do (DL-2)."""
    contents = bytes(at % 251 for at in range(size))

    async def download() -> None:
        async with linked() as (_, link, client):
            name = await uploaded(client, contents)
            link.cuts += cuts
            with TemporaryDirectory() as folder:
                await client.download(name, Path(folder, "f"))
                assert Path(folder, "f").read_bytes() == contents
                assert left_in(Path(folder)) == ["f"]

    asyncio.run(download())


@pytest.mark.asyncio
async def test_a_later_call_goes_on_where_an_earlier_one_gave_up(tmp_path: Path) -> None:
    """The destination stays as it was until all is there (DL-2)."""
    contents = os.urandom(100_000)
    async with linked() as (_, link, client):
        name = await uploaded(client, contents)
        dest = tmp_path / "f"
        dest.write_bytes(b"old")
        link.cuts += [50_000, 0, 0, 0, 0, 0]
        with pytest.raises(ConnectionError, match=r"after \d+ of 100000 bytes: .*goes on from"):
            await client.download(name, dest)
        assert dest.read_bytes() == b"old"
        part, note = sorted(set(left_in(tmp_path)) - {"f"})
        have = (tmp_path / part).stat().st_size
        assert 0 < have < 50_000
        assert note == f"{part}.etag"
        link.heads.clear()
        told: list[Any] = []
        await client.download(name, dest, progress=lambda *now: told.append(now))
        assert ranges(link) == [b"%d-" % have]
        assert dest.read_bytes() == contents
        assert left_in(tmp_path) == ["f"]
        assert told[-1] == (100_000, 100_000)


@pytest.mark.asyncio
async def test_what_is_left_of_another_file_is_not_gone_on_with(tmp_path: Path) -> None:
    """The server sees by the ETag, and sends everything (DL-2)."""
    async with linked() as (_, link, client):
        name = await uploaded(client, b"0123456789" * 1000)
        link.cuts += [5_000, 0, 0, 0, 0, 0]
        with pytest.raises(ConnectionError):
            await client.download(name, tmp_path / "f")
        (note,) = tmp_path.glob("*.etag")
        note.write_text('"another"')
        await client.download(name, tmp_path / "f")
        assert (tmp_path / "f").read_bytes() == b"0123456789" * 1000


@pytest.mark.asyncio
async def test_without_resume_nothing_is_left(tmp_path: Path) -> None:
    """And nothing is gone on with (DL-2)."""
    async with linked() as (_, link, client):
        name = await uploaded(client, b"x" * 10_000)
        link.cuts += [5_000, 0, 0, 0, 0, 0]
        with pytest.raises(ConnectionError):
            await client.download(name, tmp_path / "f", resume=False)
        assert left_in(tmp_path) == []


@pytest.mark.asyncio
async def test_a_link_that_ends_on_the_way_is_renewed(tmp_path: Path) -> None:
    """By the clock of the fake (SG-1, DL-3)."""
    async with linked(clock=Clock.frozen("2026-01-01")) as (cloud, link, client):
        name = await uploaded(client, b"0123456789" * 1000)
        link.cuts += [5_000]
        moved: list[bool] = []

        def tell(_done: int, _total: int | None) -> None:
            if not moved:
                moved.append(True)
                cloud.clock.advance(days=1)

        await client.download(name, tmp_path / "f", progress=tell)
        assert (tmp_path / "f").read_bytes() == b"0123456789" * 1000
        assert len([call for call in cloud.calls if "Signed" in call.rpc]) == 2


@pytest.mark.asyncio
async def test_no_file_no_folder_no_right(client: DataClient, tmp_path: Path) -> None:
    """Typed errors, before anything is written (DL-3)."""
    name = await uploaded(client, b"x")
    with pytest.raises(FileExistsError, match="is a directory; name a file in it"):
        await client.download(name, tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        await client.download(name, tmp_path / "none" / "f")
    for dest in (None, 3):
        with pytest.raises(TypeError, match="dest must be"):
            await client.download(name, dest)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="progress must be a callable"):
        await client.download(name, tmp_path / "f", progress=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary_id must be"):
        await client.download(3, tmp_path / "f")  # type: ignore[arg-type]
    with pytest.raises(DownloadError, match=r"no file has the id '.*abc'"):
        await client.download(f"{name[:-3]}abc", tmp_path / "f")
    assert left_in(tmp_path) == []


@pytest.mark.asyncio
async def test_two_at_once_do_not_mix(client: DataClient, tmp_path: Path) -> None:
    """The second is refused while the first writes (DL-2)."""
    name = await uploaded(client, b"x" * 500_000)
    refused: list[BaseException] = []

    async def second() -> None:
        try:
            await client.download(name, tmp_path / "f")
        except DownloadError as error:
            refused.append(error)

    others: list[asyncio.Future[None]] = []

    def tell(_done: int, _total: int | None) -> None:
        if not others:
            others.append(asyncio.ensure_future(second()))

    await client.download(name, tmp_path / "f", progress=tell)
    await asyncio.gather(*others)
    assert (tmp_path / "f").stat().st_size == 500_000
    assert all("another download of the same file is writing" in str(each) for each in refused)


@pytest.mark.asyncio
async def test_a_fake_without_a_port_sends_the_bytes_in_a_reply(tmp_path: Path) -> None:
    """There is no other way (SG-1)."""
    async with FakeViam(port=None) as cloud, connect(cloud.target) as client:
        name = await uploaded(client, b"x" * 10)
        await client.download(name, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"x" * 10


@pytest.mark.asyncio
async def test_over_tls(tmp_path: Path) -> None:
    """With the CA that the client knows (TL-1)."""
    async with (
        FakeViam(tls=True, auth="keys") as cloud,
        connect(
            cloud.target,
            ca_file=cloud.ca_file,
            api_key=cloud.api_key,
            api_key_id=cloud.api_key_id,
        ) as client,
    ):
        name = await uploaded(client, b"x" * 300_000)
        await client.download(name, tmp_path / "f")
        assert (tmp_path / "f").stat().st_size == 300_000
        client._ca_file = ""
        with pytest.raises(ConnectionError, match="its certificate is not trusted"):
            await client.download(name, tmp_path / "g")


@pytest.mark.asyncio
async def test_bytes_that_are_too_many_for_a_reply_come_by_http() -> None:
    """By ids, by filter and one by one (BI-6, DL-1)."""
    async with FakeViam(policy="strict") as cloud, connect(cloud.target) as client:
        large = os.urandom(5_000_000)
        names = [await uploaded(client, each) for each in (large, b"small")]
        found = await client.binary_data_by_ids(names)
        assert [each.data for each in found] == [large, b"small"]
        listed = await client.binary_data_by_filter()
        assert [each.data for each in listed] == [b"small", large]
        assert [len(each.data) async for each in client.iter_binary_data_by_filter()] == [
            5,
            5_000_000,
        ]


@pytest.mark.asyncio
async def test_what_cannot_be_had_by_http_either_is_refused_as_it_was() -> None:
    """With the words of the first refusal (BI-6)."""

    def refuse(_: Any) -> Any:
        raise GRPCError(Status.RESOURCE_EXHAUSTED, "slow down")

    async with scripted(BinaryDataByIDs=refuse) as (client, script):
        with pytest.raises(GRPCError, match="slow down"):
            await client.binary_data_by_ids(["a/b/c"])
    assert [each.include_binary for each in script.requests("BinaryDataByIDs")] == [True, False]


# Servers that do odd things ---------------------------------------------------------------


async def from_server(dest: Path, size: int, *answers: bytes, links: int = 1) -> list[bytes]:
    """Download a file of so many bytes from a server of these answers; the heads it got."""
    made: list[str] = []
    async with answering(*answers) as files:

        def sign(_: Any) -> Any:
            made.append(files.url)
            return wire.CreateBinaryDataSignedURLResponse(signed_url=files.url)

        def describe(_: Any) -> Any:
            reply = wire.BinaryDataByIDsResponse()
            metadata = reply.data.add().metadata
            metadata.binary_data_id, metadata.file_size_bytes = "a/b/c", size
            return reply

        answers_of: Any = {"BinaryDataByIDs": describe, "CreateBinaryDataSignedURL": sign}
        async with scripted(**answers_of) as (client, _):
            await client.download("a/b/c", dest)
        assert len(made) == links
        return files.heads


@pytest.mark.asyncio
async def test_a_server_that_knows_no_ranges(tmp_path: Path) -> None:
    """It sends everything again (DL-2)."""
    whole = answer("200 OK", b"0123456789", etag=TAG)
    heads = await from_server(tmp_path / "f", 10, whole[:-4], whole)
    assert b"range: bytes=6-" in heads[1]
    assert b'if-range: "one"' in heads[1]
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.asyncio
async def test_a_server_without_strong_etags(tmp_path: Path) -> None:
    """Parts of what may be two files are not put together (DL-2)."""
    whole = answer("200 OK", b"0123456789", etag=f"W/{TAG}")
    heads = await from_server(tmp_path / "f", 10, whole[:-4], whole)
    assert b"range:" not in heads[1]
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    "second",
    [
        answer("206 Partial Content", b"9", content_range="bytes 9-9/10", etag=TAG),
        answer("206 Partial Content", b"6789", content_range="bytes 6-9/10", etag='"other"'),
        answer("206 Partial Content", b"6789", content_range="nonsense"),
        answer("416 Range Not Satisfiable", content_range="bytes */3"),
        answer("503 Service Unavailable"),
        b"",
        b"nonsense\r\n\r\n",
    ],
)
@pytest.mark.asyncio
async def test_an_answer_that_does_not_fit_is_not_used(tmp_path: Path, second: bytes) -> None:
    """Another attempt brings the file (DL-2)."""
    whole = answer("200 OK", b"0123456789", etag=TAG)
    await from_server(tmp_path / "f", 10, whole[:-4], second, whole)
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.asyncio
async def test_a_part_that_is_all_of_the_file_is_taken(tmp_path: Path) -> None:
    """As after a kill just before the end (DL-2)."""
    whole = answer("200 OK", b"0123456789", etag=TAG, content_length="11")
    past = answer("416 Range Not Satisfiable", content_range="bytes */10")
    await from_server(tmp_path / "f", 10, whole, past)
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.asyncio
async def test_redirects_are_followed(tmp_path: Path) -> None:
    """But not round in circles (DL-1)."""
    moved = answer("302 Found", location="/g?x=1")
    heads = await from_server(tmp_path / "f", 1, moved, answer("200 OK", b"x"))
    assert heads[1].startswith(b"GET /g?x=1 HTTP/1.1\r\n")
    with pytest.raises(DownloadError, match="redirects more than 5 times"):
        await from_server(tmp_path / "g", 1, moved)
    with pytest.raises(DownloadError, match="the link is none of HTTP: ftp://h/"):
        await from_server(tmp_path / "g", 1, answer("302 Found", location="ftp://h/?secret"))


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("/caf\xc3\xa9 1.jpg?n=\xc3\xa9", b"/caf%C3%A9%201.jpg?n=%C3%A9"),
        ('/\xff|"%41', b"/%FF%7C%22%41"),
        ("//u:p@127.0.0.1:{port}/g", b"/g"),
    ],
)
@pytest.mark.asyncio
async def test_links_with_names_of_any_letters(tmp_path: Path, location: str, asked: bytes) -> None:
    """Are escaped where HTTP needs it, and nowhere else (DL-1)."""
    async with answering(answer("200 OK", b"x")) as files:
        port = urlsplit(files.url).port
        there = location.format(port=port)
        moved = answer("302 Found").replace(b"\r\n\r\n", b"\r\nlocation: %s\r\n\r\n")
        moved = moved.replace(b"%s", there.encode("latin-1"))
        heads = await from_server(tmp_path / "f", 1, moved, answer("200 OK", b"x"))
    heads = heads[1:] or files.heads
    assert heads[0].startswith(b"GET %s HTTP/1.1\r\n" % asked)
    assert re.search(rb"\r\nhost: 127\.0\.0\.1:\d+\r\n", heads[0])
    assert (tmp_path / "f").read_bytes() == b"x"


@pytest.mark.parametrize("bad", ["http://h:99999/", "http://[::1/", "http://h:x/"])
@pytest.mark.asyncio
async def test_links_that_are_none(tmp_path: Path, bad: str) -> None:
    """A sentence that names it, and nothing is left (DL-3)."""
    with pytest.raises(DownloadError, match=rf"the link is no URL: {re.escape(bad)}: ."):
        await from_server(tmp_path / "f", 1, answer("302 Found", location=f"{bad}?secret"))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden"])
@pytest.mark.asyncio
async def test_a_link_that_ends_in_the_middle(tmp_path: Path, status: str) -> None:
    """Another goes on where the first ended, if it is the same file by then (DL-2, DL-3)."""
    whole = answer("200 OK", b"0123456789", etag=TAG)
    rest = answer("206 Partial Content", b"6789", content_range="bytes 6-9/10", etag=TAG)
    heads = await from_server(tmp_path / "f", 10, whole[:-4], answer(status), rest, links=2)
    for head in heads[1:]:
        assert b"range: bytes=6-" in head
        assert b'if-range: "one"' in head
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.asyncio
async def test_nothing_is_left_of_what_cannot_be_gone_on_with(tmp_path: Path) -> None:
    """A file that is gone by now, and one of which nothing came (DL-3)."""
    whole = answer("200 OK", b"0123456789", etag=TAG)
    with pytest.raises(DownloadError, match="404"):
        await from_server(tmp_path / "f", 10, whole[:-4], answer("404 Not Found"))
    with pytest.raises(ConnectionError):
        await from_server(tmp_path / "f", 10, b"")
    assert left_in(tmp_path) == []
    with pytest.raises(OSError, match="too long"):
        await from_server(tmp_path / ("f" * 300), 10, whole)
    with pytest.raises(ValueError, match="dest must be a path"):
        await from_server(tmp_path / "f\0", 10, whole)
    assert left_in(tmp_path) == []


@pytest.mark.asyncio
async def test_refusals_are_told(tmp_path: Path) -> None:
    """A link that is refused twice, a file that is gone, sizes that differ (DL-3)."""
    gone = answer("410 Gone", b'{"error": {"what": "this link has expired"}}')
    with pytest.raises(DownloadError, match="this link has expired") as caught:
        await from_server(tmp_path / "f", 1, gone, links=2)
    assert caught.value.status == 410
    with pytest.raises(DownloadError, match="the server said 404 Not Found") as caught:
        await from_server(tmp_path / "f", 1, answer("404 Not Found", b"<html>"))
    assert caught.value.status == 404
    with pytest.raises(DownloadError, match="1 bytes came, but the file's metadata says 2"):
        await from_server(tmp_path / "f", 2, answer("200 OK", b"x"))
    assert not (tmp_path / "f").exists()


@pytest.mark.asyncio
async def test_a_server_that_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a minute, here sooner; then the next attempt may do (DL-2)."""
    monkeypatch.setattr(_http, "SILENCE", 0.02)
    whole = answer("200 OK", b"0123456789", etag=TAG)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up
        await reader.read()
        writer.transport.abort()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        moved = answer("302 Found", location=f"http://127.0.0.1:{port}/")
        await from_server(tmp_path / "f", 10, moved, whole)
        silent.close()
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.asyncio
async def test_a_token_is_shown_to_its_own_server_alone(tmp_path: Path) -> None:
    """Where no links are signed, the uri and the token do; a redirect leads away (DL-1)."""
    async with answering(answer("200 OK", b"x")) as other:
        moved = answer("302 Found", location=other.url)
        async with answering(moved) as files:

            def refuse(_: Any) -> Any:
                raise GRPCError(Status.UNIMPLEMENTED, "no links")

            def describe(_: Any) -> Any:
                reply = wire.BinaryDataByIDsResponse()
                reply.data.add().metadata.uri = files.url.replace("127.0.0.1", "localhost")
                return reply

            answers: Any = {"BinaryDataByIDs": describe, "CreateBinaryDataSignedURL": refuse}
            async with scripted(**answers) as (client, _):
                client._metadata["authorization"] = "Bearer secret"
                await client.download("a/b/c", tmp_path / "f")
        assert b"authorization: Bearer secret" in files.heads[0]
        assert b"secret" not in other.heads[0]


@pytest.mark.asyncio
async def test_memory_is_bounded(client: DataClient, tmp_path: Path) -> None:
    """By a few pieces; the fake, in the same process, has the file already (DL-1)."""
    name = await uploaded(client, bytes(8_000_000))
    await client.download(name, tmp_path / "f")  # what is imported stays
    tracemalloc.start()
    try:
        await client.download(name, tmp_path / "g")
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
