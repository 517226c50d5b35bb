"""The kit is lenient: servers that differ where nothing is documented pass, and are told apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import opening
from fakeviam_contracts.clauses import Severity
from fakeviam_contracts.mutants.servers import start
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from tests.quality.legal_servers import LEGAL

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Mutant

#: Random programs find no more than these few do, or the model is wrong.
PROGRAMS = 4


@pytest.mark.slow
@pytest.mark.parametrize("server", LEGAL, ids=lambda server: server.name)
def test_a_legal_server_passes(server: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "own_fake", lambda _, **how: start(server, **how))
    result = run(RunConfig(programs=PROGRAMS, seed=1))
    assert [f"{f.clause}: {f.assertion}" for f in result.findings] == []
    assert result.exit_status == 0, result.not_reached
    differs = {c.clause for c in result.clauses if c.verdict is Verdict.DIFFERS}
    assert not server.clause or server.clause in differs


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.slow
def test_set_up_needs_no_upload_without_times(*, exclusive: bool) -> None:
    """A28: by address, too, where set-up asks for the clock and others are kept from harm."""
    server = next(each for each in LEGAL if each.name == "wants the times of captures")
    with start(server) as cloud:
        where, part = f"unix:{cloud.unix_socket}", cloud.default_part.id
        config = RunConfig(target=where, parts=(part,), exclusive=exclusive, clauses="DF-*")
        result = run(config)
        refused = [call for call in cloud.calls if call.status == "INVALID_ARGUMENT"]
    assert result.findings == []
    assert not result.error
    assert refused == []


def test_a_run_can_hold_a_server_to_our_interpretation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "own_fake", lambda _, **how: start(LEGAL[0], **how))
    result = run(RunConfig(clauses="A39", min_evidence="assumed"))
    assert result.exit_status == 1
    assert {d.assertion.severity for d in result.differences} == {Severity.INTERPRETATION}


def test_there_are_many_and_their_names_are_their_own() -> None:
    assert len(LEGAL) >= 25
    assert max(Counter(server.name for server in LEGAL).values()) == 1
