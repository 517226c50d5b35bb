"""Failures as scripts: run by themselves, they show the same failure, and see when it is gone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.reading import Reading
from fakeviam_contracts.remote import Address, RemoteSubject
from fakeviam_contracts.runner import RunConfig, run
from fakeviam_contracts.scripts import NoScriptError, script

from fakeviam import Clock, FakeViam
from fakeviam.server.interceptors import Interceptor
from fakeviam.wire import data, dataset, datasync

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from fakeviam_contracts.results import Finding, Result


class Wrong(Interceptor):
    """A server that is wrong in the way of its subclass."""

    clause = ""

    def request(self, rpc: str, message: Any) -> Any:
        return self.ask(message) if rpc else message

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        return self.answer(message) if rpc else message

    def ask(self, message: Any) -> Any:
        return message

    def answer(self, message: Any) -> Any:
        return message


class LosesTags(Wrong):
    clause = "TA-1"

    def ask(self, message: Any) -> Any:
        if isinstance(message, data.AddTagsToBinaryDataByIDsRequest):
            del message.tags[-1:]
            if not message.tags:
                message.tags.append("other")
        return message


class IgnoresMethods(Wrong):
    clause = "FI-4"

    def ask(self, message: Any) -> Any:
        if isinstance(message, data.BinaryDataByFilterRequest):
            message.data_request.filter.method = ""
        return message


class MovesBoxes(Wrong):
    clause = "BX-1"

    def ask(self, message: Any) -> Any:
        if isinstance(message, data.AddBoundingBoxToImageByIDRequest):
            message.label = message.label.replace("dog", "cat")
        return message


class TakesNamesTwice(Wrong):
    clause = "DS-7"

    def ask(self, message: Any) -> Any:
        if isinstance(message, dataset.CreateDatasetRequest) and not message.name.strip():
            message.name = "blank"
        return message


class EndsEarly(Wrong):
    clause = "PG-5"

    def answer(self, message: Any) -> Any:
        if isinstance(message, data.TabularDataByFilterResponse) and not message.data:
            message.last = "again"
        return message


class CutsReadings(Wrong):
    clause = "CU-2"

    def ask(self, message: Any) -> Any:
        if isinstance(message, datasync.DataCaptureUploadRequest):
            del message.sensor_contents[2:]
        return message


WRONG = [LosesTags, IgnoresMethods, MovesBoxes, TakesNamesTwice, EndsEarly, CutsReadings]


def _cloud(wrong: type[Wrong] | None = None) -> FakeViam:
    return FakeViam(
        seed=1,
        clock=Clock.frozen("2024-01-01T12:00:00Z"),
        interceptors=[wrong()] if wrong is not None else [],
    )


def _found(cloud: FakeViam, clause: str, **how: Any) -> tuple[Finding, Result]:
    config = RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses=clause, **how)
    result = run(config)
    assert result.exit_status == 1, result
    return result.findings[0], result


def _run(path: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(path), target]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("wrong", WRONG)
def test_scripts_fail_on_the_wrong_server_and_pass_on_the_right_one(
    wrong: type[Wrong], tmp_path: Path
) -> None:
    path = tmp_path / "failure.py"
    with _cloud(wrong) as cloud:
        finding, result = _found(cloud, wrong.clause)
        flavour = "viam-sdk" if wrong in WRONG[:2] else "grpc"
        path.write_text(script(finding, result, flavour=flavour), encoding="utf-8")
        again = _run(path, cloud.target)
        assert (again.returncode, again.stderr) == (1, "")
        assert finding.claim.what in again.stdout
        cloud.check()
    with _cloud() as cloud:
        gone = _run(path, cloud.target)
        assert (gone.returncode, gone.stderr) == (0, ""), gone
        assert "the failure is gone" in gone.stdout


def test_scripts_of_a_whole_organization_want_it_empty(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    with _cloud(LosesTags) as cloud:
        finding, result = _found(cloud, "TA-1", exclusive=True)
        path.write_text(script(finding, result), encoding="utf-8")
        assert _run(path, cloud.target).returncode == 1
        RemoteSubject(
            Reading.named("documented"),
            Address(target=cloud.target),
            parts=(cloud.default_part.id,),
        ).close()
    full = _run(path, "127.0.0.1:1")
    assert (full.returncode, "cannot reach" in full.stderr) == (2, True)


def test_what_no_script_can_show_gets_none() -> None:
    mutant = next(m for m in SERVERS if m.name == "starts over when the row of a token is gone")
    with start(mutant) as cloud:
        finding, result = _found(cloud, "PG-7")
        with pytest.raises(NoScriptError, match="every file, once"):
            script(finding, result)
