"""Cross-origin access of web pages to calls and files (HT-8).

Pages of this machine have access, or those of the origins given at startup; none of them may use
the control API (HT-3).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import Response

from fakeviam.model.errors import shortened
from fakeviam.model.origins import ANY
from fakeviam.server.transport.quiet_log import QuietLog
from fakeviam.web.guard import is_local_name
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The fake's trailers, in addition to the status.
_TOLD = ("fakeviam-clause", "fakeviam-fault", "fakeviam-note", "fakeviam-scripted")

#: Response headers that pages may read.
_EXPOSED = ", ".join(
    (
        *("grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-accept-encoding"),
        *("connect-accept-encoding", "accept-encoding", *_TOLD),
        *(f"trailer-{name}" for name in _TOLD),  # Connect's form of trailers
        *("accept-ranges", "content-disposition", "content-length", "content-range", "etag"),
    )
)
_SECONDS = "600"


class Cors:
    """Gives pages of some origins access to an application."""

    def __init__(
        self,
        app: ASGIApp,
        refusal: Callable[[HttpProblem], Response],
        origins: frozenset[str] | None,
    ) -> None:
        """Wrap `app`.

        Args:
            app: The application.
            refusal: Creates responses for problems.
            origins: The permitted origins; None is those of this machine.
        """
        self._app, self._refusal, self._origins = app, refusal, origins
        self._log = QuietLog(lambda: asyncio.get_running_loop().time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
        elif origin == f"{scope['scheme']}://{headers.get('host')}":
            # Same-origin for the browser, whatever the response: a page whose name was rebound to
            # this machine could read it.
            allowed = self._allows(origin) or _is_local(origin)
            await (self._app if allowed else self._refusal(self._say(origin)))(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(origin, headers)(scope, receive, send)
        elif not self._allows(origin):
            self._say(origin)
            await self._app(scope, receive, send)  # the browser hides the response from the page
        else:
            await self._app(scope, receive, _opened(send, origin))

    def _preflight(self, origin: str, headers: dict[str, str]) -> Response:
        if not self._allows(origin):
            return self._refusal(self._say(origin))
        answer = {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, HEAD, POST",
            "access-control-max-age": _SECONDS,
            "vary": "Origin",
        }
        # Listed explicitly, since wildcards do not cover Authorization.
        if (requested := headers.get("access-control-request-headers")) is not None:
            answer["access-control-allow-headers"] = requested
        # A page from the internet that calls this machine.
        if headers.get("access-control-request-private-network") == "true":
            answer["access-control-allow-private-network"] = "true"
        return Response(status_code=204, headers=answer)

    def _allows(self, origin: str) -> bool:
        if self._origins is None:
            return _is_local(origin)
        return origin in self._origins or ANY in self._origins

    def _say(self, origin: str) -> HttpProblem:
        """The problem; also logged, because browsers do not show it to users."""
        shown = repr(shortened(origin))
        what = f"pages of {shown} may not call this server"
        if self._origins is None:
            allowed = "those of this machine, such as http://localhost:3000"
        else:
            allowed = ", ".join(sorted(self._origins)) or "none"
        how = f"start it with --allow-origin {shown}, FakeViam(allow_origins=[{shown}])"
        hint = f"allowed are {allowed}; {how}"
        self._log.say("page", f"{what}: {hint} [HT-8]")
        return HttpProblem(403, what, hint=hint)


def _is_local(origin: str) -> bool:
    try:
        return is_local_name(urlsplit(origin).hostname)
    except ValueError:
        return False


def _opened(send: Send, origin: str) -> Send:
    """Add the headers that let the page read the response."""

    async def opened(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", ()),
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", _EXPOSED.encode()),
                (b"vary", b"Origin"),
            ]
        await send(message)

    return opened
