"""The parts of the store: masks, numbers cut into bits, blocks, shards."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.store.block import Block, Numbers, mask_of, mask_of_span, row_numbers
from fakeviam.store.memory import MemoryStore
from fakeviam.store.selection import members_of
from fakeviam.store.shards import ShardedDict
from fakeviam.store.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.records import BinaryRecord

VALUES = st.lists(st.integers(-(2**70), 2**70) | st.integers(-3, 3), min_size=1, max_size=40)


@given(st.lists(st.booleans()))
def test_a_mask_has_a_bit_for_each_row(flags: list[bool]) -> None:
    expected = [at for at, flag in enumerate(flags) if flag]
    assert list(row_numbers(mask_of(flags))) == expected
    assert list(row_numbers(mask_of(flags), descending=True)) == expected[::-1]


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_span_is_a_mask(start: int, length: int) -> None:
    span = range(start, start + length)
    assert list(row_numbers(mask_of_span(span))) == list(span)


def test_members_of_datasets_are_selected(binary: Callable[..., BinaryRecord]) -> None:
    """Those of any of them, whatever else a query could ask (DM-1)."""
    members = [("a", ("d1",)), ("b", ()), ("c", ("d2", "d3")), ("d", ("d3",))]
    rows = [
        binary(name, at, dataset_ids=ids, internal=True) for at, (name, ids) in enumerate(members)
    ]
    block = Block([0, 1, 2, 3], rows)
    for _ in range(2):  # tested row by row, then by indexes
        assert list(row_numbers(members_of(["d1", "d3"]).mask(block))) == [0, 2, 3]
        assert list(row_numbers(members_of(["d2"]).mask(block))) == [2]
        assert list(row_numbers(members_of(["d4"]).mask(block))) == []
    selection = members_of(["d1"])
    assert (selection.low, selection.high) == (-inf, inf)


@given(VALUES, st.data())
def test_sums_over_a_mask(values: list[int], data: st.DataObject) -> None:
    flags = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    chosen = [value for value, flag in zip(values, flags, strict=True) if flag]
    assert Numbers(values).sum(mask_of(flags)) == sum(chosen)
    assert Numbers(values).sum(mask_of(True for _ in values)) == sum(values)


@given(VALUES, st.data())
def test_values_below_a_bound(values: list[int], data: st.DataObject) -> None:
    near = st.sampled_from(values).flatmap(lambda value: st.integers(value - 1, value + 1))
    bound = data.draw(near | st.integers(-(2**71), 2**71))
    below = [at for at, value in enumerate(values) if value < bound]
    assert list(row_numbers(Numbers(values).below(bound))) == below


def test_a_write_leaves_other_blocks_and_other_indexes_alone(binary: Callable[..., Any]) -> None:
    rows = [binary(name, tags=("x",)) for name in "abc"]
    block = Block([1, 2, 3], rows)
    parts, sizes = block.index("source.part_id"), block.numbers("size")
    block.index("tags")
    changed = block.changed([*rows[:2], binary("c")], "tags")
    assert block.index("tags") == {"x": 0b111}
    assert changed.index("tags") == {"x": 0b011, None: 0b100}
    assert changed.index("source.part_id") is parts
    assert changed.numbers("size") is sizes


def test_a_change_that_fails_in_a_later_block_changes_nothing(binary: Callable[..., Any]) -> None:
    timeline: Timeline[BinaryRecord] = Timeline(block_size=1)
    old = [binary("a"), binary("b")]
    keys = timeline.add(old)

    def change(record: BinaryRecord) -> BinaryRecord:
        if record.file_id == "b":
            raise ValueError
        return replace(record, tags=("x",))

    with pytest.raises(ValueError):  # noqa: PT011 - it is our own
        timeline.revised(timeline.locate(keys), "tags", change)
    assert [timeline.find(key) for key in keys] == old


def test_blocks_stay_few_when_records_go(binary: Callable[..., Any]) -> None:
    for backwards in (False, True):
        store = MemoryStore(block_size=8)
        names = [f"f{number}" for number in range(400)]
        store.add_binary([(binary(name, at), b"") for at, name in enumerate(names)])
        doomed = [name for at, name in enumerate(names) if at % 20]
        for name in reversed(doomed) if backwards else doomed:
            store.delete_binary([name])
        assert len(store._binary._blocks) <= 20 / (8 / 4)


def test_blocks_stay_small_and_well_filled(binary: Callable[..., Any]) -> None:
    for times in (range(500), range(500, 0, -1), [at * 37 % 500 for at in range(500)]):
        store = MemoryStore(block_size=8)
        for number, time in enumerate(times):
            store.add_binary([(binary(f"f{number}", time), b"")])
        sizes = [len(block.keys) for block in store._binary._blocks]
        assert max(sizes) <= 8
        assert sum(sizes) == 500
        assert len(sizes) <= 500 / 4


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.booleans())))
def test_shards_are_a_dictionary_that_forks(steps: list[tuple[int, int, bool]]) -> None:
    pairs: list[tuple[ShardedDict[int], dict[str, int]]] = [(ShardedDict(), {})]
    for count, (branch, number, forks) in enumerate(steps):
        shards, model = pairs[branch % len(pairs)]
        key = str(number)
        if forks and len(pairs) < 3:
            pairs.append((shards.fork(), model.copy()))
        elif key in model:
            shards.drop(key)
            del model[key]
        else:
            shards.put(key, count)
            model[key] = count
        for each, expected in pairs:
            assert [each.get(str(n)) for n in range(10)] == [
                expected.get(str(n)) for n in range(10)
            ]
