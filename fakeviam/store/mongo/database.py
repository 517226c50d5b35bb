"""The MongoDB database: its collections, format and counters.

All collections have names that start with `fakeviam.`; others in the same database are not
touched.
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

#: The format of the documents. Databases of other formats are refused.
FORMAT = 1

#: The names of counters.
BINARY, READINGS, DATASETS, ENTITIES = "binary", "readings", "datasets", "entities"
_SERVERS = "servers"

#: Each server reserves a range of this many blob numbers, more than it could ever use.
_LANE = 2**40


class Database:
    """A database that this process is connected to.

    Attributes:
        private: Whether it is in this process, and not shared.
        fresh: Whether this connection created it.
        seed: The common seed of all servers that use it.
        server: The number of this server among all that ever used it, from 1; 0 if private.
    """

    def __init__(
        self,
        database: PymongoDatabase[Document],
        *,
        seed: int,
        private: bool,
        close: Callable[[], None],
    ) -> None:
        """Use a database; a new one is initialized.

        Args:
            database: A database of pymongo or mongomock.
            seed: The seed of a new database; an existing one has its own.
            private: Whether it is in this process, and not shared.
            close: Closes the connection.

        Raises:
            UsageError: The database has another format.
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
        # Uniqueness is enforced by the database, so that concurrent servers cannot break it.
        self.datasets.create_index([("organization_id", 1), ("name", 1)], unique=True)

    # Counters ----------------------------------------------------------------------------

    def take(self, counter: str, count: int) -> int:
        """Reserve numbers for this server; returns the first."""
        while True:
            first = self._reached[counter]
            if self._forward(counter, first, first + count):
                return first
            # Another server was faster. `findAndModify` would need no loop, but not every server
            # of the protocol returns exactly the document that it changed.
            self._reached[counter] = self.next(counter)

    def skip(self, counter: str, upto: int) -> None:
        """Advance a counter, unless it is already further."""
        self._counters.update_one({"_id": counter}, {"$max": {"next": upto}})

    def next(self, counter: str) -> int:
        """The next number of a counter."""
        row: Any = self._counters.find_one({"_id": counter})
        return int(row["next"])

    def _forward(self, counter: str, reached: int, upto: int) -> bool:
        which = {"_id": counter, "next": reached}
        is_updated = self._counters.update_one(which, {"$set": {"next": upto}}).matched_count == 1
        if is_updated:
            self._reached[counter] = upto
        return is_updated

    def blob_numbers(self, count: int) -> list[int]:
        """Numbers for new blobs. They need no order, so each server counts in its own range."""
        first = self.server * _LANE
        return [first + number for number in itertools.islice(self._blobs, count)]

    # All data ----------------------------------------------------------------------------

    def clear(self, *, old: ObjectId) -> None:
        """Remove the data of all servers; counters, fleet and keys remain.

        Exactly the removed records lose their bytes, so records that are being added keep theirs.
        Orphans created before `old` are removed too.
        """
        self.delete_binary({})
        self.delete_tabular({})
        self.datasets.delete_many({})
        self.entities.delete_many({})
        self.users.delete_many({})
        self.blobs.sweep(self._referenced, before=old)

    def delete_binary(self, filter_: Document) -> int:
        """Delete records, then their bytes; returns how many this call deleted.

        A record that two servers delete at the same time is counted by one of them. One that no
        longer matches when its batch is deleted keeps its bytes.
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
        """Delete readings; returns how many this call deleted."""
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
    """The numbers of the blobs that contain bodies of these documents."""
    return [one["body_at"] for one in documents if "body_at" in one]


def insert(collection: Collection[Document], document: Document) -> bool:
    """Insert a document; False, without changes, if it violates a unique index."""
    from pymongo.errors import DuplicateKeyError  # noqa: PLC0415 - of an extra

    try:
        collection.insert_one(document)
    except DuplicateKeyError:
        return False
    return True


def put(collection: Collection[Document], name: str, fields: Document) -> None:
    """Set fields of a document, which is created if it does not exist."""
    if not insert(collection, {"_id": name, **fields}):
        collection.update_one({"_id": name}, {"$set": fields})


def _collection(database: PymongoDatabase[Document], name: str) -> Collection[Document]:
    reached: Any = Reached(database[f"fakeviam.{name}"])
    collection: Collection[Document] = reached
    return collection
