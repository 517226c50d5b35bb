"""What messages say about files, in the model's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam_contracts.model import Box, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.wire import datapipelines
    from fakeviam_contracts.model import File, ReferenceModel
    from fakeviam_contracts.places import Handles

LABEL = "VIAM_DATASET_"

#: The clause of each aspect of a file, where its `because` names no other.
ASPECTS = {
    "origin": "UP-1",
    "source": "CU-1",
    "requested": "TM-1",
    "mime_type": "UP-4",
    "file_name": "UP-6",
    "extension": "UP-3",
    "size": "CU-1",
    "tags": "UP-7",
    "boxes": "BX-5",
    "file_ext": "A26",
    "tag order": "TA-6",
}

#: The clause that specifies each aspect of a data point.
POINT_ASPECTS = {
    "part": "EX-1",
    "where": "EX-1",
    "resource": "EX-4",
    "method": "EX-1",
    "captured": "EX-1",
    "tags": "EX-1",
    "payload": "EX-1",
    "parameters": "EX-5",
}


def described(file: File) -> dict[str, Any]:
    """What the model expects the metadata of a file to say, apart from open points."""
    return {
        "origin": _place(file.origin),
        "source": _source(file.origin),
        "requested": file.requested,
        "mime_type": file.mime_type,
        "file_name": file.file_name,
        "extension": file.file_ext.lstrip("."),
        "size": len(file.data),
        "tags": set(file.tags),
        "boxes": {box.handle: box for box in file.boxes},
        "file_ext": file.file_ext,
        "tag order": file.tags,
    }


def observed(
    handles: Handles, metadata: data.BinaryMetadata, tags: Sequence[object]
) -> dict[str, Any]:
    """What the metadata of a file does say, in the model's terms."""
    names = [tag for tag in tags if isinstance(tag, str)]
    origin = origin_of(metadata.capture_metadata)
    boxes = (_box(handles, box) for box in metadata.annotations.bboxes)
    return {
        "origin": _place(origin),
        "source": _source(origin),
        "requested": nanos_from(metadata.time_requested),
        "mime_type": metadata.capture_metadata.mime_type,
        "file_name": metadata.file_name,
        "extension": metadata.file_ext.lstrip("."),
        "size": metadata.file_size_bytes,
        "tags": set(names),
        "boxes": {box.handle: box for box in boxes},
        "file_ext": metadata.file_ext,
        "tag order": names,
    }


def _place(origin: Origin) -> Origin:
    return replace(origin, component_name="", component_type="", method="")


def _source(origin: Origin) -> tuple[str, str, str]:
    return origin.component_type, origin.component_name, origin.method


def tags_of(
    model: ReferenceModel,
    handles: Handles,
    metadata: data.BinaryMetadata,
    datasets: Sequence[int] = (),
) -> list[str | tuple[str, int]]:
    """The tags of a file; the label of a membership as a pair (A10, A11).

    A label of one of `datasets` is one even if the metadata hides the membership.
    """
    return [_tag(model, handles, tag, metadata, datasets) for tag in metadata.capture_metadata.tags]


def _tag(
    model: ReferenceModel,
    handles: Handles,
    tag: str,
    metadata: data.BinaryMetadata,
    datasets: Sequence[int],
) -> str | tuple[str, int]:
    dataset_id = tag.removeprefix(LABEL)
    if tag.startswith(LABEL) and dataset_id in handles.datasets:
        handle = handles.datasets.index(dataset_id)
        is_member = dataset_id in metadata.dataset_ids or handle in datasets
        if is_member or model.dataset(handle) is None:
            return ("label", handle)
    return tag


def _box(handles: Handles, box: data.BoundingBox) -> Box:
    return Box(
        handle=handles.box(box.id),  # type: ignore[arg-type]  # a foreign one's stays text
        label=box.label,
        corners=(
            box.x_min_normalized,
            box.y_min_normalized,
            box.x_max_normalized,
            box.y_max_normalized,
        ),
        confidence=box.confidence if box.HasField("confidence") else None,
    )


def binary_id(text: str) -> data.BinaryID:
    """The BinaryID message of a string id."""
    organization_id, location_id, file_id = text.split("/")
    return data.BinaryID(organization_id=organization_id, location_id=location_id, file_id=file_id)


def origin_of(metadata: data.CaptureMetadata) -> Origin:
    """The origin that capture metadata describes."""
    return Origin(
        organization_id=metadata.organization_id,
        location_id=metadata.location_id,
        robot_id=metadata.robot_id,
        robot_name=metadata.robot_name,
        part_id=metadata.part_id,
        part_name=metadata.part_name,
        component_type=metadata.component_type,
        component_name=metadata.component_name,
        method=metadata.method_name,
    )


def pipeline_seen(pipeline: datapipelines.DataPipeline) -> dict[str, Any]:
    """A pipeline as clients see it."""
    return {
        "id": pipeline.id,
        "organization": pipeline.organization_id,
        "name": pipeline.name,
        "stages": list(pipeline.mql_binary),
        "schedule": pipeline.schedule,
        "enabled": pipeline.enabled,
        "source": pipeline.data_source_type,
        "dated": pipeline.HasField("created_on") and pipeline.HasField("updated_at"),
    }


def query_seen(query: data.Query) -> dict[str, Any]:
    """A saved query as clients see it."""
    return {
        "id": query.id,
        "organization": query.organization_id,
        "name": query.name,
        "stages": list(query.mql_binary),
        "dated": query.HasField("created_on") and query.HasField("updated_at"),
    }


def sequence_seen(sequence: data.Sequence) -> dict[str, Any]:
    """A sequence as clients see it."""
    return {
        "id": sequence.id,
        "part": sequence.part_id,
        "resources": [(each.resource_name, each.method_name) for each in sequence.resources],
        "tags": list(sequence.sequence_tags),
        "start": nanos_from(sequence.start_time),
        "end": nanos_from(sequence.end_time),
        "dated": sequence.HasField("created_at") and sequence.HasField("updated_at"),
    }
