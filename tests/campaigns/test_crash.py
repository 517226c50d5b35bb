"""Short forms of `make crash`."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest

from campaigns.crash import calls, requests, run, writers
from campaigns.crash.trials import Calls
from campaigns.crash.writers import File, Ledger
from campaigns.dice import Dice
from campaigns.laws import BrokenLawError

if TYPE_CHECKING:
    from pathlib import Path

NOON = "2026-03-10T12:00:00Z"


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("kills", 1),
        ("calls", 1),
        ("damages", 12),
        pytest.param("kills", 5, marks=pytest.mark.slow),
        pytest.param("disks", 5, marks=pytest.mark.slow),
        pytest.param("calls", 5, marks=pytest.mark.slow),
        pytest.param("fulls", 5, marks=pytest.mark.slow),
        pytest.param("damages", 300, marks=pytest.mark.slow),
    ],
)
@pytest.mark.thinned(3)
def test_no_law_is_broken(kind: str, count: int) -> None:
    """Nothing that was acknowledged is lost, and damage is told (DD-1, DD-3, DD-4, DD-8)."""
    score = run.run(kind, seed=count, count=count, to=io.StringIO())
    assert score.broken == []
    assert sum(score.found.values()) >= count


def test_every_rpc_that_writes_has_a_request() -> None:
    """One that is new is killed, too, as soon as it is served (DD-1)."""
    assert sorted(requests.MAKERS) == requests.writing_rpcs()


@pytest.mark.asyncio
async def test_each_request_writes(tmp_path: Path) -> None:
    """Or what it writes would not be looked at (DD-1)."""
    await calls.begin(tmp_path / "data", NOON)
    left = set(requests.writing_rpcs())
    async with calls.Clerk.at(tmp_path / "data", NOON) as clerk:
        for number in range(900):
            before = clerk.state
            (deed,) = await clerk.plan(Dice(number), 1)
            if deed.state != before:
                left.discard(deed.method.name)
            if not left:
                break
    assert left == set()


def test_a_call_that_is_lost_is_found(tmp_path: Path) -> None:
    """A server that has kept less than it said, or said something else (DD-1)."""
    trials = Calls(tmp_path / "data")
    deeds = asyncio.run(trials._plan(Dice(1), NOON))
    said = [deed.outcome for deed in deeds]
    assert trials._settled(deeds, [], NOON)["kills"] == 1
    with pytest.raises(BrokenLawError, match="nothing acknowledged is lost"):
        trials._settled(deeds, said, NOON)
    with pytest.raises(BrokenLawError, match="answered alike"):
        trials._settled(deeds, ["NOT_FOUND A40"], NOON)


def test_what_was_told_decides() -> None:
    """An acknowledged write must be there; one that was not answered may be, whole."""
    one, tagged = File(name="a-1", size=3), File(name="a-1", size=3, tags=frozenset({"x"}))
    assert writers.settle(Ledger(files={"a-1": one}), {"a-1": one}) == (0, 0)
    doubtful = Ledger(files={"a-1": one}, doubtful={"a-1": tagged})
    assert writers.settle(doubtful, {"a-1": tagged}) == (1, 0)
    assert doubtful.files == {"a-1": tagged}
    doubtful = Ledger(files={"a-1": one}, doubtful={"a-1": tagged})
    assert writers.settle(doubtful, {"a-1": one}) == (0, 1)
    for lost in ({}, {"a-1": tagged}, {"a-1": one, "b-1": one}):
        with pytest.raises(BrokenLawError, match="nothing acknowledged is lost"):
            writers.settle(Ledger(files={"a-1": one}), lost)


@pytest.mark.slow
def test_silence_about_damage_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the directory and how to see it again."""
    monkeypatch.setattr("fakeviam.datadir.directory.log.warning", lambda *_: None)
    told = io.StringIO()
    score = run.run("damages", seed=1, count=40, to=told)
    assert score.broken
    assert score.broken[0].startswith("what is set right is said: directory.json: gone")
    assert "make crash ARGS='--seed 1 --only damages'" in told.getvalue()
    monkeypatch.setattr("campaigns.results.PLACE", tmp_path)
    assert "- damages: what is set right" in run.write([score], seed=1, command="x").read_text()
