"""The schema of seeds: which fields there are, and what each takes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.annotations import (
    COORDINATES,
    BoundingBox,
    Classification,
    check_box,
    check_confidence,
    check_label,
)
from fakeviam.model.datasets import DatasetType, check_name
from fakeviam.model.records import check_tags
from fakeviam.model.timestamps import UNITS
from fakeviam.seeds.checks import (
    Accepted,
    Anything,
    Base64,
    Choice,
    Field,
    Flag,
    Keep,
    Many,
    Named,
    Number,
    Record,
    Text,
    Time,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Fields = Mapping[str, Field]

#: The word for a file's own time of change.
MODIFIED = "modified"

TYPES = MappingProxyType({"binary": DatasetType.BINARY_DATA, "sequence": DatasetType.SEQUENCE_DATA})


def _box(values: dict[str, Any]) -> BoundingBox:
    return check_box(BoundingBox(id="", **values))


def _classification(values: dict[str, Any]) -> Classification:
    check_label(values["label"])
    check_confidence(values["confidence"])
    return Classification(id="", **values)


_ID = Text(wanted="an id", slash=False)
_TAG = Accepted(Text(blank=True), lambda tag: check_tags([tag]))

TAGS = Field(Many(_TAG, alone=True), default=(), help="Tags; one may stand without a list.")

BOX = Record(
    {
        "label": Field(Text(blank=True), required=True),
        **{name: Field(Number("a number from 0 to 1"), required=True) for name in COORDINATES},
        "confidence": Field(Number("a number from 0 to 1")),
    },
    make=_box,
)
CLASSIFICATION = Record(
    {
        "label": Field(Text(blank=True), required=True),
        "confidence": Field(Number("a number from 0 to 1")),
    },
    make=_classification,
    short="label",
)

# Organizations -------------------------------------------------------------------------------


def _owner(name: str, below: str, each: Record) -> Record:
    return Record(
        {
            "name": Field(Text(slash=False), help=f"Name of the {name}; made if it is new."),
            "id": Field(_ID, default="", help="Its id, where that matters to you."),
            below: Field(Keep(Many(Keep(each), least=1)), required=True),
        }
    )


PART = Record(
    {
        "name": Field(Text(slash=False), help="Name of the part; made if it is new."),
        "id": Field(_ID, default="", help="Its id, where that matters to you."),
        "internal": Field(Flag(), default=False, help="Its data counts as Viam's own."),
    },
    short="name",
)
ROBOT = _owner("robot", "parts", PART)
LOCATION = _owner("location", "robots", ROBOT)
ORGANIZATION = _owner("organization", "locations", LOCATION)

DATASET = Record(
    {
        "name": Field(Accepted(Text(blank=True), check_name), required=True),
        "organization": Field(Text(), default="", help="Name or id; the default one if absent."),
        "type": Field(Choice(tuple(TYPES)), default="binary"),
        "id": Field(_ID, default="", help="Its id, where that matters to you."),
    },
    short="name",
)

# Data ----------------------------------------------------------------------------------------

CAPTURE: Fields = {
    "part": Field(Text(), default="", help="Name, organization/location/robot/part, or id."),
    "component": Field(Text(blank=True), default="", help="Name of the component."),
    "component_type": Field(Text(blank=True), default="", help="Such as rdk:component:camera."),
    "method": Field(Text(blank=True), default="", help="The method that captured it."),
}

_FILE_MARKS: Fields = {
    "tags": TAGS,
    "datasets": Field(Many(Text(), alone=True), default=(), help="Names or ids of datasets."),
    "time": Field(Time((MODIFIED,)), help="Time requested; without it, the fake's clock."),
    "received": Field(Time(), help="Time received; without it, the time requested."),
}
_IMAGE_MARKS: Fields = {
    **_FILE_MARKS,
    "boxes": Field(Many(BOX), default=(), help="Bounding boxes, in fractions of the image."),
    "classifications": Field(Many(CLASSIFICATION), default=()),
}

#: What may be said about one file, by its name under `each` or next to it in a sidecar.
FILE_MARKS = Record(_FILE_MARKS)
IMAGE_MARKS = Record(_IMAGE_MARKS)


def _group(marks: Fields, each: Record) -> Record:
    return Record(
        {
            "files": Field(
                Many(Keep(Text()), alone=True, least=1),
                help="Files, folders or patterns, as seen from the seed.",
            ),
            "name": Field(Text(), help="With `data`: the name of the file."),
            "data": Field(Base64(), help="The contents themselves, instead of `files`."),
            **CAPTURE,
            **marks,
            "mime_type": Field(Text(), default="", help="Instead of what the extension says."),
            "every": Field(Number(least=0), help="Seconds from one file to the next."),
            "each": Field(Named(each), default={}, help="What is so for one file, by its name."),
            "sidecars": Field(Flag(), default=False, help="Read FILE.yaml or FILE.json too."),
        }
    )


IMAGES = _group(_IMAGE_MARKS, IMAGE_MARKS)
FILES = _group(_FILE_MARKS, FILE_MARKS)

READINGS = Record(
    {
        "file": Field(Keep(Text()), help="A CSV file, or JSON lines."),
        "rows": Field(Many(Keep(Anything())), help="The readings themselves, instead of `file`."),
        **CAPTURE,
        "tags": TAGS,
        "time": Field(Text(), default="time", help="The column of the time requested."),
        "received": Field(Text(), help="The column of the time received."),
        "time_unit": Field(Choice(tuple(UNITS)), help="For times that are numbers since 1970."),
        "nested": Field(Flag(), default=False, help="Columns a.b and a.c become a: {b, c}."),
        "under": Field(Text(), help="Put values under this key, as `readings` for sensors."),
    }
)

SEED = Record(
    {
        "$schema": Field(Text(), help="For editors."),
        "version": Field(Number(), default=1, help="Version of this format: 1."),
        "organizations": Field(Many(Keep(ORGANIZATION)), default=()),
        "datasets": Field(Many(Keep(DATASET)), default=()),
        "images": Field(Many(Keep(IMAGES)), default=()),
        "files": Field(Many(Keep(FILES)), default=()),
        "readings": Field(Many(Keep(READINGS)), default=()),
    }
)
