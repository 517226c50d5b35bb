"""Where a running fake is, and whom it knows from the start: what clients need to begin."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from fakeviam.server.transport.listeners import HAS_UNIX_SOCKETS
from fakeviam.version import __version__

if TYPE_CHECKING:
    from fakeviam.model.fleet import Part


class Reachable(Protocol):
    """A fake that clients can reach."""

    default_part: Part
    api_key: str
    api_key_id: str

    @property
    def target(self) -> str:
        """`host:port`."""
        ...

    @property
    def host(self) -> str:
        """The address it listens on."""
        ...

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        ...

    @property
    def url(self) -> str:
        """The address as a URL."""
        ...

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket."""
        ...


def connection_info(cloud: Reachable) -> dict[str, str | int]:
    """The facts as JSON-able values; names and order are those of the ready line."""
    part = cloud.default_part
    return {
        "target": cloud.target,
        "host": cloud.host,
        "port": cloud.port,
        "unix_socket": cloud.unix_socket if HAS_UNIX_SOCKETS else "",
        "url": cloud.url,
        "api_key": cloud.api_key,
        "api_key_id": cloud.api_key_id,
        "organization_id": part.organization_id,
        "location_id": part.location_id,
        "robot_id": part.robot_id,
        "part_id": part.id,
        "pid": os.getpid(),
        "version": __version__,
    }
