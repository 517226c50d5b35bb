"""Readings, as the model describes them and as the subject tells them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakeviam.wire.times import nanos_from
from fakeviam.wire.values import mapping_from
from fakeviam_contracts.descriptions import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.wire import data
    from fakeviam_contracts.model import FilterSpec, Row
    from fakeviam_contracts.session import Session


def canonical(value: object) -> str:
    """A reading as a text that is the same only for the same values: 1 and true differ."""

    def numbers(inner: object) -> object:
        if isinstance(inner, dict):
            return {name: numbers(each) for name, each in inner.items()}
        if isinstance(inner, list):
            return [numbers(each) for each in inner]
        return float(inner) if isinstance(inner, int) and not isinstance(inner, bool) else inner

    return json.dumps(numbers(value), sort_keys=True, ensure_ascii=False)


def row_key(row: dict[str, object]) -> str:
    """What a reading is known by; the order of keys in its data means nothing."""
    return f"{row['requested']} {row['origin']} {row['tags']} {row['data']}"


def sorted_rows(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Readings in an order of their own, without the times received."""
    return sorted(({**row, "received": None} for row in rows), key=row_key)


def described_row(row: Row) -> dict[str, object]:
    """A reading as the model has it."""
    return {
        "requested": row.requested,
        "received": row.received,
        "data": canonical(row.data),
        "origin": row.origin,
        "tags": sorted(set(row.tags)),
    }


def observed_row(
    session: Session, page: data.TabularDataByFilterResponse, entry: data.TabularData
) -> dict[str, object]:
    """A reading as the subject tells it."""
    inside = entry.metadata_index < len(page.metadata)
    session.require("TD-2", "metadata_index is inside", expected=True, observed=inside)
    metadata = page.metadata[entry.metadata_index]
    return {
        "requested": nanos_from(entry.time_requested),
        "received": nanos_from(entry.time_received),
        "data": canonical(mapping_from(entry.data)),
        "origin": origin_of(metadata),
        "tags": sorted(set(metadata.tags)),
    }


def check_aspects(
    session: Session, wanted: list[dict[str, object]], got: list[dict[str, object]]
) -> None:
    """Compare readings aspect by aspect where one of them is to blame."""
    pairs = [{(str(row["origin"]), str(row["tags"])) for row in rows} for rows in (wanted, got)]
    if pairs[1] < pairs[0]:
        # What one reading has is said of another.
        session.expect("TD-2", "metadata of the readings", pairs[0], pairs[1])
        return
    for aspect, clause in (("data", "TD-3"), ("requested", "TM-1"), ("tags", "UP-7"),
                           ("origin", "UP-1")):  # fmt: skip
        mine, theirs = (sorted(str(row[aspect]) for row in rows) for rows in (wanted, got))
        others = [name for name in ("data", "requested") if name != aspect]
        same = all(
            sorted(str(row[name]) for row in wanted) == sorted(str(row[name]) for row in got)
            for name in others
        )
        if mine != theirs and same:
            session.expect(clause, f"{aspect} of the readings", mine, theirs)
            return


def check_received(session: Session, spec: FilterSpec, rows: list[dict[str, Any]]) -> None:
    """The times received, which may be the moments of storing (A32)."""
    if session.interpretation.time_received == "stored" or not rows:
        return
    wanted = sorted(row.received for row in session.model.matching_rows(spec))
    got = sorted(row["received"] for row in rows)
    if not session.expect("A32", "received of the readings", wanted, got, legal=True):
        session.learn(time_received="stored")
