"""Requirements of RFC 9110 and 9112 for all requests, checked before anything else (HT-11)."""

from __future__ import annotations

from collections import Counter
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.responses import Response

from fakeviam.model.clock import SECOND
from fakeviam.server.transport.head import authority_of
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Headers with a single value: if there are two, an intermediary may have used the other one.
_SINGLE = frozenset(
    {
        *(b"authorization", b"connect-content-encoding", b"connect-protocol-version"),
        *(b"connect-timeout-ms", b"content-encoding", b"content-length", b"content-type"),
        *(b"fakeviam-session", b"grpc-encoding", b"grpc-timeout", b"host", b"origin"),
        b"transfer-encoding",
    }
)


class WellFormed:
    """Passes only well-formed requests to an application, and adds Date to its responses."""

    def __init__(
        self, app: ASGIApp, refusal: Callable[[HttpProblem], Response], now: Callable[[], int]
    ) -> None:
        """Wrap `app`.

        Args:
            app: The application.
            refusal: Creates responses for problems.
            now: Returns the time of responses, ns since the epoch.
        """
        self._app, self._refusal, self._now = app, refusal, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            seen = _in_origin_form(scope)
            _check(seen)
        except HttpProblem as problem:
            response = self._refusal(problem)
            if not scope["http_version"].startswith("2"):
                # Ambiguous length: intermediaries may see another request (RFC 9112, 6.1).
                response.headers["connection"] = "close"
            await response(scope, receive, self._dated(send))
            return
        asks_server = (scope["method"], scope["path"]) == ("OPTIONS", "*")  # RFC 9110, 9.3.7
        app = Response(status_code=204) if asks_server else self._app
        await app(seen, receive, self._dated(send))

    def _dated(self, send: Send) -> Send:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self._now() // SECOND, usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        return dated


def _in_origin_form(scope: Scope) -> Scope:
    """The request with a path as target, since requests to proxies also name the host."""
    scheme, mark, rest = scope["path"].partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        return scope
    authority, slash, path = rest.partition("/")
    raw = b"/" + scope["raw_path"].partition(b"://")[2].partition(b"/")[2]
    headers = [pair for pair in scope["headers"] if pair[0] != b"host"]
    host = (b"host", authority.encode("latin-1", "replace"))
    return {**scope, "path": slash + path or "/", "raw_path": raw, "headers": [host, *headers]}


def _check(scope: Scope) -> None:
    names = Counter(name for name, _ in scope["headers"])
    for name in sorted(_SINGLE & names.keys()):
        if names[name] > 1:
            raise _malformed(f"{name.decode()} is repeated {names[name]} times", name)
    if names[b"content-length"] and names[b"transfer-encoding"]:
        raise _malformed("content-length and transfer-encoding contradict", b"content-length")
    host = dict(scope["headers"]).get(b"host")
    if host and not authority_of(host):
        raise _malformed("host is no host and port", b"host", host.decode("latin-1"))


def _malformed(what: str, name: bytes, value: str | None = None) -> HttpProblem:
    return HttpProblem(400, f"{what} [HT-11]", field=name.decode(), value=value)
