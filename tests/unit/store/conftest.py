"""Records for the tests of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.model.records import BinaryRecord, Source, TabularRecord
from fakeviam.store.memory import MemoryStore

from .databases import KINDS, databases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.store.base import Store


def _source(**fields: Any) -> Source:
    known: dict[str, Any] = {
        "organization_id": "org",
        "location_id": "loc",
        "robot_id": "robot",
        "robot_name": "rover",
        "part_id": "part",
        "part_name": "main",
    }
    return Source(**known | fields)


@pytest.fixture
def binary() -> Callable[..., BinaryRecord]:
    """Make a binary record; fields of its source are given by their own names."""

    def make(file_id: str = "f", time: int = 0, **fields: Any) -> BinaryRecord:
        own = {name: fields.pop(name) for name in list(fields) if name in Source.__slots__}
        known: dict[str, Any] = {"time_received": time, "time_synced": time, "mime_type": "a/b"}
        return BinaryRecord(
            file_id=file_id, source=_source(**own), time_requested=time, **known | fields
        )

    return make


@pytest.fixture
def tabular() -> Callable[..., TabularRecord]:
    """Make a reading."""

    def make(name: str = "t", time: int = 0, **fields: Any) -> TabularRecord:
        known: dict[str, Any] = {"time_received": time, "time_synced": time, "payload": b"123"}
        return TabularRecord(
            id=name, file_id=name, source=_source(), time_requested=time, **known | fields
        )

    return make


@pytest.fixture(params=KINDS)
def new_store(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    """Make empty stores of one kind."""
    if request.param == "memory":
        # Blocks so small that a few records fill several.
        yield lambda: MemoryStore(block_size=3)
        return
    with databases() as make:
        yield lambda: make(request.param)


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    """An empty store."""
    return new_store()
