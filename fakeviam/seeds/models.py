"""The models of seed files, from which their JSON Schema is generated."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from fakeviam.model.annotations import (
    BoundingBox,
    Classification,
    check_box,
    check_confidence,
    check_label,
)
from fakeviam.model.datasets import DatasetType, check_name
from fakeviam.model.read_options import ReadOptions
from fakeviam.model.records import check_tags
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.seeds.values import Capture
from fakeviam.seeds.yaml_scalars import resolved
from fakeviam.validation.models import Model, field
from fakeviam.validation.scalars import Unquoted
from fakeviam.validation.schema import json_schema as schema_of
from fakeviam.validation.types import (
    UNQUOTED_NUMBER,
    Accepted,
    Base64,
    Count,
    Expected,
    Flag,
    Many,
    Name,
    Number,
    Omittable,
    OneOrMany,
    OneOrMore,
    Parsed,
    Shorthand,
    Text,
    Time,
    invalid,
    refusable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

VERSION = 1

#: Stands for a file's own modification time.
MODIFIED = "modified"

DATASET_TYPES = MappingProxyType(
    {"binary": DatasetType.BINARY_DATA, "sequence": DatasetType.SEQUENCE_DATA}
)


# Types of fields -----------------------------------------------------------------------------


def _check_slash(name: str) -> str:
    if "/" in name:
        raise invalid(f"must not contain a slash, which separates the names in paths, got {name!r}")
    return name


def _file_time(value: object) -> int | str | None:
    if value == MODIFIED:
        return MODIFIED
    return nanos_from_text(value) if isinstance(value, str) else None


def _delimiter(value: object) -> str | None:
    return str(value) if isinstance(value, str) and re.fullmatch(r'[^"\r\n]', value) else None


def _version(value: object) -> int | None:
    number = value.number if isinstance(value, Unquoted) else value
    return VERSION if number == VERSION and number is not True else None


Delimiter = Annotated[
    str,
    Parsed(
        _delimiter,
        "one character, such as ; or a tab",
        {"type": "string", "pattern": r'^[^"\r\n]$'},
    ),
]
Version = Annotated[int, Parsed(_version, str(VERSION), {"const": VERSION})]
PathName = Annotated[Name, AfterValidator(_check_slash)]
Tag = Annotated[Text, Accepted(lambda tag: check_tags([tag]))]
DatasetName = Annotated[Text, Accepted(check_name)]
Fraction = Annotated[
    Number,
    Expected("a number from 0 to 1"),
    Field(json_schema_extra={"minimum": 0, "maximum": 1}),
]
FileTime = Annotated[
    int | str,
    Parsed(
        _file_time,
        f"a time like 2026-01-31T12:00:00Z, or {MODIFIED}",
        {"type": "string", "pattern": rf"^\s*\d{{4}}-\d{{2}}-\d{{2}}|^{MODIFIED}$"},
    ),
]
Row = Annotated[dict[str, Any], AfterValidator(resolved)]


# Annotations ---------------------------------------------------------------------------------


class BoxEntry(Model):
    """A bounding box, in fractions of the image."""

    label: Text = field("The object in the box.", "dog")
    x_min_normalized: Fraction = field("Left edge.", 0.1)
    y_min_normalized: Fraction = field("Upper edge.", 0.5)
    x_max_normalized: Fraction = field("Right edge.", 0.9)
    y_max_normalized: Fraction = field("Lower edge.", 1)
    confidence: Omittable[Fraction] = field("Confidence of the label.", 0.8, default=None)

    @model_validator(mode="after")
    @refusable
    def _check(self) -> Self:
        check_box(self.box)
        return self

    @property
    def box(self) -> BoundingBox:
        """The box, without an id."""
        return BoundingBox(id="", **dict(self))


class ClassificationEntry(Model):
    """A label of the whole image."""

    label: Text = field("What the image shows.", "indoor")
    confidence: Omittable[Fraction] = field("Confidence of the label.", 0.8, default=None)

    @model_validator(mode="after")
    @refusable
    def _check(self) -> Self:
        check_label(self.label)
        check_confidence(self.confidence)
        return self

    @property
    def classification(self) -> Classification:
        """The classification, without an id."""
        return Classification(id="", **dict(self))


# Organizations -------------------------------------------------------------------------------


class NamedEntry(Model):
    """Something with a name and an id."""

    name: Omittable[PathName] = field(
        "Its name; created if it does not exist. Optional with an id.",
        "rover",
        default=None,
    )
    id: PathName = field(
        "Its id, for example one from your configuration.",
        "24b1a3f6-5f3c-4b5e-8f0a-0d6f5a1f2c3d",
        default="",
    )


class PartEntry(NamedEntry):
    """A part of a robot."""

    internal: Flag = field(
        "Whether its data counts as ingested by Viam itself.", True, default=False
    )
    retention_days: Omittable[Count] = field(
        "Its data is deleted after so many UTC days of the fake's clock.", 30, default=None
    )


class RobotEntry(NamedEntry):
    """A robot."""

    parts: Annotated[Many[Annotated[PartEntry, Shorthand("name")]], Field(min_length=1)] = field(
        "Its parts; a part may be just its name.", ["rover-main"]
    )


class LocationEntry(NamedEntry):
    """A location of an organization."""

    robots: Annotated[Many[RobotEntry], Field(min_length=1)] = field(
        "The robots at this location.", [{"name": "rover", "parts": ["rover-main"]}]
    )


class OrganizationEntry(NamedEntry):
    """An organization."""

    locations: Annotated[Many[LocationEntry], Field(min_length=1)] = field(
        "Its locations.", [{"name": "lab", "robots": [{"name": "rover", "parts": ["rover-main"]}]}]
    )


class DatasetEntry(Model):
    """A dataset."""

    name: DatasetName = field("Its name; created if it does not exist.", "dogs")
    organization: Name = field(
        "Name or id of its organization; by default the default organization.", "acme", default=""
    )
    type: Literal["binary", "sequence"] = field(
        "The kind of its members.", "sequence", default="binary"
    )
    id: PathName = field(
        "Its id, for example one from your configuration.", "66e1f3b2a1c3d4e5f6a7b8c9", default=""
    )


# Data ----------------------------------------------------------------------------------------


class _Tagged(Model):
    tags: OneOrMany[Tag] = field("Tags; a single tag or a list.", ["indoor"], "dog", default=())


class Captured(_Tagged):
    """Data of one component, with its tags."""

    part: Name = field(
        "Name, organization/location/robot/part, or id; optional if the seed has only one part.",
        "rover-main",
        "acme/lab/rover/rover-main",
        default="",
    )
    component: Text = field("Name of the component.", "front-camera", default="")
    component_type: Text = field("API of the component.", "rdk:component:camera", default="")
    method: Text = field("The method that captured it.", "GetImages", default="")

    @property
    def capture(self) -> Capture:
        """What captured the data."""
        return Capture(
            part=self.part,
            component=self.component,
            component_type=self.component_type,
            method=self.method,
        )


class FileMarks(_Tagged):
    """What may be specified for one file."""

    datasets: OneOrMany[Name] = field("Names or ids of datasets.", ["dogs"], "dogs", default=())
    time: Omittable[FileTime] = field(
        "Time requested; by default the fake's clock, `modified` for the file's modification time.",
        "2026-01-31T12:00:00Z",
        MODIFIED,
        default=None,
    )
    received: Omittable[Time] = field(
        "Time received; by default the time requested.", "2026-01-31T12:00:01Z", default=None
    )


class ImageMarks(FileMarks):
    """What may be specified for one image."""

    boxes: Many[BoxEntry] = field(
        "Bounding boxes, in fractions of the image.",
        [
            {
                "label": "dog",
                "x_min_normalized": 0.1,
                "y_min_normalized": 0.5,
                "x_max_normalized": 0.9,
                "y_max_normalized": 1,
            }
        ],
        default=(),
    )
    classifications: Many[Annotated[ClassificationEntry, Shorthand("label")]] = field(
        "Labels of the whole image; one without a confidence may be a string.",
        ["indoor", {"label": "night", "confidence": 0.9}],
        default=(),
    )


class Group(Captured, FileMarks):
    """Files or images that have something in common."""

    files: Omittable[OneOrMore[Name]] = field(
        "Files, folders or patterns, relative to the seed.",
        "photos/*.png",
        ["a.png", "more/**/*.png"],
        default=None,
    )
    name: Omittable[Name] = field(
        "Name of the file whose contents are `data`.", "a.png", default=None
    )
    data: Omittable[Base64] = field(
        "Contents of one file, instead of `files`.", "aGVsbG8=", default=None
    )
    mime_type: Text = field(
        "Overrides the MIME type derived from the extension.", "image/png", default=""
    )
    every: Omittable[Annotated[float, Field(ge=0), UNQUOTED_NUMBER]] = field(
        "Seconds from one file to the next.", 10, 0.5, default=None
    )
    sidecars: Flag = field(
        "Whether to read more fields from NAME.yaml or NAME.json next to a file.",
        True,
        default=False,
    )


class FileGroup(Group):
    """Files that have something in common."""

    each: dict[Text, FileMarks] = field(
        "Overrides for single files, by name.",
        {"a.png": {"tags": ["checked"]}},
        default_factory=dict,
    )


class ImageGroup(Group, ImageMarks):
    """Images that have something in common."""

    each: dict[Text, ImageMarks] = field(
        "Overrides for single images, by name.",
        {"a.png": {"tags": ["checked"]}},
        default_factory=dict,
    )


class ReadingsEntry(Captured):
    """Readings of one component."""

    file: Omittable[Name] = field(
        "A CSV or TSV file or JSON lines, relative to the seed.", "series/climate.csv", default=None
    )
    rows: Omittable[Many[Row]] = field(
        "The readings themselves, instead of `file`.",
        [{"time": "2026-01-31T12:00:00Z", "celsius": 21.5}],
        default=None,
    )
    time: Name = field("The column with the time requested.", "at", default="time")
    received: Omittable[Name] = field("The column with the time received.", "arrived", default=None)
    time_unit: Omittable[Literal["s", "ms", "us", "ns"]] = field(
        "The unit of times that are numbers since 1970.", "ms", default=None
    )
    time_format: Omittable[Name] = field(
        "The format of other times, for Python's strptime; UTC without an offset.",
        "%d.%m.%Y %H:%M",
        default=None,
    )
    delimiter: Omittable[Delimiter] = field(
        "The separator of a CSV file; by default a comma, or a tab for .tsv.",
        ";",
        "\t",
        default=None,
    )
    nested: Flag = field("Whether columns a.b and a.c become a: {b, c}.", True, default=False)
    under: Omittable[Name] = field(
        "Nests the values under this key; sensor clients expect `readings`.",
        "readings",
        default=None,
    )


class ImportEntry(Model):
    """A file of another program, and how to read it."""

    file: Name = field(
        "A COCO file, a folder that viam exported, JSON lines or CSV, relative to the seed.",
        "coco/val.json",
    )
    images: Omittable[Name] = field(
        "The folder of its images, relative to the seed; by default next to the file.",
        "photos",
        default=None,
    )
    dataset: Omittable[Text] = field(
        "The dataset to add its files to; empty for none.", "dogs", default=None
    )
    part: Name = field("The part that captured the data.", "rover-main", default="")
    clip: Flag = field("Whether to clip boxes to the edge of their image.", True, default=False)
    delimiter: Omittable[Delimiter] = field("The separator of a CSV file.", ";", default=None)
    time_format: Omittable[Name] = field(
        "The format of its times, for Python's strptime.", "%d.%m.%Y %H:%M", default=None
    )

    time_unit: Omittable[Literal["s", "ms", "us", "ns"]] = field(
        "The unit of times that are numbers since 1970.", "ms", default=None
    )

    def options(self, folder: Path) -> ReadOptions:
        """The options, for a seed in that folder."""
        values = {name: value for name, value in self if name != "file"}
        if self.images is not None:
            values["images"] = folder / self.images
        return ReadOptions(**values)


class SeedFile(Model):
    """What a fake holds from the start."""

    schema_: Text = field(
        "For editors; ignored.", "https://example.com/seed.schema.json", default="", alias="$schema"
    )
    version: Version = field("Version of this format.", 1, default=1)
    organizations: Many[OrganizationEntry] = field(
        "The fleet: organizations, their locations, robots and parts.",
        [
            {
                "name": "acme",
                "locations": [
                    {"name": "lab", "robots": [{"name": "rover", "parts": ["rover-main"]}]}
                ],
            }
        ],
        default=(),
    )
    datasets: Many[Annotated[DatasetEntry, Shorthand("name")]] = field(
        "Datasets; one of the default organization may be just its name.",
        ["dogs", {"name": "walks", "type": "sequence"}],
        default=(),
    )
    images: Many[ImageGroup] = field(
        "Groups of images.", [{"files": "photos/*.png", "datasets": "dogs"}], default=()
    )
    files: Many[FileGroup] = field("Groups of other files.", [{"files": "logs"}], default=())
    readings: Many[ReadingsEntry] = field(
        "Series of readings.", [{"file": "series/climate.csv", "component": "climate"}], default=()
    )
    imports: Many[Annotated[ImportEntry, Shorthand("file")]] = field(
        "Files of other tools; one without options may be just its path.",
        ["coco/val.json", {"file": "coco/train.json", "clip": True}],
        default=(),
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of seed files, for completion in editors."""
    return schema_of(SeedFile, title="Seed of fakeviam")
