"""Values that occur in the stored data, for completion in the filter bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from fakeviam.model.filters import Query
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.records import Source
    from fakeviam.web.page.visit import Visit

#: How many of the newest records are examined; fewer in a database, which must fetch them.
_IN_MEMORY: Final = 200_000
_FETCHED: Final = 2_000


def latest(visit: Visit, kind: Literal["binary", "tabular"]) -> dict[Source, Any]:
    """The newest record of each source, newest first."""
    store = visit.store
    most = _IN_MEMORY if isinstance(store, MemoryStore) else _FETCHED
    page = getattr(store, f"{kind}_page")
    records = page(Query(), after=None, limit=most, descending=True).records
    # Many records share a source object, and hashing each takes long.
    first: dict[int, Any] = {}
    for record in records:
        first.setdefault(id(record.source), record)
    found: dict[Source, Any] = {}
    for record in first.values():
        found.setdefault(record.source, record)
    return found


def known_values(visit: Visit, kind: Literal["binary", "tabular"]) -> dict[str, list[str]]:
    """Stored values by field of the filter."""
    everything, sources = data.Filter(), latest(visit, kind)
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
