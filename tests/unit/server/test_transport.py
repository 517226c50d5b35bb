"""What arrives that is no good request, and how answers travel."""

from __future__ import annotations

import asyncio
import struct
import sys
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock

import pytest
from grpclib.client import UnaryUnaryMethod
from grpclib.const import Status
from grpclib.encoding.proto import ProtoCodec
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import HandlerCrashError, Interceptor
from fakeviam.server.transport.head import RequestHead
from fakeviam.server.transport.routes import built
from fakeviam.server.transport.stream import GrpcStream
from fakeviam.wire import data, datasync, methods, utilities

from .driver import (
    DEFAULT_PART,
    METHODS,
    Viam,
    at,
    file_parts,
    reading,
    refused,
    stream_parts,
    upload_metadata,
)
from .fleet_requests import fleet_requests
from .newest_requests import newest_requests

if TYPE_CHECKING:
    from .conftest import Start

BUILT = sorted(built())
UNBUILT = sorted({method.name for method in methods()} - set(BUILT))

#: Bytes that are no message: a varint without end, a cut field, a group without end, a bad tag.
GARBAGE = [b"\xff" * 12, b"\x0a\x7fabc", b"\x0b", b"\x00", b"\x07", b"not a message"]


def frame(message: bytes, *, flag: int = 0, length: int | None = None) -> bytes:
    """A message as gRPC frames it."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


async def send_raw(viam: Viam, name: str, raw: bytes) -> Any:
    """Call an RPC with these very bytes."""
    async with viam.calling(name) as stream:
        await stream.send_request()
        await stream._stream.send_data(raw, end_stream=True)
        stream._send_message_done = stream._end_done = True
        return await stream.recv_message()


# What is built ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_what_is_not_built_names_itself(viam: Viam) -> None:
    """UNIMPLEMENTED, with service and RPC in the text, and what a test can do instead (SV-1)."""
    for name in UNBUILT:
        method = METHODS[name]
        text = (
            f"{method.service}/{name} is not implemented by fakeviam yet; a test can script its "
            f"reply: cloud.replies.on('{name}')"
        )
        with viam.refuses(Status.UNIMPLEMENTED, "SV-1", text):
            await viam.rpc(name, method.request())


@pytest.mark.asyncio
async def test_what_is_built() -> None:
    """Every RPC of the documented client, and no other, has a handler (SV-1)."""
    assert set(BUILT) == {
        "TabularDataByFilter",
        "TabularDataByMQL",
        "TabularDataBySQL",
        "GetLatestTabularData",
        *newest_requests(DEFAULT_PART),
        "BinaryDataByFilter",
        "BinaryDataByIDs",
        "DeleteTabularData",
        "DeleteBinaryDataByFilter",
        "DeleteBinaryDataByIDs",
        "AddTagsToBinaryDataByIDs",
        "AddTagsToBinaryDataByFilter",
        "RemoveTagsFromBinaryDataByIDs",
        "RemoveTagsFromBinaryDataByFilter",
        "TagsByFilter",
        "AddBoundingBoxToImageByID",
        "RemoveBoundingBoxFromImageByID",
        "UpdateBoundingBox",
        "BoundingBoxLabelsByFilter",
        "GetDatabaseConnection",
        "ConfigureDatabaseUser",
        "AddBinaryDataToDatasetByIDs",
        "RemoveBinaryDataFromDatasetByIDs",
        "CreateDataset",
        "DeleteDataset",
        "RenameDataset",
        "ListDatasetsByOrganizationID",
        "ListDatasetsByIDs",
        "MergeDatasets",
        "DataCaptureUpload",
        "FileUpload",
        "StreamingDataCaptureUpload",
        "Authenticate",
        "CreateBinaryDataSignedURL",
        *fleet_requests(DEFAULT_PART),
    }
    assert len(fleet_requests(DEFAULT_PART)) == 24


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("viam.app.v1.AppService/ListOrganisations", "did you mean 'ListOrganizations'?"),
        ("viam.app.v1.AppServices/ListRobots", "did you mean 'viam.app.v1.AppService'?"),
        ("viam.component.camera.v1.CameraService/GetImage", "is for talking to machines"),
        ("proto.rpc.webrtc.v1.SignalingService/Answer", "is for talking to machines"),
        ("x", "no API of Viam's cloud has the service ''"),
        ("a/b/" + "c" * 10_000, "no API of Viam's cloud has the service 'a/b'"),
    ],
)
@pytest.mark.asyncio
async def test_what_no_api_has(viam: Viam, path: str, told: str) -> None:
    """UNIMPLEMENTED as unknown, with what was probably meant (SV-6)."""
    stub = UnaryUnaryMethod(
        viam.channel, f"/{path}", data.TagsByFilterRequest, data.TagsByFilterResponse
    )
    with pytest.raises(GRPCError) as caught:
        await stub(data.TagsByFilterRequest())
    assert caught.value.status is Status.UNIMPLEMENTED
    message = caught.value.message or ""
    assert told in message
    assert message.endswith(" [SV-6]")
    assert viam.cloud.calls.last().rpc == path.rpartition("/")[2]


@pytest.mark.asyncio
async def test_interceptors_let_refusals_of_unknown_rpcs_pass(start: Start) -> None:
    """They are no crash where somebody listens in (SV-6)."""
    viam = await start(interceptors=[Interceptor()])
    stub = UnaryUnaryMethod(
        viam.channel, "/no.Service/Call", data.TagsByFilterRequest, data.TagsByFilterResponse
    )
    with pytest.raises(GRPCError) as caught:
        await stub(data.TagsByFilterRequest())
    assert caught.value.status is Status.UNIMPLEMENTED
    assert viam.cloud.crashes == ()


@pytest.mark.parametrize("service", sorted({m.service for m in (*METHODS.values(), *utilities())}))
@pytest.mark.asyncio
async def test_an_rpc_that_a_known_service_does_not_have(viam: Viam, service: str) -> None:
    """Any bytes are read by nobody, whatever the service's own RPCs are treated like (SV-6)."""
    path = f"/{service}/Authenticatf"
    stub = UnaryUnaryMethod(viam.channel, path, data.TagsByFilterRequest, data.TagsByFilterResponse)
    some = data.TagsByFilterRequest(filter=data.Filter(part_id="x"))
    for request in (data.TagsByFilterRequest(), some):
        with pytest.raises(
            GRPCError, match=r"has no RPC named 'Authenticatf'.* \[SV-6\]"
        ) as caught:
            await stub(request)
        assert caught.value.status is Status.UNIMPLEMENTED
    assert viam.cloud.crashes == ()


# Messages that are none ------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.asyncio
@pytest.mark.thinned(4)
async def test_garbage_is_refused(viam: Viam, name: str) -> None:
    """INVALID_ARGUMENT naming the message that was expected (SV-3)."""
    await viam.upload("a", tags=["x"])
    text = f"not a valid {METHODS[name].request.DESCRIPTOR.full_name} message"
    for garbage in GARBAGE:
        with viam.refuses(Status.INVALID_ARGUMENT, "SV-3", text):
            await send_raw(viam, name, frame(garbage))


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.asyncio
@pytest.mark.thinned(4)
async def test_text_that_is_not_utf8_is_refused(viam: Viam, name: str) -> None:
    """Where a string stands; else the field is unknown and passes by (SV-3)."""
    fields = METHODS[name].request.DESCRIPTOR.fields
    strings = [field.number for field in fields if field.type == field.TYPE_STRING]
    if not strings:
        return
    raw = bytes([strings[0] << 3 | 2, 2]) + b"\xff\xfe"
    with viam.refuses(Status.INVALID_ARGUMENT, "SV-3"):
        await send_raw(viam, name, frame(raw))


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.asyncio
@pytest.mark.thinned(4)
async def test_a_message_that_is_cut_short_is_refused(viam: Viam, name: str) -> None:
    """Fewer bytes came than were announced, or not even all that announce them (SV-3)."""
    announced = [frame(b"", length=1), frame(b"\x0a", length=2**26)]
    for raw in (*announced, frame(b"")[:1], frame(b"")[:2], frame(b"")[:4]):
        with viam.refuses(Status.INVALID_ARGUMENT, "SV-3", "in the middle of a message"):
            await send_raw(viam, name, raw)


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.asyncio
@pytest.mark.thinned(4)
async def test_a_compressed_message_is_refused(viam: Viam, name: str) -> None:
    """INVALID_ARGUMENT, if nothing says how it is compressed (SV-15)."""
    text = "grpc-encoding does not say how"
    with viam.refuses(Status.INVALID_ARGUMENT, "SV-15", text):
        await send_raw(viam, name, frame(b"\x00\x00", flag=1))


@pytest.mark.parametrize("name", sorted(set(BUILT) - {"FileUpload", "StreamingDataCaptureUpload"}))
@pytest.mark.asyncio
@pytest.mark.thinned(4)
async def test_a_call_without_a_message_is_refused(viam: Viam, name: str) -> None:
    """The client ended its half at once (SV-3)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "SV-3", "the request message is missing"):
        await send_raw(viam, name, b"")


@pytest.mark.parametrize("name", ["FileUpload", "StreamingDataCaptureUpload"])
@pytest.mark.parametrize(
    "bad",
    [frame(GARBAGE[0]), frame(b"xx", length=9), frame(b"xx", flag=1), b"\x00\x00"],
    ids=["garbage", "cut", "compressed", "header"],
)
@pytest.mark.asyncio
async def test_a_bad_message_in_the_middle_of_an_upload(viam: Viam, name: str, bad: bytes) -> None:
    """What came before it is not stored (SV-3, SV-15, A30)."""
    messages: list[Any] = list(file_parts(b"one") if name == "FileUpload" else stream_parts(b"one"))
    good = b"".join(frame(message.SerializeToString()) for message in messages)
    clause = "SV-15" if bad[:1] == b"\x01" else "SV-3"
    with viam.refuses(Status.INVALID_ARGUMENT, clause):
        await send_raw(viam, name, good + bad)


def _nested(levels: int) -> bytes:
    """An upload of one reading with so many dictionaries inside each other, built by hand."""

    def field(number: int, content: bytes) -> bytes:
        size = len(content)
        return bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7]) + content

    struct = b""
    for _ in range(levels):
        value = field(5, struct)
        struct = field(1, field(1, b"a") + field(2, value))
    metadata = upload_metadata(type=datasync.DATA_TYPE_TABULAR_SENSOR).SerializeToString()
    return field(1, metadata) + field(2, field(2, struct))


@pytest.mark.asyncio
async def test_readings_nest_as_deeply_as_parsers_go(viam: Viam) -> None:
    """A reading that was taken in can be read; one that goes deeper is refused (SV-3, TD-3)."""
    await send_raw(viam, "DataCaptureUpload", frame(_nested(30)))
    (entry,) = (await viam.tabular()).data
    struct, depth = entry.data, 0
    while struct.fields:
        struct, depth = struct.fields["a"].struct_value, depth + 1
    assert depth == 30
    with viam.refuses(Status.INVALID_ARGUMENT, "SV-3", "not a valid"):
        await send_raw(viam, "DataCaptureUpload", frame(_nested(200)))


@pytest.mark.asyncio
async def test_unknown_fields_pass_by(viam: Viam) -> None:
    """A newer client's fields are no garbage (SV-3)."""
    await viam.upload("a")
    request = data.BinaryDataByFilterRequest().SerializeToString() + b"\xfa\x7f\x01x"
    reply = await send_raw(viam, "BinaryDataByFilter", frame(request))
    assert len(reply.data) == 1


@pytest.mark.asyncio
async def test_the_connection_survives_refusals(viam: Viam) -> None:
    """After each kind of bad message, the next call on it is served (SV-3)."""
    for raw in (frame(GARBAGE[0]), frame(b"", flag=1), frame(b"", length=9), b"\x00", b""):
        with pytest.raises(Exception, match=r"SV-3|SV-15"):
            await send_raw(viam, "TagsByFilter", raw)
        assert await viam.tags_by_filter() == []


# Sizes -----------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_message_above_the_ceiling_is_refused(start: Start) -> None:
    """RESOURCE_EXHAUSTED, with both sizes; at the ceiling it is served (SV-2)."""
    metadata = upload_metadata(type=datasync.DATA_TYPE_BINARY_SENSOR)
    request = datasync.DataCaptureUploadRequest(
        metadata=metadata, sensor_contents=[datasync.SensorData(binary=b"x" * 1000)]
    )
    size = request.ByteSize()
    viam = await start(max_message_bytes=size)
    await viam.rpc("DataCaptureUpload", request)
    request.sensor_contents[0].binary += b"x"
    text = f"message of {size + 1} bytes is larger than {size}"
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "SV-2", text):
        await viam.rpc("DataCaptureUpload", request)
    assert (await viam.binary(count_only=True)).count == 1


@pytest.mark.parametrize("name", ["FileUpload", "StreamingDataCaptureUpload"])
@pytest.mark.asyncio
async def test_the_ceiling_is_of_messages_not_of_uploads(start: Start, name: str) -> None:
    """A stream of small messages may be larger; one large message refuses it all (SV-2)."""
    viam = await start(max_message_bytes=1000)
    make: Any = file_parts if name == "FileUpload" else stream_parts
    stored = await viam.rpc(name, *make(*[b"x" * 900] * 5))
    assert (await viam.metadata_of(stored.binary_data_id)).file_size_bytes == 4500
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "SV-2", "is larger than 1000"):
        await viam.rpc(name, *make(b"x" * 900, b"x" * 1001, b"x"))


@pytest.mark.parametrize("options", [{}, {"max_message_bytes": None}])
@pytest.mark.asyncio
@pytest.mark.thinned(2)
async def test_large_messages_are_taken(start: Start, options: dict[str, Any]) -> None:
    """A whole captured image, by default; None takes all (SV-2)."""
    viam = await start(**options)
    record = await viam.upload("a", bytes(20_000_000))
    assert (await viam.metadata_of(record)).file_size_bytes == 20_000_000


@pytest.mark.asyncio
@pytest.mark.slow
async def test_messages_of_very_many_values_are_refused(viam: Viam) -> None:
    """Others would wait for seconds; what a robot's message holds is served (SV-2)."""
    request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[""] * 1_000_001)
    text = "message of 2000002 bytes holds more than 1000000 values"
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "SV-2", text):
        await viam.rpc("DeleteBinaryDataByIDs", request)
    del request.binary_data_ids[100_001:]
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "SV-2", "100001 ids; at most 100000 are served"):
        await viam.rpc("DeleteBinaryDataByIDs", request)
    del request.binary_data_ids[0]
    assert (await viam.rpc("DeleteBinaryDataByIDs", request)).deleted_count == 0
    await viam.upload("a", bytes(1_000_000))


@pytest.mark.parametrize("name", ["DataCaptureUpload", "FileUpload", "TagsByFilter"])
@pytest.mark.asyncio
async def test_a_message_above_the_ceiling_is_refused_by_its_length(viam: Viam, name: str) -> None:
    """Before its bytes came: 128 MiB by default (SV-2)."""
    text = f"message of {2**27 + 1} bytes is larger than {2**27}"
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "SV-2", text):
        async with viam.calling(name) as stream:
            await stream.send_request()
            await stream._stream.send_data(frame(b"", length=2**27 + 1))
            await stream.recv_message()


class RawCodec:
    """Messages as their bytes."""

    name, ceiling, parsed_at_once = "raw", 2**31, 2**31

    def parsed(self, data: bytes, kind: type) -> Any:
        del kind
        return data


def a_stream() -> GrpcStream:
    """An upload whose messages are bytes."""
    carrier, codec = Mock(peer="", scheme="http"), cast("Any", RawCodec())
    return GrpcStream(carrier, 1, RequestHead(), METHODS["FileUpload"], largest=None, codec=codec)


@given(st.lists(st.binary(max_size=40), max_size=8), st.data())
def test_messages_are_cut_wherever_their_bytes_are(messages: list[bytes], drawn: Any) -> None:
    """However many pieces they come in (SV-3)."""

    async def read() -> list[Any]:
        stream, whole = a_stream(), b"".join(map(frame, messages))
        reading = asyncio.create_task(_all(stream))
        while whole:
            size = drawn.draw(st.integers(1, len(whole)))
            stream.received(whole[:size], size)
            whole = whole[size:]
            await asyncio.sleep(0)
        stream.end_of_request()
        return await reading

    assert asyncio.run(read()) == messages


async def _all(stream: GrpcStream) -> list[Any]:
    return [message async for message in stream]


def test_many_small_pieces_need_little_memory() -> None:
    """A million frames of one byte are no million objects (SV-11)."""
    stream = a_stream()
    for _ in range(100_000):
        stream.received(b"x", 1)
    assert sys.getsizeof(stream.body) < 150_000


# Answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ü", "\U0001f408", "a\nb", "100%", "%41", "\x00\x7f", "a" * 1999])
@pytest.mark.asyncio
async def test_any_text_travels(viam: Viam, name: str) -> None:
    """Refusals say what they got, whatever it was (SV-3)."""
    with viam.refuses(Status.NOT_FOUND, "DB-2", f"no organization {name!r}"[:1000]):
        await viam.rpc(
            "GetDatabaseConnection", data.GetDatabaseConnectionRequest(organization_id=name)
        )


@pytest.mark.parametrize("letter", ["a", "ü", "\U0001f408", "\x00", "'\""])
@pytest.mark.asyncio
async def test_a_text_without_end_is_cut(viam: Viam, letter: str) -> None:
    """It would not fit into a header, and the client would lose its connection (SV-3)."""
    name = letter * 100_000
    with viam.refuses(Status.NOT_FOUND, "DB-2", "characters) [DB-2]"):
        await viam.rpc(
            "GetDatabaseConnection", data.GetDatabaseConnectionRequest(organization_id=name)
        )
    assert await viam.tags_by_filter() == []


@pytest.mark.asyncio
async def test_a_crash_is_no_plausible_answer(viam: Viam, monkeypatch: pytest.MonkeyPatch) -> None:
    """INTERNAL on the wire, kept on the cloud, and check() fails the test (SV-4)."""
    store = viam.cloud._cloud.store

    def broken(*_: object, **__: object) -> None:
        message = "a bug " + "x" * 100_000
        raise KeyError(message)

    monkeypatch.setattr(store, "binary_page", broken)
    with pytest.raises(
        Exception, match="fakeviam has a bug: KeyError in BinaryDataByFilter"
    ) as caught:
        await viam.binary()
    assert caught.value.status is Status.INTERNAL  # type: ignore[attr-defined]
    assert caught.value.text.endswith("[SV-4]")  # type: ignore[attr-defined]
    (crash,) = viam.cloud.crashes
    assert crash.rpc == "BinaryDataByFilter"
    assert isinstance(crash.error, KeyError)
    with pytest.raises(HandlerCrashError, match="fakeviam has a bug; please report") as failed:
        viam.cloud.check()
    assert failed.value.__cause__ is crash.error
    monkeypatch.undo()
    assert await viam.names() == []
    viam.cloud.reset()
    assert viam.cloud.crashes == ()
    viam.cloud.check()


@pytest.mark.asyncio
async def test_a_crash_in_a_stream(viam: Viam, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for uploads (SV-4)."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(viam.cloud._cloud.store, "add_binary", broken)
    with pytest.raises(Exception, match="ZeroDivisionError in FileUpload"):
        await viam.rpc("FileUpload", *file_parts(b"x"))
    monkeypatch.undo()
    assert [crash.rpc for crash in viam.cloud.crashes] == ["FileUpload"]
    assert viam.contents().binary == []
    viam.cloud.reset()


@pytest.mark.asyncio
async def test_refusals_are_no_crashes(viam: Viam) -> None:
    """A client's mistake never fails the fake's own check (SV-4)."""
    with refused(Status.UNKNOWN, "A22"):
        await viam.upload("a", part_id="no")
    with refused(Status.INVALID_ARGUMENT, "SV-3"):
        await send_raw(viam, "TagsByFilter", frame(GARBAGE[0]))
    viam.cloud.check()


@pytest.mark.asyncio
async def test_the_codec_is_plain_protobuf(viam: Viam) -> None:
    """Replies that are joined from kept bytes parse as what they are (TD-2, BF-2)."""
    await viam.upload("a", requested=at())
    await viam.upload_readings(reading({"n": 1}, at()))
    assert ProtoCodec.__content_subtype__ == "proto"
    for reply in (await viam.binary(), await viam.tabular()):
        again = type(reply).FromString(reply.SerializeToString())
        assert again == reply
