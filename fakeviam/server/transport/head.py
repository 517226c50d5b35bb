"""The headers of a call: what RFC 9113 and the gRPC protocol want of them, and what they say."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from multidict import MultiDict

from fakeviam.model.errors import (
    InvalidArgumentError,
    Refusal,
    ResourceExhaustedError,
    UnimplementedError,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    Pair = tuple[bytes, bytes]

#: Compressions of messages that are understood (SV-15).
ENCODINGS = ("identity", "deflate", "gzip")

# RFC 9113, 8.2.1: no controls, space, upper case, DEL or beyond; the colon only in front.
_BAD_NAME = re.compile(rb"[\x00-\x20A-Z:\x7f-\xff]")
# Blanks around a value are let pass, against 8.2.1: gRPC allows to cut them off.
_BAD_VALUE = re.compile(rb"[\0\r\n]")
# What gRPC lets a value be: printable ASCII.
_NOT_PRINTABLE = re.compile(rb"[^ -~]")
_AUTHORITY = re.compile(rb"(?:[\w.-]{1,250}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_LENGTH = re.compile(rb"[0-9]{1,18}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")

_PSEUDO = frozenset({b":method", b":scheme", b":path", b":authority"})
_NEEDED = (b":method", b":scheme", b":path")
#: Those of HTTP/1.1 that speak of a connection (RFC 9113, 8.2.2).
_OF_CONNECTIONS = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
)
_NO_METADATA = frozenset({"te", "content-type", "user-agent", "content-length"})
#: Bytes of headers that are worth to be kept, and of how many calls.
_SMALL, _MOST_KNOWN = 2000, 50

#: What RFC 9113 counts for each header beside its bytes.
_OVERHEAD = 32


@dataclass(kw_only=True, slots=True)
class RequestHead:
    """What the headers of one call say.

    Attributes:
        path: Its path, as text; empty if there is none.
        authority: The host and port that the client calls; empty if it is none.
        metadata: What the client sent along; bytes where a name ends in `-bin`.
        timeout: Seconds that the client waits for; None is for ever.
        content_length: Bytes of the body, if it says so.
        encoding: How messages are compressed that say they are.
        malformed: Why this is no request of HTTP/2, so that its stream is reset (SV-9).
        http_status: Another answer of HTTP than 200: this is no call of gRPC (SV-10).
        is_web: Whether it is what browsers send, and no call of gRPC: a page's, or plain HTTP.
        refusal: Why the call is refused, or would be if it were one.
        opening: The headers of its answer.
    """

    path: str = ""
    authority: str = ""
    metadata: MultiDict[str | bytes] = field(default_factory=MultiDict)
    timeout: float | None = None
    content_length: int | None = None
    encoding: str = "identity"
    malformed: str = ""
    http_status: int = 200
    is_web: bool = False
    refusal: Refusal | None = None
    opening: list[tuple[str, str]] = field(default_factory=lambda: _opening(200))


class KnownHeads(dict["tuple[Pair, ...]", RequestHead]):
    """The heads of one connection, by their headers. Most are alike, and read once."""

    def __init__(self, largest: int) -> None:
        """Refuse more than `largest` bytes of headers."""
        super().__init__()
        self._largest = largest

    def __missing__(self, headers: tuple[Pair, ...]) -> RequestHead:
        """What these headers say; nobody changes it."""
        head = read_head(headers, largest=self._largest)
        if sum(len(name) + len(value) for name, value in headers) <= _SMALL:
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[headers] = head
        return head


def read_head(headers: Sequence[Pair], *, largest: int) -> RequestHead:
    """What these headers say; refused above `largest` bytes."""
    head = RequestHead()
    pseudo = {name: value for name, value in headers if name.startswith(b":")}
    head.path = pseudo.get(b":path", b"").decode("ascii", "backslashreplace")
    head.authority = authority_of(pseudo.get(b":authority", b""))
    head.malformed = _malformed(headers, pseudo)
    for name, value in headers:
        if not name.startswith((b":", b"grpc-")):
            _keep(head, name, value)
    if head.malformed:
        return head
    plain = dict(headers)
    head.is_web = _is_web(pseudo, plain.get(b"content-type", b""))
    size = sum(len(name) + len(value) + _OVERHEAD for name, value in headers)
    if (length := plain.get(b"content-length")) is not None:
        head.content_length = int(length)
    if size > largest:
        _refuse(
            head,
            ResourceExhaustedError(
                f"request headers of {size} bytes are larger than {largest}", clause="SV-7"
            ),
        )
    _read_kind(head, pseudo[b":method"], plain)
    _read_protocol(head, headers, plain)
    return head


def authority_of(name: bytes) -> str:
    """A host and port that can stand in links; empty if it is none."""
    return name.decode() if _AUTHORITY.fullmatch(name) else ""


def check_trailers(headers: Sequence[Pair]) -> str:
    """Why these cannot end a request; empty if they can."""
    for name, value in headers:
        if name.startswith(b":"):
            return f"the trailers hold the pseudo header {_repr(name)}"
        if problem := _bad_field(name, value):
            return problem
    return ""


def _malformed(headers: Sequence[Pair], pseudo: dict[bytes, bytes]) -> str:
    """Why this is no request by RFC 9113, 8.1.1; empty if it is one."""
    problems = (_bad_pseudo(headers), _bad_fields(headers), _bad_target(pseudo))
    return next(filter(None, problems), "")


def _bad_pseudo(headers: Sequence[Pair]) -> str:
    names: set[bytes] = set()
    regular = False
    for name, value in headers:
        if not name.startswith(b":"):
            regular = True
            continue
        if name not in _PSEUDO:
            return f"{_repr(name)} is no pseudo header of a request"
        if name in names:
            return f"the pseudo header {_repr(name)} comes twice"
        if regular:
            return f"the pseudo header {_repr(name)} comes after other headers"
        if _BAD_VALUE.search(value):
            return f"the value of {_repr(name)} holds what no header may: {_repr(value)}"
        names.add(name)
    return ""


def _bad_fields(headers: Sequence[Pair]) -> str:
    lengths: set[bytes] = set()
    for name, value in headers:
        if name.startswith(b":"):
            continue
        if problem := _bad_field(name, value):
            return problem
        if name == b"content-length":
            lengths.add(value)
    if not all(map(_LENGTH.fullmatch, lengths)) or len(lengths) > 1:
        return f"content-length is no single number: {_repr(b', '.join(sorted(lengths)))}"
    return ""


def _bad_target(pseudo: dict[bytes, bytes]) -> str:
    if pseudo.get(b":method") == b"CONNECT":
        return ""
    for name in _NEEDED:
        if not pseudo.get(name):
            return f"the pseudo header {_repr(name)} is missing or empty"
    path = pseudo[b":path"]
    if not path.startswith(b"/") or _NOT_PRINTABLE.search(path) or b" " in path:
        return f"{_repr(path)} is no path of a request"
    return ""


def _bad_field(name: bytes, value: bytes) -> str:
    if not name or _BAD_NAME.search(name):
        return f"{_repr(name)} is no header name of HTTP/2, which are in lower case"
    if name in _OF_CONNECTIONS or (name == b"te" and value != b"trailers"):
        return f"{_repr(name)}: {_repr(value)} speaks of a connection of HTTP/1.1"
    if _BAD_VALUE.search(value):
        return f"the value of {_repr(name)} holds what no header may: {_repr(value)}"
    return ""


def _keep(head: RequestHead, name: bytes, value: bytes) -> None:
    """Add one header to the metadata, or say why it cannot be."""
    key = name.decode("ascii", "backslashreplace")
    if key in _NO_METADATA:
        return
    if key.endswith("-bin"):
        for each in value.split(b","):  # equal names may have been joined on the way
            _keep_bytes(head, key, each.strip())
    elif _NOT_PRINTABLE.search(value):
        text = f"metadata {key!r} is not printable ASCII: {_repr(value)}; name it {key}-bin"
        _refuse(head, InvalidArgumentError(text, clause="SV-7"))
    else:
        head.metadata.add(key, value.decode("ascii"))


def _keep_bytes(head: RequestHead, key: str, value: bytes) -> None:
    bare = value.rstrip(b"=")
    if not _BASE64.fullmatch(value) or len(bare) % 4 == 1:
        text = f"metadata {key!r} is not base64: {_repr(value)}"
        _refuse(head, InvalidArgumentError(text, clause="SV-7"))
        return
    head.metadata.add(key, b64decode(bare + b"=" * (-len(bare) % 4)))


def media_type(content_type: bytes) -> bytes:
    """A content type without its parameters, in lower case."""
    return content_type.split(b";")[0].strip().lower()


def _is_web(pseudo: dict[bytes, bytes], content_type: bytes) -> bool:
    """Whether this belongs to the HTTP side of the port (HT-9)."""
    is_grpc = (media_type(content_type) + b"+").startswith(b"application/grpc+")
    is_control = pseudo[b":method"] == b"POST" and pseudo[b":path"].startswith(b"/control")
    return pseudo[b":method"] != b"CONNECT" and (is_control or not is_grpc)


def _read_kind(head: RequestHead, method: bytes, plain: dict[bytes, bytes]) -> None:
    """Whether this is a call of gRPC at all (SV-10)."""
    content = plain.get(b"content-type", b"")
    media = media_type(content)
    if method != b"POST":
        head.http_status = 405
        text = f"gRPC calls are POST requests, this is {_repr(method)}"
    elif media not in (b"application/grpc", b"application/grpc+proto"):
        head.http_status = 415
        kinds = "application/grpc+proto, application/json and more"
        text = f"content-type is {_repr(content)}; this server speaks {kinds}"
    elif plain.get(b"te") != b"trailers":
        text = "the header te: trailers is missing, without which a proxy may drop the status"
    else:
        return
    head.opening = _opening(head.http_status)
    _refuse(head, InvalidArgumentError(text, clause="SV-10"))


def _opening(http_status: int) -> list[tuple[str, str]]:
    """The headers with which an answer begins."""
    kind = "application/grpc+proto" if http_status == 200 else "text/plain; charset=utf-8"
    headers = [
        (":status", str(http_status)),
        ("content-type", kind),
        ("grpc-accept-encoding", ",".join(ENCODINGS)),
    ]
    return [*headers, ("allow", "POST")] if http_status == 405 else headers


def _read_protocol(head: RequestHead, headers: Sequence[Pair], plain: dict[bytes, bytes]) -> None:
    """Deadline and compression."""
    timeouts = [value for name, value in headers if name == b"grpc-timeout"]
    if timeouts:
        match = _TIMEOUT.fullmatch(timeouts[0])
        if match is None or len(timeouts) > 1:
            values = _repr(b", ".join(timeouts))
            text = f"grpc-timeout is not up to eight digits and one of H, M, S, m, u, n: {values}"
            _refuse(head, InvalidArgumentError(text, clause="SV-8"))
        else:
            head.timeout = int(match[1]) * _SECONDS[match[2]]
    head.encoding = plain.get(b"grpc-encoding", b"identity").decode("ascii", "backslashreplace")
    if head.encoding not in ENCODINGS:
        text = (
            f"messages compressed with {head.encoding!r} are not supported; "
            f"send them as {' or '.join(ENCODINGS)}"
        )
        _refuse(head, UnimplementedError(text, clause="SV-15"))


def _refuse(head: RequestHead, refusal: Refusal) -> None:
    """Refuse the call, if nothing was wrong with it before."""
    if head.refusal is None:
        head.refusal = refusal


def _repr(value: bytes) -> str:
    return repr(shortened(value.decode("ascii", "backslashreplace")))
