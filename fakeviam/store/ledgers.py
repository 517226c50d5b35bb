"""State besides the data that servers on a shared store have in common."""

from __future__ import annotations

from typing import Any, Protocol


class Ledgers(Protocol):
    """Versioned values that all servers on a database see.

    Attributes:
        seed: The common seed.
        server: A number unique to this server, for ever; 0 if the store is not shared.
        fresh: Whether this server created the database.
    """

    seed: int
    server: int
    fresh: bool

    def load(self, name: str, version: int) -> tuple[int, Any] | None:
        """Version and value of `name`; None if `version` is still current."""

    def save(self, name: str, value: object, version: int) -> bool:
        """Save the next version of a value; False, and nothing changes, if it exists already.

        Values consist of mappings with text keys, lists, text, numbers and None.
        """
        ...
