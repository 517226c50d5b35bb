"""Tags on binary data."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model.datasets import LABEL_PREFIX, dataset_label
from fakeviam.server.services.arguments import records_named, tags_argument
from fakeviam.server.services.filters import query_from
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.server.services.handlers import Handlers
    from fakeviam.server.state.call import Call
    from fakeviam.store.values import TagRemoval


def add_tags_to_binary_data_by_ids(
    call: Call, request: data.AddTagsToBinaryDataByIDsRequest
) -> data.AddTagsToBinaryDataByIDsResponse:
    """Add tags to the records of some ids (TA-1, TA-2)."""
    call.cite("TA-1")
    tags = tags_argument(call, request.tags, clause="TA-2")
    _cite_lookalikes(call, tags)
    records = records_named(call, request.binary_ids, request.binary_data_ids, clause="TA-2")
    call.store.add_tags((record.file_id for record in records), tags)
    return data.AddTagsToBinaryDataByIDsResponse()


def add_tags_to_binary_data_by_filter(
    call: Call, request: data.AddTagsToBinaryDataByFilterRequest
) -> data.AddTagsToBinaryDataByFilterResponse:
    """Add tags to what a filter selects (TA-1, TA-3)."""
    call.cite("TA-1", "TA-3")
    tags = tags_argument(call, request.tags, clause="TA-2")
    _cite_lookalikes(call, tags)
    call.store.add_tags_matching(query_from(call, request.filter), tags)
    return data.AddTagsToBinaryDataByFilterResponse()


def remove_tags_from_binary_data_by_ids(
    call: Call, request: data.RemoveTagsFromBinaryDataByIDsRequest
) -> data.RemoveTagsFromBinaryDataByIDsResponse:
    """Remove tags from the records of some ids (TR-1, TR-2)."""
    call.cite("TR-1")
    tags = tags_argument(call, request.tags, clause="TR-1")
    records = records_named(call, request.binary_ids, request.binary_data_ids, clause="TR-1")
    _cite_count(call)
    removed = call.store.remove_tags((record.file_id for record in records), tags)
    return data.RemoveTagsFromBinaryDataByIDsResponse(deleted_count=_count(call, removed))


def remove_tags_from_binary_data_by_filter(
    call: Call, request: data.RemoveTagsFromBinaryDataByFilterRequest
) -> data.RemoveTagsFromBinaryDataByFilterResponse:
    """Remove tags from what a filter selects (TR-1, TR-2)."""
    call.cite("TR-1")
    tags = tags_argument(call, request.tags, clause="TR-1")
    query = query_from(call, request.filter)
    _cite_count(call)
    removed = call.store.remove_tags_matching(query, tags)
    return data.RemoveTagsFromBinaryDataByFilterResponse(deleted_count=_count(call, removed))


def tags_by_filter(call: Call, request: data.TagsByFilterRequest) -> data.TagsByFilterResponse:
    """The distinct tags of what a filter selects, sorted (TG-1, A47)."""
    call.cite("TG-1")
    query = query_from(call, request.filter)
    tags = call.store.binary_tags(query)
    if call.policy.dataset_label == "shown":
        memberships = call.store.dataset_ids(query)
        if memberships:
            call.cite("DM-2", "A10")
        tags |= set(map(dataset_label, memberships))
    if call.policy.tags_by_filter_scope == "binary-and-tabular":
        tags |= call.store.tabular_tags(query_from(call, request.filter, tabular=True))
    if len(tags) > 1 or call.policy.tags_by_filter_scope == "binary":
        call.cite("A47")
    return data.TagsByFilterResponse(tags=sorted(tags))


def _cite_lookalikes(call: Call, tags: Iterable[str]) -> None:
    if any(tag.startswith(LABEL_PREFIX) for tag in tags):
        call.cite("A11")


def _cite_count(call: Call) -> None:
    call.cite("TR-2", "A8")


def _count(call: Call, removed: TagRemoval) -> int:
    return removed.tags if call.policy.remove_tags_count == "tags" else removed.records


HANDLERS: Handlers = MappingProxyType(
    {
        "AddTagsToBinaryDataByIDs": add_tags_to_binary_data_by_ids,
        "AddTagsToBinaryDataByFilter": add_tags_to_binary_data_by_filter,
        "RemoveTagsFromBinaryDataByIDs": remove_tags_from_binary_data_by_ids,
        "RemoveTagsFromBinaryDataByFilter": remove_tags_from_binary_data_by_filter,
        "TagsByFilter": tags_by_filter,
    }
)
