"""A seed in one piece, for a server that cannot see the files it names.

It is sent as JSON lines, so that neither end holds more than one file at a time:

    {"fakeviam_seed": 1}
    {"part": {"name": …, "robot": …, "location": …, "organization": …, "at": […]}}
    {"dataset": {"name": …, "organization": …, "type": "binary", "at": […]}}
    {"file": {"label": …, "file_name": …, "file_ext": …, "data": "base64", "tags": […], …}}
    {"series": {"readings": [{"data": {…}, "time_requested": …}], …}}
    {"pipeline": {"entry": {"name": …, "stages": […], "schedule": …}, "at": […]}}
    {"left_out": {"what": …, "count": …, "why": …, "first": …}}

`saved_query`, `index` and `sequence` stand as `pipeline` does, with the fields of seed files.
The first line names the format; the others come in any order, one thing a line. `at` is the
location in the seed file, [file, line, field], which errors name.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, cast

from fakeviam.model.applied_seed import LeftOut
from fakeviam.model.text import is_text
from fakeviam.seeds.diagnostics import Diagnostics, SourceLocation
from fakeviam.seeds.document import line_document
from fakeviam.seeds.fleet_models import DATASET_TYPES
from fakeviam.seeds.kept_models import (
    IndexEntry,
    PipelineEntry,
    SavedQueryEntry,
    SequenceEntry,
)
from fakeviam.seeds.models import BoxEntry, Captured, ClassificationEntry
from fakeviam.seeds.values import (
    DatasetSeed,
    FileContents,
    FileSeed,
    KeptSeed,
    PartSeed,
    ReadingSeed,
    Seed,
    SeriesSeed,
)
from fakeviam.validation.models import Model
from fakeviam.validation.types import (
    Accepted,
    Base64,
    Count,
    Flag,
    Many,
    Name,
    Omittable,
    Parsed,
    Text,
    Time,
)
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fakeviam.model.datasets import DatasetType
    from fakeviam.seeds.kept_models import KeptEntry

FORMAT = "fakeviam_seed"
VERSION = 1
_HEADER = f'the first line must be {{"{FORMAT}": {VERSION}}}'


# Lines ---------------------------------------------------------------------------------------


def _location(value: object) -> SourceLocation | None:
    match value:
        case [str(file), str(line), str(field)] if (
            line.isdecimal() and len(line) < 20 and is_text(file + field)
        ):
            return SourceLocation(file=file, line=int(line), field=field)
    return None


_At = Annotated[
    SourceLocation, Parsed(_location, "a list of file, line and field", {"type": "array"})
]


class _Placed(Model):
    at: Omittable[_At] = None


class _PartLine(_Placed):
    name: Name
    robot: Name
    location: Name
    organization: Name
    id: Text = ""
    robot_id: Text = ""
    location_id: Text = ""
    organization_id: Text = ""
    internal: Flag = False
    retention_days: Omittable[Count] = None

    def seed(self, line: SourceLocation) -> PartSeed:
        return PartSeed(**{**dict(self), "at": self.at or line})


class _DatasetLine(_Placed):
    name: Name
    organization: Text = ""
    type: Literal["binary", "sequence"] = "binary"
    id: Text = ""

    def seed(self, line: SourceLocation) -> DatasetSeed:
        type_ = DATASET_TYPES[self.type]
        return DatasetSeed(**{**dict(self), "type": type_, "at": self.at or line})


class _FileLine(_Placed, Captured):
    label: Name
    data: Base64
    file_name: Text = ""
    file_ext: Text = ""
    mime_type: Text = ""
    datasets: Many[Name] = ()
    boxes: Many[BoxEntry] = ()
    classifications: Many[ClassificationEntry] = ()
    time_requested: Omittable[Time] = None
    time_received: Omittable[Time] = None

    def seed(self, line: SourceLocation) -> FileSeed:
        return FileSeed(
            label=self.label,
            contents=FileContents(data=self.data),
            file_name=self.file_name,
            file_ext=self.file_ext,
            mime_type=self.mime_type,
            capture=self.capture,
            tags=self.tags,
            datasets=self.datasets,
            boxes=tuple(entry.box for entry in self.boxes),
            classifications=tuple(entry.classification for entry in self.classifications),
            time_requested=self.time_requested,
            time_received=self.time_received,
            at=self.at or line,
        )


class _ReadingLine(Model):
    data: Annotated[dict[str, object], Accepted(struct_from)]
    time_requested: Omittable[Time] = None
    time_received: Omittable[Time] = None


class _SeriesLine(_Placed, Captured):
    readings: Many[_ReadingLine]

    def seed(self, line: SourceLocation) -> SeriesSeed:
        return SeriesSeed(
            readings=tuple(ReadingSeed(**dict(each)) for each in self.readings),
            capture=self.capture,
            tags=self.tags,
            at=self.at or line,
        )


_Entry = TypeVar("_Entry", bound=Model)


class _KeptLine(_Placed, Generic[_Entry]):
    entry: _Entry

    def seed(self, line: SourceLocation) -> KeptSeed:
        return KeptSeed(entry=cast("KeptEntry", self.entry), at=self.at or line)


class _LeftOutLine(Model):
    what: Name
    count: Count
    why: Text
    first: Text = ""

    def seed(self, _: SourceLocation) -> LeftOut:
        return LeftOut(**dict(self))


class _InlineLine(Model):
    fakeviam_seed: Omittable[int] = None
    part: Omittable[_PartLine] = None
    dataset: Omittable[_DatasetLine] = None
    file: Omittable[_FileLine] = None
    series: Omittable[_SeriesLine] = None
    saved_query: Omittable[_KeptLine[SavedQueryEntry]] = None
    pipeline: Omittable[_KeptLine[PipelineEntry]] = None
    index: Omittable[_KeptLine[IndexEntry]] = None
    sequence: Omittable[_KeptLine[SequenceEntry]] = None
    left_out: Omittable[_LeftOutLine] = None


_KIND_OF = MappingProxyType(
    {
        SavedQueryEntry: "saved_query",
        PipelineEntry: "pipeline",
        IndexEntry: "index",
        SequenceEntry: "sequence",
    }
)

_Kind = TypeVar("_Kind")
_Value = PartSeed | DatasetSeed | FileSeed | SeriesSeed | KeptSeed | LeftOut


# Writing -------------------------------------------------------------------------------------


def inlined(seed: Seed) -> Iterator[bytes]:
    """A seed as lines, with the contents of its files.

    Raises:
        SeedError: A file can no longer be read.
    """
    yield _line({FORMAT: VERSION})
    for part in seed.parts:
        yield _line({"part": _plain(part)})
    for dataset in seed.datasets:
        yield _line({"dataset": _plain(dataset) | {"type": _type_name(dataset.type)}})
    for file in seed.files:
        contents = base64.b64encode(file.contents.read(file.at)).decode()
        values = _plain(file)
        del values["contents"]
        yield _line({"file": {**values, "data": contents}})
    for series in seed.series:
        readings = [_with_time_texts(asdict(reading)) for reading in series.readings]
        yield _line({"series": {**_plain(series), "readings": readings}})
    for kept in seed.kept:
        fields = _with_time_texts(kept.entry.model_dump(exclude_defaults=True))
        yield _line({_KIND_OF[type(kept.entry)]: {"entry": fields, "at": _at(asdict(kept.at))}})
    for entry in seed.left_out:
        yield _line({"left_out": asdict(entry)})


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _plain(value: PartSeed | DatasetSeed | FileSeed | SeriesSeed) -> dict[str, object]:
    """A value as JSON, without absent fields."""
    values = asdict(value)
    at = values.pop("at")
    values |= values.pop("capture", {})
    for box in values.get("boxes", ()):
        del box["id"]
    for mark in values.get("classifications", ()):
        del mark["id"]
    fields = {
        name: one for name, one in _with_time_texts(values).items() if one not in (None, "", ())
    }
    return {**_without_none(fields), "at": _at(at)}


def _at(at: Mapping[str, Any]) -> list[str]:
    return [at["file"], str(at["line"]), at["field"]]


def _without_none(value: object) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, (list, tuple)) else value


def _with_time_texts(values: dict[str, Any]) -> dict[str, Any]:
    """Times as text, or left out."""
    for name in ("time_requested", "time_received", "start", "end"):
        nanos = values.pop(name, None)
        if nanos is not None:
            values[name] = timestamp_from(nanos).ToJsonString()
    return values


def _type_name(dataset_type: DatasetType) -> str:
    return next(name for name, member in DATASET_TYPES.items() if member is dataset_type)


# Reading -------------------------------------------------------------------------------------


def read_inlined(lines: Iterable[bytes], *, name: str = "seed") -> Seed:
    """The seed that such lines specify.

    Args:
        lines: The lines; empty ones are skipped.
        name: How errors refer to it.

    Raises:
        SeedError: They are not a seed; the message names lines and fields.
    """
    diagnostics = Diagnostics()
    seeds: list[_Value] = []
    expects_header = True
    for number, data in enumerate(lines, 1):
        if data.strip():
            at = SourceLocation(file=name, line=number)
            with diagnostics:
                line = line_document(data, at).validate(_InlineLine)
                if expects_header:
                    _check_header(line, at)
                else:
                    seeds.append(_only_value(line, at))
            expects_header = False
    with diagnostics:
        if expects_header:
            raise SourceLocation(file=name).error(f"is empty; {_HEADER}")
    diagnostics.check()
    return Seed(
        parts=_all(PartSeed, seeds),
        datasets=_all(DatasetSeed, seeds),
        files=_all(FileSeed, seeds),
        series=_all(SeriesSeed, seeds),
        kept=_all(KeptSeed, seeds),
        left_out=_all(LeftOut, seeds),
    )


def _all(kind: type[_Kind], values: Iterable[_Value]) -> tuple[_Kind, ...]:
    return tuple(each for each in values if isinstance(each, kind))


def _check_header(line: _InlineLine, at: SourceLocation) -> None:
    if line.fakeviam_seed != VERSION or len(line.model_fields_set) > 1:
        raise at.error(_HEADER)


def _only_value(line: _InlineLine, at: SourceLocation) -> _Value:
    values = [each for name, each in line if each is not None and name != FORMAT]
    if len(values) != 1 or line.fakeviam_seed is not None:
        names = ", ".join(name for name in _InlineLine.model_fields if name != FORMAT)
        raise at.error(f"must hold one of {names}")
    value: _Value = values[0].seed(at)
    return value
