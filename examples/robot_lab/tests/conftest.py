from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from robot_lab.station import Station

if TYPE_CHECKING:
    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


@pytest.fixture
def fakeviam(fakeviam: FakeViam) -> FakeViam:
    """In this laboratory it is noon on a day in March."""
    fakeviam.clock.set(NOON)
    return fakeviam


@pytest.fixture
def part(fakeviam: FakeViam) -> Part:
    return fakeviam.fleet.add_part("bench-main", robot="bench", location="lab")


@pytest.fixture
def station(viam_data_client: DataClient, part: Part) -> Station:
    return Station(viam_data_client, part.id)
