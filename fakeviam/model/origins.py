"""Origins of web pages, as browsers write them: `scheme://host[:port]` (HT-8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fakeviam.model.checks import check_list
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Pages of every origin.
ANY = "*"

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[^\s/:?#@\[\]]+)(?::(?P<port>\d{1,5}))?"
)
_DEFAULT_PORTS = {("http", "80"), ("https", "443")}


def check_origins(value: Iterable[str] | None) -> frozenset[str] | None:
    """The origins whose pages may call; None is those of this machine.

    `*` is all, `null` is that of pages without one, such as a local file.

    Raises:
        UsageError: One is no origin; the text says how to write it.
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
        raise UsageError(f"allow_origins must hold {text}, got {value!r:.200}")
    if found.end() != len(found.string):
        text = f"an origin has no path and nothing after the port: write {found[0]!r}"
        raise UsageError(f"allow_origins: {text}, got {value!r:.200}")
    if (found["scheme"], found["port"]) in _DEFAULT_PORTS:  # which browsers leave out
        return f"{found['scheme']}://{found['host']}"
    return found[0]
