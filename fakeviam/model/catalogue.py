"""The catalogue of clauses, read from `clauses.txt`, which has one clause per line."""

from __future__ import annotations

import pkgutil
from types import MappingProxyType

from fakeviam.model.evidence import Clause, Evidence

_LEVELS = {
    "D": Evidence.DOCUMENTED,
    "R": Evidence.RELIED_ON,
    "O": Evidence.OBSERVED,
    "?": Evidence.ASSUMED,
}


def _clauses(table: str) -> dict[str, Clause]:
    clauses = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            name, level, source, text = line.split(maxsplit=3)
            clauses[name] = Clause(name, _LEVELS[level], source, text)
    return clauses


CATALOGUE = MappingProxyType(
    _clauses((pkgutil.get_data("fakeviam.model", "clauses.txt") or b"").decode())
)
