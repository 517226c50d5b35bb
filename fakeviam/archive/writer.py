"""Writes archives atomically (AR-3)."""

from __future__ import annotations

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.archive import format as names
from fakeviam.archive.blobs import Blobs
from fakeviam.archive.entity_rows import entity_row
from fakeviam.archive.files import wait_for_disk
from fakeviam.archive.lines import line_of
from fakeviam.archive.rows import (
    Sources,
    binary_row,
    dataset_row,
    fleet_rows,
    source_row,
    tabular_row,
)
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fakeviam.archive.contents import Contents

#: From this number of files, a single sync of everything is faster than one per file.
_MANY = 200


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write an archive; an existing one is replaced.

    The files are written beside `path`, synced to disk, and renamed. A directory cannot be replaced
    atomically: for a moment there is none.

    Raises:
        UsageError: There is something else at `path`, or the archive cannot be written; what exists
            remains unchanged.
    """
    place = Path(os.path.realpath(path))
    _check_replaceable(place)
    beside = place.with_name(f".{place.name}.{os.getpid()}.new")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        write_tables(beside, contents, Blobs(beside / names.BLOBS))
        _settle(beside)
        _move_in(beside, place)
    except OSError as error:
        text = f"cannot write the archive {place}: {error.strerror or error}"
        raise UsageError(text) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_tables(folder: Path, contents: Contents, blobs: Blobs) -> set[str]:
    """Write all files of an archive into an empty folder; returns the names of the blobs."""
    sources = Sources()
    digests: set[str] = set()
    # Each file contains what earlier ones refer to: sources after records, the manifest at the end.
    tables = {
        names.BINARY: _binary(contents, sources, blobs, digests),
        names.TABULAR: (tabular_row(row, sources) for row in contents.store.tabular_rows()),
        names.SOURCES: _sources(sources),
        names.FLEET: fleet_rows(contents.fleet),
        names.KEYS: contents.keys,
        names.USERS: _users(contents),
        names.DATASETS: map(dataset_row, contents.store.all_datasets()),
        names.ENTITIES: map(entity_row, contents.store.all_entities()),
    }
    hashes = {name: _write_table(folder / name, rows) for name, rows in tables.items()}
    manifest = {
        "format": names.NAME,
        "version": names.VERSION,
        "fakeviam": contents.made_by,
        "files": {name: table._asdict() for name, table in hashes.items()},
        "counters": contents.counters._asdict(),
        "arrivals": contents.store.arrivals._asdict(),
        "blobs": len(digests),
    }
    text = json.dumps(manifest, indent=2, sort_keys=True)
    (folder / names.MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    return digests


def _binary(
    contents: Contents, sources: Sources, blobs: Blobs, digests: set[str]
) -> Iterator[dict[str, object]]:
    for row in contents.store.binary_rows():
        digest = blobs.put(row.data)
        digests.add(digest)
        yield binary_row(row, sources, digest)


def _sources(sources: Sources) -> Iterator[dict[str, object]]:
    for name, one in sources:
        yield {"name": name, **source_row(one)}


def _users(contents: Contents) -> Iterator[dict[str, object]]:
    for organization_id, password in sorted(contents.store.database_passwords().items()):
        yield {"organization_id": organization_id, "password": password}


def _write_table(path: Path, rows: Iterable[object]) -> names.Table:
    lines, digest = 0, sha256()
    with path.open("wb") as file:
        for row in rows:
            line = line_of(row) + b"\n"
            file.write(line)
            digest.update(line)
            lines += 1
    return names.Table(lines, digest.hexdigest())


def _check_replaceable(place: Path) -> None:
    """Refuse to replace anything but an archive."""
    if not os.path.lexists(place):
        return
    advice = "choose another path, or remove it yourself"
    if not place.is_dir():
        raise UsageError(f"cannot write an archive to {place}: a file is there; {advice}")
    entries = {one.name for one in place.iterdir()}
    if entries and not names.is_archive(place):
        text = f"cannot write an archive to {place}: the directory is not empty and not an archive"
        raise UsageError(f"{text}; {advice}")
    foreign = entries - {names.MANIFEST, names.BLOBS, *names.TABLES}
    if foreign:
        text = f"cannot replace the archive {place}: {min(foreign)!r} is not part of it"
        raise UsageError(f"{text}; {advice}")


def _settle(folder: Path) -> None:
    """Sync all files before their names become visible."""
    paths = [folder, *folder.rglob("*")]
    if len(paths) > _MANY:
        os.sync()
        return
    for path in paths:
        wait_for_disk(path)


def _move_in(beside: Path, place: Path) -> None:
    """Rename the new archive; if that fails, restore the old one."""
    earlier = place.with_name(f".{place.name}.{os.getpid()}.old")
    shutil.rmtree(earlier, ignore_errors=True)
    replaces = place.exists()
    if replaces:
        place.rename(earlier)
    try:
        beside.rename(place)
    except OSError:
        if replaces:
            earlier.rename(place)
        raise
    wait_for_disk(place.parent)
    shutil.rmtree(earlier, ignore_errors=True)
