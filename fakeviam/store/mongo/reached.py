"""Refuses calls if the database is unreachable, instead of reporting a bug."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CURSORS = frozenset({"find", "aggregate"})


class Reached:
    """A collection whose methods raise a refusal if the database cannot be reached (MG-8)."""

    def __init__(self, collection: Any) -> None:
        """Wrap a collection of pymongo or mongomock."""
        self._collection = collection

    def __getattr__(self, name: str) -> Any:
        return partial(_call, getattr(self._collection, name), wraps=name in _CURSORS)


class _LazyCursor:
    """A cursor, which asks for documents when they are needed."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return partial(_call, getattr(self._cursor, name), wraps=True)

    def __iter__(self) -> Iterator[Any]:
        with _refusing():
            yield from self._cursor


def _call(method: Any, *args: Any, wraps: bool, **options: Any) -> Any:
    with _refusing():
        result = method(*args, **options)
    return _LazyCursor(result) if wraps else result


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_out_of_reach(error):
            raise
        why = str(error).partition(", Timeout:")[0]  # the rest is the driver's topology description
        text = f"the database does not answer: {why[:300]}"
        raise UnavailableError(
            f"{text}; what was being written may be there, or some of it", clause="MG-8"
        ) from error


def _is_out_of_reach(error: Exception) -> bool:
    try:
        from pymongo.errors import ConnectionFailure, ExecutionTimeout  # noqa: PLC0415 - of an extra
    except ImportError:  # with mongomock, which has no network
        return False
    return isinstance(error, (ConnectionFailure, ExecutionTimeout))
