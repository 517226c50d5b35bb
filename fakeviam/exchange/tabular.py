"""Readings exported by the `viam` command line.

`data.ndjson` has one ExportTabularDataResponse per line. Before 2025 it was in `data/`, and a line
was a reading with `TimeRequested`, `TimeReceived` and `MetadataIndex`, the index of its
CaptureMetadata in `metadata/0.json`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.exchange.files import LeftOutCounts
from fakeviam.exchange.messages import message_of
from fakeviam.exchange.owners import Owners
from fakeviam.model.clock import FIRST, LAST, SECOND
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.seeds.diagnostics import Diagnostics, SourceLocation, printable
from fakeviam.seeds.document import json_value, read_text
from fakeviam.seeds.values import Capture, ReadingSeed, Seed, SeriesSeed
from fakeviam.wire import data as messages
from fakeviam.wire.times import nanos_from
from fakeviam.wire.values import mapping_from, struct_from

if TYPE_CHECKING:
    import os

_TIMES = ("TimeRequested", "TimeReceived")
_INDEX = "MetadataIndex"


def is_tabular(line: object) -> bool:
    """Whether a JSON line is a reading exported by the command line."""
    return isinstance(line, dict) and ("partId" in line or _INDEX in line)


def read_tabular(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> Seed:
    """Read an exported `data.ndjson`.

    Raises:
        SeedError: A line is not a reading.
        UsageError: An option does not apply here.
    """
    options.check_useful("a data.ndjson of the viam command line", ("part",))
    file, name = Path(path), printable(Path(path).name)
    reader, diagnostics = _TabularReader(file, options), Diagnostics()
    for number, line in enumerate(read_text(file, SourceLocation(file=name)).split("\n"), 1):
        if line.strip():
            at = SourceLocation(file=name, line=number)
            with diagnostics:
                reader.add(json_value(line, at), at)
    diagnostics.check()
    return reader.seed(SourceLocation(file=name))


class _TabularReader:
    """Groups readings by their source: everything but times and payload."""

    def __init__(self, file: Path, options: ReadOptions) -> None:
        self._file = file
        self._options = options
        self._owners = Owners()
        self._left = LeftOutCounts()
        self._sources: dict[int, tuple[Capture, tuple[str, ...]]] = {}
        # In order of first use.
        self._found: dict[tuple[Capture, tuple[str, ...]], list[ReadingSeed]] = {}

    def seed(self, at: SourceLocation) -> Seed:
        return Seed(
            parts=() if self._options.part else self._owners.parts,
            series=tuple(
                SeriesSeed(readings=tuple(readings), capture=source, tags=tags, at=at)
                for (source, tags), readings in self._found.items()
            ),
            left_out=self._left.all,
        )

    def add(self, line: object, at: SourceLocation) -> None:
        if isinstance(line, dict) and _INDEX in line:
            source = self._source_of(line.pop(_INDEX), at)
            requested, received = (_nanos(line.pop(name, None), at.inside(name)) for name in _TIMES)
            try:
                struct_from(line)
            except ValueError as error:
                raise at.error(str(error)) from None
            reading = ReadingSeed(data=line, time_requested=requested, time_received=received)
        else:
            if isinstance(line, dict) and line.get("methodParameters"):
                self._left.add("methodParameters", at)
            row = message_of(messages.ExportTabularDataResponse, line, at)
            source = self._source(row, row.resource_subtype, row.resource_name, at)
            has_time = row.HasField("time_captured")
            reading = ReadingSeed(
                data=mapping_from(row.payload),
                time_requested=nanos_from(row.time_captured) if has_time else None,
            )
        self._found.setdefault(source, []).append(reading)

    def _source_of(self, index: object, at: SourceLocation) -> tuple[Capture, tuple[str, ...]]:
        """The source whose metadata is in a separate file."""
        if not isinstance(index, int) or isinstance(index, bool):
            raise at.inside(_INDEX).error(f"must be a whole number, got {index!r}")
        if index not in self._sources:
            path = self._file.parent.parent / "metadata" / f"{index}.json"
            text = read_text(path, at.inside(_INDEX), label=printable(f"metadata/{index}.json"))
            inside = SourceLocation(file=f"metadata/{index}.json")
            row = message_of(messages.CaptureMetadata, json_value(text, inside), inside)
            self._sources[index] = self._source(row, row.component_type, row.component_name, at)
        return self._sources[index]

    def _source(
        self, row: Any, kind: str, name: str, at: SourceLocation
    ) -> tuple[Capture, tuple[str, ...]]:
        capture = Capture(
            part=self._options.part or self._owners.part(row, at),
            component_type=kind,
            component=name,
            method=row.method_name,
        )
        return capture, tuple(row.tags)


def _nanos(value: object, at: SourceLocation) -> int | None:
    """A timestamp in Go's JSON format."""
    if value is None:
        return None
    match value:
        case dict() if all(type(each) is int for each in value.values()):
            seconds: int = value.get("seconds", 0)
            nanos: int = value.get("nanos", 0)
            if FIRST <= seconds * SECOND + nanos <= LAST:
                return seconds * SECOND + nanos
    text = "must be seconds and nanos of a time in the years 1 to 9999"
    raise at.error(f"{text}, got {value!r:.60}")
