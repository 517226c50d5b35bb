"""What the documents of one kind of record answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from fakeviam.model.records import Record
from fakeviam.store.mongo.keys import position_from
from fakeviam.store.mongo.queries import beyond, every
from fakeviam.store.values import Page, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
        documents: Collection[Any],
        key: str,
        convert: Callable[[Mapping[str, Any], Mapping[str, Any]], Record],
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
        self._convert: Callable[[Mapping[str, Any], Mapping[str, Any]], Record] = convert
        self._blobs = blobs

    def page(
        self, chosen: Filter, *, after: Position | None, limit: int, descending: bool
    ) -> Page[Record]:
        """At most `limit` chosen records beyond a position, in either order."""
        if limit <= 0:  # which MongoDB takes for no limit
            return Page([], None)
        wanted = every([chosen, beyond(self.key, after, descending=descending)])
        found = self.documents.find(wanted).sort(self.key, -1 if descending else 1).limit(limit)
        documents = list(found)
        records = [record for one in documents if (record := self.record_of(one))]
        return Page(records, position_from(documents[-1][self.key]) if documents else None)

    def totals(self, chosen: Filter) -> Totals:
        """Number and bytes of the chosen records."""
        sums = {"_id": None, "records": {"$sum": 1}, "size": {"$sum": "$size"}}
        for found in self.documents.aggregate([{"$match": chosen}, {"$group": sums}]):
            return Totals(found["records"], found["size"])
        return Totals(0, 0)

    def values(self, chosen: Filter, field: str) -> set[str]:
        """Distinct values of a list of the chosen records."""
        # Not `distinct`, whose answer is one document and so ends at 16 MiB.
        stages: list[Filter] = [
            {"$match": chosen},
            {"$unwind": f"${field}"},
            {"$group": {"_id": f"${field}"}},
        ]
        return {found["_id"] for found in self.documents.aggregate(stages)}

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

    def body_of(self, document: Document) -> Mapping[str, Any] | None:
        """The body of a document; None if it is no longer where the document says."""
        if "body_at" not in document:
            body: Mapping[str, Any] = document["body"]
            return body
        from bson import decode  # noqa: PLC0415 - of an extra

        data = self._blobs.get(document["body_at"])
        return None if data is None else decode(data)
