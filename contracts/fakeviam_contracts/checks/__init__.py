"""Checks: short fixed programs, each for a few clauses; quick to run and quick to kill mutants."""

from __future__ import annotations

from fakeviam_contracts.checks import (
    at_once,
    captures,
    datasets,
    deletes,
    filters,
    fleet,
    ids,
    many,
    organizations,
    paging,
    pairs,
    requests,
    side_effects,
    uploads,
    values,
)
from fakeviam_contracts.checks.annotations import CHECKS as ANNOTATION_CHECKS
from fakeviam_contracts.checks.base import Check, Need
from fakeviam_contracts.visibility import measure_lag

__all__ = ["CHECKS", "SEEN_AT_ONCE", "Check", "Need"]

#: All checks, cheap and general ones first.
CHECKS: tuple[Check, ...] = (
    *uploads.CHECKS,
    *captures.CHECKS,
    *filters.CHECKS,
    *requests.CHECKS,
    *paging.CHECKS,
    *ids.CHECKS,
    *ANNOTATION_CHECKS,
    *datasets.CHECKS,
    *deletes.CHECKS,
    *organizations.CHECKS,
    *fleet.CHECKS,
    *values.CHECKS,
    *pairs.CHECKS,
    *side_effects.CHECKS,
    *many.CHECKS,
    *at_once.CHECKS,
)

#: Comes before all others: they wait for what they upload, where that takes a while.
SEEN_AT_ONCE = Check(name="uploads are seen at once", clauses=("A55",), run=measure_lag)
