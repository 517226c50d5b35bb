"""What is asked of a store that several servers use at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fakeviam.store.protocol import Store

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ledgers(Protocol):
    """What the servers on a database have in common besides data.

    Attributes:
        seed: The seed of all of them.
        server: A number that no other server has or had; 0 if nobody else can come.
        fresh: The database was made by this server.
    """

    seed: int
    server: int
    fresh: bool

    def load(self, name: str, known: int) -> tuple[int, Any] | None:
        """The version and the value that are kept as `name`; None if the version is the known."""

    def save(self, name: str, value: object, known: int) -> bool:
        """Keep a value as the next version; False, and nothing happens, if there is one already.

        Values are made of mappings with text keys, lists, text, numbers and None.
        """

    def put_token(self, digest: bytes, fields: Mapping[str, str | None]) -> None:
        """Keep an access token."""

    def token(self, digest: bytes) -> Mapping[str, Any] | None:
        """The access token of this digest, if there is one."""


class SharedStore(Store):
    """A store that outlives the process and is not this server's alone.

    Attributes:
        ledgers: What its servers have in common besides data.
    """

    ledgers: Ledgers

    def clear(self) -> None:
        """Remove all data, for everybody. Arrivals count on (PG-7)."""

    def replace(self, other: Store) -> None:
        """Hold what another store holds instead of everything."""

    def close(self) -> None:
        """End the connection; the store is of no use afterwards."""
