"""Where a session works, and which of the subject's ids is which handle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fakeviam_contracts.steps import HandleCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.foreign_data import ForeignDataGuard
    from fakeviam_contracts.keyed import Keyed
    from fakeviam_contracts.model import Origin


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the session may work.

    Attributes:
        parts: The parts it uploads for; all of one organization.
        component: If set, every record is of this component and every query asks for it, so
            that nothing else on a shared server is seen or touched.
        now: The subject's clock in ns, if it can be asked.
        skew: By how many ns the clock may seem to be off.
        advance: Moves the subject's clock by that many ns, if it can be moved.
        sleep: Lets that many ns pass on the subject, by its clock or ours.
        internal: A part whose data counts as internal (PG-10), if there is one.
        foreign: A part of another organization, if there is one.
        keyed: The same server with API keys of every kind, if there is one.
        guard: On a shared server, what keeps writes by filter from the data of others.
        restart: Restarts the subject with what it has, if that may be done.
        by_socket: Whether the subject is reached by a Unix socket, so that there may be no place
            from which anybody could download.
    """

    parts: tuple[Origin, ...]
    component: str = ""
    now: Callable[[], int] | None = None
    skew: int = 0
    advance: Callable[[int], None] | None = None
    sleep: Callable[[int], None] | None = None
    internal: Origin | None = None
    foreign: Origin | None = None
    keyed: Callable[[], Keyed] | None = None
    guard: ForeignDataGuard | None = None
    restart: Callable[[], None] | None = None
    by_socket: bool = False

    @property
    def exclusive(self) -> bool:
        """Whether everything on the subject is the session's own."""
        return not self.component

    @property
    def organization_id(self) -> str:
        """The organization of the parts."""
        return self.parts[0].organization_id


@dataclass(kw_only=True)
class Handles:
    """Server ids by handle, and back."""

    files: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    pipelines: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def counts(self) -> HandleCounts:
        """How many of each have been created."""
        return HandleCounts(*(len(getattr(self, name)) for name in HandleCounts._fields))

    def file(self, binary_data_id: str) -> int | str:
        """The handle of a file, or the id itself if the kit did not create the file."""
        return _place(self.files, binary_data_id)

    def box(self, bbox_id: str) -> int | str:
        """The handle of a box."""
        return _place(self.boxes, bbox_id)

    def dataset(self, dataset_id: str) -> int | str:
        """The handle of a dataset."""
        return _place(self.datasets, dataset_id)


def _place(ids: list[str], id_: str) -> int | str:
    return ids.index(id_) if id_ in ids else id_
