"""The kit and the newest RPCs: streams of a server, servers that lack them, what is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import opening
from fakeviam_contracts.mutants.exports import MUTANTS as EXPORTS
from fakeviam_contracts.mutants.servers import start
from fakeviam_contracts.newest import NEWEST, NOT_REQUIRED
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import methods

if TYPE_CHECKING:
    from fakeviam_contracts.results import Result

#: Addresses by which the kit reaches a server: gRPC by grpclib, and gRPC-Web.
FORMS = ("unix:{cloud.unix_socket}", "web+http://{cloud.target}")


def _by_address(cloud: FakeViam, form: str, clauses: str) -> Result:
    target = form.format(cloud=cloud)
    return run(RunConfig(target=target, parts=(cloud.default_part.id,), clauses=clauses))


@pytest.mark.parametrize("form", FORMS)
def test_streams_of_a_server_are_read_to_their_end(form: str) -> None:
    """EX-1 … EX-8: with points, without any, and where the stream is an error."""
    with FakeViam(seed=1) as cloud:
        result = _by_address(cloud, form, "EX-*")
    assert {clause.verdict for clause in result.clauses} == {Verdict.KEPT}
    assert result.exit_status == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_that_breaks_off_is_told(form: str) -> None:
    wrong = next(mutant for mutant in EXPORTS if mutant.name == "exports no more than 200 points")
    with start(wrong) as cloud:
        result = _by_address(cloud, form, "EX-1")
    (finding,) = result.findings
    assert (finding.clause, finding.name) == ("EX-1", "many_points")
    assert "RESOURCE_EXHAUSTED: no more than 200 points" in str(finding.assertion.observed)


class LacksTheNewest(Interceptor):
    """A server of some years ago, without a fleet."""

    def request(self, rpc: str, message: Any) -> Any:
        if rpc in NOT_REQUIRED:
            raise GRPCError(Status.UNIMPLEMENTED, f"unknown method {rpc}")
        return message


@pytest.mark.parametrize("clauses", ["EX-*", "SA-*", "IX-*", "DP-*", "SQ-*", "EJ-*", "AP-*"])
def test_a_server_that_lacks_them_breaks_nothing(
    clauses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = [LacksTheNewest()]
    monkeypatch.setattr(
        opening, "own_fake", lambda _, **how: FakeViam(seed=1, interceptors=lacking, **how)
    )
    result = run(RunConfig(clauses=clauses))
    assert (result.findings, result.differences, result.exit_status) == ([], [], 0)
    assert {clause.verdict for clause in result.clauses} == {Verdict.SKIPPED}
    assert all("is not served: unknown method" in clause.reason for clause in result.clauses)


def test_the_newest_rpcs_exist() -> None:
    assert {method.name for method in methods()} >= NOT_REQUIRED > NEWEST
