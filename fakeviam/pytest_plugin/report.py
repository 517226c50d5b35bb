"""What tests tell about the fake: their calls when they fail, and the sum of all at the end.

Registered as a plugin as soon as a test gets a cloud, so that other runs pay nothing for it.
"""

from __future__ import annotations

import json
import shlex
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import pytest

from fakeviam.model.clauses import CATALOGUE
from fakeviam.model.errors import FakeViamError
from fakeviam.pytest_plugin.settings import node_id
from fakeviam.server.instruments.journal.nearmiss import line_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.lifecycle.handle import CloudHandle

_SHOWN = 10
_LONGEST = 400


class Told(TypedDict):
    """What a report tells about a test. Plain values: workers send it as JSON."""

    calls: int
    assumptions: list[str]


@dataclass(frozen=True, slots=True)
class Watched:
    """A cloud that a test uses.

    Attributes:
        name: The fixture it came from.
        cloud: Its controls.
        seed: Where its ids come from, in words.
        after: Its latest call before the test; None if the test has it from the beginning.
    """

    name: str
    cloud: CloudHandle
    seed: str
    after: RecordedCall | None = None

    @property
    def logins(self) -> list[RecordedCall]:
        """Logins during the test, as far as the journal holds them."""
        first = 0 if self.after is None else self.after.number
        return [call for call in self.cloud.calls.where("Authenticate") if call.number > first]

    @property
    def calls(self) -> list[RecordedCall]:
        """The calls of the test, as far as the journal holds them; logins are left out."""
        calls = list(self.cloud.calls)
        # A reset in the test forgot those before it, so that all that is left is the test's.
        return calls[calls.index(self.after) + 1 :] if self.after in calls else calls

    @property
    def assumptions(self) -> set[str]:
        """Assumptions that its answers rested on."""
        if self.name != "fakeviam_server":
            return {clause.id for clause in self.cloud.assumptions_used}
        return {clause.id for call in self.calls for clause in call.assumptions}


_WATCHED = pytest.StashKey[list[Watched]]()
_SERVER = pytest.StashKey["Watched | None"]()
_OUTCOME = pytest.StashKey[str]()
_IS_TOLD = pytest.StashKey[bool]()


def watch(item: pytest.Item, watched: Watched) -> None:
    """Report what happens in this cloud along with the test."""
    item.stash.setdefault(_WATCHED, []).append(watched)


def watch_server(config: pytest.Config, watched: Watched | None) -> None:
    """Report what happens in this cloud along with each test that uses it."""
    config.stash[_SERVER] = watched


def outcome_of(item: pytest.Item) -> str:
    """How the test went so far: `passed`, `failed` or `skipped`."""
    return item.stash.get(_OUTCOME, "passed")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note where the calls of a test on the shared cloud begin."""
    server = item.config.stash.get(_SERVER, None)
    if server is not None:
        calls = server.cloud.calls
        _watch_shared(item, replace(server, after=calls[-1] if calls else None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the calls of a failing test to its report, and at its end what it sums up to."""
    report = yield
    if call.when == "setup":
        _watch_shared(item, item.config.stash.get(_SERVER, None))  # perhaps made just now
    watched = item.stash.get(_WATCHED, [])
    if watched and report.failed and not item.stash.get(_IS_TOLD, False):
        item.stash[_IS_TOLD] = True
        report.sections += _sections(item, watched, complain=call.when != "teardown")
    if report.outcome != "passed":
        item.stash[_OUTCOME] = report.outcome
    if watched and call.when == "teardown":
        report.fakeviam = _told(watched)  # type: ignore[attr-defined] # kept, also by workers
    if call.when == "teardown":
        _forget(item)
    return report


def _forget(item: pytest.Item) -> None:
    """Forget all about a test that is over; it may run again."""
    item.stash[_WATCHED] = []
    item.stash[_OUTCOME] = "passed"
    item.stash[_IS_TOLD] = False


def _watch_shared(item: pytest.Item, server: Watched | None) -> None:
    if server is None or server.name not in getattr(item, "fixturenames", ()):
        return
    if all(each.name != server.name for each in item.stash.get(_WATCHED, [])):
        watch(item, server)


def _told(watched: Sequence[Watched]) -> Told:
    used = set().union(*(each.assumptions for each in watched))
    return Told(
        calls=sum(len(each.calls) for each in watched),
        assumptions=[name for name in CATALOGUE if name in used],
    )


# The section of a failing test ---------------------------------------------------------------


def _sections(
    item: pytest.Item, watched: Sequence[Watched], *, complain: bool
) -> list[tuple[str, str]]:
    option = item.config.getoption("fakeviam_journal") or item.config.getini("fakeviam_journal")
    if option == "off":
        return []
    lines: list[str] = []
    for each in watched:
        calls = each.calls
        # A session's test uses the server too, but hardly for calls.
        if calls or len(watched) == 1 or each.name != "fakeviam_server":
            lines += _lines_of(each, calls, in_full=option == "full")
            lines += _complaint(each.cloud) if complain else []
    lines.append(f"rerun: pytest {shlex.quote(node_id(item))}{_seed_option(item.config)}")
    return [("fakeviam calls", "\n".join(lines))]


def _lines_of(watched: Watched, calls: list[RecordedCall], *, in_full: bool) -> Iterator[str]:
    yield f"{watched.name}: {_counted(len(calls), 'call')} ({watched.seed})"
    if not in_full:
        if len(calls) > _SHOWN:
            yield f"  … {len(calls) - _SHOWN} earlier; --fakeviam-journal=full shows all"
        calls = calls[-_SHOWN:]
    else:
        calls = sorted([*calls, *watched.logins], key=lambda call: call.number)
    for call in calls:
        yield f"  {line_of(call)}"
        yield from (f"      {line}" for line in _remarks(call))
        yield from (f"      {line}" for line in (_details(call) if in_full else ()))
    if watched.assumptions:
        yield f"assumptions used: {_listed(watched.assumptions)}"


def _remarks(call: RecordedCall) -> Iterator[str]:
    """Fields that had no effect: whoever set them expected one."""
    if call.unknown_fields:
        yield f"unknown fields: {', '.join(call.unknown_fields)}"
    if call.unread_fields:
        yield f"fields that the fake does not look at: {', '.join(call.unread_fields)}"


def _details(call: RecordedCall) -> Iterator[str]:
    told = call.to_json()
    clauses = f", rests on {', '.join(told['clauses'])}" if told["clauses"] else ""
    yield f"{told['time']}, took {told['duration']} s{clauses}"
    for request in told["requests"]:
        text = json.dumps(request, ensure_ascii=False)
        yield text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _complaint(cloud: CloudHandle) -> list[str]:
    """What the fake would fail the test for, had it not failed already."""
    text = complaint_of(cloud)
    if not text:
        return []
    head = "what the fake finds wrong, perhaps only since the test ended early:"
    return [head, *(f"  {line}" for line in text.splitlines())]


def complaint_of(cloud: CloudHandle) -> str:
    """What the fake finds wrong, and what to do; empty if there is nothing."""
    try:
        cloud.check()
    except FakeViamError as error:
        lines = [f"{type(error).__name__}: {error}"]
        if error.__cause__ is not None:  # a crash: whoever looks for the bug needs to see where
            lines += ["".join(traceback.format_exception(error.__cause__)).rstrip()]
        return "\n".join(lines)
    return ""


def _seed_option(config: pytest.Config) -> str:
    seed = config.getoption("fakeviam_seed")
    return "" if seed is None else f" --fakeviam-seed {seed}"


# The end of the run --------------------------------------------------------------------------


def summarize(terminal: pytest.TerminalReporter, told: Mapping[str, Told]) -> None:
    """Write one line about all tests that used a cloud, or the list that was asked for."""
    calls = _counted(sum(each["calls"] for each in told.values()), "call")
    used: dict[str, list[str]] = {}
    for test, each in told.items():
        for name in each["assumptions"]:
            used.setdefault(name, []).append(test)
    if terminal.config.getoption("fakeviam_assumptions"):
        _list(terminal, used)
        rest = ""
    else:
        rest = " (pytest --fakeviam-assumptions lists them)" if used else ""
    count = f"{_counted(len(used), 'assumption')} used" if used else "no assumption used"
    names = f": {_listed(used)}" if used else ""
    tests = _counted(len(told), "test")
    terminal.write_line(f"fakeviam: {calls} in {tests}; {count}{names}{rest}")


def _list(terminal: pytest.TerminalReporter, used: Mapping[str, list[str]]) -> None:
    terminal.section("fakeviam assumptions")
    for name in CATALOGUE:
        if name in used:
            tests = sorted(used[name])
            terminal.write_line(f"{name}  {CATALOGUE[name].text}")
            more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
            terminal.write_line(f"     {', '.join(tests[:3])}{more}")


def _listed(names: Mapping[str, object] | set[str]) -> str:
    """Names of clauses in the order of the catalogue, as many as fit on a line."""
    ordered = [name for name in CATALOGUE if name in names]
    more = f" and {len(ordered) - 8} more" if len(ordered) > 8 else ""
    return ", ".join(ordered[:8]) + more


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"
