"""API keys that several servers have in common."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.server.state.accounts import Accounts, ApiKey, Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fakeviam.store.ledgers import Ledgers

T = TypeVar("T")

_NAME = "api_keys"

#: Fields of an API key that are sets of ids.
_SETS = ("organization_ids", "location_ids", "robot_ids")


class SharedAccounts(Accounts):
    """The API keys in the ledgers of a database.

    A key that was revoked ends on all servers with the next call. A token is valid on all of
    them, since all sign with one seed (MG-4). In mode `any` keys do not matter, so calls look up
    nothing.
    """

    def __init__(self, *, ledgers: Ledgers, **options: Any) -> None:
        """Hold what stands there; the default key is put into a new database."""
        self._ledgers = ledgers
        self._version = -1
        self._lock = RLock()
        super().__init__(**options)
        if ledgers.load(_NAME, version=-1) is None:
            ledgers.save(_NAME, self._value(), version=0)

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """All API keys, in the order they were made."""
        self._pull()
        return super().keys

    def knows(self, key_id: str) -> bool:
        """Whether there is an API key of that id."""
        self._pull()
        return super().knows(key_id)

    def add_key(self, **options: Any) -> ApiKey:
        """Make a key, as the accounts of one server do."""
        return self._change(lambda: super(SharedAccounts, self).add_key(**options))

    def revoke(self, key_id: str) -> None:
        """Forget a key, as the accounts of one server do."""
        self._change(lambda: super(SharedAccounts, self).revoke(key_id))

    def publish(self) -> None:
        """Let the keys that this server holds be what all hold."""
        keys = tuple(self._keys.values())
        self._change(lambda: self.restore(keys))

    def authenticate(self, entity: str, kind: str, payload: str) -> str:
        """Exchange an API key for an access token, as the accounts of one server do."""
        if self.mode == "keys":
            self._pull()
        return super().authenticate(entity, kind, payload)

    def caller(self, headers: Mapping[str, str]) -> Principal:
        """The caller of a download, as the accounts of one server find it."""
        if self.mode == "keys":
            self._pull()
        return super().caller(headers)

    def principal(self, authorization: str | None) -> Principal:
        """The caller behind an `authorization` header (AU-2)."""
        if self.mode == "keys":
            self._pull()
        return super().principal(authorization)

    def _value(self) -> list[Mapping[str, object]]:
        # Times are text: they may be beyond the integers of a database.
        return [
            {
                "id": key.id,
                "key": key.key,
                **{name: sorted(getattr(key, name)) for name in _SETS},
                "role": key.role,
                "expires": None if key.expires is None else str(key.expires),
            }
            for key in self._keys.values()
        ]

    def _pull(self) -> None:
        with self._lock:
            newer = self._ledgers.load(_NAME, self._version)
            if newer is not None:
                self._version = newer[0]
                self.restore(_keys_from(newer[1]))

    def _change(self, change: Callable[[], T]) -> T:
        with self._lock:
            while True:
                self._pull()
                result = change()
                if self._ledgers.save(_NAME, self._value(), version=self._version):
                    self._version += 1
                    return result
                self._version = -1


def _keys_from(rows: Iterable[Mapping[str, Any]]) -> Iterable[ApiKey]:
    for row in rows:
        fields = {
            **{name: frozenset(row.get(name, ())) for name in _SETS},
            "expires": None if row["expires"] is None else int(row["expires"]),
        }
        yield ApiKey(**{**row, **fields})
