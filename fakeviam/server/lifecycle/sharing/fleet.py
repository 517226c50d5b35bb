"""A fleet that several servers have in common."""

from __future__ import annotations

from dataclasses import asdict
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.model.fleet import (
    Fleet,
    FleetState,
    Location,
    Metadata,
    Organization,
    Part,
    Robot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.model.ids import Ids
    from fakeviam.store.ledgers import Ledgers

T = TypeVar("T")

_NAME = "fleet"


class SharedFleet(Fleet):
    """The fleet that stands in the ledgers of a database: each question looks there (MG-3).

    A change is made to what stands there and brought forward as the next version; if another
    server was faster, it is made again to what that one made. So no two servers make an
    organization of the same name, and none loses what another added.
    """

    def __init__(self, *, ids: Ids, ledgers: Ledgers) -> None:
        """Hold what stands there; the default part is put into a new database."""
        self._ledgers = ledgers
        self._version = -1
        # Tests add parts in their own thread.
        self._lock = RLock()
        self._changing = False
        super().__init__(ids=ids)
        if ledgers.load(_NAME, version=-1) is None:
            ledgers.save(_NAME, _value_of(super().state()), version=0)

    def __iter__(self) -> Iterator[Part]:
        self._pull()
        return super().__iter__()

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """Every organization, in the order they were added."""
        self._pull()
        return super().organizations

    def state(self) -> FleetState:
        """All it holds."""
        self._pull()
        return super().state()

    def part(self, part_id: str) -> Part | None:
        """The part of that id, if there is one."""
        self._pull()
        return super().part(part_id)

    def has_organization(self, organization_id: str) -> bool:
        """Whether an organization has that id."""
        self._pull()
        return super().has_organization(organization_id)

    def add_part(self, name: str, **where: Any) -> Part:
        """Add a part, as a fleet of one server does."""
        return self._change(lambda: super(SharedFleet, self).add_part(name, **where))

    def rename_part(self, part_id: str, name: str) -> Part:
        """Give a part another name, as a fleet of one server does."""
        return self._change(lambda: super(SharedFleet, self).rename_part(part_id, name))

    def set_retention(self, part_id: str, days: int | None) -> Part:
        """Set how long a part's data is kept, as a fleet of one server does."""
        return self._change(lambda: super(SharedFleet, self).set_retention(part_id, days))

    def publish(self) -> None:
        """Let what this server holds be what all hold."""
        state = super().state()
        self._change(lambda: self.restore(state))

    def put(self, one: Part | Metadata) -> None:
        """Hold a part or metadata, as a fleet of one server does."""
        self._change(lambda: super(SharedFleet, self).put(one))

    def metadata_of(self, owner_id: str) -> str:
        """The metadata of whatever has that id."""
        self._pull()
        return super().metadata_of(owner_id)

    def _pull(self) -> None:
        with self._lock:
            # What a change has begun must not be taken from under it.
            newer = None if self._changing else self._ledgers.load(_NAME, self._version)
            if newer is not None:
                self._version = newer[0]
                self.restore(_state_from(newer[1]))

    def _change(self, change: Callable[[], T]) -> T:
        with self._lock:
            while True:
                self._pull()
                is_saved = False
                try:
                    self._changing = True
                    result = change()
                    value = _value_of(super().state())
                    is_saved = self._ledgers.save(_NAME, value, version=self._version)
                finally:
                    self._changing = False
                    # A change that was refused, or came too late, left its beginnings here.
                    self._version = self._version + 1 if is_saved else -1
                if is_saved:
                    return result


def _value_of(state: FleetState) -> dict[str, object]:
    return {name: list(rows) for name, rows in asdict(state).items()}


def _state_from(value: dict[str, Any]) -> FleetState:
    return FleetState(
        organizations=tuple(Organization(**row) for row in value["organizations"]),
        locations=tuple(Location(**row) for row in value["locations"]),
        robots=tuple(Robot(**row) for row in value["robots"]),
        parts=tuple(Part(**row) for row in value["parts"]),
        # Earlier releases kept none.
        metadata=tuple(Metadata(**row) for row in value.get("metadata", ())),
    )
