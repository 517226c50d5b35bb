"""Looking at much in turns, each of which looks at little: counted in rows, without a clock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.model.filters import Interval, Query, TagRule
from fakeviam.store.memory import MemoryStore
from fakeviam.store.values import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.model.records import BinaryRecord

BLOCK = 8
ROWS = 50 * BLOCK
#: Two blocks, and the one in which patience ends, which may be looked at in two ways.
MOST = 4 * BLOCK

TAGGED = Query(tag_rule=TagRule.LISTED, tags=frozenset({"even"}))
NONE = Query(part_id="none such")
LATE = Query(part_id="none such", interval=Interval(start=3, end=ROWS - 3))


@pytest.fixture
def filled(binary: Callable[..., Any], tabular: Callable[..., Any]) -> Callable[[], MemoryStore]:
    """Make stores that nobody has asked anything yet."""

    def make() -> MemoryStore:
        store = MemoryStore(block_size=BLOCK)
        tags = [("even",) if at % 2 == 0 else () for at in range(ROWS)]
        store.add_binary([(binary(f"f{at}", at, tags=tags[at]), b"") for at in range(ROWS)])
        store.add_tabular([tabular(f"t{at}", at, tags=tags[at]) for at in range(ROWS)])
        return store

    return make


def _page(kind: str, query: Query, *, descending: bool) -> Callable[[MemoryStore], object]:
    return lambda store: getattr(store, f"{kind}_page")(
        query, after=None, limit=50, descending=descending
    )


CALLS: dict[str, Callable[[MemoryStore], object]] = {
    **{
        f"{kind} page {name} {descending}": _page(kind, query, descending=descending)
        for kind in ("binary", "tabular")
        for name, query in (("none", NONE), ("late", LATE))
        for descending in (False, True)
    },
    "files": lambda store: store.binary_totals(TAGGED),
    "readings": lambda store: store.tabular_totals(NONE),
    "tags": lambda store: store.binary_tags(TAGGED),
    "tags of readings": lambda store: store.tabular_tags(Query()),
    "datasets": lambda store: store.dataset_ids(TAGGED),
    "labels": lambda store: store.box_labels(Query()),
    "delete files": lambda store: store.delete_binary_matching(TAGGED),
    "delete readings": lambda store: store.delete_tabular_matching(TAGGED),
    "tag": lambda store: store.add_tags_matching(TAGGED, ["x"]),
    "tag all": lambda store: store.add_tags_matching(Query(), ["x", "even"]),
    "tag by id": lambda store: store.add_tags([f"f{at}" for at in range(ROWS)], ["x"]),
    "untag": lambda store: store.remove_tags_matching(TAGGED, ["even"]),
    "first received": lambda store: store.first_received(NONE, limit=5, descending=True),
    "two things": lambda store: (store.binary_totals(TAGGED), store.binary_tags(NONE)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.thinned(4)
def test_a_turn_looks_at_little_and_the_next_gets_further(
    filled: Callable[[], MemoryStore], call: Callable[[MemoryStore], object]
) -> None:
    """In the end it is as if all were done at once (SV-18)."""
    at_once, in_turns = filled(), filled()
    expected = call(at_once)
    costs: list[int] = []
    answer: object = None
    for _ in range(ROWS):
        before = in_turns.work
        in_turns.begin_turn()
        try:
            answer = call(in_turns)
        except UnfinishedError:
            costs.append(in_turns.work - before)
            continue
        finally:
            in_turns.end_turn()
        break
    assert answer == expected
    assert len(costs) >= ROWS // MOST // 2
    # That a block is looked up, too, counts one; it may have been so in each of two walks.
    assert max(costs) <= MOST + 2 * ROWS // BLOCK
    assert list(_rows(in_turns)) == list(_rows(at_once))


def test_calls_that_change_alike_are_not_mixed_up(filled: Callable[[], MemoryStore]) -> None:
    """What one has prepared of a block is not what the other makes of it (SV-18)."""
    at_once, in_turns = filled(), filled()
    at_once.add_tags_matching(Query(), ["x"])
    in_turns.begin_turn()
    with pytest.raises(UnfinishedError):
        in_turns.add_tags_matching(TAGGED, ["x"])
    in_turns.end_turn()
    assert in_turns.add_tags_matching(Query(), ["x"]) == ROWS
    assert list(_rows(in_turns)) == list(_rows(at_once))


def _rows(store: MemoryStore) -> Iterator[object]:
    yield from store.binary_rows()
    yield from store.tabular_rows()


def test_without_a_turn_nothing_is_broken_off(filled: Callable[[], MemoryStore]) -> None:
    store = filled()
    store.begin_turn()
    store.end_turn()
    assert store.binary_totals(TAGGED).records == ROWS // 2


def test_what_follows_a_write_is_not_broken_off(
    filled: Callable[[], MemoryStore], binary: Callable[..., Any]
) -> None:
    """It would be written twice."""
    store = filled()
    store.begin_turn()
    store.add_binary([(binary("another", ROWS, tags=("even",)), b"")])
    assert store.binary_totals(TAGGED).records == ROWS // 2 + 1
    store.end_turn()


def test_a_fork_has_its_own_turns(filled: Callable[[], MemoryStore]) -> None:
    store = filled()
    store.begin_turn()
    assert store.fork().binary_totals(TAGGED).records == ROWS // 2
    store.end_turn()


def test_what_turns_have_prepared_is_of_one_change_and_the_blocks_of_now(
    filled: Callable[[], MemoryStore], binary: Callable[..., Any]
) -> None:
    """Another change and other writes come in between, and nothing of them is lost (SV-18)."""

    def in_a_turn(call: Callable[[], int]) -> int | None:
        store.begin_turn()
        try:
            return call()
        except UnfinishedError:
            return None
        finally:
            store.end_turn()

    store = filled()
    assert in_a_turn(lambda: store.add_tags_matching(Query(), ["x"])) is None
    assert in_a_turn(lambda: store.add_tags_matching(Query(), ["y"])) is None
    assert store.add_tags(["f0"], ["z"]) == 1
    assert store.delete_binary(["f1"]) == 1
    store.add_binary([(binary("late", 2), b"")])
    while in_a_turn(lambda: store.add_tags_matching(Query(), ["x"])) is None:
        pass
    rows = {row.record.file_id: row.record.tags for row in store.binary_rows()}
    assert len(rows) == ROWS
    assert rows["f0"] == ("even", "z", "x")
    assert rows["late"] == ("x",)
    assert {tags[-1] for tags in rows.values()} == {"x"}
    assert store._prepared == (None, {})


def test_a_record_with_another_list_is_as_by_replace(binary: Callable[..., Any]) -> None:
    """It has all fields, and no encoded form of the old one."""
    record = binary("f", 5, tags=("a",), dataset_ids=("d",), file_name="n", size=3)
    record_cache(record)
    twin = record.with_list("tags", ("b",))
    assert twin == replace(record, tags=("b",))
    assert (twin.box_labels, twin.encoder, twin.encoded) == (record.box_labels, None, b"")
    assert record.tags == ("a",)


def record_cache(record: BinaryRecord) -> None:
    """As encoding it does."""
    object.__setattr__(record, "encoded", b"old")
    object.__setattr__(record, "encoder", "one")
