"""What is compared, and what a difference is called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fakeviam_contracts.clauses import Severity, severity


@dataclass(frozen=True, slots=True)
class Assertion:
    """One comparison that failed: what a clause demands, and what the subject did.

    Attributes:
        clause: The one clause that it tests.
        what: What was compared.
        expected: What the clause demands.
        observed: What the subject did.
        legal: Whether the documents allow it all the same.
        cause: The field of a filter that goes wrong by itself, if it is one.
    """

    clause: str
    what: str
    expected: object
    observed: object
    legal: bool = False
    cause: str = ""

    @property
    def severity(self) -> Severity:
        """What the subject breaks."""
        return Severity.INTERPRETATION if self.legal else severity(self.clause)

    @property
    def kind(self) -> tuple[str, str]:
        """What makes two failed comparisons the same failure: all that one field does is one."""
        if self.cause:
            return "filter", self.cause
        return self.clause, re.sub(r"\d+", "#", self.what)


class ContractBrokenError(AssertionError):
    """The subject did something else than a binding clause demands."""

    def __init__(self, assertion: Assertion) -> None:
        """Keep `assertion`, which failed."""
        self.assertion = assertion
        super().__init__(
            f"{assertion.what} [{assertion.clause}]\n  expected: {assertion.expected!r}\n"
            f"  observed: {assertion.observed!r}"
        )


class ProgramEndedError(Exception):
    """Nothing more can be learned from this program: what it needs is known to be different."""


class MayNotError(ProgramEndedError):
    """The API key may not do this, which says nothing about the contract."""


class AnyOf:
    """Equal to any of some values: the documents allow each of them."""

    def __init__(self, *values: object) -> None:
        """Allow `values`."""
        self.values = values

    def __eq__(self, other: object) -> bool:
        return other in self.values

    __hash__ = None  # type: ignore[assignment]  # it equals things with different hashes

    def __repr__(self) -> str:
        return " or ".join(dict.fromkeys(map(repr, self.values)))


class AnyError:
    """Equal to any error status: the documents say only that it is an error."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other not in ("OK", "INTERNAL")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "an error"
