"""A data directory in use: how a write reaches its files, which `layout.py` names.

A write is persisted before it is applied, so that a write that cannot be persisted is refused and
changes nothing. When the log has outgrown its initial state, it is compacted: rewritten under
another name, and renamed.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from fakeviam.archive.blobs import Blobs
from fakeviam.archive.files import NO_ROOM, Files
from fakeviam.archive.format import BLOBS
from fakeviam.archive.lines import damaged, time_text
from fakeviam.datadir.encoding import EventCoder
from fakeviam.datadir.layout import (
    DESCRIPTION,
    LOCK,
    LOG,
    check_description,
    description,
    prepare,
)
from fakeviam.datadir.loading import Loader, entries_of
from fakeviam.datadir.lock import Lock
from fakeviam.datadir.log import START, LogReader, LogWriter
from fakeviam.model.errors import (
    Refusal,
    ResourceExhaustedError,
    UnavailableError,
    UsageError,
)
from fakeviam.model.text import counted
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fakeviam.archive.contents import Contents
    from fakeviam.model.ids import Counters
    from fakeviam.store.base import Store
    from fakeviam.store.events import Event

#: What a write survives: the end of the process, or a power failure as well.
Durability = Literal["process", "power"]

#: A log that has grown by less is never worth compacting.
_SMALL = 16 * 2**20

#: A log is compacted when it has grown by this many times its initial state.
_GROWTH = 2.0

log = logging.getLogger("fakeviam")


class Dropped(NamedTuple):
    """Entries that were dropped when a directory was opened: never acknowledged writes (DD-3).

    Attributes:
        entries: The number of entries, usually one that is truncated.
        bytes: Their size.
        since: When the last entry before them was written, ISO 8601; empty if unknown.
    """

    entries: int
    bytes: int
    since: str

    def __str__(self) -> str:
        entries = counted(self.entries, "entry", "entries")
        what = f"{entries}, {self.bytes} bytes, written after {self.since}"
        return f"{what}: never acknowledged, because the process ended first"


class DataDir:
    """An open data directory, the sink of a store.

    Attributes:
        path: Its path.
        seed: The seed of all ids, which the directory keeps for ever.
        contents: The contents when it was opened; None if it is new.
        dropped: What was dropped when it was opened, if anything.
        is_closed: Whether it was closed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        seed: int,
        now: Callable[[], int],
        durability: Durability = "process",
        make_store: Callable[[], Store] = MemoryStore,
        files: Files | None = None,
        small: int = _SMALL,
        growth: float = _GROWTH,
    ) -> None:
        """Open a directory, or create one with this seed.

        Args:
            path: The path.
            seed: The seed of a new directory; an existing one keeps its own.
            now: Returns the real time in ns since the epoch, for people who read the log.
            durability: What a write survives (DD-6).
            make_store: Creates an empty store.
            files: Writes the files.
            small: Growth in bytes below which a log is never compacted.
            growth: How many times its initial state a log grows before it is compacted.

        Raises:
            UsageError: It is in use, damaged, of another version, or not a data directory.
        """
        self.path = Path(os.path.realpath(path))
        self._place = self.path / LOG
        self.seed = seed
        self.contents: Contents | None = None
        self.dropped: Dropped | None = None
        self.is_closed = False
        self._now = now
        self._small, self._growth = small, growth
        self._guard = threading.RLock()
        self._files = Files(durable=durability == "power", private=True) if files is None else files
        self._blobs = Blobs(self.path / BLOBS, self._files)
        self._coder = EventCoder(self._blobs)
        self._log: LogWriter | None = None
        self._state_bytes = START
        self._worth_it = 0
        self._failure = ""
        self._pending: list[tuple[Sequence[Event], Callable[[], object]]] | None = None
        self._contents: Callable[[], Contents] | None = None
        self._counters: Callable[[], Counters] | None = None
        self._counted: Counters | None = None
        with _usable(self.path):
            is_new = prepare(self.path, self._files)
            self._lock = Lock(self.path / LOCK)
            try:
                if not is_new:
                    self._load(make_store)
            except BaseException:
                self._lock.close()
                raise

    def _load(self, make_store: Callable[[], Store]) -> None:
        if not self._place.exists():
            raise damaged(str(self._place), "is missing")
        reader = LogReader(self._place)
        loader = Loader(reader, self._blobs, make_store)
        loader.read()
        self.seed, self.contents, self._coder = loader.seed, loader.contents, loader.coder
        self._state_bytes = loader.state_bytes
        check_description(self.path, self.seed)
        self._log = LogWriter(
            reader.path, self._files, end=reader.end, stale_mark=reader.stale_mark
        )
        if reader.damaged_marks:
            log.warning("%s: one of its two marks was damaged; the other is intact", reader.path)
        if reader.rest:
            self.dropped = Dropped(reader.lost(), reader.rest, reader.last)
            self._log.cut()
            log.warning("%s: dropped %s", reader.path, self.dropped)

    # In use --------------------------------------------------------------------------------

    def connect(
        self, *, contents: Callable[[], Contents], counters: Callable[[], Counters]
    ) -> None:
        """Set the functions that return the whole state, and the counters of ids.

        Raises:
            UsageError: The directory is new, and cannot be written.
        """
        self._contents, self._counters = contents, counters
        if self._log is not None:
            self._compact_if_large()
        place, is_new = self.path / DESCRIPTION, self._log is None
        with _usable(self.path):
            if is_new:
                self._switch(contents())
            if not place.exists():
                self._files.put(place, description(self.seed))
                if not is_new:
                    log.warning("%s: was missing; restored from the log", place)

    def commit(self, events: Sequence[Event], apply: Callable[[], object]) -> None:
        """Persist the events of one write, then call `apply`: both, or neither (DD-4).

        Raises:
            Refusal: The events cannot be persisted; `apply` was not called.
        """
        with self._guard:
            if self._pending is not None:
                self._pending.append((events, apply))
                return
            self._append(self._checked(), events)
            # The log has the write, so memory must follow; if that fails, no more writes are safe.
            self._apply(apply)
            self._compact_if_large()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Persist and apply all writes in this block as one step, at its end.

        No write in it may depend on another.

        Raises:
            Refusal: They cannot be persisted; none was applied.
        """
        with self._guard:
            pending = self._pending = []
            try:
                yield
            finally:
                self._pending = None
            events = [event for each, _ in pending for event in each]
            if events:
                self.commit(events, lambda: [apply() for _, apply in pending])

    def replace(self, contents: Contents, apply: Callable[[], object]) -> None:
        """Replace everything by these contents, then call `apply` (DD-4).

        Raises:
            Refusal: They cannot be persisted; `apply` was not called.
        """
        with self._guard:
            self._checked()
            with self._refusing():
                self._switch(contents)
            self._apply(apply)

    def close(self) -> None:
        """Close the directory; no more writes are accepted."""
        with self._guard:
            if self.is_closed:
                return
            self.is_closed = True
            if self._log is not None:
                self._log.close()
                self._log = None
            self._lock.close()

    def _checked(self) -> LogWriter:
        """The log, if it accepts writes."""
        if self._log is None:
            raise UsageError(f"the data directory {self.path} is closed")
        self._failure = self._failure or self._log.failure
        if self._failure:
            text = f"the data directory {self.path} refuses writes until a restart"
            raise UnavailableError(f"{text}: {self._failure}", clause="DD-5")
        if not self._log.is_at(self._place):
            # Writing would succeed, but nobody would ever find the data.
            text = f"cannot write to the data directory {self.path}: its {LOG} is no longer there"
            why = f"{text}, because it was moved, removed or replaced"
            raise UnavailableError(f"{why}; nothing was changed", clause="DD-4")
        return self._log

    def _append(self, writer: LogWriter, events: Sequence[Event]) -> None:
        try:
            with self._refusing():
                rows = [row for event in events for row in self._coder.rows(event)]
                entry: dict[str, object] = {"at": time_text(self._now()), "do": rows}
                counters = None if self._counters is None else self._counters()
                if counters is not None and counters != self._counted:
                    entry["ids"] = counters._asdict()
                writer.append(entry)
        except BaseException:
            # A remaining part of an entry may be complete, and a restart would need its bytes.
            if not writer.failure:
                self._coder.undo()
            raise
        self._coder.settle()
        self._counted = counters

    def _apply(self, apply: Callable[[], object]) -> None:
        try:
            apply()
        except BaseException:
            self._failure = "a persisted write could not be applied"
            raise

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn an error of the operating system into a refusal (DD-4)."""
        try:
            yield
        except OSError as error:
            self._checked()
            text = f"cannot write to the data directory {self.path}: {error.strerror or error}"
            kind = ResourceExhaustedError if error.errno in NO_ROOM else UnavailableError
            raise kind(f"{text}; nothing was changed", clause="DD-4") from error

    # Compaction ------------------------------------------------------------------------------

    def _compact_if_large(self) -> None:
        """Compact the log if that is cheap compared with how much it has grown."""
        if self._log is None or self._contents is None:
            return
        grown = self._log.end.bytes - self._state_bytes
        if grown <= max(self._small, self._growth * self._state_bytes, self._worth_it):
            return
        try:
            self._switch(self._contents())
        except OSError as error:
            # The old log is intact; try again later, when there may be more space.
            self._worth_it = 2 * grown
            log.warning("cannot rewrite %s: %s", self._place, error.strerror or error)

    def _switch(self, contents: Contents) -> None:
        """Replace the log by one that starts with these contents.

        Raises:
            OSError: It failed; the old log is still in use, unless `_failure` is set.
        """
        beside, coder = self.path / f"{LOG}.new", EventCoder(self._blobs)
        digests: set[object] = set()
        new: LogWriter | None = None
        try:
            new = LogWriter(beside, self._files)
            at = time_text(self._now())
            new.fill(entries_of(contents, coder, seed=self.seed, at=at, digests=digests))
            # Renaming is atomic: at any moment there is one complete log under the name.
            self._files.replace(beside, self._place)
        except BaseException:
            coder.undo()
            if new is not None:
                new.close()
            self._files.discard(beside)
            raise
        coder.settle()
        old, self._log, self._coder = self._log, new, coder
        self._state_bytes, self._counted, self._worth_it = new.end.bytes, None, 0
        if old is not None:
            old.close()
        try:
            # Without this, a power failure could bring the old directory entry back.
            self._files.sync_folder(self.path)
        except OSError as error:
            self._failure = f"its log was rewritten, but may not be on disk ({error.strerror})"
            raise
        # Last, because the old log referred to blobs that the new one does not.
        self._blobs.keep_only(digests)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    """Turn errors that keep a directory from being opened into usage errors."""
    try:
        yield
    except OSError as error:
        which = f" ({error.filename})" if error.filename not in (None, str(path)) else ""
        text = f"cannot use the data directory {path}: {error.strerror or error}{which}"
        raise UsageError(text) from error
    except Refusal as refusal:
        raise UsageError(refusal.text) from refusal
