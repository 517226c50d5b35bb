"""What requests cost does not grow with the store. Counted in records, so no clock is needed."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.model.filters import Interval, Query, TagRule
from fakeviam.store.memory import MemoryStore
from fakeviam.store.values import Position

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL, LARGE = 4_000, 40_000
BLOCK = 256
PAGE = 50

COMMON = Query(mime_types=frozenset({"a/b"}))
RARE = Query(part_id="rare")
TAGGED = Query(tag_rule=TagRule.LISTED, tags=frozenset({"even"}))
NONE = Query(part_id="none such", tag_rule=TagRule.TAGGED)


@pytest.fixture(scope="module")
def sizes() -> dict[int, MemoryStore]:
    return {}


@pytest.fixture
def filled(sizes: dict[int, MemoryStore], binary: Callable[..., Any]) -> Callable[[int], Any]:
    """A fork of a store of n records; exactly 100 of them are of the rare part."""

    def make(n: int) -> MemoryStore:
        if n not in sizes:
            sizes[n] = MemoryStore(block_size=BLOCK)
            records = [
                binary(
                    f"f{at}",
                    at,
                    part_id="rare" if at % (n // 100) == 0 else "part",
                    tags=("even",) if at % 2 == 0 else (),
                    size=at,
                )
                for at in range(n)
            ]
            sizes[n].add_binary([(record, b"") for record in records])
            for query in (COMMON, RARE, TAGGED, NONE):
                for _ in range(2):  # the first look walks, the second builds indexes
                    sizes[n].binary_totals(query)
                    sizes[n].binary_tags(query)
        return sizes[n].fork()

    return make


def work(store: MemoryStore, *calls: Callable[[], object]) -> int:
    before = store.work
    for call in calls:
        call()
    return store.work - before


def page(store: MemoryStore, query: Query, after: Position | None = None) -> Any:
    return store.binary_page(query, after=after, limit=PAGE, descending=True)


@pytest.mark.slow
@pytest.mark.parametrize("query", [COMMON, TAGGED], ids=["common", "tagged"])
def test_a_page_looks_at_its_own_records_only(
    filled: Callable[[int], MemoryStore], query: Query
) -> None:
    for n in (SMALL, LARGE):
        for after in (None, Position(n // 2, n // 2)):
            store = filled(n)
            assert work(store, lambda s=store, a=after: page(s, query, a)) <= PAGE + 2  # type: ignore[misc]


@pytest.mark.slow
def test_the_readings_received_last_are_found_by_the_bounds_of_blocks(
    tabular: Callable[..., Any],
) -> None:
    """All blocks are consulted, the rows of one or two."""
    for n in (SMALL, LARGE):
        store = MemoryStore(block_size=BLOCK)
        store.add_tabular([tabular(f"r{at}", at, time_received=at + at % 7) for at in range(n)])
        for descending in (True, False):
            ask = partial(store.first_received, Query(), limit=10, descending=descending)
            ask()
            assert work(store, ask) <= n // BLOCK + 3 * BLOCK


@pytest.mark.parametrize("query", [RARE, NONE], ids=["rare", "none"])
def test_a_rare_match_costs_a_look_at_each_block(
    filled: Callable[[int], MemoryStore], query: Query
) -> None:
    for n in (SMALL, LARGE):
        store = filled(n)
        assert work(store, lambda s=store: page(s, query)) <= PAGE + n / BLOCK + 1  # type: ignore[misc]


def test_an_unindexed_page_stops_where_it_is_full(binary: Callable[..., Any]) -> None:
    store = MemoryStore(block_size=BLOCK)
    store.add_binary([(binary(f"f{at}", at), b"") for at in range(1000)])
    assert work(store, lambda: page(store, COMMON)) == PAGE * 2  # each is tested and handed out


@pytest.mark.parametrize("query", [COMMON, RARE, TAGGED, NONE])
def test_sums_do_not_look_at_records(filled: Callable[[int], MemoryStore], query: Query) -> None:
    """PG-9: counting is two looks at each block, whatever is in it."""
    for n in (SMALL, LARGE):
        store = filled(n)
        cost = work(store, lambda s=store: s.binary_totals(query))  # type: ignore[misc]
        cost += work(store, lambda s=store: s.binary_tags(query))  # type: ignore[misc]
        assert cost <= 4 * (n / BLOCK + 1)


def test_a_new_question_reads_no_record_once_there_are_indexes(
    filled: Callable[[int], MemoryStore],
) -> None:
    both = Query(part_id="part", tag_rule=TagRule.LISTED, tags=frozenset({"even"}))
    for n in (SMALL, LARGE):
        store = filled(n)
        assert work(store, lambda s=store: s.binary_totals(both)) <= n / BLOCK + 1  # type: ignore[misc]


@pytest.mark.slow
def test_a_delete_costs_what_it_deletes_and_a_look_at_each_block(
    filled: Callable[[int], MemoryStore],
) -> None:
    for n in (SMALL, LARGE):
        store = filled(n)
        cost = work(store, lambda s=store: s.delete_binary_matching(RARE))  # type: ignore[misc]
        assert cost <= 100 + 2 * (n / BLOCK + 1)
        assert store.binary_totals(RARE) == (0, 0)


def test_pages_to_the_end_look_at_each_record_once(filled: Callable[[int], MemoryStore]) -> None:
    for n in (SMALL, LARGE):
        store = filled(n)
        before, after, seen = store.work, None, 0
        while found := page(store, TAGGED, after).records:
            seen += len(found)
            after = Position(found[-1].time_requested, int(found[-1].file_id[1:]))
        assert seen == n // 2
        assert store.work - before <= seen + 2 * n / PAGE + n / BLOCK + 2


def test_blocks_keep_only_so_many_answers(binary: Callable[..., Any]) -> None:
    store = MemoryStore(block_size=BLOCK)
    store.add_binary([(binary(f"f{at}", at), b"") for at in range(BLOCK * 2)])
    for number in range(200):
        store.binary_totals(Query(component_name=f"c{number}"))
    assert max(len(block.known) for block in store._binary._blocks) <= 32


def test_an_interval_confines_the_search(filled: Callable[[int], MemoryStore]) -> None:
    query = Query(interval=Interval(start=1000, end=1999))
    for n in (SMALL, LARGE):
        store = filled(n)
        assert work(store, lambda s=store: s.binary_totals(query)) <= 2 * (1000 / BLOCK + 2)  # type: ignore[misc]
        assert store.binary_totals(query) == (1000, sum(range(1000, 2000)))


def test_writes_cost_the_same_in_a_large_store(
    filled: Callable[[int], MemoryStore], binary: Callable[..., Any]
) -> None:
    costs = []
    for n in (SMALL, LARGE):
        store, number = filled(n), count()
        costs.append(
            work(
                store,
                lambda s=store, k=number, m=n: s.add_binary(  # type: ignore[misc]
                    [(binary(f"new{next(k)}", m // 2), b"")]
                ),
                lambda s=store: s.add_tags(["f77"], ["x"]),  # type: ignore[misc]
                lambda s=store: s.add_members("d", ["f78"]),  # type: ignore[misc]
                lambda s=store: s.delete_binary(["f79"]),  # type: ignore[misc]
                lambda s=store: s.find_binary(["f80"]),  # type: ignore[misc]
            )
        )
    assert costs[0] == costs[1] <= 10


def test_after_a_write_only_its_block_is_read_again(filled: Callable[[int], MemoryStore]) -> None:
    for n in (SMALL, LARGE):
        store = filled(n)
        store.add_tags([f"f{n // 2}"], ["x"])
        for _ in range(3):
            cost = work(store, lambda s=store: s.binary_totals(TAGGED))  # type: ignore[misc]
            assert cost <= 2 * (n / BLOCK + 1) + 2 * BLOCK


def test_a_fork_shares_blocks_and_indexes(filled: Callable[[int], MemoryStore]) -> None:
    store = filled(SMALL)
    twin = store.fork()
    ours, theirs = store._binary._blocks, twin._binary._blocks
    assert all(one is other for one, other in zip(ours, theirs, strict=True))
    twin.add_tags(["f0"], ["x"])
    theirs = twin._binary._blocks
    assert sum(one is not other for one, other in zip(ours, theirs, strict=True)) == 1
    assert work(twin, lambda: page(twin, TAGGED)) <= PAGE + 2
