"""A proxy that lets the first calls through and fails one: it dies, hangs, or answers garbage."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

_DATA, _HEADERS = 0, 1
_PREFACE = 24

WAYS = ("dies", "closes", "hangs", "no frames", "no message", "no body")


class FailingProxy:
    """Stands between a client and the server on a Unix socket; use it as a context manager.

    Attributes:
        target: Where it listens.
        calls: How many calls came.
    """

    def __init__(self, upstream: str, folder: Path, *, at: int, way: str) -> None:
        """Fail the call number `at`, counted from 1, in one of `WAYS`."""
        self._upstream, self._at, self._way = upstream, at, way
        path = folder / f"{way.replace(' ', '-')}-{at}"
        self.target = f"unix:{path}"
        self.calls = 0
        self._stream = 0
        self._sockets: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._die()

    def _die(self) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._upstream)
                self._sockets += [client, server]
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    # What clients say --------------------------------------------------------------------

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            server.sendall(_exactly(client, _PREFACE))
            while True:
                head, body = _frame(client)
                if head[3] == _HEADERS:
                    self.calls += 1
                    if self.calls == self._at:
                        self._stream = int.from_bytes(head[5:], "big")
                        if self._fails_at_once(client):
                            return
                server.sendall(head + body)

    def _fails_at_once(self, client: socket.socket) -> bool:
        """Whether the call goes no further."""
        if self._way == "dies":
            self._die()
        elif self._way == "closes":
            client.shutdown(socket.SHUT_RDWR)
        elif self._way == "no frames":
            client.sendall(b"\xff" * 64)
        return self._way in ("dies", "closes", "hangs", "no frames")

    # What the server says ----------------------------------------------------------------

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                head, body = _frame(server)
                mine = int.from_bytes(head[5:], "big") == self._stream != 0
                if mine and head[3] == _DATA and body:
                    head, body = self._spoiled(head, body)
                client.sendall(head + body)

    def _spoiled(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        if self._way == "no message":
            return head, body[:5] + b"\xff" * (len(body) - 5)
        if self._way == "no body":
            return struct.pack(">I", 0)[1:] + head[3:], b""
        return head, body


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            raise OSError("closed")
        parts += part
    return bytes(parts)


def _frame(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 9)
    return head, _exactly(source, int.from_bytes(head[:3], "big"))
