"""The kit's light client, by which it calls a fake of its own, agrees with grpclib's."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from fakeviam_contracts.http2 import Http2Connection
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam import FakeViam
from fakeviam.server.instruments.interceptors import Cut, Interceptor
from fakeviam.wire import data, datasync, methods

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

pytestmark = pytest.mark.asyncio
METHODS = {method.name: method for method in methods()}


class Cuts(Interceptor):
    """A server that cuts every call for tags."""

    def request(self, rpc: str, message: Any) -> Any:
        if rpc == "TagsByFilter":
            raise Cut
        return message


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[FakeViam]:
    async with FakeViam(seed=1, interceptors=[Cuts()]) as cloud:
        yield cloud


@pytest_asyncio.fixture
async def connection(cloud: FakeViam) -> AsyncIterator[Http2Connection]:
    connection = await Http2Connection.connect(cloud.unix_socket)
    yield connection
    connection.close()


def _upload(payload: bytes) -> datasync.DataCaptureUploadRequest:
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=FakeViam.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR
        ),
        sensor_contents=[datasync.SensorData(binary=payload)],
    )


@pytest.mark.parametrize("size", [0, 1, 16_384, 70_000, 6_000_000])
async def test_messages_of_any_size_go_and_come(connection: Http2Connection, size: int) -> None:
    """Larger than a frame, and than what may be sent unasked."""
    reply = await connection.call(METHODS["DataCaptureUpload"], [_upload(b"x" * size)], {})
    request = data.BinaryDataByIDsRequest(
        binary_data_ids=[reply.binary_data_id], include_binary=True
    )
    found = await connection.call(METHODS["BinaryDataByIDs"], [request], {})
    assert found.data[0].binary == b"x" * size


async def test_streams_are_one_call(connection: Http2Connection) -> None:
    metadata = datasync.UploadMetadata(
        part_id=FakeViam.default_part.id, type=datasync.DATA_TYPE_FILE
    )
    pieces = [datasync.FileData(data=b"a"), datasync.FileData(data=b"b")]
    requests = [
        datasync.FileUploadRequest(metadata=metadata),
        *(datasync.FileUploadRequest(file_contents=piece) for piece in pieces),
    ]
    reply = await connection.call(METHODS["FileUpload"], requests, {})
    assert reply.binary_data_id.endswith(reply.file_id)
    with pytest.raises(GRPCError):
        await connection.call(METHODS["FileUpload"], [], {})


async def test_refusals_and_answers_are_those_that_grpclib_sees(
    cloud: FakeViam, connection: Http2Connection
) -> None:
    channel = Channel(path=cloud.unix_socket)
    method = METHODS["AddTagsToBinaryDataByIDs"]
    stub: UnaryUnaryMethod[Any, Any] = UnaryUnaryMethod(
        channel, method.path, method.request, method.response
    )
    for ids in ([], ["größe"], ["a/b/c"]):
        request = data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=ids, tags=["x"])
        seen = [
            await _seen(stub(request)),
            await _seen(connection.call(method, [request], {})),
            await _seen(connection.call(method, [request], {"more": "metadata"})),
        ]
        assert seen[0] == seen[1] == seen[2]
    channel.close()


async def _seen(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except GRPCError as error:
        return error.status, error.message


async def test_a_cut_call_is_told_and_the_next_one_goes_on(connection: Http2Connection) -> None:
    with pytest.raises(StreamTerminatedError, match="cut"):
        await connection.call(METHODS["TagsByFilter"], [data.TagsByFilterRequest()], {})
    reply = await connection.call(METHODS["DataCaptureUpload"], [_upload(b"")], {})
    assert reply.binary_data_id


async def test_a_server_that_hangs_up_is_told() -> None:
    async with FakeViam() as cloud:
        connection = await Http2Connection.connect(cloud.unix_socket)
        request = data.TagsByFilterRequest()
        await connection.call(METHODS["TagsByFilter"], [request], {})
    # Whether the end of the connection was seen before or after the request went out.
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await connection.call(METHODS["TagsByFilter"], [request], {})
    connection.close()


async def test_what_is_no_answer_of_grpc_is_refused() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        # SETTINGS, PING, padded HEADERS with ":status: 200" and END_STREAM: no status of gRPC.
        writer.write(b"\0\0\0\4\0\0\0\0\0\0\0\x08\6\0\0\0\0\0" + b"12345678")
        writer.write(b"\0\0\3\1\x0d\0\0\0\1\1\x88\0")
        await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory(prefix="fv-") as folder:
        server = await asyncio.start_unix_server(speak, f"{folder}/s")
        connection = await Http2Connection.connect(f"{folder}/s")
        with pytest.raises(GRPCError, match="no status of gRPC") as refused:
            await connection.call(METHODS["TagsByFilter"], [data.TagsByFilterRequest()], {})
        assert refused.value.status is Status.UNKNOWN
        connection.close()
        server.close()
        await server.wait_closed()
