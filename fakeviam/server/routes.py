"""From an RPC's path to its handler, and from what a handler raises to the wire.

Every RPC of the known services is served: one without a handler answers UNIMPLEMENTED
and names itself (SV-1).
"""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam import wire
from fakeviam.model.errors import InvalidArgumentError, Refusal, UnimplementedError, shortened
from fakeviam.server import auth, datasets, datasync
from fakeviam.server.accounts import ANYONE, Principal
from fakeviam.server.call import Call, Cloud, Crash
from fakeviam.server.data import binary, boxes, database, membership, tabular, tags
from fakeviam.server.interceptors import Cut, intercepted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from google.protobuf.message import Message
    from grpclib.server import Stream

    from fakeviam.server.call import Handlers
    from fakeviam.wire import Method

    Served = Callable[[Call, Stream[Any, Any]], Awaitable[Any]]

log = logging.getLogger("fakeviam")

AUTH_SERVICE = "proto.rpc.v1.AuthService"

UNARY: Mapping[str, Handlers] = MappingProxyType(
    {
        "viam.app.data.v1.DataService": MappingProxyType(
            {
                **binary.HANDLERS,
                **boxes.HANDLERS,
                **database.HANDLERS,
                **membership.HANDLERS,
                **tabular.HANDLERS,
                **tags.HANDLERS,
            }
        ),
        "viam.app.datasync.v1.DataSyncService": datasync.HANDLERS,
        "viam.app.dataset.v1.DatasetService": datasets.HANDLERS,
        AUTH_SERVICE: auth.HANDLERS,
    }
)

STREAMS: Mapping[str, Mapping[str, datasync.StreamFormat]] = MappingProxyType(
    {"viam.app.datasync.v1.DataSyncService": datasync.STREAMS}
)

_NONE: Mapping[str, Any] = MappingProxyType({})


class Routes:
    """The services of one fake, in the shape grpclib asks for."""

    def __init__(self, cloud: Cloud) -> None:
        """Serve `cloud`."""
        self._cloud = cloud

    def __mapping__(self) -> dict[str, Handler]:
        return _Paths(self._handler, wire.methods())

    def _handler(self, method: Method) -> Handler:
        served = _served(method)

        async def handle(stream: Stream[Any, Any]) -> None:
            await _answer(self._cloud, method, served, stream)

        return Handler(handle, _cardinality(method), method.request, method.response)


class _Paths(dict[str, Handler]):
    """Handlers by path. A path that nobody knows has one too, which says so (SV-1).

    grpclib's own answer lacks a content type, and clients complain of that instead.
    """

    def __init__(self, handler: Callable[[Method], Handler], methods: Iterable[Method]) -> None:
        """Make the handlers of these methods, and any other when it is asked for."""
        super().__init__((method.path, handler(method)) for method in methods)
        self._handler = handler

    def get(self, path: str, default: Any = None) -> Any:  # noqa: ARG002 - there is always one
        """The handler of a path."""
        return self[path] if path in self else self._handler(_stranger(path))


def _stranger(path: str) -> Method:
    """A method of which only the path is known."""
    service, _, name = path.strip("/").rpartition("/")
    return wire.Method(
        path=path,
        service=service,
        name=name,
        request=wire.well_known.Struct,
        response=wire.well_known.Struct,
        client_streaming=True,
        server_streaming=True,
        deprecated=False,
    )


def _served(method: Method) -> Served:
    unary = UNARY.get(method.service, _NONE).get(method.name)
    if unary is not None:
        return _unary(unary)
    form = STREAMS.get(method.service, _NONE).get(method.name)
    if form is not None:
        return _client_stream(form)
    return _unimplemented(method)


def _unary(handler: Callable[..., Any]) -> Served:
    async def serve(call: Call, stream: Stream[Any, Any]) -> Any:
        request = await _receive(stream)
        if request is None:
            raise InvalidArgumentError("the request message is missing", clause="SV-3")
        # From here on nothing awaits, so the handler's reads and writes are one step.
        return handler(call, request)

    return serve


def _client_stream(form: datasync.StreamFormat) -> Served:
    async def serve(call: Call, stream: Stream[Any, Any]) -> Any:
        upload = datasync.StreamedUpload(call, form)
        while (message := await _receive(stream)) is not None:
            upload.receive(message)
        return upload.finish()

    return serve


def _unimplemented(method: Method) -> Served:
    async def serve(call: Call, stream: Stream[Any, Any]) -> Any:  # noqa: ARG001 - a Served
        text = f"{method.service}/{method.name} is not implemented by fakeviam yet"
        raise UnimplementedError(text, clause="SV-1")

    return serve


async def _receive(stream: Stream[Any, Any]) -> Message | None:
    try:
        message: Message | None = await stream.recv_message()
    except NotImplementedError as error:  # how grpclib refuses a compressed message
        raise UnimplementedError("compressed messages are not supported", clause="SV-3") from error
    except AssertionError as error:  # how grpclib says that a message was cut short
        text = "the stream ended in the middle of a message"
        raise InvalidArgumentError(text, clause="SV-3") from error
    return message


async def _answer(cloud: Cloud, method: Method, served: Served, stream: Stream[Any, Any]) -> None:
    """Serve one call; the one place where what went wrong becomes a status."""
    call = Call(cloud=cloud, rpc=method.name)
    try:
        try:
            call.principal = _principal(cloud, method, stream)
            if cloud.interceptors:
                reply = await intercepted(served, call, method, stream)
            else:
                reply = await served(call, stream)
        except Refusal as refusal:
            call.cite(refusal.clause)
            raise
    except Refusal as refusal:
        status = Status(refusal.status.value)
        await stream.send_trailing_metadata(
            status=status,
            status_message=refusal.text,
            metadata={"fakeviam-clause": refusal.clause},
        )
        return
    except Cut:
        await stream.cancel()
        return
    except (GRPCError, StreamTerminatedError):
        raise
    except Exception as error:
        # Not a status the real service would send: the test must see that the fake is broken.
        log.exception("fakeviam crashed in %s", method.name)
        cloud.crashes.append(Crash(method.name, error))
        text = f"fakeviam has a bug: {type(error).__name__} in {method.name}: {error}"
        raise GRPCError(Status.INTERNAL, f"{shortened(text)} [SV-4]") from error
    await stream.send_message(reply)


def _principal(cloud: Cloud, method: Method, stream: Stream[Any, Any]) -> Principal:
    if method.service == AUTH_SERVICE:
        return ANYONE
    header = stream.metadata.get("authorization") if stream.metadata else None
    if cloud.accounts.mode == "keys":
        cloud.ledger.cite("AU-4", "A51")
    return cloud.accounts.principal(None if header is None else str(header))


def _cardinality(method: Method) -> Cardinality:
    if method.client_streaming:
        return Cardinality.STREAM_STREAM if method.server_streaming else Cardinality.STREAM_UNARY
    return Cardinality.UNARY_STREAM if method.server_streaming else Cardinality.UNARY_UNARY
