"""Binary contents in chunks: files, and bodies that are too long for a document.

A blob is written before the document that refers to it, and removed after the document, and its
number is never reused. So every document has its bytes, and a server that is killed leaves at most
a blob without a document; `sweep` removes those once they are old.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from bson import ObjectId
    from pymongo.collection import Collection as MongoCollection

    from fakeviam.store.mongo.documents import Document

#: The size of a chunk, well below MongoDB's limit.
CHUNK = 4 * 2**20


class ChunkedBlobs:
    """The chunks in one database."""

    def __init__(self, chunks: MongoCollection[Document], take: Callable[[int], list[int]]) -> None:
        """Store chunks in a collection; `take` returns new numbers."""
        self._chunks = chunks
        self._take = take

    def put(self, blobs: Sequence[bytes]) -> list[int]:
        """Write blobs; returns their numbers."""
        from bson import ObjectId  # noqa: PLC0415 - of an extra

        if not blobs:
            return []
        numbers = self._take(len(blobs))
        self._chunks.insert_many(
            {
                "_id": f"{number:016x}:{place:06x}",
                "blob": number,
                "of": max(len(data), 1),
                "born": ObjectId(),
                "data": data[start : start + CHUNK],
            }
            for number, data in zip(numbers, blobs, strict=True)
            for place, start in enumerate(range(0, max(len(data), 1), CHUNK))
        )
        return numbers

    def get(self, number: int) -> bytes | None:
        """The bytes of a blob; None if it does not exist."""
        chunks = list(self._chunks.find(_of([number]), {"data": 1, "of": 1}).sort("_id", 1))
        data = b"".join(chunk["data"] for chunk in chunks)
        return data if chunks and max(len(data), 1) == chunks[0]["of"] else None

    def remove(self, numbers: Collection[int]) -> None:
        """Remove blobs; unknown numbers are ignored."""
        for some in batches(numbers, 200):
            self._chunks.delete_many(_of(some))

    def sweep(self, referenced: Callable[[Sequence[int]], set[int]], *, before: ObjectId) -> int:
        """Remove unreferenced blobs created before a time; returns how many.

        Args:
            referenced: Returns those of some numbers to which a document refers.
            before: Newer blobs may belong to a document that is being written.
        """
        old = self._chunks.find({"born": {"$lt": before}}, {"blob": 1})
        removed = 0
        for some in batches(sorted({chunk["blob"] for chunk in old}), 200):
            orphans = set(some) - referenced(some)
            self.remove(orphans)
            removed += len(orphans)
        return removed


def a_day_ago() -> ObjectId:
    """An id of a day ago, by the driver's clock, which only decides about orphans."""
    from bson import ObjectId  # noqa: PLC0415 - of an extra

    return ObjectId.from_datetime(ObjectId().generation_time - timedelta(days=1))


def batches(values: Iterable[object], size: int) -> Iterable[list[Any]]:
    """The values in lists of at most `size`."""
    batch: list[object] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _of(numbers: Iterable[int]) -> Document:
    """A filter for the chunks of these blobs."""
    return {"blob": {"$in": list(numbers)}}
