"""One call by gRPC, gRPC-Web or Connect, over either HTTP: callers see the same."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from google.protobuf import json_format
from grpclib.client import Channel, StreamStreamMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import wire
from fakeviam.wire import status as rpc_status

from .browser import METHODS, Browser
from .http2_client import Http2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam import FakeViam

    from .browser import Reply

PAGE = {"origin": "http://localhost:3000"}
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
#: A trailer of gRPC with more than ASCII in its text, as the fake writes it.
PLAIN = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}~"


@dataclass(kw_only=True)
class Seen:
    """What a caller sees of an answer.

    Attributes:
        messages: In protobuf's canonical order.
        told: Status, text, details and what the fake adds, named as gRPC names them.
        headers: Those of HTTP, with `:status`.
    """

    messages: list[bytes] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def same(self) -> tuple[Any, Any]:
        """What must be equal by every way."""
        return self.messages, self.told


@dataclass(frozen=True, kw_only=True)
class Way:
    """A protocol over a version of HTTP."""

    kind: str
    http: int = 1

    def __str__(self) -> str:
        return f"{self.kind.removeprefix('application/')} over {self.http}"

    @property
    def is_json(self) -> bool:
        return self.kind.endswith("json")

    @property
    def is_connect(self) -> bool:
        return "grpc-web" not in self.kind

    def call(
        self,
        cloud: FakeViam,
        rpc: str,
        *requests: Message | bytes,
        headers: Mapping[str, str] | None = None,
        packed: str = "identity",
    ) -> Seen:
        """Call an RPC by its name or path; messages that are bytes go as they are."""
        method = METHODS.get(rpc)
        path, streams = rpc, True
        if method is not None:
            path, streams = method.path, method.client_streaming or method.server_streaming
        raw = [each if isinstance(each, bytes) else self._bytes(each) for each in requests]
        if packed in PACK:
            raw = [PACK[packed](each) for each in raw]
        kind, whole = self.kind, self.is_connect and not streams
        encoding = "grpc-encoding"
        if self.is_connect:
            kind = kind.replace("/", "/" if whole else "/connect+")
            encoding = "content-encoding" if whole else "connect-content-encoding"
        body = b"".join(raw) if whole else b"".join(frame(each, packed in PACK) for each in raw)
        if "text" in kind:
            body = b"".join(b64encode(frame(each, packed in PACK)) for each in raw)
        told = {"content-type": kind, encoding: packed, **PAGE, **(headers or {})}
        reply = self._send(cloud, path, body, told)
        seen = self._whole(reply) if whole else self._framed(reply)
        seen.headers = {**reply.headers, ":status": str(reply.status)}
        if method is not None:
            seen.messages = [self._canonical(each, method.response) for each in seen.messages]
        return seen

    def _send(self, cloud: FakeViam, path: str, body: bytes, told: dict[str, str]) -> Reply:
        if self.http == 1:
            return Browser(cloud).request("POST", path, body, told)
        with Http2(cloud) as connection:
            return connection.request("POST", path, body, told)

    def _bytes(self, message: Message) -> bytes:
        if not self.is_json:
            return message.SerializeToString()
        return json_format.MessageToJson(message, descriptor_pool=wire.pool()).encode()

    def _canonical(self, data: bytes, kind: type[Message]) -> bytes:
        if self.is_json:
            made = json_format.Parse(data, kind(), descriptor_pool=wire.pool())
            return made.SerializeToString(deterministic=True)
        return canonical(data, kind)

    def _framed(self, reply: Reply) -> Seen:
        assert reply.status == 200
        answer = reply.body
        if "text" in self.kind:
            answer = b"".join(b64decode(answer[at : at + 4]) for at in range(0, len(answer), 4))
        seen = Seen()
        while answer:
            flag, length = struct.unpack(">BI", answer[:5])
            content, answer = answer[5 : 5 + length], answer[5 + length :]
            if flag:
                assert (flag, answer) == (2 if self.is_connect else 0x80, b"")
                seen.told = _end_of_connect(content) if self.is_connect else _trailers(content)
            else:
                seen.messages.append(content)
        return seen

    def _whole(self, reply: Reply) -> Seen:
        told = {
            name.removeprefix("trailer-"): value
            for name, value in reply.headers.items()
            if name.startswith("trailer-")
        }
        assert int(reply.headers["content-length"]) == len(reply.body)
        if reply.status == 200:
            return Seen(messages=[reply.body], told={"grpc-status": "0", **told})
        assert reply.headers["content-type"] == "application/json"
        return Seen(told={**_error(json.loads(reply.body)), **told})


WAYS = [
    Way(kind=kind, http=http)
    for kind in (
        *("application/grpc-web+proto", "application/grpc-web-text", "application/grpc-web+json"),
        *("application/proto", "application/json"),
    )
    for http in (1, 2)
]


def frame(message: bytes, flag: int = 0) -> bytes:
    return struct.pack(">BI", flag, len(message)) + message


def canonical(data: bytes, kind: type[Message]) -> bytes:
    return kind.FromString(data).SerializeToString(deterministic=True)


def _trailers(block: bytes) -> dict[str, str]:
    lines = block.decode().strip().split("\r\n")
    return _unpacked(dict(line.split(": ", 1) for line in lines))


def _unpacked(told: dict[str, str]) -> dict[str, str]:
    """Trailers with the details in a form of their own."""
    if (packed := told.pop("grpc-status-details-bin", None)) is not None:
        whole = rpc_status.Status.FromString(b64decode(packed + "=" * (-len(packed) % 4)))
        told["details"] = str([(each.type_url, each.value) for each in whole.details])
    return told


def _end_of_connect(content: bytes) -> dict[str, str]:
    end = json.loads(content)
    assert set(end) <= {"error", "metadata"}
    told = _error(end["error"]) if "error" in end else {"grpc-status": "0"}
    return {**told, **{name: value for name, (value,) in end.get("metadata", {}).items()}}


def _error(error: dict[str, Any]) -> dict[str, str]:
    """An error of Connect, as gRPC would have told it."""
    code = "CANCELLED" if error["code"] == "canceled" else error["code"].upper()
    text = quote(error["message"], safe=PLAIN)
    told = {"grpc-status": str(Status[code].value), "grpc-message": text}
    if "details" in error:
        packed = [
            (f"type.googleapis.com/{each['type']}", b64decode(each["value"] + "=="))
            for each in error["details"]
        ]
        told["details"] = str(packed)
    return told


def by_grpc(cloud: FakeViam, rpc: str, *requests: Message) -> Seen:
    """The same call by gRPC."""
    return asyncio.run(_by_grpc(cloud, rpc, requests))


async def _by_grpc(cloud: FakeViam, rpc: str, requests: Sequence[Message]) -> Seen:
    method = METHODS[rpc]
    channel = Channel(cloud.host, cloud.port)
    stub = StreamStreamMethod(channel, method.path, method.request, method.response)
    opened: Any = stub.open()
    seen = Seen(told={"grpc-status": "0"})
    try:
        async with opened as stream:
            for at, request in enumerate(requests, start=1):
                await stream.send_message(request, end=at == len(requests))
            async for message in stream:
                seen.messages.append(message.SerializeToString(deterministic=True))
            await stream.recv_trailing_metadata()
    except GRPCError as error:
        text = quote(error.message or "", safe=PLAIN)
        seen.told = {"grpc-status": str(error.status.value), "grpc-message": text}
    finally:
        channel.close()
    told = (opened.trailing_metadata or {}).items()
    seen.told |= _unpacked({name: str(value) for name, value in told if name.startswith("fake")})
    return seen


def text_of(seen: Seen) -> str:
    """The text of a status."""
    return unquote(seen.told["grpc-message"])


def journal(cloud: FakeViam) -> list[Any]:
    """The journal without what differs by nature."""
    entries = [each.to_json() for each in cloud.calls]
    for entry in entries:
        for name in ("peer", "duration", "metadata"):
            del entry[name]
    return entries
