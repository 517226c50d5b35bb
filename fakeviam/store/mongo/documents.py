"""Converts records to documents and back.

Fields that are filtered by are fields of the document; the rest is its `body`, which is moved to
the chunks if it is long, because MongoDB limits documents to 16 MiB.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fakeviam.model.annotations import BoundingBox, Classification
from fakeviam.model.datasets import Dataset, DatasetType
from fakeviam.model.records import BinaryRecord, Parameter, Source, TabularRecord
from fakeviam.store.mongo.keys import key_text, time_from, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.store.values import BinaryRow, TabularRow

Document = dict[str, Any]


def binary_document(row: BinaryRow) -> Document:
    """A binary record, without its body and the location of its bytes."""
    record = row.record
    return {
        "_id": record.file_id,
        "key": key_text(record.time_requested, row.arrival),
        **_common(record),
        "size": record.size,
        "dataset_ids": list(record.dataset_ids),
        "labels": labels_of(record.boxes),
        "revision": 0,
    }


def binary_body(record: BinaryRecord) -> Document:
    """The part of a binary record that is not filtered by."""
    return {
        "file_name": record.file_name,
        "file_ext": record.file_ext,
        "parameters": _parameters(record.source),
        "boxes": boxes_of(record.boxes),
        "classifications": [asdict(one) for one in record.classifications],
    }


def boxes_of(boxes: Iterable[BoundingBox]) -> list[Document]:
    """Convert bounding boxes for a body."""
    return [asdict(box) for box in boxes]


def boxes_from(body: Document) -> tuple[BoundingBox, ...]:
    """The bounding boxes in a body."""
    return tuple(BoundingBox(**box) for box in body["boxes"])


def labels_of(boxes: Iterable[BoundingBox]) -> list[str]:
    """The distinct labels of bounding boxes."""
    return sorted({box.label for box in boxes})


def binary_from(document: Document, body: Document) -> BinaryRecord:
    """The binary record in a document."""
    return BinaryRecord(
        file_id=document["_id"],
        **_common_from(document, document["key"], body),
        file_name=body["file_name"],
        file_ext=body["file_ext"],
        size=document["size"],
        boxes=boxes_from(body),
        classifications=tuple(Classification(**one) for one in body["classifications"]),
        dataset_ids=tuple(document["dataset_ids"]),
    )


def tabular_document(row: TabularRow) -> Document:
    """A reading, without its body."""
    record = row.record
    return {
        "_id": key_text(record.time_requested, row.arrival),
        "reading_id": record.id,
        "file_id": record.file_id,
        **_common(record),
        "size": record.size,
    }


def tabular_body(record: TabularRecord) -> Document:
    """The part of a reading that is not filtered by."""
    return {"parameters": _parameters(record.source), "payload": record.payload}


def tabular_from(document: Document, body: Document) -> TabularRecord:
    """The reading in a document."""
    return TabularRecord(
        id=document["reading_id"],
        file_id=document["file_id"],
        **_common_from(document, document["_id"], body),
        payload=bytes(body["payload"]),
    )


def dataset_fields(dataset: Dataset) -> Document:
    """A dataset, without its id."""
    return {
        "name": dataset.name,
        "organization_id": dataset.organization_id,
        "time_created": time_text(dataset.time_created),
        "type": int(dataset.type),
    }


def dataset_from(document: Document) -> Dataset:
    """The dataset in a document."""
    return Dataset(
        id=document["_id"],
        name=document["name"],
        organization_id=document["organization_id"],
        time_created=time_from(document["time_created"]),
        type=DatasetType(document["type"]),
    )


def _common(record: BinaryRecord | TabularRecord) -> Document:
    source = asdict(record.source)
    del source["method_parameters"]
    return {
        "source": source,
        "received": time_text(record.time_received),
        "synced": time_text(record.time_synced),
        "mime_type": record.mime_type,
        "tags": list(record.tags),
        "internal": record.internal,
    }


def _common_from(document: Document, key: str, body: Document) -> Document:
    parameters = tuple(
        Parameter(key=one["key"], type_url=one["type_url"], value=bytes(one["value"]))
        for one in body["parameters"]
    )
    return {
        "source": Source(**document["source"], method_parameters=parameters),
        "time_requested": time_from(key),
        "time_received": time_from(document["received"]),
        "time_synced": time_from(document["synced"]),
        "mime_type": document["mime_type"],
        "tags": tuple(document["tags"]),
        "internal": document["internal"],
    }


def _parameters(source: Source) -> list[Document]:
    return [asdict(one) for one in source.method_parameters]
