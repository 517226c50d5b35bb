"""A seed in one piece, for a server that cannot see the files it names.

The form is JSON lines, so that neither end holds more than one file at a time while it travels:

    {"fakeviam_seed": 1}
    {"part": {"name": …, "robot": …, "location": …, "organization": …, "at": […]}}
    {"dataset": {"name": …, "organization": …, "type": "binary", "at": […]}}
    {"file": {"label": …, "file_name": …, "file_ext": …, "data": "base64", "tags": […], …}}
    {"series": {"readings": [{"data": {…}, "time_requested": …}], …}}

The first line says what it is; the others come in any order, one thing a line. `at` is where the
thing stands in the seed file: [file, line, field], so that errors can still say so.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.seeds.checks import (
    Anything,
    Base64,
    Choice,
    Field,
    Flag,
    Keep,
    Many,
    Number,
    Record,
    Spot,
    Text,
    Time,
)
from fakeviam.seeds.mistakes import Notes, Place, SeedError, WrongError
from fakeviam.seeds.parsing import parse_json
from fakeviam.seeds.tables import BOX, CAPTURE, CLASSIFICATION, TAGS, TYPES
from fakeviam.seeds.values import (
    Capture,
    Contents,
    DatasetSeed,
    FileSeed,
    PartSeed,
    ReadingSeed,
    Seed,
    SeriesSeed,
)
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam.model.datasets import DatasetType
    from fakeviam.seeds.checks import Kept
    from fakeviam.seeds.nodes import Node

FORMAT = "fakeviam_seed"
VERSION = 1

_TEXT = Field(Text(), required=True)
_ANY_TEXT = Field(Text(blank=True), default="")
_AT = Field(Keep(Many(Keep(Text(blank=True)))), help="Where it stands: file, line, field.")
_TIMES = {"time_requested": Field(Time()), "time_received": Field(Time())}

_PART = Record(
    {
        **dict.fromkeys(("name", "robot", "location", "organization"), _TEXT),
        **dict.fromkeys(("id", "robot_id", "location_id", "organization_id"), _ANY_TEXT),
        "internal": Field(Flag(), default=False),
        "at": _AT,
    }
)
_DATASET = Record(
    {
        "name": _TEXT,
        "organization": _ANY_TEXT,
        "type": Field(Choice(tuple(TYPES)), default="binary"),
        "id": _ANY_TEXT,
        "at": _AT,
    }
)
_FILE = Record(
    {
        "label": _TEXT,
        "data": Field(Base64(), required=True),
        **dict.fromkeys(("file_name", "file_ext", "mime_type"), _ANY_TEXT),
        **CAPTURE,
        "tags": TAGS,
        "datasets": Field(Many(Text()), default=()),
        "boxes": Field(Many(BOX), default=()),
        "classifications": Field(Many(CLASSIFICATION), default=()),
        **_TIMES,
        "at": _AT,
    }
)


class _Values:
    """What a reading holds."""

    def read(self, node: Node, spot: Spot) -> Any:
        """See `Check`."""
        values: Any = Anything().read(node, spot)
        try:
            struct_from(values)
        except ValueError as error:
            raise spot.wrong(node, str(error)) from None
        return values

    def schema(self) -> dict[str, Any]:
        """See `Check`."""
        return Anything().schema()


_READING = Record(
    {"data": Field(_Values(), required=True), **_TIMES}, make=lambda values: ReadingSeed(**values)
)
_SERIES = Record(
    {"readings": Field(Many(_READING), required=True), **CAPTURE, "tags": TAGS, "at": _AT}
)
_LINE = Record(
    {
        FORMAT: Field(Number()),
        "part": Field(Keep(_PART)),
        "dataset": Field(Keep(_DATASET)),
        "file": Field(Keep(_FILE)),
        "series": Field(Keep(_SERIES)),
    }
)


# Writing -------------------------------------------------------------------------------------


def inlined(seed: Seed) -> Iterator[bytes]:
    """A seed as lines, with the contents of its files.

    Raises:
        SeedError: A file cannot be read any more.
    """
    yield _line({FORMAT: VERSION})
    for part in seed.parts:
        yield _line({"part": _plain(part)})
    for dataset in seed.datasets:
        yield _line({"dataset": _plain(dataset) | {"type": _type_name(dataset.type)}})
    for file in seed.files:
        contents = base64.b64encode(file.contents.read(file.place)).decode()
        values = _plain(file)
        del values["contents"]
        yield _line({"file": {**values, "data": contents}})
    for series in seed.series:
        readings = [_dated(asdict(reading)) for reading in series.readings]
        yield _line({"series": {**_plain(series), "readings": readings}})


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _plain(value: PartSeed | DatasetSeed | FileSeed | SeriesSeed) -> dict[str, Any]:
    """A value as JSON has it, what is absent left out."""
    values = asdict(value)
    place = values.pop("place")
    values |= values.pop("capture", {})
    for box in values.get("boxes", ()):
        del box["id"]
    for mark in values.get("classifications", ()):
        del mark["id"]
    known = {name: one for name, one in _dated(values).items() if one not in (None, "", ())}
    return {**_without_none(known), "at": [place["file"], str(place["line"]), place["field"]]}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, (list, tuple)) else value


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    """Times as text, or left out."""
    for name in _TIMES:
        nanos = values.pop(name, None)
        if nanos is not None:
            values[name] = timestamp_from(nanos).ToJsonString()
    return values


def _type_name(wanted: DatasetType) -> str:
    return next(name for name, known in TYPES.items() if known is wanted)


# Reading -------------------------------------------------------------------------------------


def read_inlined(lines: Iterable[bytes], *, name: str = "seed") -> Seed:
    """The seed that such lines say.

    Args:
        lines: The lines; empty ones are skipped.
        name: What texts of errors call it.

    Raises:
        SeedError: They are no seed; the text names lines and fields.
    """
    notes = Notes()
    found: dict[str, list[Any]] = {kind: [] for kind in _MAKERS}
    first = True
    for number, line in enumerate(lines, 1):
        if line.strip():
            with suppress(WrongError):
                _take(_Line(line, Spot(notes, name), number), found, first=first)
            first = False
    if first:
        notes.note(Place(file=name), f'is empty; the first line must be {{"{FORMAT}": {VERSION}}}')
    notes.check()
    return Seed(
        parts=tuple(found["part"]),
        datasets=tuple(found["dataset"]),
        files=tuple(found["file"]),
        series=tuple(found["series"]),
    )


class _Line:
    """One line, and where it stands."""

    def __init__(self, line: bytes, spot: Spot, number: int) -> None:
        self.place = Place(file=spot.file, line=number)
        self.notes = spot.notes
        try:
            node = parse_json(line.decode(), name=spot.file)
        except SeedError as error:
            raise self.notes.note(self.place, error.mistakes[0].text) from None
        except UnicodeDecodeError:
            raise self.notes.note(self.place, "is no text in UTF-8") from None
        inside = Notes()
        try:
            self.values: dict[str, Any] = _LINE.read(node, Spot(inside, spot.file))
            inside.check()
        except (SeedError, WrongError):
            raise self._renumbered(inside) from None

    def _renumbered(self, inside: Notes) -> WrongError:
        """Every line is a document of one line; its number in the whole is ours."""
        for mistake in inside:
            place = Place(file=self.place.file, line=self.place.line, field=mistake.place.field)
            self.notes.note(place, mistake.text)
        return WrongError()


def _take(line: _Line, found: dict[str, list[Any]], *, first: bool) -> None:
    given = {kind: value for kind, value in line.values.items() if value is not None}
    if first:
        if given != {FORMAT: VERSION}:
            text = f'the first line must be {{"{FORMAT}": {VERSION}}}'
            raise line.notes.note(line.place, text)
        return
    if len(given) != 1 or FORMAT in given:
        raise line.notes.note(line.place, f"must hold one of {', '.join(_MAKERS)}")
    ((kind, kept),) = given.items()
    found[kind].append(_MAKERS[kind](_placed(kept, line)))


def _placed(kept: Kept, line: _Line) -> dict[str, Any]:
    values: dict[str, Any] = kept.value
    at = values.pop("at")
    place = line.place
    if at is not None:
        texts = [one.value for one in at.value]
        if len(texts) != 3 or not texts[1].isdecimal():
            place = Place(file=line.place.file, line=line.place.line, field=f"{kept.spot.field}.at")
            raise line.notes.note(place, "must be a list of file, line and field")
        place = Place(file=texts[0], line=int(texts[1]), field=texts[2])
    if set(CAPTURE) <= set(values):
        values["capture"] = Capture(**{name: values.pop(name) for name in CAPTURE})
    return {**values, "place": place}


def _file(values: dict[str, Any]) -> FileSeed:
    return FileSeed(contents=Contents(data=values.pop("data")), **values)


def _dataset(values: dict[str, Any]) -> DatasetSeed:
    return DatasetSeed(**{**values, "type": TYPES[values["type"]]})


_MAKERS: MappingProxyType[str, Callable[[dict[str, Any]], Any]] = MappingProxyType(
    {
        "part": lambda values: PartSeed(**values),
        "dataset": _dataset,
        "file": _file,
        "series": lambda values: SeriesSeed(**values),
    }
)
