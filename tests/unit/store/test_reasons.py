"""Reasons against a record, and the store that never gives any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.records import BinaryRecord, TabularRecord
from fakeviam.server.instruments.explain.reasons import reasons_against
from fakeviam.store.memory import MemoryStore

from .test_against_model import CONTENTS, DATASETS, LABELS, QUERIES

if TYPE_CHECKING:
    from fakeviam.model.filters import Query

EXTRAS = st.fixed_dictionaries(
    {
        "boxes": st.lists(LABELS, max_size=2).map(
            lambda labels: tuple(
                BoundingBox(
                    id=f"b{at}",
                    label=label,
                    x_min_normalized=0,
                    y_min_normalized=0,
                    x_max_normalized=1,
                    y_max_normalized=1,
                )
                for at, label in enumerate(labels)
            )
        ),
        "dataset_ids": st.lists(DATASETS, unique=True, max_size=2).map(tuple),
    }
)


@given(st.lists(st.tuples(CONTENTS, EXTRAS), min_size=1, max_size=6), QUERIES)
def test_records_without_reasons_are_what_the_store_selects(drawn: Any, query: Query) -> None:
    """Among files as among readings, for every query there is (WY-1)."""
    store = MemoryStore()
    files = [
        BinaryRecord(file_id=f"f{at}", **values, **extras)
        for at, (values, extras) in enumerate(drawn)
    ]
    readings = [
        TabularRecord(id=f"r{at}", file_id="f", payload=b"", **values)
        for at, (values, _) in enumerate(drawn)
    ]
    store.add_binary([(record, b"") for record in files])
    store.add_tabular(readings)
    page: dict[str, Any] = {"after": None, "limit": 100, "descending": False}
    found = {record.file_id for record in store.binary_page(query, **page).records}
    assert {record.file_id for record in files if not reasons_against(query, record)} == found
    read = {record.id for record in store.tabular_page(query, **page).records}
    assert {record.id for record in readings if not reasons_against(query, record)} == read
