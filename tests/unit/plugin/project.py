"""A user's project, and what a run of pytest in it told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

# Warnings are errors, but for those of protobuf 4.25 when it is imported by Python 3.12 or newer.
# Plugins that have no part in a test only cost time.
INI = """
[pytest]
addopts = -p no:randomly -p no:cacheprovider -p no:hypothesispytest -p no:schemathesis
filterwarnings =
    error
    ignore:Type google._upb._message:DeprecationWarning
    ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning
asyncio_default_fixture_loop_scope = function
"""

# Reports as plugins get them, on the side of the user who started the run.
COLLECT = """
import json
import os
from pathlib import Path

def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" not in os.environ and report.outcome == "failed":
        facts = {name: getattr(report, name) for name in ("nodeid", "when", "sections")}
        with Path(__file__).with_name("reports.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**facts, "text": report.longreprtext}) + "\\n")
"""


@dataclass(frozen=True)
class Report:
    """A phase of a test that failed."""

    when: str
    text: str
    calls: str | None


def run(user: pytest.Pytester, *options: str, **outcomes: int) -> pytest.RunResult:
    result = user.runpytest_subprocess(*options)
    result.assert_outcomes(**outcomes)
    return result


def reports(user: pytest.Pytester) -> dict[str, list[Report]]:
    """What failed, by name of the test. Needs COLLECT, and forgets it."""
    file = user.path / "reports.jsonl"
    found: dict[str, list[Report]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        facts: dict[str, Any] = json.loads(line)
        calls = [text for name, text in facts["sections"] if name == "fakeviam calls"]
        assert len(calls) < 2
        made = Report(facts["when"], facts["text"], calls[0] if calls else None)
        found.setdefault(facts["nodeid"].partition("::")[2], []).append(made)
    file.unlink()
    return found


_CHANGING = (
    (r"took [\d.e-]+ s", "took … s"),
    (r'File "[^"]*", line \d+', "File …"),
    (r", clauses .*", ", clauses …"),
)


def stable(text: str) -> str:
    """A text without what is of this run and machine alone, or belongs to other tests."""
    for pattern, put in _CHANGING:
        text = re.sub(pattern, put, text)
    return re.sub(r"\n +[~^]+\n", "\n", text)  # marks in tracebacks, from Python 3.11 on
