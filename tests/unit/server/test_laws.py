"""Laws: what holds whatever is uploaded, asked, tagged, cut into pieces or deleted."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock
from fakeviam.wire import data
from fakeviam.wire import dataset as dataset_wire
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import mapping_from
from fakeviam.wire.well_known import Timestamp

from .driver import (
    DAY,
    DEFAULT_PART,
    ORGANIZATION,
    SECOND,
    Viam,
    at,
    file_parts,
    interval,
    play,
    reading,
    stream_parts,
    tagged,
    where,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

# Filters ---------------------------------------------------------------------------------

_FEW = st.sampled_from(["", "a", "b"])
_SOURCES = st.fixed_dictionaries(
    {"component_name": _FEW, "component_type": _FEW, "method_name": _FEW}
)
_TAGS = st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True)
_RECORDS = st.lists(
    st.tuples(_SOURCES, _TAGS, st.sampled_from([".png", ".txt"]), st.integers(0, 3)), max_size=8
)
_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "component_name": _FEW,
        "component_type": _FEW,
        "method": _FEW,
        "mime_type": st.lists(st.sampled_from(["image/png", "text/plain", "no/no"]), max_size=2),
        "tags_filter": st.builds(data.TagsFilter, type=st.sampled_from([0, 1, 2, 3]), tags=_TAGS),
        "interval": st.builds(
            interval,
            st.none() | st.integers(0, 3).map(at),
            st.none() | st.integers(0, 3).map(at),
        ),
        "part_id": st.sampled_from(["", DEFAULT_PART.id, "no"]),
        "organization_ids": st.lists(st.sampled_from([ORGANIZATION, "no"]), max_size=2),
    },
)


@given(records=_RECORDS, conditions=_CONDITIONS)
def test_fields_combine_as_the_intersection_of_what_each_selects(
    records: list[Any], conditions: Mapping[str, Any]
) -> None:
    """Every field that is set narrows; together they select what each of them selects (FI-1)."""

    async def story(viam: Viam) -> None:
        for number, (source, tags, ext, second) in enumerate(records):
            await viam.upload(str(number), requested=at(second), ext=ext, tags=tags, **source)
            await viam.upload_readings(reading({"n": number}, at(second)), tags=tags, **source)
        both = where(**conditions)
        alone = [where(**{name: value}) for name, value in conditions.items()]
        every = {str(number) for number in range(len(records))}
        files = [set(await viam.names(wanted)) for wanted in alone]
        assert set(await viam.names(both)) == every.intersection(*files)
        readings = [set(await viam.numbers(wanted)) for wanted in alone]
        numbers = set(map(float, range(len(records))))
        assert set(await viam.numbers(both)) == numbers.intersection(*readings)

    play(story)


@given(records=_RECORDS, conditions=_CONDITIONS)
def test_a_filter_selects_the_same_for_every_rpc(
    records: list[Any], conditions: Mapping[str, Any]
) -> None:
    """Reading, counting, tagging and deleting by one filter meet the same records (FI-1, FI-2)."""

    async def story(viam: Viam) -> None:
        for number, (source, tags, ext, second) in enumerate(records):
            await viam.upload(str(number), requested=at(second), ext=ext, tags=tags, **source)
        wanted = where(**conditions)
        selected = await viam.names(wanted)
        assert (await viam.binary(wanted, count_only=True)).count == len(selected)
        await viam.rpc(
            "AddTagsToBinaryDataByFilter",
            data.AddTagsToBinaryDataByFilterRequest(filter=wanted, tags=["mark"]),
        )
        assert _sorted(await viam.names(tagged("mark"))) == _sorted(selected)
        await viam.rpc(
            "RemoveTagsFromBinaryDataByFilter",
            data.RemoveTagsFromBinaryDataByFilterRequest(tags=["mark"]),
        )
        rest = set(await viam.names()) - set(selected)
        reply = await viam.rpc(
            "DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterRequest(filter=wanted)
        )
        assert reply.deleted_count == len(selected)
        assert set(await viam.names()) == rest

    play(story)


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=int)


# Paging ----------------------------------------------------------------------------------

_TIMES = st.lists(st.integers(0, 4), max_size=12)
_ORDERS = st.sampled_from([data.ORDER_UNSPECIFIED, data.ORDER_ASCENDING, data.ORDER_DESCENDING])


@given(times=_TIMES, limit=st.integers(1, 6), order=_ORDERS, with_bytes=st.booleans())
def test_following_pages_gives_each_record_once_in_order(
    times: list[int], limit: int, order: data.OrderValue, *, with_bytes: bool
) -> None:
    """Any limit and order, any ties (PG-1, PG-3, PG-4, PG-5, PG-6, PG-7, PG-11, A1)."""

    async def story(viam: Viam) -> None:
        for number, second in enumerate(times):
            await viam.upload(str(number), str(number).encode(), requested=at(second))
        if times:
            await viam.upload_readings(
                *(reading({"n": number}, at(second)) for number, second in enumerate(times))
            )
        expected = sorted(range(len(times)), key=lambda number: (times[number], number))
        if order != data.ORDER_ASCENDING:
            expected.reverse()
        files, readings = [], []
        async for page in pages(viam.binary, limit, order, include_binary=with_bytes):
            assert page.count == len(page.data) <= limit
            files += [int(entry.metadata.file_name) for entry in page.data]
            for entry in page.data:
                assert entry.binary == (entry.metadata.file_name.encode() if with_bytes else b"")
        async for page in pages(viam.tabular, limit, order):
            readings += [int(entry.data.fields["n"].number_value) for entry in page.data]
        assert files == readings == expected
        for read in (viam.binary, viam.tabular):
            assert (await read(limit=limit, count_only=True)).count == len(expected)

    play(story)


async def pages(read: Any, limit: int, order: int, **fields: Any) -> AsyncIterator[Any]:
    """Pages until one is empty, as clients ask for them."""
    last = ""
    while True:
        page = await read(limit=limit, last=last, sort_order=order, **fields)
        if not page.data:
            assert not page.ByteSize()
            return
        assert page.last
        yield page
        last = page.last


_CHANGES = st.lists(
    st.tuples(st.sampled_from(["delete", "add", "tag"]), st.integers(0, 30)), max_size=6
)


@given(
    times=st.lists(st.integers(0, 8), min_size=1, max_size=10),
    limit=st.integers(1, 4),
    order=_ORDERS,
    changes=_CHANGES,
)
def test_paging_while_data_changes(
    times: list[int], limit: int, order: data.OrderValue, changes: list[tuple[str, int]]
) -> None:
    """What was there all the time is met exactly once, whatever else happens (PG-7)."""

    async def story(viam: Viam) -> None:
        ids = [
            await viam.upload(str(number), requested=at(second))
            for number, second in enumerate(times)
        ]
        steady, todo, found = set(range(len(ids))), list(changes), []
        async for page in pages(viam.binary, limit, order):
            found += [entry.metadata.file_name for entry in page.data]
            if todo:
                kind, number = todo.pop()
                if kind == "add":
                    await viam.upload("new", requested=at(number % 9))
                elif kind == "tag":
                    await viam.add_tags(ids[number % len(ids)], tags=["x"])
                else:
                    steady.discard(number % len(ids))
                    request = data.DeleteBinaryDataByIDsRequest(
                        binary_data_ids=[ids[number % len(ids)]]
                    )
                    await viam.rpc("DeleteBinaryDataByIDs", request)
        old = [int(name) for name in found if name != "new"]
        assert len(set(old)) == len(old)
        assert steady <= set(old)

    play(story)


# Tags ------------------------------------------------------------------------------------

_WORDS = st.lists(st.sampled_from(["a", "b", "c", "A", " a", "VIAM_DATASET_x"]), max_size=4)


@given(
    before=st.lists(_WORDS, min_size=1, max_size=4),
    steps=st.lists(st.tuples(st.booleans(), st.booleans(), _WORDS.filter(bool)), max_size=5),
)
def test_tags_against_a_model(
    before: list[list[str]], steps: list[tuple[bool, bool, list[str]]]
) -> None:
    """Order kept, no duplicates, counts right (TA-1, TA-6, TR-1, TR-2, A8)."""

    async def story(viam: Viam) -> None:
        ids = [await viam.upload(str(n), tags=tags) for n, tags in enumerate(before)]
        model = [list(dict.fromkeys(tags)) for tags in before]
        for adding, by_filter, tags in steps:
            name = f"{'Add' if adding else 'Remove'}Tags{'To' if adding else 'From'}BinaryDataBy"
            name += "Filter" if by_filter else "IDs"
            fields: dict[str, Any] = {} if by_filter else {"binary_data_ids": ids[::-1]}
            reply = await viam.rpc(name, getattr(data, f"{name}Request")(tags=tags, **fields))
            count = 0
            for row in model:
                if adding:
                    row += [tag for tag in dict.fromkeys(tags) if tag not in row]
                else:
                    count += len([tag for tag in row if tag in tags])
                    row[:] = [tag for tag in row if tag not in tags]
            assert getattr(reply, "deleted_count", 0) == count
            shown = (await viam.by_ids(*ids)).data
            assert [list(entry.metadata.capture_metadata.tags) for entry in shown] == model
            assert await viam.tags_by_filter() == sorted({tag for row in model for tag in row})

    play(story)


# Boxes -----------------------------------------------------------------------------------

_UNIT = st.floats(0, 1)


@st.composite
def _box(draw: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"label": draw(st.sampled_from(["cat", "dog"]))}
    for axis in "xy":
        low, high = sorted([draw(_UNIT), draw(_UNIT)])
        fields |= {f"{axis}_min_normalized": low, f"{axis}_max_normalized": high}
    if draw(st.booleans()):
        fields["confidence"] = draw(_UNIT)
    return fields


@given(before=_box(), after=_box(), present=st.sets(st.integers(0, 5)))
def test_an_update_changes_present_fields_only(
    before: dict[str, Any], after: dict[str, Any], present: set[int]
) -> None:
    """And is refused as a whole where the result is no box (BU-2, BU-3, BX-7)."""
    changes = {name: value for n, (name, value) in enumerate(after.items()) if n in present}
    result = {**before, **changes}
    ends = [(result[f"{axis}_min_normalized"], result[f"{axis}_max_normalized"]) for axis in "xy"]
    valid = all(low <= high for low, high in ends)

    async def story(viam: Viam) -> None:
        image = await viam.upload("a")
        box = await viam.add_box(image, **before)
        request = data.UpdateBoundingBoxRequest(binary_data_id=image, bbox_id=box, **changes)
        if valid:
            await viam.rpc("UpdateBoundingBox", request)
        else:
            with viam.refuses(Status.INVALID_ARGUMENT, "BX-7"):
                await viam.rpc("UpdateBoundingBox", request)
        expected = data.BoundingBox(id=box, **(result if valid else before))
        assert await viam.boxes_of(image) == [expected]
        labels = await viam.rpc(
            "BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest()
        )
        assert list(labels.labels) == [expected.label]

    play(story)


# Deleting by days ------------------------------------------------------------------------


@given(
    now=st.integers(-62_135_596_800 + 366 * 86_400, 253_402_300_799).map(lambda s: s * SECOND),
    days=st.integers(1, 400),
    offset=st.sampled_from([-DAY - 1, -DAY, -1, 0, 1, DAY]) | st.integers(-3 * DAY, 3 * DAY),
)
def test_the_cutoff_of_deleting_by_days(now: int, days: int, offset: int) -> None:
    """For any now and N: 00:00 UTC of the day N-1 days before today (DT-2, DT-1)."""
    cutoff = now // DAY * DAY - (days - 1) * DAY
    lowest, highest = -62_135_596_800 * SECOND + 1, 253_402_300_799 * SECOND
    time = min(max(cutoff + offset, lowest), highest)

    async def story(viam: Viam) -> None:
        await viam.upload_readings(reading({"n": 1}, timestamp_from(time)))
        request = data.DeleteTabularDataRequest(
            organization_id=ORGANIZATION, delete_older_than_days=days
        )
        reply = await viam.rpc("DeleteTabularData", request)
        assert reply.deleted_count == (time < cutoff)
        assert (await viam.tabular(count_only=True)).count == (time >= cutoff)

    play(story, clock=Clock(lambda: now))


# Datasets --------------------------------------------------------------------------------


@given(members=st.lists(st.sets(st.integers(0, 4)), min_size=1, max_size=4))
def test_a_merge_is_the_union(members: list[set[int]]) -> None:
    """Whatever the sources share; they stay as they are (DS-10, A42, DM-3)."""

    async def story(viam: Viam) -> None:
        ids = [await viam.upload(str(n), requested=at(n)) for n in range(5)]
        datasets = [await viam.create_dataset(str(n)) for n in range(len(members))]
        for dataset, chosen in zip(datasets, members, strict=True):
            if chosen:
                await viam.add_members(dataset, *(ids[n] for n in chosen))
        reply = await viam.rpc(
            "MergeDatasets",
            dataset_wire.MergeDatasetsRequest(
                dataset_ids=datasets, name="merged", organization_id=ORGANIZATION
            ),
        )
        union = set().union(*members)
        expected = [*members, union]
        for dataset, chosen in zip([*datasets, reply.dataset_id], expected, strict=True):
            names = await viam.names(data.Filter(dataset_id=dataset))
            assert names == [str(n) for n in sorted(chosen)]

    play(story)


# Uploads ---------------------------------------------------------------------------------


@given(payload=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_any_cutting_gives_the_same_bytes(payload: bytes, cuts: list[int]) -> None:
    """By all ways of uploading, in any pieces, empty ones too (FU-2, FU-3, SU-1)."""
    edges = [0, *sorted(min(cut, len(payload)) for cut in cuts), len(payload)]
    chunks = [payload[low:high] for low, high in pairwise(edges)]
    assert b"".join(chunks) == payload

    async def story(viam: Viam) -> None:
        ids = [await viam.upload("whole", payload)]
        for name, parts in (
            ("FileUpload", list(file_parts(*chunks))),
            ("StreamingDataCaptureUpload", list(stream_parts(*chunks))),
        ):
            ids.append((await viam.rpc(name, *parts)).binary_data_id)
        reply = await viam.by_ids(*ids, include_binary=True)
        assert [entry.binary for entry in reply.data] == [payload] * 3
        assert {entry.metadata.file_size_bytes for entry in reply.data} == {len(payload)}

    play(story)


_PACKETS = st.lists(st.sampled_from(["metadata", "contents", "nothing"]), max_size=5)


@given(packets=_PACKETS, streaming=st.booleans())
def test_a_stream_is_metadata_once_and_first(packets: list[str], *, streaming: bool) -> None:
    """Every other order of messages is refused and stores nothing (A30, FU-1, FU-5, SU-1)."""
    name = "StreamingDataCaptureUpload" if streaming else "FileUpload"
    make: Any = stream_parts if streaming else file_parts
    opening, chunk = make(b"x")
    sent = {"metadata": opening, "contents": chunk, "nothing": type(opening)()}
    good = packets[:1] == ["metadata"] and set(packets[1:]) <= {"contents"}
    clause = "A30"
    for number, packet in enumerate(packets):
        if packet == "nothing":
            clause = "FU-5"
        if packet == "nothing" or (packet == "metadata") is not (number == 0):
            break

    async def story(viam: Viam) -> None:
        messages = [sent[packet] for packet in packets]
        if good:
            stored = await viam.rpc(name, *messages)
            reply = await viam.by_ids(stored.binary_data_id, include_binary=True)
            assert reply.data[0].binary == b"x" * (len(packets) - 1)
        else:
            with viam.refuses(Status.INVALID_ARGUMENT, clause):
                await viam.rpc(name, *messages)

    play(story)


# Times and readings ----------------------------------------------------------------------

_STAMPS = st.builds(
    Timestamp,
    seconds=st.integers(-62_135_596_800, 253_402_300_799),
    nanos=st.integers(0, 999_999_999),
).filter(lambda stamp: (stamp.seconds, stamp.nanos) != (-62_135_596_800, 0))


@given(requested=_STAMPS, received=_STAMPS, other=_STAMPS)
def test_times_come_back_exactly(
    requested: Timestamp, received: Timestamp, other: Timestamp
) -> None:
    """To the nanosecond, from year 1 to 9999, and order and intervals agree (TM-1, PG-6, A2)."""

    async def story(viam: Viam) -> None:
        image = await viam.upload("a", requested=requested, received=received)
        await viam.upload_readings(reading({"n": 1}, requested, received))
        (row,) = (await viam.tabular()).data
        for message in (await viam.metadata_of(image), row):
            assert (message.time_requested, message.time_received) == (requested, received)
        await viam.upload("b", requested=other)
        older = nanos_from(other) < nanos_from(requested)
        assert await viam.names() == (["b", "a"] if older else ["a", "b"])
        until = data.Filter(interval=interval(None, requested))
        assert ("b" in await viam.names(until)) is (nanos_from(other) <= nanos_from(requested))

    play(story)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), _JSON, max_size=4), min_size=1, max_size=5))
def test_readings_come_back_as_they_were(rows: list[dict[str, Any]]) -> None:
    """Any JSON object, n of them in order, sizes summed (TD-3, CU-2, A4)."""

    async def story(viam: Viam) -> None:
        await viam.upload_readings(*(reading(row, at(n)) for n, row in enumerate(rows)))
        page = await viam.tabular(sort_order=data.ORDER_ASCENDING)
        assert [mapping_from(entry.data) for entry in page.data] == rows
        assert page.total_size_bytes == sum(entry.data.ByteSize() for entry in page.data)
        counted = await viam.tabular(count_only=True)
        assert (counted.count, counted.total_size_bytes) == (len(rows), page.total_size_bytes)

    play(story)
