"""The ASGI application: routes requests to endpoints and turns errors into responses."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from fakeviam.model.errors import Refusal, StatusCode, UsageError
from fakeviam.server.services.links import ROOT as FILES
from fakeviam.version import __version__
from fakeviam.web.cors import Cors
from fakeviam.web.downloads import Downloads
from fakeviam.web.guard import check_caller
from fakeviam.web.problems import Problem
from fakeviam.web.request_parsing import control_request
from fakeviam.web.rpc import GrpcWeb, is_grpc_web
from fakeviam.web.table import ROOT, endpoints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host
    from fakeviam.web.endpoint import ControlRequest, Endpoint

log = logging.getLogger("fakeviam")


def application(fake: Host) -> ASGIApp:
    """The HTTP side of `fake`."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    if fake.control:
        for endpoint in endpoints():
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
            if endpoint.path == ROOT:  # people type the slash
                by_path.setdefault(f"{ROOT}/", {})[endpoint.method] = endpoint
    routes: list[BaseRoute] = [
        Route("/", _welcome(fake), methods=["GET"]),
        Route("/healthz", _health, methods=["GET"]),
    ]
    routes.append(Route(f"{FILES}/{{file:path}}", Downloads(fake, _refusal)))
    routes += [Route(path, _Served(fake, methods)) for path, methods in by_path.items()]
    app = Starlette(routes=routes, exception_handlers={404: _unknown(fake), 405: _only_get})
    app.router.redirect_slashes = False
    pages = Cors(_calls_and_files(GrpcWeb(fake), app), _refusal)
    return _quiet_end(_apart_from_control(app, pages))


def _calls_and_files(calls: ASGIApp, files: ASGIApp) -> ASGIApp:
    """The calls of pages, and all else."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await (calls if is_grpc_web(scope) else files)(scope, receive, send)

    return serve


def _apart_from_control(control: ASGIApp, pages: ASGIApp) -> ASGIApp:
    """What pages of other origins may use, and the control API, which they may not (HT-3)."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_control = scope["path"].startswith("/control")
        await (control if is_control else pages)(scope, receive, send)

    return serve


def _quiet_end(app: ASGIApp) -> ASGIApp:
    """Do not report requests that are cut off when the fake stops."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            return

    return serve


_STATUS = MappingProxyType({StatusCode.RESOURCE_EXHAUSTED: 507, StatusCode.UNAVAILABLE: 503})


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _welcome(fake: Host) -> Callable[[Request], Awaitable[Response]]:
    """The start page: links that need no token."""

    async def answer(_request: Request) -> Response:
        links = {"health": "/healthz"}
        if fake.control:
            links |= {"control_api": ROOT, "description": f"{ROOT}/openapi.json"}
        return _Json({"fakeviam": __version__, "grpc": fake.target, **links})

    return answer


class _Served:
    """One path. For Starlette, an instance is an ASGI application that handles all methods."""

    def __init__(self, fake: Host, methods: dict[str, Endpoint]) -> None:
        """Serve these methods."""
        self._fake = fake
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Answer one request; the only place that turns errors into HTTP statuses."""
        try:
            trusted = _check_caller(self._fake, request)
            endpoint = _chosen(request, self._methods)
            asked = await control_request(request, endpoint, fake=self._fake, trusted=trusted)
            return await _handle(endpoint, asked)
        except Problem as problem:
            return _refusal(problem)
        except (UsageError, Refusal) as error:
            # Besides invalid requests: a data directory that cannot be written (DD-4, DD-5).
            status = getattr(error, "status", StatusCode.INVALID_ARGUMENT)
            return _refusal(Problem(_STATUS.get(status, 422), str(error)))
        except ClientDisconnect:
            raise
        except Exception as error:
            # A bug in the fake: whoever runs it must see it.
            log.exception("fakeviam crashed in %s %s", request.method, request.url.path)
            what = f"fakeviam has a bug: {type(error).__name__}: {error}"
            return _refusal(Problem(500, what))


def _chosen(request: Request, methods: dict[str, Endpoint]) -> Endpoint:
    endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
    if endpoint is None:
        raise _no_method(request, methods)
    return endpoint


def _check_caller(fake: Host, request: Request) -> bool:
    """Refuse callers without access; return whether this one sent a token."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    check_caller(headers, request.scope["state"]["peer"], fake.control_token)
    return fake.control_token is not None


async def _handle(endpoint: Endpoint, asked: ControlRequest) -> Response:
    answer = endpoint.handler(asked)
    if inspect.isawaitable(answer):
        answer = await answer
    if isinstance(answer, Response):
        return answer
    return _Json(answer, status_code=endpoint.status)


class _Json(JSONResponse):
    """JSON that is readable for people and ends with a newline."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        # Lone surrogates become escapes, which JSON supports.
        return text.encode(errors="backslashreplace") + b"\n"


def _refusal(problem: Problem) -> Response:
    return _Json(problem.to_json(), status_code=problem.status, headers=problem.headers)


def _no_method(request: Request, methods: Iterable[str]) -> Problem:
    allowed = ", ".join(sorted(methods))
    return Problem(
        405,
        f"{request.url.path} does not allow {request.method}",
        hint=f"use {allowed}",
        headers={"allow": allowed},
    )


def _unknown(fake: Host) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, _error: Exception) -> Response:
        path = request.url.path
        if path.startswith("/control") and not fake.control:
            return _refusal(Problem(404, "the control API of this server is turned off"))
        if request.headers.get("content-type", "").startswith("application/grpc"):
            return _refusal(_grpc_over_http1(request))
        hint = f"GET {ROOT}/openapi.json describes every path"
        return _refusal(Problem(404, f"there is nothing at {path}", hint=hint))

    return answer


def _grpc_over_http1(request: Request) -> Problem:
    return Problem(
        505,
        f"gRPC over HTTP/1.1 is not supported: {request.method} {request.url.path}",
        field="content-type",
        value=request.headers["content-type"],
        hint="use HTTP/2 without TLS, or gRPC-Web, on the same port",
    )


async def _only_get(request: Request, _error: Exception) -> Response:
    return _refusal(_no_method(request, ["GET"]))
