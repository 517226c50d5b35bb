"""A short form of `make soak`."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from campaigns import soak

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def sample(mebibytes: float, descriptors: int = 9) -> soak.Sample:
    return soak.Sample(1.0, int(mebibytes * 2**20), descriptors, 100)


def test_what_is_left_behind_is_found() -> None:
    """Descriptors; what came before the warm-up ended does not count."""
    steady = [sample(50), *map(sample, [100, 102, 99, 104, 100])]
    assert soak.broken(steady, warm_up=1) == []
    assert soak.broken([*steady, sample(104, 10)], warm_up=1) == ["descriptors are 9 or 10"]


@pytest.mark.parametrize(
    ("mebibytes", "said"),
    [
        ([100, 100, 106, 100, 100, 100], "100.0 MiB in the middle, 6.0% more at most"),
        ([94, 95, 97, 98, 99, 101], "drifts by +5.6% from the first to the last third: more than"),
        ([100, 100, 70, 100, 100, 65, 100, 101, 100], ""),  # given back now and then
    ],
)
def test_memory_that_grows_is_found(mebibytes: list[float], said: str) -> None:
    """At once, or bit by bit; not that which was given back."""
    problems = soak.broken([*map(sample, mebibytes)], warm_up=0)
    assert [said in each for each in problems] == [True] * bool(said)


@pytest.mark.slow
def test_a_server_that_works_keeps_no_descriptors() -> None:
    """Calls of all RPCs, cut uploads, sessions, faults, snapshots, resets."""
    effort = soak.Effort(calls=20, cut_uploads=2, chunks=4, sessions=1, records=2)
    told = io.StringIO()
    samples = soak.soak(1, seed=1, to=told, effort=effort, warm_up=1)
    assert len({each.descriptors for each in samples}) == 1
    assert f"round 2 of 2: {samples[-1].resident / 2**20:.1f} MiB" in told.getvalue()


@pytest.mark.slow
def test_memory_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And descriptors are as many as before; both are drawn. A few rounds stray more than many."""
    samples = soak.soak(5, seed=2, to=io.StringIO())
    assert soak.broken(samples, tolerance=0.15) == []
    monkeypatch.setattr("campaigns.results.PLACE", tmp_path)
    text = soak.write(samples, seed=2, command="make soak").read_text()
    assert "MiB" in text
    assert (tmp_path / "soak.svg").read_text().startswith("<?xml")
