"""What is wrong with a data directory, and how to keep what is whole (DD-8)."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.archive.blobs import Blobs
from fakeviam.archive.files import Files
from fakeviam.archive.format import BLOBS
from fakeviam.archive.lines import DamageError, time_text
from fakeviam.datadir.directory import (
    DESCRIPTION,
    LOCK,
    LOG,
    Dropped,
    check_is_file,
    check_version,
    description,
)
from fakeviam.datadir.encoding import EventCoder
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

#: More ids and objects than a directory loses.
_LOST_IDS, _LOST_OBJECTS = 2**32, 2**16

#: The folder into which a repair puts what it takes away.
DAMAGED = "damaged"


class LostEntry(NamedTuple):
    """Something that was acknowledged and cannot be read any more.

    Attributes:
        where: The file, and the line of a log.
        what: What is wrong there, and what is lost by it.
    """

    where: str
    what: str


@dataclass(kw_only=True, slots=True)
class Report:
    """What was found in a data directory.

    Attributes:
        path: The directory.
        entries: Whole entries of its log.
        files: Binary records that can be read.
        readings: Readings that can be read.
        problems: What is damaged. A directory with any is not opened.
        notes: What opening the directory sets right.
        saved: Where a repair put what was damaged; None if there was nothing to repair.
    """

    path: str
    entries: int = 0
    files: int = 0
    readings: int = 0
    problems: list[LostEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    saved: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        problems = [each._asdict() for each in self.problems]
        return {**asdict(self), "is_whole": not self.problems, "problems": problems}


def check(path: str | os.PathLike[str]) -> Report:
    """Read all of a data directory, and change nothing.

    Raises:
        UsageError: It is in use, of another version, or no data directory.
    """
    place = _existing(path)
    with closing(Lock(place / LOCK)):
        return _Salvage(place).report


def repair(path: str | os.PathLike[str], *, now: Callable[[], int]) -> Report:
    """Let a data directory be opened again, with all that is whole.

    What is damaged is copied into the folder `damaged` before.

    Args:
        path: The directory.
        now: The real time, ns since the epoch.

    Raises:
        UsageError: It is in use, of another version, no data directory, or nothing in it is whole.
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
    """A data directory that is read as far as it can be."""

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
        """Put a copy of what is damaged aside, and write anew what is whole."""
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
        """A new folder for what is damaged."""
        names = (self._path / DAMAGED / f"{number:03}" for number in count(1))
        aside = next(path for path in names if not path.exists())
        files.make_folder(aside)
        return aside


class _Salvager(Loader):
    """Reads what is whole and reports the rest.

    A damaged line of the state that a log begins with takes its own rows along. One that was
    written later ends the log: what came behind may have built on it.
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
            is_header = not reader.end.entries  # which holds none
            lost = "no record is lost" if is_header else "the records on this line are lost"
            problems.append(LostEntry(where, f"{reader.problem}; {lost}"))
            reader.skip()
        self._add()
        if problems:
            # What is lost may have been given ids; nothing else must get them.
            ids, objects = self.contents.counters
            self._replace(counters=Counters(ids + _LOST_IDS, objects + _LOST_OBJECTS))
        if reader.damaged_marks == 1:
            self._report.notes.append(f"{reader.path}: one of two marks is damaged")
        if reader.is_whole and reader.rest:
            dropped = Dropped(reader.lost(), reader.rest, reader.last)
            self._report.notes.append(f"{reader.path}: to be dropped: {dropped}")

    def _take(self, entry: object) -> None:
        super()._take(entry)
        self.has_header = self.has_header or self._reader.end.entries == 1

    def _do_rows(self, rows: Iterable[Row], where: str) -> None:
        for row in rows:
            try:
                super()._do_rows([row], where)
            except DamageError as error:  # noqa: PERF203 - each row on its own is the point
                self._note(error)

    def _do(self, event: Event, where: str) -> None:
        for piece in _pieces(event):
            # What is lost has been reported; here it is named once more.
            with suppress(DamageError):
                super()._do(piece, where)

    def _note(self, error: DamageError) -> None:
        self._report.problems.append(LostEntry(error.where, error.what))


def _pieces(event: Event) -> Iterator[Event]:
    """An event as several, each of which concerns one record."""
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
    """The seed that a description names, if it can be read."""
    try:
        return int(parse_json(path.read_bytes())["seed"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
