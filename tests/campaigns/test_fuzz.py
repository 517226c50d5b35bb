"""Short forms of `make fuzz`: the same inputs, fewer of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from campaigns.fuzz import report, run
from campaigns.fuzz.targets import TARGETS
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

#: Inputs of each target that take a tenth of a second or two.
FEW = {
    "messages": 100,
    "bytes": 80,
    "framing": 25,
    "headers": 15,
    "frames": 15,
    "control": 20,
    "web": 40,
    "database": 25,
    "page": 15,
    "seeds": 4,
    "archives": 4,
    "datadirs": 4,
    "shown": 300,
}


@pytest.mark.parametrize("name", FEW)
@pytest.mark.thinned(2)
def test_no_law_is_broken(name: str) -> None:
    """By the first inputs of a seed (SV-4, JR-6, HT-4, DD-3, AR-2, SE-1)."""
    score = run.play(name, seed=0, number=0, most=FEW[name])
    assert score.inputs == FEW[name]
    assert [failure.told(0) for failure in score.failures] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_no_law_is_broken_by_whole_rounds(name: str) -> None:
    """By more of another seed (SV-4, JR-6, HT-4, DD-3, AR-2, SE-1)."""
    for number in range(3):
        score = run.play(name, seed=1000, number=number)
        assert [failure.told(1000) for failure in score.failures] == []


def test_the_same_seed_makes_the_same_inputs() -> None:
    """So that a failure can be seen again."""
    first, again = (run.play("messages", seed=3, number=1, most=30) for _ in range(2))
    other = run.play("messages", seed=4, number=1, most=30)
    assert first.outcomes == again.outcomes != other.outcomes


def crash(*_: object) -> set[str]:
    raise ZeroDivisionError


def test_what_is_broken_is_found_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the law, the input and how to see it again."""
    monkeypatch.setattr(MemoryStore, "binary_tags", crash)
    told = io.StringIO()
    scores = run.campaign([("messages", 0)], seed=1, jobs=1, seconds=None, to=told)
    laws = {failure.law for failure in scores["messages"].failures}
    assert "never INTERNAL or UNKNOWN by accident" in laws
    assert "make fuzz ARGS='--seed 1 --only messages --round 0'" in told.getvalue()
    assert run.broken(scores) > 1
    monkeypatch.setattr("campaigns.results.PLACE", tmp_path)
    text = report.write(scores, seed=1, command="make fuzz").read_text()
    assert "`--only messages --round 0`" in text


@pytest.mark.slow
def test_a_refusal_that_wrote_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By comparing all that the fake holds."""
    write = MemoryStore.add_tags

    def write_and_refuse(store: MemoryStore, ids: Iterable[str], tags: Sequence[str]) -> int:
        write(store, ids, tags)
        raise InvalidArgumentError("no", clause="TA-1")

    monkeypatch.setattr(MemoryStore, "add_tags", write_and_refuse)
    found = [each for n in range(3) for each in run.play("messages", seed=1, number=n).failures]
    assert {each.law for each in found} == {"what is refused or only read changes nothing"}


def test_rounds_of_a_campaign_reach_every_target() -> None:
    """However few there are, and in turn."""
    rounds = run.rounds_of(tuple(TARGETS), 1000)
    assert {name for name, _ in rounds} == set(TARGETS)
    many = run.rounds_of(tuple(TARGETS), 1_000_000)
    assert sum(TARGETS[name].size for name, _ in many) == pytest.approx(1_000_000, rel=0.01)
    assert len(set(many)) == len(many)
