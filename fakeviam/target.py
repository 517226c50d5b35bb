"""Addresses of servers as people write them: one grammar for every command and `connect`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

#: The environment variable with the server's address, and the default address.
VARIABLE = "FAKEVIAM_TARGET"
DEFAULT = "127.0.0.1:8080"

#: The supported formats in one line, for help texts.
FORMS = "host, host:port, unix:path, a path with a slash, or http(s)://host[:port]"

_PORT = 8080
_PORTS = {"http": 80, "https": 443, None: _PORT}

# A host name, an IPv4 address, or an IPv6 address in brackets; the port may follow, or stand alone.
_PLACE = re.compile(r"(?:(https?)://)?(\[[^]]+]|[^]\s:/@?#[]*)(?::([0-9]{1,5}))?/?")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")


def default_target() -> str:
    """The server's address unless one is given."""
    return os.environ.get(VARIABLE) or DEFAULT


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The address of a server.

    Attributes:
        told: As the caller wrote it, for messages.
        host: Host name or address, without brackets.
        port: TCP port.
        path: Path of a Unix socket, instead of host and port.
        tls: Whether to use TLS.
    """

    told: str
    host: str = "localhost"
    port: int = 0
    path: str = ""
    tls: bool = False

    @classmethod
    def parse(cls, told: str) -> Target:
        """Parse an address.

        The port of a bare host is 8080, that of a URL without one 80 or 443.

        Raises:
            ValueError: The text has none of the supported formats.
        """
        if "\0" not in told and ("/" in told.rstrip("/") or told.startswith("unix:")):
            path = _path(told)
            if path:
                return cls(told=told, path=path)
        if _BARE_IPV6.fullmatch(told):
            return cls(told=told, host=told, port=_PORT)
        match = _PLACE.fullmatch(told)
        scheme, host, port = match.groups() if match else (None, "", "0")
        if told.isdecimal():  # a port of this machine; no host has such a name
            host, port = "", told
        number = _PORTS[scheme] if port is None else int(port)
        if not 0 < number < 65536 or not (host or (port and not scheme)):
            raise ValueError(f"{told!r} is not an address; write {FORMS}")
        return cls(
            told=told, host=host.strip("[]") or "localhost", port=number, tls=scheme == "https"
        )


def _path(told: str) -> str:
    """The path of a Unix socket; empty if none is meant."""
    if not told.startswith("unix:"):
        return "" if "://" in told else told
    path = told.removeprefix("unix:")
    if path.startswith("//"):  # a URL, whose host must be empty
        return path[2:] if path.startswith("///") else ""
    return path
