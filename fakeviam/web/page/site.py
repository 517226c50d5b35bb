"""The routes of the page: access, views, and error pages."""

from __future__ import annotations

import inspect
import logging
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.finding import nearest
from fakeviam.seeds import SeedError
from fakeviam.server.services.due import caught_up
from fakeviam.web.guard import check_caller
from fakeviam.web.page import (
    calls,
    controls,
    datasets,
    disputed,
    filters,
    fleet,
    pictures,
    pipelines,
    query,
    readings,
    sequences,
    snapshots,
)
from fakeviam.web.page import files as file_views
from fakeviam.web.page.forms import read_form
from fakeviam.web.page.rendering import Templates
from fakeviam.web.page.visit import ROOT, Visit
from fakeviam.web.problems import HttpProblem, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import QueryParams
    from starlette.types import Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host

log = logging.getLogger("fakeviam")

#: The cookie in which a browser stores the control token (HT-2).
COOKIE = "fakeviam-token"

#: Only resources from this address; no inline scripts, no frames.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    # Not no-referrer: browsers would then hide the origin of a form from the guard.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    # Pages on other ports cannot embed its pictures either.
    "cross-origin-resource-policy": "same-origin",
}

_STATIC = {
    "htmx.min.js": "text/javascript",
    "live.js": "text/javascript",
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "htmx.LICENSE": "text/plain",
}

#: Read-only views. Each takes a visit and returns a template with values, or a response. Functions
#: run in another thread, coroutines in the event loop.
_READS: Mapping[str, Callable[[Visit], Any]] = {
    "calls": calls.show_list,
    "call": calls.show_call,
    "why": calls.show_why,
    "compare": calls.compare,
    "events": calls.events,
    "files": file_views.show_list,
    "file": file_views.show_file,
    "bytes": pictures.content,
    "readings": readings.show,
    "query": query.show,
    "datasets": datasets.show_list,
    "dataset": datasets.show_dataset,
    "export": datasets.export,
    "sequences": sequences.show_list,
    "sequence": sequences.show_one,
    "job": sequences.job_file,
    "pipelines": pipelines.show_list,
    "pipeline": pipelines.show_one,
    "fleet": fleet.show,
    "policy": disputed.show_list,
    "point": disputed.show_point,
    "controls": controls.show,
    "snapshots": snapshots.compare,
}

#: The query parameters of each view besides the session; the others have none.
ASKED: Mapping[str, tuple[str, ...]] = {
    "calls": (*calls.FILTERS, "before"),
    "why": ("record",),
    "compare": ("a", "b"),
    "files": (*filters.ASKED, "internal"),
    "readings": filters.ASKED,
    "query": ("text", "prefix", "sink", "language", "organization", "as"),
    "export": ("format",),
    "sequence": ("last",),
    "snapshots": ("a", "b"),
}

#: Views of a single object, whose addresses are below the list.
_OF_ONE = {"calls": "call", "policy": "point"}


class Site:
    """The page of one fake. Starlette treats an instance as an ASGI application."""

    def __init__(self, fake: Host) -> None:
        """Show `fake`."""
        self._fake = fake
        self._templates = Templates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Handle one request; the only place that turns errors into pages."""
        name, _, path = request.path_params.get("path", "").partition("/")
        visit = self._visit(request, path)
        try:
            return await self._view(request, name, visit)
        except ClientDisconnect:
            raise
        except HttpProblem as problem:
            if problem.status == HTTPStatus.UNAUTHORIZED:
                return self._page("login.html", visit, 401, wrong=COOKIE in request.cookies)
            return self._refusal(visit, problem, problem.__cause__)
        except (UsageError, Refusal, OSError) as error:
            return self._refusal(visit, problem_of(error), error)
        except Exception as error:
            # A bug in the fake, which its user must see.
            log.exception("fakeviam crashed in %s %s", request.method, request.url.path)
            return self._refusal(
                visit, HttpProblem(500, f"fakeviam has a bug: {type(error).__name__}: {error}")
            )

    async def _view(self, request: Request, name: str, visit: Visit) -> Response:
        if name == "static":
            return _static(visit.path)
        if name == "login":
            return await self._login(request)
        self._check(request)
        if not name:
            return RedirectResponse(visit.url("calls"), status_code=303)
        if request.method == "POST":
            return await self._change(request, name, visit)
        return await self._show(request, name, visit)

    def _visit(self, request: Request, path: str) -> Visit:
        session = request.query_params.get("session", "")
        return Visit(fake=self._fake, session=session, path=path, request=request)

    def _check(self, request: Request) -> None:
        """Check the caller's access to the control API; browsers send the token in a cookie."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer, scheme = request.scope["state"]["peer"], request.scope["scheme"]
        if self._fake.control_token is not None and COOKIE in request.cookies:
            _check_origin(request)
            headers.setdefault("authorization", f"Bearer {request.cookies[COOKIE]}")
        check_caller(headers, peer, self._fake.control_token, scheme=scheme)

    async def _login(self, request: Request) -> Response:
        """Store the token in a cookie that scripts and other sites cannot use."""
        if request.method != "POST":
            return RedirectResponse(ROOT, status_code=303)
        _check_origin(request)
        token = (await read_form(request)).fields.get("token", "")
        if not (token and token.isascii() and token.isprintable()):  # not valid in a header
            raise HttpProblem(422, "a control token has printable ASCII characters", field="token")
        answer = RedirectResponse(ROOT, status_code=303)
        answer.set_cookie(
            COOKIE,
            token,
            path=ROOT,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def _show(self, request: Request, name: str, visit: Visit) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise HttpProblem(405, f"the page does not take {request.method}")
        view = _OF_ONE.get(name, name) if visit.path else name
        read = _READS.get(view)
        if read is None:
            raise HttpProblem(404, f"there is nothing at {request.url.path}", hint="use the menu")
        _check_asked(visit.query, ("session", *ASKED.get(view, ())))
        await caught_up(visit.cloud)  # in a thread, what takes long; views do what is due, too
        if inspect.iscoroutinefunction(read):
            return self._shown(visit, await read(visit))
        return await visit.beside(lambda still: self._shown(still, read(still)))

    def _shown(self, visit: Visit, answer: Any) -> Response:
        if isinstance(answer, Response):
            return answer
        template, values = answer
        return self._page(template, visit, **values)

    async def _change(self, request: Request, name: str, visit: Visit) -> Response:
        if name != "controls":
            raise HttpProblem(405, "only the controls change something")
        view, message = await controls.change(visit, request)
        template, values = _READS[view](visit)
        return self._page(template, visit, **{**values, "message": message})

    def _page(self, template: str, visit: Visit, status: int = 200, **values: object) -> Response:
        return HTMLResponse(self._templates.render(template, visit, **values), status)

    def _refusal(
        self, visit: Visit, problem: HttpProblem, cause: BaseException | None = None
    ) -> Response:
        apart = visit if visit.session in ("", *self._fake.sessions) else _outside(visit)
        found = cause.diagnostics if isinstance(cause, SeedError) else ()
        return self._page("problem.html", apart, problem.status, problem=problem, diagnostics=found)


def _check_asked(query: QueryParams, known: tuple[str, ...]) -> None:
    """Refuse unknown query parameters, since the view would show everything instead.

    Raises:
        HttpProblem: 422, there is an unknown parameter.
    """
    for name, value in query.items():
        if name not in known:
            hint = nearest(name, known).removeprefix("; ") or f"it takes {', '.join(known)}"
            raise HttpProblem(
                422, f"the view does not take {name!r}", field=name, value=value, hint=hint
            )


def _check_origin(request: Request) -> None:
    """Refuse requests of other pages: browsers send the cookie to all ports of this machine.

    Raises:
        HttpProblem: 403.
    """
    origin, host = request.headers.get("origin"), request.headers.get("host")
    if origin is not None and origin.lower() != f"{request.url.scheme}://{host}".lower():
        raise HttpProblem(403, f"the page refuses what pages of {origin!r} send", field="origin")


def _outside(visit: Visit) -> Visit:
    """The same visit to the server's own cloud, when the session has ended."""
    return Visit(fake=visit.fake, session="", path="", request=visit.request)


def _static(name: str) -> Response:
    kind = _STATIC.get(name)
    if kind is None:
        raise HttpProblem(404, f"there is no file {name!r}")
    content = (files("fakeviam.web.page") / "static" / name).read_bytes()
    headers = {"cache-control": "max-age=3600"}
    return Response(content, media_type=kind, headers=headers)
