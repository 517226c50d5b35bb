"""What the documents of one kind of record answer."""

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
    """Questions about one kind of record, each answered as of some moment while it is asked.

    Attributes:
        documents: Where the documents are.
        key: The field that orders them.
    """

    def __init__(
        self,
        documents: Collection[Document],
        key: str,
        convert: Callable[[Document, Document], Record],
        blobs: ChunkedBlobs,
    ) -> None:
        """Answer from `documents`, whose long bodies are in `blobs`.

        Args:
            documents: Where the documents are.
            key: The field that orders them.
            convert: Makes a record of a document and its body.
            blobs: Where long bodies are.
        """
        self.documents = documents
        self.key = key
        self._convert: Callable[[Document, Document], Record] = convert
        self._blobs = blobs

    def page(
        self, filter_: Filter, *, after: Position | None, limit: int, descending: bool
    ) -> Page[Record]:
        """At most `limit` chosen records beyond a position, in either order."""
        if limit <= 0:  # which MongoDB takes for no limit
            return Page([], None)
        conditions = every([filter_, beyond(self.key, after, descending=descending)])
        rows = self.documents.find(conditions).sort(self.key, -1 if descending else 1).limit(limit)
        documents = list(rows)
        last = position_from(documents[-1][self.key]) if documents else None
        return Page(self._records_of(documents), last)

    def first(self, filter_: Filter, field: str, *, limit: int, descending: bool) -> list[Record]:
        """At most `limit` chosen records by a field; those that are equal in it by their key."""
        order = [(field, -1 if descending else 1), (self.key, 1)]
        return self._records_of(self.documents.find(filter_).sort(order).limit(limit))

    def _records_of(self, documents: Iterable[Document]) -> list[Record]:
        return [record for one in documents if (record := self.record_of(one))]

    def totals(self, filter_: Filter) -> Totals:
        """Number and bytes of the chosen records."""
        sums = {"_id": None, "records": {"$sum": 1}, "size": {"$sum": "$size"}}
        for row in self.documents.aggregate([{"$match": filter_}, {"$group": sums}]):
            return Totals(row["records"], row["size"])
        return Totals(0, 0)

    def values(self, filter_: Filter, field: str) -> set[str]:
        """Distinct values of a list of the chosen records."""
        # Not `distinct`, whose answer is one document and so ends at 16 MiB.
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
        """The record of a document; None if it was deleted meanwhile."""
        while document is not None:
            body = self.body_of(document)
            if body is not None:
                return self._convert(document, body)
            # Its boxes were changed meanwhile, and their place with them.
            document = self.documents.find_one({"_id": document["_id"]})
        return None

    def body_of(self, document: Document) -> Document | None:
        """The body of a document; None if it is no longer where the document says."""
        if "body_at" not in document:
            body: Document = document["body"]
            return body
        from bson import decode  # noqa: PLC0415 - of an extra

        data = self._blobs.get(document["body_at"])
        return None if data is None else decode(data)
