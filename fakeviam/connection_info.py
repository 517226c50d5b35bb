"""Where a running fake is, and whom it knows from the start: what clients need to begin."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fakeviam.server.transport.listeners import HAS_UNIX_SOCKETS
from fakeviam.version import __version__

if TYPE_CHECKING:
    from fakeviam.server.lifecycle.session import Reachable


def connection_info(cloud: Reachable) -> dict[str, str | int]:
    """The facts as JSON-able values; names and order are those of the ready line."""
    part = cloud.default_part
    return {
        "target": cloud.target,
        "host": cloud.host,
        "port": cloud.port,
        "unix_socket": cloud.unix_socket if HAS_UNIX_SOCKETS else "",
        "url": cloud.url,
        "plaintext_target": cloud.plaintext_target,
        "ca_file": cloud.ca_file,
        "api_key": cloud.api_key,
        "api_key_id": cloud.api_key_id,
        "organization_id": part.organization_id,
        "location_id": part.location_id,
        "robot_id": part.robot_id,
        "part_id": part.id,
        "pid": os.getpid(),
        "version": __version__,
    }
