"""gRPC's own services: server reflection (GS-1) and health (GS-2).

They describe the server and belong to no cloud: they need no login, are not subject to faults and
are not recorded in a journal. grpclib's implementations would register their messages in protobuf's
default pool, where grpcio's packages register theirs; these use our own pool.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpclib.const import Status

from fakeviam import wire
from fakeviam.model.errors import InvalidArgumentError, NotFoundError, Refusal
from fakeviam.wire import health, reflection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from fakeviam.server.transport.call_stream import CallStream
    from fakeviam.wire import Method

_NOT_FOUND = Status.NOT_FOUND.value


def served(method: Method) -> Callable[[CallStream], Awaitable[None]]:
    """The handler of an RPC of gRPC's own services."""
    handlers = {"Check": _check, "List": _list, "Watch": _watch}
    return partial(_reply_or_refuse, handlers.get(method.name, partial(_reflect, method)))


async def _reply_or_refuse(
    answer: Callable[[CallStream], Awaitable[None]], stream: CallStream
) -> None:
    try:
        if stream.refusal is not None:
            raise stream.refusal
        await answer(stream)
    except Refusal as refusal:
        status = Status(refusal.status.value)
        await stream.send_trailing_metadata(status=status, status_message=refusal.text)


async def _received(stream: CallStream) -> Any:
    return await stream.recv_message()


# Reflection ------------------------------------------------------------------------------


async def _reflect(method: Method, stream: CallStream) -> None:
    while (request := await _received(stream)) is not None:
        reply: Any = method.response(valid_host=request.host)
        reply.original_request.CopyFrom(request)
        # The message of v1alpha has the same encoding.
        reply.MergeFromString(_answer(request).SerializeToString())
        await stream.send_message(reply)


def _answer(request: Any) -> reflection.ServerReflectionResponse:
    kind = request.WhichOneof("message_request")
    if kind is None:
        raise InvalidArgumentError("message_request must be set", clause="GS-1")
    value = getattr(request, kind)
    if kind == "list_services":
        return reflection.ServerReflectionResponse(
            list_services_response=reflection.ListServiceResponse(
                service=[reflection.ServiceResponse(name=name) for name in _services()]
            )
        )
    if kind == "all_extension_numbers_of_type" and wire.message_class(value) is not None:
        return reflection.ServerReflectionResponse(
            all_extension_numbers_response=reflection.ExtensionNumberResponse(base_type_name=value)
        )
    answer = {"file_by_filename": _file, "file_containing_symbol": _file_of}.get(kind, _nothing)
    name = answer(value)
    if name is None:
        text = f"there is no {kind.rpartition('_')[2]} {str(value).strip()!r} [GS-1]"
        error = reflection.ErrorResponse(error_code=_NOT_FOUND, error_message=text)
        return reflection.ServerReflectionResponse(error_response=error)
    needed = set(_with_imports(name))  # the file itself comes last, after its imports
    files = [content for each, content in wire.files().items() if each in needed][::-1]
    return reflection.ServerReflectionResponse(
        file_descriptor_response=reflection.FileDescriptorResponse(file_descriptor_proto=files)
    )


def _services() -> list[str]:
    return sorted({method.service for method in (*wire.methods(), *wire.utilities())})


def _file(name: str) -> str | None:
    return name if name in wire.files() else None


def _file_of(symbol: str) -> str | None:
    """The file of a symbol, which may be a method or a field.

    Pools do not find those, so their parent is looked up.
    """
    try:
        name: str = wire.pool().FindFileContainingSymbol(symbol).name
    except KeyError:
        owner = symbol.rpartition(".")[0]
        return _file_of(owner) if owner else None
    return name


def _nothing(_: object) -> None:
    """There are no extensions to list."""


def _with_imports(name: str) -> Iterator[str]:
    yield name
    for imported in FileDescriptorProto.FromString(wire.files()[name]).dependency:
        yield from _with_imports(imported)


# Health ----------------------------------------------------------------------------------


def _status(service: str) -> int:
    is_known = not service or service in _services()
    kinds = health.HealthCheckResponse
    return kinds.SERVING if is_known else kinds.SERVICE_UNKNOWN


async def _check(stream: CallStream) -> None:
    request = await _received(stream) or health.HealthCheckRequest()
    status = _status(request.service)
    if status != health.HealthCheckResponse.SERVING:
        raise NotFoundError(f"there is no service {request.service!r}", clause="GS-2")
    await stream.send_message(health.HealthCheckResponse(status=status))


async def _list(stream: CallStream) -> None:
    await stream.recv_message()
    reply = health.HealthListResponse()
    for service in ("", *_services()):
        reply.statuses[service].status = _status(service)
    await stream.send_message(reply)


async def _watch(stream: CallStream) -> None:
    """Send the status once: it does not change while the server runs."""
    request = await _received(stream) or health.HealthCheckRequest()
    await stream.send_message(health.HealthCheckResponse(status=_status(request.service)))
    await asyncio.Event().wait()  # until the client leaves or the server stops
