"""HTTP/2 requests that are not gRPC calls, as ASGI applications see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from grpclib.const import Status

from fakeviam.server.transport.http_side import HttpRequest
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Scope

    from fakeviam.server.transport.call_stream import Carrier
    from fakeviam.server.transport.head import RequestHead

    Pair = tuple[bytes, bytes]


class Http2Request(HttpRequest):
    """One request, from its headers to the end of its response."""

    def __init__(
        self,
        connection: Carrier,
        number: int,
        head: RequestHead,
        headers: Sequence[Pair],
        *,
        app: ASGIApp,
        extra: Sequence[Pair],
    ) -> None:
        """Handle it with `app`; `extra` headers are added to every response."""
        super().__init__(connection, number, head)
        self._app = app
        self._scope = self._scope_of(headers)
        self._extra = extra
        self._answer: list[tuple[str, str]] | None = None
        self._has_begun = self._read_all = False

    def _scope_of(self, headers: Sequence[Pair]) -> Scope:
        pseudo = {name: value for name, value in headers if name.startswith(b":")}
        path, _, query = pseudo[b":path"].partition(b"?")
        kept = [pair for pair in headers if not pair[0].startswith(b":")]
        if (authority := pseudo.get(b":authority")) is not None:
            # A different Host header is kept, and refused as a repeated one.
            named = (b"host", authority)
            kept = [named, *(pair for pair in kept if pair != named)]
        host, _, port = self.peer.rpartition(":")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "2",
            "server": None,
            "client": (host, int(port)) if host else None,
            "scheme": self._connection.scheme,
            "method": pseudo[b":method"].decode("latin-1"),
            "root_path": "",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "headers": kept,
            # On a Unix socket there is no server address, as over HTTP/1.1.
            "state": {"peer": host or None, "exchange": self},
        }

    async def serve(self) -> None:
        """Handle the request, unless it was reset before."""
        if not self.is_reset:
            await self._app(self._scope, self._receive, self._send)
        if self.farewell and not (self._has_begun or self.is_reset):
            await self.finish(Status.UNAVAILABLE, f"{self.farewell} [SV-17]", "SV-17")

    async def finish(self, status: Status, text: str, clause: str) -> None:  # noqa: ARG002 - in the text
        """End the response that the application left open."""
        if self._has_begun:
            self.reset("INTERNAL_ERROR")
            return
        number = 503 if status is Status.UNAVAILABLE else 500
        problem = HttpProblem(number, text)
        headers = [(b"content-type", b"application/json")]
        await self._send({"type": "http.response.start", "status": number, "headers": headers})
        body = json.dumps(problem.to_json()).encode()
        await self._send({"type": "http.response.body", "body": body})

    # ASGI --------------------------------------------------------------------------------

    async def _receive(self) -> Message:
        while not (self.body or self.client_ended):
            await self._wait()
        while self._read_all:  # a client that disconnects cancels the task of its request
            await self._wait()
        self._read_all = self.client_ended
        body = bytes(self.body)
        self.body.clear()
        self._give_back(self._unreturned)
        return {"type": "http.request", "body": body, "more_body": not self._read_all}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*self._extra, *message.get("headers", ())]
            shown = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
            self._answer = [(":status", str(message["status"])), *shown]
            return
        data = b"" if self._scope["method"] == "HEAD" else message.get("body", b"")
        is_last = not message.get("more_body", False)
        is_bare = False  # whether there are only headers
        if self._answer is not None:
            answer, self._answer, self._has_begun = self._answer, None, True
            is_bare = is_last and not data
            self._connection.send_headers(self.id, answer, end=is_bare)
        if data or (is_last and not is_bare):
            await self._connection.send_data(self.id, data, end=is_last)
        self.has_ended = is_last
