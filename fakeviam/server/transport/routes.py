"""From an RPC's path to its handler.

Every RPC of Viam's cloud is known: one without a handler returns UNIMPLEMENTED with its name
(SV-1). A path that no API has is refused as unknown (SV-6).
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

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
    resources,
    sql,
    tabular,
    tags,
)
from fakeviam.server.services.handlers import Rpc, handlers_in
from fakeviam.server.transport.call_stream import Route
from fakeviam.server.transport.pipeline import (
    AUTH_SERVICE,
    handle_call,
    serve_unary,
    serve_upload,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fakeviam.server.instruments.interceptors import RequestSource
    from fakeviam.server.state.call import Call
    from fakeviam.server.transport.pipeline import CloudDirectory, Served
    from fakeviam.wire import Method

UNARY: Mapping[str, Mapping[str, Rpc[Any, Any]]] = MappingProxyType(
    {
        "viam.app.data.v1.DataService": handlers_in(
            binary,
            bounding_boxes,
            databases,
            dataset_members,
            downloads,
            queries,
            resources,
            sql,
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

#: Modules with handlers that `UNARY` lacks; imported when an RPC of their service is called.
_RARE: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        APP_SERVICE: ("app.fleet", "app.metadata"),
        "viam.app.data.v1.DataService": ("data.indexes", "data.saved_queries", "data.sequences"),
        "viam.app.dataset.v1.DatasetService": ("sequence_exports",),
        "viam.app.datapipelines.v1.DataPipelinesService": ("pipelines",),
    }
)

_NONE: Mapping[str, Any] = MappingProxyType({})

# Services of machines, and those that lead to a machine.
_MACHINES = ("viam.component.", "viam.service.", "viam.robot.", "viam.module.", "proto.rpc.webrtc.")


class Routes(dict[str, Route]):
    """The handlers of one fake, by path; an unknown path has one that refuses it (SV-1)."""

    def __init__(self, clouds: CloudDirectory) -> None:
        """Route calls to these clouds."""
        super().__init__()
        self._clouds = clouds

    def __missing__(self, path: str) -> Route:
        """The route of a path, created on first use (SV-6)."""
        route = self._route(path)
        if len(self) < _MOST_PATHS:  # clients may request any number of unknown paths
            self[path] = route
        return route

    def _route(self, path: str) -> Route:
        utility = next((each for each in wire.utilities() if each.path == path), None)
        if utility is not None:
            from fakeviam.server.transport import utilities  # noqa: PLC0415 - few ask for them

            return Route(method=utility, handle=utilities.served(utility))
        method = next((each for each in wire.methods() if each.path == path), None)
        served = _unknown if method is None else _served(method)
        method = method or unknown_method(path)
        return Route(method=method, handle=partial(handle_call, self._clouds, method, served))


_MOST_PATHS = 1000


def unknown_method(path: str) -> Method:
    """A placeholder for a method of which only the path is known."""
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
    """The handlers of all of a service's unary RPCs."""
    return {**UNARY.get(service, _NONE), **_rare_handlers(service)}


def _rare_handlers(service: str) -> Mapping[str, Rpc[Any, Any]]:
    """Handlers of rarely used RPCs, imported on first use."""
    names = _RARE.get(service, ())
    return handlers_in(*(import_module(f"fakeviam.server.services.{name}") for name in names))


def built() -> frozenset[str]:
    """The names of all RPCs that have handlers."""
    services = {method.service for method in wire.methods()}
    unary = {name for service in services for name in unary_handlers(service)}
    return frozenset(unary).union(*STREAMS.values())


def _served(method: Method) -> Served:
    unary = UNARY.get(method.service, _NONE).get(method.name)
    if unary is None:
        unary = _rare_handlers(method.service).get(method.name)
    if unary is not None:
        return partial(serve_unary, unary)
    form: datasync.StreamFormat | None = STREAMS.get(method.service, _NONE).get(method.name)
    if form is not None:
        return partial(serve_upload, form)
    return _unimplemented(method)


def _unimplemented(method: Method) -> Served:
    async def serve(call: Call, requests: RequestSource) -> NoReturn:  # noqa: ARG001 - a Served
        if not method.client_streaming:  # for the journal, and for planned faults
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


async def _unknown(call: Call, requests: RequestSource) -> NoReturn:
    """Refuse an RPC that no API of Viam's cloud has (SV-6)."""
    await requests.meet_fault_unread()
    service, name = call.record.service, call.record.rpc
    if service.startswith(_MACHINES):
        text = f"{service}/{name} is for talking to machines; fakeviam is a cloud and plays none"
        raise UnimplementedError(text, clause="SV-6")
    # Imported here: suggestions are not worth slowing down the start of every fake.
    from fakeviam.model.finding import nearest  # noqa: PLC0415

    methods = (*wire.methods(), *wire.utilities())
    services = {method.service for method in methods}
    if service in services:
        names = [method.name for method in methods if method.service == service]
        text = f"{service} has no RPC named {name!r}{nearest(name, names)}"
    else:
        text = f"no API of Viam's cloud has the service {service!r}{nearest(service, services)}"
    raise UnimplementedError(text, clause="SV-6")
