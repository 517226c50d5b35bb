"""Limits the work of one query, so that none blocks the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bson import Regex

from fakeviam.query.computation import pause
from fakeviam.query.errors import QueryTimeoutError, ResultTooLargeError, unparsable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")

#: The steps to compile one value of a query; and how many values a document evaluates in one step.
_TO_COMPILE = 8
_AT_ONCE = 8

#: Steps between two pauses, which are a few milliseconds apart.
_TO_PAUSE = 1000

#: Values in a stage whose evaluation costs nothing extra.
_FREE = 64

# The text of the real service.
_TOO_LARGE = "result set is too large; try adding limits to your query using $limit and $skip"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one query.

    Attributes:
        steps: Documents and array elements that may pass through stages and operators. Compiling
            the query also costs steps, which only matters for generated queries.
        results: Documents in the result.
        stages: Stages in the pipeline.
        depth: Nesting levels in a stage.
        regex_seconds: The time limit for matching one regular expression.
    """

    steps: int = 1_000_000
    results: int = 1_000_000
    stages: int = 1_000
    depth: int = 150
    regex_seconds: float = 1.0


class Budget:
    """The remaining work of one query."""

    def __init__(self, limits: Limits) -> None:
        """Start with the full budget."""
        self.limits = limits
        self._steps = limits.steps
        self._pause_at = max(limits.steps - _TO_PAUSE, 0)

    def spend(self, steps: int) -> None:
        """Consume steps.

        Raises:
            QueryTimeoutError: The budget is exhausted.
        """
        self._steps -= steps
        if self._steps < self._pause_at:
            self._pause()

    def _pause(self) -> None:
        if self._steps < 0:
            raise QueryTimeoutError(50, "query timed out")
        self._pause_at = max(self._steps - _TO_PAUSE, 0)
        pause()

    def compiling(self, stages: Sequence[Mapping[str, object]]) -> list[int]:
        """Consume the steps of compilation; returns the steps per document of each stage.

        Raises:
            QueryTimeoutError: The budget is exhausted.
        """
        free, weights = _FREE, []
        for stage in stages:
            values, evaluated = _operands(stage)
            self.spend(max(values - _FREE, 0) * _TO_COMPILE)
            weights.append(max(evaluated - free, 0) // _AT_ONCE)
            free = max(free - evaluated, 0)
        return weights

    def metered(self, values: Iterable[T], weight: int = 1) -> Iterator[T]:
        """The same values; each consumes `weight` steps."""
        for value in values:
            self._steps -= weight
            if self._steps < self._pause_at:
                self._pause()
            yield value

    def weighing(self, apply: Callable[..., T]) -> Callable[..., T]:
        """The same function, which also consumes steps for long operands.

        Inside a loop, it would otherwise process them again and again at no cost.
        """

        def weigh(*values: object) -> T:
            for value in values:
                if isinstance(value, (list, dict)):
                    self.spend(len(value) >> 4)
                elif isinstance(value, str):
                    self.spend(len(value) >> 10)
            return apply(*values)

        return weigh

    def results(self, documents: Iterable[T]) -> list[T]:
        """Collect the result.

        Raises:
            ResultTooLargeError: It has too many documents.
        """
        answer: list[T] = []
        for document in documents:
            if len(answer) == self.limits.results:
                raise ResultTooLargeError(146, _TOO_LARGE)
            answer.append(document)
        return answer


def _operands(spec: object) -> tuple[int, int]:
    """The number of values in a stage, and how many of them are evaluated for each document.

    The elements of `$in` are a set lookup, so that only its patterns are counted.
    """
    count = hashed = 0
    left = [spec]
    while left:
        outer: Any = left.pop()
        count += len(outer)
        if isinstance(outer, dict):
            for name in outer.keys() & {"$in", "$nin"}:
                among = outer[name] if isinstance(outer[name], list) else ()
                hashed += sum(not isinstance(each, (dict, list, Regex)) for each in among)
            outer = outer.values()
        left.extend(each for each in outer if isinstance(each, (dict, list)))
    return count, count - hashed


def check_depth(value: Any, limits: Limits) -> None:
    """Refuse deeply nested values, before recursive functions process them.

    Raises:
        QueryError: The nesting is too deep.
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
