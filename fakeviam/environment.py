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
OPTIONAL = ("FAKEVIAM_SESSION", "FAKEVIAM_CONTROL_TOKEN", "FAKEVIAM_CA_FILE")

#: Where OpenSSL (Python, Go), Node and gRPC's C core look for certificates to trust. For programs
#: that are started for a fake alone, since the first and the last of them replace the system's.
TRUST = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")

# A server that listens everywhere is reached by these.
_REACHED = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "[::1]"})  # noqa: S104 - not bound


def environment(facts: Mapping[str, Any], *, session: str = "", token: str = "") -> dict[str, str]:
    """Return the variables for a fake with this connection info."""
    facts = _reachable(facts)
    if not facts["api_key"]:  # hidden: of no use without its secret half, and refused
        facts = {**facts, "api_key_id": ""}
    variables = {name: str(facts[fact]) for name, fact in VARIABLES.items() if facts[fact]}
    if session:
        variables["FAKEVIAM_SESSION"] = session
    if facts.get("ca_file"):
        variables["FAKEVIAM_CA_FILE"] = facts["ca_file"]
    if token:
        variables["FAKEVIAM_CONTROL_TOKEN"] = token
    return variables


def elsewhere(
    facts: Mapping[str, Any], address: str, *, tls: bool = False, ca_file: str = ""
) -> dict[str, Any]:
    """Return the server's connection info as seen by a client that connected to `address`.

    Args:
        facts: What the server says of itself.
        address: `host:port`; empty for a Unix socket.
        tls: Whether the client used TLS.
        ca_file: The certificates that it trusted.
    """
    there = dict(facts)
    if address:
        url = f"{'https' if tls else 'http'}://{address}"
        there.update(target=url if tls else address, url=url)
    # What is on another machine, or in a container, is not in reach.
    for name in ("unix_socket", "ca_file"):
        if there.get(name) and not Path(there[name]).exists():
            there[name] = ""
    if ca_file and tls:
        there["ca_file"] = str(Path(ca_file).absolute())
    return there


def _reachable(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    host = _REACHED.get(facts["host"])
    if host is None:
        return facts
    scheme, _, place = facts["url"].partition("://")
    if place.replace("[::]", "::") != f"{facts['host']}:{facts['port']}":
        return facts  # a better address is already known
    url = f"{scheme}://{host}:{facts['port']}"
    target = url if scheme == "https" else url.removeprefix("http://")
    return {**facts, "target": target, "url": url}
