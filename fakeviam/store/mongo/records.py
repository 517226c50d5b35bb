"""Reads the documents of one kind of record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from fakeviam.model.records import Record
from fakeviam.store.mongo.keys import position_from
from fakeviam.store.mongo.queries import beyond, every
from fakeviam.store.values import Page, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pymongo.collection import Collection

    from fakeviam.store.mongo.blobs import ChunkedBlobs
    from fakeviam.store.mongo.documents import Document
    from fakeviam.store.mongo.queries import Filter
    from fakeviam.store.values import Position


class DocumentRecords(Generic[Record]):
    """Reads of one kind of record, each consistent with some moment during the call.

    Attributes:
        documents: The collection.
        key: The field with the sort key.
    """

    def __init__(
        self,
        documents: Collection[Document],
        key: str,
        convert: Callable[[Document, Document], Record],
        blobs: ChunkedBlobs,
    ) -> None:
        """Read from `documents`; long bodies are in `blobs`.

        Args:
            documents: The collection.
            key: The field with the sort key.
            convert: Converts a document and its body to a record.
            blobs: The store of long bodies.
        """
        self.documents = documents
        self.key = key
        self._convert: Callable[[Document, Document], Record] = convert
        self._blobs = blobs

    def page(
        self, filter_: Filter, *, after: Position | None, limit: int, descending: bool
    ) -> Page[Record]:
        """At most `limit` selected records after a position, in either order."""
        if limit <= 0:  # MongoDB treats 0 as no limit
            return Page([], None)
        conditions = every([filter_, beyond(self.key, after, descending=descending)])
        rows = self.documents.find(conditions).sort(self.key, -1 if descending else 1).limit(limit)
        documents = list(rows)
        last = position_from(documents[-1][self.key]) if documents else None
        return Page(self._records_of(documents), last)

    def first(self, filter_: Filter, field: str, *, limit: int, descending: bool) -> list[Record]:
        """At most `limit` selected records, ordered by a field, then by their key."""
        order = [(field, -1 if descending else 1), (self.key, 1)]
        return self._records_of(self.documents.find(filter_).sort(order).limit(limit))

    def _records_of(self, documents: Iterable[Document]) -> list[Record]:
        return [record for one in documents if (record := self.record_of(one))]

    def totals(self, filter_: Filter) -> Totals:
        """The number and total size of the selected records."""
        sums = {"_id": None, "records": {"$sum": 1}, "size": {"$sum": "$size"}}
        for row in self.documents.aggregate([{"$match": filter_}, {"$group": sums}]):
            return Totals(row["records"], row["size"])
        return Totals(0, 0)

    def values(self, filter_: Filter, field: str) -> set[str]:
        """The distinct values of a list field in the selected records."""
        # Not `distinct`: its reply is a single document, which is limited to 16 MiB.
        stages: list[Filter] = [
            {"$match": filter_},
            {"$unwind": f"${field}"},
            {"$group": {"_id": f"${field}"}},
        ]
        return {row["_id"] for row in self.documents.aggregate(stages)}

    def rows(self) -> Iterator[tuple[int, Record, Document]]:
        """Every record with its arrival and its document, in order."""
        for document in self.documents.find({}).sort(self.key, 1):
            record = self.record_of(document)
            if record is not None:
                yield position_from(document[self.key]).arrival, record, document

    def record_of(self, document: Document | None) -> Record | None:
        """The record in a document; None if it has been deleted meanwhile."""
        while document is not None:
            body = self.body_of(document)
            if body is not None:
                return self._convert(document, body)
            # Its boxes have changed, and its body has moved: read the document again.
            document = self.documents.find_one({"_id": document["_id"]})
        return None

    def body_of(self, document: Document) -> Document | None:
        """The body of a document; None if it has moved since the document was read."""
        if "body_at" not in document:
            body: Document = document["body"]
            return body
        from bson import decode  # noqa: PLC0415 - of an extra

        data = self._blobs.get(document["body_at"])
        return None if data is None else decode(data)
