"""What the catalogue says about clauses, for reports."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A clause, for a report."""

    sentence: str = ""
    evidence: str = ""


def entries() -> dict[str, Entry]:
    """Clauses by id: what each says, and what it rests on."""
    # The catalogue knows every check and every wrong server: too much to import for a run.
    from fakeviam_contracts.catalogue import CLAUSES  # noqa: PLC0415

    return {
        name: Entry(entry.sentence, f"{entry.evidence} ({entry.clause.source})")
        for name, entry in CLAUSES.items()
    }
