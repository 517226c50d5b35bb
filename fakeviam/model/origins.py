"""Origins of web pages, as browsers write them: `scheme://host[:port]` (HT-8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fakeviam.model.checks import check_list
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Pages of every origin.
ANY = "*"

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[^\s/:?#@\[\]]+)(?::(?P<port>\d{1,5}))?"
)
_DEFAULT_PORTS = {("http", "80"), ("https", "443")}


def check_origins(value: Iterable[str] | None) -> frozenset[str] | None:
    """The origins whose pages may make calls; None for those of this machine.

    `*` allows all; `null` is the origin of pages without one, such as local files.

    Raises:
        UsageError: An origin is invalid; the message shows the format.
    """
    if value is None:
        return None
    check_list("allow_origins", value, "origins")
    return frozenset(map(_checked, value))


def _checked(value: object) -> str:
    if value in (ANY, "null"):
        return str(value)
    found = _ORIGIN.match(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        text = "origins such as 'https://app.example' or 'http://localhost:3000', '*' or 'null'"
        raise UsageError(f"allow_origins must hold {text}, got {short(value)}")
    if found.end() != len(found.string):
        text = f"an origin has no path and nothing after the port: write {found[0]!r}"
        raise UsageError(f"allow_origins: {text}, got {short(value)}")
    if (found["scheme"], found["port"]) in _DEFAULT_PORTS:  # browsers omit default ports
        return f"{found['scheme']}://{found['host']}"
    return found[0]
