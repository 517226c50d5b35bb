"""Where the server is that a command with_server to."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from fakeviam.model.errors import UsageError

DEFAULT = "127.0.0.1:8080"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """An address; `path` is that of a Unix socket.

    Attributes:
        told: As the caller wrote it, for messages.
        host: Host name or address.
        port: TCP port.
        path: Path of a Unix socket, instead of host and port.
    """

    told: str
    host: str = "localhost"
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, told: str) -> Target:
        """Read `host:port`, a URL, or `unix:` with a path.

        Raises:
            UsageError: It is none of those.
        """
        if told.startswith("unix:") or "/" in told.removeprefix("http://").rstrip("/"):
            path = told.removeprefix("unix:")
            if path.startswith("/"):
                return cls(told=told, path=path)
            raise _unclear(told)
        try:
            parts = urlsplit(told if "://" in told else f"//{told}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _unclear(told) from error
        if parts.scheme not in ("", "http") or not host or port is None:
            raise _unclear(told)
        return cls(told=told, host=host, port=port)

    def connection(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that is made with the first request."""
        if self.path:
            return _UnixConnection(self.path, timeout)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


def _unclear(told: str) -> UsageError:
    return UsageError(
        f"--target must be host:port, http://host:port or unix:/path/of/the/socket, got {told!r}"
    )
