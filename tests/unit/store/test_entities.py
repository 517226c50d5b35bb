"""What stores keep besides records and datasets: by kind, owner and id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.model.entities import (
    CustomIndex,
    PipelineRun,
    SavedQuery,
    Sequence,
    SequenceResource,
)
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.store.base import Store

#: The last moment of the calendar, beyond 64 bits.
LAST = 253_402_300_799_999_999_999


def query(own: str, owner: str = "org", name: str = "", **fields: Any) -> SavedQuery:
    known: dict[str, Any] = {"id": own, "name": name or own, "stages": (b"\0", b"")}
    times = {"time_created": -1, "time_updated": LAST}
    return SavedQuery(**{**known, **times, "organization_id": owner, **fields})


def run(name: str, size: int = 0) -> PipelineRun:
    return PipelineRun(
        id=name,
        pipeline_id="p",
        status="completed",
        source="standard",
        time_start=0,
        time_data_start=0,
        time_data_end=LAST,
        documents=(b"x" * size,),
    )


SEQUENCE = Sequence(
    id="s",
    organization_id="org",
    location_id="l",
    robot_id="r",
    part_id="p",
    resources=(SequenceResource(resource_name="a", method_name="b"),),
    time_start=0,
    time_end=LAST,
    time_created=1,
    time_updated=1,
    tags=("t",),
)


def test_entities_come_back_by_kind_owner_and_id(store: Store) -> None:
    """In the order in which they came; a change keeps the place."""
    others: list[Any] = [query("c", "b-org"), SEQUENCE, run("a")]
    for one in (query("b"), query("a"), *others):
        assert store.put_entities(one)
    assert store.put_entities(replace(query("b"), stages=()))
    assert store.entities(SavedQuery, "org") == [query("b", stages=()), query("a")]
    assert {one.id for one in store.entities(SavedQuery)} == {"a", "b", "c"}
    assert store.entity(SavedQuery, "c") == query("c", "b-org")
    assert store.entity(Sequence, "s") == SEQUENCE
    assert store.entity(SavedQuery, "s") is None
    assert store.entities(CustomIndex) == []
    assert len(list(store.all_entities())) == store.stats().entities == 5
    store.drop_entities(query("b"), SEQUENCE)
    assert store.entities(SavedQuery, "org") == [query("a")]
    assert store.entity(Sequence, "s") is None


def test_what_is_unique_is_so_for_an_owner(store: Store) -> None:
    """Of one kind; an entity may keep its own, and what is dropped is free."""
    assert store.put_entities(query("1", name="n"))
    assert not store.put_entities(query("2", name="n"))
    assert store.entity(SavedQuery, "2") is None
    assert store.put_entities(query("3", "other", name="n"))
    assert store.put_entities(query("1", name="n", stages=()))
    assert store.put_entities(query("4", name="m"))
    assert not store.put_entities(query("4", name="n"))
    assert store.entity(SavedQuery, "4") == query("4", name="m")
    store.drop_entities(query("1", name="n"))
    assert store.put_entities(query("2", name="n"))


def test_large_ones_are_kept_too(store: Store) -> None:
    for size in (3_000_000, 1, 2_000_000):
        assert store.put_entities(run("r", size))
        assert store.entity(PipelineRun, "r") == run("r", size)
    store.drop_entities(run("r"))
    assert store.entities(PipelineRun, "p") == []


def test_a_store_is_replaced_by_another_with_its_entities(new_store: Callable[[], Store]) -> None:
    store, other = new_store(), MemoryStore()
    store.put_entities(query("old"))
    other.put_entities(query("new"), SEQUENCE)
    store = store.replaced_by(other)
    assert set(store.all_entities()) == {query("new"), SEQUENCE}
    store = store.emptied(new_store)
    assert list(store.all_entities()) == []


def test_a_fork_goes_its_own_way() -> None:
    """In both directions, also with owners that both had."""
    store = MemoryStore()
    store.put_entities(query("a"))
    twin = store.fork()
    twin.put_entities(query("b"))
    store.put_entities(query("c"))
    again = store.fork()
    store.drop_entities(query("a"), query("c"))
    held = [[one.id for one in each.entities(SavedQuery)] for each in (store, twin, again)]
    assert held == [[], ["a", "b"], ["a", "c"]]
    assert again.entity(SavedQuery, "a") == query("a")
    assert store.entity(SavedQuery, "a") is None


def test_a_swap_needs_what_it_was_made_of(store: Store) -> None:
    """MG-7: what others made of it meanwhile stays, and comes through a change."""
    first, other = query("a"), query("b", name="taken")
    store.put_entities(first, other)
    second = replace(first, name="second")
    assert store.swap_entities(first, second, run("r"))
    assert not store.swap_entities(first, replace(first, name="stale"), run("s"))
    assert store.entities(SavedQuery) == [second, other]
    assert [each.id for each in store.entities(PipelineRun)] == ["r"]
    assert not store.change_entity(second, lambda now: replace(now, name="taken"))
    assert store.change_entity(first, lambda now: replace(now, stages=(b"new",)))
    assert store.entity(SavedQuery, "a") == replace(second, stages=(b"new",))
    store.drop_entities(other)
    assert not store.change_entity(other, lambda now: now)
    assert store.entity(SavedQuery, "b") is None


def test_long_ones_are_swapped_too(store: Store) -> None:
    """MG-7: whose body is elsewhere in a database."""
    first, second = run("r", 2**21), run("r", 2**21 + 1)
    store.put_entities(first)
    assert store.swap_entities(first, second)
    assert not store.swap_entities(first, run("r"))
    assert store.entity(PipelineRun, "r") == second
    assert store.swap_entities(second, run("r"))
    assert store.entity(PipelineRun, "r") == run("r")
