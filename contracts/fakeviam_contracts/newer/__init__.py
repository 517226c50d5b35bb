"""The newest RPCs, as steps of random programs: objects are changed, read and compared."""

from __future__ import annotations

from fakeviam_contracts.newer.fleet import check_fleet, check_metadata, check_summaries
from fakeviam_contracts.newer.indexes import check_indexes, create_index, delete_index
from fakeviam_contracts.newer.pipelines import (
    check_pipelines,
    create_pipeline,
    delete_pipeline,
    rename_pipeline,
    toggle_pipeline,
)
from fakeviam_contracts.newer.readings import check_export, check_latest, check_statement
from fakeviam_contracts.newer.saved_queries import (
    check_behind,
    check_saved_queries,
    delete_query,
    save_query,
    update_query,
)
from fakeviam_contracts.newer.sequences import (
    check_inside,
    check_sequences,
    create_sequence,
    delete_sequence,
    update_sequence,
)

__all__ = [
    "check_behind",
    "check_export",
    "check_fleet",
    "check_indexes",
    "check_inside",
    "check_latest",
    "check_metadata",
    "check_pipelines",
    "check_saved_queries",
    "check_sequences",
    "check_statement",
    "check_summaries",
    "create_index",
    "create_pipeline",
    "create_sequence",
    "delete_index",
    "delete_pipeline",
    "delete_query",
    "delete_sequence",
    "rename_pipeline",
    "save_query",
    "toggle_pipeline",
    "update_query",
    "update_sequence",
]
