"""The models of what an organization keeps besides data: queries, pipelines, indexes, sequences."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from fakeviam.seeds.field_types import PathName, Row, Tag
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Flag, Name, OneOrMany, OneOrMore, Text, Time


class _OwnedEntry(Model):
    organization: Name = field(
        "Name or id of its organization; by default the default organization.", "acme", default=""
    )


class SavedQueryEntry(_OwnedEntry):
    """A query that is kept under a name."""

    name: Text = field("Its name; created if it does not exist.", "daily")
    stages: OneOrMore[Row] = field(
        "Its stages of MQL; a date is written {$date: 2026-01-31T12:00:00Z}.",
        [{"$match": {"component_name": "climate"}}, {"$limit": 10}],
        {"$count": "n"},
    )
    id: PathName = field(
        "Its id, for example one from your configuration.", "66e1f3b2a1c3d4e5f6a7b8c9", default=""
    )


class PipelineEntry(SavedQueryEntry):
    """A data pipeline."""

    schedule: Text = field("When it runs: cron of five fields, in UTC.", "0 * * * *")
    source: Literal["standard", "hot_storage"] = field(
        "Where it reads.", "hot_storage", default="standard"
    )
    backfill: Flag = field(
        "Whether windows of the past and of late data are run too.", True, default=False
    )
    enabled: Flag = field("Whether it runs.", False, default=True)


class IndexEntry(_OwnedEntry):
    """A custom index."""

    keys: Annotated[Row, Field(min_length=1)] = field(
        "The fields and their order: 1 or -1.", {"component_name": 1, "time_received": -1}
    )
    options: Row = field(
        "Options of MongoDB, such as its name.", {"name": "latest"}, default_factory=dict
    )
    pipeline: Text = field(
        "The pipeline whose sink it is on; by default it is on the hot store.", "", default=""
    )


class ResourceEntry(Model):
    """A resource whose data is inside a sequence."""

    component: Name = field("Name of the component.", "front-camera")
    method: Name = field("The method that captured it.", "GetImages")


class SequenceEntry(Model):
    """A selection of a part's data."""

    part: Name = field(
        "Name, organization/location/robot/part, or id; optional if the seed has only one part.",
        "rover-main",
        default="",
    )
    resources: OneOrMore[ResourceEntry] = field(
        "What is inside.", {"component": "front-camera", "method": "GetImages"}
    )
    start: Time = field("The start of its window, which is inside.", "2026-01-31T12:00:00Z")
    end: Time = field("The end of its window, which is inside.", "2026-01-31T12:05:00Z")
    tags: OneOrMany[Tag] = field("Tags; a single tag or a list.", ["checked"], "done", default=())
    datasets: OneOrMany[Name] = field(
        "Names or ids of datasets of sequences.", ["walks"], "walks", default=()
    )
    id: PathName = field(
        "Its id, for example one from your configuration.", "66e1f3b2a1c3d4e5f6a7b8c9", default=""
    )


KeptEntry = SavedQueryEntry | PipelineEntry | IndexEntry | SequenceEntry

#: The models by the fields of a seed, in the order in which they are applied.
KEPT: MappingProxyType[str, type[KeptEntry]] = MappingProxyType(
    {
        "saved_queries": SavedQueryEntry,
        "pipelines": PipelineEntry,
        "indexes": IndexEntry,
        "sequences": SequenceEntry,
    }
)
