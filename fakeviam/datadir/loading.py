"""Rebuilds the state from the log of a data directory."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from fakeviam.archive.contents import Contents
from fakeviam.archive.lines import DamageError, damaged
from fakeviam.archive.models import check_format, checked_row
from fakeviam.datadir.encoding import EventCoder
from fakeviam.datadir.models import EntryRow, HeaderRow
from fakeviam.model.fleet import FleetState
from fakeviam.model.ids import Counters
from fakeviam.model.text import counted
from fakeviam.store.events import (
    BinaryAdded,
    Cleared,
    FleetPut,
    FleetSet,
    KeysSet,
    TabularAdded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam.archive.blobs import Blobs
    from fakeviam.archive.rows import Row
    from fakeviam.datadir.log import LogReader
    from fakeviam.store.base import Store
    from fakeviam.store.events import Event

FORMAT = "fakeviam log"
VERSION = 3

#: How many rows of an initial state form one entry.
_ROWS = 500

_NO_FLEET = FleetState(organizations=(), locations=(), robots=(), parts=())

_ADVICE = (
    "restore the directory from a copy, or run `fakeviam data-dir repair` to keep what is intact"
)


def entries_of(
    contents: Contents, coder: EventCoder, *, seed: int, at: str, digests: set[object]
) -> Iterator[dict[str, object]]:
    """The first entries of a log: its header, and the initial state.

    Adds the digests of all blobs to `digests`.
    """
    yield {
        "at": at,
        "format": FORMAT,
        "version": VERSION,
        "fakeviam": contents.made_by,
        "seed": str(seed),
    }
    batch: list[object] = []
    whole = (FleetSet(contents.fleet), KeysSet(contents.keys))
    for event in chain(whole, contents.store.events()):
        for row in coder.rows(event):
            batch.append(row)
            digests.add(row.get("sha256"))
            if len(batch) == _ROWS:
                yield {"at": at, "state": batch}
                batch = []
    # The counters mark the end of the initial state.
    yield {"at": at, "state": batch, "ids": contents.counters._asdict()}


class Loader:
    """Applies the entries of a log.

    Attributes:
        contents: The state so far.
        seed: The seed of all ids.
        coder: Has decoded the sources so far.
        state_bytes: Where the initial state ends; 0 until it was read.
    """

    def __init__(self, reader: LogReader, blobs: Blobs, make_store: Callable[[], Store]) -> None:
        """Prepare to apply a log, with the bytes from `blobs`, to an empty store."""
        self.contents = Contents(
            store=make_store(), fleet=_NO_FLEET, keys=(), counters=Counters(1, 1), made_by=""
        )
        self.seed = 0
        self.coder = EventCoder(blobs)
        self.state_bytes = 0
        self._reader = reader
        self._make_store = make_store
        self._added: list[BinaryAdded | TabularAdded] = []

    def read(self) -> None:
        """Apply the whole log.

        Raises:
            UsageError: It is damaged or of a later version; the message says where (DD-3).
        """
        for entry in self._reader:
            self._take(entry)
        self._add()
        if not self.is_whole:
            raise self.damage()

    @property
    def is_whole(self) -> bool:
        """Whether all acknowledged entries were read."""
        return self._reader.is_whole and self.state_bytes > 0

    def damage(self) -> DamageError:
        """The error at the point where the log is damaged."""
        reader = self._reader
        if reader.acknowledged is None:
            return DamageError(
                str(reader.path), "its marks, the first two lines, are damaged", _ADVICE
            )
        what = reader.problem or "the file ends here"
        since = f", written after {reader.last}" if reader.last else ""
        lost = counted(reader.lost(), "acknowledged entry", "acknowledged entries")
        text = f"{what}; {lost} from there on cannot be read{since}"
        return DamageError(reader.where(reader.end.entries + 1), text, _ADVICE)

    def _take(self, entry: object) -> None:
        """Apply one entry."""
        where = self._reader.where(self._reader.end.entries)
        if self._reader.end.entries == 1:
            check_format(entry, where, name=FORMAT, version=VERSION)
            header = checked_row(HeaderRow, entry, where)
            self._replace(made_by=header.fakeviam)
            self.seed = int(header.seed)
            return
        row = checked_row(EntryRow, entry, where)
        self._do_rows(row.state or row.do or (), where)
        if row.ids is not None:
            self._replace(counters=row.ids.counters)
            if row.state is not None:
                self.state_bytes = self._reader.end.bytes

    def _do_rows(self, rows: Iterable[Row], where: str) -> None:
        for event in self.coder.events(rows, where):
            self._do(event, where)

    def _do(self, event: Event, where: str) -> None:
        match event:
            case FleetSet(fleet):
                self._replace(fleet=fleet)
            case FleetPut(one):
                self._replace(fleet=self.contents.fleet.with_one(one))
            case KeysSet(keys):
                self._replace(keys=keys)
            case Cleared():
                self._added.clear()
                self._replace(store=self._make_store())
            case BinaryAdded() | TabularAdded():
                self._added.append(event)
            case _:
                self._add()
                try:
                    self.contents.store.apply([event])
                except LookupError as error:
                    raise damaged(
                        where, f"refers to something that does not exist: {error}"
                    ) from None

    def _add(self) -> None:
        """Add the collected records: one large insertion is much faster than many small ones."""
        kinds: dict[type, list[Any]] = {BinaryAdded: [], TabularAdded: []}
        for event in self._added:
            kinds[type(event)] += event.rows
        self.contents.store.apply(kind(rows) for kind, rows in kinds.items() if rows)
        self._added.clear()

    def _replace(self, **changes: object) -> None:
        self.contents = replace(self.contents, **changes)  # type: ignore[arg-type]
