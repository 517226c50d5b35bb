"""Every field of the policy that concerns a built RPC, in every alternative, over the wire."""

from __future__ import annotations

import dataclasses
import struct
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import PageLimit, Policy
from fakeviam.wire import data

from .driver import ORGANIZATION, Viam, at, file_parts, id_of, interval, reading, tagged
from .frames import Frames

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

PRESETS = ["documented", "observed", "strict"]


async def fill(viam: Viam, count: int) -> list[str]:
    """Records "0" … a second apart, as many bytes large as their name says, and readings."""
    await viam.upload_readings(*(reading({"n": n}, at(n)) for n in range(count)))
    return [await viam.upload(str(n), b"x" * n, requested=at(n)) for n in range(count)]


# Order, intervals, counts ----------------------------------------------------------------


@pytest.mark.parametrize("policy", [*PRESETS, Policy(default_order="descending")])
async def test_default_order_descending(start: Start, policy: Any) -> None:
    """Newest first, in every preset (A1)."""
    viam = await start(policy=policy)
    await fill(viam, 3)
    assert await viam.names(sort_order=data.ORDER_UNSPECIFIED) == ["2", "1", "0"]
    assert await viam.numbers(sort_order=data.ORDER_UNSPECIFIED) == [2, 1, 0]


async def test_default_order_ascending(start: Start) -> None:
    """Oldest first; an order that is asked for is kept (A1, PG-6)."""
    viam = await start(policy=Policy(default_order="ascending"))
    await fill(viam, 3)
    assert await viam.names(sort_order=data.ORDER_UNSPECIFIED) == ["0", "1", "2"]
    assert await viam.numbers(sort_order=data.ORDER_UNSPECIFIED) == [0, 1, 2]
    page = await viam.binary(limit=2)
    assert await viam.names(last=page.last, sort_order=data.ORDER_UNSPECIFIED) == ["2"]
    assert await viam.names(sort_order=data.ORDER_DESCENDING) == ["2", "1", "0"]


@pytest.mark.parametrize("policy", [*PRESETS, Policy(interval_bounds="closed")])
async def test_intervals_are_closed(start: Start, policy: Any) -> None:
    """Start and end are inside (A2)."""
    viam = await start(policy=policy)
    await fill(viam, 4)
    wanted = data.Filter(interval=interval(at(1), at(2)))
    assert await viam.names(wanted) == ["1", "2"]
    assert await viam.numbers(wanted) == [1, 2]


async def test_intervals_may_be_half_open(start: Start) -> None:
    """The end is outside, the start inside (A2)."""
    viam = await start(policy=Policy(interval_bounds="half-open"))
    await fill(viam, 4)
    wanted = data.Filter(interval=interval(at(1), at(2)))
    assert await viam.names(wanted) == ["1"]
    assert await viam.numbers(wanted) == [1]
    assert await viam.names(data.Filter(interval=interval(at(1), at(1)))) == []
    assert await viam.names(data.Filter(interval=interval(None, at(2, 1)))) == ["0", "1", "2"]


@pytest.mark.parametrize("policy", [*PRESETS, Policy(interval_clock="time_requested")])
async def test_intervals_look_at_the_time_requested(start: Start, policy: Any) -> None:
    """In every preset (A3)."""
    viam = await start(policy=policy)
    await viam.upload("a", requested=at(1), received=at(9))
    assert await viam.names(data.Filter(interval=interval(at(1), at(1)))) == ["a"]
    assert await viam.names(data.Filter(interval=interval(at(9), at(9)))) == []


async def test_intervals_may_look_at_the_time_received(start: Start) -> None:
    """The order of pages stays that of the time requested (A3, PG-6)."""
    viam = await start(policy=Policy(interval_clock="time_received"))
    for number in range(4):
        await viam.upload(str(number), requested=at(number), received=at(9 - number))
        await viam.upload_readings(reading({"n": number}, at(number), at(9 - number)))
    wanted = data.Filter(interval=interval(at(7), at(8)))
    assert await viam.names(wanted) == ["1", "2"]
    assert await viam.numbers(wanted) == [1, 2]
    page = await viam.binary(wanted, limit=1, sort_order=data.ORDER_ASCENDING)
    assert await viam.names(wanted, last=page.last) == ["2"]


async def test_deletes_by_age_look_at_the_time_requested_always(start: Start) -> None:
    """interval_clock is about intervals (A3, DT-2)."""
    viam = await start(policy=Policy(interval_clock="time_received"))
    await viam.upload_readings(reading({"n": 1}, at(), at(-9 * 86400)))
    request = data.DeleteTabularDataRequest(organization_id=ORGANIZATION, delete_older_than_days=1)
    assert (await viam.rpc("DeleteTabularData", request)).deleted_count == 0


@pytest.mark.parametrize("policy", [*PRESETS, Policy(count="page")])
async def test_a_page_counts_itself(start: Start, policy: Any) -> None:
    """In every preset (A4)."""
    viam = await start(policy=policy)
    await fill(viam, 4)
    page = await viam.binary(limit=2)
    assert (page.count, page.total_size_bytes) == (2, 3 + 2)
    assert (await viam.tabular(limit=3)).count == 3


async def test_a_page_may_count_all(start: Start) -> None:
    """The total of what the filter selects, on each page, past the end too (A4)."""
    viam = await start(policy=Policy(count="total"))
    await fill(viam, 4)
    wanted = data.Filter(interval=interval(at(1), None))
    page = await viam.binary(wanted, limit=2)
    assert (page.count, page.total_size_bytes, len(page.data)) == (3, 6, 2)
    page = await viam.binary(wanted, limit=2, last=page.last)
    assert (page.count, page.total_size_bytes, len(page.data)) == (3, 6, 1)
    assert (await viam.tabular(wanted, limit=2)).count == 3
    assert (await viam.binary(wanted, count_only=True)).count == 3


# Page sizes ------------------------------------------------------------------------------


async def test_larger_limits_are_refused_when_strict(start: Start) -> None:
    """Above 100, and above 1 with bytes: INVALID_ARGUMENT (A6, A57)."""
    viam = await start(policy="strict")
    await fill(viam, 3)
    with viam.refuses(
        Status.INVALID_ARGUMENT, "A6", "data_request.limit must be at most 100, got 101"
    ):
        await viam.binary(limit=101)
    with viam.refuses(Status.INVALID_ARGUMENT, "A6", f"got {2**64 - 1}"):
        await viam.tabular(limit=2**64 - 1)
    text = "limit must be at most 1 when bytes are wanted, got 2"
    with viam.refuses(Status.INVALID_ARGUMENT, "A57", text):
        await viam.binary(limit=2, include_binary=True)
    assert len((await viam.binary(limit=100)).data) == 3
    assert len((await viam.tabular(limit=100)).data) == 3
    assert len((await viam.binary(limit=1, include_binary=True)).data) == 1
    assert len((await viam.binary(include_binary=True)).data) == 1


@pytest.mark.parametrize("policy", ["documented", "observed"])
async def test_larger_limits_are_served_otherwise(start: Start, policy: str) -> None:
    """With bytes as without (A6, A57)."""
    viam = await start(policy=policy)
    await fill(viam, 101)
    for bytes_too in (False, True):
        assert len((await viam.binary(limit=1000, include_binary=bytes_too)).data) == 101
    assert len((await viam.tabular(limit=1000)).data) == 101


async def test_pages_may_be_smaller(start: Start) -> None:
    """Both points clamp what they are for, without a limit too (A6, A57, PG-1)."""
    viam = await start(policy=Policy(max_page=PageLimit(3), binary_page=PageLimit(2)))
    await fill(viam, 5)
    for limit in (0, 3, 4, 99):
        assert len((await viam.binary(limit=limit)).data) == 3
        assert len((await viam.tabular(limit=limit)).data) == 3
        assert len((await viam.binary(limit=limit, include_binary=True)).data) == 2
    assert len((await viam.binary(limit=1, include_binary=True)).data) == 1
    viam = await start(policy=Policy(max_page=PageLimit(3)))
    await fill(viam, 5)
    assert len((await viam.binary(include_binary=True)).data) == 3


async def test_a_page_that_is_cut_says_so(start: Start) -> None:
    """In the trailers, with what was asked and what was given (A6, A57)."""
    viam = await start(policy=Policy(max_page=PageLimit(3), binary_page=PageLimit(2)))
    frames = await Frames.over_tcp(viam.cloud)
    for limit, with_bytes, note in (
        (0, False, None),
        (3, False, None),
        (4, False, "data_request.limit 4 was reduced to 3 by the policy [A6]"),
        (3, True, "data_request.limit 3 was reduced to 2 by the policy [A57]"),
    ):
        request = data.BinaryDataByFilterRequest(
            data_request=data.DataRequest(limit=limit), include_binary=with_bytes
        )
        seen = await frames.call("BinaryDataByFilter", request)
        assert seen.headers.get("fakeviam-note") == note
    frames.close()


async def test_pages_may_be_larger(start: Start) -> None:
    """Without a limit they stay at 50 (A6, PG-1)."""
    viam = await start(policy=Policy(max_page=PageLimit(1000, "refuse")))
    await viam.upload_readings(*(reading({"n": n}, at(n)) for n in range(120)))
    assert len((await viam.tabular(limit=110)).data) == 110
    assert len((await viam.tabular()).data) == 50
    with viam.refuses(Status.INVALID_ARGUMENT, "A6", "at most 1000"):
        await viam.tabular(limit=1001)


@pytest.mark.parametrize("policy", ["observed", "strict"])
async def test_replies_with_bytes_have_a_ceiling(start: Start, policy: str) -> None:
    """4 MiB of bytes are served, one more is refused (A53, BI-6)."""
    viam = await start(policy=policy)
    # In pieces: one message of that size is more than these presets take.
    chunks = [bytes(1024 * 1024)] * 4
    fits = (await viam.rpc("FileUpload", *file_parts(*chunks))).binary_data_id
    viam.cloud.clock.advance(seconds=1)
    large = (await viam.rpc("FileUpload", *file_parts(*chunks, b"x"))).binary_data_id
    await viam.by_ids(fits, include_binary=True)
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "BI-6", "INCLUDE_BINARY_TOO_LARGE"):
        await viam.by_ids(large, include_binary=True)
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "BI-6", "INCLUDE_BINARY_TOO_LARGE"):
        await viam.binary(limit=1, include_binary=True)
    assert (await viam.metadata_of(large)).file_size_bytes == 4 * 1024 * 1024 + 1


async def test_replies_with_bytes_have_none_by_default(viam: Viam) -> None:
    """Documented: unlimited (A53)."""
    large = await viam.upload("large", bytes(9 * 1024 * 1024))
    reply = await viam.by_ids(large, include_binary=True)
    assert len(reply.data[0].binary) == 9 * 1024 * 1024


# Tags and labels -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("documented", 4),
        ("observed", 2),
        ("strict", 2),
        (Policy(remove_tags_count="tags"), 4),
        (Policy(remove_tags_count="records"), 2),
    ],
    ids=["documented", "observed", "strict", "tags", "records"],
)
async def test_what_removing_tags_counts(start: Start, policy: Any, expected: int) -> None:
    """Tags, summed over records, or records that lost one; by ids and by filter (A8, TR-2)."""
    viam = await start(policy=policy)
    for by_filter in (False, True):
        tags = ["x", "y", "z"]
        ids = [await viam.upload("a", tags=tags), await viam.upload("b", tags=["x"])]
        await viam.upload("c", tags=["other"])
        request: Any = data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=ids, tags=tags)
        if by_filter:
            request = data.RemoveTagsFromBinaryDataByFilterRequest(tags=tags)
        reply = await viam.rpc(type(request).DESCRIPTOR.name.removesuffix("Request"), request)
        assert reply.deleted_count == expected


@pytest.mark.parametrize("policy", ["documented", "strict", Policy(dataset_label="shown")])
async def test_labels_may_show(start: Start, policy: Any) -> None:
    """With the tags, by name in a filter, in TagsByFilter (A10, DM-2)."""
    viam = await start(policy=policy)
    dataset = await viam.create_dataset()
    label = f"VIAM_DATASET_{dataset}"
    record = await viam.upload("a", dataset_ids=[dataset])
    assert await viam.tags_of(record) == [label]
    assert await viam.tags_by_filter() == [label]
    assert await viam.names(tagged(label)) == ["a"]


@pytest.mark.parametrize("policy", ["observed", Policy(dataset_label="hidden")])
async def test_labels_may_be_hidden(start: Start, policy: Any) -> None:
    """Only dataset_ids tells; the label is a tag that nobody has (A10, DM-3)."""
    viam = await start(policy=policy)
    dataset = await viam.create_dataset()
    label = f"VIAM_DATASET_{dataset}"
    record = await viam.upload("a", dataset_ids=[dataset])
    assert await viam.tags_of(record) == []
    assert list((await viam.metadata_of(record)).dataset_ids) == [dataset]
    assert await viam.tags_by_filter() == []
    assert await viam.names(tagged(label)) == []
    assert await viam.names(data.Filter(dataset_id=dataset)) == ["a"]
    assert "DM-2" not in viam.cited()
    await viam.add_tags(record, tags=[label])
    assert await viam.names(tagged(label)) == ["a"]
    assert await viam.tags_by_filter() == [label]


@pytest.mark.parametrize("policy", [*PRESETS, Policy(tags_by_filter_scope="binary-and-tabular")])
async def test_tags_of_readings_may_count(start: Start, policy: Any) -> None:
    """In every preset TagsByFilter looks at both (A47)."""
    viam = await start(policy=policy)
    await viam.upload("a", tags=["b"])
    await viam.upload_readings(reading({"n": 1}), tags=["t"])
    assert await viam.tags_by_filter() == ["b", "t"]


async def test_tags_of_readings_may_be_left_out(start: Start) -> None:
    """Only files then (A47)."""
    viam = await start(policy=Policy(tags_by_filter_scope="binary"))
    await viam.upload("a", tags=["b"])
    await viam.upload_readings(reading({"n": 1}), tags=["t"])
    assert await viam.tags_by_filter() == ["b"]
    assert "A47" in viam.cited()


# Deletes, ids, datasets, parts, tokens ---------------------------------------------------


@pytest.mark.parametrize("policy", ["observed", "strict", Policy(empty_delete_filter="refuse")])
@pytest.mark.parametrize(
    "wanted", [None, data.Filter(), data.Filter(component_name="c"), tagged("x")]
)
async def test_a_delete_may_need_an_organization(
    start: Start, policy: Any, wanted: data.Filter | None
) -> None:
    """INVALID_ARGUMENT without organization_ids, whatever else the filter says (A16, DF-2)."""
    viam = await start(policy=policy)
    await viam.upload("a", component_name="c", tags=["x"])
    request = data.DeleteBinaryDataByFilterRequest(filter=wanted)
    text = "filter.organization_ids must not be empty"
    with viam.refuses(Status.INVALID_ARGUMENT, "A16", text):
        await viam.rpc("DeleteBinaryDataByFilter", request)
    request.filter.organization_ids.append(ORGANIZATION)
    assert (await viam.rpc("DeleteBinaryDataByFilter", request)).deleted_count == 1


async def test_a_delete_may_do_without(start: Start) -> None:
    """As the documentation has it (A16, DF-1)."""
    viam = await start(policy=Policy(empty_delete_filter="delete-everything"))
    await viam.upload("a")
    request = data.DeleteBinaryDataByFilterRequest()
    assert (await viam.rpc("DeleteBinaryDataByFilter", request)).deleted_count == 1


@pytest.mark.parametrize("policy", ["documented", "observed", Policy(unknown_ids="skip")])
async def test_unknown_ids_may_be_skipped(start: Start, policy: Any) -> None:
    """Counts tell (A13)."""
    viam = await start(policy=policy)
    known = await viam.upload("a")
    assert (await viam.by_ids("x", known)).count == 1


@pytest.mark.parametrize("policy", ["strict", Policy(unknown_ids="refuse")])
async def test_unknown_ids_may_be_refused(start: Start, policy: Any) -> None:
    """NOT_FOUND (A13, ID-7)."""
    viam = await start(policy=policy)
    known = await viam.upload("a")
    with viam.refuses(Status.NOT_FOUND, "A13", "does not exist"):
        await viam.by_ids(known, known[:-1])
    with viam.refuses(Status.NOT_FOUND, "ID-7", "is not organization/location/file"):
        await viam.by_ids(known, "x")


@pytest.mark.parametrize("policy", [*PRESETS, Policy(unknown_dataset="refuse")])
async def test_unknown_datasets_may_be_refused(start: Start, policy: Any) -> None:
    """In every preset (A27, A40)."""
    viam = await start(policy=policy)
    known = await viam.upload("a")
    with viam.refuses(Status.NOT_FOUND, "A40", "no dataset 'x'"):
        await viam.add_members("x", known)
    with viam.refuses(Status.NOT_FOUND, "A27", "no dataset 'x'"):
        await viam.upload("b", dataset_ids=["x"])


async def test_unknown_datasets_may_be_skipped(start: Start) -> None:
    """Membership calls are OK and change nothing; uploads store without (A27, A40)."""
    viam = await start(policy=Policy(unknown_dataset="skip"))
    known = await viam.upload("a")
    before = viam.contents()
    await viam.add_members("x", known)
    await viam.rpc(
        "RemoveBinaryDataFromDatasetByIDs",
        data.RemoveBinaryDataFromDatasetByIDsRequest(dataset_id="x", binary_data_ids=[known]),
    )
    assert viam.contents() == before
    stored = await viam.upload("b", dataset_ids=["x"])
    assert not (await viam.metadata_of(stored)).dataset_ids
    assert {"A27", "A40"} <= viam.cited()


@pytest.mark.parametrize(
    "policy", ["documented", "observed", Policy(deprecated_binary_id="accept")]
)
async def test_the_deprecated_id_may_be_accepted(start: Start, policy: Any) -> None:
    """As clients before the string form send it (A14)."""
    viam = await start(policy=policy)
    known = await viam.upload("a")
    request = data.BinaryDataByIDsRequest(binary_ids=[id_of(known)])
    assert (await viam.rpc("BinaryDataByIDs", request)).count == 1


@pytest.mark.parametrize("policy", ["strict", Policy(deprecated_binary_id="refuse")])
async def test_the_deprecated_id_may_be_refused(start: Start, policy: Any) -> None:
    """FAILED_PRECONDITION naming the new field (A14)."""
    viam = await start(policy=policy)
    known = await viam.upload("a")
    request = data.DeleteBinaryDataByIDsRequest(binary_ids=[id_of(known)])
    with viam.refuses(Status.FAILED_PRECONDITION, "A14", "use binary_data_ids"):
        await viam.rpc("DeleteBinaryDataByIDs", request)


@pytest.mark.parametrize("policy", PRESETS)
async def test_presets_agree_on_invalid_parts_and_taken_names(start: Start, policy: str) -> None:
    """UNKNOWN and ALREADY_EXISTS (A22, A39)."""
    viam = await start(policy=policy)
    await viam.create_dataset("cats")
    with viam.refuses(Status.UNKNOWN, "A22"):
        await viam.upload("a", part_id="no")
    with viam.refuses(Status.ALREADY_EXISTS, "A39"):
        await viam.create_dataset("cats")


@pytest.mark.parametrize("policy", ["observed", Policy(page_token="ignore")])  # noqa: S106
async def test_foreign_tokens_may_be_ignored(start: Start, policy: Any) -> None:
    """They start at the beginning (A56)."""
    viam = await start(policy=policy)
    await fill(viam, 2)
    assert await viam.names(last="x") == ["0", "1"]


@pytest.mark.parametrize("policy", ["documented", "strict", Policy(page_token="refuse")])  # noqa: S106
@pytest.mark.parametrize("token", ["x", "0" * 38, "ü" * 100_000])
async def test_foreign_tokens_may_be_refused(start: Start, policy: Any, token: str) -> None:
    """INVALID_ARGUMENT; what this server issued is fine (A56)."""
    viam = await start(policy=policy)
    await fill(viam, 2)
    for read in (viam.binary, viam.tabular):
        with viam.refuses(
            Status.INVALID_ARGUMENT, "A56", "last is not a page token of this server"
        ):
            await read(last=token)
    page = await viam.binary(limit=1)
    assert await viam.names(last=page.last, sort_order=data.ORDER_DESCENDING) == ["0"]


# Visibility ------------------------------------------------------------------------------


async def test_uploads_are_visible_at_once(viam: Viam) -> None:
    """By default (A55)."""
    record = await viam.upload("a")
    assert await viam.names() == ["a"]
    assert (await viam.by_ids(record)).count == 1


async def test_uploads_may_show_later(start: Start) -> None:
    """After visibility_lag of the fake's clock, to every read (A55)."""
    viam = await start(policy=Policy(visibility_lag=timedelta(seconds=60)))
    record = await viam.upload("a", requested=at(-999), tags=["x"])
    await viam.upload_readings(reading({"n": 1}, at(-999)), tags=["t"])
    for seconds, shown in ((59.999999, False), (0.000001, True)):
        viam.cloud.clock.advance(seconds=seconds)
        assert await viam.names() == ["a"][: int(shown)]
        assert await viam.numbers() == [1][: int(shown)]
        assert (await viam.binary(count_only=True)).count == shown
        assert (await viam.tabular(count_only=True)).count == shown
        assert (await viam.by_ids(record)).count == shown
        assert await viam.tags_by_filter() == ["t", "x"][: 2 * shown]
    assert "A55" in viam.cited()


# The table -------------------------------------------------------------------------------

#: Fields that tests of their RPCs change, and legacy_field_1, which nothing obeys yet.
ELSEWHERE = {"empty_parameters", "legacy_field_1", "extended_json_in_bson", "sql_needs_time_bound"}


async def test_no_field_is_forgotten_here() -> None:
    """A new field of the policy must come with a test of it (A1, A55)."""
    tested = {
        "default_order",
        "interval_bounds",
        "interval_clock",
        "count",
        "max_page",
        "binary_page",
        "max_response_bytes",
        "max_request_bytes",
        "remove_tags_count",
        "dataset_label",
        "empty_delete_filter",
        "unknown_ids",
        "unknown_dataset",
        "dataset_creation",  # in test_accounts
        "duplicate_dataset_name",
        "invalid_part",
        "deprecated_binary_id",
        "tags_by_filter_scope",
        "visibility_lag",
        "page_token",
    }
    assert {field.name for field in dataclasses.fields(Policy)} == tested | ELSEWHERE


@pytest.mark.parametrize("policy", PRESETS)
async def test_streams_follow_the_policy_too(start: Start, policy: str) -> None:
    """One upload by FileUpload under each preset (A27, A22)."""
    viam = await start(policy=policy)
    with viam.refuses(Status.NOT_FOUND, "A27"):
        await viam.rpc("FileUpload", *file_parts(b"x", dataset_ids=["x"]))
    with viam.refuses(Status.UNKNOWN, "A22"):
        await viam.rpc("FileUpload", *file_parts(b"x", part_id="x"))


# max_request_bytes -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["DataCaptureUpload", "FileUpload"])
async def test_requests_beyond_the_ceiling(start: Start, name: str) -> None:
    """RESOURCE_EXHAUSTED by their announced length, before their bytes came (A60)."""
    viam = await start(policy=Policy(max_request_bytes=1000))
    announced = struct.pack(">?I", False, 1001)  # noqa: FBT003
    with viam.refuses(
        Status.RESOURCE_EXHAUSTED, "A60", "1001 bytes is larger than 1000 (policy max_request_b"
    ):
        async with viam.calling(name) as stream:
            await stream.send_request()
            await stream._stream.send_data(announced)
            await stream.recv_message()


async def test_uploads_have_no_ceiling(start: Start) -> None:
    """Their messages have (A60)."""
    viam = await start(policy=Policy(max_request_bytes=1000))
    stored = await viam.rpc("FileUpload", *file_parts(*[b"x" * 900] * 9))
    assert (await viam.metadata_of(stored.binary_data_id)).file_size_bytes == 8100


@pytest.mark.parametrize("policy", PRESETS)
async def test_the_ceiling_of_the_presets(start: Start, policy: str) -> None:
    """4 MiB where the service is looked at, none where its documents are (A60)."""
    viam = await start(policy=policy)
    if policy == "documented":
        await viam.upload("a", bytes(4 * 2**20))
        return
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "A60"):
        await viam.upload("a", bytes(4 * 2**20))
