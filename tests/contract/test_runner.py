"""Running the kit, as a function and as a command."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import opening, runner
from fakeviam_contracts.checks import CHECKS, Check, restarts
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.progress import Progress
from fakeviam_contracts.results import PROGRAMS, Verdict, empty_result
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.subject import OwnFake
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Clock, FakeViam
from fakeviam.cli import main
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakeviam_contracts.session import Session

TODAY = dt.date(2024, 1, 1)


class DoublesTags(Interceptor):
    """Lists tags twice."""

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        if rpc == "TagsByFilter":
            message.tags.extend(list(message.tags))
        return message


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Callable[[Interceptor], None]:
    """Makes the runner's own fake wrong."""

    def make(wrong: Interceptor) -> None:
        clock = Clock.frozen("2024-01-01T12:00:00Z")
        monkeypatch.setattr(
            opening,
            "own_fake",
            lambda _, **how: FakeViam(seed=1, clock=clock, interceptors=[wrong], **how),
        )

    return make


def _verdicts(result: Any) -> dict[str, Verdict]:
    return {clause.clause: clause.verdict for clause in result.clauses}


class _Unsteady(OwnFake):
    """Ends every third program before it begins."""

    opened = 0

    def open_session(self) -> Session:
        session = super().open_session()
        self.opened += 1
        session.ended_by = "a whim" if self.opened % 3 == 0 else ""
        return session


@pytest.mark.slow
def test_a_server_that_answers_otherwise_the_next_time_gets_all_programs() -> None:
    """Hypothesis calls that flaky, and ends what it does."""
    interpretation = Interpretation.named("documented")
    subject = _Unsteady(interpretation, lambda: opening.own_fake("documented"))
    done = run_programs(subject, seed=1, wanted=20)
    subject.close()
    assert (done.count, done.failed) == (20, None)


@pytest.mark.parametrize(
    ("config", "seconds", "told"),
    [
        ({}, 100.0, "33,000 calls that are left of the profile quick will take about 55 minutes"),
        ({"programs": 0}, 100.0, "7,800 calls that are left of the profile quick will take about"),
        ({"max_calls": 3000}, 100.0, "2,000 calls that are left of the profile quick will take"),
        ({}, 1.0, ""),
        ({"max_calls": 1100}, 100.0, ""),
        ({"clauses": "BL-*"}, 100.0, ""),
    ],
)
def test_a_slow_server_is_told_how_long_it_takes(
    config: dict[str, Any], seconds: float, told: str
) -> None:
    """By what its calls took until now, and by what was asked for."""
    lines: list[str] = []
    wanted = RunConfig(**config)
    result = empty_result(wanted)
    result.rpcs = 1000
    Progress(wanted, result, lines.append, time.monotonic() - seconds).estimate()
    assert [told in line for line in lines] == ([True] if told else [])


@pytest.mark.parametrize(("seconds", "after"), [(12.0, 1), (8.0, 30)])
def test_it_is_told_soon_and_once(seconds: float, after: int) -> None:
    """After ten seconds at the next check; with fast calls after thirty checks."""
    lines: list[str] = []
    result = empty_result(RunConfig())
    result.rpcs = 10
    progress = Progress(RunConfig(), result, lines.append, time.monotonic() - seconds)
    told = []
    for number in range(1, 41):
        progress.after_check(number, 260)
        told += [number] if any("a call takes" in line for line in lines) else []
        lines.clear()
    assert told == [after]


class _WantsTimes(Interceptor):
    """Refuses streams that do not say when they were captured."""

    def request(self, rpc: str, message: Any) -> Any:
        is_opening = rpc == "StreamingDataCaptureUpload" and message.HasField("metadata")
        if is_opening and not message.metadata.sensor_metadata.HasField("time_requested"):
            raise GRPCError(Status.INVALID_ARGUMENT, "sensor_metadata.time_requested is missing")
        return message


def test_a_server_may_want_the_times_of_streams(own: Callable[[Interceptor], None]) -> None:
    """SU-2 is that empty metadata are as none, which refusing both is; A28 is open."""
    own(_WantsTimes())
    result = run(RunConfig(clauses="SU-2"))
    assert (result.exit_status, _verdicts(result)["SU-2"]) == (0, Verdict.KEPT)


def test_every_session_on_our_own_fake_begins_at_the_same_time() -> None:
    """A program that waited would otherwise do something else when it is replayed."""
    subject = OwnFake(Interpretation.named("documented"), lambda: opening.own_fake("documented"))
    begun = []
    for _ in range(2):
        session = subject.open_session()
        assert session.place.now is not None
        assert session.place.advance is not None
        begun.append(session.place.now())
        session.place.advance(3_600 * 10**9)
        subject.close_session(session)
    subject.close()
    assert begun[0] == begun[1]


def test_some_clauses() -> None:
    lines: list[str] = []
    result = run(RunConfig(clauses="BL-*"), lines.append)
    assert _verdicts(result) == {"BL-1": Verdict.KEPT, "BL-2": Verdict.KEPT}
    assert (result.exit_status, result.programs) == (0, 0)
    assert result.rpcs > 10


def test_all_in_little_time() -> None:
    result = run(RunConfig(max_time=0.0))
    # The fake cannot be restarted, however much time there is.
    skipped = {check.name for check in result.checks if check.verdict is Verdict.SKIPPED}
    assert skipped == {check.name for check in restarts.CHECKS}
    left = [check for check in result.checks if check.name not in skipped]
    assert {check.verdict for check in left} == {Verdict.NOT_REACHED}
    told = _verdicts(result)
    assert told.pop("DD-1") is Verdict.SKIPPED
    assert set(told.values()) == {Verdict.NOT_REACHED}
    assert result.exit_status == 3


def test_what_is_allowed_by_name_need_not_be_reached() -> None:
    result = run(RunConfig(max_time=0.0, clauses="BL-*", allow_not_reached=("BL-?",)))
    assert (result.not_reached, result.exit_status) == ([], 0)
    result = run(RunConfig(max_time=0.0, clauses="BL-*", allow_not_reached=("BL-1",)))
    assert (result.not_reached, result.exit_status) == (["BL-2"], 3)


@pytest.mark.slow
def test_too_few_programs_are_incomplete() -> None:
    result = run(RunConfig(max_calls=300, programs=5, seed=1))
    assert result.programs < 5
    assert PROGRAMS in result.not_reached
    assert result.exit_status == 3


def test_a_clause_is_kept_by_comparisons_alone() -> None:
    """A check that is for a clause and compares nothing about it keeps nothing."""
    result = run(RunConfig(clauses="BL-1"))
    (kept,) = result.clauses
    assert kept.comparisons > 3

    def idle(session: Any) -> None:
        del session

    idle_check = Check(name="idle", clauses=("BL-1",), run=idle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "CHECKS", [idle_check])
        result = run(RunConfig(clauses="BL-1"))
    (clause,) = result.clauses
    assert (clause.verdict, result.exit_status) == (Verdict.NOT_REACHED, 3)


def test_what_the_subject_lacks_is_skipped_and_named() -> None:
    with FakeViam(seed=1) as cloud:
        result = run(RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses="DF-3"))
    assert set(_verdicts(result).values()) == {Verdict.SKIPPED}
    assert {clause.reason for clause in result.clauses} == {
        "the parts that were named are of one organization, and not internal"
    }


@pytest.mark.slow
def test_deletes_of_readings_are_judged_by_address_too() -> None:
    """DT-1, DT-3, DT-4."""
    with FakeViam(seed=1) as cloud:
        result = run(RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses="DT-*"))
    verdicts = _verdicts(result)
    assert {verdicts[name] for name in ("DT-1", "DT-3", "DT-4")} == {Verdict.KEPT}


@pytest.mark.slow  # test_scripts.py cuts one short, too
def test_a_failing_program_is_cut_short(
    own: Callable[[Interceptor], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    own(DoublesTags())
    # A check that does not look at tags: what counts here are the programs after it.
    monkeypatch.setattr(runner, "CHECKS", [one for one in CHECKS if "BL-2" in one.clauses][:1])
    result = run(RunConfig(programs=30, seed=1))
    (finding,) = result.findings
    assert finding.name == PROGRAMS
    assert (finding.clause, finding.reproduced) == ("TG-1", True)
    assert len(finding.steps) <= 4
    assert finding.steps[-1].startswith("check_tags(")
    assert result.exit_status == 1


# KnownFailure failures --------------------------------------------------------------------------


def _known(tmp_path: Path, text: str, **how: Any) -> Any:
    path = tmp_path / "known.txt"
    path.write_text(text, encoding="utf-8")
    return run(RunConfig(known_failing=str(path), clauses="TG-1", today=TODAY, **how))


@pytest.mark.parametrize("name", ["TG-1"])
def test_known_failures_are_excused(
    tmp_path: Path, own: Callable[[Interceptor], None], name: str
) -> None:
    own(DoublesTags())
    result = _known(tmp_path, f"# ours\n\n{name} | 2024-01-01 | ticket 12\n")
    assert {finding.known for finding in result.findings} == {"ticket 12 (until 2024-01-01)"}
    assert result.exit_status == 0


def test_known_failures_that_pass_are_failures(tmp_path: Path) -> None:
    result = _known(tmp_path, "TG-1 | 2024-12-31 | ticket 12")
    assert result.problems == ["TG-1: known to fail (ticket 12), but it passes"]
    assert result.exit_status == 1


@pytest.mark.slow
def test_known_failures_expire(tmp_path: Path, own: Callable[[Interceptor], None]) -> None:
    own(DoublesTags())
    result = _known(tmp_path, "TG-1 | 2023-12-31 | ticket 12")
    assert result.problems == ["TG-1: known until 2023-12-31, which has passed (ticket 12)"]
    assert result.failing


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("TG-1", "an entry is"),
        ("TG-1 | 2024-01-01 |", "an entry is"),
        ("TG-1 | soon | x", "'soon' is not a date"),
        ("XY-1 | 2024-01-01 | x", "no clause and no check 'XY-1'"),
    ],
)
def test_known_failures_that_make_no_sense(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(CannotRunError, match=rf"known\.txt:1: .*{complaint}"):
        _known(tmp_path, text)


# Interpretation only ----------------------------------------------------------------------------


def _filled(cloud: FakeViam) -> None:
    from fakeviam_contracts.connection import Address, RemoteConnection  # noqa: PLC0415

    line = RemoteConnection(Address(target=cloud.target))
    for at in range(9):
        metadata = datasync.UploadMetadata(
            part_id=cloud.default_part.id,
            component_name=f"cam{at % 2}",
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            tags=[f"t{at % 3}"],
        )
        contents = [datasync.SensorData(binary=b"x")]
        request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
        line.wire().call("DataCaptureUpload", request)
    line.close()


def test_reading_only_keeps_what_is_there() -> None:
    with FakeViam(seed=1) as cloud:
        _filled(cloud)
        result = run(RunConfig(target=cloud.target, read_only=True))
        assert result.exit_status == 0
        assert set(_verdicts(result).values()) == {Verdict.KEPT}


def test_reading_an_empty_server_keeps_nothing() -> None:
    with FakeViam(seed=1) as cloud:
        result = run(RunConfig(target=cloud.target, read_only=True))
    assert set(_verdicts(result).values()) == {Verdict.NOT_REACHED}
    assert result.exit_status == 3


def test_reading_only_sees_what_does_not_agree() -> None:
    class HidesTags(Interceptor):
        def reply(self, rpc: str, request: Any, message: Any) -> Any:
            del rpc, request
            if isinstance(message, data.TagsByFilterResponse):
                del message.tags[:1]
            return message

    with FakeViam(seed=1, interceptors=[HidesTags()]) as cloud:
        _filled(cloud)
        result = run(RunConfig(target=cloud.target, read_only=True))
    assert {finding.clause for finding in result.findings} == {"TG-1"}


# The command -----------------------------------------------------------------------------


def _command(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["contract", "run", *words])
    status: int = caught.value.code or 0  # type: ignore[assignment]
    return status


def test_the_command_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert _command("--self", "--clauses", "BL-2", "--seed", "7") == 0
    out = capsys.readouterr().out
    assert out.startswith("1 clause: 1 kept. 1 check, 0 random programs, ")
    assert out.endswith("an in-process fake, documented, seed 7\n")


def test_the_command_reports(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: Callable[[Interceptor], None]
) -> None:
    own(DoublesTags())
    folder = tmp_path / "new" / "reports"
    assert _command("--self", "--clauses", "TG-1", "--report", str(folder), "--format=json") == 1
    facts = json.loads(capsys.readouterr().out)
    assert [run["totals"] for run in facts["runs"]] == [{"broken": 1}]
    assert facts["exit_status"] == 1
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == facts
    assert {path.suffix for path in folder.iterdir()} == {
        ".html",
        ".json",
        ".jsonl",
        ".py",
        ".xml",
    }


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--target", "x:1", "--exclusive", "--read-only"], "cannot be combined"),
        (["--self", "--read-only"], "--read-only requires --target"),
        (["--self", "--clauses", "nothing"], "no check is for a clause like 'nothing'"),
        (["--self", "--max-time", "0s"], "is not a duration"),
        (["--self", "--max-time", "soon"], "is not a duration"),
        (
            ["--target", "127.0.0.1:1", "--part", "p"],
            "cannot reach 127.0.0.1:1: Connection refused",
        ),
        (["--target", "127.0.0.1:1"], "cannot reach 127.0.0.1:1: Connection refused"),
        (["--target", "ftp://h", "--part", "p"], "'ftp://h' is not an address"),
        (["--self", "--known-failing", "/nowhere"], "cannot read the known failures"),
        (["--self", "--report", "/dev/null/x"], "cannot write reports to"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert _command(*words) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1


def test_who_names_no_part_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """But none is chosen: they may be somebody's."""
    with FakeViam() as cloud:
        assert _command("--target", f"unix:{cloud.unix_socket}") == 2
        assert [each.status for each in cloud.calls.where("DataCaptureUpload")] == []
        part = cloud.default_part
    told = f"--part ID is required, to upload to; this server lists {part.id} ("
    assert told in capsys.readouterr().err


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
