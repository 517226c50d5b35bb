"""Writes records to a database, one atomic operation each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.store.mongo.blobs import batches
from fakeviam.store.mongo.database import DATASETS, bodies, insert
from fakeviam.store.mongo.documents import (
    binary_body,
    binary_document,
    boxes_from,
    boxes_of,
    dataset_fields,
    labels_of,
    tabular_body,
    tabular_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.base import BoxChange
    from fakeviam.store.mongo.database import Database
    from fakeviam.store.mongo.documents import Document
    from fakeviam.store.mongo.records import DocumentRecords
    from fakeviam.store.values import BinaryRow, TabularRow

#: A longer body is moved to the chunks.
_LONG = 2**20

#: The maximum number of rows, and of bytes, in one write.
_ROWS, _BYTES = 500, 2**25


class DocumentWriter:
    """Changes a database."""

    def __init__(self, database: Database, binary: DocumentRecords[BinaryRecord]) -> None:
        """Write to a database; `binary` reads its binary records."""
        self._database = database
        self._binary = binary

    # Records -----------------------------------------------------------------------------

    def put_binary(self, rows: Iterable[BinaryRow]) -> None:
        """Write binary records in order, each after its bytes."""
        for some in _portions(rows):
            numbers = self._database.blobs.put([row.data for row in some])
            documents = [
                {**binary_document(row), "file": number, "body": binary_body(row.record)}
                for row, number in zip(some, numbers, strict=True)
            ]
            self._database.binary.insert_many(self._shortened(documents))

    def put_tabular(self, rows: Iterable[TabularRow]) -> None:
        """Write readings in order."""
        for some in batches(rows, _ROWS):
            documents = [{**tabular_document(r), "body": tabular_body(r.record)} for r in some]
            self._database.readings.insert_many(self._shortened(documents))

    def _shortened(self, documents: list[Document]) -> list[Document]:
        """The documents, with long bodies moved to the chunks."""
        from bson import encode  # noqa: PLC0415 - of an extra

        blobs = [(one, encode(one["body"])) for one in documents]
        long = [(one, blob) for one, blob in blobs if len(blob) > _LONG]
        numbers = self._database.blobs.put([blob for _, blob in long])
        for (document, _), number in zip(long, numbers, strict=True):
            del document["body"]
            document["body_at"] = number
        return documents

    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None) -> bool:
        """Change the boxes of a record; False if it is unknown or lacks the needed box.

        The record is read again if its boxes have changed before the write, so `change` may be
        called more than once; if it raises, nothing has changed.
        """
        while (document := self._database.binary.find_one({"_id": file_id})) is not None:
            body = self._binary.body_of(document)
            if body is None:
                continue
            before = boxes_from(body)
            if needed is not None and all(box.id != needed for box in before):
                return False
            boxes = change(before)
            if self._exchange(document, {**body, "boxes": boxes_of(boxes)}, labels_of(boxes)):
                return True
        return False

    def _exchange(self, document: Document, body: Document, labels: list[str]) -> bool:
        """Replace the body of a document; False if the body has changed or is gone."""
        (new,) = self._shortened([{"body": body}])
        old = "body" if "body_at" in new else "body_at"
        update = {"$set": {**new, "labels": labels}, "$inc": {"revision": 1}, "$unset": {old: ""}}
        which = {"_id": document["_id"], "revision": document["revision"]}
        is_updated = self._database.binary.update_one(which, update).matched_count == 1
        self._database.blobs.remove(bodies([document if is_updated else new]))
        return is_updated

    # Datasets ----------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset) -> bool:
        """Add a dataset; False if its name is taken."""
        number = self._database.take(DATASETS, 1)
        fields = dataset_fields(dataset)
        return insert(self._database.datasets, {"_id": dataset.id, "number": number, **fields})

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        """Rename a dataset; False if the name is taken."""
        from pymongo.errors import DuplicateKeyError  # noqa: PLC0415 - of an extra

        try:
            self._database.datasets.update_one({"_id": dataset_id}, {"$set": {"name": name}})
        except DuplicateKeyError:
            return False
        return True


def _portions(rows: Iterable[BinaryRow]) -> Iterable[Sequence[BinaryRow]]:
    """Split rows into lists that are limited in number and in bytes."""
    some: list[BinaryRow] = []
    weight = 0
    for row in rows:
        some.append(row)
        weight += len(row.data)
        if len(some) == _ROWS or weight >= _BYTES:
            yield some
            some, weight = [], 0
    if some:
        yield some
