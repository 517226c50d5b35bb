"""The headers of a request: validation by RFC 9113 and the gRPC protocol, and their contents."""

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

#: Supported compressions of messages (SV-15).
ENCODINGS = ("identity", "deflate", "gzip")

# RFC 9113, 8.2.1: no controls, spaces, upper case, DEL or above; a colon only at the start.
_BAD_NAME = re.compile(rb"[\x00-\x20A-Z:\x7f-\xff]")
# Surrounding blanks are accepted, against 8.2.1: gRPC allows intermediaries to strip them.
_BAD_VALUE = re.compile(rb"[\0\r\n]")
# gRPC limits values to printable ASCII.
_NOT_PRINTABLE = re.compile(rb"[^ -~]")
_AUTHORITY = re.compile(rb"(?:[\w.-]{1,250}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_LENGTH = re.compile(rb"[0-9]{1,18}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")

_PSEUDO = frozenset({b":method", b":scheme", b":path", b":authority"})
_NEEDED = (b":method", b":scheme", b":path")
#: Connection-specific headers of HTTP/1.1 (RFC 9113, 8.2.2).
_OF_CONNECTIONS = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
)
_NO_METADATA = frozenset({"te", "content-type", "user-agent", "content-length"})
#: How many bytes of headers are worth caching, and for how many requests.
_SMALL, _MOST_KNOWN = 2000, 50

#: RFC 9113 counts this many bytes per header in addition to its name and value.
_OVERHEAD = 32


@dataclass(kw_only=True, slots=True)
class RequestHead:
    """The contents of a request's headers.

    Attributes:
        path: The path; empty if there is none.
        authority: The host and port that the client called; empty if missing or invalid.
        metadata: The metadata that the client sent; bytes if a name ends in `-bin`.
        timeout: The client's timeout in seconds; None is unlimited.
        content_length: The announced size of the body in bytes, if there is one.
        encoding: The compression of messages whose flag is set.
        malformed: Why this is malformed HTTP/2, so that its stream is reset (SV-9).
        http_status: Not 200 if this is not a gRPC call (SV-10).
        is_web: Whether this is plain HTTP or a browser's protocol rather than gRPC.
        refusal: Why the call is refused, if it is a gRPC call.
        opening: The response headers.
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
    """Parsed headers of one connection, by their raw form: most requests of a client are alike."""

    def __init__(self, largest: int) -> None:
        """Refuse headers of more than `largest` bytes."""
        super().__init__()
        self._largest = largest

    def __missing__(self, headers: tuple[Pair, ...]) -> RequestHead:
        """Parse headers; the result is shared and must not be changed."""
        head = read_head(headers, largest=self._largest)
        if sum(len(name) + len(value) for name, value in headers) <= _SMALL:
            # A client with ever different metadata must not grow the cache without limit.
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[headers] = head
        return head


def read_head(headers: Sequence[Pair], *, largest: int) -> RequestHead:
    """Parse headers; the call is refused if they exceed `largest` bytes."""
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
    """The host and port if they may appear in links; empty otherwise."""
    return name.decode() if _AUTHORITY.fullmatch(name) else ""


def check_trailers(headers: Sequence[Pair]) -> str:
    """Why these trailers are malformed; empty if they are not."""
    for name, value in headers:
        if name.startswith(b":"):
            return f"the trailers hold the pseudo header {_repr(name)}"
        if problem := _bad_field(name, value):
            return problem
    return ""


def _malformed(headers: Sequence[Pair], pseudo: dict[bytes, bytes]) -> str:
    """Why this is malformed by RFC 9113, 8.1.1; empty if it is not."""
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
    """Add one header to the metadata, or refuse the call because of it."""
    key = name.decode("ascii", "backslashreplace")
    if key in _NO_METADATA:
        return
    if key.endswith("-bin"):
        for each in value.split(b","):  # intermediaries may have joined headers of equal names
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
    """Whether this is for the HTTP side of the port (HT-9)."""
    is_grpc = (media_type(content_type) + b"+").startswith(b"application/grpc+")
    is_control = pseudo[b":method"] == b"POST" and pseudo[b":path"].startswith(b"/control")
    return pseudo[b":method"] != b"CONNECT" and (is_control or not is_grpc)


def _read_kind(head: RequestHead, method: bytes, plain: dict[bytes, bytes]) -> None:
    """Check whether this is a gRPC call at all (SV-10)."""
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
    """The response headers."""
    kind = "application/grpc+proto" if http_status == 200 else "text/plain; charset=utf-8"
    headers = [
        (":status", str(http_status)),
        ("content-type", kind),
        ("grpc-accept-encoding", ",".join(ENCODINGS)),
    ]
    return [*headers, ("allow", "POST")] if http_status == 405 else headers


def _read_protocol(head: RequestHead, headers: Sequence[Pair], plain: dict[bytes, bytes]) -> None:
    """Parse the deadline and the compression."""
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
    """Set the refusal, unless an earlier check has refused the call."""
    if head.refusal is None:
        head.refusal = refusal


def _repr(value: bytes) -> str:
    return repr(shortened(value.decode("ascii", "backslashreplace")))
