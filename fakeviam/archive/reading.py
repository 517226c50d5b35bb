"""Reading an archive: all of it, or an error that says what is wrong with it (AR-2)."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from fakeviam.archive import format as names
from fakeviam.archive.blobs import Blobs
from fakeviam.archive.contents import Contents
from fakeviam.archive.lines import DamageError, Fields, damaged, value_of
from fakeviam.archive.rows import (
    Sources,
    binary_from,
    dataset_from,
    location_from,
    organization_from,
    part_from,
    robot_from,
    source_from,
    tabular_from,
)
from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import FleetState, Location, Organization, Part, Robot
from fakeviam.model.ids import Counters
from fakeviam.store.events import (
    ArrivalsSet,
    BinaryAdded,
    DatasetPut,
    PasswordSet,
    StoreEvent,
    TabularAdded,
)
from fakeviam.store.memory import MemoryStore
from fakeviam.store.values import Arrivals, BinaryRow, TabularRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.store.base import Store

_Made = TypeVar("_Made")


def read(
    path: str | os.PathLike[str], *, make_store: Callable[[], Store] = MemoryStore
) -> Contents:
    """Read an archive; the contents belong to the caller.

    Raises:
        UsageError: There is none, it was written by a later fakeviam, or it is damaged; the
            text says where, and what to do.
    """
    folder = Path(os.fspath(path))
    return read_tables(folder, Blobs(folder / names.BLOBS), make_store())


def read_tables(folder: Path, blobs: Blobs, store: Store) -> Contents:
    """Read the files of an archive into an empty store, with the bytes from `blobs`."""
    manifest = _manifest(folder)
    tables = _Tables(folder, manifest)
    sources = Sources()
    for fields in tables.rows(names.SOURCES):
        sources.put(fields.text("name"), source_from(fields))
        fields.done()
    effects: list[StoreEvent] = [BinaryAdded(list(_binary(tables, sources, blobs)))]
    effects.append(TabularAdded(list(_tabular(tables, sources))))
    effects += map(DatasetPut, map(_finished(dataset_from), tables.rows(names.DATASETS)))
    effects += map(_finished(_user), tables.rows(names.USERS))
    effects.append(ArrivalsSet(Arrivals(*manifest.arrivals)))
    fleet = _fleet(tables)
    keys = tuple(fields.rest() for fields in tables.rows(names.KEYS))
    store.apply(effects)
    return Contents(
        store=store,
        fleet=fleet,
        keys=keys,
        counters=Counters(*manifest.counters),
        made_by=manifest.fakeviam,
    )


def is_archive(folder: Path) -> bool:
    """Whether a directory says that it is an archive, of whatever version."""
    try:
        manifest = json.loads((folder / names.MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == names.NAME


class _Tables:
    """The files with lines, checked against the manifest before anything in them is believed."""

    def __init__(self, folder: Path, manifest: names.Manifest) -> None:
        self._folder = folder
        self._manifest = manifest

    def rows(self, name: str) -> Iterator[Fields]:
        """The fields of each line."""
        path = self._folder / name
        said = self._manifest.tables[name]
        try:
            text = path.read_bytes()
        except OSError as error:
            raise damaged(str(path), f"cannot be read ({error.strerror})") from None
        lines = text.split(b"\n")
        if lines.pop() != b"" or len(lines) < said.lines:
            told = f"is truncated: the manifest says {said.lines} lines, here are {len(lines)}"
            raise damaged(str(path), told)
        if sha256(text).hexdigest() != said.sha256:
            wrong = _first_wrong(path, lines)
            raise wrong or damaged(str(path), "is not what was written: its hash differs")
        for number, line in enumerate(lines, 1):
            yield Fields(_value(line, f"{path}, line {number}"), f"{path}, line {number}")


def _first_wrong(path: Path, lines: list[bytes]) -> DamageError | None:
    """The error for the first line that is not even JSON, if there is one."""
    for number, line in enumerate(lines, 1):
        try:
            Fields(_value(line, f"{path}, line {number}"), f"{path}, line {number}")
        except DamageError as damage:  # noqa: PERF203 - the file is damaged, that is enough of a delay
            return damage
    return None


def _value(line: bytes, where: str) -> object:
    try:
        value: object = value_of(line)
    except (ValueError, RecursionError):
        raise damaged(where, f"is not JSON: {line[:80]!r}") from None
    return value


def _finished(convert: Callable[[Fields], _Made]) -> Callable[[Fields], _Made]:
    """A conversion that must use every field."""

    def finish(fields: Fields) -> _Made:
        made = convert(fields)
        fields.done()
        return made

    return finish


def _binary(tables: _Tables, sources: Sources, blobs: Blobs) -> Iterator[BinaryRow]:
    for fields in tables.rows(names.BINARY):
        digest = fields.text("sha256")
        arrival, record = binary_from(fields, sources)
        fields.done()
        yield BinaryRow(arrival, record, blobs.get(digest, fields.where))


def _tabular(tables: _Tables, sources: Sources) -> Iterator[TabularRow]:
    for fields in tables.rows(names.TABULAR):
        row = tabular_from(fields, sources)
        fields.done()
        yield row


def _user(fields: Fields) -> PasswordSet:
    return PasswordSet(fields.text("organization_id"), fields.text("password"))


def _fleet(tables: _Tables) -> FleetState:
    found: dict[str, list[object]] = {kind: [] for kind in _FLEET}
    for fields in tables.rows(names.FLEET):
        kind = fields.text("kind")
        if kind not in _FLEET:
            raise fields.wrong("kind", f"one of {', '.join(_FLEET)}", kind)
        found[kind].append(_FLEET[kind](fields))
        fields.done()
    return FleetState(
        organizations=tuple(one for one in found["organization"] if isinstance(one, Organization)),
        locations=tuple(one for one in found["location"] if isinstance(one, Location)),
        robots=tuple(one for one in found["robot"] if isinstance(one, Robot)),
        parts=tuple(one for one in found["part"] if isinstance(one, Part)),
    )


def _manifest(folder: Path) -> names.Manifest:
    """What the archive says of itself.

    Raises:
        UsageError: It is no archive, or one of a later version.
        DamageError: It is damaged.
    """
    path = folder / names.MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        told = f"there is no archive at {folder}: {names.MANIFEST} cannot be read"
        advice = "name a directory that an export made"
        raise UsageError(f"{told} ({error.strerror}); {advice}") from None
    fields = Fields(_value(text, str(path)), str(path))
    check_version(fields, name=names.NAME, version=names.VERSION)
    manifest = names.Manifest(
        fakeviam=fields.text("fakeviam"),
        tables=_said(fields.inner("files")),
        counters=_numbers(fields.inner("counters"), Counters._fields),
        arrivals=_numbers(fields.inner("arrivals"), Arrivals._fields),
    )
    fields.number("blobs")
    fields.done()
    return manifest


def check_version(fields: Fields, *, name: str, version: int) -> None:
    """Refuse what is no such thing, and what a later fakeviam wrote.

    Raises:
        UsageError: It is, and the text says what to do.
    """
    found = fields.text("format")
    if found != name:
        raise UsageError(f"{fields.where}: format must be {name!r}, got {found!r}")
    number = fields.number("version")
    if number > version:
        told = f"{fields.where}: version {number} comes from a later fakeviam"
        raise UsageError(f"{told}; this one reads versions up to {version}, so upgrade it")


def _said(fields: Fields) -> dict[str, names.Table]:
    said = {}
    for name in names.TABLES:
        table = fields.inner(name)
        said[name] = names.Table(table.number("lines"), table.text("sha256"))
        table.done()
    fields.done()
    return said


def _numbers(fields: Fields, wanted: tuple[str, ...]) -> tuple[int, int]:
    one, other = (fields.number(name) for name in wanted)
    fields.done()
    return one, other


_FLEET: MappingProxyType[str, Callable[[Fields], object]] = MappingProxyType(
    {
        "organization": organization_from,
        "location": location_from,
        "robot": robot_from,
        "part": part_from,
    }
)
