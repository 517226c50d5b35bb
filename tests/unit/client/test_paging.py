"""Following pages: how loops end, what goes round in circles, and how little is held."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import (
    ORDER_ASCENDING,
    ORDER_DESCENDING,
    BinaryData,
    PagingError,
    Records,
    TabularData,
)
from fakeviam_client._paging import Cursor
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.wire import data

from .servers import binary_page, by_token, law, scripted, tabular_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam_client import DataClient

pytestmark = pytest.mark.asyncio


def numbers(readings: Iterable[TabularData]) -> list[float]:
    return [reading.data["n"] for reading in readings]


def names(files: Iterable[BinaryData]) -> list[str]:
    return [file.metadata.file_name for file in files]


def lasts(requests: Iterable[Any]) -> list[str]:
    return [request.data_request.last for request in requests]


def limits(requests: Iterable[Any]) -> list[int]:
    return [request.data_request.limit for request in requests]


async def numbers_of(client: DataClient, way: str, **options: Any) -> list[float]:
    """The numbers of all readings, by either method."""
    if way == "list":
        return numbers(await client.tabular_data_by_filter(**options))
    return numbers([reading async for reading in client.iter_tabular_data_by_filter(**options)])


async def names_of(client: DataClient, way: str, **options: Any) -> list[str]:
    """The names of all files, by either method."""
    if way == "list":
        return names(await client.binary_data_by_filter(num_files=0, **options))
    return names([file async for file in client.iter_binary_data_by_filter(**options)])


WAYS = pytest.mark.parametrize("way", ["list", "iterator"])


# Ends -------------------------------------------------------------------------------------


@WAYS
async def test_readings_come_in_pages_of_100_until_an_empty_one(way: str) -> None:
    """Each request repeats the `last` of the reply before it (PG-2, PG-3, PG-4, PG-5)."""
    pages = [("", tabular_page(range(100), "a")), ("a", tabular_page(range(100, 150), "b"))]
    async with scripted(TabularDataByFilter=by_token(pages)) as (client, script):
        assert await numbers_of(client, way) == list(range(150))
        requests = script.requests("TabularDataByFilter")
        assert lasts(requests) == ["", "a", "b"]
        assert limits(requests) == [100, 100, 100]


@WAYS
async def test_files_with_bytes_come_one_a_request(way: str) -> None:
    """So that no reply is larger than its file (BF-4)."""
    pages = [("", binary_page(["x"], "a")), ("a", binary_page(["y"], "b"))]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, script):
        assert await names_of(client, way) == ["x", "y"]
        requests = script.requests("BinaryDataByFilter")
        assert lasts(requests) == ["", "a", "b"]
        assert limits(requests) == [1, 1, 1]
        assert all(request.include_binary for request in requests)


@WAYS
async def test_metadata_comes_100_a_request(way: str) -> None:
    pages = [("", binary_page(["x"], "a", b"")), ("a", binary_page(["y"], "b", b""))]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, script):
        assert await names_of(client, way, include_file_data=False) == ["x", "y"]
        requests = script.requests("BinaryDataByFilter")
        assert limits(requests) == [100, 100, 100]
        assert not any(request.include_binary for request in requests)


async def test_the_loop_stops_as_soon_as_there_is_enough() -> None:
    pages = [("", binary_page("ab", "1")), ("1", binary_page("cd", "2"))]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, script):
        files = await client.binary_data_by_filter(include_file_data=False, num_files=4)
        assert names(files) == list("abcd")
        assert files.last == "2"
        assert limits(script.requests("BinaryDataByFilter")) == [4, 2]


async def test_pages_may_be_smaller_than_asked() -> None:
    """A short page is not the end; only an empty one is (PG-5)."""
    pages = [("", tabular_page([1], "a")), ("a", tabular_page([2], "b"))]
    async with scripted(TabularDataByFilter=by_token(pages)) as (client, _):
        assert await numbers_of(client, "list") == [1, 2]


async def test_a_server_that_gives_more_than_asked_is_cut() -> None:
    """`last` cannot say where the cut is, so it stays empty."""
    pages = [("", binary_page("abcde", "1")), ("1", binary_page("fghij", "2"))]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, script):
        files = await client.binary_data_by_filter(include_file_data=False, num_files=7)
        assert names(files) == list("abcdefg")
        assert (files.total, files.total_size_bytes, files.last) == (7, 35, "")
        page = await client.binary_data_by_filter(limit=2)
        assert (names(page), page.last) == (["a", "b"], "")
        readings = [("", tabular_page(range(5), "1"))]
        script.answers["TabularDataByFilter"] = by_token(readings)
        assert numbers(await client.tabular_data_by_filter(limit=2)) == [0, 1]


@WAYS
async def test_surplus_is_not_lost_where_all_is_wanted(way: str) -> None:
    pages = [("", binary_page("abc", "1")), ("1", binary_page("def", "2"))]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, _):
        assert await names_of(client, way) == list("abcdef")


# One page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1, 7, 1000])
async def test_limit_asks_for_one_page(limit: int) -> None:
    """0 leaves the size to the server (PG-1)."""
    pages = [("t", tabular_page([1], "a")), ("a", tabular_page([2], "b"))]
    async with scripted(TabularDataByFilter=by_token(pages)) as (client, script):
        page = await client.tabular_data_by_filter(limit=limit, last="t")
        assert isinstance(page, Records)
        assert numbers(page) == [1]
        assert (page.last, page.total) == ("a", 1)
        (request,) = script.requests("TabularDataByFilter")
        assert (request.data_request.limit, request.data_request.last) == (limit, "t")


async def test_one_page_of_files() -> None:
    pages = [("t", binary_page("ab", "1"))]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, script):
        page = await client.binary_data_by_filter(limit=5, last="t")
        assert (names(page), page.last) == (["a", "b"], "1")
        empty = await client.binary_data_by_filter(limit=5, last=page.last)
        assert (empty, empty.last) == ([], "")
        assert limits(script.requests("BinaryDataByFilter")) == [5, 5]


async def test_an_order_is_sent() -> None:
    """Either way of sorting by time (PG-6)."""
    async with scripted() as (client, script):
        for order in (None, ORDER_DESCENDING, ORDER_ASCENDING):
            await client.tabular_data_by_filter(sort_order=order)
            await client.binary_data_by_filter(sort_order=order)
        wanted = [data.ORDER_UNSPECIFIED, data.ORDER_DESCENDING, data.ORDER_ASCENDING]
        for name in ("TabularDataByFilter", "BinaryDataByFilter"):
            sent = [request.data_request.sort_order for request in script.requests(name)]
            assert sent == wanted


# Circles ----------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize(
    "tokens", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "a"], ["a", "b", "c", "d", "c"], ["t"]]
)
async def test_pages_that_go_round_in_circles_end_in_an_error(tokens: list[str], way: str) -> None:
    """A `last` that came before is an error, not an endless loop (PG-4)."""
    following = dict(zip(["t", *tokens], tokens, strict=False))
    pages = [(token, tabular_page([1], after)) for token, after in following.items()]
    async with scripted(TabularDataByFilter=by_token(pages)) as (client, script):
        with pytest.raises(PagingError, match=r"given before: paging on would never end"):
            await numbers_of(client, way, last="t")
        assert len(script.asked) <= 3 * len(tokens) + 3


@WAYS
async def test_records_with_an_empty_last_are_an_error(way: str) -> None:
    """It means the beginning, so going on would start over (PG-4)."""
    pages = [("", tabular_page([1], "a")), ("a", tabular_page([2], ""))]
    async with scripted(TabularDataByFilter=by_token(pages)) as (client, script):
        with pytest.raises(PagingError, match="empty `last`, which means the beginning"):
            await numbers_of(client, way)
        assert len(script.asked) == 2
    files = [("", binary_page("a", ""))]
    async with scripted(BinaryDataByFilter=by_token(files)) as (client, script):
        with pytest.raises(PagingError, match="empty `last`"):
            await names_of(client, way)
        assert len(script.asked) == 1


async def test_the_last_of_a_page_does_not_matter_where_nothing_follows() -> None:
    async with scripted(BinaryDataByFilter=by_token([("", binary_page("a", ""))])) as (client, _):
        assert names(await client.binary_data_by_filter(num_files=1)) == ["a"]
        assert names(await client.binary_data_by_filter(limit=1)) == ["a"]


@law(100)
@given(before=st.integers(0, 40), cycle=st.integers(1, 40))
async def test_a_circle_of_any_length_is_found(before: int, cycle: int) -> None:
    """… before three times as many pages as there are different ones."""

    def follow() -> None:
        cursor = Cursor("")
        for step in range(3 * (before + cycle) + 2):
            at = step if step < before else before + (step - before) % cycle
            cursor.advance(f"token {at}")

    with pytest.raises(PagingError):
        follow()


@law(50)
@given(st.integers(0, 500))
async def test_tokens_that_all_differ_are_no_circle(pages: int) -> None:
    cursor = Cursor("start")
    for page in range(pages):
        cursor.advance(f"token {page}")
        assert cursor.last == f"token {page}"


# What is held -----------------------------------------------------------------------------


async def test_iterators_ask_for_a_page_when_it_is_needed_and_not_before() -> None:
    pages = [(str(n), binary_page([f"{n}a", f"{n}b"], str(n + 1))) for n in range(50)]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, script):
        files = client.iter_binary_data_by_filter(last="0")
        assert script.asked == []
        for taken in range(1, 21):
            await anext(files)
            assert len(script.asked) == (taken + 1) // 2

    readings = [(str(n), tabular_page([n, n], str(n + 1))) for n in range(50)]
    async with scripted(TabularDataByFilter=by_token(readings)) as (client, script):
        stream = client.iter_tabular_data_by_filter(last="0")
        for taken in range(1, 21):
            await anext(stream)
            assert len(script.asked) == (taken + 1) // 2


async def test_iterators_let_go_of_what_was_taken() -> None:
    pages = [(str(n), binary_page(["x", "y"], str(n + 1))) for n in range(10)]
    async with scripted(BinaryDataByFilter=by_token(pages)) as (client, _):
        files = client.iter_binary_data_by_filter(last="0")
        first, second = weakref.ref(await anext(files)), weakref.ref(await anext(files))
        third = await anext(files)
        gc.collect()
        assert (first(), second()) == (None, None)
        assert third.metadata.file_name == "x"


async def test_readings_of_one_source_share_its_metadata() -> None:
    """`metadata_index` points into the metadata of the same reply (TD-2)."""
    page = tabular_page([1, 2, 3], "a")
    page.metadata[0].component_name = "one"
    page.metadata.add(component_name="two")
    page.data[1].metadata_index = 1
    async with scripted(TabularDataByFilter=by_token([("", page)])) as (client, _):
        first, second, third = await client.tabular_data_by_filter()
        sources = [reading.metadata.component_name for reading in (first, second, third)]
        assert sources == ["one", "two", "one"]
        assert first.metadata is third.metadata


# Totals -----------------------------------------------------------------------------------


async def test_count_only_asks_once_and_fetches_nothing() -> None:
    """The total alone (PG-8, PG-9)."""
    async with scripted(
        TabularDataByFilter=lambda _: data.TabularDataByFilterResponse(
            count=5, total_size_bytes=50
        ),
        BinaryDataByFilter=lambda _: data.BinaryDataByFilterResponse(count=6, total_size_bytes=60),
    ) as (client, script):
        readings = await client.tabular_data_by_filter(count_only=True, include_internal_data=True)
        files = await client.binary_data_by_filter(count_only=True, include_internal_data=True)
        assert (readings, readings.total, readings.total_size_bytes) == ([], 5, 50)
        assert (files, files.total, files.total_size_bytes) == ([], 6, 60)
        assert len(script.asked) == 2
        for asked in script.asked:
            (request,) = asked.messages
            assert request.count_only
            assert request.include_internal_data
            assert request.data_request.limit == 0
        (request,) = script.requests("BinaryDataByFilter")
        assert not request.include_binary


async def test_totals_are_of_what_was_fetched() -> None:
    """Whatever the server counts in a page (A4)."""
    first, second = tabular_page([1, 2], "a"), tabular_page([3], "b")
    for page in (first, second):
        page.count, page.total_size_bytes = 99, 999
    async with scripted(TabularDataByFilter=by_token([("", first), ("a", second)])) as (client, _):
        readings = await client.tabular_data_by_filter()
        weight = sum(entry.data.ByteSize() for page in (first, second) for entry in page.data)
        assert (readings.total, readings.total_size_bytes) == (3, weight)
        assert readings.last == "b"
