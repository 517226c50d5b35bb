"""Makes mongomock safe for several threads.

mongomock reads a document, changes it and writes it back, during which another thread may do the
same. A real server executes each operation atomically, and so does this.
"""

from __future__ import annotations

import functools
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Embedded:
    """A mongomock client, database or collection, with a lock around each operation."""

    def __init__(
        self, inner: Any = None, lock: AbstractContextManager[object] | None = None
    ) -> None:
        """Create a client, or wrap an object that belongs to one."""
        if inner is None:
            import mongomock  # noqa: PLC0415 - of an extra

            inner = mongomock.MongoClient()
        self._inner = inner
        self._lock = RLock() if lock is None else lock

    def __getitem__(self, name: str) -> Embedded:
        with self._lock:
            return Embedded(self._inner[name], self._lock)

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._inner, name)
        return functools.partial(self._call, attribute) if callable(attribute) else attribute

    def _call(self, method: Any, *args: Any, **options: Any) -> object:
        with self._lock:
            return method(*args, **options)

    def find(self, *args: Any, **options: Any) -> _WholeCursor:
        """Find documents; the search starts with the first one that is read."""
        return _WholeCursor(self._inner.find(*args, **options), self._lock)

    def aggregate(self, stages: object) -> list[object]:
        """Run an aggregation pipeline."""
        with self._lock:
            return list(self._inner.aggregate(stages))


class _WholeCursor:
    """A cursor that reads all of its documents under one lock."""

    def __init__(self, cursor: Any, lock: AbstractContextManager[object]) -> None:
        self._cursor = cursor
        self._lock = lock

    def sort(self, *order: Any) -> _WholeCursor:
        self._cursor.sort(*order)
        return self

    def limit(self, count: int) -> _WholeCursor:
        self._cursor.limit(count)
        return self

    def __iter__(self) -> Iterator[object]:
        with self._lock:
            return iter(list(self._cursor))
