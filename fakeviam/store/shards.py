"""A dictionary that can be forked in constant time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = TypeVar("Value")

_SHARDS = 512


class ShardedDict(Generic[Value]):
    """Values by text key, spread over a fixed number of small dictionaries.

    Forks share all shards; a write first copies the shard that it changes (copy-on-write).
    """

    def __init__(self) -> None:
        """Create an empty dictionary."""
        self._shards: list[dict[str, Value]] = [{}] * _SHARDS
        self._own: set[int] = set()

    def fork(self) -> ShardedDict[Value]:
        """Return an independent copy."""
        twin: ShardedDict[Value] = ShardedDict()
        # Both sides lose ownership, so each copies a shard before its first write to it.
        twin._shards = self._shards[:]
        self._own = set()
        return twin

    def get(self, key: str) -> Value | None:
        """The value of a key; None if there is none."""
        return self._shards[hash(key) % _SHARDS].get(key)

    def put(self, key: str, value: Value) -> None:
        """Set the value of a key."""
        self._writable(key)[key] = value

    def drop(self, key: str) -> None:
        """Delete a key that exists."""
        del self._writable(key)[key]

    def release_incrementally(self) -> Iterator[None]:
        """Release one shard per step."""
        while self._shards:
            self._shards.pop()
            yield

    def _writable(self, key: str) -> dict[str, Value]:
        number = hash(key) % _SHARDS
        if number not in self._own:
            self._own.add(number)
            self._shards[number] = self._shards[number].copy()
        return self._shards[number]
