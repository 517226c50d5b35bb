"""Pages: their order, their ends, and what happens between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.model.datasets import Dataset
from fakeviam.model.filters import Interval, Query, TagRule
from fakeviam.store.values import Page, Position

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.store.base import Store

YEAR_1 = -62_135_596_800_000_000_000
YEAR_9999 = 253_402_300_799_999_999_999


@pytest.fixture
def fill(store: Store, binary: Callable[..., Any]) -> Callable[..., None]:
    """Store records given as name=time."""

    def add(**times: int) -> None:
        store.add_binary([(binary(name, time), b"") for name, time in times.items()])

    return add


def ask(
    store: Store,
    after: Position | None = None,
    *,
    limit: int = 2,
    descending: bool = False,
    query: Query | None = None,
) -> Page[Any]:
    return store.binary_page(query or Query(), after=after, limit=limit, descending=descending)


def rest(store: Store, after: Position | None = None, *, descending: bool = False) -> str:
    """The file ids on all pages beyond a position."""
    seen = ""
    while (page := ask(store, after, descending=descending)).records:
        seen += "".join(record.file_id for record in page.records)
        assert len(seen) < 100, "the pages do not end"
        after = page.last
    return seen


def test_pages_are_full_until_the_end(store: Store, fill: Callable[..., None]) -> None:
    """PG-1, PG-3, PG-4, PG-5: `last` is absent on an empty page only."""
    fill(a=1, b=2, c=3)
    first = ask(store)
    second = ask(store, first.last)
    third = ask(store, second.last)
    assert [len(page.records) for page in (first, second, third)] == [2, 1, 0]
    assert (first.last, second.last, third.last) == (Position(2, 1), Position(3, 2), None)


def test_a_page_of_nothing_is_empty(store: Store, fill: Callable[..., None]) -> None:
    fill(a=1)
    assert ask(store, limit=0) == Page([], None)


def test_order_is_by_time_then_arrival(store: Store, fill: Callable[..., None]) -> None:
    """PG-6: ties are in the order of arrival, backwards when descending."""
    fill(c=5, a=1, d=5, b=1, e=5)
    fill(f=1, g=9)
    assert rest(store) == "abfcdeg"
    assert rest(store, descending=True) == "gedcfba"


def test_years_1_to_9999(store: Store, fill: Callable[..., None]) -> None:
    fill(d=YEAR_9999, b=-1, a=YEAR_1, c=0)
    assert rest(store) == "abcd"
    assert rest(store, descending=True) == "dcba"
    assert ask(store, limit=1).last == Position(YEAR_1, 2)
    assert ask(store, limit=1, descending=True).last == Position(YEAR_9999, 0)


@pytest.mark.parametrize(("order", "expected"), [("ascending", "cde"), ("descending", "cba")])
def test_a_position_outlives_its_record(
    store: Store, fill: Callable[..., None], order: str, expected: str
) -> None:
    """PG-3, PG-7."""
    fill(a=1, b=1, c=1, d=1, e=1)
    descending = order == "descending"
    page = ask(store, descending=descending)
    store.delete_binary([record.file_id for record in page.records])
    assert rest(store, page.last, descending=descending) == expected


def test_a_store_emptied_between_pages(store: Store, fill: Callable[..., None]) -> None:
    fill(a=1, b=2, c=3)
    last = ask(store).last
    store.delete_binary_matching(Query())
    assert rest(store, last) == ""
    fill(d=1, e=3)
    assert rest(store, last) == "e"


def test_a_position_outside_the_interval(store: Store, fill: Callable[..., None]) -> None:
    fill(a=1, b=2, c=3, d=4)
    query = Query(interval=Interval(start=2, end=3))
    for after, ahead, back in ((Position(0, 9), "bc", ""), (Position(5, 9), "", "cb")):
        pages = [ask(store, after, query=query, descending=d) for d in (False, True)]
        assert ["".join(r.file_id for r in page.records) for page in pages] == [ahead, back]


def test_records_added_between_pages_repeat_and_lose_nothing(
    store: Store, fill: Callable[..., None]
) -> None:
    """PG-6: what comes before the position is not seen, what comes after it is."""
    fill(a=10, b=20, c=30, d=40)
    last = ask(store).last
    fill(e=5, f=20, g=25, h=50)
    assert rest(store, last) == "fgcdh"


def test_paging_while_the_matches_leave(store: Store, fill: Callable[..., None]) -> None:
    """PG-7: removing the members of a dataset while paging over it skips none."""
    fill(**dict.fromkeys("abcdefgh", 7))
    store.add_dataset(Dataset(id="d", name="n", organization_id="org", time_created=0))
    store.add_members("d", "abcdefgh")
    query, last, seen = Query(dataset_id="d"), None, ""
    while (page := ask(store, last, query=query)).records:
        members = [record.file_id for record in page.records]
        assert store.remove_members("d", members) == len(members)
        seen += "".join(members)
        assert len(seen) < 100, "the pages do not end"
        last = page.last
    assert seen == "abcdefgh"


def test_a_changed_record_keeps_its_place(store: Store, fill: Callable[..., None]) -> None:
    fill(a=7, b=7, c=7)
    store.add_tags(["b"], ["x"])
    assert rest(store) == "abc"
    tagged = ask(store, query=Query(tag_rule=TagRule.TAGGED))
    assert [record.file_id for record in tagged.records] == ["b"]
    assert tagged.last == Position(7, 1)


def test_arrivals_are_never_used_again(store: Store, fill: Callable[..., None]) -> None:
    """A position taken before a record was deleted must not name a later one."""
    fill(a=1, b=1)
    last = ask(store).last
    store.delete_binary(["b"])
    fill(c=1)
    assert rest(store, last) == "c"
