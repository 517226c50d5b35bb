"""Records the clauses that replies depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.errors import InsufficientEvidenceError
from fakeviam.model.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.evidence import Clause

#: Clauses of page tokens, which are not about data: without them, no page would be possible.
_LOGIN = frozenset({"AU-1", "AU-5"})


class EvidenceLedger:
    """Collects clause ids, and refuses those with too little evidence.

    Attributes:
        cited: Ids of the clauses that replies have depended on.
        minimum: The minimum level of evidence.
        selective: Whether any clauses are refused.
    """

    def __init__(self, min_evidence: Evidence = Evidence.ASSUMED) -> None:
        """Accept clauses with at least `min_evidence`."""
        self.cited: set[str] = set()
        self.minimum = min_evidence
        self.selective = min_evidence > Evidence.ASSUMED
        self._too_weak = frozenset(
            clause.id
            for clause in CATALOGUE.values()
            if clause.evidence < min_evidence and clause.id not in _LOGIN
        )

    def collector(self, cited: set[str]) -> Callable[[Iterable[str]], None]:
        """A function that records clauses in `cited`, and refuses weak ones (SV-5).

        Handlers cite before they write, so that a refusal leaves everything unchanged.
        """

        def collect(clauses: Iterable[str]) -> None:
            for name in clauses:
                cited.add(name)
                if name in self._too_weak:
                    raise self._weak(CATALOGUE[name])

        return collect

    def used(self) -> tuple[Clause, ...]:
        """The clauses cited so far, in the order of the catalogue."""
        used = frozenset(self.cited)
        return tuple(clause for name, clause in CATALOGUE.items() if name in used)

    def clear(self) -> None:
        """Forget the cited clauses."""
        self.cited.clear()

    def _weak(self, clause: Clause) -> InsufficientEvidenceError:
        text = (
            f"this reply depends on {clause.id} ({clause.evidence.label}: {clause.text}), but "
            f"min_evidence is {self.minimum.label}"
        )
        return InsufficientEvidenceError(text, clause="SV-5")
