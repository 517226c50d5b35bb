"""Access control of the control API.

The control API can change everything, so without a token only this machine may use it (HT-2), and
not every page in a browser on this machine (HT-3): a page of another site can send requests here,
and one whose name was rebound to 127.0.0.1 can even read the responses. Browsers reveal both by
the headers `Origin` and `Host`.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

_ELSE = "start the server with --control-token, and send it as `Authorization: Bearer`"


def check_caller(
    headers: Mapping[str, str], peer: str | None, token: str | None, *, scheme: str = "http"
) -> None:
    """Check that a caller may use the control API.

    Args:
        headers: The request headers, with names in lower case.
        peer: The caller's address; None on a Unix socket, whose file has permissions.
        token: The token that callers must send, if there is one.
        scheme: The scheme of the server's own pages.

    Raises:
        Problem: 401 or 403.
    """
    if token is not None:
        _check_token(headers.get("authorization"), token)
    elif peer is not None:
        _check_local(headers, peer, scheme)


def _check_token(authorization: str | None, token: str) -> None:
    scheme, _, credentials = (authorization or "").partition(" ")
    ask = {"www-authenticate": 'Bearer realm="fakeviam control API"'}
    if scheme.lower() != "bearer" or not credentials:
        raise HttpProblem(
            401,
            "this server requires a control token",
            hint="send `Authorization: Bearer TOKEN`",
            headers=ask,
        )
    if not hmac.compare_digest(credentials.strip().encode(), token.encode()):
        raise HttpProblem(401, "the control token is invalid", headers=ask)


def _check_local(headers: Mapping[str, str], peer: str, scheme: str) -> None:
    if not _is_loopback(peer):
        raise HttpProblem(
            403,
            f"without a token, the control API only accepts clients on this machine, not {peer}",
            hint=_ELSE,
        )
    host = headers.get("host")
    if host is not None and not is_local_name(_host_name(f"//{host}")):
        raise HttpProblem(
            403,
            f"without a token, the control API does not accept the host name {host!r}",
            hint=f"use 127.0.0.1 or localhost; or {_ELSE}",
        )
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scheme}://{host}".lower():
        raise HttpProblem(
            403,
            f"without a token, the control API refuses cross-site requests: {origin!r}",
            hint=_ELSE,
        )


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def is_local_name(name: str | None) -> bool:
    """Whether a host name refers to this machine."""
    if name is None:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)  # IPv4 on a socket for both families
    return bool((mapped or parsed).is_loopback)
