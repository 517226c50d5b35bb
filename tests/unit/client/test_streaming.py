"""Calls on the wire: pieces, back-pressure, early ends, and servers that are not there."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import DataClient, connect
from grpclib.config import Configuration
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.wire import data, datasync

from .servers import Raw, law, listening, scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from fakeviam import FakeViam

pytestmark = pytest.mark.asyncio

CHUNK = 64 * 1024
MIB = 1024 * 1024

_HEADERS = [(":status", "200"), ("content-type", "application/grpc+proto")]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of 16 MiB that takes no space."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(16 * MIB)
    return path


class Steps(list[tuple[int, "int | None"]]):
    """What a progress callback was told."""

    def __call__(self, done: int, total: int | None) -> None:
        self.append((done, total))


# Pieces -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7])
async def test_metadata_first_then_pieces_of_64_kib(size: int, tmp_path: Path) -> None:
    """Contents are joined in the order they came; none are one empty piece (FU-1, FU-2, FU-3)."""
    contents = bytes(at * 7 % 251 for at in range(size))
    path = tmp_path / "scan.pcd"
    path.write_bytes(contents)
    pieces = [contents[at : at + CHUNK] for at in range(0, max(size, 1), CHUNK)]
    async with scripted() as (client, script):
        await client.file_upload("p", contents, file_name="scan", file_extension=".pcd")
        await client.file_upload_from_path(str(path), "p")
        for asked in script.asked:
            opening, *rest = asked.messages
            assert opening.WhichOneof("upload_packet") == "metadata"
            assert (opening.metadata.file_name, opening.metadata.file_extension) == ("scan", ".pcd")
            assert opening.metadata.type == datasync.DATA_TYPE_FILE
            assert [message.WhichOneof("upload_packet") for message in rest] == [
                "file_contents"
            ] * len(pieces)
            assert [message.file_contents.data for message in rest] == pieces


@given(st.integers(0, 5 * CHUNK))
@law(20)
async def test_a_stream_of_sensor_data_is_the_same(size: int) -> None:
    """Metadata first, bytes in pieces, sensor metadata that is as none (SU-1, SU-2)."""
    contents = bytes(size)
    async with scripted() as (client, script):
        await client.streaming_data_capture_upload(contents, "p", "jpg")
        opening, *rest = script.requests("StreamingDataCaptureUpload")
        assert opening.metadata.HasField("sensor_metadata")
        assert opening.metadata.sensor_metadata.ByteSize() == 0
        assert opening.metadata.upload_metadata.file_extension == ".jpg"
        assert all(len(message.data) == CHUNK for message in rest[:-1])
        assert b"".join(message.data for message in rest) == contents


# Progress ---------------------------------------------------------------------------------


async def test_progress_goes_up_to_all_of_the_file(large: Path) -> None:
    steps = Steps()
    async with scripted() as (client, _):
        await client.file_upload_from_path(str(large), "p", progress=steps)
    size = 16 * MIB
    assert steps == [(done, size) for done in range(CHUNK, size + 1, CHUNK)]


async def test_progress_of_an_empty_file_is_complete_too(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    steps = Steps()
    async with scripted() as (client, _):
        await client.file_upload_from_path(str(tmp_path / "empty"), "p", progress=steps)
    assert steps == [(0, 0)]


@pytest.mark.parametrize("then", [5 * CHUNK, 50 * CHUNK])
async def test_progress_of_a_file_that_changes_meanwhile(then: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(20 * CHUNK))
    steps = Steps()

    def progress(done: int, total: int | None) -> None:
        steps(done, total)
        if len(steps) == 1:
            with path.open("r+b") as file:
                file.truncate(then)

    async with scripted() as (client, script):
        await client.file_upload_from_path(str(path), "p", progress=progress)
        sent = sum(len(message.file_contents.data) for message in script.requests("FileUpload"))
    done = [step for step, _ in steps]
    assert done == sorted(done)
    assert all(total is not None and step <= total for step, total in steps)
    # The file object reads ahead, so a piece more than is left may have been read.
    assert steps[-1] == (sent, sent)


async def test_an_error_of_the_callback_ends_the_upload(
    cloud: FakeViam, client: DataClient, large: Path
) -> None:
    """… and a cut stream stores nothing (A30)."""

    def progress(done: int, total: int | None) -> None:  # noqa: ARG001 - the shape of Progress
        if done > MIB:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await client.file_upload_from_path(str(large), cloud.default_part.id, progress=progress)
    assert await client.binary_data_by_filter(include_file_data=False) == []


async def test_a_cancelled_upload_is_cut(cloud: FakeViam, client: DataClient, large: Path) -> None:
    """A cut stream stores nothing (A30)."""
    task: asyncio.Task[str] | None = None

    def progress(done: int, total: int | None) -> None:  # noqa: ARG001 - the shape of Progress
        if done > MIB:
            assert task is not None
            task.cancel()

    upload = client.file_upload_from_path(str(large), cloud.default_part.id, progress=progress)
    task = asyncio.create_task(upload)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await client.binary_data_by_filter(include_file_data=False) == []


# Back-pressure ----------------------------------------------------------------------------


async def test_no_more_is_read_than_the_server_takes(large: Path) -> None:
    steps, lags = Steps([(0, None)]), []

    async def slow(stream: Any) -> None:
        received = 0
        async for message in stream:
            received += len(message.file_contents.data)
            lags.append(steps[-1][0] - received)
            for _ in range(5):
                await asyncio.sleep(0)
        await stream.send_message(datasync.FileUploadResponse(file_id=str(received)))

    narrow = Configuration(http2_connection_window_size=CHUNK, http2_stream_window_size=CHUNK)
    async with (
        listening(Raw("FileUpload", slow), config=narrow) as path,
        connect(path) as client,
    ):
        file_id = await client.file_upload_from_path(str(large), "p", progress=steps)
    assert file_id == str(16 * MIB)
    assert max(lags) < MIB


_DRAIN = """
import asyncio, sys
from grpclib.const import Cardinality, Handler
from grpclib.server import Server
from fakeviam import wire

(method,) = (method for method in wire.methods() if method.name == "FileUpload")

class Drain:
    def __mapping__(self):
        return {
            method.path: Handler(
                self.drain, Cardinality.STREAM_UNARY, method.request, method.response
            )
        }

    async def drain(self, stream):
        size = 0
        async for message in stream:
            size += len(message.file_contents.data)
        await stream.send_message(method.response(file_id=str(size)))

async def main():
    server = Server([Drain()])
    await server.start(path=sys.argv[1])
    print("ready", flush=True)
    await server.wait_closed()

asyncio.run(main())
"""

# The most memory this process ever took. Where there is no /proc, what getrusage says must do: it
# begins with what the parent took.
_PEAK = """
import asyncio, json, resource, sys
from fakeviam_client import connect

def peak():
    try:
        with open("/proc/self/status") as status:
            (line,) = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1])
    except FileNotFoundError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most // 1024 if sys.platform == "darwin" else most
"""

_UPLOAD = f"""{_PEAK}
async def main():
    target, small, large = sys.argv[1:]
    async with connect(target) as client:
        await client.file_upload_from_path(small, "p")
        before = peak()
        file_id = await client.file_upload_from_path(large, "p")
        print(json.dumps({{"sent": int(file_id), "grown_kib": peak() - before}}))

asyncio.run(main())
"""


@asynccontextmanager
async def python(program: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program in a process of its own; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def output(program: str, *arguments: str) -> Any:
    """What a program prints as JSON."""
    async with python(program, *arguments) as process:
        printed, _ = await process.communicate()
        assert process.returncode == 0
        return json.loads(printed)


@pytest.mark.slow
async def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """32 MiB here; more make no difference."""
    size = 32 * MIB
    for name, length in (("small", CHUNK), ("large", size)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(length)
    socket = str(tmp_path / "s")
    async with python(_DRAIN, socket) as server:
        assert server.stdout is not None
        assert await server.stdout.readline() == b"ready\n"
        told = await output(_UPLOAD, socket, str(tmp_path / "small"), str(tmp_path / "large"))
    assert told["sent"] == size
    assert told["grown_kib"] < 4 * 1024


_DOWNLOAD = f"""{_PEAK}
async def main():
    async with connect(sys.argv[1]) as client:
        await client.binary_data_by_filter(num_files=2)
        before = peak()
        known = [file.metadata async for file in client.iter_binary_data_by_filter()]
        print(json.dumps({{"files": len(known), "grown_kib": peak() - before}}))

asyncio.run(main())
"""


async def test_files_that_were_taken_leave_no_bytes_behind(
    cloud: FakeViam, client: DataClient
) -> None:
    """Also where their metadata is kept."""
    for _ in range(24):
        await client.file_upload(cloud.default_part.id, bytes(MIB))
    told = await output(_DOWNLOAD, cloud.unix_socket)
    assert told["files"] == 24
    assert told["grown_kib"] < 8 * 1024


# Early ends -------------------------------------------------------------------------------


async def _read(stream: Any, messages: int) -> None:
    for _ in range(messages):
        assert await stream.recv_message() is not None


async def _refuse(stream: Any) -> None:
    """As grpclib does it: trailers, and a reset."""
    await _read(stream, 3)
    raise GRPCError(Status.RESOURCE_EXHAUSTED, "the shelf is full")


async def _refuse_without_reset(stream: Any) -> None:
    """Trailers, and no further word; nothing more is read, either."""
    await _read(stream, 3)
    trailers = [("grpc-status", "8"), ("grpc-message", "the shelf is full")]
    await stream._stream.send_headers([*_HEADERS, *trailers], end_stream=True)
    await asyncio.Event().wait()


async def _accept_then_refuse(stream: Any) -> None:
    """Headers first, as a proxy may do; then trailers without a reset."""
    await stream.send_initial_metadata()
    await _read(stream, 3)
    trailers = [("grpc-status", "8"), ("grpc-message", "the shelf is full")]
    await stream._stream.send_headers(trailers, end_stream=True)
    await asyncio.Event().wait()


@pytest.mark.parametrize("handle", [_refuse, _refuse_without_reset, _accept_then_refuse])
async def test_a_refusal_in_the_middle_ends_the_upload(
    handle: Callable[[Any], Any], large: Path
) -> None:
    steps = Steps()
    async with listening(Raw("FileUpload", handle)) as path, connect(path) as client:
        with pytest.raises(GRPCError) as caught:
            await client.file_upload_from_path(str(large), "p", progress=steps)
    assert caught.value.status is Status.RESOURCE_EXHAUSTED
    assert caught.value.message == "the shelf is full"
    assert steps[-1][0] < 8 * MIB  # of 16; what fits into windows and buffers


async def test_an_answer_before_everything_was_sent_is_no_success(large: Path) -> None:
    async def answer(stream: Any) -> None:
        await _read(stream, 3)
        await stream.send_message(datasync.FileUploadResponse(file_id="f"))
        await stream.send_trailing_metadata()
        await asyncio.Event().wait()

    async with listening(Raw("FileUpload", answer)) as path, connect(path) as client:
        with pytest.raises(ConnectionError, match="before the request was complete"):
            await client.file_upload_from_path(str(large), "p")


async def test_a_server_that_vanishes_during_an_upload(large: Path) -> None:
    async def vanish(stream: Any) -> None:
        await _read(stream, 3)
        stream._stream._transport.abort()

    steps = Steps()
    async with listening(Raw("FileUpload", vanish)) as path, connect(path) as client:
        with pytest.raises(ConnectionError, match=r"^FileUpload was interrupted: Connection lost$"):
            await client.file_upload_from_path(str(large), "p", progress=steps)
    assert steps[-1][0] < 8 * MIB


async def test_a_server_that_vanishes_during_a_call() -> None:
    async def vanish(stream: Any) -> None:
        stream._stream._transport.abort()

    async with listening(Raw("TagsByFilter", vanish)) as path, connect(path) as client:
        with pytest.raises(
            ConnectionError, match=r"^TagsByFilter was interrupted: Connection lost$"
        ):
            await client.tags_by_filter()


async def test_a_server_that_answers_nothing() -> None:
    async def nothing(stream: Any) -> None:
        await stream.send_initial_metadata()
        await stream._stream.send_headers([("grpc-status", "0")], end_stream=True)

    service = Raw("TagsByFilter", nothing)
    async with listening(service) as path, connect(path) as client:
        with pytest.raises(ConnectionError, match="TagsByFilter with OK but without a message"):
            await client.tags_by_filter()


async def _no_status(stream: Any) -> None:
    await stream.send_message(data.TagsByFilterResponse(tags=["hill"]))
    await stream._stream.end()


async def _half_a_message(stream: Any) -> None:
    await stream.send_initial_metadata()
    await stream._stream.send_data(b"\0\0\0\0\x06\x0a\x04h", end_stream=True)


async def _two_messages(stream: Any) -> None:
    await stream.send_message(data.TagsByFilterResponse(tags=["hill"]))
    await stream._stream.send_data(b"\0\0\0\0\0")
    await stream.send_trailing_metadata()


@pytest.mark.parametrize(
    ("handle", "match"),
    [
        (_no_status, "^TagsByFilter was interrupted: the stream ended without a status$"),
        (_half_a_message, "^TagsByFilter was interrupted: "),
        (_two_messages, "^the server answered TagsByFilter with more than one message$"),
    ],
)
async def test_a_reply_that_is_not_whole(
    handle: Callable[[Any], Any], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CL-53: it is an error, and waited for by nobody."""
    monkeypatch.setattr("fakeviam_client._service.STATUS_SECONDS", 0.05)
    async with listening(Raw("TagsByFilter", handle)) as path, connect(path) as client:
        with pytest.raises(ConnectionError, match=match):
            await client.tags_by_filter()


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("text")
    async with connect(str(tmp_path / "s")) as client:
        with pytest.raises(ConnectionError, match=r"^cannot reach the server: "):
            await client.tags_by_filter()
        with pytest.raises(ConnectionError, match=r"^cannot reach the server: "):
            await client.file_upload_from_path(str(path), "p")


# Every call -------------------------------------------------------------------------------


async def test_refusals_arrive_unchanged() -> None:
    refusal = GRPCError(Status.FAILED_PRECONDITION, "no: 100 % [X-1] é", None)

    def refuse(_: list[Any]) -> Any:
        raise refusal

    async with scripted(TagsByFilter=refuse, FileUpload=refuse) as (client, _):
        for call in (client.tags_by_filter(), client.file_upload("p", b"")):
            with pytest.raises(GRPCError) as caught:
                await call
            assert (caught.value.status, caught.value.message) == (refusal.status, refusal.message)


async def test_metadata_goes_with_every_call() -> None:
    """Unary and streamed (AU-2)."""
    async with scripted() as (bare, script):
        client = DataClient(bare._channel, {"authorization": "Bearer token"})
        await client.tags_by_filter()
        await client.file_upload("p", b"")
        assert [asked.headers["authorization"] for asked in script.asked] == ["Bearer token"] * 2


async def test_calls_are_logged_for_those_who_look_for_trouble(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scripted() as (client, _):
        with caplog.at_level(logging.DEBUG, "fakeviam_client"):
            await client.tags_by_filter(data.Filter(part_id="secret"))
    assert caplog.messages == ["calling /viam.app.data.v1.DataService/TagsByFilter"]
