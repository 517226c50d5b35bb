"""What little time is good for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.kill_power import TABLE, by_kill_power
from fakeviam_contracts.mutants.base import (
    on_refusal,
    on_reply,
    on_request,
    with_policy,
    with_store,
)
from fakeviam_contracts.mutants.mutant_suite import run_mutant_suite, summary, try_mutant
from fakeviam_contracts.mutants.servers import SERVERS

from campaigns.detection import Detection
from campaigns.tables import read
from fakeviam import MemoryStore

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Mutant


#: Of the table of kill power: check, wrong servers that it is the first to find, calls.
POWER = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]


def test_the_table_knows_every_check() -> None:
    assert {name for name, *_ in POWER} == {check.name for check in CHECKS}


def test_what_finds_most_with_a_call_comes_first() -> None:
    """That makes the calls until a server is found as few as they can be, on average."""
    worth = [int(found) / max(int(calls), 1) for _, found, calls in POWER]
    assert worth == sorted(worth, reverse=True)
    assert [check.name for check in by_kill_power(CHECKS)] == [name for name, *_ in POWER]


def test_half_of_the_calls_find_nearly_all_wrong_servers() -> None:
    """The first checks, of half of all calls, find nine of ten.

    Which check is the first to find a server is in campaign.tsv; test_campaign.py measures again.
    """
    most, spent, affordable = sum(int(calls) for *_, calls in POWER) / 2, 0, set()
    for name, _, calls in POWER:
        spent += int(calls)
        if spent <= most:
            affordable.add(name)
    rows = read(Path(__file__).with_name("campaign.tsv"), Detection)
    assert len(rows) == len(SERVERS)
    assert sum(row.check in affordable for row in rows) >= 0.9 * len(SERVERS)


def test_the_verdicts_are_kept_apart() -> None:
    outcomes = run_mutant_suite(SERVERS[:3])
    assert {outcome.verdict for outcome in outcomes} == {"killed"}
    assert summary(outcomes).startswith("3 wrong servers: 3 killed, 0 survived, 0 did not apply")


def _told(mutant: Mutant) -> str:
    # Two checks are enough to tell, and quick.
    return try_mutant(mutant, [check for check in CHECKS if check.name in _QUICK]).verdict


_QUICK = ("ids_are_told", "databases")


def test_a_server_that_no_check_notices_survives() -> None:
    harmless = on_reply(
        "has an address of its own for databases",
        "DB-1",
        lambda _, reply, __: setattr(reply, "mongodb_uri", "mongodb://elsewhere"),
        "GetDatabaseConnection",
    )
    assert _told(harmless) == "survived"
    # A store may always do something; it cannot be watched.
    assert _told(with_store("is right", "DB-1", MemoryStore)) == "survived"


def test_a_server_that_changes_nothing_does_not_apply() -> None:
    assert _told(on_request("does nothing", "DB-1", lambda _, __: None)) == "did not apply"
    unasked = on_reply("is never asked", "TG-1", lambda _, r, __: r.Clear(), "TagsByFilter")
    assert _told(unasked) == "did not apply"
    unrefused = on_refusal("never refuses", "TA-4", lambda _, __: None)
    assert _told(unrefused) == "did not apply"


def test_a_server_that_crashes_is_not_killed() -> None:
    """INTERNAL is noticed whatever the server was to be wrong in."""
    crashing = on_reply("crashes", "DB-1", lambda _, r, __: r.nothing, "GetDatabaseConnection")
    assert _told(crashing) == "crashed"


def test_a_server_that_cannot_start_broke_at_start() -> None:
    assert (
        _told(with_policy("has no such policy", "A1", default_order="sideways")) == "broke at start"
    )
