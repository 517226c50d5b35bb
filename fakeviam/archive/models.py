"""The models of the lines that `rows.py` writes into archives and logs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator

from fakeviam.archive.lines import damaged
from fakeviam.archive.readings import payload_of
from fakeviam.model.annotations import BoundingBox, Classification
from fakeviam.model.clock import nanos_of
from fakeviam.model.datasets import Dataset, DatasetType
from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import FleetState, Location, Metadata, Organization, Part, Robot
from fakeviam.model.ids import Counters
from fakeviam.model.records import BinaryRecord, Parameter, Source, TabularRecord
from fakeviam.model.roles import Role
from fakeviam.store.values import BinaryRow, TabularRow
from fakeviam.validation.models import Model, validate
from fakeviam.validation.problems import InvalidError, Words
from fakeviam.validation.types import (
    Base64,
    Count,
    Counted,
    Expected,
    Flag,
    JsonObject,
    Many,
    Omittable,
    Parsed,
    Size,
    invalid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fakeviam.archive.blobs import Blobs
    from fakeviam.archive.rows import Sources

M = TypeVar("M", bound=Model)

_WORDS = Words(
    text="text", mapping="a JSON object", nothing="null", integer="an integer", values=True
)

# Exactly as `time_text` writes it.
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{9}))?Z", re.ASCII)


def checked_row(model: type[M], value: object, where: str) -> M:
    """Validate the JSON value of a row.

    Raises:
        DamageError: It is invalid; the text names `where`.
    """
    try:
        return validate(model, value, words=_WORDS)
    except InvalidError as error:
        problem = error.problems[0]
        hint = f"; {problem.hint}" if problem.hint else ""
        field = "" if problem.kind == "unknown" else f"{problem.field} "
        raise damaged(where, f"{field}{problem.text}{hint}".lstrip()) from None


def checked_object(value: object, where: str) -> dict[str, object]:
    """Validate a JSON object with any fields.

    Raises:
        DamageError: It is invalid.
    """
    return dict(checked_row(_Anything, value, where).__pydantic_extra__ or {})


class _Anything(Model, extra="allow"):
    pass


def _nanos(value: object) -> int | None:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return nanos_of(datetime.fromisoformat(match[1])) + int(match[2] or 0)
    except ValueError:
        return None


def _payload(reading: dict[str, object]) -> bytes:
    try:
        return payload_of(reading)
    except ValueError as error:
        raise invalid(f"must be a reading ({error})") from None


# Strings were validated by the JSON parser, and integers stay integers, so that reading and writing
# an archive again does not change it.
_Number = Annotated[int | float, Expected("a finite number")]
Time = Annotated[int, Parsed(_nanos, "a time such as 2026-01-31T12:00:00Z", {"type": "string"})]
Reading = Annotated[dict[str, Any], AfterValidator(_payload)]


# Records -------------------------------------------------------------------------------------


class ParameterRow(Model):
    """A parameter of the method that captured something."""

    key: str
    type_url: str
    value: Base64


class SourceRow(Model):
    """A source, with the name that records refer to."""

    name: str
    organization_id: str = ""
    location_id: str = ""
    robot_id: str = ""
    robot_name: str = ""
    part_id: str = ""
    part_name: str = ""
    component_type: str = ""
    component_name: str = ""
    method_name: str = ""
    method_parameters: Many[ParameterRow] = ()

    @property
    def source(self) -> Source:
        """The source."""
        values = dict(vars(self))
        del values["name"]
        parameters = tuple(Parameter(**vars(one)) for one in self.method_parameters)
        return Source(**{**values, "method_parameters": parameters})


class BoxRow(Model):
    """A bounding box."""

    id: str
    label: str
    x_min_normalized: _Number
    y_min_normalized: _Number
    x_max_normalized: _Number
    y_max_normalized: _Number
    confidence: Omittable[_Number] = None

    @property
    def box(self) -> BoundingBox:
        """The box."""
        return BoundingBox(**vars(self))


class ClassificationRow(Model):
    """A classification."""

    id: str
    label: str
    confidence: Omittable[_Number] = None


class _RecordRow(Model):
    arrival: Counted
    file_id: str
    source: str
    time_requested: Time
    time_received: Time
    time_synced: Time
    mime_type: str = ""
    tags: Many[str] = ()
    internal: Flag = False

    def _values(self, sources: Sources, where: str, *left_out: str) -> dict[str, Any]:
        values = {**vars(self), "source": sources.named(self.source, where)}
        for name in ("arrival", *left_out):
            del values[name]
        return values


class BinaryRecordRow(_RecordRow):
    """A binary record; `sha256` is the hash of its bytes."""

    sha256: str
    size: Size
    file_name: str = ""
    file_ext: str = ""
    boxes: Many[BoxRow] = ()
    classifications: Many[ClassificationRow] = ()
    dataset_ids: Many[str] = ()

    def stored(self, sources: Sources, blobs: Blobs, where: str) -> BinaryRow:
        """The record with its bytes.

        Raises:
            DamageError: Its source or its bytes are missing.
        """
        values = self._values(sources, where, "sha256")
        values["boxes"] = tuple(one.box for one in self.boxes)
        values["classifications"] = tuple(
            Classification(**vars(one)) for one in self.classifications
        )
        return BinaryRow(self.arrival, BinaryRecord(**values), blobs.get(self.sha256, where))


class TabularRecordRow(_RecordRow):
    """A reading; its encoded payload if JSON cannot represent it."""

    id: str
    # Converted to the encoded payload.
    reading: Omittable[Reading] = None
    payload: Omittable[Base64] = None

    def stored(self, sources: Sources, where: str) -> TabularRow:
        """The record.

        Raises:
            DamageError: Its source is missing, or it has no reading.
        """
        values = self._values(sources, where, "reading")
        if self.payload is None:
            values["payload"] = self.reading
        if values["payload"] is None:
            raise damaged(where, "reading is missing")
        return TabularRow(self.arrival, TabularRecord(**values))


# Everything else -----------------------------------------------------------------------------


class DatasetRow(Model):
    """A dataset."""

    id: str
    name: str
    organization_id: str
    time_created: Time
    type: Literal["BINARY_DATA", "SEQUENCE_DATA"]

    @property
    def dataset(self) -> Dataset:
        """The dataset."""
        return Dataset(**{**vars(self), "type": DatasetType[self.type]})


class UserRow(Model):
    """A database user."""

    organization_id: str
    password: str


class KeyRow(Model):
    """An API key."""

    id: str
    key: str
    organization_ids: Many[str]
    role: Role
    expires: Omittable[Time] = None
    location_ids: Many[str] = ()
    robot_ids: Many[str] = ()


class _OwnerRow(Model):
    kind: str
    id: str
    name: str


class _LocationRow(_OwnerRow):
    organization_id: str


class _RobotRow(_OwnerRow):
    location_id: str


class _PartRow(_OwnerRow):
    robot_id: str
    robot_name: str
    location_id: str
    location_name: str
    organization_id: str
    organization_name: str
    internal: Flag = False
    retention_days: Omittable[Count] = None


class _MetadataRow(Model):
    kind: str
    id: str
    data: JsonObject


def _metadata(*, id: str, data: Mapping[str, object]) -> Metadata:  # noqa: A002 - a field of the row
    return Metadata(id=id, text=json.dumps(data, ensure_ascii=False, sort_keys=True))


_FLEET: MappingProxyType[str, tuple[type[Model], Callable[..., Any]]] = MappingProxyType(
    {
        "organization": (_OwnerRow, Organization),
        "location": (_LocationRow, Location),
        "robot": (_RobotRow, Robot),
        "part": (_PartRow, Part),
        "metadata": (_MetadataRow, _metadata),
    }
)


class _Kind(Model, extra="ignore"):
    kind: Literal["organization", "location", "robot", "part", "metadata"]


def fleet_of(rows: Iterable[tuple[object, str]]) -> FleetState:
    """The fleet from rows and their locations.

    Raises:
        DamageError: One of them is invalid.
    """
    members: dict[str, list[Any]] = {kind: [] for kind in _FLEET}
    for value, where in rows:
        kind = checked_row(_Kind, value, where).kind
        model, made_of = _FLEET[kind]
        values = dict(vars(checked_row(model, value, where)))
        del values["kind"]
        members[kind].append(made_of(**values))
    metadata = tuple(members.pop("metadata"))
    owners = {f"{kind}s": tuple(rows) for kind, rows in members.items()}
    return FleetState(**owners, metadata=metadata)


# Manifest ------------------------------------------------------------------------------------


class _Format(Model, extra="ignore"):
    format: str
    version: Size = 0


def check_format(value: object, where: str, *, name: str, version: int) -> None:
    """Check the format and its version.

    Raises:
        UsageError: It is another format, or a later version; the message says what to do.
    """
    row = checked_row(_Format, value, where)
    if row.format != name:
        raise UsageError(f"{where}: format must be {name!r}, got {row.format!r}")
    if row.version > version:
        what = f"{where}: version {row.version} was written by a later fakeviam"
        raise UsageError(f"{what}; this version reads formats up to {version}; upgrade fakeviam")


class _Table(Model):
    lines: Size
    sha256: str


class CountersRow(Model):
    """The counters of ids."""

    ids: Counted
    objects: Counted

    @property
    def counters(self) -> Counters:
        """The counters."""
        return Counters(**vars(self))


class ArrivalsRow(Model):
    """The arrival numbers of the next records."""

    binary: Counted
    tabular: Counted


class ManifestRow(Model):
    """The manifest of an archive."""

    format: str
    version: Size
    fakeviam: str
    files: dict[str, _Table]
    counters: CountersRow
    arrivals: ArrivalsRow
    blobs: Size
