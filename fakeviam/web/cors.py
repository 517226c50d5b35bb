"""Pages of other origins: what browsers let them do with calls and files (HT-8).

Pages of this machine may; the control API is for none of them (HT-3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import Response

from fakeviam.web.guard import is_local_name
from fakeviam.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What pages may read of an answer besides its body.
_EXPOSED = ", ".join(
    (
        *("grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-accept-encoding"),
        *("fakeviam-clause", "fakeviam-fault", "fakeviam-note", "fakeviam-scripted"),
        *("accept-ranges", "content-disposition", "content-length", "content-range", "etag"),
    )
)
_SECONDS = "600"


class Cors:
    """Lets pages of this machine use an application."""

    def __init__(self, app: ASGIApp, refusal: Callable[[Problem], Response]) -> None:
        """Serve `app` to pages, too; `refusal` makes answers of problems."""
        self._app = app
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(origin, headers)(scope, receive, send)
        elif not _is_allowed(origin):
            await self._app(scope, receive, send)  # the browser keeps the answer from the page
        else:
            await self._app(scope, receive, _opened(send, origin))

    def _preflight(self, origin: str, headers: dict[str, str]) -> Response:
        if not _is_allowed(origin):
            what = f"pages of {origin!r} may not call this server"
            hint = "serve the page from this machine, such as from http://localhost:3000"
            return self._refusal(Problem(403, what, hint=hint))
        told = {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, HEAD, POST",
            "access-control-max-age": _SECONDS,
            "vary": "Origin",
        }
        # By name, since no wildcard covers Authorization.
        if (asked := headers.get("access-control-request-headers")) is not None:
            told["access-control-allow-headers"] = asked
        return Response(status_code=204, headers=told)


def _is_allowed(origin: str) -> bool:
    try:
        return is_local_name(urlsplit(origin).hostname)
    except ValueError:
        return False


def _opened(send: Send, origin: str) -> Send:
    """Let the page read the answer."""

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
