"""The ASGI application: routes requests to endpoints and turns errors into responses."""

from __future__ import annotations

import asyncio
import inspect
import logging
from importlib import import_module
from typing import TYPE_CHECKING

from grpclib.const import Status
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fakeviam.model.errors import Refusal, UsageError
from fakeviam.server.services.links import ROOT as FILES
from fakeviam.server.transport.head import media_type
from fakeviam.version import __version__
from fakeviam.web.calls import POSTED, HttpCalls, is_call, is_rpc_path, refused
from fakeviam.web.connect import error_json
from fakeviam.web.cors import Cors
from fakeviam.web.downloads import Downloads
from fakeviam.web.guard import check_caller
from fakeviam.web.json_lists import encoded
from fakeviam.web.problems import HttpProblem, problem_of
from fakeviam.web.request_head import WellFormed
from fakeviam.web.request_parsing import control_request
from fakeviam.web.table import ROOT, endpoints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host
    from fakeviam.web.endpoint import ControlRequest, Endpoint

log = logging.getLogger("fakeviam")

#: The path of the page.
PAGE = "/ui"


def application(fake: Host) -> ASGIApp:
    """The ASGI application of `fake`."""
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
    if fake.control:
        page = LazyPage(fake)
        routes += [Route(PAGE, page), Route(f"{PAGE}/{{path:path}}", page)]
    routes.append(Route(f"{FILES}/{{file:path}}", Downloads(fake, _refusal)))
    routes += [Route(path, _Served(fake, methods)) for path, methods in by_path.items()]
    app = Starlette(routes=routes, exception_handlers={404: _unknown(fake), 405: _only_get})
    app.router.redirect_slashes = False
    pages = Cors(_calls_and_files(HttpCalls(fake), app), _refusal, fake.origins)
    served = WellFormed(_apart_from_control(app, pages), _refusal, fake.clouds.base.clock.now)
    return _quiet_end(served)


def refusing(
    problem: HttpProblem, trailers: Sequence[tuple[str, str]], told: Callable[[], None]
) -> ASGIApp:
    """An application that refuses calls with these trailers, and others with `problem`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        told()
        response = _refusal(problem)
        if (ending := refused(scope, trailers)) is not None:
            response = Response(ending.body, ending.status)
            response.raw_headers = ending.headers
        await response(scope, receive, send)

    return serve


def _calls_and_files(calls: ASGIApp, files: ASGIApp) -> ASGIApp:
    """Dispatch between calls and everything else."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await (calls if is_call(scope) else files)(scope, receive, send)

    return serve


def _apart_from_control(control: ASGIApp, pages: ASGIApp) -> ASGIApp:
    """Dispatch between what other origins may use, and the control API (HT-3)."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_control = scope["path"].startswith(("/control", PAGE))
        await (control if is_control else pages)(scope, receive, send)

    return serve


def _quiet_end(app: ASGIApp) -> ASGIApp:
    """Suppress reports of requests that are cut off when the fake stops."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            return

    return serve


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _welcome(fake: Host) -> Callable[[Request], Awaitable[Response]]:
    """The start page: links that need no token."""

    async def answer(request: Request) -> Response:
        if fake.control and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(PAGE, status_code=303)
        links = {"health": "/healthz"}
        if fake.control:
            links |= {"page": PAGE, "control_api": ROOT, "description": f"{ROOT}/openapi.json"}
        return _JsonResponse({"fakeviam": __version__, "grpc": fake.target, **links})

    return answer


class LazyPage:
    """The page, imported on first use. Starlette treats an instance as an ASGI application."""

    def __init__(self, fake: Host) -> None:
        """Show `fake`."""
        self._fake = fake
        self._site: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._site is None:
            # Importing the templates takes a third of a second, during which calls are served.
            await asyncio.to_thread(import_module, "fakeviam.web.page.site")
            from fakeviam.web.page.site import Site  # noqa: PLC0415 - as above

            self._site = Site(self._fake)
        await self._site(scope, receive, send)


class _Served:
    """One path. Starlette treats an instance as an ASGI application for all methods."""

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
            endpoint = _endpoint(request, self._methods)
            control = await control_request(request, endpoint, fake=self._fake, trusted=trusted)
            return await _handle(endpoint, control)
        except HttpProblem as problem:
            return _refusal(problem)
        except (UsageError, Refusal, OSError) as error:
            return _refusal(problem_of(error))
        except ClientDisconnect:
            raise
        except Exception as error:
            # A bug in the fake, which its user must see.
            log.exception("fakeviam crashed in %s %s", request.method, request.url.path)
            what = f"fakeviam has a bug: {type(error).__name__}: {error}"
            return _refusal(HttpProblem(500, what))


def _endpoint(request: Request, methods: dict[str, Endpoint]) -> Endpoint:
    endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
    if endpoint is None:
        raise _no_method(request, methods)
    return endpoint


def _check_caller(fake: Host, request: Request) -> bool:
    """Refuse callers without access; return whether this one sent a token."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    peer, scheme = request.scope["state"]["peer"], request.scope["scheme"]
    check_caller(headers, peer, fake.control_token, scheme=scheme)
    return fake.control_token is not None


async def _handle(endpoint: Endpoint, request: ControlRequest) -> Response:
    answer = endpoint.handler(request)
    if inspect.isawaitable(answer):
        answer = await answer
    if isinstance(answer, Response):
        return answer
    return _JsonResponse(answer, status_code=endpoint.status)


class _JsonResponse(JSONResponse):
    """Indented JSON that ends with a newline."""

    def render(self, content: object) -> bytes:
        return encoded(content) + b"\n"


def _refusal(problem: HttpProblem) -> Response:
    return _JsonResponse(problem.to_json(), status_code=problem.status, headers=problem.headers)


def _no_method(request: Request, methods: Iterable[str]) -> HttpProblem:
    allowed = ", ".join(sorted(methods))
    return HttpProblem(
        405,
        f"{request.url.path} does not allow {request.method}",
        hint=f"use {allowed}",
        headers={"allow": allowed},
    )


def _unknown(fake: Host) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, _error: Exception) -> Response:
        path = request.url.path
        if path.startswith("/control") and not fake.control:
            return _refusal(HttpProblem(404, "the control API of this server is turned off"))
        media = media_type(request.headers.get("content-type", "").encode())
        if media == b"application/grpc" or media.startswith(b"application/grpc+"):
            return _refusal(_grpc_over_http1(request))
        if is_rpc_path(path):
            return _no_call(request)
        hint = f"GET {ROOT}/openapi.json describes every path"
        return _refusal(HttpProblem(404, f"there is nothing at {path}", hint=hint))

    return answer


def _grpc_over_http1(request: Request) -> HttpProblem:
    return HttpProblem(
        505,
        f"gRPC over HTTP/1.1 is not supported: {request.method} {request.url.path}",
        field="content-type",
        value=request.headers["content-type"],
        hint="use HTTP/2 or gRPC-Web, on the same port",
    )


def _no_call(request: Request) -> Response:
    """Explain how to call an RPC (SV-10), in the form of Connect, which is the most similar."""
    if request.method != "POST":
        text = f"calls are POST requests, this is {request.method} [SV-10]"
        headers, status = {"allow": "POST"}, 405
    else:
        kind = request.headers.get("content-type", "")
        text = f"content-type is {kind!r}; calls are sent as {POSTED} [SV-10]"
        headers, status = {"accept-post": POSTED}, 415
    error = error_json(Status.INVALID_ARGUMENT, text)
    headers["trailer-fakeviam-clause"] = "SV-10"
    return _JsonResponse(error, status_code=status, headers=headers)


async def _only_get(request: Request, _error: Exception) -> Response:
    return _refusal(_no_method(request, ["GET"]))
