"""What the servers on a shared store have in common besides data."""

from __future__ import annotations

from typing import Any, Protocol


class Ledgers(Protocol):
    """Values with versions that all servers on a database see.

    Attributes:
        seed: The seed of all of them.
        server: A number that no other server has or had; 0 if no other one can join.
        fresh: The database was created by this server.
    """

    seed: int
    server: int
    fresh: bool

    def load(self, name: str, version: int) -> tuple[int, Any] | None:
        """Version and value of what is kept as `name`; None if the version is the known one."""

    def save(self, name: str, value: object, version: int) -> bool:
        """Keep a value as the next version; False, and nothing happens, if there is one already.

        Values are made of mappings with text keys, lists, text, numbers and None.
        """
        ...
