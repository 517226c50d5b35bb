"""The kit says nothing against the fake that is right.

`python -m scripts.false_alarms` measures it and writes false_alarms.tsv; here the table is held to
it, and a few clauses and programs are run again in each way.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakeviam_contracts import opening
from fakeviam_contracts.opening import own_fake

from campaigns.false_alarms import POLICIES, WAYS, Quiet, measure
from campaigns.tables import read

ROWS = read(Path(__file__).parent / "false_alarms.tsv", Quiet)


#: How many seeds there were for each way and policy, and how many programs of each.
SEEDS, PROGRAMS = 20, 2


def test_no_false_alarm_was_measured() -> None:
    assert [(row.way, row.policy, row.alarms) for row in ROWS if row.alarms] == []


def test_all_checks_and_many_programs_were_run_in_every_way() -> None:
    rows = {(row.way, row.policy): row for row in ROWS}
    for key in ((way, policy) for way in WAYS for policy in POLICIES):
        assert rows[key].seeds >= SEEDS, key
        assert rows[key].programs >= rows[key].seeds * PROGRAMS, key


@pytest.mark.parametrize(
    "way", [each if each == "self" else pytest.param(each, marks=pytest.mark.slow) for each in WAYS]
)
def test_no_false_alarm_in_short(way: str) -> None:
    """One seed, and then two on one fake, which says no more against what the first left."""
    row = Quiet(way=way, policy="documented")
    for more, seeds in ((1, 1), (2, 3)):
        row = measure(row, programs=1, seeds=more, clauses="SU-2")
        assert row == replace(row, seeds=seeds, programs=seeds, alarms="")
    assert row.calls > 0


@pytest.mark.slow
def test_a_row_tells_what_the_kit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kit of another policy than the fake's is wrong about it."""
    monkeypatch.setattr(opening, "own_fake", lambda _, **how: own_fake("strict", **how))
    row = measure(Quiet(way="self", policy="documented"), programs=1, clauses="A39")
    assert row.alarms
    assert not row.goes_on(programs=1)


def test_a_row_goes_on_where_it_was() -> None:
    row = Quiet(way="tcp", policy="strict", seeds=2, programs=10, calls=1)
    assert row.goes_on(programs=5)
    assert not row.goes_on(programs=6)
