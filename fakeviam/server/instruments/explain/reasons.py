"""Why a record does not match a query, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.model.filter_fields import demands
from fakeviam.model.records import TabularRecord

if TYPE_CHECKING:
    from fakeviam.model.filters import Query
    from fakeviam.model.records import AnyRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One property of a record that does not match a query.

    Attributes:
        field: The field of the filter, or another criterion.
        wanted: The required value.
        actual: The record's value.
    """

    field: str
    wanted: str
    actual: str

    def __str__(self) -> str:
        return f"{self.field}: wanted {self.wanted}, it has {self.actual}"


def reasons_against(query: Query, record: AnyRecord) -> list[Reason]:
    """All properties that exclude a record from a query; none if it matches (FI-1)."""
    return [
        Reason(field=field.name, wanted=expected, actual=actual)
        for field, predicate in demands(query, tabular=isinstance(record, TabularRecord))
        if not all(predicate.flags([record]))
        for expected, actual in [field.words(query, record)]
    ]
