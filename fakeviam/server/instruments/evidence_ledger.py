"""Which clauses the answers rested on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.clauses import CATALOGUE
from fakeviam.model.errors import InsufficientEvidenceError
from fakeviam.model.evidence import Evidence

if TYPE_CHECKING:
    from fakeviam.model.evidence import Clause


class EvidenceLedger:
    """Collects clause ids, and refuses those with too little evidence."""

    def __init__(self, min_evidence: Evidence = Evidence.ASSUMED) -> None:
        """Accept clauses of `min_evidence` and better."""
        self._used: set[str] = set()
        self._too_weak = frozenset(
            clause.id for clause in CATALOGUE.values() if clause.evidence < min_evidence
        )
        self.minimum = min_evidence

    def cite(self, *clauses: str) -> None:
        """Note that the answer in the making rests on `clauses`.

        Handlers cite before they write, so a refusal here leaves everything as it was.

        Raises:
            InsufficientEvidenceError: One of them is weaker than accepted (SV-5).
        """
        self._used.update(clauses)
        if self._too_weak:
            for name in clauses:
                if name in self._too_weak:
                    raise self._weak(CATALOGUE[name])

    def used(self) -> tuple[Clause, ...]:
        """The clauses cited so far, in the order of the catalogue."""
        used = frozenset(self._used)
        return tuple(clause for name, clause in CATALOGUE.items() if name in used)

    def clear(self) -> None:
        """Forget what was cited."""
        self._used.clear()

    def _weak(self, clause: Clause) -> InsufficientEvidenceError:
        text = (
            f"this answer rests on {clause.id} ({clause.evidence.label}: {clause.text}), but "
            f"min_evidence is {self.minimum.label}"
        )
        return InsufficientEvidenceError(text, clause="SV-5")
