"""The data directory: which files there are, and when they take each other's place.

    directory.json        the seed of all ids, and the version of this layout
    lock                  held by the server that uses it
    state-000007/         an archive without blobs: what was when log 7 began
    log-000007.jsonl      what was written since
    blobs/                the bytes, by their SHA-256

To begin generation 8, log 8 is begun, then state 8 is written beside and renamed: that is the
moment from which it counts. Reading starts at the highest state and goes through all logs from
there on, so it does not matter where a process was killed; what is older is removed.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.archive.blobs import Blobs
from fakeviam.archive.format import BLOBS
from fakeviam.archive.lines import Fields, check_version, damaged
from fakeviam.archive.writer import write_tables
from fakeviam.datadir.loading import LOG, VERSION, load
from fakeviam.datadir.lock import Lock
from fakeviam.datadir.log import Log
from fakeviam.datadir.ops import Cleared, Coder, KeysSet, PartPut
from fakeviam.model.errors import UsageError
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeviam.archive.contents import Contents
    from fakeviam.datadir.ops import Step
    from fakeviam.model.fleet import Part
    from fakeviam.model.ids import Counters
    from fakeviam.store.base import Store
    from fakeviam.store.events import StoreEvent

NAME = "fakeviam data directory"
_DESCRIPTION = "directory.json"
_LOCK = "lock"

#: Logs up to this size are never worth the time to write a state.
_SMALL = 16 * 2**20

#: A state is written when the log is so many times as large as the last one.
_GROWTH = 2.0


class DataDir:
    """A data directory in use. It is the sink of a store.

    Attributes:
        path: Where it is.
        seed: The seed of all ids, from its first use on.
        contents: What it held when it was opened; None if it is new.
        is_closed: Whether it was given back.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        seed: int,
        make_store: Callable[[], Store] = MemoryStore,
        small: int = _SMALL,
        growth: float = _GROWTH,
    ) -> None:
        """Open a directory, or make one with this seed.

        Args:
            path: Where.
            seed: Of a new directory; an old one keeps its own.
            make_store: Makes an empty store.
            small: Size of a log, in bytes, below which no state is written.
            growth: Size of a log, in states, below which no other state is written.

        Raises:
            UsageError: It is in use, damaged or of a later fakeviam, or no data directory.
        """
        self.path = Path(os.path.realpath(path))
        self._small, self._growth = small, growth
        self._guard = threading.RLock()
        self._blobs = Blobs(self.path / BLOBS)
        self._coder = Coder(self._blobs)
        self._log: Log | None = None
        self._counters: Callable[[], Counters] | None = None
        self._contents: Callable[[], Contents] | None = None
        self._counted: Counters | None = None
        self._generation = 0
        self.is_closed = False
        with _told(self.path):
            _check_usable(self.path)
            self._lock = Lock(self.path / _LOCK)
            try:
                self.seed = _seed(self.path / _DESCRIPTION, seed)
                self.contents = self._load(make_store)
            except BaseException:
                self._lock.close()
                raise

    def _load(self, make_store: Callable[[], Store]) -> Contents | None:
        states = _numbered(self.path, "state-", "")
        if not states:
            return None
        self._generation = max(states)
        logs = _numbered(self.path, "log-", ".jsonl")
        numbers = sorted(number for number in logs if number >= self._generation)
        loaded = load(
            states[self._generation], [logs[number] for number in numbers], self._blobs, make_store
        )
        if not numbers:
            raise damaged(str(self.path), f"there is no log from number {self._generation} on")
        self._generation = numbers[-1]
        self._log = Log(logs[numbers[-1]], entries=loaded.entries)
        self._coder = loaded.coder
        if not loaded.entries:
            self._log.append({"format": LOG, "version": VERSION})
        return loaded.contents

    # In use --------------------------------------------------------------------------------

    def connect(
        self, *, contents: Callable[[], Contents], counters: Callable[[], Counters]
    ) -> None:
        """Say where to ask for the whole state, and how far ids were counted."""
        self._contents, self._counters = contents, counters
        if self._log is None or self._is_worth_it(self._log):
            self.replace()

    def commit(self, events: Iterable[StoreEvent], apply: Callable[[], object]) -> None:
        """Keep what a store is about to do, and let it."""
        with self._guard:
            self._append(events)
            apply()
            self._replace_if_large()

    def put_part(self, part: Part) -> None:
        """Keep a part that is new or has another name."""
        self._append([PartPut(part)])
        self._replace_if_large()

    def set_keys(self, keys: Iterable[Mapping[str, object]]) -> None:
        """Keep these API keys and no others."""
        self._append([KeysSet(tuple(keys))])
        self._replace_if_large()

    def clear(self) -> None:
        """Keep that all data, datasets and database users are gone."""
        self._append([Cleared()])
        self._replace_if_large()

    def replace(self) -> None:
        """Keep the state as it is now, instead of everything before."""
        with self._guard, _told(self.path):
            assert self._contents is not None  # noqa: S101 - connect comes first
            number = self._generation + 1
            log = Log(self.path / f"log-{number:06}.jsonl", entries=0)
            log.append({"format": LOG, "version": VERSION})
            used = self._write_state(number, self._contents())
            if self._log is not None:
                self._log.close()
            self._log, self._generation, self._counted = log, number, None
            self._coder = Coder(self._blobs)
            self._remove_older(used)

    def close(self) -> None:
        """Give the directory back; nothing can be written any more."""
        with self._guard:
            if self.is_closed:
                return
            self.is_closed = True
            if self._log is not None:
                self._log.close()
                self._log = None
            self._lock.close()

    def _append(self, steps: Iterable[Step]) -> None:
        with self._guard:
            if self._log is None:
                told = f"the data directory {self.path} is closed: nothing can be written"
                raise UsageError(told)
            with _told(self.path):
                rows = [row for step in steps for row in self._coder.rows(step)]
            entry: dict[str, object] = {"do": rows}
            counters = None if self._counters is None else self._counters()
            if counters is not None and counters != self._counted:
                entry["ids"] = counters._asdict()
            self._log.append(entry)
            self._counted = counters

    def _replace_if_large(self) -> None:
        if self._log is not None and self._is_worth_it(self._log):
            self.replace()

    def _is_worth_it(self, log: Log) -> bool:
        """Whether the log has grown so much that writing the state costs little next to it."""
        if log.size <= self._small:
            return False
        state = self.path / f"state-{self._generation:06}"
        return log.size > self._growth * sum(file.stat().st_size for file in state.glob("*"))

    def _write_state(self, number: int, contents: Contents) -> set[str]:
        place = self.path / f"state-{number:06}"
        beside = place.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        used = write_tables(beside, contents, self._blobs)
        beside.rename(place)
        return used

    def _remove_older(self, used: set[str]) -> None:
        for number, path in _numbered(self.path, "log-", ".jsonl").items():
            if number < self._generation:
                path.unlink()
        for number, path in _numbered(self.path, "state-", "").items():
            if number < self._generation:
                shutil.rmtree(path)
        for path in self.path.glob("state-*.new"):
            shutil.rmtree(path)
        self._blobs.keep_only(used)


def _numbered(folder: Path, before: str, after: str) -> dict[int, Path]:
    """The files of one kind by their numbers."""
    found = {}
    for path in folder.iterdir():
        number = path.name.removeprefix(before).removesuffix(after)
        if number.isdigit() and path.name == f"{before}{number}{after}":
            found[int(number)] = path
    return found


def _check_usable(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    found = {one.name for one in path.iterdir()}
    if found - {_LOCK} and _DESCRIPTION not in found:
        told = f"{path} is not empty and no data directory: {_DESCRIPTION} is missing"
        raise UsageError(f"{told}; choose an empty directory")


def _seed(path: Path, seed: int) -> int:
    """The seed that a description names; with none there, write one that names `seed`."""
    if not path.exists():
        text = json.dumps({"format": NAME, "version": VERSION, "seed": seed}, indent=2)
        beside = path.with_suffix(".new")
        beside.write_text(f"{text}\n", encoding="utf-8")
        beside.rename(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise damaged(str(path), "is not JSON") from None
    fields = Fields(values, str(path))
    check_version(fields, name=NAME, version=VERSION)
    seed = fields.integer("seed")
    fields.done()
    return seed


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Make an error of the system one that says which directory."""
    try:
        yield
    except OSError as error:
        told = f"cannot use the data directory {path}: {error.strerror or error}"
        raise UsageError(told) from error
