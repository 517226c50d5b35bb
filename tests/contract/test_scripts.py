"""Failures as scripts: run by themselves, they show the same failure, and see when it is gone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import writes
from fakeviam_contracts.assertions import Assertion, ContractBrokenError
from fakeviam_contracts.formatting import format_step
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.remote import Address, RemoteSubject
from fakeviam_contracts.results import OWN, Finding, Result
from fakeviam_contracts.runner import RunConfig, run
from fakeviam_contracts.scripts import NoScriptError, script
from fakeviam_contracts.subject import OwnFake

from fakeviam import Clock, FakeViam
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data, dataset, datasync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from fakeviam_contracts.session import Session

    Fresh = Callable[[str], Path]
    Done = subprocess.CompletedProcess[str]


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


def _run(path: Path, *where: str, python: Path | str = sys.executable) -> Done:
    command = [str(python), "-I", "-W", "error", str(path), *where]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=path.parent
    )


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_scripts_fail_on_the_wrong_server_and_pass_on_the_right_one(
    wrong: type[Wrong], tmp_path: Path, fresh_python: Fresh
) -> None:
    """In a fresh environment, with nothing but what the script needs."""
    path = tmp_path / "failure.py"
    flavour = "viam-sdk" if wrong in WRONG[:2] else "grpc"
    with _cloud(wrong) as cloud:
        finding, result = _found(cloud, wrong.clause)
        path.write_text(script(finding, result, flavour=flavour), encoding="utf-8")
        again = _run(path, "--target", cloud.target, python=fresh_python(flavour))
        assert (again.returncode, again.stderr) == (1, "")
        assert finding.claim.what in again.stdout
        cloud.check()
    with _cloud() as cloud:
        gone = _run(path, "--target", cloud.target, python=fresh_python(flavour))
        assert (gone.returncode, gone.stderr) == (0, ""), gone
        assert "the failure is gone" in gone.stdout


@pytest.mark.slow
def test_the_fresh_environment_of_the_sdk_holds_nothing_of_ours(fresh_python: Fresh) -> None:
    code = (
        "import viam, importlib.util as u; print([u.find_spec(n) for n in ('fakeviam', 'pytest')])"
    )
    command = [str(fresh_python("viam-sdk")), "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout == "[None, None]\n"


def test_scripts_of_a_whole_organization_want_it_empty(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    with _cloud(LosesTags) as cloud:
        finding, result = _found(cloud, "TA-1", exclusive=True)
        path.write_text(script(finding, result), encoding="utf-8")
        assert _run(path, "--target", cloud.target).returncode == 1
        upload = datasync.DataCaptureUploadRequest(
            metadata=datasync.UploadMetadata(
                part_id=cloud.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR
            ),
            sensor_contents=[datasync.SensorData(binary=b"of others")],
        )
        subject = RemoteSubject(
            Interpretation.named("documented"),
            Address(target=cloud.target),
            parts=(cloud.default_part.id,),
        )
        subject.line.wire().call("DataCaptureUpload", upload)
        subject.close()
        full = _run(path, "--target", cloud.target)
        assert (full.returncode, "holds nothing yet" in full.stderr) == (2, True)
    away = _run(path, "--target", "127.0.0.1:1")
    assert (away.returncode, "cannot reach" in away.stderr) == (2, True)
    own = _run(path, "--self")
    assert (own.returncode, "found on a server elsewhere" in own.stderr) == (2, True)


# A fake of our own: other parts, its clock, its days ----------------------------------------


def _own(program: Callable[[Session], None], wrong: type[Wrong] | None = None) -> Recorded:
    """What a program did to a fake of our own, until it broke."""
    subject = OwnFake(Interpretation.named("documented"), lambda: _cloud(wrong))
    session = subject.open_session()
    try:
        with pytest.raises(ContractBrokenError):
            program(session)
        return Recorded(session)
    finally:
        subject.close()


class Recorded:
    """A broken program as finding and result."""

    def __init__(self, session: Session) -> None:
        assert session.broken is not None
        self.finding = Finding(
            name="a program",
            clauses=session.broken.clauses,
            claim=session.broken,
            steps=[format_step(step) for step in session.steps],
            calls=session.wire.calls,
        )
        self.result = Result(subject=OWN, policy="documented", profile="quick", seed=1)

    def write(self, path: Path, flavour: str = "grpc") -> None:
        path.write_text(script(self.finding, self.result, flavour=flavour), encoding="utf-8")


def _other_part(session: Session) -> None:
    writes.upload(session, way="FileUpload", part=1, chunks=[b"x"])
    session.expect(("UP-1",), "count", 2, 1)


def _days(session: Session) -> None:
    day = 86_400 * 1_000_000_000
    assert session.place.now is not None
    now = session.place.now()
    for ago in range(4):
        time = now - ago * day
        writes.upload_rows(session, part=0, rows=[{"n": 1.0}], times=[(time, time)])
    session.model.rows.pop()
    writes.delete_rows(session, 2, FilterSpec())


def _waits(session: Session) -> None:
    writes.upload(session, way="FileUpload", part=0, chunks=[b"x"])
    assert session.place.advance is not None
    session.place.advance(48 * 3600 * 1_000_000_000)
    _days(session)


@pytest.mark.slow
@pytest.mark.parametrize("program", [_other_part, _days, _waits])
def test_scripts_start_the_fake_that_they_need(
    program: Callable[[Session], None], tmp_path: Path, fresh_python: Fresh
) -> None:
    """Its seed, parts, clock and policy are in the script; here the model was made wrong."""
    path = tmp_path / "failure.py"
    _own(program).write(path)
    again = _run(path, "--self", python=fresh_python("grpc"))
    assert (again.returncode, again.stderr) == (1, ""), again


def test_scripts_say_which_parts_they_need(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    _own(_other_part).write(path)
    text = path.read_text(encoding="utf-8")
    assert "'second' of robot 'rover'" in text
    with _cloud() as cloud:
        strange = _run(path, "--target", cloud.target)
    assert (strange.returncode, "refuses what went well" in strange.stderr) == (2, True)


def test_scripts_do_not_skip_a_clock_that_cannot_be_moved(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    with _cloud() as cloud:
        _own(_waits).write(path)
        still = _run(path, "--target", cloud.target)
        assert (still.returncode, "after 48.0 hours" in still.stderr) == (2, True), still
    _own(_days).write(path)
    with FakeViam(seed=1, clock=Clock.frozen("2024-02-03T12:00:00Z")) as cloud:
        later = _run(path, "--target", cloud.target)
    assert (later.returncode, "there it is 2024-02-03" in later.stderr) == (2, True), later


@pytest.mark.slow
def test_scripts_of_the_sdk_say_that_a_fake_needs_more(tmp_path: Path, fresh_python: Fresh) -> None:
    path = tmp_path / "failure.py"
    _own(_other_part).write(path, "viam-sdk")
    bare = _run(path, "--self", python=fresh_python("viam-sdk"))
    assert (bare.returncode, "needs fakeviam" in bare.stderr) == (2, True)


def test_claims_without_a_lens_get_a_script_too(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    mutant = next(m for m in SERVERS if m.name == "starts over when the row of a token is gone")
    with start(mutant) as cloud:
        finding, result = _found(cloud, "PG-7")
        path.write_text(script(finding, result), encoding="utf-8")
        again = _run(path, "--target", cloud.target)
        assert (again.returncode, again.stderr) == (1, ""), again
    with _cloud() as cloud:
        gone = _run(path, "--target", cloud.target)
        assert (gone.returncode, gone.stderr) == (0, ""), gone


def test_without_a_call_there_is_no_script() -> None:
    claim = Assertion(("SV-4",), "nothing", 1, 2)
    finding = Finding(name="none", clauses=("SV-4",), claim=claim, steps=[], calls=[])
    result = Result(subject=OWN, policy="documented", profile="quick", seed=1)
    with pytest.raises(NoScriptError, match="nothing went over the wire"):
        script(finding, result)
