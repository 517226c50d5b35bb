"""Queries for wrong stores."""

from __future__ import annotations

from fakeviam.model.filters import Query


def members_of(dataset_id: str) -> Query:
    """The members of a dataset."""
    return Query(dataset_id=dataset_id, include_internal=True)
