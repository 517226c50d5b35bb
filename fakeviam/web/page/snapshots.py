"""Compares two snapshots, or one with the current state: what was added, removed, changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeviam.model.entities import KIND_NAMES
from fakeviam.server.lifecycle.snapshots import take_snapshot
from fakeviam.web.page.rendering import show_moment
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fakeviam.server.lifecycle.snapshots import FrozenState
    from fakeviam.web.page.visit import Visit

#: How many differences of each kind are shown.
SHOWN: Final = 100
_LONGEST: Final = 200


class StateDifference(NamedTuple):
    """An object that differs between two states."""

    id: str
    name: str
    how: str
    what: list[str]


class KindDifferences(NamedTuple):
    """The differences in one kind of object: counts by type of difference, and the first ones."""

    title: str
    counts: Counter[str]
    shown: list[StateDifference]


async def compare(visit: Visit) -> tuple[str, dict[str, object]]:
    """The differences between two states."""
    (first, left), (second, right) = (_state(visit, name) for name in ("a", "b"))
    # In a thread: states are immutable, and there may be many records.
    parts = await asyncio.to_thread(_compared, left, right)
    return "snapshots.html", {"first": first, "second": second, "parts": parts}


def _compared(left: FrozenState, right: FrozenState) -> list[KindDifferences]:
    parts, after = [], _things(right)
    for title, before in _things(left).items():
        found = list(_differences(before, after[title]))
        if found:
            parts.append(KindDifferences(title, Counter(each.how for each in found), found[:SHOWN]))
    return parts


def _state(visit: Visit, name: str) -> tuple[str, FrozenState]:
    """A snapshot by its id or name; empty is the current state."""
    key = visit.query.get(name, "")
    if not key:
        return "now", take_snapshot(visit.cloud)
    for snapshot in visit.handle.snapshots:
        if key in (snapshot.id, snapshot.name):
            return snapshot.name or snapshot.id, snapshot._state  # noqa: SLF001 - no other reader
    raise HttpProblem(404, f"there is no snapshot {key!r}", field=name, value=key)


def _things(state: FrozenState) -> dict[str, dict[str, object]]:
    """All objects in a state, by kind and id."""
    store, fleet = state.store, state.fleet
    offset, held = state.clock
    return {
        "files": {row.record.file_id: row.record for row in store.binary_rows()},
        "readings": {row.record.id: row.record for row in store.tabular_rows()},
        "datasets": {each.id: each for each in store.all_datasets()},
        "saved queries, indexes, pipelines, runs, sequences, exports": {
            f"{KIND_NAMES[type(each)]} {each.id}": each for each in store.all_entities()
        },
        "organizations": {each.id: each for each in fleet.organizations},
        "locations": {each.id: each for each in fleet.locations},
        "robots": {each.id: each for each in fleet.robots},
        "parts": {each.id: each for each in fleet.parts},
        "metadata": {each.id: each for each in fleet.metadata},
        "API keys": {each.id: each for each in state.keys},
        "database users": dict.fromkeys(store.database_passwords(), ""),
        "clock": {
            "the clock": f"runs, moved by {timedelta(microseconds=offset // 1000)}"
            if held is None
            else f"frozen at {show_moment(held + offset)}"
        },
    }


def _differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[StateDifference]:
    for key, one in before.items():
        other = after.get(key)
        if other is None:
            yield StateDifference(key, _name(one), "removed", [])
        elif other is not one and other != one:
            yield StateDifference(key, _name(one), "changed", list(_changed(one, other)))
    for key, one in after.items():
        if key not in before:
            yield StateDifference(key, _name(one), "added", [])


def _name(thing: object) -> str:
    return str(getattr(thing, "file_name", "") or getattr(thing, "name", ""))


def _changed(one: Any, other: Any) -> Iterator[str]:
    """The fields in which two values of one kind differ."""
    if isinstance(one, str):
        yield f"{one} → {other}"
        return
    for each in fields(one):
        if each.compare and (left := getattr(one, each.name)) != (
            right := getattr(other, each.name)
        ):
            yield f"{each.name}: {_apart(left, right)}"


def _apart(left: object, right: object) -> str:
    """The difference between two values; for lists, what was added and removed."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        gone = [f"without {_short(one)}" for one in left if one not in right]
        come = [f"with {_short(one)}" for one in right if one not in left]
        if gone or come:
            return ", ".join(gone + come)
    return f"{_short(left)} → {_short(right)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
