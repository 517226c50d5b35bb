"""Each step of set-up fails once, in each way; each field of it is ignored once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import connection

from fakeviam import FakeViam
from fakeviam.cli import main
from fakeviam.server.instruments.interceptors import Interceptor
from tests.contract.failing_proxy import WAYS, FailingProxy

if TYPE_CHECKING:
    from pathlib import Path

#: Calls of set-up: the last belongs to the clean-up of its files.
CALLS = 30


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["contract", "run", *words])
    status: int = caught.value.code or 0  # type: ignore[assignment]
    return status


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("--exclusive",)], ids=["shared", "exclusive"])
@pytest.mark.parametrize("way", WAYS)
def test_every_step_that_fails_is_told_in_one_line(
    way: str,
    how: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With exit status 2, whatever the step; a step without a body may not be missed."""
    monkeypatch.setattr(connection, "FIRST_TIMEOUT", 0.1)
    seen = set()
    with FakeViam(seed=1) as cloud:
        for at in range(1, CALLS + 1):
            with FailingProxy(str(cloud.unix_socket), tmp_path, at=at, way=way) as proxy:
                place = ("--target", proxy.target, "--part", cloud.default_part.id)
                status = _run(*place, "--clauses", "BL-2", *how)
            told = capsys.readouterr()
            assert "Traceback" not in told.out + told.err
            if not re.search("set-up|cannot reach|did not answer|accept data", told.err):
                continue
            assert (status, told.err.count("\n")) == (2, 1), (at, told)
            seen.add(at)
            # What was put there before is not told as if it were somebody else's.
            cloud.reset()
    few = {"no message": 8}.get(way, 20)
    assert seen >= {1, 2, 3} - ({1} if way == "no message" else set())
    assert len(seen) >= few, seen


@pytest.mark.parametrize("at", [1, 3, 10])
@pytest.mark.parametrize("way", ["dies", "no body"])
def test_a_step_that_fails_is_told_in_one_line(
    way: str, at: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 2; some steps, quickly."""
    with (
        FakeViam(seed=1) as cloud,
        FailingProxy(str(cloud.unix_socket), tmp_path, at=at, way=way) as proxy,
    ):
        place = ("--target", proxy.target, "--part", cloud.default_part.id)
        assert _run(*place, "--clauses", "BL-2") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert {1: "cannot reach" in error or "in set-up" in error}.get(at, "set-up" in error), error


# Fields ----------------------------------------------------------------------------------


class Ignores(Interceptor):
    """A server that does not see one field of an RPC's requests."""

    def __init__(self, rpc: str, path: str) -> None:
        self._rpc, self._path = rpc, path.split(".")

    def request(self, rpc: str, message: Any) -> Any:
        if rpc == self._rpc:
            self._clear(message, self._path)
        return message

    def _clear(self, message: Any, path: list[str]) -> None:
        name, *rest = path
        if not rest:
            message.ClearField(name)
            return
        value = getattr(message, name)
        if not hasattr(value, "DESCRIPTOR"):
            for entry in value:
                self._clear(entry, rest)
        elif message.HasField(name):
            self._clear(value, rest)


#: Fields of the requests of set-up, and the clause that is broken by not seeing them.
FIELDS = (
    ("DataCaptureUpload", "metadata", "CU-1"),
    ("DataCaptureUpload", "metadata.part_id", "CU-1"),
    ("DataCaptureUpload", "metadata.component_name", "CU-1"),
    ("DataCaptureUpload", "metadata.type", "CU-1"),
    ("DataCaptureUpload", "sensor_contents", "CU-1"),
    ("DataCaptureUpload", "sensor_contents.binary", "CU-1"),
    ("DataCaptureUpload", "sensor_contents.struct", "CU-2"),
    ("DataCaptureUpload", "sensor_contents.metadata", "TM-1"),
    ("DataCaptureUpload", "sensor_contents.metadata.time_requested", "TM-1"),
    ("BinaryDataByIDs", "binary_data_ids", "BI-1"),
    ("BinaryDataByIDs", "include_binary", "BI-2"),
    ("BinaryDataByFilter", "data_request", "FI-1"),
    ("BinaryDataByFilter", "data_request.filter", "FI-1"),
    ("BinaryDataByFilter", "data_request.filter.component_name", "FI-1"),
    ("BinaryDataByFilter", "data_request.filter.interval", "FI-13"),
    ("BinaryDataByFilter", "data_request.filter.interval.end", "FI-13"),
    ("TabularDataByFilter", "data_request", "FI-1"),
    ("TabularDataByFilter", "data_request.filter", "FI-1"),
    ("TabularDataByFilter", "data_request.filter.component_name", "FI-1"),
    ("TabularDataByFilter", "data_request.filter.interval", "FI-13"),
    ("DeleteBinaryDataByIDs", "binary_data_ids", "DI-1"),
    ("DeleteTabularData", "organization_id", "DT-1"),
    ("DeleteTabularData", "delete_older_than_days", "DT-1"),
    ("DeleteTabularData", "filter", "DT-3"),
    ("DeleteTabularData", "filter.component_name", "DT-3"),
)


@pytest.mark.parametrize(
    ("rpc", "path", "clause"),
    [
        pytest.param(*field, marks=[] if at % 6 == 0 else pytest.mark.slow)
        for at, field in enumerate(FIELDS)
    ],
)
def test_a_field_that_is_not_seen_is_told_by_its_clause(
    rpc: str, path: str, clause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 1, on a shared server, and never as a part that does not exist."""
    with FakeViam(seed=1, interceptors=[Ignores(rpc, path)]) as cloud:
        place = ("--target", f"unix:{cloud.unix_socket}", "--part", cloud.default_part.id)
        assert _run(*place, "--clauses", "BL-2") == 1
    told = capsys.readouterr()
    assert f"BROKEN  {clause}: " in told.out
    assert "--exclusive" not in told.out + told.err
