"""What is written to a database, a record at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.store.effects import (
    ArrivalsSet,
    BinaryAdded,
    BinaryDeleted,
    BinaryRow,
    BoxesChanged,
    Changed,
    DatasetDropped,
    DatasetPut,
    PasswordSet,
    TabularAdded,
    TabularDeleted,
    TabularRow,
)
from fakeviam.store.mongo.blobs import batches
from fakeviam.store.mongo.database import BINARY, DATASETS, READINGS, bodies, insert, put
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
from fakeviam.store.mongo.keys import key_text
from fakeviam.store.mongo.reading import Readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.store.effects import StoreEvent
    from fakeviam.store.mongo.documents import Document

    Boxes = tuple[BoundingBox, ...]

#: A longer body goes to the chunks.
_LONG = 2**20

#: So many rows are written at once, and so many bytes.
_ROWS, _BYTES = 500, 2**25


class Writings(Readings):
    """Steps that change a database."""

    # Records -----------------------------------------------------------------------------

    def _put_binary(self, rows: Iterable[BinaryRow]) -> None:
        """Write records in their order, each after its bytes."""
        for some in _portions(rows):
            numbers = self._database.blobs.put([row.data for row in some])
            documents = [
                {**binary_document(row), "file": number, "body": binary_body(row.record)}
                for row, number in zip(some, numbers, strict=True)
            ]
            self._binary.insert_many(self._shortened(documents))

    def _put_tabular(self, rows: Iterable[TabularRow]) -> None:
        for some in batches(rows, _ROWS):
            documents = [{**tabular_document(r), "body": tabular_body(r.record)} for r in some]
            self._tabular.insert_many(self._shortened(documents))

    def _shortened(self, documents: list[Document]) -> list[Document]:
        """The documents, with long bodies put where there is room for them."""
        from bson import encode  # noqa: PLC0415 - of an extra

        blobs = [(one, encode(one["body"])) for one in documents]
        long = [(one, blob) for one, blob in blobs if len(blob) > _LONG]
        numbers = self._database.blobs.put([blob for _, blob in long])
        for (document, _), number in zip(long, numbers, strict=True):
            del document["body"]
            document["body_at"] = number
        return documents

    def _set_boxes(
        self, file_id: str, change: Callable[[Boxes], Boxes], needed: str | None = None
    ) -> Boxes | None:
        """Change the boxes of a record that has the needed one; None if there is none.

        A record whose boxes changed meanwhile is not written, but looked at again; so `change`
        may be asked more than once, and what it raises leaves everything as it was.
        """
        while True:
            document = self._binary.find_one({"_id": file_id})
            if document is None:
                return None
            body = self._body_of(document)
            if body is None:
                continue
            before = boxes_from(body)
            if needed is not None and all(box.id != needed for box in before):
                return None
            boxes = change(before)
            if self._exchange(document, {**body, "boxes": boxes_of(boxes)}, labels_of(boxes)):
                return boxes

    def _exchange(self, document: Document, body: Mapping[str, Any], labels: list[str]) -> bool:
        """Give a document another body; False if it has another one already, or is gone."""
        (new,) = self._shortened([{"body": body}])
        old = "body" if "body_at" in new else "body_at"
        update = {"$set": {**new, "labels": labels}, "$inc": {"revision": 1}, "$unset": {old: ""}}
        which = {"_id": document["_id"], "revision": document["revision"]}
        done = self._binary.update_one(which, update).matched_count == 1
        self._database.blobs.remove(bodies([document if done else new]))
        return done

    # Datasets and database users ---------------------------------------------------------

    def _insert_dataset(self, dataset: Dataset) -> bool:
        number = self._database.take(DATASETS, 1)
        fields = dataset_fields(dataset)
        return insert(self._database.datasets, {"_id": dataset.id, "number": number, **fields})

    def _rename_dataset(self, dataset_id: str, name: str) -> bool:
        from pymongo.errors import DuplicateKeyError  # noqa: PLC0415 - of an extra

        try:
            self._database.datasets.update_one({"_id": dataset_id}, {"$set": {"name": name}})
        except DuplicateKeyError:
            return False
        return True

    def _has_dataset(self, dataset_id: str) -> bool:
        return self._database.datasets.find_one({"_id": dataset_id}, {"_id": 1}) is not None

    def _set_password(self, organization_id: str, password: str) -> None:
        put(self._database.users, organization_id, {"password": password})

    # Effects -----------------------------------------------------------------------------

    def apply(self, effects: Iterable[StoreEvent]) -> None:
        for effect in effects:
            self._apply(effect)

    def _apply(self, effect: StoreEvent) -> None:  # noqa: C901, PLR0912 - a table of effects
        match effect:
            case BinaryAdded(rows):
                for some in _portions(rows):
                    self._database.skip(BINARY, 1 + max(row.arrival for row in some))
                    self._put_binary(some)
            case TabularAdded(rows):
                for readings in batches(rows, _ROWS):
                    self._database.skip(READINGS, 1 + max(row.arrival for row in readings))
                    self._put_tabular(readings)
            case BinaryDeleted(file_ids):
                self._database.delete_binary({"_id": {"$in": list(file_ids)}})
            case TabularDeleted(positions):
                keys = [key_text(*position) for position in positions]
                self._database.delete_tabular({"_id": {"$in": keys}})
            case Changed(field, values):
                for file_id, value in values.items():
                    self._binary.update_one({"_id": file_id}, {"$set": {field: list(value)}})
            case BoxesChanged(file_id, boxes):
                self._set_boxes(file_id, lambda _: boxes)
            case DatasetPut(dataset):
                self._put_dataset(dataset)
            case DatasetDropped(dataset_id):
                self._database.datasets.delete_one({"_id": dataset_id})
            case PasswordSet(organization_id, password):
                self._set_password(organization_id, password)
            case ArrivalsSet(arrivals):
                # Never back: a token may name what is gone.
                self._database.skip(BINARY, arrivals.binary)
                self._database.skip(READINGS, arrivals.tabular)

    def _put_dataset(self, dataset: Dataset) -> None:
        which, fields = {"_id": dataset.id}, dataset_fields(dataset)
        if not self._database.datasets.update_one(which, {"$set": fields}).matched_count:
            self._insert_dataset(dataset)


def _portions(rows: Iterable[BinaryRow]) -> Iterable[Sequence[BinaryRow]]:
    """The rows in lists that are neither long nor heavy."""
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
