"""Readings of a seed: from CSV, JSON lines or rows in the seed itself."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from math import inf, isnan
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.text import counted
from fakeviam.model.timestamps import (
    nanos_from_common_text,
    nanos_from_format,
    nanos_from_number,
)
from fakeviam.seeds.diagnostics import SourceLocation, printable
from fakeviam.seeds.document import json_value, read_text
from fakeviam.seeds.values import ReadingSeed, SeriesSeed
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fakeviam.seeds.diagnostics import Diagnostics
    from fakeviam.seeds.document import Document
    from fakeviam.seeds.models import ReadingsEntry
    from fakeviam.validation.problems import Path as FieldPath

# A column of these is numeric. 007 is not: leading zeros mean an identifier.
_NUMBER = re.compile(
    r"[-+]?((0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][-+]?[0-9]+)?|inf|infinity|nan)",
    re.IGNORECASE,
)
_EXACT = 2**53  # beyond it a double rounds integers
_TRUTH = MappingProxyType({"true": True, "false": False})


@dataclass(frozen=True, kw_only=True, slots=True)
class _SeriesRow:
    """One row: its values by column, and its location."""

    values: dict[str, Any]
    at: SourceLocation


def load_series(
    entries: Sequence[ReadingsEntry],
    document: Document,
    folder: Path | None,
    diagnostics: Diagnostics,
) -> Iterator[SeriesSeed]:
    """Yield the valid series of a seed."""
    for number, entry in enumerate(entries):
        path = ("readings", number)
        at = document.at(*path)
        before = len(diagnostics)
        readings: list[ReadingSeed] = []
        with diagnostics:
            rows = _rows(entry, path, document, folder, diagnostics)
            for row in rows if len(diagnostics) == before else ():
                with diagnostics:
                    readings.append(_reading(row, entry))
            if not readings and len(diagnostics) == before:
                raise at.error("it has no readings")
        yield SeriesSeed(
            readings=tuple(readings),
            capture=entry.capture,
            tags=tuple(dict.fromkeys(entry.tags)),
            at=at,
        )


def _rows(
    entry: ReadingsEntry,
    path: FieldPath,
    document: Document,
    folder: Path | None,
    diagnostics: Diagnostics,
) -> list[_SeriesRow]:
    if (entry.file is None) == (entry.rows is None):
        raise document.at(*path).error("file and rows cannot be combined, and one is required")
    if entry.time_unit is not None and entry.time_format is not None:
        raise document.at(*path).error("time_unit and time_format cannot be combined")
    if entry.file is None:
        return [
            _SeriesRow(values=values, at=document.at(*path, "rows", number))
            for number, values in enumerate(entry.rows or ())
        ]
    at = document.at(*path, "file")
    if folder is None:
        raise at.error("files cannot be named here; use rows")
    file = folder / entry.file
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise at.error(f"must end in {', '.join(_READERS)}, got {entry.file!r}")
    text = read_text(file, at, label=entry.file)
    return list(reader(text, printable(file), entry, diagnostics))


def _csv(
    text: str, name: str, entry: ReadingsEntry, diagnostics: Diagnostics
) -> Iterator[_SeriesRow]:
    """Rows of a CSV file with a header.

    A column is numeric if all its cells are numbers, boolean if all are true or false, and text
    otherwise. An empty cell is an absent value, and so is NaN in a numeric column. Time columns
    stay text: a float would round them.
    """
    (at, names), *lines = _lines(text, name, entry.delimiter)
    header = _header(names, at)
    rows = []
    for where, cells in lines:
        with diagnostics:
            if len(cells) != len(header):
                _check_comment(cells, where)
                raise where.error(f"has {counted(len(cells), 'cell')}, the header {len(header)}")
            rows.append((where, cells))
    for column in filter(None, (entry.time, entry.received)):
        if column not in header:
            raise at.error(f"there is no column {column!r}; columns: {', '.join(header)}")
    readers = [
        str if column in (entry.time, entry.received) else _column([c[number] for _, c in rows])
        for number, column in enumerate(header)
    ]
    for where, cells in rows:
        values = {
            column: read(cell.strip() if read is not str else cell)
            for column, read, cell in zip(header, readers, cells, strict=True)
            if cell.strip()
        }
        present = {key: value for key, value in values.items() if value is not None}
        yield _SeriesRow(values=present, at=where)


def _lines(text: str, name: str, delimiter: str | None) -> list[tuple[SourceLocation, list[str]]]:
    """The cells of each line that is not empty, with its place; the first names the columns."""
    delimiter = delimiter or ("\t" if name.lower().endswith(".tsv") else ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(SourceLocation(file=name, line=reader.line_num), row) for row in reader if row]
    except csv.Error as error:
        at = SourceLocation(file=name, line=reader.line_num)
        raise at.error(f"is not CSV: {error}") from None
    if not lines:
        raise SourceLocation(file=name, line=1).error("is empty; the first line names the columns")
    return lines


def _header(cells: list[str], at: SourceLocation) -> list[str]:
    _check_comment(cells, at)
    names = [name.strip() for name in cells]
    if names[0].startswith("sep="):
        raise at.error("is a line for Excel; delete it, and give delimiter")
    other = next((each for each in ";\t|," if len(names) == 1 and each in names[0]), None)
    if other is not None:
        raise at.error(
            f"has one column, {names[0]!r}; if the separator is {other!r}, set delimiter"
        )
    for number, name in enumerate(names, 1):
        if not name:
            raise at.error(f"column {number} has no name")
        if names.index(name) != number - 1:
            raise at.error(f"two columns are called {name!r}")
    return names


def _check_comment(cells: list[str], at: SourceLocation) -> None:
    if cells[0].lstrip().startswith("#"):
        raise at.error("begins with #, but CSV has no comments; delete the line")


def _column(cells: list[str]) -> Callable[[str], Any]:
    full = [cell.strip() for cell in cells if cell.strip()]
    if all(_NUMBER.fullmatch(cell) for cell in full):
        return _number
    if all(cell.lower() in _TRUTH for cell in full):
        return lambda cell: _TRUTH[cell.lower()]
    return str


def _number(cell: str) -> float | None:
    value = float(cell)
    if isnan(value):
        return None
    # As an integer, so that it is refused as one.
    is_rounded = _EXACT <= abs(value) < inf and cell.lstrip("+-").isdecimal()
    return int(cell) if is_rounded else value


def _json_lines(
    text: str, name: str, _: ReadingsEntry, diagnostics: Diagnostics
) -> Iterator[_SeriesRow]:
    for number, line in enumerate(text.split("\n"), 1):
        at = SourceLocation(file=name, line=number)
        with diagnostics:
            if line.strip():
                yield _SeriesRow(values=_json_object(line, at), at=at)


def _json_object(text: str, at: SourceLocation) -> dict[str, object]:
    values = json_value(text, at, nan=True)
    if not isinstance(values, dict):
        raise at.error("must be a JSON object, one per line")
    return _without_nan(values)


def _without_nan(values: dict[str, object]) -> dict[str, object]:
    return {
        key: _without_nan(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if not (isinstance(value, float) and isnan(value))
    }


_READERS = MappingProxyType(
    {".csv": _csv, ".tsv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}
)


def _reading(row: _SeriesRow, entry: ReadingsEntry) -> ReadingSeed:
    values = dict(row.values)
    requested = _time(row, values, entry.time, entry)
    received = None
    if entry.received is not None:
        received = _time(row, values, entry.received, entry)
    if entry.nested:
        values = _nested(row, values)
    if entry.under is not None:
        values = {entry.under: values}
    try:
        struct_from(values)
    except ValueError as error:
        raise row.at.error(str(error)) from None
    return ReadingSeed(data=values, time_requested=requested, time_received=received)


def _time(row: _SeriesRow, values: dict[str, object], column: str, entry: ReadingsEntry) -> int:
    if column not in values:
        columns = ", ".join(map(str, values)) or "none"
        text = f"no time: the column {column!r} has no value; columns: {columns}"
        raise row.at.error(text)
    value = values.pop(column)
    nanos, text = None, value if isinstance(value, str) else ""
    if entry.time_unit is not None:
        if not isinstance(value, bool):
            nanos = nanos_from_number(_decimal(value), entry.time_unit)
        expected = f"a number of {entry.time_unit} since 1970"
    elif entry.time_format is not None:
        nanos = nanos_from_format(text, entry.time_format)
        expected = f"a time like {entry.time_format}"
    else:
        nanos = nanos_from_common_text(text)
        hint = "for numbers set time_unit, for other formats time_format"
        expected = f"a time like 2026-01-31T12:00:00Z; {hint}"
    if nanos is None:
        actual = f"{value:.15g}" if isinstance(value, float) else f"{value!r:.60}"
        raise row.at.inside(column).error(f"must be {expected}, got {actual}")
    return nanos


def _decimal(value: object) -> str:
    """A number without an exponent, as exact as it came."""
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return str(value)


def _nested(row: _SeriesRow, values: dict[str, Any]) -> dict[str, object]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *steps, last = name.split(".")
        inside = nested
        for step in steps:
            inside = inside.setdefault(step, {})
            if not isinstance(inside, dict):
                raise row.at.inside(name).error(f"{step} already is a value")
        if last in inside:
            raise row.at.inside(name).error(f"{last} already has other values")
        inside[last] = value
    return nested
