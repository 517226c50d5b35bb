"""Cursors: results that are fetched in batches."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from itertools import count
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, Final

from bson import Int64
from bson.raw_bson import RawBSONDocument

from fakeviam.database.wire_messages import MAX_DOCUMENT_BYTES
from fakeviam.query.bson_documents import encode_any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.query.values import Document

#: The default size of a first batch, as in MongoDB.
FIRST_BATCH: Final = 101

#: Limits of open cursors per owner, and of documents in them; the least recently used are dropped.
_MOST_OPEN: Final = 1000
_MOST_KEPT: Final = 400_000


@dataclass(kw_only=True, slots=True)
class _Cursor:
    namespace: str
    documents: deque[Document]
    #: The first document of the next batch; None at the end of the result.
    ahead: RawBSONDocument | None
    #: Two connections of one owner may fetch batches at the same time, each in its own thread.
    lock: Lock = field(default_factory=Lock)

    def batch(self, size: int | None) -> list[RawBSONDocument]:
        """The next documents: at most `size`, and at most as many as fit into one message."""
        documents: list[RawBSONDocument] = []
        weight = 0
        while self.ahead is not None and (size is None or len(documents) < size):
            weight += len(self.ahead.raw)
            if documents and weight > MAX_DOCUMENT_BYTES:
                break
            documents.append(self.ahead)
            self.ahead = _next(self.documents)
        return documents


def _next(documents: deque[Document]) -> RawBSONDocument | None:
    return RawBSONDocument(encode_any(documents.popleft())[0]) if documents else None


@dataclass(slots=True)
class Cursors:
    """The open cursors of one server, for all connections of a driver's pool.

    Each belongs to an owner, and only its owner can use it or cause it to be dropped. Methods are
    thread-safe, because long replies are computed in threads.
    """

    _open: dict[str, OrderedDict[int, _Cursor]] = field(
        default_factory=lambda: defaultdict(OrderedDict)
    )
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _connections: Counter[str] = field(default_factory=Counter)
    _lock: RLock = field(default_factory=RLock)

    def enter(self, owner: str) -> None:
        """Count a new connection of an owner."""
        self._connections[owner] += 1

    def leave(self, owner: str) -> None:
        """Count a closed connection of an owner; the last one drops its cursors."""
        with self._lock:
            self._connections[owner] -= 1
            if not self._connections[owner]:
                del self._connections[owner]
                self._open.pop(owner, None)

    def first_reply(
        self,
        documents: list[Document],
        *,
        namespace: str,
        owner: str,
        size: int | None,
        single: bool = False,
    ) -> dict[str, Any]:
        """Reply with the first batch, and keep the rest for `getMore`."""
        waiting = deque(documents)
        cursor = _Cursor(namespace=namespace, documents=waiting, ahead=_next(waiting))
        batch = cursor.batch(FIRST_BATCH if size is None else size)
        is_kept = cursor.ahead is not None and not single
        return _reply("firstBatch", batch, self._keep(cursor, owner) if is_kept else 0, namespace)

    def _keep(self, cursor: _Cursor, owner: str) -> int:
        """Keep a cursor, unless its owner has disconnected; returns its number."""
        with self._lock:
            number = next(self._ids)
            if owner not in self._connections:
                return number
            cursors = self._open[owner]
            cursors[number] = cursor
            while len(cursors) > _MOST_OPEN or (
                len(cursors) > 1 and sum(len(c.documents) for c in cursors.values()) > _MOST_KEPT
            ):
                cursors.popitem(last=False)
            return number

    def next_reply(
        self, number: int, *, owner: str, namespace: str, size: int | None
    ) -> dict[str, object] | None:
        """Reply with the next batch; None if the owner has no such cursor."""
        with self._lock:
            cursors = self._open.get(owner, OrderedDict())
            cursor = cursors.get(number)
            if cursor is None or cursor.namespace != namespace:
                return None
            cursors.move_to_end(number)
        with cursor.lock:
            batch = cursor.batch(size)
            if cursor.ahead is None:
                self.kill(number, owner=owner)
                number = 0
        return _reply("nextBatch", batch, number, namespace)

    def kill(self, number: int, *, owner: str) -> bool:
        """Drop a cursor; returns whether the owner had it."""
        with self._lock:
            cursors = self._open.get(owner)
            if cursors is None or cursors.pop(number, None) is None:
                return False
            if not cursors:
                del self._open[owner]
            return True


def _reply(
    name: str, batch: list[RawBSONDocument], number: int, namespace: str
) -> dict[str, object]:
    return {"cursor": {name: batch, "id": Int64(number), "ns": namespace}, "ok": 1.0}
