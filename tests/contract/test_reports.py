"""Reports of runs, and the pytest suite."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import reports
from fakeviam_contracts.assertions import Assertion
from fakeviam_contracts.catalogue import CLAUSES
from fakeviam_contracts.clauses import Severity
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.results import (
    PROGRAMS,
    CheckResult,
    ClauseVerdict,
    Difference,
    Finding,
    Result,
    Verdict,
)
from fakeviam_contracts.wirelog import Recorded, Refused
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from markupsafe import escape

from fakeviam import FakeViam, Interceptor
from fakeviam.cli import main
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from pathlib import Path

NASTY = "<b>&\"'\x00\x1b猫"


@pytest.fixture
def result() -> Result:
    """A run in which everything happened."""
    assertion = Assertion("PG-4", "a <claim>", {"a": NASTY}, "observed")
    other = Assertion("PG-9", "a <claim>", 1, 2)
    request = data.TagsByFilterRequest(filter=data.Filter(part_id="<p>"))
    calls = [
        Recorded("TagsByFilter", (request,), data.TagsByFilterResponse(tags=["dog"])),
        Recorded("TagsByFilter", (request,), Refused("NOT_FOUND", "no <such> thing")),
    ]
    checks = [
        CheckResult(name="good", clauses=("PG-1",), verdict=Verdict.KEPT, seconds=0.5, rpcs=3),
        CheckResult(name="bad", clauses=("PG-4",), verdict=Verdict.BROKEN, reason="a <claim>"),
        CheckResult(name="no clock", clauses=("DT-1",), verdict=Verdict.SKIPPED, reason="no clock"),
        CheckResult(name="late", clauses=("DT-2",), verdict=Verdict.NOT_REACHED, reason="time"),
        CheckResult(name="counts", clauses=("PG-9",), verdict=Verdict.BROKEN),
        CheckResult(name="ties", clauses=("PG-11",), verdict=Verdict.DIFFERS),
    ]
    return Result(
        subject="host:1",
        policy="documented",
        profile="quick",
        seed=7,
        checks=checks,
        clauses=[
            ClauseVerdict(clause=c.clauses[0], verdict=c.verdict, reason=c.reason) for c in checks
        ],
        findings=[
            Finding(name="bad", assertion=assertion, steps=[f"tag({NASTY!r})"], calls=calls),
            Finding(name=PROGRAMS, assertion=other, steps=[], calls=[], known="ticket 12"),
        ],
        programs=3,
        differences=[
            Difference(name="ties", assertion=Assertion("PG-11", "order of ties", [1, 2], [2, 1]))
        ],
        problems=["A5: passes"],
        left=["2 readings"],
        seconds=1.25,
    )


def test_junit_is_xml_with_a_case_per_clause(result: Result) -> None:
    (suite,) = ET.fromstring(reports.junit([result]))  # noqa: S314 - our own text
    assert suite.attrib["tests"] == str(len(suite)) == "7"
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("2", "2")
    told = {case.attrib["name"]: [(e.tag, e.attrib["message"]) for e in case] for case in suite}
    assert told == {
        "PG-1": [],
        "PG-4": [("failure", "a <claim>")],
        "DT-1": [("skipped", "skipped: no clock")],
        "DT-2": [("error", "not reached: time")],
        "PG-9": [("skipped", "known: ticket 12")],
        "PG-11": [],
        "known failures": [("failure", "A5: passes")],
    }
    assert "tag(" in (suite[1][0].text or "")
    result.threshold = Severity.INTERPRETATION
    (suite,) = ET.fromstring(reports.junit([result]))  # noqa: S314 - our own text
    assert suite.attrib["failures"] == "3"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Links lead within the page.
        away = [value for name, value in attrs if name in ("src", "href")]
        assert all(value is not None and value.startswith("#finding-") for value in away)
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_whole_and_needs_nothing_else(result: Result) -> None:
    reader = _Reader()
    reader.feed(reports.page([result]))
    text = "\n".join(reader.texts)
    assert not reader.open
    assert not {"script", "link", "img", "b-"} & set(reader.seen)
    for told in ("PG-4: a <claim>",
                 "breaks what shipping clients rely on",
                 "Differs where nothing",
                 "NOT_FOUND: no <such> thing",
                 "left behind: 2 readings",
                 "not reached", "contract broken in 1 place;", "Known: ticket 12"):  # fmt: skip
        assert told in text


def test_the_page_says_what_each_clause_rests_on(result: Result) -> None:
    """Every clause of the catalogue stands in the table with its sentence and its evidence."""
    result.clauses = [ClauseVerdict(clause=name, verdict=Verdict.KEPT) for name in CLAUSES]
    page = reports.page([result])
    for name, entry in CLAUSES.items():
        cells = (name, entry.sentence, f"{entry.evidence} ({entry.clause.source})")
        row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        assert f'<tr>{row}<td><span class="kept">kept</span></td></tr>' in page
    assert {entry.evidence for entry in CLAUSES.values()} == {"documented", "relied-on", "observed",
                                                              "assumed"}  # fmt: skip


def test_json_holds_all(result: Result) -> None:
    (facts,) = json.loads(reports.as_json([result]))["runs"]
    assert facts["totals"] == {
        "broken": 2,
        "differs": 1,
        "kept": 1,
        "not reached": 1,
        "skipped": 1,
    }
    assert facts["findings"][0]["severity"] == "breaks what shipping clients rely on"
    assert facts["exit_status"] == 1
    assert facts["findings"][0]["calls"][1].endswith("← NOT_FOUND: no <such> thing")


def test_what_fails_no_run_is_told(result: Result) -> None:
    """Of what only clients rely on, where only the documentation counts."""
    result.threshold = Severity.DOCUMENTATION
    assert "NO FAILURE  with this --min-evidence: PG-4" in reports.summary([result]).splitlines()
    assert "which does not fail this run" in reports.page([result])


def test_of_very_many_steps_the_last_are_told(result: Result) -> None:
    """All of them where nothing else has them."""
    finding = result.findings[0]
    finding.name, finding.steps = PROGRAMS, [f"step({at})" for at in range(23)]
    assert "    step(0)" in reports.summary([result]).splitlines()
    finding.script = "failure.py"
    lines = reports.summary([result]).splitlines()
    at = lines.index("    (after 3 steps, which are in report.json)")
    assert lines[at + 1 : at + 21] == [f"    step({number})" for number in range(3, 23)]
    assert "<summary>23 steps</summary>" in reports.page([result])


def test_text_names_what_is_not_fine(result: Result) -> None:
    text = reports.summary([result])
    for told in ("BROKEN  PG-4: a <claim> (bad)",
                 "KNOWN  PG-9",
                 "DIFFERS  PG-11: order of ties (ties)",
                 "PROBLEM  A5: passes",
                 "SKIPPED (no clock): DT-1", "NOT REACHED (time): DT-2",
                 "LEFT BEHIND  2 readings"):  # fmt: skip
        assert told in text
    assert "PG-1:" not in text


def test_all_are_written(result: Result, tmp_path: Path) -> None:
    reports.write([result], reports.prepare(str(tmp_path / "a" / "b")))
    names = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert names == {"history.jsonl", "junit.xml", "report.html", "report.json"}


def test_the_page_shows_earlier_runs(result: Result, tmp_path: Path) -> None:
    folder = reports.prepare(str(tmp_path))
    reports.write([result], folder)
    assert "History" not in (folder / "report.html").read_text(encoding="utf-8")
    reports.write([result], folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<td>PG-4, PG-9</td>") == 2


# The pytest suite ------------------------------------------------------------------------

SUITE = (
    *("--pyargs", "fakeviam_contracts"),
    *("-p", "no:randomly", "-p", "no:cacheprovider"),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)


def _upload_for_another(cloud: FakeViam) -> None:
    line = RemoteConnection(Address(target=cloud.target))
    metadata = datasync.UploadMetadata(
        part_id=cloud.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR
    )
    contents = [datasync.SensorData(binary=b"theirs")]
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    line.wire().call("DataCaptureUpload", request)
    line.close()


@pytest.mark.slow
def test_the_suite_runs_against_a_server(pytester: pytest.Pytester) -> None:
    with FakeViam(seed=1) as cloud:
        _upload_for_another(cloud)
        found = pytester.runpytest_inprocess(
            *SUITE,
            f"--contract-target={cloud.target}",
            f"--contract-part={cloud.default_part.id}",
            "-rs",
            "-k",
            "labels or totals or days or by_filter",
        )
        cloud.check()
    outcomes = found.parseoutcomes()
    assert outcomes["skipped"] >= 3
    assert outcomes["passed"] >= 2
    found.stdout.fnmatch_lines(["*others have files here, and a server that ignores*"])
    assert "failed" not in outcomes


def test_the_suite_skips_downloads_over_a_unix_socket(pytester: pytest.Pytester) -> None:
    """What ends early because of the way to the server is no failure, and is said (SG-1)."""
    with FakeViam(seed=1, port=None) as cloud:
        found = pytester.runpytest_inprocess(
            *SUITE,
            f"--contract-target=unix:{cloud.unix_socket}",
            f"--contract-part={cloud.default_part.id}",
            "-rs",
            "-k",
            "files_behind_links",
        )
    found.assert_outcomes(skipped=1)
    found.stdout.fnmatch_lines(["*a Unix socket alone, from which nobody can download*"])


def test_the_suite_says_what_it_cannot_reach(pytester: pytest.Pytester) -> None:
    found = pytester.runpytest_inprocess(
        *SUITE, "--contract-target=127.0.0.1:1", "--contract-part=p", "-k", "totals"
    )
    found.stdout.fnmatch_lines(["*cannot reach 127.0.0.1:1*"])
    assert found.ret != 0


# Texts of servers ------------------------------------------------------------------------

STEERING = "\x1b[31m\x00\x07\x9b\x7f\u202eback\u2066"


def test_no_text_of_a_server_steers_a_terminal_or_turns_lines(result: Result) -> None:
    """In a reason, an error or a name; it is seen instead."""
    reason = f"CreateDataset is refused: {STEERING}"
    result.clauses.append(ClauseVerdict(clause="DT-3", verdict=Verdict.SKIPPED, reason=reason))
    result.error = f"set-up ends: {STEERING}"
    for text in (reports.summary([result]), reports.page([result]), reports.junit([result])):
        assert not set("\x1b\x00\x07\x9b\x7f\u202e\u2066") & set(text)
        assert "refused: \\x1b[31m\\x00\\x07\\x9b\\x7f\\u202eback\\u2066" in text


def test_no_error_of_a_server_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told with exit status 2."""

    class Says(Interceptor):
        def request(self, rpc: str, message: Any) -> Any:
            if rpc == "DataCaptureUpload":
                raise GRPCError(Status.UNAUTHENTICATED, STEERING)
            return message

    with FakeViam(seed=1, interceptors=[Says()]) as cloud, pytest.raises(SystemExit) as ended:
        main(["contract", "run", "--target", cloud.target, "--part", cloud.default_part.id])
    assert ended.value.code == 2
    assert "UNAUTHENTICATED: \\x1b[31m\\x00" in capsys.readouterr().err
