"""What `cloud.explain` answers: values, for people and for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fakeviam.server.instruments.explain.reasons import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of one record, or of one id.

    Attributes:
        id: Binary data id of a file, id of a reading, or what a request has for an id.
        name: The file's name, if it has one.
        outcome: `included`, `excluded`, `other page`, `unknown id`, `duplicate id`, or `gone`.
        reasons: What excludes it.
        answered: Whether the answer held it; None if that cannot be told from the reply.
        note: Where the answer differs from what would be answered now, and why.
    """

    id: str
    name: str = ""
    outcome: str
    reasons: tuple[Reason, ...] = ()
    answered: bool | None = None
    note: str = ""

    def __str__(self) -> str:
        told = "; ".join(map(str, self.reasons))
        shown = f"{self.id} {self.name!r}" if self.name else self.id
        text = f"{shown}: {self.outcome}{f', {told}' if told else ''}"
        return f"{text} — {self.note}" if self.note else text

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON-able values."""
        return {
            "id": self.id,
            "name": self.name,
            "outcome": self.outcome,
            "reasons": [
                {"field": each.field, "wanted": each.wanted, "actual": each.actual}
                for each in self.reasons
            ],
            "answered": self.answered,
            "note": self.note,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why the answer to a call was what it was, judged by the state at present (WY-2).

    Attributes:
        call: Number and RPC of the call.
        verdicts: One for each record or id that was considered.
        notes: What else there is to know.
    """

    call: str
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, outcome: str) -> tuple[Verdict, ...]:
        """The verdicts with that outcome."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == outcome)

    def __str__(self) -> str:
        counts = Counter(verdict.outcome for verdict in self.verdicts)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        lines = [f"{self.call}: {told or 'no records considered'}"]
        return "\n  ".join([*lines, *self.notes, *map(str, self.verdicts)])

    def to_json(self) -> dict[str, Any]:
        """The explanation as JSON-able values."""
        return {
            "call": self.call,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "notes": list(self.notes),
        }
