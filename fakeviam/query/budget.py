"""How much work a query may do, so that none holds up the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bson import Regex

from fakeviam.query.computation import pause
from fakeviam.query.errors import QueryTimeoutError, ResultTooLargeError, unparsable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")

#: Steps that compiling a value of a query takes, and values that a document meets in one step.
_TO_COMPILE = 8
_AT_ONCE = 8

#: Steps from one pause to the next: some milliseconds.
_TO_PAUSE = 1000

#: Values of a query whose evaluation is no work of its own.
_FREE = 64

# In the service's own words.
_TOO_LARGE = "result set is too large; try adding limits to your query using $limit and $skip"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Ceilings of one query.

    Attributes:
        steps: Documents and array elements that may pass through its stages and operators; what
            is written in the query itself is work too, beyond what people write by hand.
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
        self._pause_at = max(limits.steps - _TO_PAUSE, 0)

    def spend(self, steps: int) -> None:
        """Do some work.

        Raises:
            QueryTimeoutError: There is not enough left.
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
        """Do the work of compiling stages; how many steps each document takes in each of them.

        Raises:
            QueryTimeoutError: There is not enough left.
        """
        free, weights = _FREE, []
        for stage in stages:
            values, evaluated = _operands(stage)
            self.spend(max(values - _FREE, 0) * _TO_COMPILE)
            weights.append(max(evaluated - free, 0) // _AT_ONCE)
            free = max(free - evaluated, 0)
        return weights

    def metered(self, values: Iterable[T], weight: int = 1) -> Iterator[T]:
        """The same values, each of which takes so many steps."""
        for value in values:
            self._steps -= weight
            if self._steps < self._pause_at:
                self._pause()
            yield value

    def weighing(self, apply: Callable[..., T]) -> Callable[..., T]:
        """The same function, for which long operands are work.

        In a loop it goes through them again and again.
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


def _operands(spec: object) -> tuple[int, int]:
    """How many values a stage is written with, and how many of them a document may have to meet.

    It meets those of `$in` all at once, but for patterns.
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
