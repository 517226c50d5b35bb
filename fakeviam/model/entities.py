"""What an organization keeps besides data and datasets: queries, indexes, pipelines, sequences.

Each has an id, belongs to an owner (an organization; of a run, the pipeline), may have something
that is `unique` among those of its kind and owner, and is a value: a change makes a new one that
takes the old one's place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Entity:
    """What need not be unique."""

    __slots__ = ()

    @property
    def unique(self) -> str:
        return ""


class _OfOrganization(_Entity):
    """What an organization owns."""

    __slots__ = ()

    organization_id: str

    @property
    def owner(self) -> str:
        return self.organization_id


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedQuery(_OfOrganization):
    """A named pipeline of MQL, which goes before a query that names it (SA-1).

    Attributes:
        stages: As they were sent, a BSON document each.
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


#: What can have custom indexes.
Collection = Literal["hot_store", "pipeline_sink"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomIndex(_OfOrganization):
    """An index on the hot store, or on the sink of a pipeline (IX-1).

    Attributes:
        pipeline_id: Whose sink; empty for the hot store.
        name: Unique in its collection.
        spec: As it was sent (IX-2).
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


#: Where a pipeline reads.
SourceType = Literal["standard", "hot_storage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPipeline(_OfOrganization):
    """Runs a query over each window of time between two ticks of its schedule (DP-1, DP-2).

    Attributes:
        stages: As they were sent, a BSON document each.
        schedule: Cron, in UTC.
        backfills: Whether windows of the past and of late data are run too (DP-7).
        time_next: The next tick; of a pipeline that is disabled, the one it stopped before.
        time_filled: Windows from here on need no back-fill; None when none of them does.
        time_batch: When the next batch of windows is back-filled; None if none waits.
        late: Starts of windows whose run is to be repeated, since data came late.
        open: Ids of its runs that have not ended.
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
        time_start: When it begins, or will begin.
        time_end: When it ended; None before that.
        time_data_start: The window's start, which is inside.
        time_data_end: Its end, which is outside.
        error: Why it failed.
        documents: What it put into the sink, BSON each.
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
    """A resource of a part and how it is captured."""

    resource_name: str
    method_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sequence(_OfOrganization):
    """A selection of a part's data: resources, a window of time, tags (SQ-1).

    Attributes:
        time_start: The window's start, which is inside, like its end (SQ-4).
        dataset_ids: The datasets that it is in.
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
        """The same sequence as a member of a dataset."""
        if dataset_id in self.dataset_ids:
            return self
        return replace(self, dataset_ids=(*self.dataset_ids, dataset_id))

    def outside(self, dataset_id: str) -> Sequence:
        """The same sequence outside of a dataset."""
        left = tuple(each for each in self.dataset_ids if each != dataset_id)
        return replace(self, dataset_ids=left)


#: The states of an export.
ExportStatus = Literal["running", "completed", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceExport(_OfOrganization):
    """A job that writes a dataset of sequences into a file (EJ-1).

    Attributes:
        file: A zip, once it is complete.
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

#: The kinds by the names under which they are kept.
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
    """Whether a field of that name holds times, in ns."""
    return field.startswith("time_") or field == "late"
