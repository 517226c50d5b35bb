"""Parts whose data is kept for some days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import Clock, FakeViam, UsageError
from fakeviam.wire.well_known import Timestamp

from .driver import Viam, reading

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Start

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


def frozen(start: Start, **options: Any) -> Any:
    return start(clock=Clock.frozen(NOW), **options)


async def upload(viam: Viam, name: str, hours_ago: float, **options: Any) -> None:
    time = Timestamp()
    time.FromDatetime(NOW - timedelta(hours=hours_ago))
    await viam.upload(name, requested=time, **options)
    await viam.upload_readings(reading({"n": hours_ago}, time), **options)


@pytest.mark.asyncio
@pytest.mark.parametrize("days", [1, 2])
async def test_data_goes_by_utc_days(start: Start, days: int) -> None:
    """Once its day is that many days ago, whatever the hour; all else stays (RE-1, RE-2)."""
    viam = await frozen(start)
    part = viam.cloud.fleet.add_part("arm", retention_days=days)
    ages = {"noon": 0, "midnight": 0, "the day before": 1}
    for name, hours in (("noon", 0), ("midnight", 12), ("the day before", 12.001)):
        await upload(viam, name, hours, part_id=part.id)
    await upload(viam, "other", 12.001)
    await viam.create_dataset("kept")
    assert set(await viam.names()) == {*ages, "other"}
    for step in (1, 2):
        viam.cloud.clock.advance(days=1)
        left = {name for name, age in ages.items() if age + step < days} | {"other"}
        assert {each.name.removesuffix(".jpg") for each in viam.cloud.files} == left
        assert set(await viam.names()) == left
        assert (await viam.tabular()).count == len(left)
    viam.cloud.clock.advance(days=-2)
    await upload(viam, "late", 99, part_id=part.id)
    assert set(await viam.names()) == {"late", "other"}
    assert len(viam.cloud.datasets) == 1


@pytest.mark.asyncio
async def test_retention_is_set_and_ended(start: Start) -> None:
    """For a part that exists, until it is set to None (RE-1)."""
    viam = await frozen(start)
    cloud = viam.cloud
    await upload(viam, "a", 0)
    assert cloud.fleet.set_retention(cloud.default_part.id, 2).retention_days == 2
    cloud.clock.advance(days=1)
    assert await viam.names() == ["a"]
    cloud.fleet.set_retention(cloud.default_part.id, None)
    cloud.clock.advance(days=99)
    assert await viam.names() == ["a"]
    wrong: list[Any] = [0, -1, 1.5, True, "7"]
    for days in wrong:
        with pytest.raises(UsageError, match="retention_days must be"):
            cloud.fleet.set_retention(cloud.default_part.id, days)
        with pytest.raises(UsageError, match="retention_days must be"):
            cloud.fleet.add_part("b", retention_days=days)
    with pytest.raises(UsageError, match="no part has the id 'no'"):
        cloud.fleet.set_retention("no", 1)
    cloud.fleet.set_retention(cloud.default_part.id, 9**9)  # before there was a calendar
    cloud.clock.advance(days=1)
    assert await viam.names() == ["a"]


@pytest.mark.asyncio
async def test_retention_outlives_the_process(start: Start, tmp_path: Path) -> None:
    """The policy, and what it deleted; days count while nothing runs, too (RE-1, DD-1)."""
    viam = await frozen(start, data_dir=tmp_path / "data")
    part = viam.cloud.fleet.add_part("arm", retention_days=2)
    await upload(viam, "kept", 0, part_id=part.id)
    await viam.cloud.stop()
    again = await start(clock=Clock.frozen(NOW + timedelta(days=1)), data_dir=tmp_path / "data")
    assert await again.names() == ["kept"]
    await again.cloud.stop()
    for _ in range(2):
        later = await start(clock=Clock.frozen(NOW + timedelta(days=2)), data_dir=tmp_path / "data")
        assert await later.names() == []
        await later.cloud.stop()


def test_a_seed_says_how_long_data_is_kept() -> None:
    """And a part that keeps its data otherwise contradicts it (RE-1, SE-2)."""
    part = {"name": "arm", "retention_days": 3}
    lab = {"name": "lab", "robots": [{"name": "rover", "parts": [part]}]}
    document = {"organizations": [{"name": "acme", "locations": [lab]}]}
    with FakeViam() as cloud:
        cloud.load(document)
        assert [each.retention_days for each in cloud.fleet if each.name == "arm"] == [3]
        part["retention_days"] = 4
        with pytest.raises(UsageError, match="already exists, with another retention_days"):
            cloud.load(document)
        part["retention_days"] = 0
        with pytest.raises(UsageError, match="retention_days"):
            cloud.load(document)
