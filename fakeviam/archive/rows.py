"""Records and what belongs to them, as JSON objects and back.

Records name their source by a hash of it, so that a thousand records of one camera do not say a
thousand times which machine it is on, and none of them changes when another source is added.
"""

from __future__ import annotations

import dataclasses
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from fakeviam.archive.lines import Fields, damaged, line_of, time_text, without_defaults
from fakeviam.archive.readings import payload_from, reading_fields
from fakeviam.model.annotations import COORDINATES, BoundingBox, Classification
from fakeviam.model.datasets import Dataset, DatasetType
from fakeviam.model.fleet import Location, Organization, Part, Robot
from fakeviam.model.records import BinaryRecord, Parameter, Source, TabularRecord
from fakeviam.store.values import BinaryRow, TabularRow

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, object]

_SOURCE_TEXTS = tuple(
    field.name for field in dataclasses.fields(Source) if field.name != "method_parameters"
)


class Sources:
    """The sources that records name."""

    def __init__(self) -> None:
        """Know none yet."""
        self._names: dict[Source, str] = {}
        self._sources: dict[str, Source] = {}

    def __iter__(self) -> Iterator[tuple[str, Source]]:
        return iter(sorted(self._sources.items()))

    def __contains__(self, source: Source) -> bool:
        return source in self._names

    def name(self, source: Source) -> str:
        """The name of a source, which is the same wherever it is asked for."""
        name = self._names.get(source)
        if name is None:
            name = sha256(line_of(source_row(source))).hexdigest()[:16]
            self.put(name, source)
        return name

    def put(self, name: str, source: Source) -> None:
        """Know a source by this name."""
        self._names[source] = name
        self._sources[name] = source

    def named_in(self, fields: Fields) -> Source:
        """The source that the fields of a record name."""
        return self.named(fields.text("source"), fields.where)

    def named(self, name: str, where: str) -> Source:
        """The source of a name that stands at `where`.

        Raises:
            DamageError: There is none.
        """
        if name not in self._sources:
            raise damaged(where, f"source names {name!r}, which is not among the sources")
        return self._sources[name]


def source_row(source: Source) -> Row:
    """A source, without its name."""
    row: Row = {name: getattr(source, name) for name in _SOURCE_TEXTS}
    row["method_parameters"] = [
        {"key": one.key, "type_url": one.type_url, "value": b64encode(one.value).decode()}
        for one in source.method_parameters
    ]
    return without_defaults(row)


def source_from(fields: Fields) -> Source:
    """The source of such a row."""
    texts = {name: fields.text(name, "") for name in _SOURCE_TEXTS}
    parameters = tuple(
        _parameter_from(Fields(one, f"{fields.where}, method_parameters"))
        for one in fields.items("method_parameters")
    )
    return Source(**texts, method_parameters=parameters)


def _parameter_from(fields: Fields) -> Parameter:
    made = Parameter(
        key=fields.text("key"), type_url=fields.text("type_url"), value=fields.blob("value")
    )
    fields.done()
    return made


def binary_row(row: BinaryRow, sources: Sources, digest: str) -> Row:
    """A binary record; `digest` names its bytes."""
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


def binary_from(fields: Fields, sources: Sources) -> tuple[int, BinaryRecord]:
    """Arrival and record of such a row; its field `sha256` is the caller's."""
    record = BinaryRecord(
        file_id=fields.text("file_id"),
        source=sources.named_in(fields),
        time_requested=fields.time("time_requested"),
        time_received=fields.time("time_received"),
        time_synced=fields.time("time_synced"),
        mime_type=fields.text("mime_type", ""),
        file_name=fields.text("file_name", ""),
        file_ext=fields.text("file_ext", ""),
        size=fields.number("size"),
        tags=fields.texts("tags"),
        boxes=boxes_from(fields),
        classifications=_classifications_from(fields),
        dataset_ids=fields.texts("dataset_ids"),
        internal=fields.flag("internal"),
    )
    return fields.number("arrival"), record


def annotation_row(one: BoundingBox | Classification) -> Row:
    """A bounding box or a classification."""
    row = _plain(one)
    if one.confidence is None:
        del row["confidence"]
    return row


def boxes_from(fields: Fields) -> tuple[BoundingBox, ...]:
    """The bounding boxes in the field `boxes`."""
    places = [Fields(one, f"{fields.where}, boxes") for one in fields.items("boxes")]
    boxes = tuple(
        BoundingBox(
            id=one.text("id"),
            label=one.text("label"),
            confidence=one.optional_fraction("confidence"),
            **{name: one.fraction(name) for name in COORDINATES},
        )
        for one in places
    )
    for one in places:
        one.done()
    return boxes


def _classifications_from(fields: Fields) -> tuple[Classification, ...]:
    places = [
        Fields(one, f"{fields.where}, classifications") for one in fields.items("classifications")
    ]
    marks = tuple(
        Classification(
            id=one.text("id"),
            label=one.text("label"),
            confidence=one.optional_fraction("confidence"),
        )
        for one in places
    )
    for one in places:
        one.done()
    return marks


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


def tabular_from(fields: Fields, sources: Sources) -> TabularRow:
    """The reading of such a row."""
    record = TabularRecord(
        id=fields.text("id"),
        file_id=fields.text("file_id"),
        source=sources.named_in(fields),
        time_requested=fields.time("time_requested"),
        time_received=fields.time("time_received"),
        time_synced=fields.time("time_synced"),
        payload=payload_from(fields),
        mime_type=fields.text("mime_type", ""),
        tags=fields.texts("tags"),
        internal=fields.flag("internal"),
    )
    return TabularRow(fields.number("arrival"), record)


def dataset_row(dataset: Dataset) -> Row:
    """A dataset."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "organization_id": dataset.organization_id,
        "time_created": time_text(dataset.time_created),
        "type": dataset.type.name,
    }


def dataset_from(fields: Fields) -> Dataset:
    """The dataset of such a row."""
    kind = fields.text("type")
    if kind not in DatasetType.__members__:
        raise fields.wrong("type", f"one of {', '.join(DatasetType.__members__)}", kind)
    return Dataset(
        id=fields.text("id"),
        name=fields.text("name"),
        organization_id=fields.text("organization_id"),
        time_created=fields.time("time_created"),
        type=DatasetType[kind],
    )


def fleet_row(one: Organization | Location | Robot | Part) -> Row:
    """An organization, a location, a robot or a part."""
    return {"kind": type(one).__name__.lower()} | _plain(one)


def organization_from(fields: Fields) -> Organization:
    """The organization of such a row."""
    return Organization(id=fields.text("id"), name=fields.text("name"))


def location_from(fields: Fields) -> Location:
    """The location of such a row."""
    return Location(
        id=fields.text("id"),
        name=fields.text("name"),
        organization_id=fields.text("organization_id"),
    )


def robot_from(fields: Fields) -> Robot:
    """The robot of such a row."""
    return Robot(
        id=fields.text("id"), name=fields.text("name"), location_id=fields.text("location_id")
    )


def part_from(fields: Fields) -> Part:
    """The part of such a row."""
    texts = [field.name for field in dataclasses.fields(Part) if field.name != "internal"]
    return Part(**{name: fields.text(name) for name in texts}, internal=fields.flag("internal"))


def _plain(one: BoundingBox | Classification | Organization | Location | Robot | Part) -> Row:
    return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
