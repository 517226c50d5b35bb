"""Logs: what is in them, what may be missing, and what may not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.archive.files import Files
from fakeviam.datadir.log import START, LogReader, LogWriter, line_of_entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of three entries."""
    log = LogWriter(tmp_path / "log", Files())
    log.fill(iter([{"name": "a"}]))
    log.append({"name": "b"})
    log.append({"name": "c"})
    log.close()
    return tmp_path / "log"


def read(path: Path) -> tuple[str, LogReader]:
    reader = LogReader(path)
    return "".join(entry["name"] for entry in reader), reader


def names(path: Path) -> str:
    return read(path)[0]


def reopened(path: Path) -> LogWriter:
    _, reader = read(path)
    log = LogWriter(path, Files(), end=reader.end, stale_mark=reader.stale_mark)
    log.cut()
    return log


def test_entries_are_lines_of_json(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert all(line.startswith(b'["') for line in lines)
    assert len(lines[0] + lines[1]) == START
    assert lines[3] == line_of_entry({"n": 2, "name": "b"})
    found, reader = read(path)
    assert found == "abc"
    assert reader.is_whole
    assert reader.rest == reader.damaged_marks == 0


def test_a_log_goes_on(path: Path) -> None:
    for at, name in enumerate("defg", 4):
        log = reopened(path)
        log.append({"name": name})
        log.close()
        assert names(path) == "abcdefg"[:at]


def test_a_log_that_is_cut_off_is_not_whole(path: Path) -> None:
    """At whichever byte, also between two entries (DD-3)."""
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        found, reader = read(path)
        kept = sum(end <= cut for end in ends[2:])
        assert found == "abc"[:kept]
        assert not reader.is_whole
        if cut >= START:
            assert reader.lost() == 3 - kept


def test_an_entry_that_was_not_acknowledged_may_be_cut_off(path: Path) -> None:
    """Or be whole, if the process ended before it could be acknowledged (DD-3)."""
    whole = path.read_bytes()
    line = line_of_entry({"n": 4, "name": "d"})
    for cut in range(1, len(line) + 1):
        path.write_bytes(whole + line[:cut])
        found, reader = read(path)
        assert found == ("abcd" if cut == len(line) else "abc")
        assert reader.is_whole
        assert (reader.rest, reader.lost()) == ((cut, 1) if cut < len(line) else (0, 0))
        log = reopened(path)
        log.append({"name": "x"})
        log.close()
        assert names(path) == f"{found}x"


@pytest.mark.parametrize("bit", [1, 2, 32, 128])
@pytest.mark.thinned(4)
def test_a_byte_that_is_another_shows(path: Path, bit: int) -> None:
    """Everywhere, the last end of a line and the marks included (DD-3)."""
    whole = path.read_bytes()
    for at, byte in enumerate(whole):
        path.write_bytes(whole[:at] + bytes([byte ^ bit]) + whole[at + 1 :])
        found, reader = read(path)
        if at < START:
            # The other mark may be older by one entry.
            assert (found, reader.is_whole, reader.damaged_marks) == ("abc", True, 1)
            assert reader.acknowledged is not None
            assert reader.acknowledged.entries >= 2
            assert reader.stale_mark == at // (START // 2)
        else:
            assert found != "abc"
            assert not reader.is_whole
            assert reader.problem


def test_both_marks_damaged(path: Path) -> None:
    """Nobody can tell how far it went (DD-3)."""
    whole = path.read_bytes()
    path.write_bytes(b"?" + whole[1 : START - 2] + b"?" + whole[START - 1 :])
    found, reader = read(path)
    assert (found, reader.acknowledged, reader.is_whole) == ("abc", None, False)


def test_lines_twice_and_lines_missing_show(path: Path) -> None:
    """Each is whole, and yet it is not what was written (DD-3)."""
    lines = path.read_bytes().splitlines(keepends=True)
    for wrong in ([*lines[:3], *lines[2:]], [*lines[:3], *lines[4:]]):
        path.write_bytes(b"".join(wrong))
        _, reader = read(path)
        assert not reader.is_whole
        assert reader.problem.startswith("n must be 2, got ")


class _Full(Files):
    """A disk with room for so many bytes."""

    room = 0

    def write(self, handle: int, data: bytes, at: int) -> None:
        super().write(handle, data[: self.room], at)
        if self.room < len(data):
            raise OSError(28, "No space left on device")


def test_half_an_entry_is_taken_back(path: Path) -> None:
    """And later ones are taken once there is room (DD-4)."""
    whole = path.read_bytes()
    files = _Full()
    _, reader = read(path)
    log = LogWriter(path, files, end=reader.end, stale_mark=reader.stale_mark)
    for room in range(20):
        files.room = room
        with pytest.raises(OSError, match="No space left on device"):
            log.append({"name": "d"})
        assert path.read_bytes() == whole
        assert not log.failure
    files.room = 1000
    log.append({"name": "e"})
    log.close()
    assert names(path) == "abce"


def test_a_mark_that_cannot_be_written_loses_nothing(path: Path) -> None:
    """The entry is kept; one mark is whole at any moment (DD-1)."""

    class NoMarks(Files):
        def write(self, handle: int, data: bytes, at: int) -> None:
            super().write(handle, data[:9] if at < START else data, at)
            if at < START:
                raise OSError(5, "Input/output error")

    _, reader = read(path)
    log = LogWriter(path, NoMarks(), end=reader.end, stale_mark=reader.stale_mark)
    for name in "def":
        log.append({"name": name})
        found, reader = read(path)
        assert found[-1] == name
        assert reader.is_whole
        assert reader.damaged_marks == 1
    log.close()


def test_what_cannot_be_taken_back_is_a_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is what may be on the disk or not (DD-5)."""

    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    write = os.pwrite

    def fail_halfway(handle: int, data: bytes, at: int) -> int:
        if len(data) < 2:
            fail()
        return write(handle, data[: len(data) // 2], at)

    for name, text in (
        ("ftruncate", "a partial entry could not be removed (Input/output error)"),
        ("fsync", "the log could not be written to disk ([Errno 5] Input/output error)"),
    ):
        log = LogWriter(path, Files(durable=True), end=read(path)[1].end)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            if name == "ftruncate":
                patch.setattr(os, "pwrite", fail_halfway)
            with pytest.raises(OSError, match="Input/output error"):
                log.append({"name": "d"})
        assert log.failure == text
        log.close()
