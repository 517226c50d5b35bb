"""Failed comparisons, and how they are identified."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fakeviam_contracts.clauses import Severity, severity


@dataclass(frozen=True, slots=True)
class Assertion:
    """A failed comparison: what a clause requires, and what the subject did.

    Attributes:
        clause: The tested clause.
        what: A description of what was compared.
        expected: What the clause requires.
        observed: What the subject did.
        legal: Whether the documents permit it nevertheless.
        cause: The field of a filter that is wrong by itself, if there is one.
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
        """Identifies the failure: all failures because of one filter field are the same."""
        if self.cause:
            return "filter", self.cause
        return self.clause, re.sub(r"\d+", "#", self.what)


class ContractBrokenError(AssertionError):
    """The subject did something other than a binding clause requires."""

    def __init__(self, assertion: Assertion) -> None:
        """Keep `assertion`, which failed."""
        self.assertion = assertion
        super().__init__(
            f"{assertion.what} [{assertion.clause}]\n  expected: {assertion.expected!r}\n"
            f"  observed: {assertion.observed!r}"
        )


class ProgramEndedError(Exception):
    """The program cannot continue, because something it needs is known to differ."""


class MayNotError(ProgramEndedError):
    """The API key does not permit this, which says nothing about the contract."""


class NotTakenError(ProgramEndedError):
    """The subject does not take a request that no document says it must take."""


class AnyOf:
    """Equal to each of several values, all of which the documents permit."""

    def __init__(self, *values: object) -> None:
        """Permit `values`."""
        self.values = values

    def __eq__(self, other: object) -> bool:
        return other in self.values

    __hash__ = None  # type: ignore[assignment]  # it equals values with different hashes

    def __repr__(self) -> str:
        return " or ".join(dict.fromkeys(map(repr, self.values)))


class AnyError:
    """Equal to every error status: the documents only say that it is an error."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other not in ("OK", "INTERNAL")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "an error"
