"""The result of `cloud.explain`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fakeviam.server.instruments.explain.reasons import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordVerdict:
    """The verdict on one record or id.

    Attributes:
        id: The binary data id of a file, the id of a reading, or the id in the request.
        name: The file's name, if it has one.
        outcome: `included`, `excluded`, `other page`, `unknown id`, `duplicate id`, or `gone`.
        reasons: Why it is excluded.
        answered: Whether the reply included it; None if the reply does not show that.
        note: Why the actual reply differs from what the fake would reply now.
    """

    id: str
    name: str = ""
    outcome: str
    reasons: tuple[Reason, ...] = ()
    answered: bool | None = None
    note: str = ""

    def __str__(self) -> str:
        reasons = "; ".join(map(str, self.reasons))
        label = f"{self.id} {self.name!r}" if self.name else self.id
        text = f"{label}: {self.outcome}{f', {reasons}' if reasons else ''}"
        return f"{text} — {self.note}" if self.note else text

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON object."""
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
    """Why a reply includes each record or not, evaluated on the current state (WY-2).

    Attributes:
        call: Number and RPC of the call.
        verdicts: One for each record or id that was considered.
        notes: Remarks.
    """

    call: str
    verdicts: tuple[RecordVerdict, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, outcome: str) -> tuple[RecordVerdict, ...]:
        """The verdicts with that outcome."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == outcome)

    def __str__(self) -> str:
        counts = Counter(verdict.outcome for verdict in self.verdicts)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        lines = [f"{self.call}: {outcomes or 'no records considered'}"]
        return "\n  ".join([*lines, *self.notes, *map(str, self.verdicts)])

    def to_json(self) -> dict[str, Any]:
        """The explanation as a JSON object."""
        return {
            "call": self.call,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "notes": list(self.notes),
        }
