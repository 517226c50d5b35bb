"""Tags on binary data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from fakeviam.model.datasets import LABEL_PREFIX, dataset_label
from fakeviam.server.services.arguments import id_grounds, records_named
from fakeviam.server.services.filters import query_from
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.wire_values import tags_argument
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam.model.policy import Policy
    from fakeviam.server.state.call import Call
    from fakeviam.store.values import TagRemoval


#: The characters that the documentation of data capture permits in tags.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class _TagRequest(Protocol):
    """A request with tags."""

    @property
    def tags(self) -> Sequence[str]:
        """Its tags."""
        ...


def _add_grounds(request: _TagRequest, policy: Policy) -> Iterator[str]:
    yield from _tag_grounds(request, policy)
    if any(tag.startswith(LABEL_PREFIX) for tag in request.tags):
        yield "A11"


def _tag_grounds(request: _TagRequest, policy: Policy) -> Iterator[str]:
    yield from id_grounds(request, policy)
    tags = set(request.tags)
    if len(tags) > 1:
        yield "TA-6"
    if not all(map(_PLAIN.fullmatch, tags)):
        yield "TA-5"


@rpc("AddTagsToBinaryDataByIDs", rests_on=["TA-1"], grounds=_add_grounds)
def add_tags_to_binary_data_by_ids(
    call: Call, request: data.AddTagsToBinaryDataByIDsRequest
) -> data.AddTagsToBinaryDataByIDsResponse:
    """Add tags to the records with these ids (TA-1, TA-2)."""
    tags = tags_argument(request.tags, clause="TA-2")
    records = records_named(call, request.binary_ids, request.binary_data_ids, clause="TA-2")
    call.store.add_tags((record.file_id for record in records), tags)
    return data.AddTagsToBinaryDataByIDsResponse()


@rpc("AddTagsToBinaryDataByFilter", rests_on=["TA-1", "TA-3"], grounds=_add_grounds)
def add_tags_to_binary_data_by_filter(
    call: Call, request: data.AddTagsToBinaryDataByFilterRequest
) -> data.AddTagsToBinaryDataByFilterResponse:
    """Add tags to the selected records (TA-1, TA-3)."""
    tags = tags_argument(request.tags, clause="TA-2")
    call.store.add_tags_matching(query_from(call, request.filter), tags)
    return data.AddTagsToBinaryDataByFilterResponse()


@rpc("RemoveTagsFromBinaryDataByIDs", rests_on=["TR-1", "TR-2", "A8"], grounds=_tag_grounds)
def remove_tags_from_binary_data_by_ids(
    call: Call, request: data.RemoveTagsFromBinaryDataByIDsRequest
) -> data.RemoveTagsFromBinaryDataByIDsResponse:
    """Remove tags from the records with these ids (TR-1, TR-2)."""
    tags = tags_argument(request.tags, clause="TR-1")
    records = records_named(call, request.binary_ids, request.binary_data_ids, clause="TR-1")
    removed = call.store.remove_tags((record.file_id for record in records), tags)
    return data.RemoveTagsFromBinaryDataByIDsResponse(deleted_count=_count(call, removed))


@rpc("RemoveTagsFromBinaryDataByFilter", rests_on=["TR-1", "TR-2", "A8"], grounds=_tag_grounds)
def remove_tags_from_binary_data_by_filter(
    call: Call, request: data.RemoveTagsFromBinaryDataByFilterRequest
) -> data.RemoveTagsFromBinaryDataByFilterResponse:
    """Remove tags from the selected records (TR-1, TR-2)."""
    tags = tags_argument(request.tags, clause="TR-1")
    query = query_from(call, request.filter)
    removed = call.store.remove_tags_matching(query, tags)
    return data.RemoveTagsFromBinaryDataByFilterResponse(deleted_count=_count(call, removed))


def _listing_grounds(reply: data.TagsByFilterResponse, policy: Policy) -> tuple[str, ...]:
    several = len(reply.tags) > 1 or policy.tags_by_filter_scope == "binary"
    return ("A47",) if several else ()


@rpc("TagsByFilter", rests_on=["TG-1"], reply_grounds=_listing_grounds)
def tags_by_filter(call: Call, request: data.TagsByFilterRequest) -> data.TagsByFilterResponse:
    """The distinct tags of the selected records, sorted (TG-1, A47)."""
    query = query_from(call, request.filter)
    tags = call.store.binary_tags(query)
    if call.policy.dataset_label == "shown":
        memberships = call.store.dataset_ids(query)
        if memberships:
            call.cite(["DM-2", "A10"])
        tags |= set(map(dataset_label, memberships))
    if call.policy.tags_by_filter_scope == "binary-and-tabular":
        tags |= call.store.tabular_tags(query_from(call, request.filter, tabular=True))
    return data.TagsByFilterResponse(tags=sorted(tags))


def _count(call: Call, removed: TagRemoval) -> int:
    return removed.tags if call.policy.remove_tags_count == "tags" else removed.records
