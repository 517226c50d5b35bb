"""A log: a file to which entries are only ever added, each on a line of its own.

A line is a JSON list: a checksum, and an entry. Entries are counted. So a line that is not what
was written, or is missing, shows (DD-3). The last line without an end was being written when the
process was killed; nobody was told that it was done, and it is dropped.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING
from zlib import crc32

from fakeviam.archive.lines import DamageError, Fields, line_of, value_of
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_QUOTED = len('["01234567",')


class Log:
    """A log that is open for more."""

    def __init__(self, path: Path, *, entries: int) -> None:
        """Add to the log at `path`, which holds that many whole entries, or none yet."""
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._close = weakref.finalize(self, os.close, self._handle)
        self._entries = entries
        self._failure: OSError | None = None
        self.size = os.fstat(self._handle).st_size

    def append(self, entry: dict[str, object]) -> None:
        """Hand an entry to the kernel: a killed process loses nothing of it any more.

        Raises:
            UsageError: It could not be written, or an earlier one could not.
        """
        if self._failure is not None:
            raise self._refusal(self._failure)
        line = line_of_entry({"n": self._entries + 1, **entry})
        try:
            _write_all(self._handle, line)
        except OSError as error:
            # The store has done what the log has not: only a restart makes them equal again.
            self._failure = error
            os.ftruncate(self._handle, self.size)
            raise self._refusal(error) from error
        self._entries += 1
        self.size += len(line)

    def close(self) -> None:
        """Close the file."""
        self._close()

    def _refusal(self, error: OSError) -> UsageError:
        told = f"cannot write to {self.path}: {error.strerror}; make room there and start again"
        return UsageError(f"{told}. What was answered before is kept, this call is not")


def line_of_entry(entry: dict[str, object]) -> bytes:
    """The line that says an entry."""
    text = line_of(entry)
    return b'["%08x",%s]\n' % (crc32(text), text)


def entries_of(path: Path, *, is_last: bool) -> Iterator[Fields]:
    """The entries of a log, in order; of the last log the half-written end is cut off.

    Raises:
        DamageError: There is damage that no kill can do.
    """
    text = path.read_bytes()
    *lines, rest = text.split(b"\n")
    if rest and not is_last:
        raise _damaged(path, len(lines) + 1, "it has no end, and other logs follow")
    if rest:
        os.truncate(path, len(text) - len(rest))
    for number, line in enumerate(lines, 1):
        body = line[_QUOTED:-1]
        if line[:_QUOTED] != b'["%08x",' % crc32(body) or line[-1:] != b"]":
            raise _damaged(path, number, f"its checksum is not that of its entry: {line[:80]!r}")
        fields = Fields(value_of(body), f"{path}, line {number}")
        found = fields.number("n")
        if found != number:
            raise _damaged(path, number, f"n must be {number}, got {found}: entries are missing")
        yield fields


def _damaged(path: Path, number: int, what: str) -> DamageError:
    advice = "take the directory from a copy, or cut the file off before that line to go back"
    return DamageError(f"{path}, line {number}: {what}; {advice}")


def _write_all(handle: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(handle, rest) :]
