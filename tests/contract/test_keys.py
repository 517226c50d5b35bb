"""Keys that may not do everything: what they may not is not looked at, and is never a failure."""

from __future__ import annotations

import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import replay, reports
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import FakeViam
from fakeviam.model.errors import PermissionDeniedError
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.results import Result

    from fakeviam import ApiKey


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(seed=1, auth="keys") as cloud:
        yield cloud
        cloud.check()


def result_of(cloud: FakeViam, key: ApiKey | None, clauses: str, **more: Any) -> Result:
    if key is not None:
        more = {**more, "api_key_id": key.id, "api_key": key.key}
    parts = (cloud.default_part.id,)
    return run(RunConfig(target=cloud.target, parts=parts, clauses=clauses, **more))


def may_not(result: Result) -> dict[str, str]:
    return {c.clause: c.reason for c in result.clauses if c.verdict is Verdict.MAY_NOT}


def test_an_operator_writes_nothing_and_breaks_nothing(cloud: FakeViam) -> None:
    """AC-3: the upload of the set-up is refused; --read-only goes on without it."""
    key = cloud.add_api_key(organizations=cloud.default_part.organization_id, role="operator")
    result = result_of(cloud, key, "DS-*")
    assert set(may_not(result)) == {clause.clause for clause in result.clauses}
    assert (result.findings, result.exit_status) == ([], 3)
    assert "MAY NOT (set-up ended: the API key may not call DataCaptureUpload" in reports.summary(
        [result]
    )
    result = result_of(cloud, key, "*", read_only=True)
    assert set(may_not(result)) == {"TG-1"}, "all but tags can be read (AC-1)"
    assert (result.findings, result.exit_status) == ([], 3)


@pytest.mark.slow
def test_a_key_of_a_location_makes_no_dataset_that_would_stay(cloud: FakeViam) -> None:
    """AC-8: it may not delete datasets, which one shows; that one is told."""
    key = cloud.add_api_key(locations=cloud.default_part.location_id)
    result = result_of(cloud, key, "[DT]?-1")
    reasons = may_not(result)
    assert {"DS-1", "DM-1"} <= set(reasons)
    assert all("CreateDataset would leave behind" in reasons[name] for name in ("DS-1", "DM-1"))
    kept = {clause.clause for clause in result.clauses if clause.verdict is Verdict.KEPT}
    assert {"DI-1", "TA-1", "TD-1"} <= kept
    assert (result.findings, result.exit_status) == ([], 3)
    (left,) = result.left
    assert [f"the dataset {each.name} ({each.id})" for each in cloud.datasets] == [
        left.partition(", ")[0]
    ]
    allowed = result_of(cloud, key, "DS-1", allow_not_reached=("DS-1",))
    assert allowed.exit_status == 0


@pytest.mark.slow
def test_random_programs_go_on_without_what_a_key_may_not(cloud: FakeViam) -> None:
    key = cloud.add_api_key(locations=cloud.default_part.location_id)
    result = result_of(cloud, key, "*", seed=1, programs=2, max_calls=2500)
    assert not result.findings
    assert not result.error


@pytest.mark.slow
def test_an_owner_may_everything(cloud: FakeViam) -> None:
    key = cloud.add_api_key(organizations=cloud.default_part.organization_id)
    result = result_of(cloud, key, "DS-*")
    assert (may_not(result), result.left, result.exit_status) == ({}, [], 0)


class Forbids(Interceptor):
    """Forbids deletes."""

    def request(self, rpc: str, message: Any) -> Any:
        if rpc == "DeleteBinaryDataByIDs":
            raise PermissionDeniedError("not you", clause="AC-3")
        return message


@pytest.mark.parametrize(
    ("program", "role", "reason"),
    [
        (
            partial(replay.run_check, name="what_datasets_say"),
            {"locations": True},
            "CreateDataset would leave behind what it makes",
        ),
        (
            replay.RandomPrograms(seed=1, count=1),
            {"locations": True},
            # Whichever of them the program comes to first.
            "(CreateDataset would leave behind what it makes|the API key may not call )",
        ),
        (
            replay.RandomPrograms(seed=1, count=0),
            {"locations": True},
            "nothing was compared with DS-6",
        ),
        (
            partial(replay.run_check, name="what_datasets_say"),
            {"locations": True, "role": "operator"},
            "the API key may not call DataCaptureUpload",
        ),
    ],
    ids=["check", "random programs", "no programs", "set-up"],
)
@pytest.mark.thinned(4)
def test_a_script_whose_key_may_not_do_its_steps_cannot_tell(
    cloud: FakeViam,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: Any,
    role: dict[str, Any],
    reason: str,
) -> None:
    """AC-3: what was not looked at is not gone."""
    key = cloud.add_api_key(**{**role, "locations": cloud.default_part.location_id})
    where = ("--target", cloud.target, "--part", cloud.default_part.id)
    monkeypatch.setattr(sys, "argv", ["script", *where])
    monkeypatch.setenv("VIAM_API_KEY_ID", key.id)
    monkeypatch.setenv("VIAM_API_KEY", key.key)
    with pytest.raises(SystemExit) as ended:
        replay.main(program, clause="DS-6", what="x")
    assert ended.value.code == 2
    assert re.search(f"cannot tell: {reason}", capsys.readouterr().err)


def test_files_that_may_not_be_deleted_are_told() -> None:
    with FakeViam(seed=1, auth="keys", interceptors=[Forbids()]) as cloud:
        key = cloud.add_api_key(organizations=cloud.default_part.organization_id)
        result = result_of(cloud, key, "DI-1")
        (reason,) = may_not(result).values()
        (file,) = cloud.files
        assert f"1 files of the component {file.component_name} stay there" in reason
    assert (result.findings, result.exit_status) == ([], 3)


@pytest.mark.slow
def test_without_a_key_it_is_the_servers_fault() -> None:
    """Nobody was told apart: PERMISSION_DENIED is an answer like any other."""
    with FakeViam(seed=1, interceptors=[ForbidsTags()]) as cloud:
        result = result_of(cloud, None, "TA-1")
    assert (may_not(result), result.exit_status) == ({}, 1)


class ForbidsTags(Interceptor):
    """Forbids tagging."""

    def request(self, rpc: str, message: Any) -> Any:
        if rpc.startswith("AddTags"):
            raise PermissionDeniedError("not you", clause="AC-3")
        return message
