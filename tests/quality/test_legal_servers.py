"""The kit is lenient: servers that differ where nothing is documented pass, and are told apart."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import opening
from fakeviam_contracts.clauses import Severity
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import start
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from tests.quality.legal_servers import LEGAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Result

    from fakeviam import FakeViam

#: Random programs find no more than these few do, or the model is wrong.
PROGRAMS = 4


#: What differs here leaves the rest as it is, so that some may be tried at once: in eight runs
#: instead of one for each. `make contract` tries each alone.
ALONE = bool(os.environ.get("FAKEVIAM_WHOLE_PARK"))
GROUPS = [(each,) for each in LEGAL] if ALONE else [LEGAL[start::8] for start in range(8)]


def _start(servers: Sequence[Mutant], **how: object) -> FakeViam:
    """One server that differs as all of these do."""
    options: dict[str, Any] = {}
    for each in servers:
        assert not options.keys() & each.options.keys() - {"policy"}, each.name
        policy = {**options.get("policy", {}), **each.options.get("policy", {})}
        options |= {**each.options, "policy": policy}
    store = next((each.store for each in servers if each.store is not None), None)
    changed = [each.interceptor() for each in servers if each.interceptor is not None]
    whole = Mutant(name="all of them", clause="", store=store, options=options)
    return start(whole, interceptors=changed, **how)


def _run(servers: Sequence[Mutant], monkeypatch: pytest.MonkeyPatch, **how: Any) -> Result:
    monkeypatch.setattr(opening, "own_fake", lambda _, **more: _start(servers, **more))
    result = run(RunConfig(seed=1, **how))
    assert [f"{f.clause}: {f.assertion}" for f in result.findings] == []
    assert result.exit_status == 0, result.not_reached
    return result


def _differs(result: Result) -> set[str]:
    return {each.clause for each in result.clauses if each.verdict is Verdict.DIFFERS}


@pytest.mark.slow
@pytest.mark.parametrize("servers", GROUPS, ids=lambda servers: ", ".join(s.name for s in servers))
def test_legal_servers_pass(servers: Sequence[Mutant], monkeypatch: pytest.MonkeyPatch) -> None:
    differs = _differs(_run(servers, monkeypatch, programs=PROGRAMS))
    for server in servers:
        if server.clause and server.clause not in differs:  # hidden by another
            alone = _run((server,), monkeypatch, clauses=server.clause)
            assert server.clause in _differs(alone), server.name


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
