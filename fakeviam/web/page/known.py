"""Values that occur in the stored data, for completion in the filter bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeviam.model.filters import Query
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fakeviam.model.records import AnyRecord, Record, Source
    from fakeviam.store.values import Page
    from fakeviam.web.page.visit import Visit

#: How many of the newest records are examined; fewer in a database, which must fetch them.
_IN_MEMORY: Final = 200_000
_FETCHED: Final = 2_000


def latest(visit: Visit, page: Callable[..., Page[Record]]) -> dict[Source, Record]:
    """The newest record of each source, newest first; `page` is the store's method for a page."""
    most = _IN_MEMORY if isinstance(visit.store, MemoryStore) else _FETCHED
    records = page(Query(), after=None, limit=most, descending=True).records
    # Many records share a source object, and hashing each takes long.
    first: dict[int, Record] = {}
    for record in records:
        first.setdefault(id(record.source), record)
    found: dict[Source, Record] = {}
    for record in first.values():
        found.setdefault(record.source, record)
    return found


def known_values(visit: Visit, sources: Mapping[Source, AnyRecord]) -> dict[str, list[str]]:
    """Stored values by field of the filter."""
    everything = data.Filter()
    tags = visit.ask("TagsByFilter", data.TagsByFilterRequest(filter=everything)).tags
    labels = visit.ask(
        "BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest(filter=everything)
    ).labels
    parts = list(visit.handle.fleet)
    found: dict[str, Iterable[str]] = {
        "component_name": (each.component_name for each in sources),
        "component_type": (each.component_type for each in sources),
        "method": (each.method_name for each in sources),
        "mime_type": (each.mime_type for each in sources.values()),
        "tags": tags,
        "bbox_labels": labels,
        "part_id": (part.id for part in parts),
        "part_name": (part.name for part in parts),
        "robot_id": (part.robot_id for part in parts),
        "robot_name": (part.robot_name for part in parts),
        "location_ids": (part.location_id for part in parts),
        "organization_ids": (part.organization_id for part in parts),
        "dataset_id": (dataset.id for dataset in visit.store.all_datasets()),
    }
    return {name: sorted({*filter(None, values)}) for name, values in found.items()}
