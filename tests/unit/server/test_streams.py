"""Uploads that come in pieces: FileUpload and StreamingDataCaptureUpload."""

from __future__ import annotations

import asyncio
import gc
import struct
import tracemalloc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.client import Channel
from grpclib.const import Status

from fakeviam import FakeViam, Policy
from fakeviam.server.transport.h2_private import STREAM_WINDOW
from fakeviam.server.transport.stream import GrpcStream
from fakeviam.wire import dataset as dataset_wire
from fakeviam.wire import datasync

from .driver import (
    METHODS,
    RefusedError,
    Viam,
    at,
    file_parts,
    nanos,
    refused,
    sensor,
    stream_parts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.server.transport.stream import Request

    from .conftest import Start

pytestmark = pytest.mark.asyncio

STREAMS = ["FileUpload", "StreamingDataCaptureUpload"]


def parts(name: str, *chunks: bytes, **fields: Any) -> list[Any]:
    """The messages of an upload by either RPC."""
    if name == "FileUpload":
        return list(file_parts(*chunks, **fields))
    return list(stream_parts(*chunks, **fields))


def nothing(name: str) -> Any:
    """A message without metadata and without contents."""
    if name == "FileUpload":
        return datasync.FileUploadRequest()
    return datasync.StreamingDataCaptureUploadRequest()


async def contents_of(viam: Viam, binary_data_id: str) -> bytes:
    (entry,) = (await viam.by_ids(binary_data_id, include_binary=True)).data
    return entry.binary


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b""],
        [b"", b"", b""],
        [b"one"],
        [b"one", b"", b"two", b"three"],
        [b"x" * 65_536] * 20 + [b"y"],
        [b"z" * 3_000_000],
    ],
    ids=["none", "empty", "empties", "one", "some", "pieces", "large"],
)
async def test_contents_are_joined_in_order(viam: Viam, name: str, chunks: list[bytes]) -> None:
    """Any number of messages, also none: an empty file (FU-1, FU-2, FU-3, SU-1, A30)."""
    stored = await viam.rpc(name, *parts(name, *chunks))
    assert await contents_of(viam, stored.binary_data_id) == b"".join(chunks)
    first = "FU-1" if name == "FileUpload" else "SU-1"
    assert first in viam.cited()
    whole = len([chunk for chunk in chunks if chunk]) == 1
    assert ({"FU-2", "FU-3"} <= viam.cited()) is not whole


async def test_empty_sensor_metadata_is_as_none(viam: Viam) -> None:
    """The clock gives both times (SU-2, A28)."""
    viam.cloud.clock.advance(seconds=7)
    for metadata in (None, sensor()):
        stored = await viam.rpc(
            "StreamingDataCaptureUpload", *stream_parts(b"x", sensor_metadata=metadata)
        )
        found = await viam.metadata_of(stored.binary_data_id)
        assert found.time_requested == found.time_received == at(7)
    assert "SU-2" in viam.cited()


async def test_sensor_metadata_of_a_stream(viam: Viam) -> None:
    """Its times are those of the record (SU-1, A32)."""
    messages = stream_parts(b"x", sensor_metadata=sensor(at(1, 1), at(2, 2)))
    stored = await viam.rpc("StreamingDataCaptureUpload", *messages)
    found = await viam.metadata_of(stored.binary_data_id)
    assert nanos(found.time_requested) == 1_000_000_001
    assert nanos(found.time_received) == 2_000_000_002


@pytest.mark.parametrize("name", STREAMS)
async def test_metadata_comes_first(viam: Viam, name: str) -> None:
    """Contents first: INVALID_ARGUMENT, nothing stored (A30, FU-1, SU-1)."""
    opening, chunk = parts(name, b"x")
    for messages in ([chunk], [chunk, opening], [chunk, opening, chunk]):
        with viam.refuses(Status.INVALID_ARGUMENT, "A30", "contents came before metadata"):
            await viam.rpc(name, *messages)


@pytest.mark.parametrize("name", STREAMS)
async def test_metadata_comes_once(viam: Viam, name: str) -> None:
    """Twice, at once or later: INVALID_ARGUMENT (A30)."""
    opening, chunk = parts(name, b"x")
    for messages in (
        [opening, opening],
        [opening, chunk, opening],
        [opening, chunk, opening, chunk],
    ):
        with viam.refuses(Status.INVALID_ARGUMENT, "A30", "metadata came twice"):
            await viam.rpc(name, *messages)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_without_messages(viam: Viam, name: str) -> None:
    """Metadata is missing (A30)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "A30", "metadata is missing"):
        await viam.rpc(name)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_message_without_anything(viam: Viam, name: str) -> None:
    """Before or after metadata (FU-5)."""
    opening, chunk = parts(name, b"x")
    text = "neither metadata nor contents"
    for messages in ([nothing(name)], [opening, nothing(name)], [opening, chunk, nothing(name)]):
        with viam.refuses(Status.INVALID_ARGUMENT, "FU-5", text):
            await viam.rpc(name, *messages)


async def test_streaming_metadata_without_upload_metadata(viam: Viam) -> None:
    """Sensor metadata alone opens nothing (A30)."""
    for metadata in (
        datasync.DataCaptureUploadMetadata(),
        datasync.DataCaptureUploadMetadata(sensor_metadata=sensor(at())),
    ):
        message = datasync.StreamingDataCaptureUploadRequest(metadata=metadata)
        with viam.refuses(Status.INVALID_ARGUMENT, "A30", "upload_metadata is missing"):
            await viam.rpc("StreamingDataCaptureUpload", message)


@pytest.mark.parametrize("name", STREAMS)
async def test_refusals_come_before_the_stream_ends(viam: Viam, name: str) -> None:
    """A client that still sends learns at once that the part is invalid (UP-1, A22)."""
    (opening,) = parts(name, part_id="no")
    with viam.refuses(Status.UNKNOWN, "A22"):
        async with viam.calling(name) as stream:
            await stream.send_request()
            await stream.send_message(opening)
            await stream.recv_message()


@pytest.mark.parametrize("name", STREAMS)
async def test_nothing_shows_before_the_end(viam: Viam, name: str) -> None:
    """A record appears when its stream has ended, whole (A30, A55)."""
    opening, first, second = parts(name, b"one", b"two")
    async with viam.calling(name) as stream:
        await stream.send_request()
        for message in (opening, first, second):
            await stream.send_message(message)
            assert (await viam.binary()).data == []
        await stream.end()
        stored = await stream.recv_message()
    assert await contents_of(viam, stored.binary_data_id) == b"onetwo"


# Streams that do not end well ------------------------------------------------------------


MEBIBYTE = 1024 * 1024


@pytest.fixture
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Bytes allocated since the start of the test, now and at most; nothing is collected."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield tracemalloc.get_traced_memory
    tracemalloc.stop()
    gc.enable()


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.thinned(2)
async def test_a_cut_upload_frees_its_contents_at_once(
    viam: Viam, name: str, traced: Callable[[], tuple[int, int]]
) -> None:
    """A server whose clients often leave keeps its memory; no garbage collection helps (A30)."""
    header, chunk = parts(name, bytes(MEBIBYTE))
    for _ in range(4):
        async with viam.calling(name) as stream:
            await stream.send_message(header)
            for _ in range(8):
                await stream.send_message(chunk)
            await stream.cancel()
    await viam.names()
    kept, most = traced()
    assert kept < 4 * MEBIBYTE
    assert most > 8 * MEBIBYTE


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.thinned(2)
async def test_an_upload_needs_its_size_once(
    viam: Viam, name: str, traced: Callable[[], tuple[int, int]]
) -> None:
    """However many pieces and messages it comes in (FU-2, FU-3)."""
    header, chunk = parts(name, bytes(MEBIBYTE // 4))
    async with viam.calling(name) as stream:
        await stream.send_message(header)
        for _ in range(80):
            await stream.send_message(chunk)
        await stream.end()
        await stream.recv_message()
    kept, most = traced()
    assert 20 * MEBIBYTE < kept < 22 * MEBIBYTE
    assert most < 28 * MEBIBYTE


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("sent", [0, 1, 2])
async def test_a_cancelled_stream_stores_nothing(viam: Viam, name: str, sent: int) -> None:
    """However far it came (A30)."""
    before = viam.contents()
    async with viam.calling(name) as stream:
        await stream.send_request()
        for message in parts(name, b"x" * 100)[:sent]:
            await stream.send_message(message)
        await viam.binary()  # the server has taken in what came before this
        await stream.cancel()
    await viam.binary()
    assert viam.contents() == before
    assert viam.cloud.crashes == ()


@pytest.mark.parametrize("name", STREAMS)
async def test_a_client_that_vanishes_leaves_nothing(viam: Viam, name: str) -> None:
    """Its connection breaks in the middle of an upload (A30, SV-4)."""
    before = viam.contents()
    gone = _connected(viam.cloud)
    async with gone.calling(name) as stream:
        await stream.send_request()
        for message in parts(name, b"x" * 100_000, b"y"):
            await stream.send_message(message)
        await viam.binary()
        gone.channel.close()
    await viam.binary()
    assert viam.contents() == before
    assert viam.cloud.crashes == ()


@pytest.mark.parametrize("name", STREAMS)
async def test_a_deadline_that_passes_stores_nothing(viam: Viam, name: str) -> None:
    """DEADLINE_EXCEEDED for the client, a cut stream for the server (A30)."""
    before = viam.contents()
    # Until Python 3.11 asyncio's TimeoutError was another than the built-in one.
    passed = (RefusedError, asyncio.TimeoutError)
    with pytest.raises(passed):  # noqa: PT012 - one call
        async with viam.calling(name, timeout=0.05) as stream:
            await stream.send_request()
            for message in parts(name, b"x"):
                await stream.send_message(message)
            await stream.recv_message()
    await viam.binary()
    assert viam.contents() == before
    assert viam.cloud.crashes == ()


@pytest.mark.parametrize("name", STREAMS)
async def test_uploads_beside_each_other_do_not_mix(viam: Viam, name: str) -> None:
    """Many streams at once, their pieces interleaved (FU-3)."""
    count = 5
    sent = [parts(name, *(bytes([n]) * 10 for _ in range(4))) for n in range(count)]
    calls = [viam.calling(name) for _ in range(count)]
    streams = [await call.__aenter__() for call in calls]
    for stream in streams:
        await stream.send_request()
    for messages in zip(*sent, strict=True):
        for stream, message in zip(streams, messages, strict=True):
            await stream.send_message(message)
    for number, (call, stream) in enumerate(zip(calls, streams, strict=True)):
        await stream.end()
        stored = await stream.recv_message()
        await call.__aexit__(None, None, None)
        assert await contents_of(viam, stored.binary_data_id) == bytes([number]) * 40


# What changes while a stream runs --------------------------------------------------------


@pytest.mark.parametrize("name", STREAMS)
async def test_a_dataset_that_is_deleted_meanwhile(viam: Viam, name: str) -> None:
    """It is unknown when the record is to be stored, so nothing is (A27)."""
    dataset = await viam.create_dataset()
    with refused(Status.NOT_FOUND, "A27", f"no dataset {dataset!r}"):
        async with viam.calling(name) as stream:
            await stream.send_request()
            for message in parts(name, b"x", dataset_ids=[dataset]):
                await stream.send_message(message)
            await viam.rpc("DeleteDataset", dataset_wire.DeleteDatasetRequest(id=dataset))
            await stream.end()
            await stream.recv_message()
    assert viam.contents().binary == []


@pytest.mark.parametrize("name", STREAMS)
async def test_a_reset_that_comes_meanwhile(viam: Viam, name: str) -> None:
    """The call finishes on the old data: the new data has nothing of it (A27, A30)."""
    dataset = await viam.create_dataset()
    async with viam.calling(name) as stream:
        await stream.send_request()
        for message in parts(name, b"x", dataset_ids=[dataset]):
            await stream.send_message(message)
        await viam.binary()
        viam.cloud.reset()
        await stream.end()
        stored = await stream.recv_message()
    assert stored.binary_data_id
    assert viam.contents().binary == []


@pytest.mark.parametrize("name", STREAMS)
async def test_the_policy_for_datasets_that_are_deleted_meanwhile(start: Start, name: str) -> None:
    """unknown_dataset=skip stores the record into none (A27)."""
    viam = await start(policy=Policy(unknown_dataset="skip"))
    dataset = await viam.create_dataset()
    async with viam.calling(name) as stream:
        await stream.send_request()
        for message in parts(name, b"x", dataset_ids=[dataset]):
            await stream.send_message(message)
        await viam.binary()
        await viam.rpc("DeleteDataset", dataset_wire.DeleteDatasetRequest(id=dataset))
        await stream.end()
        stored = await stream.recv_message()
    assert list((await viam.metadata_of(stored.binary_data_id)).dataset_ids) == []


def _connected(cloud: FakeViam) -> Viam:
    """Another client of the same cloud, whose connection the test closes itself."""
    return Viam(cloud, Channel(path=cloud.unix_socket))


class Windows:
    """A connection that counts the bytes it lets come."""

    peer, scheme = "", "http"

    def __init__(self) -> None:
        self.given = 0

    def let_come(self, request: Request, size: int) -> None:
        del request
        self.given += size


async def test_room_is_given_for_what_was_read_alone() -> None:
    """What nobody reads must not pile up, and after the end there is nothing to let come (SV-2)."""
    head: Any = SimpleNamespace(
        malformed="", content_length=None, metadata={}, authority="", refusal=None,
        http_status=200, timeout=None, encoding="identity", opening=(),
    )  # fmt: skip
    windows: Any = Windows()
    stream = GrpcStream(windows, 1, head, METHODS["FileUpload"], largest=None)
    large = datasync.FileUploadRequest(
        file_contents=datasync.FileData(data=bytes(STREAM_WINDOW // 2))
    )
    small = datasync.FileUploadRequest(file_contents=datasync.FileData(data=b"x"))
    framed = [
        struct.pack(">BI", 0, each.ByteSize()) + each.SerializeToString()
        for each in (small, large, large)
    ]
    stream.received(b"".join(framed), sum(map(len, framed)))
    assert await stream.recv_message() == small
    assert windows.given == 0
    assert await stream.recv_message() == large
    assert windows.given == len(framed[0] + framed[1])
    stream.end_of_request()
    assert await stream.recv_message() == large
    assert windows.given == len(framed[0] + framed[1])
