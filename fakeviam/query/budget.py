"""How much work a query may do, so that none holds up the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.query.errors import QueryTimeoutError, ResultTooLargeError, unparsable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

# In the service's own words.
_TOO_LARGE = "result set is too large; try adding limits to your query using $limit and $skip"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Ceilings of one query.

    Attributes:
        steps: Documents and array elements that may pass through its stages and operators.
        results: Documents in its answer.
        stages: Stages in its pipeline.
        depth: Levels of nesting in a stage.
        regex_seconds: Time that matching one regular expression may take.
    """

    steps: int = 1_000_000
    results: int = 1_000_000
    stages: int = 1_000
    depth: int = 150
    regex_seconds: float = 1.0


class Budget:
    """What is left of the work that one query may do."""

    def __init__(self, limits: Limits) -> None:
        """Begin with all of it."""
        self.limits = limits
        self._steps = limits.steps

    def spend(self, steps: int) -> None:
        """Do some work.

        Raises:
            QueryTimeoutError: There is not enough left.
        """
        self._steps -= steps
        if self._steps < 0:
            raise QueryTimeoutError(50, "query timed out")

    def metered(self, values: Iterable[T]) -> Iterator[T]:
        """The same values, each of which is a step."""
        for value in values:
            self._steps -= 1
            if self._steps < 0:
                raise QueryTimeoutError(50, "query timed out")
            yield value

    def results(self, documents: Iterable[T]) -> list[T]:
        """All of an answer.

        Raises:
            ResultTooLargeError: There is too much of it.
        """
        answer: list[T] = []
        for document in documents:
            if len(answer) == self.limits.results:
                raise ResultTooLargeError(146, _TOO_LARGE)
            answer.append(document)
        return answer


def check_depth(value: Any, limits: Limits) -> None:
    """Refuse what is nested too deeply, before anything walks into it by recursion.

    Raises:
        QueryError: It is.
    """
    level = [value]
    for _ in range(limits.depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise unparsable(f"exceeded the maximum depth of {limits.depth} levels of nesting")
