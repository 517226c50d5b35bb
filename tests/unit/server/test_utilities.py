"""gRPC's own services: reflection and health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpclib.client import StreamStreamMethod, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import wire
from fakeviam.wire import health

if TYPE_CHECKING:
    from .conftest import Start
    from .driver import Viam

pytestmark = pytest.mark.asyncio

UTILITIES = {method.path: method for method in wire.utilities()}
HEALTH = "/grpc.health.v1.Health"
VERSIONS = pytest.mark.parametrize("version", ["v1", "v1alpha"])


async def reflect(viam: Viam, version: str, *asked: dict[str, Any]) -> list[Any]:
    """The answers to these questions, asked in one stream."""
    method = UTILITIES[f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"]
    stub = StreamStreamMethod(viam.channel, method.path, method.request, method.response)
    answers = []
    async with stub.open() as stream:
        for fields in asked:
            await stream.send_message(method.request(**fields))
            answers.append(await stream.recv_message())
        await stream.end()
    return answers


def files(answer: Any) -> dict[str, bytes]:
    contents = answer.file_descriptor_response.file_descriptor_proto
    return {FileDescriptorProto.FromString(content).name: content for content in contents}


@VERSIONS
async def test_reflection_describes_every_service(start: Start, version: str) -> None:
    """Each service's file comes with all that it imports, so that a pool can be made of it; without
    a login, and without a trace (GS-1)."""
    viam = await start(auth="keys")
    (listed,) = await reflect(viam, version, {"list_services": "*"})
    names = [service.name for service in listed.list_services_response.service]
    assert {method.service for method in (*wire.methods(), *wire.utilities())} == set(names)
    answers = await reflect(viam, version, *({"file_containing_symbol": name} for name in names))
    for name, answer in zip(names, answers, strict=True):
        pool = DescriptorPool()
        for content in reversed(files(answer).values()):
            pool.AddSerializedFile(content)
        assert pool.FindServiceByName(name).full_name == name
    assert len(viam.cloud.calls) == 0


@VERSIONS
async def test_what_reflection_can_be_asked(viam: Viam, version: str) -> None:
    """Files by name, and by what is in them: messages, methods, fields (GS-1)."""
    data = "app/data/v1/data.proto"
    answers = await reflect(
        viam,
        version,
        {"file_by_filename": data, "host": "somewhere"},
        *(
            {"file_containing_symbol": f"viam.app.data.v1.{symbol}"}
            for symbol in ("Filter", "Filter.part_id", "DataService.TagsByFilter", "Order")
        ),
    )
    assert [next(iter(files(answer))) for answer in answers] == [data] * 5
    assert answers[0].valid_host == answers[0].original_request.host == "somewhere"
    numbers, *wrong = await reflect(
        viam,
        version,
        {"all_extension_numbers_of_type": "viam.app.data.v1.Filter"},
        {"file_by_filename": "nothing.proto"},
        {"file_containing_symbol": "viam.app.data.v1.Nothing"},
        {"all_extension_numbers_of_type": "Nothing"},
        {"file_containing_extension": {"containing_type": "x", "extension_number": 3}},
    )
    assert numbers.all_extension_numbers_response.base_type_name == "viam.app.data.v1.Filter"
    for answer in wrong:
        assert answer.error_response.error_code == Status.NOT_FOUND.value
        assert "[GS-1]" in answer.error_response.error_message
    with pytest.raises(GRPCError, match="message_request must be set"):
        await reflect(viam, version, {})


async def check(viam: Viam, service: str = "") -> str:
    stub = UnaryUnaryMethod(
        viam.channel,
        f"{HEALTH}/Check",
        health.HealthCheckRequest,
        health.HealthCheckResponse,
    )
    reply = await stub(health.HealthCheckRequest(service=service))
    name: str = reply.DESCRIPTOR.enum_types_by_name["ServingStatus"].values[reply.status].name
    return name


async def test_health(start: Start) -> None:
    """Of the server and of each service, without a login and without a trace (GS-2)."""
    viam = await start(auth="keys")
    for service in ("", "viam.app.data.v1.DataService", "grpc.health.v1.Health"):
        assert await check(viam, service) == "SERVING"
    with pytest.raises(GRPCError) as caught:
        await check(viam, "nobody")
    assert caught.value.status is Status.NOT_FOUND
    stub = UnaryUnaryMethod(
        viam.channel, f"{HEALTH}/List", health.HealthListRequest, health.HealthListResponse
    )
    statuses = (await stub(health.HealthListRequest())).statuses
    assert statuses["viam.app.v1.AppService"].status == health.HealthCheckResponse.SERVING
    assert len(viam.cloud.calls) == 0


async def test_watching(viam: Viam) -> None:
    """The status comes at once, and the stream goes on; the server stops all the same (GS-2)."""
    stub = UnaryStreamMethod(
        viam.channel, f"{HEALTH}/Watch", health.HealthCheckRequest, health.HealthCheckResponse
    )
    for service, expected in (
        ("", health.HealthCheckResponse.SERVING),
        ("nobody", health.HealthCheckResponse.SERVICE_UNKNOWN),
    ):
        async with stub.open() as stream:
            await stream.send_message(health.HealthCheckRequest(service=service), end=True)
            reply = await stream.recv_message()
            assert reply is not None
            assert reply.status == expected
            await stream.cancel()


async def test_what_is_no_message(viam: Viam) -> None:
    """INVALID_ARGUMENT, as everywhere (SV-3)."""
    method = UTILITIES[f"{HEALTH}/Check"]
    stub: Any = UnaryUnaryMethod(viam.channel, method.path, method.request, method.response)
    with pytest.raises(GRPCError) as caught:  # noqa: PT012 - a call is a block
        async with stub.open() as stream:
            await stream.send_request()
            await stream._stream.send_data(b"\0\0\0\0\1\xff", end_stream=True)
            stream._send_message_done = stream._end_done = True
            await stream.recv_message()
    assert caught.value.status is Status.INVALID_ARGUMENT
