"""Sequences: saved selections of a part's data, and the data that they select."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.model.datasets import Dataset, DatasetType
from fakeviam.model.entities import Sequence, SequenceResource
from fakeviam.model.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from fakeviam.model.filters import Interval, Query
from fakeviam.model.names import check_tags
from fakeviam.server.services.arguments import visible
from fakeviam.server.services.datasets import check_organization, visible_dataset
from fakeviam.server.services.encoding import MetadataEncoders, set_time
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.lists import DEFAULT, MOST, list_page
from fakeviam.server.services.paging import position_in, token_of
from fakeviam.server.services.wire_values import time_from
from fakeviam.wire import data
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call
    from fakeviam.store.base import Store
    from fakeviam.store.values import Position
    from fakeviam.wire.well_known import Timestamp

#: The fields that a field mask may name (SQ-2).
_PATHS = ("resources", "sequence_tags", "start_time", "end_time")

#: Methods that capture binary data other than images (SQ-8).
_NO_IMAGES = frozenset({"GetAudio", "NextPointCloud", "PointCloudMap"})

#: The MIME types of the images in a sequence (SQ-8).
IMAGES = frozenset({"image/jpeg", "image/png"})


@rpc("CreateSequence", rests_on=["SQ-1"])
def create_sequence(call: Call, request: data.CreateSequenceRequest) -> data.CreateSequenceResponse:
    """Create a sequence (SQ-1, SQ-8, SQ-11)."""
    part = call.cloud.fleet.part(request.part_id)
    if part is None or not call.principal.sees_data_of(part):
        raise NotFoundError(f"no part {request.part_id!r}", clause="SQ-11")
    now = call.clock.now()
    sequence = Sequence(
        id=call.cloud.ids.object_id(),
        organization_id=part.organization_id,
        location_id=part.location_id,
        robot_id=part.robot_id,
        part_id=part.id,
        resources=_resources(request.resources),
        tags=_tags(request.sequence_tags),
        time_start=_time(request, "start_time"),
        time_end=_time(request, "end_time"),
        time_created=now,
        time_updated=now,
    )
    _check_window(sequence)
    call.store.put_entities(sequence)
    return data.CreateSequenceResponse(id=sequence.id)


@rpc("GetSequence", rests_on=["SQ-1"])
def get_sequence(call: Call, request: data.GetSequenceRequest) -> data.GetSequenceResponse:
    """The sequence with this id (SQ-1, SQ-12)."""
    sequence = required_sequence(call, request.id, "id")
    return data.GetSequenceResponse(sequence=_message(call, sequence))


@rpc("UpdateSequence", rests_on=["SQ-2"])
def update_sequence(call: Call, request: data.UpdateSequenceRequest) -> data.UpdateSequenceResponse:
    """Update the fields in the field mask (SQ-2, SQ-11)."""
    sequence = required_sequence(call, request.id, "id")
    paths = list(request.field_mask.paths)
    if not paths:
        text = f"field_mask must name what to change: {', '.join(_PATHS)}"
        raise InvalidArgumentError(text, clause="SQ-2")
    for path in paths:
        if path not in _PATHS:
            text = f"field_mask: {path!r} cannot be changed; what can is {', '.join(_PATHS)}"
            raise InvalidArgumentError(text, clause="SQ-2")
    changes: dict[str, Any] = {"time_updated": call.clock.now()}
    if "resources" in paths:
        changes["resources"] = _resources(request.resources)
    if "sequence_tags" in paths:
        changes["tags"] = _tags(request.sequence_tags)
    for path, field in (("start_time", "time_start"), ("end_time", "time_end")):
        if path in paths:
            changes[field] = _time(request, path)
    _check_window(replace(sequence, **changes))
    if not call.store.change_entity(sequence, lambda current: replace(current, **changes)):
        required_sequence(call, sequence.id, "id")  # another server may have deleted it
    return data.UpdateSequenceResponse()


@rpc("DeleteSequence", rests_on=["SQ-3"])
def delete_sequence(call: Call, request: data.DeleteSequenceRequest) -> data.DeleteSequenceResponse:
    """Delete a sequence; the data that it selects remains (SQ-3)."""
    call.store.drop_entities(required_sequence(call, request.id, "id"))
    return data.DeleteSequenceResponse()


@rpc("ListSequences", rests_on=["SQ-5", "SQ-13"])
def list_sequences(call: Call, request: data.ListSequencesRequest) -> data.ListSequencesResponse:
    """A page of an organization's sequences, oldest first (SQ-5, SQ-13)."""
    check_organization(call, request.organization_id)
    sequences, token = _page(call, call.store.entities(Sequence, request.organization_id), request)
    return data.ListSequencesResponse(sequences=sequences, next_page_token=token)


@rpc("SequencesByDatasetID", rests_on=["SQ-5", "SQ-6", "SQ-13"])
def sequences_by_dataset_id(
    call: Call, request: data.SequencesByDatasetIDRequest
) -> data.SequencesByDatasetIDResponse:
    """A page of a dataset's sequences, or their number (SQ-5, SQ-6)."""
    members = sequences_in(call.store, sequence_dataset(call, request.dataset_id))
    if request.count_only:
        return data.SequencesByDatasetIDResponse(count=len(members))
    sequences, token = _page(call, members, request)
    return data.SequencesByDatasetIDResponse(
        sequences=sequences, next_page_token=token, count=len(members)
    )


def _page(
    call: Call,
    sequences: Iterable[Sequence],
    request: data.ListSequencesRequest | data.SequencesByDatasetIDRequest,
) -> tuple[list[data.Sequence], str]:
    """The messages of a page of sequences, and the token of the next page (SQ-13)."""
    page = list_page(
        call,
        list(sequences),
        lambda sequence: (sequence.time_created, sequence.id),
        size=request.page_size,
        token=request.page_token,
        clause="SQ-13",
    )
    return [_message(call, sequence) for sequence in page.entries], page.next_token


@rpc("GetSequenceBinaryData", rests_on=["SQ-4", "SQ-5", "SQ-7", "SQ-8", "SQ-13", "SQ-15"])
def get_sequence_binary_data(call: Call, request: data.GetSequenceBinaryDataRequest) -> Encoded:
    """A page of the images in a sequence, oldest first, without bytes (SQ-4 … SQ-8)."""
    sequence = required_sequence(call, request.sequence_id, "sequence_id")
    size = min(request.page_size or DEFAULT, MOST)
    after = None
    if request.page_token:
        after = position_in(call, request.page_token, "images")
        if after is None:
            text = f"page_token is not a page token of this server: {request.page_token!r}"
            raise InvalidArgumentError(text, clause="SQ-13")
    images, last = _images(call, sequence, after, size)
    more = last is not None and _images(call, sequence, last, 1)[0]
    encoders: MetadataEncoders = call.cloud.by_policy[MetadataEncoders]
    tail = data.GetSequenceBinaryDataResponse(
        next_page_token=token_of(call, last, "images") if more else ""
    )
    entries = encoders.of(call).entries(images)
    return Encoded((b"".join([*entries, tail.SerializeToString()]),))


@rpc("AddSequencesToDataset", rests_on=["SQ-9", "SQ-10"])
def add_sequences_to_dataset(
    call: Call, request: data.AddSequencesToDatasetRequest
) -> data.AddSequencesToDatasetResponse:
    """Add sequences to a dataset, all or none (SQ-9, SQ-10)."""
    dataset, sequences = _named(call, request.dataset_id, request.sequence_ids)
    new = [each for each in sequences if dataset.id not in each.dataset_ids]
    call.store.change_entities(new, lambda each: each.inside(dataset.id))
    return data.AddSequencesToDatasetResponse()


@rpc("RemoveSequencesFromDataset", rests_on=["SQ-9", "SQ-10"])
def remove_sequences_from_dataset(
    call: Call, request: data.RemoveSequencesFromDatasetRequest
) -> data.RemoveSequencesFromDatasetResponse:
    """Remove sequences from a dataset, all or none (SQ-9, SQ-10)."""
    dataset, sequences = _named(call, request.dataset_id, request.sequence_ids)
    members = [each for each in sequences if dataset.id in each.dataset_ids]
    call.store.change_entities(members, lambda each: each.outside(dataset.id))
    return data.RemoveSequencesFromDatasetResponse()


def required_sequence(call: Call, sequence_id: str, field: str) -> Sequence:
    """The sequence with this id, if it is visible to the caller.

    Raises:
        InvalidArgumentError: The id is missing.
        NotFoundError: It does not exist for the caller (SQ-12).
    """
    if not sequence_id:
        raise InvalidArgumentError(f"{field} must not be empty", clause="SQ-12")
    sequence = call.store.entity(Sequence, sequence_id)
    return visible(call, sequence, f"sequence {sequence_id!r}", clause="SQ-12")


def sequence_dataset(call: Call, dataset_id: str) -> Dataset:
    """The sequence dataset with this id.

    Raises:
        InvalidArgumentError: The id is missing.
        NotFoundError: It does not exist for the caller (A40).
        FailedPreconditionError: It holds binary data (SQ-14).
    """
    if not dataset_id:
        raise InvalidArgumentError("dataset_id must not be empty", clause="SQ-14")
    dataset = visible_dataset(call, dataset_id)
    if dataset is None:
        raise NotFoundError(f"no dataset {dataset_id!r}", clause="A40")
    if dataset.type is not DatasetType.SEQUENCE_DATA:
        text = f"dataset {dataset_id!r} holds binary data; it has no sequences"
        raise FailedPreconditionError(text, clause="SQ-14")
    return dataset


def sequences_in(store: Store, dataset: Dataset) -> list[Sequence]:
    """The sequences in a dataset."""
    sequences = store.entities(Sequence, dataset.organization_id)
    return [sequence for sequence in sequences if dataset.id in sequence.dataset_ids]


def inside(sequence: Sequence) -> Query:
    """All data that a sequence's part captured in its window, by any resource."""
    return Query(
        part_id=sequence.part_id,
        interval=Interval(start=sequence.time_start, end=sequence.time_end),
    )


def images_query(call: Call, sequence: Sequence) -> Query:
    """The images that a sequence's part captured in its window, if visible to the caller."""
    return replace(
        inside(sequence),
        mime_types=IMAGES,
        scope=call.principal.scope,
        synced_until=call.visible_until(),
    )


def resources_of(sequence: Sequence) -> set[tuple[str, str]]:
    """The component and method of each resource in a sequence."""
    return {(each.resource_name, each.method_name) for each in sequence.resources}


def _images(
    call: Call, sequence: Sequence, after: Position | None, wanted: int
) -> tuple[list[BinaryRecord], Position | None]:
    """The next images of a sequence after a position, and the position of the last one."""
    query, resources = images_query(call, sequence), resources_of(sequence)
    images: list[BinaryRecord] = []
    while len(images) < wanted:
        left = wanted - len(images)
        page = call.store.binary_page(query, after=after, limit=left, descending=False)
        after = page.last or after
        images += (
            record
            for record in page.records
            if (record.source.component_name, record.source.method_name) in resources
        )
        if len(page.records) < left:
            break
    return images, after if images else None


def _named(
    call: Call, dataset_id: str, sequence_ids: Iterable[str]
) -> tuple[Dataset, list[Sequence]]:
    """The dataset and the distinct sequences that a request names (SQ-10)."""
    dataset = sequence_dataset(call, dataset_id)
    ids = list(dict.fromkeys(sequence_ids))
    if not ids:
        raise InvalidArgumentError("sequence_ids must not be empty", clause="SQ-10")
    sequences = [required_sequence(call, each, "sequence_ids") for each in ids]
    for sequence in sequences:
        if sequence.organization_id != dataset.organization_id:
            raise NotFoundError(f"no sequence {sequence.id!r}", clause="SQ-12")
    return dataset, sequences


def _resources(messages: Iterable[data.SequenceResourceFilter]) -> tuple[SequenceResource, ...]:
    resources: dict[SequenceResource, None] = {}
    for place, message in enumerate(messages):
        for name in ("resource_name", "method_name"):
            if not getattr(message, name).strip():
                text = f"resources[{place}].{name} must not be blank"
                raise InvalidArgumentError(text, clause="SQ-11")
        if message.method_name in _NO_IMAGES:
            text = (
                f"resources[{place}].method_name {message.method_name!r} captures binary data that "
                "is no image; of binary data a sequence holds images alone"
            )
            raise InvalidArgumentError(text, clause="SQ-8")
        resource = SequenceResource(
            resource_name=message.resource_name, method_name=message.method_name
        )
        resources[resource] = None
    if not resources:
        raise InvalidArgumentError("resources must not be empty", clause="SQ-11")
    return tuple(resources)


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(tags))
    check_tags(distinct)
    return distinct


def _time(request: data.CreateSequenceRequest | data.UpdateSequenceRequest, field: str) -> int:
    if not request.HasField(field):  # type: ignore[arg-type]  # one of the two
        raise InvalidArgumentError(f"{field} is missing", clause="SQ-11")
    stamp: Timestamp = getattr(request, field)
    return time_from(stamp, field)


def _check_window(sequence: Sequence) -> None:
    if sequence.time_start > sequence.time_end:
        raise InvalidArgumentError("start_time must not be after end_time", clause="SQ-11")


def _message(call: Call, sequence: Sequence) -> data.Sequence:
    message = data.Sequence(
        id=sequence.id,
        part_id=sequence.part_id,
        sequence_tags=sequence.tags,
        resources=[
            data.SequenceResourceFilter(
                resource_name=each.resource_name, method_name=each.method_name
            )
            for each in sequence.resources
        ],
        # Deleting a dataset also removed its memberships.
        dataset_ids=[each for each in sequence.dataset_ids if call.store.dataset(each)],
    )
    set_time(message.created_at, sequence.time_created)
    set_time(message.updated_at, sequence.time_updated)
    set_time(message.start_time, sequence.time_start)
    set_time(message.end_time, sequence.time_end)
    return message
