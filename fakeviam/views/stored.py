"""Stored files, readings and datasets as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import moment_of
from fakeviam.wire.values import mapping_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fakeviam.model.annotations import BoundingBox, Classification
    from fakeviam.model.records import AnyRecord, BinaryRecord, TabularRecord
    from fakeviam.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """The common attributes of files and readings."""

    id: str
    file_id: str
    tags: tuple[str, ...]
    component_name: str
    component_type: str
    method_name: str
    part_id: str
    part_name: str
    robot_id: str
    robot_name: str
    location_id: str
    organization_id: str
    time_requested: datetime
    time_received: datetime
    time_synced: datetime
    internal: bool

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class StoredFile(_Stored):
    """A file with its bytes and all metadata.

    Attributes:
        id: The binary data id: organization, location and file id, joined by slashes.
        file_id: The last part of the id.
        name: Name with the extension.
        extension: As in `.jpg`; may be empty.
        data: The bytes.
        tags: Tags in the order they were added.
        boxes: Bounding boxes.
        classifications: Labels of the whole image.
        dataset_ids: Ids of the datasets that contain it.
        time_requested: When it was captured; aware UTC, as the other times.
        time_received: When the sensor answered.
        time_synced: When the cloud stored it.
        internal: Whether Viam itself uploaded it, so that queries hide it by default (PG-10).
    """

    name: str
    extension: str
    data: bytes
    size: int
    mime_type: str
    boxes: tuple[BoundingBox, ...]
    classifications: tuple[Classification, ...]
    dataset_ids: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The distinct labels of its bounding boxes."""
        return tuple(dict.fromkeys(box.label for box in self.boxes))

    def __str__(self) -> str:
        tags = f" tags={list(self.tags)}" if self.tags else ""
        return f"{self.name or self.file_id!r} {self.mime_type} {self.size} bytes{tags} {self.id}"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class StoredReading(_Stored):
    """A reading with all metadata.

    Attributes:
        id: Its id.
        file_id: Id of its upload.
        data: The payload as uploaded; immutable at the top level.
        time_requested: When it was captured; aware UTC, as the other times.
        time_received: When the sensor answered.
        time_synced: When the cloud stored it.
        internal: Whether Viam itself uploaded it, so that queries hide it by default (PG-10).
    """

    data: Mapping[str, Any]

    __hash__ = None  # type: ignore[assignment]  # the payload is not hashable

    def __str__(self) -> str:
        source = f"{self.component_name}.{self.method_name}".strip(".") or self.part_name
        return f"{self.time_requested.isoformat()} {source} {dict(self.data)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDataset:
    """A dataset.

    Attributes:
        type: `binary` or `sequence`.
        time_created: Aware UTC.
        files: Its current members, as a view like `cloud.files`.
    """

    id: str
    name: str
    organization_id: str
    type: str
    time_created: datetime
    files: View[StoredFile] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name!r} {self.id}"

    def __repr__(self) -> str:
        return f"<StoredDataset {self}>"


def stored_file(record: BinaryRecord, data: bytes) -> StoredFile:
    """Convert a record of the store."""
    return StoredFile(
        id=record.binary_data_id,
        name=record.name,
        extension=record.file_ext,
        data=data,
        size=record.size,
        mime_type=record.mime_type,
        boxes=record.boxes,
        classifications=record.classifications,
        dataset_ids=record.dataset_ids,
        **_common(record),
    )


def stored_reading(record: TabularRecord) -> StoredReading:
    """Convert a record of the store."""
    data = mapping_from(Struct.FromString(record.payload))
    return StoredReading(id=record.id, data=MappingProxyType(data), **_common(record))


def _common(record: AnyRecord) -> dict[str, Any]:
    source = record.source
    return {
        "file_id": record.file_id,
        "tags": record.tags,
        "component_name": source.component_name,
        "component_type": source.component_type,
        "method_name": source.method_name,
        "part_id": source.part_id,
        "part_name": source.part_name,
        "robot_id": source.robot_id,
        "robot_name": source.robot_name,
        "location_id": source.location_id,
        "organization_id": source.organization_id,
        "time_requested": moment_of(record.time_requested),
        "time_received": moment_of(record.time_received),
        "time_synced": moment_of(record.time_synced),
        "internal": record.internal,
    }
