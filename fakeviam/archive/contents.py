"""The contents of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.model.fleet import FleetState
    from fakeviam.model.ids import Counters
    from fakeviam.store.base import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """All persistent data of a cloud.

    Attributes:
        store: Records, bytes, datasets and database users. A fork that nobody modifies.
        fleet: Organizations, locations, robots and parts.
        keys: API keys as JSON objects.
        counters: The counters of ids.
        made_by: The version of fakeviam that wrote them.
    """

    store: Store
    fleet: FleetState
    keys: tuple[Mapping[str, object], ...]
    counters: Counters
    made_by: str
