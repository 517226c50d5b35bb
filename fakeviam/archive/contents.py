"""What an archive holds."""

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
    """Everything about a cloud that outlives it.

    Attributes:
        store: Records, bytes, datasets and database users. A fork: nobody writes to it.
        fleet: Organizations, locations, robots and parts.
        keys: API keys, each as a JSON object.
        counters: How far ids were counted.
        made_by: Version of fakeviam that they come from.
    """

    store: Store
    fleet: FleetState
    keys: tuple[Mapping[str, object], ...]
    counters: Counters
    made_by: str
