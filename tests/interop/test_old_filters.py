"""How releases of many years spell "no filter" and "this record".

Each release has its own spelling of nothing: no filter, an empty one, empty messages inside.
None of them may select less than everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from grpclib.const import Status

from fakeviam.wire import data, dataset
from fakeviam.wire.times import timestamp_from

from .old_client import OldClient, Raw, refused, store_file, store_readings

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam import FakeViam

pytestmark = pytest.mark.asyncio

SECOND = 1_000_000_000
NOON = 1_714_996_800 * SECOND  # 2024-05-06T12:00:00Z

# What the filter field looks like on the wire → how the message is made.
SPELLINGS = {
    "absent": None,
    "present and empty": data.Filter(),
    "with tags_filter{}": data.Filter(tags_filter=data.TagsFilter()),
    "with interval{}": data.Filter(interval=data.CaptureInterval()),
    "with both": data.Filter(tags_filter=data.TagsFilter(), interval=data.CaptureInterval()),
    "with MATCH_BY_OR over no tags": data.Filter(
        tags_filter=data.TagsFilter(type=data.TAGS_FILTER_TYPE_MATCH_BY_OR)
    ),
    "with empty strings and lists": data.Filter(component_name="", tags_filter=data.TagsFilter()),
    "with a start long ago": data.Filter(
        interval=data.CaptureInterval(start=timestamp_from(0)), tags_filter=data.TagsFilter()
    ),
    "with an end far ahead": data.Filter(
        interval=data.CaptureInterval(end=timestamp_from(2 * NOON)), tags_filter=data.TagsFilter()
    ),
}


@pytest_asyncio.fixture
async def ids(cloud: FakeViam, raw: Raw) -> list[str]:
    """Five tagged pictures, the first with a box, and five readings; the pictures' ids."""
    part = cloud.default_part
    await store_readings(raw, part, [({"n": n}, NOON + n * SECOND) for n in range(5)])
    stored = [
        await store_file(raw, part, b"%d" % n, NOON + n * SECOND, tags=[f"tag-{n}"])
        for n in range(5)
    ]
    await raw(
        data.AddBoundingBoxToImageByIDRequest(
            binary_data_id=stored[0].binary_data_id,
            label="cat",
            x_max_normalized=0.5,
            y_max_normalized=1,
        ),
        data.AddBoundingBoxToImageByIDResponse,
    )
    return [reply.binary_data_id for reply in stored]


async def tags_of(raw: Raw, wanted: data.Filter | None = None) -> list[str]:
    reply = await raw(data.TagsByFilterRequest(filter=wanted), data.TagsByFilterResponse)
    return list(reply.tags)


async def count(raw: Raw, wanted: data.Filter | None = None) -> int:
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=wanted), count_only=True
    )
    return (await raw(request, data.BinaryDataByFilterResponse)).count


# Spellings of nothing ------------------------------------------------------------------------


async def test_the_spellings_are_different_on_the_wire() -> None:
    """Otherwise the tests below would say the same thing several times (FI-2, FI-8, FI-13)."""
    absent = data.TagsByFilterRequest(filter=SPELLINGS["absent"])
    empty = data.TagsByFilterRequest(filter=SPELLINGS["present and empty"])
    tags = data.TagsByFilterRequest(filter=SPELLINGS["with tags_filter{}"])
    interval = data.TagsByFilterRequest(filter=SPELLINGS["with interval{}"])
    forms = [message.SerializeToString() for message in (absent, empty, tags, interval)]
    assert forms[:2] == [b"", b"\x0a\x00"]
    assert len(set(forms)) == 4
    assert tags.filter.HasField("tags_filter")
    assert interval.filter.HasField("interval")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.usefixtures("ids")
@pytest.mark.thinned(3)
async def test_every_spelling_of_nothing_reads_everything(raw: Raw, spelling: str) -> None:
    """In all four calls that read by filter (FI-2, FI-3, FI-8, FI-9, FI-13, A17, TG-1, BL-1)."""
    wanted = SPELLINGS[spelling]
    asked = data.DataRequest(filter=wanted)
    tabular = await raw(
        data.TabularDataByFilterRequest(data_request=asked), data.TabularDataByFilterResponse
    )
    binary = await raw(
        data.BinaryDataByFilterRequest(data_request=asked), data.BinaryDataByFilterResponse
    )
    boxes = await raw(
        data.BoundingBoxLabelsByFilterRequest(filter=wanted),
        data.BoundingBoxLabelsByFilterResponse,
    )
    assert (len(tabular.data), len(binary.data)) == (5, 5)
    assert await tags_of(raw, wanted) == [f"tag-{n}" for n in range(5)]
    assert boxes.labels == ["cat"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.usefixtures("ids")
@pytest.mark.thinned(3)
async def test_every_spelling_of_nothing_writes_to_everything(raw: Raw, spelling: str) -> None:
    """Tagging, untagging and deleting (TA-1, TA-3, TR-1, TR-2, A8, DF-1, DF-4, A16)."""
    wanted = SPELLINGS[spelling]
    await raw(
        data.AddTagsToBinaryDataByFilterRequest(filter=wanted, tags=["all", "these"]),
        data.AddTagsToBinaryDataByFilterResponse,
    )
    for tag in ("all", "these"):
        assert await count(raw, data.Filter(tags_filter=data.TagsFilter(tags=[tag]))) == 5
    removed = await raw(
        data.RemoveTagsFromBinaryDataByFilterRequest(filter=wanted, tags=["all", "these"]),
        data.RemoveTagsFromBinaryDataByFilterResponse,
    )
    assert removed.deleted_count == 10
    assert await tags_of(raw) == [f"tag-{n}" for n in range(5)]
    deleted = await raw(
        data.DeleteBinaryDataByFilterRequest(filter=wanted),
        data.DeleteBinaryDataByFilterResponse,
    )
    assert deleted.deleted_count == 5
    assert await count(raw) == 0


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (data.CaptureInterval(start=timestamp_from(NOON + 2 * SECOND)), [4, 3, 2]),
        (data.CaptureInterval(end=timestamp_from(NOON + 2 * SECOND)), [2, 1, 0]),
        (
            data.CaptureInterval(
                start=timestamp_from(NOON + SECOND), end=timestamp_from(NOON + 3 * SECOND)
            ),
            [3, 2, 1],
        ),
        (
            data.CaptureInterval(
                start=timestamp_from(NOON + SECOND + 1), end=timestamp_from(NOON + 3 * SECOND - 1)
            ),
            [2],
        ),
        (
            data.CaptureInterval(
                start=timestamp_from(NOON + 3 * SECOND), end=timestamp_from(NOON + 3 * SECOND)
            ),
            [3],
        ),
        (
            data.CaptureInterval(
                start=timestamp_from(NOON + 3 * SECOND), end=timestamp_from(NOON + SECOND)
            ),
            [],
        ),
    ],
)
@pytest.mark.usefixtures("ids")
async def test_interval_with_one_bound_is_open_on_the_other_side(
    raw: Raw, interval: data.CaptureInterval, expected: list[int]
) -> None:
    """Both ends are inside, to the nanosecond (FI-13, FI-14, A2, A3, TM-1)."""
    client = OldClient(raw)
    wanted = data.Filter(interval=interval, tags_filter=data.TagsFilter())
    assert [r.values["n"] for r in await client.tabular_data_by_filter(wanted)] == expected
    files = await client.binary_data_by_filter(wanted)
    assert [file.binary for file in files] == [b"%d" % n for n in expected]


@pytest.mark.parametrize(
    "nowhere",
    [
        data.Filter(component_name="eyes"),
        data.Filter(component_name="Eye"),
        data.Filter(robot_id="nobody"),
        data.Filter(location_ids=["x"]),
        data.Filter(organization_ids=["x", ""]),
        data.Filter(dataset_id="0123456789abcdef01234567"),
        data.Filter(tags_filter=data.TagsFilter(tags=["tag-9"])),
        data.Filter(bbox_labels=["dog"]),
        data.Filter(mime_type=["image/jpeg"]),
    ],
    ids=lambda wanted: str(wanted).replace("\n", " "),
)
@pytest.mark.usefixtures("ids")
@pytest.mark.thinned(3)
async def test_what_matches_nothing_is_ok_and_empty(raw: Raw, nowhere: data.Filter) -> None:
    """The loop ends at once; nothing is deleted (FI-1, FI-4, FI-5, FI-10, FI-11, FI-15)."""
    client = OldClient(raw)
    assert await client.binary_data_by_filter(nowhere) == []
    assert client.pages == [0]
    deleted = await raw(
        data.DeleteBinaryDataByFilterRequest(filter=nowhere),
        data.DeleteBinaryDataByFilterResponse,
    )
    assert deleted.deleted_count == 0
    assert await count(raw) == 5


# Names of records ------------------------------------------------------------------------------


def binary_id(text: str) -> data.BinaryID:
    organization_id, location_id, file_id = text.split("/")
    return data.BinaryID(file_id=file_id, organization_id=organization_id, location_id=location_id)


async def read(raw: Raw, *named: data.BinaryID, strings: list[str] | None = None) -> list[bytes]:
    request = data.BinaryDataByIDsRequest(
        binary_ids=named, binary_data_ids=strings, include_binary=True
    )
    reply = await raw(request, data.BinaryDataByIDsResponse)
    assert reply.count == len(reply.data)
    return [found.binary for found in reply.data]


async def test_answers_stand_in_the_order_of_the_ids(raw: Raw, ids: list[str]) -> None:
    """The `viam` CLI pairs answer i with id i (BI-1, BI-2, BI-3, BI-4, ID-1, ID-2)."""
    backwards = ids[::-1]
    assert await read(raw, *map(binary_id, backwards)) == [b"4", b"3", b"2", b"1", b"0"]
    assert await read(raw, strings=backwards) == [b"4", b"3", b"2", b"1", b"0"]


async def test_include_binary_off_the_wire_is_metadata_alone(raw: Raw, ids: list[str]) -> None:
    """The default on the wire is no bytes, whatever Python's default is (BI-2)."""
    reply = await raw(
        data.BinaryDataByIDsRequest(binary_data_ids=ids), data.BinaryDataByIDsResponse
    )
    assert [found.metadata.binary_data_id for found in reply.data] == ids
    assert not any(found.binary for found in reply.data)
    assert [found.metadata.file_size_bytes for found in reply.data] == [1] * 5


async def test_both_forms_in_one_request_are_united(raw: Raw, ids: list[str]) -> None:
    """Each record once, in order of first mention (ID-1, ID-4, A14)."""
    named = [binary_id(ids[2]), binary_id(ids[0]), binary_id(ids[2])]
    strings = [ids[1], ids[0], ids[1]]
    assert await read(raw, *named, strings=strings) == [b"2", b"0", b"1"]


@pytest.mark.parametrize("missing", [("organization_id",), ("location_id",), ("both",)])
async def test_parts_of_a_binary_id_that_are_empty_match_any(
    raw: Raw, ids: list[str], missing: tuple[str, ...]
) -> None:
    """Old data lacked organization and location (A15)."""
    named = binary_id(ids[3])
    if missing != ("location_id",):
        named.organization_id = ""
    if missing != ("organization_id",):
        named.location_id = ""
    assert await read(raw, named) == [b"3"]
    reply = await raw(
        data.DeleteBinaryDataByIDsRequest(binary_ids=[named]),
        data.DeleteBinaryDataByIDsResponse,
    )
    assert reply.deleted_count == 1
    assert await read(raw, *map(binary_id, ids)) == [b"0", b"1", b"2", b"4"]


@pytest.mark.parametrize("field", ["file_id", "organization_id", "location_id"])
async def test_a_wrong_part_of_a_binary_id_makes_it_unknown(
    raw: Raw, ids: list[str], field: str
) -> None:
    """Skipped in reads and deletes, and the count tells (A13, A15, ID-6, DI-1)."""
    wrong = binary_id(ids[0])
    setattr(wrong, field, "elsewhere")
    assert await read(raw, wrong, binary_id(ids[1])) == [b"1"]
    reply = await raw(
        data.DeleteBinaryDataByIDsRequest(binary_ids=[wrong, binary_id(ids[1])]),
        data.DeleteBinaryDataByIDsResponse,
    )
    assert reply.deleted_count == 1
    assert await count(raw) == 4


BY_IDS: list[tuple[Message, type[Message]]] = [
    (data.BinaryDataByIDsRequest(include_binary=True), data.BinaryDataByIDsResponse),
    (data.DeleteBinaryDataByIDsRequest(), data.DeleteBinaryDataByIDsResponse),
    (data.AddTagsToBinaryDataByIDsRequest(tags=["t"]), data.AddTagsToBinaryDataByIDsResponse),
    (
        data.RemoveTagsFromBinaryDataByIDsRequest(tags=["tag-0"]),
        data.RemoveTagsFromBinaryDataByIDsResponse,
    ),
]


@pytest.mark.parametrize(
    ("request_", "reply"), BY_IDS, ids=[type(request).__name__ for request, _ in BY_IDS]
)
@pytest.mark.usefixtures("ids")
async def test_an_empty_list_of_ids_is_an_error(
    raw: Raw, request_: Message, reply: type[Message]
) -> None:
    """Neither field is on the wire then, and nothing changes (ID-4, ID-5, A12, TA-2, TR-1)."""
    with refused(Status.INVALID_ARGUMENT, "binary_data_ids must not be empty"):
        await raw(request_, reply)
    assert await count(raw) == 5
    assert await tags_of(raw) == [f"tag-{n}" for n in range(5)]


@pytest.mark.usefixtures("ids")
async def test_an_empty_list_of_ids_is_an_error_for_datasets_too(cloud: FakeViam, raw: Raw) -> None:
    """Adding and removing members (DM-8, A12)."""
    made = await raw(
        dataset.CreateDatasetRequest(
            name="set", organization_id=cloud.default_part.organization_id
        ),
        dataset.CreateDatasetResponse,
    )
    with refused(Status.INVALID_ARGUMENT, "[DM-8]"):
        await raw(
            data.AddBinaryDataToDatasetByIDsRequest(dataset_id=made.id),
            data.AddBinaryDataToDatasetByIDsResponse,
        )
    with refused(Status.INVALID_ARGUMENT, "[DM-8]"):
        await raw(
            data.RemoveBinaryDataFromDatasetByIDsRequest(dataset_id=made.id),
            data.RemoveBinaryDataFromDatasetByIDsResponse,
        )


async def test_tags_boxes_and_members_by_binary_id(
    cloud: FakeViam, raw: Raw, ids: list[str]
) -> None:
    """To 0.43 there is no other form (ID-1, TA-1, TR-2, BX-1, BX-5, BR-1, DM-1, DM-2, DM-3)."""
    organization_id = cloud.default_part.organization_id
    named = binary_id(ids[1])
    await raw(
        data.AddTagsToBinaryDataByIDsRequest(binary_ids=[named], tags=["new", "tag-1"]),
        data.AddTagsToBinaryDataByIDsResponse,
    )
    box = await raw(
        # A coordinate of 0 is not on the wire: no release could send it otherwise.
        data.AddBoundingBoxToImageByIDRequest(
            binary_id=named, label="dog", x_max_normalized=1, y_max_normalized=0.25
        ),
        data.AddBoundingBoxToImageByIDResponse,
    )
    made = await raw(
        dataset.CreateDatasetRequest(name="set", organization_id=organization_id),
        dataset.CreateDatasetResponse,
    )
    await raw(
        data.AddBinaryDataToDatasetByIDsRequest(binary_ids=[named], dataset_id=made.id),
        data.AddBinaryDataToDatasetByIDsResponse,
    )
    (found,) = await OldClient(raw).binary_data_by_filter(data.Filter(dataset_id=made.id))
    assert found.binary == b"1"
    assert found.metadata.capture_metadata.tags == ["tag-1", "new", f"VIAM_DATASET_{made.id}"]
    assert found.metadata.dataset_ids == [made.id]
    assert found.metadata.annotations.bboxes == [
        data.BoundingBox(id=box.bbox_id, label="dog", x_max_normalized=1, y_max_normalized=0.25)
    ]
    await raw(
        data.RemoveBoundingBoxFromImageByIDRequest(binary_id=named, bbox_id=box.bbox_id),
        data.RemoveBoundingBoxFromImageByIDResponse,
    )
    removed = await raw(
        data.RemoveTagsFromBinaryDataByIDsRequest(binary_ids=[named], tags=["new", "none"]),
        data.RemoveTagsFromBinaryDataByIDsResponse,
    )
    assert removed.deleted_count == 1
    await raw(
        data.RemoveBinaryDataFromDatasetByIDsRequest(binary_ids=[named], dataset_id=made.id),
        data.RemoveBinaryDataFromDatasetByIDsResponse,
    )
    (found,) = await OldClient(raw).binary_data_by_filter(
        data.Filter(tags_filter=data.TagsFilter(tags=["tag-1"]))
    )
    assert found.metadata.capture_metadata.tags == ["tag-1"]
    assert not found.metadata.dataset_ids
    assert not found.metadata.annotations.bboxes
