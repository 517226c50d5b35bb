"""Converts records and related objects to JSON objects and back.

Records refer to their source by its hash, so that the source is not repeated for each of them, and
none of them changes when another source is added.
"""

from __future__ import annotations

import dataclasses
import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from fakeviam.archive.lines import damaged, line_of, time_text, without_defaults
from fakeviam.archive.readings import reading_fields
from fakeviam.model.fleet import Metadata
from fakeviam.model.records import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.annotations import BoundingBox, Classification
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.fleet import FleetState, Location, Organization, Part, Robot
    from fakeviam.store.values import BinaryRow, TabularRow

Row = dict[str, object]

_SOURCE_TEXTS = tuple(
    field.name for field in dataclasses.fields(Source) if field.name != "method_parameters"
)


class Sources:
    """The sources of records."""

    def __init__(self) -> None:
        """Start without sources."""
        self._names: dict[Source, str] = {}
        self._sources: dict[str, Source] = {}

    def __iter__(self) -> Iterator[tuple[str, Source]]:
        return iter(sorted(self._sources.items()))

    def __contains__(self, source: Source) -> bool:
        return source in self._names

    def name(self, source: Source) -> str:
        """The hash of a source, which is the same in every archive."""
        name = self._names.get(source)
        if name is None:
            name = sha256(line_of(source_row(source))).hexdigest()[:16]
            self.put(name, source)
        return name

    def put(self, name: str, source: Source) -> None:
        """Add a source with its hash."""
        self._names[source] = name
        self._sources[name] = source

    def named(self, name: str, where: str) -> Source:
        """The source with a hash that is used at `where`.

        Raises:
            DamageError: It does not exist.
        """
        if name not in self._sources:
            raise damaged(where, f"source names {name!r}, which is not among the sources")
        return self._sources[name]


def source_row(source: Source) -> Row:
    """A source, without its hash."""
    row: Row = {name: getattr(source, name) for name in _SOURCE_TEXTS}
    row["method_parameters"] = [
        {"key": one.key, "type_url": one.type_url, "value": b64encode(one.value).decode()}
        for one in source.method_parameters
    ]
    return without_defaults(row)


def binary_row(row: BinaryRow, sources: Sources, digest: str) -> Row:
    """A binary record; `digest` is the hash of its bytes."""
    record = row.record
    return {
        "arrival": row.arrival,
        "file_id": record.file_id,
        "sha256": digest,
        "size": record.size,
        "source": sources.name(record.source),
        "time_received": time_text(record.time_received),
        "time_requested": time_text(record.time_requested),
        "time_synced": time_text(record.time_synced),
    } | without_defaults(
        {
            "boxes": [annotation_row(box) for box in record.boxes],
            "classifications": [annotation_row(one) for one in record.classifications],
            "dataset_ids": list(record.dataset_ids),
            "file_ext": record.file_ext,
            "file_name": record.file_name,
            "internal": record.internal,
            "mime_type": record.mime_type,
            "tags": list(record.tags),
        }
    )


def annotation_row(one: BoundingBox | Classification) -> Row:
    """A bounding box or a classification."""
    row = _plain(one)
    if one.confidence is None:
        del row["confidence"]
    return row


def tabular_row(row: TabularRow, sources: Sources) -> Row:
    """A reading."""
    record = row.record
    return {
        "arrival": row.arrival,
        "file_id": record.file_id,
        "id": record.id,
        "source": sources.name(record.source),
        "time_received": time_text(record.time_received),
        "time_requested": time_text(record.time_requested),
        "time_synced": time_text(record.time_synced),
        **reading_fields(record.payload),
    } | without_defaults(
        {
            "internal": record.internal,
            "mime_type": record.mime_type,
            "tags": list(record.tags),
        }
    )


def dataset_row(dataset: Dataset) -> Row:
    """A dataset."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "organization_id": dataset.organization_id,
        "time_created": time_text(dataset.time_created),
        "type": dataset.type.name,
    }


def fleet_row(one: Organization | Location | Robot | Part | Metadata) -> Row:
    """An organization, a location, a robot or a part; or the metadata of one."""
    if isinstance(one, Metadata):
        return {"kind": "metadata", "id": one.id, "data": json.loads(one.text)}
    row = {name: value for name, value in _plain(one).items() if value is not None}
    return {"kind": type(one).__name__.lower()} | row


def fleet_rows(fleet: FleetState) -> Iterator[Row]:
    """A whole fleet."""
    groups = (fleet.organizations, fleet.locations, fleet.robots, fleet.parts, fleet.metadata)
    for group in groups:
        yield from map(fleet_row, group)


def _plain(one: BoundingBox | Classification | Organization | Location | Robot | Part) -> Row:
    return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
