"""An append-only log, with one entry per line.

The first two lines are marks of fixed width, which record how many entries and bytes were
acknowledged. They are overwritten alternately, so that one is intact at any moment. Every other
line is a JSON list of a checksum and an entry, and entries are numbered. Changed or missing lines
are thus detected, even at the end (DD-3). What follows the last mark may be a partial entry, left
by a process that was killed: nobody was told that it was persisted.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from fakeviam.archive.lines import line_of, value_of
from fakeviam.validation.json_text import JsonError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakeviam.archive.files import Files

#: The number of marks, and their width; entries follow them.
_MARKS, _WIDTH = 2, 64
START = _MARKS * _WIDTH

#: The length of what precedes the entry in a line: `["01234567",`.
_QUOTED = len('["01234567",')

#: A new log is written in pieces of about this many bytes.
_PIECE = 2**20


class End(NamedTuple):
    """A position in a log: complete entries, and bytes including the marks."""

    entries: int
    bytes: int


_NOTHING = End(0, START)


class LogWriter:
    """A log that can be appended to.

    Attributes:
        end: The end of the last entry.
        failure: Why no more entries are accepted: a failed write could not be undone. Empty if
            all is well.
    """

    def __init__(
        self, path: Path, files: Files, *, end: End = _NOTHING, stale_mark: int = 0
    ) -> None:
        """Open the log at `path`, which has entries up to `end`.

        Args:
            path: The path of the file.
            files: Writes the file.
            end: The end of the last entry.
            stale_mark: The mark to overwrite next.
        """
        self.path = path
        self.end = end
        self._stale_mark = stale_mark
        self.failure = ""
        self._files = files
        self._handle = files.open(path)
        self._itself = os.fstat(self._handle)
        self._close = weakref.finalize(self, os.close, self._handle)

    def is_at(self, path: Path) -> bool:
        """Whether the path still refers to this log, which may have been moved or removed."""
        try:
            return os.path.samestat(path.stat(), self._itself)
        except OSError:
            return False

    def append(self, entry: dict[str, object]) -> None:
        """Append an entry, and acknowledge it.

        Raises:
            OSError: It failed; the log is unchanged, unless `failure` is set.
        """
        line = line_of_entry({"n": self.end.entries + 1, **entry})
        is_written = False
        try:
            self._files.write(self._handle, line, self.end.bytes)
            is_written = True
            self._files.sync(self._handle)
        except BaseException as error:
            self._take_back()
            if is_written:
                # After a failed fsync, nothing is known about the bytes on the disk.
                self.failure = f"the log could not be written to disk ({error})"
            raise
        self.end = End(self.end.entries + 1, self.end.bytes + len(line))
        # The mark is written last: it acknowledges the entry.
        self._mark()

    def fill(self, entries: Iterator[dict[str, object]]) -> None:
        """Write the entries of a new log, before others can read it.

        Raises:
            OSError: It failed.
        """
        self._files.truncate(self._handle, 0)
        count, at, piece = 0, START, bytearray()
        for count, entry in enumerate(entries, 1):
            piece += line_of_entry({"n": count, **entry})
            if len(piece) > _PIECE:
                self._files.write(self._handle, bytes(piece), at)
                at += len(piece)
                piece.clear()
        self._files.write(self._handle, bytes(piece), at)
        self.end = End(count, at + len(piece))
        self._files.write(self._handle, _mark(self.end) * _MARKS, 0)
        self._files.sync(self._handle)

    def cut(self) -> None:
        """Truncate the log after the last entry.

        Raises:
            OSError: It failed.
        """
        self._files.truncate(self._handle, self.end.bytes)

    def close(self) -> None:
        """Close the file."""
        self._close()

    def _mark(self) -> None:
        try:
            self._files.write(self._handle, _mark(self.end), self._stale_mark * _WIDTH)
        except OSError:
            # The entry is persisted and the other mark is intact; the next entry tries this again.
            return
        # Alternate, so that a crash during the next write of a mark leaves this one intact.
        self._stale_mark = (self._stale_mark + 1) % _MARKS

    def _take_back(self) -> None:
        try:
            # Where nothing can be written, such as on a read-only mount, nothing was.
            if os.fstat(self._handle).st_size > self.end.bytes:
                self.cut()
        except OSError as error:
            self.failure = f"a partial entry could not be removed ({error.strerror})"


class LogReader:
    """Reads a log from its start up to the first damage.

    Attributes:
        path: The file.
        acknowledged: The acknowledged end; None if both marks are damaged.
        damaged_marks: How many marks are damaged.
        stale_mark: The mark that may be overwritten without losing `acknowledged`.
        end: The end of the last intact entry so far.
        size: Size of the file in bytes.
        last: When the last entry so far was written, according to the entry.
        problem: What is wrong after `end`, when everything was read.
    """

    def __init__(self, path: Path) -> None:
        """Read the log at `path`.

        Raises:
            OSError: The file cannot be read.
        """
        self.path = path
        self._text = path.read_bytes()
        marks = [_end_from(self._text[at : at + _WIDTH]) for at in range(0, START, _WIDTH)]
        # Of two intact marks, the older one was going to be overwritten.
        self.acknowledged = max(filter(None, marks), default=None)
        self.damaged_marks = marks.count(None)
        self.stale_mark = next(at for at, end in enumerate(marks) if end != self.acknowledged or at)
        self.size = len(self._text)
        self.end = _NOTHING
        self.last = ""
        self.problem = ""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The entries in order, up to the first that is damaged."""
        while self.end.bytes < self.size and not self.problem:
            entry, behind = self._entry_at(self.end.bytes)
            number = self.end.entries + 1
            if isinstance(entry, str):
                self.problem = entry
            elif entry["n"] != number:
                self.problem = f"n must be {number}, got {entry['n']}: entries are missing"
            else:
                self.last = entry.get("at", self.last)
                self.end = End(number, behind)
                yield entry

    @property
    def rest(self) -> int:
        """The number of bytes after the last intact entry."""
        return max(self.size - self.end.bytes, 0)

    @property
    def is_whole(self) -> bool:
        """Whether all acknowledged entries are intact."""
        return self.acknowledged is not None and self.end >= self.acknowledged

    def lost(self) -> int:
        """How many entries follow the last intact one, as far as can be determined."""
        count = 0 if self.acknowledged is None else self.acknowledged.entries - self.end.entries
        rest = self._text[self.end.bytes :]
        return max(count, rest.count(b"\n") + (not rest.endswith(b"\n") if rest else 0))

    def skip(self) -> None:
        """Skip a damaged line, and continue with the next intact one."""
        at = self.end.bytes
        entry: dict[str, Any] | str = ""
        while at < self.size and isinstance(entry, str):
            at = self._behind(at)
            entry, _ = self._entry_at(at)
        number = self.end.entries if isinstance(entry, str) else entry["n"] - 1
        self.end, self.problem = End(number, at), ""

    def where(self, entries: int) -> str:
        """The location of an entry, for people."""
        return f"{self.path}, line {_MARKS + entries}"

    def _behind(self, at: int) -> int:
        """The end of the line that starts at `at`."""
        return self._text.find(b"\n", at) + 1 or self.size

    def _entry_at(self, at: int) -> tuple[dict[str, Any] | str, int]:
        """The entry of the line at `at`, or what is wrong with it; and the end of the line."""
        behind = self._behind(at)
        line = self._text[at:behind]
        body = line[_QUOTED:-2]
        if line[-1:] != b"\n":
            return "it is truncated", behind
        if line[:_QUOTED] != b'["%08x",' % crc32(body) or line[-2:] != b"]\n":
            start = line[:80].decode(errors="replace")
            return f"its checksum does not match: {start.strip()}", behind
        try:
            entry: dict[str, Any] = value_of(body)
        except JsonError as error:
            return error.reason, behind
        return entry, behind


def line_of_entry(entry: dict[str, object]) -> bytes:
    """The line of an entry."""
    text = line_of(entry)
    return b'["%08x",%s]\n' % (crc32(text), text)


def _mark(end: End) -> bytes:
    text = b'{"bytes":%16d,"entries":%13d}' % (end.bytes, end.entries)
    return b'["%08x",%s]\n' % (crc32(text), text)


def _end_from(mark: bytes) -> End | None:
    """The position in a mark; None if the mark is damaged."""
    body = mark[_QUOTED:-2]
    if mark[:_QUOTED] != b'["%08x",' % crc32(body) or mark[-2:] != b"]\n":
        return None
    values = value_of(body)
    return End(values["entries"], values["bytes"])
