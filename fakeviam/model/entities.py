"""Entities of an organization besides data and datasets: queries, indexes, pipelines, sequences.

Each has an id and an owner (an organization, or the pipeline of a run), and may have a value that
is `unique` for its kind and owner. Entities are immutable: a change creates a new one that replaces
the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Entity:
    """The default: nothing has to be unique."""

    __slots__ = ()

    @property
    def unique(self) -> str:
        return ""


class _OfOrganization(_Entity):
    """An entity that an organization owns."""

    __slots__ = ()

    organization_id: str

    @property
    def owner(self) -> str:
        return self.organization_id


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedQuery(_OfOrganization):
    """A named MQL pipeline, which runs before a query that refers to it (SA-1).

    Attributes:
        stages: The stages as sent, one BSON document each.
        time_created: ns since the epoch, like all times here.
    """

    id: str
    organization_id: str
    name: str
    stages: tuple[bytes, ...]
    time_created: int
    time_updated: int

    @property
    def unique(self) -> str:
        return self.name


#: The collections that can have custom indexes.
Collection = Literal["hot_store", "pipeline_sink"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomIndex(_OfOrganization):
    """An index on the hot store, or on the sink of a pipeline (IX-1).

    Attributes:
        pipeline_id: The pipeline of the sink; empty for the hot store.
        name: Unique in its collection.
        spec: The specification as sent (IX-2).
    """

    id: str
    organization_id: str
    collection: Collection
    name: str
    spec: tuple[bytes, ...]
    pipeline_id: str = ""

    @property
    def unique(self) -> str:
        return f"{self.collection} {self.pipeline_id} {self.name}"


#: The sources of a pipeline.
SourceType = Literal["standard", "hot_storage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPipeline(_OfOrganization):
    """A query that runs over each window between two ticks of its schedule (DP-1, DP-2).

    Attributes:
        stages: The stages as sent, one BSON document each.
        schedule: The cron expression, in UTC.
        backfills: Whether past windows and windows with late data run too (DP-7).
        time_next: The next tick; for a disabled pipeline, the one at which it stopped.
        time_filled: Windows from here on need no back-fill; None when no window needs it.
        time_batch: When the next batch of windows is back-filled; None if there is none.
        late: Starts of windows that must run again because of late data.
        open: Ids of its unfinished runs.
    """

    id: str
    organization_id: str
    name: str
    stages: tuple[bytes, ...]
    schedule: str
    source: SourceType
    time_created: int
    time_updated: int
    time_next: int
    enabled: bool = True
    backfills: bool = False
    time_filled: int | None = None
    time_batch: int | None = None
    late: tuple[int, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def unique(self) -> str:
        return self.name


#: The states of a run; `fakeviam.model.jobs` has their transitions.
RunStatus = Literal["scheduled", "started", "completed", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineRun(_Entity):
    """One run of a pipeline over one window.

    Attributes:
        time_start: When it starts or started.
        time_end: When it ended; None before that.
        time_data_start: The start of the window, inclusive.
        time_data_end: The end of the window, exclusive.
        error: Why it failed.
        documents: The documents that it wrote to the sink, in BSON.
    """

    id: str
    pipeline_id: str
    status: RunStatus
    source: SourceType
    time_start: int
    time_data_start: int
    time_data_end: int
    time_end: int | None = None
    error: str = ""
    documents: tuple[bytes, ...] = ()

    @property
    def owner(self) -> str:
        return self.pipeline_id


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceResource:
    """A resource of a part, and its capture method."""

    resource_name: str
    method_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sequence(_OfOrganization):
    """A selection of a part's data: resources, a window of time, tags (SQ-1).

    Attributes:
        time_start: The start of the window; both ends are inclusive (SQ-4).
        dataset_ids: The datasets that contain it.
    """

    id: str
    organization_id: str
    location_id: str
    robot_id: str
    part_id: str
    resources: tuple[SequenceResource, ...]
    time_start: int
    time_end: int
    time_created: int
    time_updated: int
    tags: tuple[str, ...] = ()
    dataset_ids: tuple[str, ...] = ()

    def inside(self, dataset_id: str) -> Sequence:
        """The sequence as a member of a dataset."""
        if dataset_id in self.dataset_ids:
            return self
        return replace(self, dataset_ids=(*self.dataset_ids, dataset_id))

    def outside(self, dataset_id: str) -> Sequence:
        """The sequence without the membership in a dataset."""
        left = tuple(each for each in self.dataset_ids if each != dataset_id)
        return replace(self, dataset_ids=left)


#: The states of an export.
ExportStatus = Literal["running", "completed", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceExport(_OfOrganization):
    """A job that writes a dataset of sequences into a file (EJ-1).

    Attributes:
        file: The zip file, once it is complete.
        error: Why it failed.
    """

    id: str
    organization_id: str
    dataset_id: str
    status: ExportStatus
    time_created: int
    time_completed: int | None = None
    file: bytes = b""
    error: str = ""


Entity = SavedQuery | CustomIndex | DataPipeline | PipelineRun | Sequence | SequenceExport
Kind = TypeVar("Kind", bound=Entity)

#: The kinds of entities, by the names under which they are stored.
KINDS: Mapping[str, type[Entity]] = MappingProxyType(
    {
        "saved_query": SavedQuery,
        "index": CustomIndex,
        "pipeline": DataPipeline,
        "run": PipelineRun,
        "sequence": Sequence,
        "sequence_export": SequenceExport,
    }
)
KIND_NAMES: Mapping[type[Any], str] = MappingProxyType({kind: name for name, kind in KINDS.items()})


def is_time(field: str) -> bool:
    """Whether a field with this name holds times, in ns."""
    return field.startswith("time_") or field == "late"
