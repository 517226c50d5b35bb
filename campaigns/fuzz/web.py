"""What pages and plain HTTP clients send: calls, preflights, downloads, requests in pieces."""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from grpclib.const import Status

from campaigns.client import random_method
from campaigns.fuzz.http1 import Web, check_reply, encoded, last_words
from campaigns.fuzz.stage import judged, set_up
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError, require
from campaigns.messages import random_message
from fakeviam import wire
from fakeviam.server.services.links import ROOT as FILES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from campaigns.dice import Dice
    from campaigns.fuzz.http1 import Reply
    from campaigns.fuzz.stage import Stage
    from fakeviam.wire import Method

_STATUSES = {str(status.value): status.name for status in Status}

_LOCAL = ("http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443")
_FOREIGN = (
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "file://",
    "http://[",
    "",
)

_FRAMED = (
    *("application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json"),
    *("application/grpc-web-text", "application/connect+proto", "application/connect+json"),
)
_TYPES = (*_FRAMED, "application/proto", "application/json", "application/grpc", "text/plain", "")

_HEADERS = (
    *("connect-protocol-version", "connect-timeout-ms", "grpc-timeout", "content-encoding"),
    *("connect-content-encoding", "grpc-encoding", "accept-encoding", "x-user-agent", "expect"),
    *("authorization", "fakeviam-session", "te", "connection", "upgrade", "x-meta-bin", "origin"),
    *("access-control-request-method", "access-control-request-headers", "host", "cookie"),
    *("range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
    *("accept", "x y", "", "date"),
)
_VALUES = (
    *("1", "0", "-1", "99999999999", "1e9", "gzip", "identity", "br", "chunked", "*", '"x"', ""),
    *("bytes=0-4", "bytes=-3", "bytes=5-", "bytes=9-1", "bytes=0-0,2-3", "bytes=-", "lines=1-2"),
    *(f"bytes={'9' * 30}-", "bytes=0-" + "9" * 30, "Tue, 10 Mar 2026 12:00:00 GMT", "yesterday"),
    *(
        "Bearer x",
        "nobody",
        "100-continue",
        "h2c",
        "close",
        "AA==",
        "!!!",
        "\u00fc",
        "a, b",
        "POST",
    ),
    *(*_LOCAL, *_FOREIGN, "x" * 3000, "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00"),
)


class Pages(Player):
    """Sends one request after the other, as no page would."""

    def __init__(self, stage: Stage) -> None:
        """Attack the fake of `stage`."""
        self._stage, self._web = stage, Web(stage.cloud)
        self._state = stage.state()
        self._sent, self._taken = b"", 0

    async def take(self, dice: Dice) -> str:
        self._taken += 1
        kinds = (self._call, self._call, self._call, self._preflight, self._download, self._pieces)
        outcome = await dice.choice(kinds)(dice)
        if outcome.endswith("OK"):
            self._state = self._stage.state()
        else:
            self._stage.check_unchanged(self._state, f"{outcome}: {self._sent[:300]!r}")
        self._stage.check_no_crash()
        if self._taken % 10 == 0:
            await self._stage.check_neighbour()
        return outcome

    def last_input(self) -> str:
        return repr(self._sent[:1500])

    async def look_back(self) -> None:
        self._web.close()
        self._stage.check_shown()

    async def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply | None:
        self._sent = encoded(method, path, body, headers)
        reply = await self._web.ask(self._sent, head=method == "HEAD")
        allowed = "" if reply is None else reply.headers.get("access-control-allow-origin", "")
        require(allowed in ("", *_LOCAL), "no other origin is let in", allowed)
        return reply

    # Calls ---------------------------------------------------------------------------------

    async def _call(self, dice: Dice) -> str:
        method, kind = random_method(dice), dice.choice(_TYPES)
        streams = method.client_streaming or method.server_streaming
        if not streams and dice.chance(0.9):  # for those Connect has another form
            kind = kind.replace("connect+", "")
        headers = {"content-type": kind, **_spoiled(dice)}
        reply = await self._ask("POST", method.path, self._body(dice, method, kind), headers)
        if reply is None:
            return "closed"
        if reply.status == 200 or "connect+" in reply.headers.get("content-type", ""):
            return _ended(method, reply)
        return _refused(method, reply)

    def _body(self, dice: Dice, method: Method, kind: str) -> bytes:
        count = dice.choice((0, 1, 1, 1, 2)) if kind in _FRAMED else 1
        body = b""
        for _ in range(count):
            data = _encoded(random_message(dice, method.request, self._stage.known), kind)
            data = dice.mutated(data) if dice.chance(0.2) else data
            if kind in _FRAMED:
                size = len(data) if dice.chance(0.95) else dice.choice((0, 1, 2**31, 2**32 - 1))
                flag = 0 if dice.chance(0.95) else dice.choice((1, 2, 128, 255))
                data = struct.pack(">BI", flag, size) + data
            body += b64encode(data) if "text" in kind else data
        if kind.startswith("application/connect") and dice.chance(0.3):
            body += struct.pack(">BI", 2, 2) + b"{}"
        return dice.mutated(body) if dice.chance(0.1) else body

    # Files and pages -----------------------------------------------------------------------

    async def _preflight(self, dice: Dice) -> str:
        origin = dice.choice((*_LOCAL, *_FOREIGN))
        headers = {
            "origin": origin,
            "access-control-request-method": dice.choice(("POST", "GET", "DELETE", "x", "")),
            **_spoiled(dice),
        }
        if dice.chance(0.7):
            headers["access-control-request-headers"] = dice.choice(("x-a,b", "*", "a" * 2000, ","))
        path = (
            random_method(dice).path if dice.chance(0.7) else dice.choice(("/", FILES, "/x", "*"))
        )
        reply = await self._ask("OPTIONS", path, headers=headers)
        if reply is None:
            return "closed"
        check_reply(reply)
        return f"{reply.status}"

    async def _download(self, dice: Dice) -> str:
        name = dice.choice(self._stage.known["binary"]) if dice.chance(0.9) else dice.text()
        headers = _spoiled(dice)
        if dice.chance(0.7):
            headers["range"] = dice.choice([each for each in _VALUES if "=" in each])
        query = dice.choice(("", "", "?session=x", "?signature=x&expires=1", "?expires", "?a=%00"))
        method = dice.choice(("GET", "GET", "GET", "HEAD", "POST", "DELETE"))
        reply = await self._ask(method, f"{FILES}/{quote(name)}{query}", headers=headers)
        if reply is None:
            return "closed"
        if method == "HEAD":
            return f"{reply.status}"
        check_reply(reply)
        if method == "GET" and reply.status in (200, 206):
            self._check_content(name, reply)
        return f"{reply.status}"

    def _check_content(self, name: str, reply: Reply) -> None:
        """The bytes are those of the file, and of the range that the answer says."""
        store = self._stage.cloud._cloud.store  # noqa: SLF001 - past all policies
        content = bytes(store.read(name.rpartition("/")[2]))
        span = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", reply.headers.get("content-range", ""))
        require((reply.status == 206) == bool(span), "a part says which", reply.headers)
        if span is not None:
            first, last, size = map(int, span.groups())
            require(size == len(content), "a part says of how much", reply.headers)
            content = content[first : last + 1]
        require(reply.body == content, "the bytes are those of the file", reply.body[:100])

    # Requests in pieces --------------------------------------------------------------------

    async def _pieces(self, dice: Dice) -> str:
        """Requests whose lines, lengths and chunks are wrong, to the end of the connection."""
        self._sent = b"".join(_request(dice) for _ in range(dice.choice((1, 1, 2, 3))))
        if dice.chance(0.5):
            self._sent = dice.mutated(self._sent)
        replies = await last_words(self._stage.cloud, self._sent)
        for reply in replies:
            check_reply(reply)
        if replies and replies[0].status == 200:
            self._state = self._stage.state()
        return str(replies[-1].status) if replies else "closed"


def _encoded(message: Message, kind: str) -> bytes:
    if not kind.endswith("json"):
        return message.SerializeToString()
    try:
        return json_format.MessageToJson(message, descriptor_pool=wire.pool()).encode()
    except (json_format.Error, DecodeError, ValueError, TypeError):  # what JSON has no form for
        return b'{"a": [1e400, "\\ud800"]}'


def _spoiled(dice: Dice) -> dict[str, str]:
    """A few headers, most of them out of place."""
    count = dice.choice((0, 0, 1, 1, 2))
    return {dice.choice(_HEADERS): dice.choice(_VALUES) for _ in range(count)}


def _ended(method: Method, reply: Reply) -> str:
    """What became of a call whose answer has begun."""
    kind = reply.headers.get("content-type", "")
    if "grpc-web" in kind:
        found = re.findall(rb"(?:^|\n)([a-z-]+): ([^\r\n]*)", _decoded(reply.body, kind))
        told = {name.decode(): value.decode() for name, value in found}
        require("grpc-status" in told, "every call ends with a status", reply.body[-200:])
        status = _STATUSES.get(told["grpc-status"]) or told["grpc-status"]
        text, clause = unquote(told.get("grpc-message", "")), told.get("fakeviam-clause", "")
        return "OK" if status == "OK" else _judged(method, status, text, clause)
    if "connect+" in kind:
        end = json.loads(reply.body[reply.body.rindex(b"\x02\0\0") + 5 :])
        if "error" in end:
            clause = (end.get("metadata", {}).get("fakeviam-clause") or [""])[0]
            return _judged(method, end["error"]["code"], end["error"].get("message", ""), clause)
    return "OK"


def _decoded(body: bytes, kind: str) -> bytes:
    """The last frame of an answer of gRPC-Web, without its head."""
    if "text" in kind:
        body = b"".join(
            b64decode(each + b"=" * (-len(each) % 4)) for each in re.findall(rb"[^=]+=*", body)
        )
    at = 0
    while at + 5 <= len(body) and body[at] != 0x80:
        at += 5 + int.from_bytes(body[at + 1 : at + 5], "big")
    return body[at + 5 :]


def _refused(method: Method, reply: Reply) -> str:
    """What became of a call that was answered by a status of HTTP."""
    try:
        error = json.loads(reply.body)
    except ValueError as problem:
        raise BrokenLawError("a refusal says what is wrong", f"{reply}") from problem
    if "code" not in error:
        check_reply(reply)
        return f"HTTP {reply.status}"
    clause = reply.headers.get("trailer-fakeviam-clause", "")
    return _judged(method, error["code"], error.get("message", ""), clause)


def _judged(method: Method, status: str, text: str, clause: str) -> str:
    status = status.upper()
    ended = status in ("DEADLINE_EXCEEDED", "CANCELLED", "CANCELED")
    return status if ended else judged(method, status, text, clause)


_LINES = (
    *("GET /healthz HTTP/1.1", "POST /control/v1/clock HTTP/1.1", "GET / HTTP/1.0", "GET /"),
    *("OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET x HTTP/1.1"),
    *("GET http://localhost/healthz HTTP/1.1", "POST /a.B/C HTTP/1.1", "GET /%zz%00 HTTP/1.1"),
    *("GET /\u00fc HTTP/1.1", "GET  / HTTP/1.1", "get /healthz HTTP/1.1", "GET / HTTP/9.9"),
)
_BODIES = (
    *(("", b""), ("content-length: 2", b"{}"), ("content-length: 2", b"{"), ("", b"{}")),
    *(("content-length: 1\r\ncontent-length: 2", b"{}"), ("content-length: +2", b"{}")),
    *(("transfer-encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n"), ("transfer-encoding: x", b"{}")),
    *(
        ("transfer-encoding: chunked", b"ffffffffff\r\n{}"),
        ("transfer-encoding: chunked", b"2;a\r\n"),
    ),
    *(
        ("transfer-encoding: chunked\r\ncontent-length: 2", b"0\r\n\r\n"),
        ("content-length: x", b""),
    ),
    *(("content-length: 9999999999999999999999", b""), ("expect: 100-continue", b"")),
)


def _request(dice: Dice) -> bytes:
    length, body = dice.choice(_BODIES)
    headers = ["host: localhost", length, *(f"{k}: {v}" for k, v in _spoiled(dice).items())]
    if dice.chance(0.3):
        headers.append(
            dice.choice(("content-type: application/json", " folded", "no colon", "a:b\rc: d"))
        )
    end = "\r\n" if dice.chance(0.9) else "\n"
    lines = [dice.choice(_LINES), *(each for each in headers if each), "", ""]
    return end.join(lines).encode() + body


class WebPages(Target):
    """The side of pages."""

    name = "web"
    takes = "gRPC-Web, Connect, preflights, downloads and framing over HTTP/1.1"
    share = 80
    size = 200

    @asynccontextmanager
    async def opened(self, dice: Dice) -> AsyncIterator[Player]:
        async with set_up(dice) as stage:
            yield Pages(stage)
