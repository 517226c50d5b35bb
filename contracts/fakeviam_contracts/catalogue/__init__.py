"""The catalogue: every clause, the documented sentences behind it, and what proves it.

    from fakeviam_contracts.catalogue import catalogue

    for entry in catalogue().entries.values():
        print(entry.id, entry.sentence, entry.evidence, entry.leniency.value, entry.checks)

The documentation itself is not part of this package; the catalogue knows its sentences by place
and hash. `python -m fakeviam_contracts.catalogue trace --source FILE` compares them with a copy.
"""

from __future__ import annotations

from fakeviam_contracts.catalogue.catalogue import Catalogue, Entry, catalogue
from fakeviam_contracts.clauses import Leniency

__all__ = ["CLAUSES", "Catalogue", "Entry", "Leniency", "catalogue"]

#: Every clause by its id.
CLAUSES = catalogue().entries
