"""Pages: their size, order and counts, and the way from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpclib.const import Status

from fakeviam.model.policy import PageLimit, Policy
from fakeviam.wire import data

from .driver import DEFAULT_PART, ORGANIZATION, Viam, at, interval, reading, signed_in, tagged

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

ASCENDING, DESCENDING = data.ORDER_ASCENDING, data.ORDER_DESCENDING

#: What a client may take for a token and this server did not issue.
GARBAGE = [
    "x",
    "LAST_ID",
    "0" * 38,
    "z" * 38,
    "65f0c2d1e4b0a1b2c3d4e5f6",
    "ÄÖÜ" * 13,
    " ",
    "x" * 100_000,
]


def clauses_of_last(viam: Viam) -> set[str]:
    """What the last answer rested on."""
    return {clause.id for clause in viam.cloud.calls[-1].clauses}


async def fill(viam: Viam, count: int) -> None:
    """Records "0" … with one second between them, and as many readings."""
    for number in range(count):
        await viam.upload(str(number), b"x" * number, requested=at(number))
    if count:
        await viam.upload_readings(*(reading({"n": number}, at(number)) for number in range(count)))


# Size ------------------------------------------------------------------------------------


async def test_a_page_holds_at_most_its_limit(viam: Viam) -> None:
    """limit caps one page (PG-1)."""
    await fill(viam, 7)
    for limit in (1, 6, 7, 8, 100):
        assert len((await viam.binary(limit=limit)).data) == min(7, limit)
        assert len((await viam.tabular(limit=limit)).data) == min(7, limit)


async def test_without_a_limit_a_page_holds_fifty(viam: Viam) -> None:
    """Unset, which is 0 on the wire, means 50 (PG-1)."""
    await fill(viam, 51)
    assert len((await viam.binary()).data) == 50
    assert len((await viam.binary(limit=0, include_binary=True)).data) == 50
    assert len((await viam.tabular()).data) == 50


@pytest.mark.parametrize("limit", [100, 101, 1000, 2**31, 2**63, 2**64 - 1])
@pytest.mark.thinned(3)
async def test_a_page_holds_what_is_asked(viam: Viam, limit: int) -> None:
    """However much that is (PG-2, A6, A57)."""
    await viam.upload_readings(*(reading({"n": n}, at(n)) for n in range(101)))
    for number in range(101):
        await viam.upload(str(number), requested=at(number))
    served = min(limit, 101)
    assert len((await viam.tabular(limit=limit)).data) == served
    assert len((await viam.binary(limit=limit)).data) == served
    assert ("A6" in viam.cited()) is (limit > 100)
    assert len((await viam.binary(limit=limit, include_binary=True)).data) == served
    assert ("A57" in viam.cited()) is (limit > 100)


# From page to page -----------------------------------------------------------------------


async def test_last_leads_from_page_to_page(viam: Viam) -> None:
    """last continues after its page; every page with data has one (PG-3, PG-4, PG-5)."""
    await fill(viam, 6)
    for order in (ASCENDING, DESCENDING):
        found, last = [], ""
        for _ in range(3):
            page = await viam.binary(limit=2, last=last, sort_order=order)
            found += [entry.metadata.file_name for entry in page.data]
            assert len(page.data) == 2
            assert page.last
            last = page.last
        assert found == [str(n) for n in sorted(range(6), reverse=order == DESCENDING)]
        beyond = await viam.binary(limit=2, last=last, sort_order=order)
        assert beyond == data.BinaryDataByFilterResponse()
    assert "PG-3" in viam.cited()


async def test_pages_of_one_over_many_arrivals(viam: Viam) -> None:
    """Every token leads on, whatever the numbers in it (PG-3, PG-11)."""
    readings = [reading({"n": n}, requested=at(0)) for n in range(20)]
    await viam.upload_readings(*readings)
    found, last = [], ""
    while (page := await viam.tabular(limit=1, last=last, sort_order=ASCENDING)).data:
        found += [entry.data.fields["n"].number_value for entry in page.data]
        last = page.last
    assert found == list(range(20))


async def test_the_final_page_has_a_last_too(viam: Viam) -> None:
    """Also where it is not full: old clients would start over on an empty one (PG-4)."""
    await fill(viam, 3)
    for read in (viam.binary, viam.tabular):
        page = await read(limit=2)
        final = await read(limit=2, last=page.last)
        assert len(final.data) == 1
        assert final.last
        assert final.last != page.last
        assert (await read(limit=100)).last == final.last


async def test_readings_page_alike(viam: Viam) -> None:
    """A page past the end has no metadata either (PG-3, PG-4, PG-5)."""
    await fill(viam, 3)
    first = await viam.tabular(limit=2, sort_order=ASCENDING)
    second = await viam.tabular(limit=2, last=first.last, sort_order=ASCENDING)
    assert [len(first.data), len(second.data)] == [2, 1]
    assert second.last
    beyond = await viam.tabular(limit=2, last=second.last, sort_order=ASCENDING)
    assert beyond == data.TabularDataByFilterResponse()


async def test_nothing_at_all_is_a_page_past_the_end(viam: Viam) -> None:
    """An empty cloud answers OK and nothing (PG-5, FI-15)."""
    assert await viam.binary() == data.BinaryDataByFilterResponse()
    assert await viam.tabular() == data.TabularDataByFilterResponse()


async def test_the_loop_of_old_clients_for_readings(viam: Viam) -> None:
    """250 readings in pages of 100 are four calls, the last one empty (PG-2, PG-4, PG-5)."""
    await viam.upload_readings(*(reading({"n": n}, at(n)) for n in range(250)))
    sizes: list[int] = []
    found: list[float] = []
    last = ""
    while not sizes or sizes[-1]:
        page = await viam.tabular(data.Filter(), limit=100, last=last)
        sizes.append(len(page.data))
        found += [entry.data.fields["n"].number_value for entry in page.data]
        last = page.last
    assert sizes == [100, 100, 50, 0]
    assert sorted(found) == list(range(250))


async def test_the_loop_of_old_clients_for_bytes(viam: Viam) -> None:
    """Pages of one record with bytes are ordinary (BF-4, PG-4, PG-5)."""
    await fill(viam, 5)
    found, last = [], ""
    while True:
        page = await viam.binary(data.Filter(), limit=1, last=last, include_binary=True)
        if not page.data:
            break
        found.append(page.data[0].binary)
        last = page.last
    assert found == [b"x" * n for n in (4, 3, 2, 1, 0)]
    assert "BF-4" in viam.cited()


# Order -----------------------------------------------------------------------------------


async def test_order_is_by_the_time_requested(viam: Viam) -> None:
    """Either way, whatever the order of upload and the time received (PG-6)."""
    for number in (3, 1, 2):
        await viam.upload(str(number), requested=at(number), received=at(10 - number))
        await viam.upload_readings(reading({"n": number}, at(number), at(10 - number)))
    assert await viam.names(sort_order=ASCENDING) == ["1", "2", "3"]
    assert await viam.names(sort_order=DESCENDING) == ["3", "2", "1"]
    assert await viam.numbers(sort_order=ASCENDING) == [1, 2, 3]
    assert await viam.numbers(sort_order=DESCENDING) == [3, 2, 1]
    assert "PG-6" in viam.cited()


async def test_newest_first_without_an_order(viam: Viam) -> None:
    """Unspecified is descending (A1)."""
    await fill(viam, 3)
    assert await viam.names(sort_order=data.ORDER_UNSPECIFIED) == ["2", "1", "0"]
    assert await viam.numbers(sort_order=data.ORDER_UNSPECIFIED) == [2, 1, 0]
    assert "A1" in viam.cited()


async def test_equal_times_are_ordered_by_arrival(viam: Viam) -> None:
    """The order is total: ties go by arrival, either way (PG-11)."""
    for name in "cab":
        await viam.upload(name, requested=at())
    await viam.upload_readings(*(reading({"n": n}, at()) for n in (3, 1, 2)))
    assert await viam.names(sort_order=ASCENDING) == ["c", "a", "b"]
    assert await viam.names(sort_order=DESCENDING) == ["b", "a", "c"]
    assert await viam.numbers(sort_order=ASCENDING) == [3, 1, 2]
    assert await viam.numbers(sort_order=DESCENDING) == [2, 1, 3]
    assert "PG-11" in viam.cited()
    page = await viam.binary(limit=1, sort_order=ASCENDING)
    assert await viam.names(last=page.last) == ["a", "b"]


@pytest.mark.parametrize("order", [3, -1, 2**31 - 1])
async def test_an_unknown_order_is_refused(viam: Viam, order: int) -> None:
    """A sort order without meaning is an error (PG-12)."""
    await fill(viam, 1)
    for read in (viam.binary, viam.tabular):
        with viam.refuses(
            Status.INVALID_ARGUMENT, "PG-12", f"sort_order must be 0 to 2, got {order}"
        ):
            await read(sort_order=order)


# While data changes ----------------------------------------------------------------------


async def test_the_row_that_last_names_may_vanish(viam: Viam) -> None:
    """Deleting what a page showed neither skips nor repeats (PG-7)."""
    await fill(viam, 6)
    page = await viam.binary(limit=2, sort_order=ASCENDING)
    ids = [entry.metadata.binary_data_id for entry in page.data]
    request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids)
    assert (await viam.rpc("DeleteBinaryDataByIDs", request)).deleted_count == 2
    assert await viam.names(limit=2, last=page.last) == ["2", "3"]


async def test_leaving_a_dataset_while_paging_over_it(viam: Viam) -> None:
    """As a shipping client does: each page's members are removed before the next (PG-7, DM-4)."""
    dataset = await viam.create_dataset()
    for number in range(7):
        await viam.upload(str(number), requested=at(number), dataset_ids=[dataset])
    found, last = [], ""
    while True:
        page = await viam.binary(data.Filter(dataset_id=dataset), limit=2, last=last)
        if not page.data:
            break
        ids = [entry.metadata.binary_data_id for entry in page.data]
        found += [entry.metadata.file_name for entry in page.data]
        await viam.rpc(
            "RemoveBinaryDataFromDatasetByIDs",
            data.RemoveBinaryDataFromDatasetByIDsRequest(dataset_id=dataset, binary_data_ids=ids),
        )
        last = page.last
    assert found == list("6543210")


async def test_records_that_change_or_come_between_pages(viam: Viam) -> None:
    """A changed record keeps its place; one that arrives ahead of it is met (PG-7)."""
    await fill(viam, 4)
    page = await viam.binary(limit=2, sort_order=ASCENDING)
    await viam.upload("late", requested=at(2.5))
    await viam.upload("early", requested=at(0.5))
    everything = data.AddTagsToBinaryDataByFilterRequest(tags=["x"])
    await viam.rpc("AddTagsToBinaryDataByFilter", everything)
    assert await viam.names(last=page.last) == ["2", "late", "3"]


async def test_readings_deleted_between_pages(viam: Viam) -> None:
    """A token for readings outlives them too (PG-7)."""
    await fill(viam, 4)
    page = await viam.tabular(limit=2, sort_order=ASCENDING)
    narrow = data.DeleteTabularDataRequest(organization_id=viam.cloud.default_part.organization_id)
    await viam.rpc("DeleteTabularData", narrow)
    await viam.upload_readings(reading({"n": 7}, at(7)), reading({"n": 0}, at(0)))
    assert await viam.numbers(last=page.last) == [7]


# Counts ----------------------------------------------------------------------------------


async def test_count_only_gives_the_totals_alone(viam: Viam) -> None:
    """No data, no metadata, no last: the total count and the total size (PG-8, PG-9, A5)."""
    await fill(viam, 60)
    sizes = sum(range(60))
    for limit in (0, 1, 1000):
        reply = await viam.binary(limit=limit, count_only=True, include_binary=True)
        assert reply == data.BinaryDataByFilterResponse(count=60, total_size_bytes=sizes)
    readings = await viam.tabular(limit=1, count_only=True)
    assert readings.count == 60
    assert readings == data.TabularDataByFilterResponse(
        count=60, total_size_bytes=readings.total_size_bytes
    )
    payloads = [reading({"n": n}).struct.ByteSize() for n in range(60)]
    assert readings.total_size_bytes == sum(payloads)
    assert {"PG-8", "PG-9", "A5"} <= viam.cited()


async def test_count_only_is_the_total_also_beyond_last(viam: Viam) -> None:
    """The total does not depend on limit, last or order (A5)."""
    await fill(viam, 3)
    page = await viam.binary(limit=2)
    assert (await viam.binary(last=page.last, count_only=True)).count == 3
    assert (await viam.binary(tagged("x"), count_only=True)).count == 0


async def test_a_page_counts_itself(viam: Viam) -> None:
    """In a page with data, count and size are those of the page (PG-9, A4)."""
    await fill(viam, 5)
    page = await viam.binary(limit=2, sort_order=ASCENDING, include_binary=True)
    assert (page.count, page.total_size_bytes) == (2, 0 + 1)
    page = await viam.binary(limit=2, last=page.last, sort_order=ASCENDING)
    assert (page.count, page.total_size_bytes) == (2, 2 + 3)
    readings = await viam.tabular(limit=2)
    assert readings.count == 2
    assert readings.total_size_bytes == sum(entry.data.ByteSize() for entry in readings.data)
    assert "A4" in viam.cited()


async def test_the_only_page_rests_on_no_assumption_about_counts(viam: Viam) -> None:
    """Where the page is all there is, page and total are the same (A4, PG-9)."""
    await fill(viam, 3)
    await viam.names()
    await viam.numbers()
    assert "A4" not in viam.cited()


async def test_a_page_rests_on_its_limit(viam: Viam) -> None:
    """Beyond what clients asked for, on more than one sentence (PG-1, PG-2, A6)."""
    for limit, expected in (
        (0, {"PG-1"}),
        (50, {"PG-1"}),
        (51, {"PG-1", "PG-2"}),
        (100, {"PG-1", "PG-2"}),
        (101, {"PG-1", "PG-2", "A6"}),
    ):
        await viam.binary(limit=limit)
        assert clauses_of_last(viam) & {"PG-1", "PG-2", "A6", "A57"} == expected


async def test_a_page_rests_on_order_and_count_where_they_show(viam: Viam) -> None:
    """A lone record has no order, and the only page no other count (A1, A4, PG-11)."""
    await fill(viam, 3)
    lone, two = (data.Filter(interval=interval(at(1), at(end))) for end in (1, 2))
    for wanted, limit, expected in (
        (data.Filter(component_name="none"), 2, set()),
        (lone, 2, set()),
        (two, 3, {"A1"}),
        (None, 4, {"A1"}),
        (None, 3, {"A1", "A4"}),
        (None, 2, {"A1", "A4"}),
    ):
        await viam.binary(wanted, limit=limit)
        assert clauses_of_last(viam) & {"A1", "A4", "PG-11"} == expected
    await viam.upload("twin", requested=at(1))
    await viam.binary()
    assert clauses_of_last(viam) & {"A1", "A4", "PG-11"} == {"A1", "PG-11"}


async def test_a_refused_limit_says_what_it_is_for(start: Start) -> None:
    """Replies with bytes may have a cap of their own (A6, A57)."""
    policy = Policy(max_page=PageLimit(3, "refuse"), binary_page=PageLimit(2, "refuse"))
    viam = await start(policy=policy)
    await fill(viam, 4)
    assert len((await viam.binary(limit=3)).data) == 3
    assert len((await viam.binary(limit=2, include_binary=True)).data) == 2
    text = "data_request.limit must be at most 3, got 4"
    with viam.refuses(Status.INVALID_ARGUMENT, "A6", text):
        await viam.binary(limit=4)
    text = "data_request.limit must be at most 2 when bytes are wanted, got 3"
    with viam.refuses(Status.INVALID_ARGUMENT, "A57", text):
        await viam.binary(limit=3, include_binary=True)


# Internal data ---------------------------------------------------------------------------


async def test_internal_data_shows_only_when_asked_for(viam: Viam) -> None:
    """Data that Viam itself ingests stays away unless asked for (PG-10)."""
    part = viam.cloud.fleet.add_part("slam", internal=True)
    await viam.upload("ours", requested=at(1))
    await viam.upload("internal", requested=at(2), part_id=part.id, tags=["hidden"])
    await viam.upload_readings(reading({"n": 1}, at(1)))
    await viam.upload_readings(reading({"n": 2}, at(2)), part_id=part.id)
    assert await viam.names() == ["ours"]
    assert await viam.names(include_internal_data=True) == ["ours", "internal"]
    assert await viam.numbers() == [1]
    assert await viam.numbers(include_internal_data=True) == [1, 2]
    assert (await viam.binary(count_only=True)).count == 1
    assert (await viam.binary(count_only=True, include_internal_data=True)).count == 2
    assert (await viam.tabular(count_only=True, include_internal_data=True)).count == 2
    assert await viam.names(data.Filter(part_id=part.id)) == []
    assert await viam.tags_by_filter() == []


# Tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", GARBAGE, ids=range(len(GARBAGE)))
async def test_a_foreign_token_is_refused(viam: Viam, token: str) -> None:
    """Starting over would let a client that mangles its tokens loop for ever (A56)."""
    await fill(viam, 2)
    for read in (viam.names, viam.numbers):
        with viam.refuses(
            Status.INVALID_ARGUMENT, "A56", "last is not a page token of this server"
        ):
            await read(last=token)


@pytest.mark.parametrize("token", GARBAGE, ids=range(len(GARBAGE)))
async def test_a_foreign_token_starts_over_if_asked_to(start: Start, token: str) -> None:
    """With page_token="ignore" (A56)."""
    viam = await start(policy=Policy(page_token="ignore"))  # noqa: S106 - a rule, not a secret
    await fill(viam, 2)
    assert await viam.names(last=token) == ["0", "1"]
    assert await viam.numbers(last=token) == [0, 1]
    assert "A56" in viam.cited()


async def test_a_token_that_was_touched_is_foreign(viam: Viam) -> None:
    """So is one with a digit changed, cut or added (A56)."""
    await fill(viam, 3)
    last = (await viam.binary(limit=1, sort_order=ASCENDING)).last
    touched = [last[:-1], last + "0", last.upper() + " "]
    touched += [
        last[:at_] + ("0" if digit != "0" else "1") + last[at_ + 1 :]
        for at_, digit in enumerate(last)
    ]
    for token in touched:
        with viam.refuses(Status.INVALID_ARGUMENT, "A56"):
            await viam.names(last=token)
    assert await viam.names(last=last) == ["1", "2"]


async def test_a_token_keeps_its_meaning_under_another_filter(viam: Viam) -> None:
    """It is a place in time, whatever is asked beyond it (A56)."""
    await fill(viam, 6)
    last = (await viam.binary(limit=3, sort_order=ASCENDING)).last
    assert await viam.names(last=last) == ["3", "4", "5"]
    assert await viam.names(last=last, sort_order=DESCENDING) == ["1", "0"]
    wanted = data.Filter(interval=interval(at(1), at(4)))
    assert await viam.names(wanted, last=last) == ["3", "4"]


async def test_a_token_of_another_list_is_foreign(viam: Viam) -> None:
    """Files and readings have different places in the same time (A56)."""
    await fill(viam, 3)
    files = (await viam.binary(limit=1, sort_order=ASCENDING)).last
    readings = (await viam.tabular(limit=1, sort_order=ASCENDING)).last
    for read, foreign in ((viam.names, readings), (viam.numbers, files)):
        with viam.refuses(Status.INVALID_ARGUMENT, "A56"):
            await read(last=foreign)
    assert [await viam.names(last=files), await viam.numbers(last=readings)] == [["1", "2"], [1, 2]]


async def test_a_token_of_another_cloud_is_foreign(start: Start) -> None:
    """Clouds do not know each other's tokens (A56)."""
    one = await start(seed=1)
    other = await start(seed=2)
    await fill(one, 3)
    await fill(other, 3)
    last = (await one.binary(limit=1, sort_order=ASCENDING)).last
    assert await one.names(last=last) == ["1", "2"]
    with other.refuses(Status.INVALID_ARGUMENT, "A56"):
        await other.names(last=last)


async def test_a_token_belongs_to_what_its_caller_may_see(start: Start) -> None:
    """It is foreign to callers who see other data (A56, AC-5, AC-8)."""
    viam = await start(auth="keys")
    other = viam.cloud.fleet.add_part("p", robot="r", location="l", organization="o")
    owners = [ORGANIZATION, other.organization_id]
    keys = [
        viam.cloud.add_api_key(organizations=owners[:1]),
        viam.cloud.add_api_key(organizations=owners),
        viam.cloud.add_api_key(locations=[DEFAULT_PART.location_id]),
    ]
    callers = [await signed_in(viam, key.id, key.key) for key in keys]
    await fill(callers[0], 3)
    tokens = [(await caller.binary(limit=1, sort_order=ASCENDING)).last for caller in callers]
    for caller in callers:
        for issuer, token in zip(callers, tokens, strict=True):
            if issuer is caller:
                assert await caller.names(last=token) == ["1", "2"]
            else:
                with viam.refuses(Status.INVALID_ARGUMENT, "A56"):
                    await caller.names(last=token)
