"""Several subjects in one run: who gets what, and their results side by side."""

from __future__ import annotations

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import reports
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.results import OWN, Verdict, worst
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run, run_all
from fakeviam_contracts.targets import configs

from fakeviam import FakeViam
from fakeviam.cli import main
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = "127.0.0.1:1"


class DoublesTags(Interceptor):
    """Lists tags twice."""

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        if rpc == "TagsByFilter":
            message.tags.extend(list(message.tags))
        return message


@pytest.fixture
def wrong() -> Iterator[FakeViam]:
    with FakeViam(seed=1, interceptors=[DoublesTags()]) as cloud:
        yield cloud


def _configs(*targets: str, **how: Any) -> list[RunConfig]:
    return configs(targets=targets, own=False, policies=("documented",), **how)


# Who gets what ---------------------------------------------------------------------------


def test_values_are_for_all_targets_or_for_the_one_they_name() -> None:
    one, two = _configs(
        "a:1",
        "b:2",
        parts=("p", "b:2=q", "b:2=r"),
        organizations=("o",),
        api_keys=("a:1=k=1",),
        api_key_ids=("a:1=i",),
    )
    assert (one.target, one.parts, one.organization, one.api_key) == ("a:1", ("p",), "o", "k=1")
    assert (two.target, two.parts, two.organization, two.api_key) == ("b:2", ("q", "r"), "o", "")


def test_values_of_a_single_target_need_no_name() -> None:
    (only,) = _configs("a:1", parts=("p",), api_key_ids=("i",), api_keys=("x=y",))
    assert (only.parts, only.api_key_id, only.api_key) == (("p",), "i", "x=y")


def test_each_policy_is_a_run_and_the_fake_is_first() -> None:
    made = configs(targets=("a:1", "a:1"), own=True, policies=("strict", "observed", "strict"))
    assert [(one.target, one.policy) for one in made] == [
        ("", "strict"),
        ("", "observed"),
        ("a:1", "strict"),
        ("a:1", "observed"),
    ]


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"api_keys": ("k",)}, "--api-key must say whose it is: --api-key a:1=..."),
        ({"api_key_ids": ("a:1=i", "k")}, "--api-key-id must say whose it is"),
        ({"api_keys": ("a:1=k",)}, "a:1 needs both --api-key-id and --api-key, or neither"),
        ({"organizations": ("o", "p")}, "a:1 has 2 values for --organization; give it one"),
    ],
)
def test_values_that_make_no_sense(how: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CannotRunError, match=complaint):
        _configs("a:1", "b:2", **how)


# Running ---------------------------------------------------------------------------------


def _both(wrong: FakeViam, **how: Any) -> list[Any]:
    theirs: dict[str, Any] = {"target": wrong.target, "parts": (wrong.default_part.id,)}
    return run_all([RunConfig(clauses="TG-1", **{**how, **where}) for where in ({}, theirs)])


@pytest.mark.slow
def test_the_worst_counts_and_nobody_stops_the_others(wrong: FakeViam) -> None:
    lines: list[str] = []
    part = wrong.default_part.id
    made = configs(
        targets=(NOBODY, wrong.target), own=True, policies=("documented",), parts=(part,),
        clauses="TG-1",
    )  # fmt: skip
    results = run_all(made, lines.append)
    assert [result.exit_status for result in results] == [0, 2, 1]
    assert worst(results) == 2
    assert results[1].error.startswith("cannot reach 127.0.0.1:1")
    assert any(line.startswith("127.0.0.1:1, documented: cannot be run") for line in lines)
    assert "CANNOT RUN  cannot reach" in reports.summary(results)
    errors = ET.fromstring(reports.junit(results)).findall(".//error")  # noqa: S314 - our own
    assert [error.attrib["message"] for error in errors] == [results[1].error]


@pytest.mark.slow
def test_results_stand_side_by_side(wrong: FakeViam) -> None:
    results = _both(wrong)
    text = reports.summary(results)
    assert text.splitlines()[-1].split() == ["TG-1", "kept", "BROKEN"]
    facts = json.loads(reports.as_json(results))
    assert [run["subject"] for run in facts["runs"]] == [OWN, wrong.target]
    assert facts["exit_status"] == 1
    suites = list(ET.fromstring(reports.junit(results)))  # noqa: S314 - our own text
    assert [suite.attrib["failures"] for suite in suites] == ["0", "1"]
    assert len({case.attrib["classname"] for suite in suites for case in suite}) == 2
    page = reports.page(results)
    assert "<h1>fakeviam contract: contract broken in 1 place</h1>" in page
    assert re.search(r'kept</span> <small>\d+.</small></td><td><span class="broken">', page)


def test_those_that_agree_need_no_table() -> None:
    results = [run(RunConfig(clauses="BL-1")), run(RunConfig(clauses="BL-1", policy="strict"))]
    assert "no clause is broken, and the verdicts are the same" in reports.summary(results)


# KnownFailure failures --------------------------------------------------------------------------


def _known(tmp_path: Path, text: str) -> dict[str, Any]:
    (tmp_path / "known.txt").write_text(text, encoding="utf-8")
    return {"known_failing": str(tmp_path / "known.txt"), "today": dt.date(2024, 1, 1)}


@pytest.mark.slow
def test_what_one_of_them_still_breaks_is_still_true(wrong: FakeViam, tmp_path: Path) -> None:
    results = _both(wrong, **_known(tmp_path, "TG-1 | 2024-01-01 | ticket 12"))
    assert [result.exit_status for result in results] == [0, 0]


@pytest.mark.slow
def test_known_failures_may_be_for_one_of_them(wrong: FakeViam, tmp_path: Path) -> None:
    text = f"TG-1 @ {wrong.target} | 2024-01-01 | theirs\nTG-1 @ self | 2024-01-01 | ours\n"
    text += "TG-1 @ elsewhere:1 | 2020-01-01 | of another run\n"
    own, other = _both(wrong, **_known(tmp_path, text))
    assert own.problems == ["TG-1: known to fail (ours), but it passes"]
    assert (other.problems, other.exit_status) == ([], 0)


def test_what_was_not_reached_does_not_pass(tmp_path: Path) -> None:
    known = _known(tmp_path, "TG-1 | 2024-01-01 | ticket 12")
    result = run(RunConfig(max_time=0.0, **known))
    told = {each.clause: each.verdict for each in result.clauses}
    assert told.pop("DD-1") is Verdict.SKIPPED
    assert set(told.values()) == {Verdict.NOT_REACHED}
    assert result.exit_status == 3
    assert result.problems == []


# The command -----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_takes_several(
    wrong: FakeViam, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--self", "--target", wrong.target, "--part", wrong.default_part.id]
    words += ["--clauses", "TG-1", "--policy", "documented", "--policy", "observed"]
    with pytest.raises(SystemExit) as caught:
        main(["contract", "run", *words, "--report", str(tmp_path)])
    assert caught.value.code == 1
    assert "side by side" in capsys.readouterr().out
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert names[:4] == ["history.jsonl", "junit.xml", "report.html", "report.json"]
    assert {name.split("/")[0] for name in names[4:]} == {"scripts-3", "scripts-4"}
