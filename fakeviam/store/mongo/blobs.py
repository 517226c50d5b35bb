"""Bytes in chunks, beside the documents: files, and bodies that are long.

A blob is written before the document that names it and removed after it is gone, under a number
that nothing else ever gets. So a document always has its bytes, and a server that was killed
leaves at worst a blob that no document names; `sweep` removes those when they are old.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from bson import ObjectId
    from pymongo.collection import Collection as MongoCollection

    from fakeviam.store.mongo.documents import Document

#: Bytes of a chunk; small enough to be far from MongoDB's limit.
CHUNK = 4 * 2**20


class ChunkedBlobs:
    """The chunks of one database."""

    def __init__(self, chunks: MongoCollection[Document], take: Callable[[int], list[int]]) -> None:
        """Keep chunks there; `take` gives so many new numbers."""
        self._chunks = chunks
        self._take = take

    def put(self, blobs: Sequence[bytes]) -> list[int]:
        """Write blobs; answer their numbers."""
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
        """The bytes of a blob; None if it was removed."""
        chunks = list(self._chunks.find(_of([number]), {"data": 1, "of": 1}).sort("_id", 1))
        data = b"".join(chunk["data"] for chunk in chunks)
        return data if chunks and max(len(data), 1) == chunks[0]["of"] else None

    def remove(self, numbers: Collection[int]) -> None:
        """Remove blobs; those that are gone already do not matter."""
        for some in batches(numbers, 200):
            self._chunks.delete_many(_of(some))

    def sweep(self, referenced: Callable[[Sequence[int]], set[int]], *, before: ObjectId) -> int:
        """Remove blobs born before this that no document names; answer how many.

        Args:
            referenced: Of these numbers, those that a document names.
            before: Younger blobs may belong to a document that is being written.
        """
        old = self._chunks.find({"born": {"$lt": before}}, {"blob": 1})
        removed = 0
        for some in batches(sorted({chunk["blob"] for chunk in old}), 200):
            orphans = set(some) - referenced(some)
            self.remove(orphans)
            removed += len(orphans)
        return removed


def a_day_ago() -> ObjectId:
    """What was born a day ago, by the driver's clock: only orphans are judged by it."""
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
    """The chunks of these blobs."""
    return {"blob": {"$in": list(numbers)}}
