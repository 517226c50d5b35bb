"""The files of a data directory, and whether a folder is one.

directory.json   the format; written last when a directory is created
lock             held by the server that uses it
log.jsonl        an initial state, and every write since
blobs/           the bytes of files, by their SHA-256
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from fakeviam.archive.format import BLOBS
from fakeviam.archive.lines import damaged
from fakeviam.datadir.loading import VERSION
from fakeviam.model.errors import UsageError
from fakeviam.validation.json_text import parse_json

if TYPE_CHECKING:
    from pathlib import Path

    from fakeviam.archive.files import Files

NAME = "fakeviam data directory"
DESCRIPTION, LOCK, LOG = "directory.json", "lock", "log.jsonl"
_OURS = {LOCK, LOG, BLOBS, f"{LOG}.new", f"{DESCRIPTION}.new"}

log = logging.getLogger("fakeviam")


def prepare(path: Path, files: Files) -> bool:
    """Create the folder of a data directory; whether it is new.

    Raises:
        UsageError: The path is something else, or a directory of another version.
    """
    is_made = not path.exists()
    files.make_folder(path)
    names = {one.name for one in path.iterdir()}
    if LOG in names:
        check_is_file(path / LOG)
    if DESCRIPTION in names:
        _make_private(path)
        check_version(path)
        return False
    if names - _OURS:
        text = f"{path} is not empty and not a data directory: {DESCRIPTION} is missing"
        raise UsageError(f"{text}; choose an empty directory")
    if not (is_made or names):
        path.chmod(0o700)
    return LOG not in names


def _make_private(path: Path) -> None:
    """Restrict a directory to its owner: it contains keys and passwords (DD-7)."""
    if path.stat().st_mode & 0o077:
        try:
            path.chmod(0o700)
        except OSError as error:
            log.warning("%s: others may read the keys in it (%s)", path, error.strerror)
        else:
            log.warning("%s: others could read the keys in it; now only its owner can", path)


def description(seed: int) -> bytes:
    """The contents of directory.json."""
    text = json.dumps({"format": NAME, "version": VERSION, "seed": seed}, indent=2)
    return f"{text}\n".encode()


def check_description(path: Path, seed: int) -> None:
    """Check that directory.json was not changed.

    Raises:
        DamageError: It was.
    """
    place = path / DESCRIPTION
    if place.exists() and place.read_bytes() != description(seed):
        raise damaged(str(place), "does not have its original contents")


def check_is_file(path: Path) -> None:
    """Refuse what cannot be read to its end, such as a pipe.

    Raises:
        UsageError: It is not a regular file.
    """
    if not path.is_file():
        raise UsageError(f"{path} is not a regular file")


def check_version(path: Path) -> None:
    """Refuse a directory of another version.

    Raises:
        UsageError: The version differs; the message says what to do.
    """
    if (path / DESCRIPTION).exists():
        check_is_file(path / DESCRIPTION)
    try:
        version = parse_json((path / DESCRIPTION).read_bytes())["version"]
    except (OSError, ValueError, LookupError, TypeError):
        return  # missing or damaged; reported once the seed is known
    if isinstance(version, int) and version > VERSION:
        raise UsageError(
            f"{path / DESCRIPTION}: version {version} was written by a later fakeviam; "
            f"this version reads format {VERSION}; upgrade fakeviam"
        )
    if version == 1:
        raise UsageError(
            f"{path / DESCRIPTION}: version 1 comes from an earlier fakeviam; export an archive "
            "with that one, and begin a new directory with it (--load)"
        )
