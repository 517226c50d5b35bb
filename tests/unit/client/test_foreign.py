"""Messages of another descriptor pool, as those of an installed viam-sdk, are taken everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from fakeviam import wire
from fakeviam.wire import data, well_known

from .servers import scripted

if TYPE_CHECKING:
    from google.protobuf.message import Message

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def pool() -> DescriptorPool:
    """A pool that has nothing to do with ours but the names of its messages."""
    pool = DescriptorPool()
    for content in wire.files().values():
        pool.AddSerializedFile(content)
    return pool


def twin(pool: DescriptorPool, message: Message) -> Any:
    """The same message in another pool."""
    cls = GetMessageClass(pool.FindMessageTypeByName(message.DESCRIPTOR.full_name))
    other = cls.FromString(message.SerializeToString())
    assert not isinstance(other, type(message))
    return other


FILTER = data.Filter(part_id="p", tags_filter=data.TagsFilter(tags=["t"]))
DELETE_FILTER = data.DeleteTabularFilter(component_name="c")
ID = data.BinaryID(file_id="f", organization_id="o", location_id="l")
PARAMETER = well_known.Any(type_url="example.com/type", value=b"\x00")
BOX = {
    "label": "dog",
    "x_min_normalized": 0,
    "y_min_normalized": 0,
    "x_max_normalized": 1,
    "y_max_normalized": 1,
}

# Every parameter that takes a message: what it gets, and the rest of the call.
TAKES: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("tabular_data_by_filter", "filter", FILTER, {}),
    ("binary_data_by_filter", "filter", FILTER, {}),
    ("delete_binary_data_by_filter", "filter", FILTER, {}),
    ("add_tags_to_binary_data_by_filter", "filter", FILTER, {"tags": ["t"]}),
    ("remove_tags_from_binary_data_by_filter", "filter", FILTER, {"tags": ["t"]}),
    ("tags_by_filter", "filter", FILTER, {}),
    ("bounding_box_labels_by_filter", "filter", FILTER, {}),
    (
        "delete_tabular_data",
        "filter",
        DELETE_FILTER,
        {"organization_id": "o", "delete_older_than_days": 0},
    ),
    ("binary_data_by_ids", "binary_ids", [ID], {}),
    ("delete_binary_data_by_ids", "binary_ids", [ID], {}),
    ("add_tags_to_binary_data_by_ids", "binary_ids", [ID], {"tags": ["t"]}),
    ("remove_tags_from_binary_data_by_ids", "binary_ids", [ID], {"tags": ["t"]}),
    ("add_binary_data_to_dataset_by_ids", "binary_ids", [ID], {"dataset_id": "d"}),
    ("remove_binary_data_from_dataset_by_ids", "binary_ids", [ID], {"dataset_id": "d"}),
    ("add_bounding_box_to_image_by_id", "binary_id", ID, BOX),
    ("remove_bounding_box_from_image_by_id", "binary_id", ID, {"bbox_id": "b"}),
    ("file_upload", "method_parameters", {"a": PARAMETER}, {"part_id": "p", "data": b""}),
]


@pytest.mark.parametrize(("name", "parameter", "value", "rest"), TAKES)
async def test_a_message_of_another_pool_is_as_good_as_ours(
    name: str, parameter: str, value: Any, rest: dict[str, Any], pool: DescriptorPool
) -> None:
    if isinstance(value, list):
        other: Any = [twin(pool, item) for item in value]
    elif isinstance(value, dict):
        other = {key: twin(pool, item) for key, item in value.items()}
    else:
        other = twin(pool, value)
    async with scripted() as (client, script):
        await getattr(client, name)(**{**rest, parameter: value})
        await getattr(client, name)(**{**rest, parameter: other})
        ours, theirs = script.asked
        assert ours.messages == theirs.messages
        (*_, last) = ours.messages
        assert last.ByteSize() > 0


async def test_iterators_take_them_too(pool: DescriptorPool) -> None:
    async with scripted() as (client, script):
        for stream in (
            client.iter_tabular_data_by_filter(twin(pool, FILTER)),
            client.iter_binary_data_by_filter(twin(pool, FILTER)),
        ):
            assert [record async for record in stream] == []
        for asked in script.asked:
            assert asked.messages[0].data_request.filter == FILTER


async def test_ids_of_all_forms_in_one_call(pool: DescriptorPool) -> None:
    """The two forms have a field each (ID-1)."""
    mixed = [ID, "o/l/g", twin(pool, ID)]
    async with scripted() as (client, script):
        await client.delete_binary_data_by_ids(mixed)
        (request,) = script.requests("DeleteBinaryDataByIDs")
        assert list(request.binary_ids) == [ID, ID]
        assert list(request.binary_data_ids) == ["o/l/g"]


async def test_a_filter_that_was_passed_is_not_changed() -> None:
    wanted = data.Filter(part_id="p")
    async with scripted() as (client, _):
        await client.tabular_data_by_filter(wanted, last="t")
        await client.binary_data_by_filter(wanted, num_files=1)
    assert wanted == data.Filter(part_id="p")
