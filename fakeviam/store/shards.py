"""A dictionary that forks at a cost that does not grow with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = TypeVar("Value")

_SHARDS = 512


class ShardedDict(Generic[Value]):
    """Values by text, spread over many small dictionaries.

    A fork shares them all; whoever writes to one copies that one first.
    """

    def __init__(self) -> None:
        """Make an empty one."""
        self._shards: list[dict[str, Value]] = [{}] * _SHARDS
        self._own: set[int] = set()

    def fork(self) -> ShardedDict[Value]:
        """Make another one that holds the same now and goes its own way."""
        twin: ShardedDict[Value] = ShardedDict()
        twin._shards = self._shards[:]
        self._own = set()
        return twin

    def get(self, key: str) -> Value | None:
        """The value of a key, if there is one."""
        return self._shards[hash(key) % _SHARDS].get(key)

    def put(self, key: str, value: Value) -> None:
        """Set the value of a key."""
        self._writable(key)[key] = value

    def drop(self, key: str) -> None:
        """Forget a key that is there."""
        del self._writable(key)[key]

    def release_incrementally(self) -> Iterator[None]:
        """Release one shard at each step."""
        while self._shards:
            self._shards.pop()
            yield

    def _writable(self, key: str) -> dict[str, Value]:
        number = hash(key) % _SHARDS
        if number not in self._own:
            self._own.add(number)
            self._shards[number] = self._shards[number].copy()
        return self._shards[number]
