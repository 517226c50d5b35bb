"""From an RPC's path to its handler.

Every RPC of the known services is served: one without a handler answers UNIMPLEMENTED
and names itself (SV-1).
"""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from grpclib.const import Cardinality, Handler

from fakeviam import wire
from fakeviam.model.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from fakeviam.server.services import auth, datasets, datasync
from fakeviam.server.services.data import (
    binary,
    bounding_boxes,
    databases,
    dataset_members,
    tabular,
    tags,
)
from fakeviam.server.transport.pipeline import handle_call
from fakeviam.server.transport.request_stream import AUTH_SERVICE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from grpclib.server import Stream

    from fakeviam.server.services.handlers import Handlers
    from fakeviam.server.state.call import Call
    from fakeviam.server.transport.request_stream import CloudDirectory, RequestStream
    from fakeviam.wire import Method

    Served = Callable[[Call, RequestStream], Awaitable[Any]]

UNARY: Mapping[str, Handlers] = MappingProxyType(
    {
        "viam.app.data.v1.DataService": MappingProxyType(
            {
                **binary.HANDLERS,
                **bounding_boxes.HANDLERS,
                **databases.HANDLERS,
                **dataset_members.HANDLERS,
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

    def __init__(self, clouds: CloudDirectory) -> None:
        """Serve these clouds."""
        self._clouds = clouds

    def __mapping__(self) -> dict[str, Handler]:
        return _Paths(self._handler, wire.methods())

    def _handler(self, method: Method) -> Handler:
        served = _served(method)

        async def handle(stream: Stream[Any, Any]) -> None:
            await handle_call(self._clouds, method, served, stream)

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
    async def serve(call: Call, requests: RequestStream) -> Any:
        request = await requests.recv_message()
        if request is None:
            raise InvalidArgumentError("the request message is missing", clause="SV-3")
        # From here on nothing awaits, so the handler's reads and writes are one step.
        return handler(call, request)

    return serve


def _client_stream(form: datasync.StreamFormat) -> Served:
    async def serve(call: Call, requests: RequestStream) -> Any:
        upload = datasync.StreamedUpload(call, form)
        while (message := await requests.recv_message()) is not None:
            upload.receive(message)
        return upload.finish()

    return serve


def _unimplemented(method: Method) -> Served:
    async def serve(call: Call, requests: RequestStream) -> Any:  # noqa: ARG001 - a Served
        if not method.client_streaming:  # for the journal, and for faults that are planned
            with suppress(InvalidArgumentError, ResourceExhaustedError):
                await requests.recv_message()
        text = f"{method.service}/{method.name} is not implemented by fakeviam yet"
        raise UnimplementedError(text, clause="SV-1")

    return serve


def _cardinality(method: Method) -> Cardinality:
    if method.client_streaming:
        return Cardinality.STREAM_STREAM if method.server_streaming else Cardinality.STREAM_UNARY
    return Cardinality.UNARY_STREAM if method.server_streaming else Cardinality.UNARY_UNARY
