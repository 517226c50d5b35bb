"""The models of a seed's fleet and its datasets."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from fakeviam.model.datasets import DatasetType
from fakeviam.seeds.field_types import DatasetName, PathName
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import (
    Count,
    Flag,
    Many,
    Name,
    Omittable,
    Shorthand,
)

DATASET_TYPES = MappingProxyType(
    {"binary": DatasetType.BINARY_DATA, "sequence": DatasetType.SEQUENCE_DATA}
)


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
