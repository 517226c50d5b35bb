"""All wrong servers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam import Clock, FakeViam, Policy
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.mutants import (
    access,
    at_once,
    captures,
    careless,
    confused,
    crossings,
    datasets,
    deletes,
    downloads,
    exports,
    filters,
    fleet,
    forgetful,
    ids,
    indexes,
    lists,
    many,
    matches,
    newer_values,
    operators,
    organizations,
    pairs,
    pipeline_runs,
    pipelines,
    queried,
    reads,
    saved_queries,
    sequence_exports,
    sequences,
    side_effects,
    statements,
    uploads,
    values,
    whole_readings,
)
from fakeviam_contracts.mutants import (
    annotations as annotation_mutants,
)
from fakeviam_contracts.mutants.filters import case_is_nothing
from fakeviam_contracts.subject import OwnFake

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Mutant

SERVERS: tuple[Mutant, ...] = (
    *reads.MUTANTS,
    *filters.MUTANTS,
    *ids.MUTANTS,
    *uploads.MUTANTS,
    *captures.MUTANTS,
    *annotation_mutants.MUTANTS,
    *datasets.MUTANTS,
    *deletes.MUTANTS,
    *organizations.MUTANTS,
    *fleet.MUTANTS,
    case_is_nothing(),
    *many.MUTANTS,
    *values.MUTANTS,
    *pairs.MUTANTS,
    *side_effects.MUTANTS,
    *queried.MUTANTS,
    *exports.MUTANTS,
    *saved_queries.MUTANTS,
    *indexes.MUTANTS,
    *sequences.MUTANTS,
    *sequence_exports.MUTANTS,
    *pipelines.MUTANTS,
    *pipeline_runs.MUTANTS,
    *access.MUTANTS,
    *downloads.MUTANTS,
    *whole_readings.MUTANTS,
    *at_once.MUTANTS,
    *crossings.MUTANTS,
    *matches.MUTANTS,
    *newer_values.MUTANTS,
    *forgetful.MUTANTS,
    *confused.MUTANTS,
    *operators.MUTANTS,
    *statements.MUTANTS,
    *lists.MUTANTS,
    *careless.MUTANTS,
)


def subject_of(mutant: Mutant) -> OwnFake:
    """A mutant as a subject of the kit."""
    return OwnFake(
        Interpretation.named("documented"),
        lambda: start(mutant),
        keyed=lambda: start(mutant, auth="keys"),
    )


def start(mutant: Mutant, **more: object) -> FakeViam:
    """The FakeViam of a mutant, not started yet; with the options of a mutant, and more."""
    options: dict[str, Any] = {**mutant.options, **more}
    policy = replace(Policy.documented(), **options.pop("policy", {}))
    if mutant.interceptor is not None:
        options["interceptors"] = [mutant.interceptor()]
    if mutant.store is not None:
        options["store"] = mutant.store
    options.setdefault("clock", Clock.frozen("2024-01-01T12:00:00Z"))
    return FakeViam(seed=1, policy=policy, **options)
