"""What docs/kit-figures.md says of the kit: the tables behind it, and how they are made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import opening
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from campaigns.detection import Detection
from campaigns.false_alarms import Quiet
from campaigns.kit_figures import Run, calls_by_check, measure, page
from campaigns.tables import read, write

if TYPE_CHECKING:
    from fakeviam_contracts.results import Result

HERE = Path(__file__).parent
ROWS = read(HERE / "kit_runs.tsv", Run)
FOUND = {row.mutant: row for row in read(HERE / "campaign.tsv", Detection)}


def _row(kind: str, name: str, **changed: int) -> Run:
    numbers = {"status": 0, "findings": 0, "differs": 0, "calls": 10, "lines": 0, **changed}
    return Run(kind=kind, server=name, **numbers)


def test_no_legal_server_was_failed() -> None:
    assert [row for row in ROWS if row.kind == "legal" and (row.status or row.findings)] == []
    assert sum(row.kind == "legal" for row in ROWS) >= 25


def test_scripts_are_short() -> None:
    assert max(row.lines for row in ROWS) <= 60


def test_a_finding_gives_a_script() -> None:
    """A finding of the set-up has one, too."""
    assert [row for row in ROWS if row.findings and not row.lines] == []


@pytest.mark.parametrize(
    ("name", "status"), [("nothing", 0), ("ignores component_name in filters", 1)]
)
def test_a_run_against_one_server(name: str, status: int) -> None:
    wrong = next((each for each in SERVERS if each.name == name), None)
    row = measure(wrong or Mutant(name=name, clause="FI-1"), kind="wrong")
    assert (row.server, row.status) == (name, status)
    assert bool(row.findings) == bool(row.lines) == bool(status)


@pytest.fixture(scope="module")
def right() -> Result:
    return run(RunConfig(programs=0))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SERVERS[5::150], ids=lambda mutant: mutant.name)
def test_a_server_is_found_within_so_many_calls(
    mutant: Mutant, right: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that makes no more calls than the page says reports what is wrong."""
    budget = calls_by_check(right)[FOUND[mutant.name].check]
    monkeypatch.setattr(opening, "own_fake", lambda _, **how: start(mutant, **how))
    result = run(RunConfig(max_calls=budget, min_evidence="assumed", seed=1))
    assert result.findings or result.differences


def test_a_table_and_its_page(tmp_path: Path) -> None:
    rows = [
        _row("legal", "a"),
        _row("legal", "b", status=3, differs=2),
        _row("legal", "c", status=1),
        _row("wrong", "d", status=1, findings=1, lines=31),
        _row("wrong", "e", differs=1),
    ]
    write(tmp_path / "runs.tsv", Run, rows)
    assert read(tmp_path / "runs.tsv", Run) == rows
    found = [Detection(*row) for row in (("d", "x", 1, 1, 1), ("e", "z", 1, 3, 1))]
    quiet = [Quiet(way="tcp", policy="strict", seeds=2, programs=4, calls=9, alarms="FI-1: lost")]
    text = page(rows, found, quiet, {"x": 90, "y": 200, "z": 700})
    for line in (
        "| 100 | 1 | 50% |",
        "| 700 (all checks) | 2 | 100% |",
        "| 3 | 1 | 1 | 0 to 2 | 10 |",
        "has\n31 lines in the middle and 31 at most. 1 of them",
        "1 alarms. 2 seeds of random programs each, 4 programs, 9 calls",
    ):
        assert line in text
