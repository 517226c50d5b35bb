"""Readings of a seed: from CSV, JSON lines or rows in the seed itself."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.timestamps import nanos_from_number, nanos_from_text
from fakeviam.seeds.checks import Kept, Spot
from fakeviam.seeds.groups import capture_of, label_of
from fakeviam.seeds.mistakes import WrongError
from fakeviam.seeds.nodes import Node
from fakeviam.seeds.values import ReadingSeed, SeriesSeed
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A column of these is one of numbers. Not 007: that is a name.
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_TRUTH = MappingProxyType({"true": True, "false": False})


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by column, and where it stands."""

    values: dict[str, Any]
    node: Node
    spot: Spot


def series_of(given: Kept, base: Path | None) -> SeriesSeed:
    """The readings of one entry.

    Raises:
        WrongError: Something is wrong; that has been noted.
    """
    values = given.value
    if (values["file"] is None) == (values["rows"] is None):
        raise given.wrong("give either file or rows")
    rows = _inline(values["rows"]) if values["file"] is None else _read(values, base)
    if not rows:
        raise given.wrong("there are no readings in it")
    notes = given.spot.notes
    before = len(notes)
    readings = []
    for row in rows:
        with suppress(WrongError):
            readings.append(_reading(row, values))
    notes.unless_new(before)
    return SeriesSeed(
        readings=tuple(readings),
        capture=capture_of(values),
        tags=tuple(dict.fromkeys(values["tags"])),
        place=given.place,
    )


def _inline(rows: tuple[Kept, ...]) -> list[Row]:
    return [Row(kept.value, kept.node, kept.spot) for kept in rows]


def _read(values: dict[str, Any], base: Path | None) -> list[Row]:
    file: Kept = values["file"]
    if base is None:
        raise file.wrong("files cannot be named here; give rows")
    path = base / file.value
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise file.wrong(f"must end in {', '.join(_READERS)}, got {file.value!r}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise file.wrong(f"{file.value} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise file.wrong(f"{file.value} is no text in UTF-8; save it as UTF-8") from None
    times = frozenset({values["time"], values["received"]})
    return list(reader(text, Spot(file.spot.notes, label_of(path, base)), times))


def _csv(text: str, spot: Spot, times: frozenset[str]) -> Iterator[Row]:
    """Rows of a CSV file with a header.

    A column whose cells are all numbers is one of numbers; one of true and false likewise; any
    other is text. An empty cell is an absent value. Columns of times stay text: a float would
    round them.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        lines.extend((reader.line_num, cells) for cells in reader if cells)
    except csv.Error as error:
        raise spot.wrong(Node(None, reader.line_num), f"is no CSV: {error}") from None
    if not lines:
        raise spot.wrong(Node(None, 1), "is empty; the first line names the columns")
    header = _header(lines[0], spot)
    before = len(spot.notes)
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            spot.wrong(Node(None, line), f"has {len(cells)} cells, the header {len(header)}")
    spot.notes.unless_new(before)
    readers = [
        str if name in times else _column([cells[at] for _, cells in lines[1:]])
        for at, name in enumerate(header)
    ]
    for line, cells in lines[1:]:
        values = {
            name: read(cell)
            for name, read, cell in zip(header, readers, cells, strict=True)
            if cell.strip()
        }
        yield Row(values, Node(None, line), spot)


def _header(first: tuple[int, list[str]], spot: Spot) -> list[str]:
    line, names = first[0], [name.strip() for name in first[1]]
    for number, name in enumerate(names, 1):
        if not name:
            raise spot.wrong(Node(None, line), f"column {number} has no name")
        if names.index(name) != number - 1:
            raise spot.wrong(Node(None, line), f"two columns are called {name!r}")
    return names


def _column(cells: list[str]) -> Callable[[str], Any]:
    full = [cell.strip() for cell in cells if cell.strip()]
    if all(_NUMBER.fullmatch(cell) for cell in full):
        return float
    if all(cell.lower() in _TRUTH for cell in full):
        return lambda cell: _TRUTH[cell.strip().lower()]
    return str


def _json_lines(text: str, spot: Spot, _: frozenset[str]) -> Iterator[Row]:
    before = len(spot.notes)
    for line, one in enumerate(text.split("\n"), 1):
        if one.strip():
            with suppress(WrongError):
                node = Node(None, line)
                yield Row(_json_line(one, node, spot), node, spot)
    spot.notes.unless_new(before)


def _json_line(text: str, node: Node, spot: Spot) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise spot.wrong(node, f"is no JSON: {getattr(error, 'msg', error)}") from None
    if not isinstance(values, dict):
        raise spot.wrong(node, "must be a JSON object, one a line")
    return values


_READERS: MappingProxyType[str, Callable[[str, Spot, frozenset[str]], Iterator[Row]]] = (
    MappingProxyType({".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines})
)


def _reading(row: Row, settings: dict[str, Any]) -> ReadingSeed:
    values = dict(row.values)
    requested = _time(row, values, settings["time"], settings["time_unit"])
    received = None
    if settings["received"] is not None:
        received = _time(row, values, settings["received"], settings["time_unit"])
    if settings["nested"]:
        values = _nested(row, values)
    if settings["under"] is not None:
        values = {settings["under"]: values}
    try:
        struct_from(values)
    except ValueError as error:
        raise row.spot.wrong(row.node, str(error)) from None
    return ReadingSeed(data=values, time_requested=requested, time_received=received)


def _time(row: Row, values: dict[str, Any], column: str, unit: str | None) -> int:
    spot = row.spot.key(column)
    if column not in values:
        known = ", ".join(map(str, values)) or "none"
        text = f"no time: there is no value in the column {column!r}; there are {known}"
        raise row.spot.wrong(row.node, text)
    value = values.pop(column)
    if unit is not None:
        nanos = None if isinstance(value, bool) else nanos_from_number(_decimal(value), unit)
        wanted = f"a number of {unit} since 1970"
    else:
        nanos = nanos_from_text(value) if isinstance(value, str) else None
        wanted = "a time like 2026-01-31T12:00:00Z; for numbers give time_unit"
    if nanos is None:
        shown = f"{value:.15g}" if isinstance(value, float) else repr(value)
        raise spot.wrong(row.node, f"must be {wanted}, got {shown}")
    return nanos


def _decimal(value: object) -> str:
    """A number without an exponent, as exact as it came."""
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return str(value)


def _nested(row: Row, values: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in values.items():
        *steps, last = name.split(".")
        inside = made
        for step in steps:
            inside = inside.setdefault(step, {})
            if not isinstance(inside, dict):
                raise row.spot.key(name).wrong(row.node, f"{step} is a value already")
        if last in inside:
            raise row.spot.key(name).wrong(row.node, f"{last} holds other values already")
        inside[last] = value
    return made
