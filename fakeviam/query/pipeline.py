"""A pipeline: its stages, compiled and run one behind the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.budget import Limits, check_depth
from fakeviam.query.errors import QueryError, unparsable
from fakeviam.query.expressions import Compiler
from fakeviam.query.operator_table import OPERATORS
from fakeviam.query.stages import STAGES, compile_stage
from fakeviam.query.values import Document, narrowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from random import Random


class Pipeline:
    """A pipeline, ready to run once."""

    def __init__(
        self, stages: Sequence[Any], *, now: datetime, random: Random, limits: Limits | None = None
    ) -> None:
        """Compile its stages.

        Args:
            stages: A document for each stage.
            now: The value of `$$NOW`.
            random: What `$sample` and `$rand` draw from.
            limits: Ceilings of its work.

        Raises:
            QueryError: A stage makes no sense.
        """
        ceilings = limits or Limits()
        self._compiler = Compiler(OPERATORS, limits=ceilings, now=now, random=random)
        check_stages(stages, ceilings)
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
        for stage in self._stages:
            stream = iter(stage(stream))
        try:
            return budget.results(stream)
        except RecursionError:
            raise unparsable("exceeded the maximum depth of nesting") from None


def check_stages(stages: Sequence[Any], limits: Limits | None = None) -> None:
    """Refuse what is no pipeline of stages that are served.

    Raises:
        QueryError: It is none.
    """
    limits = limits or Limits()
    if len(stages) > limits.stages:
        raise unparsable(
            f"Pipeline length must be no longer than {limits.stages} stages, got {len(stages)}"
        )
    for place, stage in enumerate(stages):
        check_depth(stage, limits)
        if not isinstance(stage, dict) or len(stage) != 1:
            text = "A pipeline stage specification object must contain exactly one field."
            raise QueryError(40323, f"{text} (stage {place})")
        (name,) = stage
        if name not in STAGES:
            served = " ".join(sorted(STAGES))
            text = (
                f"Unrecognized pipeline stage name: '{name}' (stage {place}); served are: {served}"
            )
            raise QueryError(40324, text)


def encodable(value: Any) -> Any:
    """A value as BSON can carry it."""
    if isinstance(value, dict):
        return {name: encodable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [encodable(inner) for inner in value]
    return narrowed(value)
