"""All wrong servers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam import Clock, FakeViam, Policy
from fakeviam_contracts.mutants import (
    annotations as annotation_mutants,
)
from fakeviam_contracts.mutants import (
    at_once,
    captures,
    datasets,
    deletes,
    filters,
    fleet,
    ids,
    many,
    organizations,
    pairs,
    reads,
    side_effects,
    uploads,
    values,
)
from fakeviam_contracts.mutants.legal import case_is_nothing

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
    *at_once.MUTANTS,
)


def start(mutant: Mutant) -> FakeViam:
    """The FakeViam that a mutant is, not started yet."""
    options: dict[str, Any] = dict(mutant.options)
    policy = replace(Policy.documented(), **options.pop("policy", {}))
    if mutant.interceptor is not None:
        options["interceptors"] = [mutant.interceptor()]
    if mutant.store is not None:
        options["store"] = mutant.store
    return FakeViam(seed=1, policy=policy, clock=Clock.frozen("2024-01-01T12:00:00Z"), **options)
