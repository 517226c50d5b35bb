"""What is compared, and what a difference is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Assertion:
    """One comparison: what the clauses demand, and what the subject did."""

    clauses: tuple[str, ...]
    what: str
    expected: Any
    observed: Any

    @property
    def holds(self) -> bool:
        """Whether they are the same."""
        return bool(self.expected == self.observed)


class ContractBrokenError(AssertionError):
    """The subject did something else than the clauses demand."""

    def __init__(self, claim: Assertion) -> None:
        """Tell about `claim`."""
        self.claim = claim
        clauses = ", ".join(claim.clauses)
        super().__init__(
            f"{claim.what} [{clauses}]\n  expected: {claim.expected!r}\n"
            f"  observed: {claim.observed!r}"
        )


class AnyOf:
    """Equal to any of some values: the documents allow each of them."""

    def __init__(self, *values: Any) -> None:
        """Allow `values`."""
        self.values = values

    def __eq__(self, other: object) -> bool:
        return other in self.values

    __hash__ = None  # type: ignore[assignment]  # it equals things with different hashes

    def __repr__(self) -> str:
        return " or ".join(map(repr, self.values))


class AnyError:
    """Equal to any error status: the documents say only that it is an error."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other not in ("OK", "INTERNAL")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "an error"
