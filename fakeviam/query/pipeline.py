"""Compiles the stages of a pipeline, and runs one after the other."""

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
    """A compiled pipeline, for a single run."""

    def __init__(
        self,
        stages: Sequence[Any],
        *,
        now: datetime,
        random: Random,
        limits: Limits | None = None,
        operators: Operators | None = None,
    ) -> None:
        """Compile the stages.

        Args:
            stages: The stages as documents.
            now: The value of `$$NOW`.
            random: The source of `$sample` and `$rand`.
            limits: The limits of its work.
            operators: The operators of expressions; None is MongoDB's.

        Raises:
            QueryError: A stage is invalid, or the limits are exceeded.
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
        """Run the pipeline over documents, which are not modified.

        Raises:
            QueryError: A stage encounters an invalid value, or the limits are exceeded.
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
    """Check that this is a list of known stages.

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
    """The value in types that BSON can represent.

    Raises:
        QueryError: It contains so many references to one document that it would exhaust memory.
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
