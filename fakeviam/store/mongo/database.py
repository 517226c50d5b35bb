"""A MongoDB database used by fakeviam: its collections, its format, its counters.

Everything stands in collections that begin with `fakeviam.`; others in the database are left
alone.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
from fakeviam.store.mongo.blobs import ChunkedBlobs, batches
from fakeviam.store.mongo.queries import BINARY_INDEXED, BINARY_KEY, TABULAR_INDEXED, TABULAR_KEY
from fakeviam.store.mongo.reached import Reached

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bson import ObjectId
    from pymongo.collection import Collection
    from pymongo.database import Database as PymongoDatabase

    from fakeviam.store.mongo.documents import Document

#: Format of the documents. Another one is refused: nothing is guessed.
FORMAT = 1

#: What counters count.
BINARY, READINGS, DATASETS, ENTITIES = "binary", "readings", "datasets", "entities"
_SERVERS = "servers"

#: So many blobs are one server's: more than anybody writes.
_LANE = 2**40


class Database:
    """A database that this process is connected to.

    Attributes:
        private: It is in this process, and nobody else's.
        fresh: It was made by this connection.
        seed: The seed of all that the servers on it have in common.
        server: The number of this server among all that ever used it, from 1 on; 0 if private.
    """

    def __init__(
        self,
        database: PymongoDatabase[Document],
        *,
        seed: int,
        private: bool,
        close: Callable[[], None],
    ) -> None:
        """Use a database, which is made ours if it is new.

        Args:
            database: Of pymongo or mongomock.
            seed: Of a new database; one that is there has its own.
            private: It is in this process, and nobody else's.
            close: Ends the connection.

        Raises:
            UsageError: It is of another format.
        """
        self.private = private
        self.close = close
        self.binary = _collection(database, "binary")
        self.readings = _collection(database, "readings")
        self.chunks = _collection(database, "chunks")
        self.datasets = _collection(database, "datasets")
        self.entities = _collection(database, "entities")
        self.users = _collection(database, "database_users")
        self.state = _collection(database, "state")
        self._counters = _collection(database, "counters")
        self._reached: dict[str, int] = dict.fromkeys(
            (BINARY, READINGS, DATASETS, ENTITIES, _SERVERS), 0
        )
        self._blobs = itertools.count()
        self.blobs = ChunkedBlobs(self.chunks, self.blob_numbers)
        self.fresh, self.seed = self._open(database.name, seed)
        self.server = 0 if private else self.take(_SERVERS, 1) + 1

    def _open(self, name: str, seed: int) -> tuple[bool, int]:
        """Whether the database is new, and its seed."""
        is_new = insert(self.state, {"_id": "format", "version": FORMAT, "seed": str(seed)})
        row: Any = self.state.find_one({"_id": "format"})
        if row["version"] != FORMAT:
            raise UsageError(
                f"the database {name!r} has the format {row['version']!r} of fakeviam, and this "
                f"version knows {FORMAT}; install the version it is of, or name another database"
            )
        for counter in self._reached:
            insert(self._counters, {"_id": counter, "next": 0})
        self._index()
        return is_new, int(row["seed"])

    def _index(self) -> None:
        self.binary.create_index([(BINARY_KEY, 1)], unique=True)
        for field in BINARY_INDEXED:
            self.binary.create_index([(field, 1), (BINARY_KEY, 1)])
        for field in TABULAR_INDEXED:
            self.readings.create_index([(field, 1), (TABULAR_KEY, 1)])
        self.chunks.create_index([("blob", 1)])
        self.chunks.create_index([("born", 1)])
        self.entities.create_index([("kind", 1), ("owner", 1), ("number", 1)])
        self.entities.create_index([("unique", 1)], unique=True, sparse=True)
        # The database itself keeps names unique, whichever servers ask at once.
        self.datasets.create_index([("organization_id", 1), ("name", 1)], unique=True)

    # Counters ----------------------------------------------------------------------------

    def take(self, counter: str, count: int) -> int:
        """Take so many numbers that nobody else gets; answer the first."""
        while True:
            first = self._reached[counter]
            if self._forward(counter, first, first + count):
                return first
            # Another server took some. Not `findAndModify`: not every server that speaks the
            # protocol answers with the very document that it changed.
            self._reached[counter] = self.next(counter)

    def skip(self, counter: str, upto: int) -> None:
        """Go on from there, if it has not counted so far yet."""
        self._counters.update_one({"_id": counter}, {"$max": {"next": upto}})

    def next(self, counter: str) -> int:
        """The number that comes next."""
        row: Any = self._counters.find_one({"_id": counter})
        return int(row["next"])

    def _forward(self, counter: str, reached: int, upto: int) -> bool:
        which = {"_id": counter, "next": reached}
        is_updated = self._counters.update_one(which, {"$set": {"next": upto}}).matched_count == 1
        if is_updated:
            self._reached[counter] = upto
        return is_updated

    def blob_numbers(self, count: int) -> list[int]:
        """So many numbers of blobs. They have no order, so each server counts its own."""
        first = self.server * _LANE
        return [first + number for number in itertools.islice(self._blobs, count)]

    # The whole of it ---------------------------------------------------------------------

    def clear(self, *, old: ObjectId) -> None:
        """Remove all data, for everybody; counters, fleet and keys stay.

        Records go with exactly their own bytes, so what is being added in this moment loses none.
        Orphans born before `old` go too.
        """
        self.delete_binary({})
        self.delete_tabular({})
        self.datasets.delete_many({})
        self.entities.delete_many({})
        self.users.delete_many({})
        self.blobs.sweep(self._referenced, before=old)

    def delete_binary(self, filter_: Document) -> int:
        """Delete these records, then their bytes; answer how many this call deleted.

        A record that another server deletes in the same moment is counted by one of them, and
        one that is no longer chosen when its turn comes keeps its bytes.
        """
        count = 0
        for documents in self._batches(self.binary, filter_):
            these = {"_id": {"$in": [one["_id"] for one in documents]}}
            count += self.binary.delete_many({"$and": [these, filter_]}).deleted_count
            remaining = {one["_id"] for one in self.binary.find(these, {"_id": 1})}
            deleted = [one for one in documents if one["_id"] not in remaining]
            self.blobs.remove([*(one["file"] for one in deleted), *bodies(deleted)])
        return count

    def delete_tabular(self, filter_: Document) -> int:
        """Delete these readings; answer how many this call deleted."""
        count = 0
        for documents in self._batches(self.readings, filter_):
            keys = [one["_id"] for one in documents]
            count += self.readings.delete_many({"_id": {"$in": keys}}).deleted_count
            self.blobs.remove(bodies(documents))
        return count

    @staticmethod
    def _batches(collection: Collection[Document], filter_: Document) -> Any:
        return batches(list(collection.find(filter_, _WHERE)), 500)

    def _referenced(self, numbers: Sequence[int]) -> set[int]:
        among = {"$in": list(numbers)}
        referenced: set[int] = set()
        for collection in (self.binary, self.readings, self.entities):
            rows = collection.find({"$or": [{"file": among}, {"body_at": among}]}, _WHERE)
            for document in rows:
                referenced |= {document.get("file", -1), document.get("body_at", -1)}
        return referenced


_WHERE = {"file": 1, "body_at": 1}


def bodies(documents: Sequence[Any]) -> list[int]:
    """The blobs in which bodies of these documents are."""
    return [one["body_at"] for one in documents if "body_at" in one]


def insert(collection: Collection[Document], document: Document) -> bool:
    """Make a document; False, and nothing changes, if the like of it is there."""
    from pymongo.errors import DuplicateKeyError  # noqa: PLC0415 - of an extra

    try:
        collection.insert_one(document)
    except DuplicateKeyError:
        return False
    return True


def put(collection: Collection[Document], name: str, fields: Document) -> None:
    """Set fields of a document, or make it."""
    if not insert(collection, {"_id": name, **fields}):
        collection.update_one({"_id": name}, {"$set": fields})


def _collection(database: PymongoDatabase[Document], name: str) -> Collection[Document]:
    reached: Any = Reached(database[f"fakeviam.{name}"])
    found: Collection[Document] = reached
    return found
