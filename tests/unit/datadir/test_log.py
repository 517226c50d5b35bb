"""Logs: what is in them, what may be missing, and what may not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakeviam import UsageError
from fakeviam.datadir.log import Log, entries_of, line_of_entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of three entries."""
    log = Log(tmp_path / "log", entries=0)
    for name in "abc":
        log.append({"name": name})
    log.close()
    return tmp_path / "log"


def names(path: Path, *, is_last: bool = True) -> str:
    return "".join(fields.text("name") for fields in entries_of(path, is_last=is_last))


def test_entries_are_lines_of_json(path: Path) -> None:
    assert path.read_bytes().startswith(b'["')
    assert path.read_bytes().splitlines()[1] == line_of_entry({"n": 2, "name": "b"})[:-1]
    assert names(path) == names(path, is_last=False) == "abc"


def test_a_log_goes_on(path: Path) -> None:
    log = Log(path, entries=3)
    log.append({"name": "d"})
    log.close()
    assert names(path) == "abcd"


def test_whatever_is_left_of_the_last_entry_is_dropped(path: Path) -> None:
    """Cut at every place, the log holds what came before, and goes on there (DD-3)."""
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        assert names(path) == "abc"[:kept]
        log = Log(path, entries=kept)
        log.append({"name": "x"})
        log.close()
        assert names(path) == "abc"[:kept] + "x"


def test_other_damage_is_refused(path: Path) -> None:
    """Any other byte, a line twice, a line less, an end in the midst of logs (DD-3)."""
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for at, byte in enumerate(whole):
        if at == len(whole) - 1:
            continue  # without it the entry has no end
        path.write_bytes(whole[:at] + bytes([byte ^ 1]) + whole[at + 1 :])
        with pytest.raises(UsageError, match=r"log, line \d: its checksum is not that"):
            names(path)
    for wrong in (lines[:1] + lines, lines[:1] + lines[2:]):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(UsageError, match=r"line 2: n must be 2, got \d: entries are missing"):
            names(path)
    path.write_bytes(whole[:-2])
    with pytest.raises(UsageError, match="cut the file off before that line to go back"):
        names(path, is_last=False)


def test_a_log_that_cannot_be_written_takes_nothing_more(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an entry is taken back, and later ones are refused: they would not fit (DD-1)."""
    log = Log(path, entries=3)
    write = os.write

    def half(handle: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return write(handle, data[:20])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(UsageError, match="No space left on device; make room there and start"):
            log.append({"name": "d"})
    with pytest.raises(UsageError, match="No space left on device"):
        log.append({"name": "e"})
    log.close()
    assert names(path) == "abc"
