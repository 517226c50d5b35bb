"""Snapshots that were taken over HTTP, where they have ids instead of references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.web.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from fakeviam.server.lifecycle.snapshots import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A snapshot on the shelf.

    Attributes:
        id: How requests name it.
        name: How people do; may be empty.
        taken: By the clock of its session.
        session: Where it was taken, and where it can be restored.
        snapshot: It.
    """

    id: str
    name: str
    taken: datetime
    session: str
    snapshot: Snapshot


class Shelf:
    """The snapshots of all sessions of one fake."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._kept: dict[str, Kept] = {}
        self._count = 0

    def check_free(self, name: str, session: str) -> None:
        """Refuse a name that is taken; the empty one is no name.

        Raises:
            Problem: 409, the session has a snapshot of that name or id.
        """
        if name and any(name in (kept.name, kept.id) for kept in self.of(session)):
            raise Problem(
                409,
                f"there is a snapshot named {name!r} already",
                field="name",
                value=name,
                hint="delete it first, or choose another name",
            )

    def keep(self, snapshot: Snapshot, *, name: str, taken: datetime, session: str) -> Kept:
        """Put a snapshot on the shelf."""
        self._count += 1
        kept = Kept(
            id=f"s{self._count}", name=name, taken=taken, session=session, snapshot=snapshot
        )
        self._kept[kept.id] = kept
        return kept

    def of(self, session: str) -> list[Kept]:
        """The snapshots of a session, oldest first."""
        return [kept for kept in self._kept.values() if kept.session == session]

    def find(self, asked: str, session: str) -> Kept:
        """The snapshot of that id or name.

        Raises:
            Problem: 404, the session has none.
        """
        for kept in self.of(session):
            if asked in (kept.id, kept.name):
                return kept
        known = ", ".join(kept.name or kept.id for kept in self.of(session))
        raise Problem(
            404,
            f"there is no snapshot {asked!r}",
            field="snapshot",
            value=asked,
            hint=f"there are: {known}" if known else "there are none",
        )

    def drop(self, asked: str, session: str) -> Kept:
        """Forget a snapshot.

        Raises:
            Problem: 404, the session has none of that id or name.
        """
        return self._kept.pop(self.find(asked, session).id)

    def drop_all(self, session: str) -> None:
        """Forget the snapshots of a session that ends."""
        for kept in self.of(session):
            del self._kept[kept.id]
