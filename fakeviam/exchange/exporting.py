"""Exports to a folder, which appears atomically when it is complete."""

from __future__ import annotations

import json
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fakeviam.exchange.owners import DATASETS_FILE
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeviam.wire.data import BinaryMetadata


class ExportError(UsageError):
    """Something cannot be represented in the requested format."""


class Writer(Protocol):
    """Writes one format."""

    def add(self, metadata: BinaryMetadata, data: bytes) -> bool:
        """Write one file; False if the format cannot hold it."""
        ...

    def finish(self) -> None:
        """Write the remaining files."""


@dataclass(slots=True)
class Exported:
    """How many files were exported, and how many the format cannot represent."""

    files: int = 0
    skipped: int = 0


class Export:
    """An export in progress, one file at a time."""

    def __init__(self, writer: Writer) -> None:
        """Export with `writer`."""
        self._writer = writer
        self.done = Exported()

    def add(self, metadata: BinaryMetadata, data: bytes) -> None:
        """Write one file.

        Raises:
            ExportError: The format cannot represent something about it.
        """
        if self._writer.add(metadata, data):
            self.done.files += 1
        else:
            self.done.skipped += 1


@contextmanager
def exporting(
    dest: str | os.PathLike[str],
    make: Callable[[Path, str], Writer],
    *,
    datasets: Mapping[str, str] | None = None,
) -> Iterator[Export]:
    """Fill a temporary folder, which is moved to `dest` on success.

    Args:
        dest: A folder that does not exist yet, or is empty.
        make: Creates the writer from the folder to fill, and the path that it will have.
        datasets: The names of datasets by id, which no format represents.

    Raises:
        ExportError: The destination exists, or its parent folder does not.
    """
    place = Path(dest)
    _check_free(place)
    temporary = place.resolve().with_name(f".{secrets.token_hex(8)}.part")
    temporary.mkdir()
    try:
        writer = make(temporary, str(place))
        export = Export(writer)
        yield export
        writer.finish()
        if datasets:
            put(temporary, DATASETS_FILE, json.dumps(datasets, ensure_ascii=False).encode())
        _check_free(place)
        if place.exists():
            place.rmdir()
        temporary.rename(place.resolve())
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def export_all(
    dest: str | os.PathLike[str],
    make: Callable[[Path, str], Writer],
    files: Iterable[tuple[BinaryMetadata, bytes]],
) -> Exported:
    """Write all these files; see `exporting`."""
    with exporting(dest, make) as export:
        for metadata, data in files:
            export.add(metadata, data)
    return export.done


def put(folder: Path, path: str, data: bytes) -> None:
    """Write a file of an export, and create its folders."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _check_free(place: Path) -> None:
    if place.is_dir() and not any(place.iterdir()):
        return
    if place.exists() or place.is_symlink():
        raise ExportError(f"{place} already exists; choose a new or empty folder")
    if not place.resolve().parent.is_dir():
        raise ExportError(f"the folder {place.parent} does not exist; create it first")
