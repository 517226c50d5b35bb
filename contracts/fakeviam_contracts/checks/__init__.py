"""Checks: short fixed programs, each for a few clauses; fast to run, and fast to kill mutants."""

from __future__ import annotations

from fakeviam_contracts.checks import (
    at_once,
    captures,
    datasets,
    deletes,
    downloads,
    exports,
    filters,
    fleet,
    ids,
    indexes,
    interplay,
    links,
    many,
    mixed_at_once,
    organizations,
    paging,
    pairs,
    pipeline_runs,
    pipelines,
    queries,
    requests,
    restarts,
    roles,
    saved_queries,
    schedules,
    sequence_data,
    sequence_datasets,
    sequence_exports,
    sequences,
    side_effects,
    sql,
    stages,
    uploads,
    values,
    whole_readings,
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
    *roles.CHECKS,
    *values.CHECKS,
    *whole_readings.CHECKS,
    *pairs.CHECKS,
    *side_effects.CHECKS,
    *interplay.CHECKS,
    *queries.CHECKS,
    *stages.CHECKS,
    *sql.CHECKS,
    *links.CHECKS,
    *downloads.CHECKS,
    *exports.CHECKS,
    *saved_queries.CHECKS,
    *indexes.CHECKS,
    *sequences.CHECKS,
    *sequence_data.CHECKS,
    *sequence_datasets.CHECKS,
    *sequence_exports.CHECKS,
    *pipelines.CHECKS,
    *pipeline_runs.CHECKS,
    *schedules.CHECKS,
    *many.CHECKS,
    *at_once.CHECKS,
    *mixed_at_once.CHECKS,
    *restarts.CHECKS,
)

#: Runs before all others: the checks wait for their uploads if that takes a while.
SEEN_AT_ONCE = Check(name="uploads are seen at once", clauses=("A55",), run=measure_lag)
