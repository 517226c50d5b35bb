"""Several servers on one database, at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.datasets import Dataset
from fakeviam.model.entities import SavedQuery
from fakeviam.model.filters import Query

from .databases import DATABASES, databases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.store.mongo.store import MongoStore

T = TypeVar("T")

SERVERS = 4
ALL = Query(include_internal=True)


@pytest.fixture(params=DATABASES)
def stores(request: pytest.FixtureRequest) -> Iterator[list[MongoStore]]:
    """Stores of several servers, each with a connection of its own."""
    with databases() as make:
        yield [make(request.param, "shared") for _ in range(SERVERS)]


def at_once(stores: list[MongoStore], work: Callable[[MongoStore, int], T]) -> list[T]:
    """Do it on all servers in the same moment; answer what each did."""
    ready = Barrier(len(stores))

    def one(number: int) -> T:
        ready.wait(30)
        return work(stores[number], number)

    with ThreadPoolExecutor(len(stores)) as pool:
        return list(pool.map(one, range(len(stores))))


def fill(stores: list[MongoStore], binary: Callable[..., Any], names: str) -> None:
    stores[0].add_binary([(binary(name, 1), b"x") for name in names])


def test_arrivals_are_given_once(stores: list[MongoStore], binary: Callable[..., Any]) -> None:
    """MG-1, PG-11: whatever the servers add at once, pages show each record once."""

    def add(store: MongoStore, number: int) -> None:
        for step in range(5):
            names = [f"{number}-{step}-{part}" for part in "ab"]
            store.add_binary([(binary(name, 7), name.encode()) for name in names])

    at_once(stores, add)
    rows = list(stores[0].binary_rows())
    assert [row.arrival for row in rows] == list(range(SERVERS * 10))
    assert all(row.data == row.record.file_id.encode() for row in rows)
    names = [row.record.file_id for row in rows]
    # What one call adds stays together.
    assert [name[:-1] for name in names[::2]] == [name[:-1] for name in names[1::2]]


def test_tags_are_neither_lost_nor_doubled(
    stores: list[MongoStore], binary: Callable[..., Any]
) -> None:
    """MG-1: each addition is counted by one server alone."""
    fill(stores, binary, "abcdef")
    tags = ["t1", "t2", "t3"]

    def add(store: MongoStore, number: int) -> int:
        return sum(store.add_tags_matching(ALL, [tag, f"own {number}"]) for tag in tags)

    at_once(stores, add)
    for record in stores[0].find_binary("abcdef"):
        assert record is not None
        assert sorted(record.tags) == [*(f"own {n}" for n in range(SERVERS)), *tags]


def test_each_change_is_counted_once(stores: list[MongoStore], binary: Callable[..., Any]) -> None:
    """MG-1."""
    fill(stores, binary, "abcdefgh")
    stores[0].add_dataset(dataset("d"))
    ids = "abcdefgh"
    assert sum(at_once(stores, lambda s, _: s.add_tags(ids, ["x", "y"]))) == 8
    removed = at_once(stores, lambda s, _: s.remove_tags(ids, ["x", "y"]))
    assert (sum(r.records for r in removed), sum(r.tags for r in removed)) == (8, 16)
    assert sum(at_once(stores, lambda s, _: s.add_members("d", ids))) == 8
    assert sum(at_once(stores, lambda s, _: s.remove_members("d", ids))) == 8
    assert sum(at_once(stores, lambda s, _: s.delete_binary(ids))) == 8
    assert stores[0]._database.chunks.count_documents({}) == 0


def test_no_box_is_lost(stores: list[MongoStore], binary: Callable[..., Any]) -> None:
    """MG-1: changes of one record at once are made one after the other."""
    fill(stores, binary, "a")

    def add(store: MongoStore, number: int) -> None:
        for step in range(5):
            assert store.add_box("a", box(f"{number}-{step}"))

    at_once(stores, add)
    stores[0].add_box("a", box("shared"))

    def grow(store: MongoStore, _: int) -> None:
        for _ in range(5):
            store.replace_box("a", "shared", lambda b: replace(b, label=str(int(b.label) + 1)))

    at_once(stores, grow)
    (record,) = stores[0].find_binary("a")
    assert record is not None
    labels = {one.id: one.label for one in record.boxes}
    assert len(labels) == len(record.boxes) == SERVERS * 5 + 1
    assert labels["shared"] == str(SERVERS * 5)
    removed = at_once(stores, lambda s, _: sum(s.remove_box("a", name) for name in labels))
    assert sum(removed) == len(labels)


def test_a_name_is_given_once(stores: list[MongoStore]) -> None:
    """MG-1, DS-1."""

    def make(store: MongoStore, number: int) -> int:
        return sum(
            store.add_dataset(replace(dataset(f"{number}-{step}"), name=f"n{step}"))
            for step in range(5)
        )

    assert sum(at_once(stores, make)) == 5
    made = stores[0].datasets("org")
    assert sorted(one.name for one in made) == [f"n{step}" for step in range(5)]
    names = [s.rename_dataset(made[n].id, "same") for n, s in enumerate(stores)]
    assert names.count(True) == 1


def test_no_record_is_a_member_of_a_dataset_that_is_gone(
    stores: list[MongoStore], binary: Callable[..., Any]
) -> None:
    """MG-1."""
    fill(stores, binary, "abcdefgh")
    for step in range(5):
        name = f"d{step}"
        stores[0].add_dataset(dataset(name))

        def race(store: MongoStore, number: int, name: str = name) -> None:
            if number == 0:
                store.delete_dataset(name)
            else:
                store.add_members(name, "abcdefgh")

        at_once(stores, race)
    assert stores[0].dataset_ids(ALL) == set()


def test_a_reader_meets_no_record_without_bytes(
    stores: list[MongoStore], binary: Callable[..., Any]
) -> None:
    """MG-5: while others add, empty and delete."""

    def work(store: MongoStore, number: int) -> None:
        for step in range(6):
            if number == 0:
                assert all(row.data == b"xyz" for row in store.binary_rows())
            elif number == 1:
                store.clear()
            else:
                store.add_binary([(binary(f"{number}-{step}", 1), b"xyz")])

    at_once(stores, work)
    for row in stores[0].binary_rows():
        assert stores[1].read(row.record.file_id) == b"xyz"
    held = stores[0].stats().binary.records
    assert held == stores[0]._database.chunks.count_documents({})


def dataset(name: str) -> Dataset:
    return Dataset(id=name, name=name, organization_id="org", time_created=0)


def box(name: str) -> BoundingBox:
    return BoundingBox(
        id=name,
        label="0",
        x_min_normalized=0,
        y_min_normalized=0,
        x_max_normalized=1,
        y_max_normalized=1,
    )


def test_no_change_of_an_entity_is_lost(stores: list[MongoStore]) -> None:
    """MG-7: short ones, and those whose body is elsewhere."""
    for size in (0, 2**20):
        first = saved_query(size)
        stores[0].put_entities(first)

        def grow(store: MongoStore, number: int, first: SavedQuery = first) -> None:
            add = (b"%d" % number,)
            for _ in range(3):
                assert store.change_entity(first, lambda q: replace(q, stages=(*q.stages, *add)))

        at_once(stores, grow)
        (found,) = stores[0].entities(SavedQuery)
        assert sorted(found.stages[1:]) == sorted(b"%d" % n for n in [*range(SERVERS)] * 3)
        stores[0].drop_entities(found)
    assert stores[0]._database.chunks.count_documents({}) == 0


def saved_query(size: int) -> SavedQuery:
    return SavedQuery(
        id="q",
        organization_id="o",
        name="n",
        stages=(b"x" * size,),
        time_created=0,
        time_updated=0,
    )
