"""What little time is good for."""

from __future__ import annotations

from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.kill_power import TABLE, by_kill_power
from fakeviam_contracts.mutants.park import run_park, summary, try_mutant
from fakeviam_contracts.mutants.servers import SERVERS


def _measured() -> dict[str, float]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {name: float(seconds) for name, _, seconds in (line.split("\t") for line in lines)}


def test_the_table_knows_every_check() -> None:
    assert set(_measured()) == {check.name for check in CHECKS}


def test_thirty_seconds_kill_nearly_all_wrong_servers() -> None:
    """Those checks that fit into a budget of 30 s, by the measured table, kill 95 %."""
    measured, affordable, spent = _measured(), [], 0.0
    for check in by_kill_power(CHECKS):
        spent += measured[check.name]
        if spent <= 30:
            affordable.append(check)
    killed = sum(try_mutant(mutant, affordable).verdict == "killed" for mutant in SERVERS)
    assert killed >= 0.95 * len(SERVERS)


def test_the_verdicts_are_kept_apart() -> None:
    fates = run_park(SERVERS[:3])
    assert {fate.verdict for fate in fates} == {"killed"}
    assert summary(fates).startswith("3 wrong servers: 3 killed, 0 survived, 0 did not apply")
    # With no check at all, a wrong server survives.
    assert try_mutant(SERVERS[0], []).verdict == "survived"
