"""Each wrong server is found, by programs within so many of them, and its failure gets short.

`make quality` measures all of them, by every check and by random programs, and writes
campaign.tsv. Here the table is held to what is promised, and a few servers are measured again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fakeviam_contracts.mutants.servers import SERVERS

from campaigns.detection import (
    MOST_STEPS,
    PROGRAMS,
    Detection,
    broken_promises,
    kill_power,
    out_of_reach,
    search,
)
from campaigns.tables import read

HERE = Path(__file__).parent
ROWS = read(HERE / "campaign.tsv", Detection)
OUT_OF_REACH = dict(out_of_reach(HERE / "out_of_reach.tsv"))
#: Some from everywhere in the park, all of which `make quality` measures; not those that programs
#: find late, which is by luck.
SAMPLE = [row.mutant for row in ROWS if 0 < row.programs <= 3][::15]


def test_the_table_knows_every_wrong_server() -> None:
    assert [row.mutant for row in ROWS] == [mutant.name for mutant in SERVERS], "make quality"


def test_what_is_promised_holds() -> None:
    assert broken_promises(ROWS, OUT_OF_REACH) == []
    assert {row.programs for row in ROWS} <= set(range(PROGRAMS + 1))


def test_what_programs_do_not_reach_is_listed_with_a_reason() -> None:
    assert {row.mutant for row in ROWS if not row.programs} == set(OUT_OF_REACH)
    assert all(OUT_OF_REACH.values())


def test_promises_can_be_broken() -> None:
    good = Detection("a", "check", 1, 1, 1)
    assert broken_promises([good], ()) == []
    slow = Detection("b", "", 0, 1, 1)
    long = Detection("c", "check", 1, 1, MOST_STEPS + 1)
    unreached = Detection("d", "check", 1, 0, 0)
    told = broken_promises([good, slow, long, unreached], ())
    assert [line[0] for line in told] == ["b", "c", "d"]
    assert broken_promises([unreached], {"d"}) == []


def test_kill_power_is_by_calls() -> None:
    rows = [Detection(name, check, 1, 1, 1) for name, check in (("a", "x"), ("b", "x"), ("c", "y"))]
    calls = {"x": 4, "y": 1, "z": 9, "w": 7}
    assert kill_power(rows, calls) == "y\t1\t1\nx\t2\t4\nw\t0\t7\nz\t0\t9\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_measured_again_it_holds(name: str) -> None:
    mutant = next(mutant for mutant in SERVERS if mutant.name == name)
    assert broken_promises([search(mutant)], ()) == []
