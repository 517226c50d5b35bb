"""Archives: what is written is read, byte for byte, and nothing else is touched."""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from fakeviam import UsageError, archive
from fakeviam.archive import Contents, writer

from .worlds import small_world, state, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@given(contents=worlds())
def test_what_is_written_is_read(contents: Contents) -> None:
    """Every record, byte, time and number, whatever it is (AR-1)."""
    with tempfile.TemporaryDirectory() as folder:
        archive.write(f"{folder}/a", contents)
        found = archive.read(f"{folder}/a")
        assert state(found) == state(contents)
        # And what was read is written as the same bytes.
        archive.write(f"{folder}/b", found)
        assert files(Path(folder, "a")) == files(Path(folder, "b"))


def test_one_change_is_a_small_difference(tmp_path: Path) -> None:
    """A record more is a line more, and bytes that were there are not there again (AR-1)."""
    archive.write(tmp_path / "a", small_world(binary=3))
    archive.write(tmp_path / "b", small_world(binary=4))
    before, after = files(tmp_path / "a"), files(tmp_path / "b")
    differing = {name for name in after if before.get(name) != after[name]}
    blobs = {name for name in differing if name.startswith("blobs/")}
    assert differing - blobs == {"manifest.json", "binary.jsonl"}
    assert len(blobs) == 1
    assert after["binary.jsonl"].startswith(before["binary.jsonl"])


def test_an_archive_reads_well(tmp_path: Path) -> None:
    """Names, times and readings are text."""
    archive.write(tmp_path / "a", small_world())
    found = files(tmp_path / "a")
    assert set(found) == {
        "manifest.json",
        "fleet.jsonl",
        "keys.jsonl",
        "users.jsonl",
        "datasets.jsonl",
        "entities.jsonl",
        "sources.jsonl",
        "binary.jsonl",
        "tabular.jsonl",
        *(name for name in found if name.startswith("blobs/")),
    }
    reading = json.loads(found["tabular.jsonl"])
    assert reading["reading"] == {"celsius": 21.5}
    assert reading["time_requested"] == "2023-11-14T22:13:20.000000001Z"
    manifest = json.loads(found["manifest.json"])
    assert (manifest["format"], manifest["version"]) == ("fakeviam archive", 2)
    assert manifest["files"]["binary.jsonl"]["lines"] == manifest["blobs"] == 3


def test_an_archive_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    """Nothing of the earlier one is left, and nothing is left beside (AR-3)."""
    archive.write(tmp_path / "a", small_world(binary=4))
    archive.write(tmp_path / "a", small_world(binary=1))
    assert state(archive.read(tmp_path / "a")) == state(small_world(binary=1))
    assert len(list((tmp_path / "a" / "blobs").rglob("*/*"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_folders_on_the_way_are_made_and_links_are_followed(tmp_path: Path) -> None:
    archive.write(tmp_path / "x" / "y" / "a", small_world())
    (tmp_path / "link").symlink_to(tmp_path / "x" / "y" / "a")
    archive.write(tmp_path / "link", small_world(binary=1))
    assert (tmp_path / "link").is_symlink()
    assert archive.read(tmp_path / "x" / "y" / "a").store.stats().binary.records == 1


@pytest.mark.parametrize("found", ["file", "folder", "own"])
def test_nothing_but_an_archive_is_replaced(tmp_path: Path, found: str) -> None:
    """Not even what somebody put into an archive (AR-3)."""
    place = tmp_path / "a"
    if found == "file":
        place.write_text("mine")
    elif found == "folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    else:
        archive.write(place, small_world())
        (place / ".git").mkdir()
    before = files(tmp_path)
    with pytest.raises(UsageError, match="choose another path, or remove it yourself"):
        archive.write(place, small_world(binary=1))
    assert files(tmp_path) == before


def test_an_empty_folder_becomes_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    archive.write(tmp_path / "a", small_world())
    assert state(archive.read(tmp_path / "a")) == state(small_world())


def test_what_fails_leaves_the_earlier_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it fails: while writing, or at the very last step (AR-3)."""
    archive.write(tmp_path / "a", small_world())
    before = files(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_settle", fail)
        with pytest.raises(UsageError, match="No space left on device"):
            archive.write(tmp_path / "a", small_world(binary=1))
    assert files(tmp_path) == before

    rename = Path.rename

    def fail_at_the_new_one(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            fail()
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail_at_the_new_one)
        with pytest.raises(UsageError, match="No space left on device"):
            archive.write(tmp_path / "a", small_world(binary=1))
    assert files(tmp_path) == before


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody who may not write everywhere, as root may."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    archive.write(tmp_path / "a", small_world())  # what it imports only root may read
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        denied = rf"cannot write the archive .*{re.escape(folder)}.*Permission denied"
        with unprivileged(), pytest.raises(UsageError, match=denied):
            archive.write(f"{folder}/a", small_world())
        assert list(Path(folder).iterdir()) == []


def test_all_of_an_archive_is_on_the_disk(tmp_path: Path, settled: list[int]) -> None:
    """Each file and folder, also where one call for all of them is cheaper (AR-3)."""
    settled.clear()
    archive.write(tmp_path / "a", small_world())
    assert {path.stat().st_ino for path in tmp_path.rglob("*")} <= set(settled)
    settled.clear()
    archive.write(tmp_path / "b", small_world(binary=writer._MANY))
    assert 0 in settled
