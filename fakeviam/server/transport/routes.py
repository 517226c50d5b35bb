"""From an RPC's path to its handler.

Every RPC of the known services is served: one without a handler answers UNIMPLEMENTED
and names itself (SV-1).
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
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
from fakeviam.server.services.handlers import Rpc, handlers_in
from fakeviam.server.transport.pipeline import AUTH_SERVICE, handle_call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from fakeviam.server.state.call import Call
    from fakeviam.server.transport.pipeline import CloudDirectory, RequestStream
    from fakeviam.wire import Method

    Served = Callable[[Call, RequestStream], Awaitable[Any]]

UNARY: Mapping[str, Mapping[str, Rpc[Any, Any]]] = MappingProxyType(
    {
        "viam.app.data.v1.DataService": handlers_in(
            binary, bounding_boxes, databases, dataset_members, tabular, tags
        ),
        "viam.app.datasync.v1.DataSyncService": handlers_in(datasync),
        "viam.app.dataset.v1.DatasetService": handlers_in(datasets),
        AUTH_SERVICE: handlers_in(auth),
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
        handle = partial(handle_call, self._clouds, method, _served(method))
        return Handler(handle, _cardinality(method), method.request, method.response)


class _Paths(dict[str, Handler]):
    """Handlers by path. A path that nobody knows has one too, which says so (SV-1).

    grpclib's own answer lacks a content type, and clients complain of that instead.
    """

    def __init__(self, handler: Callable[[Method], Handler], methods: Iterable[Method]) -> None:
        """Make the handlers of these methods, and any other when it is asked for."""
        super().__init__((method.path, handler(method)) for method in methods)
        self._handler = handler
        # grpclib asks by `get`, which would not ask `__missing__`.
        self.get = self.__getitem__  # type: ignore[assignment]

    def __missing__(self, path: str) -> Handler:
        return self._handler(_unknown_method(path))


def _unknown_method(path: str) -> Method:
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
    unary: Rpc[Any, Any] | None = UNARY.get(method.service, _NONE).get(method.name)
    if unary is not None:
        return unary.serve
    form: datasync.StreamFormat | None = STREAMS.get(method.service, _NONE).get(method.name)
    if form is not None:
        return form.serve
    return _unimplemented(method)


def _unimplemented(method: Method) -> Served:
    async def serve(call: Call, requests: RequestStream) -> Any:  # noqa: ARG001 - a Served
        if not method.client_streaming:  # for the journal, and for faults that are planned
            with suppress(InvalidArgumentError, ResourceExhaustedError):
                await requests.recv_message()
        else:
            await requests.meet_fault_unread()
        text = f"{method.service}/{method.name} is not implemented by fakeviam yet"
        raise UnimplementedError(text, clause="SV-1")

    return serve


def _cardinality(method: Method) -> Cardinality:
    if method.client_streaming:
        return Cardinality.STREAM_STREAM if method.server_streaming else Cardinality.STREAM_UNARY
    return Cardinality.UNARY_STREAM if method.server_streaming else Cardinality.UNARY_UNARY
