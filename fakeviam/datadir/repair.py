"""Finds damage in a data directory, and keeps what is intact (DD-8)."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.archive.blobs import Blobs
from fakeviam.archive.files import Files
from fakeviam.archive.format import BLOBS
from fakeviam.archive.lines import DamageError, time_text
from fakeviam.datadir.directory import Dropped
from fakeviam.datadir.encoding import EventCoder
from fakeviam.datadir.layout import (
    DESCRIPTION,
    LOCK,
    LOG,
    check_is_file,
    check_version,
    description,
)
from fakeviam.datadir.loading import Loader, entries_of
from fakeviam.datadir.lock import Lock
from fakeviam.datadir.log import LogReader, LogWriter
from fakeviam.model.errors import UsageError
from fakeviam.model.ids import Counters
from fakeviam.store.events import BinaryDeleted, ListChanged, TabularDeleted
from fakeviam.store.memory import MemoryStore
from fakeviam.validation.json_text import parse_json

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam.archive.rows import Row
    from fakeviam.store.events import Event

#: More ids and objects than a directory can have lost.
_LOST_IDS, _LOST_OBJECTS = 2**32, 2**16

#: The folder for damaged data.
DAMAGED = "damaged"


class LostEntry(NamedTuple):
    """An acknowledged entry that can no longer be read.

    Attributes:
        where: The file, and the line in a log.
        what: What is wrong, and what is lost.
    """

    where: str
    what: str


@dataclass(kw_only=True, slots=True)
class Report:
    """The condition of a data directory.

    Attributes:
        path: The directory.
        entries: Number of intact entries in the log.
        files: Number of readable binary records.
        readings: Number of readable readings.
        problems: The damage. A directory with problems cannot be opened.
        notes: Minor problems that opening the directory fixes.
        saved: Where a repair put the damaged data; None if there was nothing to repair.
    """

    path: str
    entries: int = 0
    files: int = 0
    readings: int = 0
    problems: list[LostEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    saved: str | None = None

    def to_json(self) -> dict[str, object]:
        """The report as a JSON object."""
        problems = [each._asdict() for each in self.problems]
        return {**asdict(self), "is_whole": not self.problems, "problems": problems}


def check(path: str | os.PathLike[str]) -> Report:
    """Read a whole data directory without changing it.

    Raises:
        UsageError: It is in use, of another version, or not a data directory.
    """
    place = _existing(path)
    with closing(Lock(place / LOCK)):
        return _Salvage(place).report


def repair(path: str | os.PathLike[str], *, now: Callable[[], int]) -> Report:
    """Make a data directory usable again, with everything that is intact.

    Damaged data is copied to the folder `damaged` first.

    Args:
        path: The directory.
        now: Returns the real time in ns since the epoch.

    Raises:
        UsageError: It is in use, of another version, not a data directory, or nothing is intact.
    """
    place = _existing(path)
    with closing(Lock(place / LOCK)):
        salvage = _Salvage(place)
        if salvage.report.problems:
            salvage.save(time_text(now()))
        return salvage.report


def _existing(path: str | os.PathLike[str]) -> Path:
    place = Path(path)
    if not (place / LOG).exists():
        exists = (place / DESCRIPTION).exists()
        raise UsageError(
            f"{place / LOG} is missing, so nothing can be read; restore the directory from a copy"
            if exists
            else f"there is no data directory in {place}: {LOG} is missing"
        )
    check_is_file(place / LOG)
    check_version(place)
    return place


class _Salvage:
    """A data directory that is read as far as possible."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.report = report = Report(path=str(path))
        self._blobs = Blobs(path / BLOBS)
        reader = LogReader(path / LOG)
        self._loader = loader = _Salvager(reader, self._blobs, report)
        loader.read()
        stats = loader.contents.store.stats()
        report.entries = reader.end.entries
        report.files, report.readings = stats.binary.records, stats.tabular.records
        self._seed = loader.seed if loader.has_header else _seed_in(path / DESCRIPTION)
        place = path / DESCRIPTION
        if not place.exists():
            report.notes.append(f"{place} is missing")
        elif loader.has_header and place.read_bytes() != description(loader.seed):
            report.problems.append(LostEntry(str(place), "was changed; nothing is lost"))

    def save(self, at: str) -> None:
        """Copy what is damaged to another place, and rewrite what is intact."""
        if self._seed is None:
            raise UsageError(
                f"{self._path / LOG} and {DESCRIPTION}: nobody can tell the seed of all ids any "
                "more; take the directory from a copy"
            )
        files = Files(durable=True, private=True)
        aside = self._aside(files)
        blobs = (path for path in self._path.glob(f"{BLOBS}/*/*") if self._is_damaged(path))
        for path in (self._path / LOG, self._path / DESCRIPTION, *blobs):
            if path.exists():
                files.put(aside / path.name, path.read_bytes())
        beside, contents = self._path / f"{LOG}.new", self._loader.contents
        log, coder = LogWriter(beside, files), EventCoder(Blobs(self._path / BLOBS, files))
        log.fill(entries_of(contents, coder, seed=self._seed, at=at, digests=set()))
        log.close()
        files.replace(beside, self._path / LOG)
        files.put(self._path / DESCRIPTION, description(self._seed))
        self.report.saved = str(aside)

    def _is_damaged(self, path: Path) -> bool:
        return any(problem.where == str(path) for problem in self.report.problems)

    def _aside(self, files: Files) -> Path:
        """Create a folder for damaged data."""
        names = (self._path / DAMAGED / f"{number:03}" for number in count(1))
        aside = next(path for path in names if not path.exists())
        files.make_folder(aside)
        return aside


class _Salvager(Loader):
    """Reads what is intact, and reports the rest.

    A damaged line in the initial state loses only its own rows. A damaged later line ends the
    log, because the writes after it may depend on it.
    """

    def __init__(self, reader: LogReader, blobs: Blobs, report: Report) -> None:
        super().__init__(reader, blobs, MemoryStore)
        self._report = report
        self.has_header = False

    def read(self) -> None:
        reader, problems = self._reader, self._report.problems
        while True:
            for entry in reader:
                self._take(entry)
            if self.is_whole:
                break
            if self.state_bytes or not reader.rest:
                self._note(self.damage())
                break
            where = reader.where(reader.end.entries + 1)
            is_header = not reader.end.entries  # the header holds no rows
            lost = "no record is lost" if is_header else "the records on this line are lost"
            problems.append(LostEntry(where, f"{reader.problem}; {lost}"))
            reader.skip()
        self._add()
        if problems:
            # Lost records may have been given ids, which must not be reused.
            ids, objects = self.contents.counters
            self._replace(counters=Counters(ids + _LOST_IDS, objects + _LOST_OBJECTS))
        if reader.damaged_marks == 1:
            self._report.notes.append(f"{reader.path}: one of two marks is damaged")
        if reader.is_whole and reader.rest:
            dropped = Dropped(reader.lost(), reader.rest, reader.last)
            self._report.notes.append(f"{reader.path}: to be dropped: {dropped}")

    def _take(self, entry: object) -> None:
        try:
            super()._take(entry)
        except DamageError as error:
            self._note(error)
        else:
            self.has_header = self.has_header or self._reader.end.entries == 1

    def _do_rows(self, rows: Iterable[Row], where: str) -> None:
        for row in rows:
            try:
                super()._do_rows([row], where)
            except DamageError as error:  # noqa: PERF203 - each row on its own is the point
                self._note(error)

    def _do(self, event: Event, where: str) -> None:
        for piece in _pieces(event):
            # The problem was reported above; here its consequence is added.
            with suppress(DamageError):
                super()._do(piece, where)

    def _note(self, error: DamageError) -> None:
        self._report.problems.append(LostEntry(error.where, error.what))


def _pieces(event: Event) -> Iterator[Event]:
    """Split an event into events for single records."""
    match event:
        case BinaryDeleted(file_ids):
            yield from (BinaryDeleted([file_id]) for file_id in file_ids)
        case TabularDeleted(positions):
            yield from (TabularDeleted([position]) for position in positions)
        case ListChanged(name, values):
            yield from (ListChanged(name, {file_id: value}) for file_id, value in values.items())
        case _:
            yield event


def _seed_in(path: Path) -> int | None:
    """The seed in directory.json, if it can be read."""
    try:
        return int(parse_json(path.read_bytes())["seed"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
