"""What a store in a database answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.store.effects import BinaryRow, Sink, TabularRow
from fakeviam.store.mongo.blobs import batches
from fakeviam.store.mongo.database import BINARY, READINGS
from fakeviam.store.mongo.documents import binary_from, dataset_from, tabular_from
from fakeviam.store.mongo.keys import position_from
from fakeviam.store.mongo.queries import (
    BINARY_KEY,
    TABULAR_KEY,
    Filter,
    beyond,
    binary_filter,
    every,
    tabular_filter,
)
from fakeviam.store.protocol import Arrivals, Holdings, Page, Position, Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pymongo.collection import Collection

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.mongo.database import Database
    from fakeviam.store.mongo.documents import Document


class Readings:
    """Questions to a database. Each is answered as of some moment while it is being asked."""

    def __init__(self, database: Database) -> None:
        """Ask this database."""
        self.sink: Sink | None = None
        self._database = database
        self._binary = database.binary
        self._tabular = database.readings

    # Records -----------------------------------------------------------------------------

    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        asked = list(file_ids)
        found: dict[str, BinaryRecord] = {}
        for some in batches(dict.fromkeys(asked), 1000):
            for document in self._binary.find({"_id": {"$in": some}}):
                record = self._binary_of(document)
                if record is not None:
                    found[record.file_id] = record
        return [found.get(file_id) for file_id in asked]

    def read(self, file_id: str) -> bytes:
        document = self._binary.find_one({"_id": file_id}, {"file": 1})
        data = None if document is None else self._database.blobs.get(document["file"])
        if data is None:
            raise KeyError(file_id)
        return data

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        chosen = every([binary_filter(query), beyond(BINARY_KEY, after, descending=descending)])
        documents = _page(self._binary, chosen, BINARY_KEY, limit, descending=descending)
        records = [record for one in documents if (record := self._binary_of(one))]
        return Page(records, _last(documents, BINARY_KEY))

    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        chosen = every([tabular_filter(query), beyond(TABULAR_KEY, after, descending=descending)])
        documents = _page(self._tabular, chosen, TABULAR_KEY, limit, descending=descending)
        records = [record for one in documents if (record := self._tabular_of(one))]
        return Page(records, _last(documents, TABULAR_KEY))

    def _binary_of(self, document: Document | None) -> BinaryRecord | None:
        """The record of a document; None if it was deleted meanwhile."""
        while document is not None:
            body = self._body_of(document)
            if body is not None:
                return binary_from(document, body)
            # Its boxes were changed meanwhile, and their place with them.
            document = self._binary.find_one({"_id": document["_id"]})
        return None

    def _tabular_of(self, document: Document) -> TabularRecord | None:
        body = self._body_of(document)
        return None if body is None else tabular_from(document, body)

    def _body_of(self, document: Document) -> Mapping[str, Any] | None:
        """The body of a document; None if it is no longer where the document says."""
        if "body_at" not in document:
            body: Mapping[str, Any] = document["body"]
            return body
        from bson import decode  # noqa: PLC0415 - of an extra

        data = self._database.blobs.get(document["body_at"])
        return None if data is None else decode(data)

    # Sums --------------------------------------------------------------------------------

    def binary_totals(self, query: Query) -> Totals:
        return _totals(self._binary, binary_filter(query))

    def tabular_totals(self, query: Query) -> Totals:
        return _totals(self._tabular, tabular_filter(query))

    def binary_tags(self, query: Query) -> set[str]:
        return _distinct(self._binary, binary_filter(query), "tags")

    def tabular_tags(self, query: Query) -> set[str]:
        return _distinct(self._tabular, tabular_filter(query), "tags")

    def dataset_ids(self, query: Query) -> set[str]:
        return _distinct(self._binary, binary_filter(query), "dataset_ids")

    def box_labels(self, query: Query) -> set[str]:
        return _distinct(self._binary, binary_filter(query), "labels")

    # Datasets and database users ---------------------------------------------------------

    def dataset(self, dataset_id: str) -> Dataset | None:
        found = self._database.datasets.find_one({"_id": dataset_id})
        return None if found is None else dataset_from(found)

    def datasets(self, organization_id: str) -> list[Dataset]:
        return self._datasets({"organization_id": organization_id})

    def _datasets(self, chosen: Filter) -> list[Dataset]:
        return [dataset_from(one) for one in self._database.datasets.find(chosen).sort("number", 1)]

    def database_password(self, organization_id: str) -> str | None:
        found = self._database.users.find_one({"_id": organization_id})
        return None if found is None else str(found["password"])

    # The whole of it ---------------------------------------------------------------------

    def holdings(self) -> Holdings:
        return Holdings(
            _totals(self._binary, {}),
            _totals(self._tabular, {}),
            self._database.datasets.count_documents({}),
            self._database.users.count_documents({}),
        )

    def binary_rows(self) -> Iterator[BinaryRow]:
        for document in self._binary.find({}).sort(BINARY_KEY, 1):
            record = self._binary_of(document)
            data = self._database.blobs.get(document["file"])
            if record is not None and data is not None:
                yield BinaryRow(position_from(document[BINARY_KEY]).arrival, record, data)

    def tabular_rows(self) -> Iterator[TabularRow]:
        for document in self._tabular.find({}).sort(TABULAR_KEY, 1):
            record = self._tabular_of(document)
            if record is not None:
                yield TabularRow(position_from(document[TABULAR_KEY]).arrival, record)

    def all_datasets(self) -> list[Dataset]:
        return self._datasets({})

    def database_passwords(self) -> Mapping[str, str]:
        return {one["_id"]: one["password"] for one in self._database.users.find({})}

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self._database.next(BINARY), self._database.next(READINGS))


def _page(
    collection: Collection[Any], chosen: Filter, place: str, limit: int, *, descending: bool
) -> list[Document]:
    if limit <= 0:  # which MongoDB takes for no limit
        return []
    return list(collection.find(chosen).sort(place, -1 if descending else 1).limit(limit))


def _last(documents: list[Document], place: str) -> Position | None:
    return position_from(documents[-1][place]) if documents else None


def _totals(collection: Collection[Any], chosen: Filter) -> Totals:
    sums = {"_id": None, "records": {"$sum": 1}, "size": {"$sum": "$size"}}
    for found in collection.aggregate([{"$match": chosen}, {"$group": sums}]):
        return Totals(found["records"], found["size"])
    return Totals(0, 0)


def _distinct(collection: Collection[Any], chosen: Filter, field: str) -> set[str]:
    # Not `distinct`, whose answer is one document and so ends at 16 MiB.
    stages: list[Filter] = [
        {"$match": chosen},
        {"$unwind": f"${field}"},
        {"$group": {"_id": f"${field}"}},
    ]
    return {found["_id"] for found in collection.aggregate(stages)}
