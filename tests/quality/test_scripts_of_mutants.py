"""Every wrong server leaves a script that shows what is wrong, and that sees when it is gone."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest
from fakeviam_contracts import opening, scripts
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

RIGHT = Mutant(name="nothing", clause="")

#: All of them take minutes: `make contract` runs them so.
WHOLE = bool(os.environ.get("FAKEVIAM_WHOLE_PARK"))
CHOSEN = SERVERS if WHOLE else SERVERS[10::30]


def _serve(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs and scripts start a server that is wrong, or right: half as much work as by address.

    Scripts by address are run in tests/contract/test_scripts.py.
    """
    monkeypatch.setattr(opening, "own_fake", lambda _, **how: start(mutant, **how))


def _status(script: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a script here."""
    monkeypatch.setattr(sys, "argv", [str(script), "--self"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    return int(ended.value.code or 0)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", CHOSEN, ids=lambda mutant: mutant.name)
def test_scripts_tell_a_wrong_server_from_the_right_one(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(mutant, monkeypatch)
    result = run(RunConfig(clauses=mutant.clause))
    scripts.write_all(result, tmp_path)
    if not result.findings or not result.findings[0].script:
        pytest.skip("no binding clause is broken, or the set-up or the clean-up shows it")
    script = Path(result.findings[0].script)
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 60
    assert _status(script, monkeypatch) == 1
    _serve(RIGHT, monkeypatch)
    assert _status(script, monkeypatch) == 0
