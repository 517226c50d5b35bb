"""What the memory store costs for the mixed set of queries, beside what others would."""
# ruff: noqa: S311 - a benchmark's records are drawn from a seed

from __future__ import annotations

import gc
import random
import resource
import time
import tracemalloc
from typing import TYPE_CHECKING

from benchmarks.figures import Table, milliseconds
from benchmarks.peers import in_mongomock, sqlite
from benchmarks.records import Scan, make_record, reading, sources
from fakeviam.model.filters import Query, TagRule
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.records import BinaryRecord

#: mongomock needs minutes beyond this.
_MOST_FOR_MONGOMOCK = 10_000

_KINDS = ("first", "new", "again", "scan", "SQLite", "mongomock")

_NOTE = (
    "Milliseconds unless it says otherwise; medians. *first*: nothing like it was asked before, "
    "so indexes are built. *new*: a question that was not asked before; indexes are there. "
    "*again*: the same once more. Beside it a plain list that is scanned and stops early, SQLite "
    "in memory with all indexes, and mongomock."
)

Figures = dict[str, dict[str, float]]


def median_ms(call: Callable[[], object], *, least: int = 5, budget: float = 0.3) -> float:
    """The median of as many calls as fit the budget of seconds."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < least or (len(times) < 1000 and time.perf_counter() - began < budget):
        times.append(milliseconds(call))
    return sorted(times)[len(times) // 2]


def drawn(n: int) -> list[BinaryRecord]:
    """So many records."""
    draw, origins = random.Random(7), sources()
    return [make_record(number, number, draw, origins) for number in range(n)]


def _asked(store: MemoryStore, records: list[BinaryRecord], figures: Figures) -> None:
    n, scan = len(records), Scan(records)
    others: dict[str, dict[str, Callable[[], object]]] = {"SQLite": sqlite(records)}
    if n <= _MOST_FOR_MONGOMOCK:
        others["mongomock"] = in_mongomock(records)
    gc.freeze()  # a collection of the records themselves would be timed otherwise
    for name, (mine, theirs) in reading(store, scan, n).items():
        row = figures[name] = {"first": milliseconds(mine)}
        mine()  # what the first question walks, the second builds an index for

        def anew(mine: Callable[[], object] = mine) -> object:
            store._selections.clear()  # noqa: SLF001 - blocks keep answers by what is in there
            return mine()

        row["new"] = median_ms(anew)
        row["again"] = median_ms(mine)
        if theirs is not None:
            row["scan"] = median_ms(theirs, least=3)
        for peer, calls in others.items():
            if name in calls:
                row[peer] = median_ms(calls[name], least=3)
    gc.unfreeze()


def _written(base: MemoryStore, records: list[BinaryRecord], figures: Figures) -> None:
    draw, origins, n = random.Random(8), sources(), len(records)
    few = 300
    spare = iter([make_record(n + k, draw.randrange(n), draw, origins) for k in range(2 * few)])
    victims = iter([record.file_id for record in draw.sample(records, 3 * few)])
    store = base.fork()
    quarter = Query(location_ids=frozenset({"location-1", "location-2"}))
    fresh = Query(tag_rule=TagRule.LISTED, tags=frozenset({"tag-3"}))

    def write_and_count() -> None:
        store.add_tags([next(victims)], ["new"])
        store.binary_totals(quarter)

    def often(call: Callable[[], object]) -> float:
        return sorted(milliseconds(call) for _ in range(few))[few // 2]

    figures["add one, in the middle"] = {
        "again": often(lambda: store.add_binary([(next(spare), b"")]))
    }
    figures["add a tag to one"] = {"again": often(lambda: store.add_tags([next(victims)], ["x"]))}
    figures["delete one"] = {"again": often(lambda: store.delete_binary([next(victims)]))}
    figures["tag one, then totals of 25 %"] = {"again": often(write_and_count)}
    figures["add a tag to 6 %"] = {
        "first": milliseconds(lambda: base.fork().add_tags_matching(fresh, ["x"]))
    }
    figures["delete 6 %"] = {
        "first": milliseconds(lambda: base.fork().delete_binary_matching(fresh))
    }


def _held(n: int, figures: Figures) -> None:
    """Bytes a record, the record itself included."""
    gc.collect()
    tracemalloc.start()
    store = MemoryStore()
    store.add_binary([(record, b"") for record in drawn(n)])
    gc.collect()
    figures["bytes a record, all told"] = {"first": tracemalloc.get_traced_memory()[0] / n}
    tracemalloc.stop()


def figures_of(n: int) -> Figures:
    """All figures of one size, in ms unless their name says otherwise."""
    gc.disable()  # it would look at records that are still being made
    records = drawn(n)
    pairs = [(record, b"") for record in records]
    store, figures = MemoryStore(), Figures()
    took = milliseconds(lambda: store.add_binary(pairs))
    figures["inserts a second"] = {"first": n / took * 1e3}
    gc.enable()
    figures["full garbage collection"] = {"first": milliseconds(gc.collect)}
    gc.freeze()
    figures["full garbage collection, frozen"] = {"first": milliseconds(gc.collect)}
    _asked(store, records, figures)
    _written(store, records, figures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["peak memory of this process, MiB"] = {"first": peak}
    gc.unfreeze()
    if n <= 100_000:
        _held(n, figures)
    return figures


def table_of(n: int, figures: Figures) -> Table:
    """The figures of one size."""
    kinds = [kind for kind in _KINDS if any(kind in row for row in figures.values())]
    table = Table(
        f"The memory store, {n:,} records",
        _NOTE,
        ["what", *kinds],
        raw=dict(figures),
    )
    for name, row in figures.items():
        table.rows.append([name, *(_cell(row.get(kind)) for kind in kinds)])
    return table


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:,.0f}"
