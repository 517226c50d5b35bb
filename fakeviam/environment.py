"""The environment variables that point programs to a fake."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Variable → the fact it holds, as the ready line and the control API name it. The last two are
#: those that Viam's own tools read.
VARIABLES = MappingProxyType(
    {
        "FAKEVIAM_TARGET": "target",
        "FAKEVIAM_URL": "url",
        "FAKEVIAM_UNIX_SOCKET": "unix_socket",
        "FAKEVIAM_API_KEY": "api_key",
        "FAKEVIAM_API_KEY_ID": "api_key_id",
        "FAKEVIAM_ORGANIZATION_ID": "organization_id",
        "FAKEVIAM_LOCATION_ID": "location_id",
        "FAKEVIAM_ROBOT_ID": "robot_id",
        "FAKEVIAM_PART_ID": "part_id",
        "VIAM_API_KEY": "api_key",
        "VIAM_API_KEY_ID": "api_key_id",
    }
)

#: Variables that are set only if there is something to say.
OPTIONAL = ("FAKEVIAM_SESSION", "FAKEVIAM_CONTROL_TOKEN")

# A server that listens everywhere is reached by these.
_REACHED = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "[::1]"})  # noqa: S104 - not bound


def environment(facts: Mapping[str, Any], *, session: str = "", token: str = "") -> dict[str, str]:
    """Return the variables for a fake with this connection info."""
    facts = _reachable(facts)
    found = {name: str(facts[fact]) for name, fact in VARIABLES.items() if facts[fact]}
    if session:
        found["FAKEVIAM_SESSION"] = session
    if token:
        found["FAKEVIAM_CONTROL_TOKEN"] = token
    return found


def elsewhere(facts: Mapping[str, Any], address: str) -> dict[str, Any]:
    """Return the server's connection info as seen by a client that connected to `address`."""
    there = dict(facts)
    if address:
        there.update(target=address, url=f"http://{address}")
    if there["unix_socket"] and not Path(there["unix_socket"]).exists():
        there["unix_socket"] = ""  # on another machine, or in a container
    return there


def _reachable(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    host = _REACHED.get(facts["host"])
    if host is None:
        return facts
    bare = facts["target"].replace("[::]", "::")
    if bare != f"{facts['host']}:{facts['port']}":
        return facts  # somebody knows a better address already
    target = f"{host}:{facts['port']}"
    return {**facts, "target": target, "url": f"http://{target}"}
