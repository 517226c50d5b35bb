"""Over gRPC-Web the kit is as strict as clients are, and bears with what they bear with."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import FakeViam
from fakeviam.web.dialects import Dialect, Ending, GrpcWeb
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.web.dialects import Trailers

TYPE = b"application/grpc-web+proto"


def framed(flag: int, body: bytes) -> bytes:
    return struct.pack(">BI", flag, len(body)) + body


def block(trailers: Trailers, line: str = "{}: {}\r\n") -> bytes:
    return "".join(line.format(*pair) for pair in trailers).encode()


def status_of(trailers: Trailers) -> str:
    return dict(trailers)["grpc-status"]


def of_body(change: Callable[[bytes], bytes]) -> dict[str, object]:
    """A server that changes frames with messages."""
    return {"body": lambda _, frames: change(frames) if frames[:1] == b"\0" else frames}


def of_end(
    change: Callable[[Trailers], bytes], http: Callable[[Trailers], int] = lambda _: 200
) -> dict[str, object]:
    """A server that ends calls otherwise."""

    def ending(self: Dialect, trailers: Trailers) -> Ending:
        return Ending(http(trailers), self.opening(), change(trailers))

    return {"ending": ending}


def of_status(change: Callable[[str], list[tuple[str, str]]]) -> dict[str, object]:
    """A server that says the statuses of refusals otherwise."""
    return of_end(
        lambda trailers: framed(0x80, block(
            trailers if status_of(trailers) == "0" else
            [*change(status_of(trailers)), *(p for p in trailers if p[0] != "grpc-status")]
        ))
    )  # fmt: skip


def of_type(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    """A server that begins answers with other headers."""
    return {"opening": lambda _: list(headers)}


def whole(trailers: Trailers) -> bytes:
    return framed(0x80, block(trailers))


WRONG = {
    "no trailers": of_end(lambda _: b""),
    "trailers as a message": of_end(lambda trailers: framed(0, block(trailers))),
    "trailers twice": of_end(lambda trailers: whole(trailers) * 2),
    "a message after the trailers": of_end(lambda trailers: whole(trailers) + framed(0, b"")),
    "a frame that is cut": of_end(lambda trailers: whole(trailers)[:-3]),
    "bytes after the end": of_end(lambda trailers: whole(trailers) + b"abc"),
    "a second message": of_body(lambda frames: frames + framed(0, b"")),
    "lengths of one more": of_body(lambda frames: framed(0, frames[5:] + b"x")[:-1]),
    "compressed unasked": of_body(lambda frames: framed(1, gzip.compress(frames[5:]))),
    "compressed, it says": of_body(lambda frames: framed(1, frames[5:])),
    "bytes as text": of_body(lambda frames: framed(0, frames[5:].decode("latin-1").encode())),
    "HTTP 500 for refusals": of_end(
        whole, lambda trailers: 200 if status_of(trailers) == "0" else 500
    ),
    "no status in refusals": of_status(lambda _: []),
    "names of statuses": of_status(lambda _: [("grpc-status", "INVALID_ARGUMENT")]),
    "unknown statuses": of_status(lambda _: [("grpc-status", "99")]),
    "refusals as successes": of_status(lambda _: [("grpc-status", "0")]),
    "base64 by name alone": of_type((b"content-type", b"application/grpc-web-text")),
    "gRPC by name": of_type((b"content-type", b"application/grpc+proto")),
}  # fmt: skip

LEGAL: dict[str, dict[str, object]] = {
    "small differences in trailers": of_end(
        lambda trailers: framed(
            0x80, block([(name.title(), value) for name, value in trailers], "{}:{}\r\n")
        )
    ),
    "refusals in headers": {
        "ending": lambda self, trailers: Ending(
            200, [*self.opening(), *((n.encode(), v.encode()) for n, v in trailers)], b""
        ) if status_of(trailers) != "0" else Ending(200, self.opening(), whole(trailers)),
    },
    "a type without +proto": of_type((b"content-type", b"application/grpc-web")),
    "a connection for each call": of_type((b"content-type", TYPE), (b"connection", b"close")),
}  # fmt: skip


def said(monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]) -> str:
    """What the kit says of a server that speaks gRPC-Web like that."""
    for name, change in changes.items():
        monkeypatch.setattr(GrpcWeb, name, change)
    with FakeViam(seed=1) as cloud:
        target, parts = f"web+http://{cloud.target}", (cloud.default_part.id,)
        try:
            result = run(RunConfig(target=target, parts=parts, clauses="A56", seed=1))
        except CannotRunError as error:
            return str(error)
    return result.error or "; ".join(str(each.assertion) for each in result.findings)


@pytest.mark.parametrize("name", WRONG)
def test_what_no_client_understands_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HT-7: a server that is right over gRPC is told that it is wrong over gRPC-Web."""
    assert said(monkeypatch, WRONG[name])


@pytest.mark.parametrize("name", LEGAL)
def test_what_clients_bear_with_is_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HT-7: nothing is said against servers that speak gRPC-Web their own way."""
    assert said(monkeypatch, LEGAL[name]) == ""


def test_a_server_may_hang_up_between_calls() -> None:
    """A connection that was closed while nobody called is opened again."""
    with FakeViam() as cloud:
        target = cloud.target
        line = RemoteConnection(Address(target=f"web+http://{target}"))
    port = int(target.rpartition(":")[2])
    try:
        with FakeViam(port=port):
            reply = line.wire().call("TagsByFilter", data.TagsByFilterRequest())
    finally:
        line.close()
    assert reply == data.TagsByFilterResponse()
