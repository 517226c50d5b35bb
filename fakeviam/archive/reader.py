"""Reads archives: completely, or with an error that locates the damage (AR-2)."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fakeviam.archive import format as names
from fakeviam.archive.blobs import Blobs
from fakeviam.archive.contents import Contents
from fakeviam.archive.entities import entity_of
from fakeviam.archive.lines import damaged, value_of
from fakeviam.archive.models import (
    BinaryRecordRow,
    DatasetRow,
    KeyRow,
    ManifestRow,
    SourceRow,
    TabularRecordRow,
    UserRow,
    check_format,
    checked_object,
    checked_row,
    fleet_of,
)
from fakeviam.archive.rows import Sources
from fakeviam.model.errors import UsageError
from fakeviam.store.events import (
    ArrivalsSet,
    BinaryAdded,
    DatasetPut,
    EntitiesPut,
    PasswordSet,
    StoreEvent,
    TabularAdded,
)
from fakeviam.store.memory import MemoryStore
from fakeviam.store.values import Arrivals
from fakeviam.validation.json_text import JsonError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fakeviam.store.base import Store
    from fakeviam.validation.models import Model

    M = TypeVar("M", bound=Model)


def read(
    path: str | os.PathLike[str], *, make_store: Callable[[], Store] = MemoryStore
) -> Contents:
    """Read an archive; the caller owns the contents.

    Raises:
        UsageError: It does not exist, was written by a later fakeviam, or is damaged; the
            message says where, and what to do.
    """
    folder = Path(os.fspath(path))
    return read_tables(folder, Blobs(folder / names.BLOBS), make_store())


def read_tables(folder: Path, blobs: Blobs, store: Store) -> Contents:
    """Read the files of an archive into an empty store, with the bytes from `blobs`."""
    manifest = _manifest(folder)
    tables = _Tables(folder, manifest)
    sources = Sources()
    for row, _ in tables.rows(names.SOURCES, SourceRow):
        sources.put(row.name, row.source)
    binary = [
        row.stored(sources, blobs, at) for row, at in tables.rows(names.BINARY, BinaryRecordRow)
    ]
    tabular = [row.stored(sources, at) for row, at in tables.rows(names.TABULAR, TabularRecordRow)]
    events: list[StoreEvent] = [BinaryAdded(binary), TabularAdded(tabular)]
    events += (DatasetPut(row.dataset) for row, _ in tables.rows(names.DATASETS, DatasetRow))
    events += (
        PasswordSet(row.organization_id, row.password)
        for row, _ in tables.rows(names.USERS, UserRow)
    )
    if manifest.version > 1:  # version 1 has no entities
        entities = [entity_of(value, at) for value, at in tables.values(names.ENTITIES)]
        events.append(EntitiesPut(entities))
    events.append(ArrivalsSet(Arrivals(**dict(manifest.arrivals))))
    contents = Contents(
        store=store,
        fleet=fleet_of(tables.values(names.FLEET)),
        keys=tuple(_checked_key(value, at) for value, at in tables.values(names.KEYS)),
        counters=manifest.counters.counters,
        made_by=manifest.fakeviam,
    )
    store.apply(events)
    return contents


def _checked_key(value: object, where: str) -> Mapping[str, object]:
    """The row of a key, validated here, where its file and line are known."""
    checked_row(KeyRow, value, where)
    return checked_object(value, where)


class _Tables:
    """The files with lines, each verified against the manifest before it is used."""

    def __init__(self, folder: Path, manifest: ManifestRow) -> None:
        self._folder = folder
        self._manifest = manifest

    def rows(self, name: str, model: type[M]) -> Iterator[tuple[M, str]]:
        """Yield the model and the location of each line."""
        for value, where in self.values(name):
            yield checked_row(model, value, where), where

    def values(self, name: str) -> Iterator[tuple[object, str]]:
        """Yield the value and the location of each line."""
        path = self._folder / name
        if name not in self._manifest.files:
            raise damaged(str(self._folder / names.MANIFEST), f"files.{name} is missing")
        expected = self._manifest.files[name]
        try:
            text = path.read_bytes()
        except OSError as error:
            raise damaged(str(path), f"cannot be read ({error.strerror})") from None
        lines = text.split(b"\n")
        if lines.pop() != b"" or len(lines) < expected.lines:
            what = f"is truncated: {len(lines)} lines of {expected.lines} in the manifest"
            raise damaged(str(path), what)
        if sha256(text).hexdigest() != expected.sha256:
            _check_json(path, lines)
            raise damaged(str(path), "was changed: its hash differs from the manifest")
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            yield _value(line, where), where


def _check_json(path: Path, lines: list[bytes]) -> None:
    """Report the first line that is not a JSON object, if any."""
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        checked_object(_value(line, where), where)


def _value(line: bytes, where: str) -> object:
    try:
        value: object = value_of(line)
    except JsonError as error:
        raise damaged(where, f"{error.reason}: {line[:80]!r}") from None
    return value


def _manifest(folder: Path) -> ManifestRow:
    """Read the manifest.

    Raises:
        UsageError: It is not an archive, or one of a later version.
        DamageError: It is damaged.
    """
    path = folder / names.MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        what = f"there is no archive in {folder}: {names.MANIFEST} cannot be read"
        advice = "name a directory that was created by an export"
        raise UsageError(f"{what} ({error.strerror}); {advice}") from None
    value = _value(text, str(path))
    check_format(value, str(path), name=names.NAME, version=names.VERSION)
    return checked_row(ManifestRow, value, str(path))
