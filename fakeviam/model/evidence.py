"""How well founded a behaviour is."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fakeviam.model.errors import UsageError


class Evidence(enum.IntEnum):
    """Evidence levels, weakest first, so that they compare."""

    ASSUMED = 0
    OBSERVED = 1
    RELIED_ON = 2
    DOCUMENTED = 3

    @property
    def label(self) -> str:
        """The level's name in texts: `relied-on`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, label: str, *, name: str = "label") -> Evidence:
        """The level of that name.

        Args:
            label: As `label` gives it.
            name: What the caller calls it, for the error.

        Raises:
            UsageError: No level has that name.
        """
        for level in cls:
            if level.label == label:
                return level
        choices = ", ".join(level.label for level in reversed(cls))
        message = f"{name} must be one of {choices}, got {label!r}"
        raise UsageError(message)


@dataclass(frozen=True, slots=True)
class Clause:
    """One decision about the service's behaviour.

    Attributes:
        id: Short stable name, for example `FI-6`.
        evidence: How well founded it is.
        source: The public text or code it comes from.
        text: The decision, in our words.
    """

    id: str
    evidence: Evidence
    source: str
    text: str
