"""A pipeline: its stages, compiled and run one behind the other."""

from __future__ import annotations

from decimal import localcontext
from typing import TYPE_CHECKING, Any

from bson.decimal128 import create_decimal128_context

from fakeviam.query.budget import Limits, check_depth
from fakeviam.query.errors import MOST_INSIDE, QueryError, too_large, unparsable
from fakeviam.query.expressions import Compiler
from fakeviam.query.operator_table import OPERATORS
from fakeviam.query.stages import STAGES, compile_stage
from fakeviam.query.values import Document, narrowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from random import Random

    from fakeviam.query.expressions import Operators


class Pipeline:
    """A pipeline, ready to run once."""

    def __init__(
        self,
        stages: Sequence[Any],
        *,
        now: datetime,
        random: Random,
        limits: Limits | None = None,
        operators: Operators | None = None,
    ) -> None:
        """Compile its stages.

        Args:
            stages: A document for each stage.
            now: The value of `$$NOW`.
            random: What `$sample` and `$rand` draw from.
            limits: Ceilings of its work.
            operators: What its expressions may use; None is what MongoDB has.

        Raises:
            QueryError: A stage is invalid, or there is too much in them.
        """
        ceilings = limits or Limits()
        self._compiler = Compiler(operators or OPERATORS, limits=ceilings, now=now, random=random)
        check_stages(stages, ceilings)
        self._weights = self._compiler.budget.compiling(stages)
        self._stages = [
            compile_stage(name, spec, self._compiler)
            for stage in stages
            for name, spec in stage.items()
        ]

    def run(self, documents: Iterable[Document]) -> list[Document]:
        """The answer over some documents, which stay as they are.

        Raises:
            QueryError: A stage meets a value that it can't work with, or there is too much work.
        """
        budget = self._compiler.budget
        if isinstance(documents, list):
            budget.spend(len(documents))
            stream = iter(documents)
        else:
            stream = budget.metered(documents)
        for stage, weight in zip(self._stages, self._weights, strict=True):
            stream = iter(stage(budget.metered(stream, weight) if weight else stream))
        try:
            with localcontext(create_decimal128_context()):
                return budget.results(stream)
        except RecursionError:
            raise unparsable("exceeded the maximum depth of nesting") from None


def check_stages(stages: Sequence[object], limits: Limits | None = None) -> None:
    """Refuse what is no pipeline of stages that are served.

    Raises:
        QueryError: It is invalid.
    """
    limits = limits or Limits()
    if len(stages) > limits.stages:
        raise unparsable(
            f"Pipeline length must be no longer than {limits.stages} stages, got {len(stages)}"
        )
    for place, stage in enumerate(stages):
        if isinstance(stage, dict):
            check_depth(stage, limits)
        if not isinstance(stage, dict) or len(stage) != 1:
            text = "A pipeline stage specification object must contain exactly one field."
            raise QueryError(40323, f"{text} (stage {place})")
        (name,) = stage
        if name not in STAGES:
            served = " ".join(sorted(STAGES.keys() - {"$geoNear"}))
            text = (
                f"Unrecognized pipeline stage name: '{name}' (stage {place}); served are: {served}"
            )
            raise QueryError(40324, text)


def encodable(value: object) -> Any:
    """A value as BSON can carry it.

    Raises:
        QueryError: It holds the same document so often that no memory would do.
    """
    return _encodable(value, iter(range(MOST_INSIDE)))


def _encodable(value: object, left: Iterator[int]) -> object:
    if isinstance(value, (dict, list)) and next(left, None) is None:
        raise too_large(f"more than {MOST_INSIDE} documents and arrays in one")
    if isinstance(value, dict):
        return {name: _encodable(inner, left) for name, inner in value.items()}
    if isinstance(value, list):
        return [_encodable(inner, left) for inner in value]
    return narrowed(value)
