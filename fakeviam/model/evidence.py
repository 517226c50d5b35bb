"""How well a behaviour is supported."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fakeviam.model.errors import UsageError
from fakeviam.model.text import short


class Evidence(enum.IntEnum):
    """Levels of evidence, weakest first, so that they can be compared."""

    ASSUMED = 0
    OBSERVED = 1
    RELIED_ON = 2
    DOCUMENTED = 3

    @property
    def label(self) -> str:
        """The name of the level in messages: `relied-on`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, label: str, *, name: str = "label") -> Evidence:
        """The level with this label.

        Args:
            label: The label.
            name: The name of the parameter, for the error.

        Raises:
            UsageError: There is no such level.
        """
        for level in cls:
            if level.label == label:
                return level
        choices = ", ".join(level.label for level in reversed(cls))
        message = f"{name} must be one of {choices}, got {short(label)}"
        raise UsageError(message)


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement about the service's behaviour.

    Attributes:
        id: A short, stable id, such as `FI-6`.
        evidence: How well it is supported.
        source: The public text or code that it comes from.
        text: The statement, in our words.
    """

    id: str
    evidence: Evidence
    source: str
    text: str
