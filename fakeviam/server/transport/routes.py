"""From an RPC's path to its handler.

Every RPC of Viam's cloud is known: one without a handler answers UNIMPLEMENTED and names itself
(SV-1). What no API has is answered as unknown (SV-6).
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

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
    downloads,
    queries,
    tabular,
    tags,
)
from fakeviam.server.services.handlers import Rpc, handlers_in
from fakeviam.server.transport.call_stream import Route
from fakeviam.server.transport.pipeline import AUTH_SERVICE, handle_call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fakeviam.server.state.call import Call
    from fakeviam.server.transport.pipeline import CloudDirectory, RequestStream
    from fakeviam.wire import Method

    Served = Callable[[Call, RequestStream], Awaitable[Any]]

UNARY: Mapping[str, Mapping[str, Rpc[Any, Any]]] = MappingProxyType(
    {
        "viam.app.data.v1.DataService": handlers_in(
            binary,
            bounding_boxes,
            databases,
            dataset_members,
            downloads,
            queries,
            tabular,
            tags,
        ),
        "viam.app.datasync.v1.DataSyncService": handlers_in(datasync),
        "viam.app.dataset.v1.DatasetService": handlers_in(datasets),
        AUTH_SERVICE: handlers_in(auth),
        "proto.rpc.v1.ExternalAuthService": handlers_in(auth),
    }
)

STREAMS: Mapping[str, Mapping[str, datasync.StreamFormat]] = MappingProxyType(
    {"viam.app.datasync.v1.DataSyncService": datasync.STREAMS}
)

APP_SERVICE = "viam.app.v1.AppService"

_NONE: Mapping[str, Any] = MappingProxyType({})

# Served by machines, and no part of a cloud.
_MACHINES = ("viam.component.", "viam.service.", "viam.robot.", "viam.module.", "proto.rpc.webrtc.")


class Routes:
    """What answers the calls of one fake, by path; a path that nobody knows names itself (SV-1)."""

    def __init__(self, clouds: CloudDirectory) -> None:
        """Serve these clouds."""
        self._clouds = clouds
        self._found: dict[str, Route] = {}

    def find(self, path: str) -> Route:
        """The route of a path, made when it is first asked for (SV-6)."""
        found = self._found.get(path)
        if found is None:
            found = self._route(path)
            if len(self._found) < _MOST_PATHS:  # strangers may ask for any number of them
                self._found[path] = found
        return found

    def _route(self, path: str) -> Route:
        utility = next((each for each in wire.utilities() if each.path == path), None)
        if utility is not None:
            from fakeviam.server.transport import utilities  # noqa: PLC0415 - few ask for them

            return Route(method=utility, handle=utilities.served(utility))
        method = next((each for each in wire.methods() if each.path == path), None)
        served = _unknown if method is None else _served(method)
        method = method or _unknown_method(path)
        return Route(method=method, handle=partial(handle_call, self._clouds, method, served))


_MOST_PATHS = 1000


def _unknown_method(path: str) -> Method:
    """A method of which only the path is known."""
    service, _, name = path.strip("/").rpartition("/")
    anything = wire.well_known.Struct.DESCRIPTOR.full_name
    return wire.Method(
        path=path,
        service=service,
        name=name,
        request_type=anything,
        response_type=anything,
        client_streaming=True,
        server_streaming=True,
        deprecated=False,
    )


def unary_handlers(service: str) -> Mapping[str, Rpc[Any, Any]]:
    """The handlers of a service's unary RPCs; those of AppService are imported on first use."""
    if service == APP_SERVICE:
        from fakeviam.server.services.app import fleet, metadata  # noqa: PLC0415

        return handlers_in(fleet, metadata)
    return UNARY.get(service, _NONE)


def built() -> frozenset[str]:
    """The names of all RPCs that have handlers."""
    services = {method.service for method in wire.methods()}
    unary = {name for service in services for name in unary_handlers(service)}
    return frozenset(unary).union(*STREAMS.values())


def _served(method: Method) -> Served:
    unary = unary_handlers(method.service).get(method.name)
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
        text = (
            f"{method.service}/{method.name} is not implemented by fakeviam yet; a test can script "
            f"its reply: cloud.replies.on({method.name!r}).respond({{...}}); "
            "docs/rpcs.md lists what is served"
        )
        raise UnimplementedError(text, clause="SV-1")

    return serve


async def _unknown(call: Call, requests: RequestStream) -> Any:
    """Refuse what no API of Viam's cloud has (SV-6)."""
    await requests.meet_fault_unread()
    service, name = call.record.service, call.record.rpc
    if service.startswith(_MACHINES):
        text = f"{service}/{name} is served by machines; fakeviam is a cloud and plays none"
        raise UnimplementedError(text, clause="SV-6")
    # What it takes to guess is not worth the start of every fake.
    from fakeviam.server.instruments.wanted_values import nearest  # noqa: PLC0415

    services = {method.service for method in wire.methods()}
    if service in services:
        names = [method.name for method in wire.methods() if method.service == service]
        text = f"{service} has no RPC named {name!r}{nearest(name, names)}"
    else:
        text = f"no API of Viam's cloud has the service {service!r}{nearest(service, services)}"
    raise UnimplementedError(text, clause="SV-6")
