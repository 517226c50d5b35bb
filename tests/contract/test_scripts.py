"""Failures as scripts: run by themselves, they show the same failure, and see when it is gone."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import opening, replay, runner, scripts
from fakeviam_contracts.assertions import Assertion
from fakeviam_contracts.catalogue import CLAUSES
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.shrinking import shows_leftovers

from fakeviam import Clock, FakeViam
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data, dataset, datasync

if TYPE_CHECKING:
    from fakeviam_contracts.results import Result
    from fakeviam_contracts.session import Session

ROOT = Path(__file__).resolve().parents[2]


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
    clause = "FI-1"

    def ask(self, message: Any) -> Any:
        if isinstance(message, data.BinaryDataByFilterRequest):
            message.data_request.filter.method = ""
        return message


class MovesBoxes(Wrong):
    clause = "BX-5"

    def ask(self, message: Any) -> Any:
        if isinstance(message, data.AddBoundingBoxToImageByIDRequest):
            message.label = message.label.replace("dog", "cat")
        return message


class NamesAnew(Wrong):
    clause = "DS-3"

    def ask(self, message: Any) -> Any:
        if isinstance(message, dataset.RenameDatasetRequest) and message.name.strip():
            message.name += "!"
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


WRONG = [LosesTags, IgnoresMethods, MovesBoxes, NamesAnew, EndsEarly, CutsReadings]


def _cloud(wrong: type[Wrong] | None = None, **how: Any) -> FakeViam:
    return FakeViam(
        seed=1,
        clock=Clock.frozen("2024-01-01T12:00:00Z"),
        interceptors=[wrong()] if wrong is not None else [],
        **how,
    )


def _written(cloud: FakeViam, clause: str, folder: Path, **how: Any) -> tuple[Path, Result]:
    config = RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses=clause, **how)
    result = run(config)
    assert result.exit_status == 1, result
    scripts.write_all(result, folder)
    return Path(result.findings[0].script), result


def _run(path: Path, *where: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT / name) for name in ("", "client", "contracts")]
    return subprocess.run(
        [sys.executable, "-W", "error", str(path), *where],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=path.parent,
        env={"PYTHONPATH": ":".join(paths), "PATH": "/usr/bin:/bin", **environment},
    )


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_scripts_fail_on_the_wrong_server_and_pass_on_the_right_one(
    wrong: type[Wrong], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TCP on the wrong one, by a Unix socket on the right one.

    It is found on the kit's own fake, in half the time: other tests write scripts by address.
    """
    monkeypatch.setattr(opening, "own_fake", lambda *_, **how: _cloud(wrong, **how))
    result = run(RunConfig(clauses=wrong.clause))
    scripts.write_all(result, tmp_path)
    path = Path(result.findings[0].script)
    with _cloud(wrong) as cloud:
        where = ("--target", cloud.target, "--part", cloud.default_part.id)
        again = _run(path, *where)
        assert (again.returncode, again.stderr) == (1, ""), again
        assert result.findings[0].assertion.what in again.stdout
        cloud.check()
    with _cloud() as cloud:
        where = ("--target", f"unix:{cloud.unix_socket}", "--part", cloud.default_part.id)
        gone = _run(path, *where)
        assert (gone.returncode, gone.stderr) == (0, ""), gone
        assert gone.stdout == "the failure is gone\n"


def test_scripts_are_short_and_say_what_the_clause_says(tmp_path: Path) -> None:
    with _cloud(EndsEarly) as cloud:
        path, _ = _written(cloud, "PG-5", tmp_path)
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert f"PG-5 (relied-on, client): {CLAUSES['PG-5'].sentence}" in text
    assert "breaks what shipping clients rely on" in text


@pytest.mark.slow
def test_scripts_start_a_fake_too_and_log_in_as_the_command_does(tmp_path: Path) -> None:
    with _cloud(EndsEarly) as cloud:
        path, _ = _written(cloud, "PG-5", tmp_path, exclusive=True)
    own = _run(path, "--self")
    assert (own.returncode, own.stderr) == (0, ""), own
    with FakeViam(seed=1, auth="keys", interceptors=[EndsEarly()]) as cloud:
        where = ("--target", cloud.target, "--part", cloud.default_part.id)
        keys = {"VIAM_API_KEY_ID": cloud.api_key_id, "VIAM_API_KEY": cloud.api_key}
        assert _run(path, *where).returncode == 2
        assert _run(path, *where, **keys).returncode == 1


@pytest.mark.slow
def test_scripts_that_cannot_tell_say_why(tmp_path: Path) -> None:
    with _cloud(EndsEarly) as cloud:
        path, _ = _written(cloud, "PG-5", tmp_path)
    away = _run(path, "--target", "127.0.0.1:1", "--part", "p")
    assert (away.returncode, "cannot reach" in away.stderr) == (2, True)
    nobody = _run(path, "--target", "127.0.0.1:1", "--self")
    assert (nobody.returncode, "cannot be combined" in nobody.stderr) == (2, True)


@pytest.mark.slow
def test_a_script_whose_steps_show_nothing_runs_what_they_were_cut_from(tmp_path: Path) -> None:
    with _cloud(EndsEarly) as cloud:
        path, _ = _written(cloud, "PG-5", tmp_path)
    before, program, rest = path.read_text(encoding="utf-8").partition("def program(session):")
    assert "otherwise=" in rest
    path.write_text(f"{before}{program}\n    pass\n\n\nmain({rest.partition('main(')[2]}")
    for wrong, status in ((EndsEarly, 1), (None, 0)):
        with _cloud(wrong) as cloud:
            done = _run(path, "--target", cloud.target, "--part", cloud.default_part.id)
        assert (done.returncode, done.stderr) == (status, "")


def test_a_script_that_ends_before_what_counts_cannot_tell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that decides an open point its own way ends programs that rest on it (A40)."""

    def program(session: Session) -> None:
        session.require("A40", "what the rest needs", 1, 2)

    monkeypatch.setattr(sys, "argv", ["script", "--self"])
    with pytest.raises(SystemExit) as ended:
        replay.main(program, clause="DS-3", what="names", otherwise="datasets_are_renamed")
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told == "cannot tell: the program cannot go on after: what the rest needs\n"


def test_what_another_program_left_is_no_reason_to_cut_one_short() -> None:
    left = Assertion("TA-1", "tags", ["dog"], ["contract-0123abcd-7dog", "dog"])
    own = Assertion("TA-1", "tags", ["dog"], ["contract-dog", "cat"])
    assert [shows_leftovers(left), shows_leftovers(own)] == [True, False]


# Every kind of finding -------------------------------------------------------------------


class HidesTags(Wrong):
    """Found by reading alone, too."""

    clause = "TG-1"

    def answer(self, message: Any) -> Any:
        if isinstance(message, data.TagsByFilterResponse):
            del message.tags[:1]
        return message


class Nameless(Wrong):
    """Seen by what a check asks for itself, not by its steps."""

    clause = "DS-6"

    def answer(self, message: Any) -> Any:
        if isinstance(message, dataset.ListDatasetsByIDsResponse):
            for found in message.datasets:
                found.ClearField("organization_id")
        return message


class MakesNoSense(Wrong):
    """Answers that nobody can make sense of."""

    clause = "A43"

    def answer(self, message: Any) -> Any:
        if isinstance(message, dataset.ListDatasetsByIDsResponse):
            message.datasets.extend(list(message.datasets))
        return message


class LosesUploads(Wrong):
    """Wrong before anything is checked."""

    clause = "BL-1"

    def answer(self, message: Any) -> Any:
        if isinstance(message, data.BinaryDataByIDsResponse):
            del message.data[:]
        return message


class DeletesNothing(Wrong):
    """What is uploaded cannot be deleted again, once the set-up is over."""

    clause = "BX-3"
    times = 0

    def ask(self, message: Any) -> Any:
        if isinstance(message, data.DeleteBinaryDataByIDsRequest):
            self.times += 1
        if isinstance(message, data.DeleteBinaryDataByIDsRequest) and self.times > 2:
            message.binary_data_ids[:] = [f"{one}x" for one in message.binary_data_ids]
        return message


def _executed(script: Path, where: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of a script, run in this process."""
    monkeypatch.setattr(sys, "argv", [str(script), *where])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("wrong", "how", "kind"),
    [
        (EndsEarly, {"exclusive": True}, "check_rows(session"),
        pytest.param(
            LosesTags, {"exclusive": True, "checks": 2}, "known=[", marks=pytest.mark.slow
        ),
        (Nameless, {}, "run_check(session, 'what_datasets_say')"),
        (MakesNoSense, {}, "run_check(session, 'datasets_of_sequences')"),
        (LosesUploads, {}, "    pass"),
        (DeletesNothing, {"exclusive": True}, "exclusive=True"),
        (HidesTags, {"read_only": True}, "read_only=True"),
        pytest.param(
            HidesTags,
            {"programs": 5, "seed": 1, "exclusive": True},
            "main(programs",
            marks=pytest.mark.slow,
        ),
    ],
    ids=[
        "steps",
        "after others",
        "check",
        "senseless",
        "set-up",
        "leftovers",
        "read-only",
        "random",
    ],
)
def test_the_script_of_every_kind_of_finding_runs(
    wrong: type[Wrong],
    how: dict[str, Any],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It shows the failure on the wrong server, and sees that it is gone on the right one."""
    reads = how == {"read_only": True}

    config = {"clauses": wrong.clause, **how}
    if config.pop("checks", 0):
        monkeypatch.setattr(runner, "SHRINKING", 0)  # or what others fail on is cut out
        names = ("tags_are_added", "many_files_are_tagged")
        monkeypatch.setattr(runner, "CHECKS", [one for one in CHECKS if one.name in names])
    if "programs" in how:
        # As if its steps alone did not show it again.
        monkeypatch.setattr(runner._Run, "_shortest", lambda *_: None)
        monkeypatch.setattr(runner, "CHECKS", [one for one in CHECKS if "BX-3" in one.clauses])
        config["clauses"] = "*"
    with _cloud(wrong) as cloud:
        _prepare(cloud, reads=reads)
        result = run(RunConfig(**_place(cloud, reads=reads), **config))
    scripts.write_all(result, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(result.findings)
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(tmp_path.iterdir())}
    path = next(path for path, text in texts.items() if kind in text)
    text = texts[path]
    assert len(text.splitlines()) <= 60
    for server, status in ((wrong, 1), (None, 0)):
        with _cloud(server) as cloud:
            _prepare(cloud, reads=reads)
            place = _place(cloud, reads=reads)
            parts = [word for part in place.get("parts", ()) for word in ("--part", part)]
            assert _executed(path, ["--target", place["target"], *parts], monkeypatch) == status


def _place(cloud: FakeViam, *, reads: bool) -> dict[str, Any]:
    parts = {} if reads else {"parts": (cloud.default_part.id,)}
    return {"target": f"unix:{cloud.unix_socket}", **parts}


def _prepare(cloud: FakeViam, *, reads: bool) -> None:
    """What only reads needs something to read."""
    if reads:
        _tagged(cloud)


def _tagged(cloud: FakeViam) -> None:
    line = RemoteConnection(Address(target=cloud.target))
    metadata = datasync.UploadMetadata(
        part_id=cloud.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR, tags=["a", "b"]
    )
    contents = [datasync.SensorData(binary=b"x")]
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    line.wire().call("DataCaptureUpload", request)
    line.close()
