"""The models of seed files, from which their JSON Schema is generated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from fakeviam.model.annotations import (
    BoundingBox,
    Classification,
    check_box,
    check_confidence,
)
from fakeviam.model.read_options import ReadOptions
from fakeviam.seeds.field_types import (
    MODIFIED,
    Delimiter,
    FileTime,
    Fraction,
    Row,
    Tag,
    Version,
)
from fakeviam.seeds.fleet_models import DatasetEntry, OrganizationEntry
from fakeviam.seeds.kept_models import (
    IndexEntry,
    PipelineEntry,
    SavedQueryEntry,
    SequenceEntry,
)
from fakeviam.seeds.values import Capture
from fakeviam.validation.models import Model, field
from fakeviam.validation.schema import json_schema as schema_of
from fakeviam.validation.types import (
    UNQUOTED_NUMBER,
    Base64,
    Flag,
    Many,
    Name,
    Omittable,
    OneOrMany,
    OneOrMore,
    Shorthand,
    Text,
    Time,
    refusable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self


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
        check_confidence(self.confidence)
        return self

    @property
    def classification(self) -> Classification:
        """The classification, without an id."""
        return Classification(id="", **dict(self))


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
    keep_extension: Flag = field(
        "Whether file_name ends in the extension, as if viam-server had synced the file; viam-sdk "
        "cuts it off.",
        True,
        default=False,
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
    component: Name = field("The component that captured readings.", "climate", default="")
    method: Name = field("Its method.", "Readings", default="")
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
    saved_queries: Many[SavedQueryEntry] = field(
        "Queries that are kept under a name.",
        [{"name": "daily", "stages": [{"$match": {"component_name": "climate"}}]}],
        default=(),
    )
    pipelines: Many[PipelineEntry] = field(
        "Data pipelines.",
        [{"name": "hourly", "schedule": "0 * * * *", "stages": [{"$count": "n"}]}],
        default=(),
    )
    indexes: Many[IndexEntry] = field(
        "Custom indexes.", [{"keys": {"component_name": 1}}], default=()
    )
    sequences: Many[SequenceEntry] = field(
        "Sequences.",
        [
            {
                "resources": {"component": "front-camera", "method": "GetImages"},
                "start": "2026-01-31T12:00:00Z",
                "end": "2026-01-31T12:05:00Z",
                "datasets": "walks",
            }
        ],
        default=(),
    )
    imports: Many[Annotated[ImportEntry, Shorthand("file")]] = field(
        "Files of other tools; one without options may be just its path.",
        ["coco/val.json", {"file": "coco/train.json", "clip": True}],
        default=(),
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of seed files, for completion in editors."""
    return schema_of(SeedFile, title="Seed of fakeviam")
