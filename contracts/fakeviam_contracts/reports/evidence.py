"""What the catalogue says about clauses."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A clause, for a report."""

    sentence: str = ""
    evidence: str = ""


def entries() -> dict[str, Entry]:
    """Clauses by id; none where the catalogue is not installed."""
    try:
        catalogue: Any = importlib.import_module("fakeviam_contracts.catalogue")
    except ModuleNotFoundError:
        return {}
    clauses = getattr(catalogue, "CLAUSES", ())
    listed = clauses.values() if hasattr(clauses, "values") else clauses
    return {
        clause.id: Entry(str(clause.sentence), _text(getattr(clause, "evidence", "")))
        for clause in listed
    }


def _text(value: Any) -> str:
    """The name of an evidence level, however the catalogue holds it."""
    return str(getattr(value, "value", value))
