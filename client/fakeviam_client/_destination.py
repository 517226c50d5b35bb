"""Writes downloads to `dest`, without losing existing files.

- Readings become one JSON file, which `load_readings` reads back unchanged.
- One file of binary data becomes that file. Any other number becomes a directory of files and
  `manifest.json`, which describes each of them.
- Metadata without bytes becomes one JSON file with the contents of the manifest.

Everything is first written under a temporary name next to `dest` and then renamed, so `dest` is
never incomplete. An existing file is replaced; so is a directory, if a download created it and it
contains nothing else. Symbolic links are followed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam_client._arguments import text
from fakeviam_client._names import Names
from fakeviam_client._plain import capture_metadata_from, json_text, plain
from fakeviam_client._records import TabularData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from fakeviam_client._records import BinaryData

MANIFEST = "manifest.json"

#: A marker in every manifest, which distinguishes it from other files of that name.
FORMAT = "fakeviam_client files 1"


def check_destination(dest: object, *, count_only: bool = False) -> Path | None:
    """The path of `dest`, or None if there is none; checked before anything is fetched.

    Raises:
        TypeError: It is not a path.
        ValueError: It cannot be a path, or `count_only` leaves nothing to write.
        FileExistsError: Something exists there that must not be replaced.
        FileNotFoundError: The parent directory does not exist.
    """
    if dest is None:
        return None
    dest_text = text("dest", os.fspath(dest) if isinstance(dest, os.PathLike) else dest)
    if not dest_text or "\0" in dest_text:
        raise ValueError(f"dest must be a path, got {dest_text!r}")
    if count_only:
        raise ValueError("count_only and dest cannot be combined: nothing is fetched")
    path = Path(os.path.realpath(dest_text))
    _check_replaceable(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no directory {path.parent}")
    return path


def check_file(dest: object) -> Path:
    """The path of `dest` for a single file; checked before anything is fetched.

    Raises:
        TypeError: It is not a path.
        ValueError: It cannot be a path.
        FileExistsError: A directory or special file exists there.
        FileNotFoundError: The parent directory does not exist.
    """
    given = text("dest", os.fspath(dest) if isinstance(dest, os.PathLike) else dest)
    if Path(given.replace("\0", "")).is_dir():
        raise FileExistsError(f"{given} is a directory; name a file in it")
    path = check_destination(given)
    assert path is not None  # noqa: S101 - for the type checker
    return path


def write_readings(dest: Path, readings: Iterable[TabularData]) -> None:
    """Write readings as one JSON file, one per line."""
    with _replacement(dest) as file, _entries(file) as add:
        for reading in readings:
            add(_plain_reading(reading))


def load_readings(path: str | os.PathLike[str]) -> list[TabularData]:
    """Read the file that `tabular_data_by_filter(dest=…)` wrote, unchanged.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON.
    """
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    return [
        TabularData(
            entry["data"],
            capture_metadata_from(entry["metadata"]),
            datetime.fromisoformat(entry["time_requested"]),
            datetime.fromisoformat(entry["time_received"]),
        )
        for entry in entries
    ]


def write_files(dest: Path, files: Sequence[BinaryData], *, with_bytes: bool) -> None:
    """Write files of binary data, or their metadata if the bytes were not requested.

    Raises:
        FileExistsError: There are no files, and an earlier download would be lost; or something
            exists there that must not be replaced.
    """
    if not files and dest.exists():
        raise FileExistsError(f"no files match; {dest} is as it was")
    if not with_bytes:
        with _replacement(dest) as file, _manifest(file) as add:
            for one in files:
                add({"metadata": plain(one.metadata)})
    elif len(files) == 1:
        with _replacement(dest) as file:
            file.write(files[0].data)
    else:
        with folder(dest) as directory:
            for one in files:
                directory.add(one)


@contextmanager
def folder(dest: Path) -> Iterator[Folder]:
    """Fill a directory, which replaces `dest` on success.

    Raises:
        FileExistsError: Something exists there that must not be replaced.
    """
    temporary = _temporary(dest)
    temporary.mkdir()
    try:
        with (temporary / MANIFEST).open("xb") as file, _manifest(file) as add:
            yield Folder(temporary, add)
        _replace(temporary, dest)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


class Folder:
    """Writes a directory of files and their manifest, without keeping them in memory."""

    def __init__(self, path: Path, note: Callable[[dict[str, object]], None]) -> None:
        """Write to the directory at `path`; `note` writes an entry of its manifest."""
        self._path = path
        self._note = note
        self._names = Names(MANIFEST)

    def add(self, file: BinaryData) -> str:
        """Write a file and its manifest entry; return its name in the directory."""
        name = self._names.unused(file.metadata.file_name, file.metadata.file_ext)
        (self._path / name).write_bytes(file.data)
        self._note({"file": name, "metadata": plain(file.metadata)})
        return name


@contextmanager
def _entries(
    file: BinaryIO, before: str = "[", after: str = "]"
) -> Iterator[Callable[[Any], None]]:
    """Write a JSON list, one value per line, by calling the result with each value."""
    separator = "\n"

    def add(entry: object) -> None:
        nonlocal separator
        file.write(f"{separator}{json_text(entry)}".encode())
        separator = ",\n"

    file.write(before.encode())
    yield add
    file.write(f"\n{after}\n".encode())


def _manifest(file: BinaryIO) -> AbstractContextManager[Callable[[Any], None]]:
    """Write a manifest."""
    return _entries(file, f'{{"format": {json_text(FORMAT)}, "files": [', "]}")


@contextmanager
def _replacement(dest: Path) -> Iterator[BinaryIO]:
    """A file to write, which replaces `dest` on success."""
    temporary = _temporary(dest)
    try:
        with temporary.open("xb") as file:
            yield file
        _replace(temporary, dest)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(dest: Path) -> Path:
    """An unused name next to `dest`; short, because `dest` may have the maximum length."""
    return dest.with_name(f".{secrets.token_hex(8)}.part")


def _replace(temporary: Path, dest: Path) -> None:
    """Replace `dest` atomically; a directory must be moved out of the way first."""
    _check_replaceable(dest)
    if not dest.exists() or not (temporary.is_dir() or dest.is_dir()):
        temporary.replace(dest)
        return
    aside = _temporary(dest)
    dest.rename(aside)
    try:
        temporary.rename(dest)
    except BaseException:
        aside.rename(dest)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a leftover is harmless
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _check_replaceable(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        if not _is_download(path):
            message = f"{path} is a directory that is not just a download; choose another"
            raise FileExistsError(message)
    elif not stat.S_ISREG(mode):
        raise FileExistsError(f"{path} is neither a file nor a directory")


def _is_download(directory: Path) -> bool:
    """Whether a download created the directory, and it contains nothing else."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        listed = {entry["file"] for entry in manifest["files"]} | {MANIFEST}
        actual = {path.name for path in directory.iterdir()}
        return manifest["format"] == FORMAT and actual <= listed
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _plain_reading(reading: TabularData) -> dict[str, Any]:
    return {
        "data": reading.data,
        "metadata": plain(reading.metadata),
        "time_requested": reading.time_requested.isoformat(),
        "time_received": reading.time_received.isoformat(),
    }
