"""What questions to a store cost: in memory, on mongomock, and on the MongoDBs that are named.

    python scripts/bench_mongo.py [mongodb://host/database ...]

A server's event loop stands still while its database answers: these are the times it does.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.model.filters import Query, TagRule
from fakeviam.model.records import BinaryRecord, Source
from fakeviam.store.memory import MemoryStore
from fakeviam.store.opening import opener

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.store.base import Store

RECORDS, ROUNDS = 500, 10

SOURCE = Source(
    organization_id="o",
    location_id="l",
    robot_id="r",
    robot_name="rover",
    part_id="p",
    part_name="main",
)


def record(number: int) -> tuple[BinaryRecord, bytes]:
    """A record, one in twenty of a rare component, one in two tagged."""
    result = BinaryRecord(
        file_id=f"f{number}",
        source=replace(SOURCE, component_name="cam" if number % 20 else "rare"),
        time_requested=number,
        time_received=number,
        time_synced=number,
        mime_type="image/jpeg",
        size=1000,
        tags=("x",) if number % 2 else (),
    )
    return result, bytes(1000)


def questions(store: Store) -> dict[str, Callable[[int], object]]:
    """What is measured, by name."""
    rare = Query(component_name="rare")
    tagged = Query(tag_rule=TagRule.LISTED, tags=frozenset({"x"}))

    def page(query: Query) -> object:
        return store.binary_page(query, after=None, limit=50, descending=True)

    return {
        "a page of 50": lambda _: page(Query()),
        "a page of a rare component": lambda _: page(rare),
        "count and size": lambda _: store.binary_totals(tagged),
        "distinct tags": lambda _: store.binary_tags(Query()),
        "ten ids": lambda n: store.find_binary([f"f{n * 10 + i}" for i in range(10)]),
        "a file's bytes": lambda n: store.read(f"f{n}"),
        "add a file": lambda n: store.add_binary([record(RECORDS + n)]),
        "tag ten": lambda n: store.add_tags([f"f{i}" for i in range(10)], [f"t{n}"]),
        "delete one": lambda n: store.delete_binary([f"f{n}"]),
    }


def median(work: Callable[[int], object]) -> float:
    """The median time of a call, in ms."""
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - began)
    return sorted(times)[ROUNDS // 2] * 1000


def main() -> None:
    """Print a table, a column for each store."""
    columns = {}
    for url in ["memory:", "mongomock:", *sys.argv[1:]]:
        store = opener(url, seed=1)()
        store = store.emptied(MemoryStore)
        store.add_binary([record(number) for number in range(RECORDS)])
        columns[url] = {name: median(work) for name, work in questions(store).items()}
        store.emptied(MemoryStore)
        store.close()
    print(f"median of {ROUNDS}, ms, {RECORDS} records", *columns, sep=" | ")
    for name in columns["memory:"]:
        print(name, *(f"{column[name]:.2f}" for column in columns.values()), sep=" | ")


if __name__ == "__main__":
    main()
