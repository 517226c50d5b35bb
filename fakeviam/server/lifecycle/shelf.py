"""The snapshots that a cloud keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError
from fakeviam.model.names import wrong_name
from fakeviam.model.text import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from typing_extensions import Self

    from fakeviam.server.lifecycle.snapshots import FrozenState


class Snapshot:
    """A snapshot of the state of a cloud (SN-1).

        with cloud.snapshot():
            ...  # changes to data, fleet, keys and clock are undone at the end

    Attributes:
        id: `s1`, `s2`, … in each cloud.
        name: Its name; may be empty.
        taken: When it was taken, by the cloud's clock.
    """

    def __init__(self, shelf: Shelf, state: FrozenState, *, name: str, taken: datetime) -> None:
        """Hold a state; `cloud.snapshot()` creates snapshots."""
        self.id = shelf.next_id()
        self.name = name
        self.taken = taken
        self._shelf = shelf
        self._state = state

    def restore(self) -> None:
        """Restore this state, as often as you like (SN-1, SN-2)."""
        self._shelf.apply(self._state)

    def keep(self) -> Self:
        """Let the cloud keep it, so that it can be restored by its id; named ones are kept."""
        self._shelf.kept[self.id] = self
        return self

    def delete(self) -> None:
        """Let the cloud forget its name and id."""
        self._shelf.kept.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Snapshot {self.id}{name} taken {self.taken.isoformat()}>"


#: The remedy for a name that is taken.
OTHER_NAME = "delete it first, or choose another name"


def name_taken(name: str, snapshots: Iterable[Snapshot]) -> str | None:
    """Why a new snapshot cannot have this name; None if it can."""
    for each in snapshots:
        if name == each.name:
            return f"a snapshot named {name!r} already exists"
        if name == each.id:
            return (
                f"{name!r} is the id of {f'the snapshot {each.name!r}' if each.name else 'another'}"
            )
    return None


class Shelf:
    """The snapshots that a cloud keeps.

    Attributes:
        kept: The snapshots by id, oldest first.
        apply: Restores a state.
    """

    def __init__(self, apply: Callable[[FrozenState], None]) -> None:
        """Start without snapshots."""
        self.kept: dict[str, Snapshot] = {}
        self.apply = apply
        self._count = 0

    def next_id(self) -> str:
        """The next id, which no snapshot has had."""
        self._count += 1
        return f"s{self._count}"

    def check_free(self, name: object) -> None:
        """Check the name of a new snapshot.

        Raises:
            UsageError: It is invalid or taken.
        """
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"name must be text that is not blank, got {short(name)}")
        if wrong := wrong_name(name):
            raise UsageError(f"name {wrong}")
        if (text := name_taken(name, self.kept.values())) is not None:
            raise UsageError(f"{text}; {OTHER_NAME}")

    def find(self, key: str) -> Snapshot:
        """The snapshot with this name or id.

        Raises:
            UsageError: There is none.
        """
        for snapshot in self.kept.values():
            if key in (snapshot.id, snapshot.name):
                return snapshot
        names = ", ".join(snapshot.name or snapshot.id for snapshot in self.kept.values())
        hint = f"existing: {names}" if names else "none exist"
        raise UsageError(f"there is no snapshot {short(key)}; {hint}")
