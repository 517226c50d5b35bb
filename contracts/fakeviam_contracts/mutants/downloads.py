"""Wrong servers: the targets of links to files.

A fake has no hooks for its HTTP replies, so the links lead to a proxy that changes them.
"""

from __future__ import annotations

import http.client
import re
import threading
import weakref
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from fakeviam import Interceptor
from fakeviam_contracts.mutants.base import Mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

LINK, FILES, EXPORT = "CreateBinaryDataSignedURL", "BinaryDataByIDs", "GetSequenceDatasetExport"


class _Asked(NamedTuple):
    """An HTTP request whose headers can be changed."""

    path: str
    headers: dict[str, str]


class _Told(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


if TYPE_CHECKING:
    #: Changes a request before it is forwarded.
    AskedEdit = Callable[[_Asked], _Asked]
    #: Changes a response before it is returned.
    ToldEdit = Callable[[_Asked, _Told], _Told]


def _same(asked: _Asked) -> _Asked:
    return asked


def _as_told(_: _Asked, told: _Told) -> _Told:
    return told


class _Between(Interceptor):
    """Links lead to a proxy, which forwards requests to the fake and changes its responses."""

    def __init__(self, asked: AskedEdit, told: ToldEdit) -> None:
        self._edits = asked, told
        self._servers: dict[str, str] = {}

    def reply(self, rpc: str, request: Message | None, message: Any) -> Any:  # noqa: ARG002
        if rpc == LINK:
            message.signed_url = self._between(message.signed_url)
        elif rpc == EXPORT and message.download_url:
            message.download_url = self._between(message.download_url)
        elif rpc == FILES:
            for entry in message.data:
                entry.metadata.uri = self._between(entry.metadata.uri)
        return message

    def _between(self, url: str) -> str:
        where = urlsplit(url)
        if where.netloc and where.netloc not in self._servers:
            self._servers[where.netloc] = self._serve(where.netloc)
        return urlunsplit(where._replace(netloc=self._servers.get(where.netloc, "")))

    def _serve(self, upstream: str) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, upstream, *self._edits))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        weakref.finalize(self, _stop, server)
        return f"127.0.0.1:{server.server_port}"


def _stop(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, upstream: str, asked: AskedEdit, told: ToldEdit, *args: Any) -> None:
        self._upstream, self._asked, self._told = upstream, asked, told
        super().__init__(*args)

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = self._asked(_Asked(self.path, headers))
        told = self._told(asked, self._fetched(asked))
        self.send_response(told.status)
        told.headers.pop("transfer-encoding", None)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(told.body)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _fetched(self, asked: _Asked) -> _Told:
        line = http.client.HTTPConnection(self._upstream, timeout=30)
        try:
            line.request(self.command, asked.path, headers=asked.headers)
            answer = line.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return _Told(answer.status, headers, answer.read())
        finally:
            line.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Do not log."""


def _between(
    name: str, clause: str, *, asked: AskedEdit = _same, told: ToldEdit = _as_told
) -> Mutant:
    return Mutant(name=name, clause=clause, interceptor=lambda: _Between(asked, told))


def _without(*names: str) -> AskedEdit:
    """Ignores request headers with these names."""

    def edit(asked: _Asked) -> _Asked:
        left = {name: value for name, value in asked.headers.items() if name not in names}
        return asked._replace(headers=left)

    return edit


def _header(name: str, value: str) -> ToldEdit:
    """Replaces or removes a response header."""

    def edit(_: _Asked, told: _Told) -> _Told:
        left = {key: known for key, known in told.headers.items() if key != name}
        return told._replace(headers={**left, name: value} if value else left)

    return edit


def _body(change: Callable[[bytes], bytes], *, of: int = 200) -> ToldEdit:
    """Replaces the bytes of responses with a status."""

    def edit(_: _Asked, told: _Told) -> _Told:
        if told.status != of:
            return told
        body = change(told.body)
        return _Told(told.status, {**told.headers, "content-length": str(len(body))}, body)

    return edit


def _status(old: int, new: int) -> ToldEdit:
    return lambda _, told: told._replace(status=new) if told.status == old else told


def _unsigned(asked: _Asked) -> _Asked:
    """Serves files without a link, as if no keys were required."""
    return asked._replace(path=asked.path.partition("?")[0])


def _from_the_start(asked: _Asked) -> _Asked:
    """Returns the first bytes of a file for a range of its last ones."""
    span = re.sub(r"bytes=-(\d+)$", r"bytes=0-\1", asked.headers.get("range", ""))
    return asked._replace(headers={**asked.headers, **({"range": span} if span else {})})


class _AnyKey:
    """Adds the key of the first authorized request to every other."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, asked: _Asked) -> _Asked:
        names: tuple[str, ...] = ("key_id", "key")
        own = {name: asked.headers[name] for name in names if name in asked.headers}
        self._known = self._known or own
        return asked._replace(headers={**asked.headers, **self._known})


class _ForEver:
    """Repeats an earlier response when the file is deleted."""

    def __init__(self) -> None:
        self._given: dict[str, _Told] = {}

    def __call__(self, asked: _Asked, told: _Told) -> _Told:
        if told.status == 200:
            self._given[asked.path] = told
        return self._given.get(asked.path, told) if told.status == 410 else told


MUTANTS: tuple[Mutant, ...] = (
    _between("cuts the last byte of downloads", "SG-1", told=_body(lambda body: body[:-1])),
    _between("gives 64 KiB of downloads at most", "SG-1", told=_body(lambda body: body[:65536])),
    _between("lets links live for ever", "SG-1", asked=_unsigned),
    _between("wants no key that clients send", "DL-1", asked=_without("key_id", "key")),
    _between("ignores ranges", "DL-2", asked=_without("range")),
    _between("cuts the last byte of ranges", "DL-2", told=_body(lambda body: body[:-1], of=206)),
    _between("takes the last bytes from the start", "DL-2", asked=_from_the_start),
    _between("does not say where a range is", "DL-2", told=_header("content-range", "")),
    _between("has one ETag for all files", "DL-2", told=_header("etag", '"file"')),
    _between("sends again what is known", "DL-2", asked=_without("if-none-match")),
    _between("sends parts of another file", "DL-2", asked=_without("if-range")),
    _between("sends another file", "DL-2", asked=_without("if-match")),
    _between("calls ranges beyond a file wrong", "DL-3", told=_status(416, 400)),
    _between("calls what is gone unknown", "DL-3", told=_status(410, 404)),
    Mutant(name="gives files to everybody", clause="DL-3",
           interceptor=lambda: _Between(_AnyKey(), _as_told)),
    Mutant(name="lets links of exports live for ever", clause="EJ-2",
           interceptor=lambda: _Between(_same, _ForEver())),
    _between("has one type for all downloads", "DL-4",
             told=_header("content-type", "application/octet-stream")),
    _between("has no name for downloads", "DL-4", told=_header("content-disposition", "inline")),
)  # fmt: skip
