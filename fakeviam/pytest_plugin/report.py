"""What the reports of tests say about their clouds: the calls of a failure, a summary of the run.

Registered as a plugin as soon as a test gets a cloud, so that other runs pay nothing for it. An
exception in a hook that makes a report would end the whole run, so whatever cannot be shown becomes
one line that says so (PT-8).
"""

from __future__ import annotations

import json
import shlex
import sys
import traceback
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

import fakeviam
from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.errors import FakeViamError, UsageError
from fakeviam.model.text import counted
from fakeviam.pytest_plugin.settings import node_id
from fakeviam.server.instruments.journal.nearmiss import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.lifecycle.handle import CloudHandle

_PACKAGE = Path(fakeviam.__file__).parent
_PLUGIN = _PACKAGE / "pytest_plugin"

_MOST_CALLS = 10
_LONGEST_LINE = 400


class Usage(TypedDict):
    """How a test used its clouds. Plain values: workers send it as JSON.

    Attributes:
        calls: How many calls it made.
        assumptions: Ids of the assumptions that its answers rested on.
        problem: Why the rest is not known; empty if it is.
    """

    calls: int
    assumptions: list[str]
    problem: str


@dataclass(frozen=True, slots=True)
class ObservedCloud:
    """A cloud that a test uses.

    Attributes:
        fixture: The name of its fixture.
        handle: The cloud.
        origin: Where its ids come from, for people.
        previous: The latest call before the test; None if the test has the cloud from its start.
    """

    fixture: str
    handle: CloudHandle
    origin: str
    previous: RecordedCall | None = None

    @property
    def logins(self) -> list[RecordedCall]:
        """Logins during the test, as far as the journal holds them."""
        first = 0 if self.previous is None else self.previous.number
        return [call for call in self.handle.calls.where("Authenticate") if call.number > first]

    @property
    def calls(self) -> list[RecordedCall]:
        """The calls of the test, as far as the journal holds them, without logins."""
        calls = list(self.handle.calls)
        # After a reset in the test, the journal holds calls of the test only.
        return calls[calls.index(self.previous) + 1 :] if self.previous in calls else calls

    @property
    def assumptions(self) -> set[str]:
        """Ids of the assumptions that its answers rested on."""
        if self.fixture != "fakeviam_server":
            return {clause.id for clause in self.handle.assumptions_used}
        return {clause.id for call in self.calls for clause in call.assumptions}


_OBSERVED = pytest.StashKey[list[ObservedCloud]]()
_SERVER = pytest.StashKey["ObservedCloud | None"]()
_OUTCOME = pytest.StashKey[str]()
_CALLS_SHOWN = pytest.StashKey[bool]()


def observe(item: pytest.Item, cloud: ObservedCloud) -> None:
    """Show the calls of this cloud in the report of the test."""
    item.stash.setdefault(_OBSERVED, []).append(cloud)


def observe_server(config: pytest.Config, cloud: ObservedCloud | None) -> None:
    """Show the calls of this cloud in the reports of all tests that use it."""
    config.stash[_SERVER] = cloud


def outcome_of(item: pytest.Item) -> str:
    """The outcome of the test so far: `passed`, `failed` or `skipped`."""
    return item.stash.get(_OUTCOME, "passed")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember where the calls of a test on the shared cloud begin."""
    server = item.config.stash.get(_SERVER, None)
    if server is not None:
        calls = server.handle.calls
        _observe_shared(item, replace(server, previous=calls[-1] if calls else None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the calls of a failing test to its report, and a summary to the last one."""
    _end_with_the_test(item, call)
    report = yield
    if call.when == "setup":
        _observe_shared(item, item.config.stash.get(_SERVER, None))  # perhaps made just now
    observed = item.stash.get(_OBSERVED, [])
    if observed and report.failed and not item.stash.get(_CALLS_SHOWN, False):
        item.stash[_CALLS_SHOWN] = True
        report.sections += _sections(item, observed, with_problems=call.when != "teardown")
        if item.config.getoption("fakeviam_pause_on_failure") and call.when != "teardown":
            _pause(item, observed[-1])
    if report.outcome != "passed":
        item.stash[_OUTCOME] = report.outcome
    if observed and call.when == "teardown":
        report.fakeviam = _usage(observed)  # type: ignore[attr-defined] # kept, also by workers
    if call.when == "teardown":
        _forget(item)
    return report


def _pause(item: pytest.Item, cloud: ObservedCloud) -> None:
    """Let people look at the cloud of a failing test; what keeps them from it is said."""
    capture: Any = item.config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)
    try:
        sys.stderr.write(f"\n{item.nodeid} has failed; its cloud is {cloud.fixture}\n")
        cloud.handle.pause()
    except FakeViamError as error:
        sys.stderr.write(f"fakeviam: not paused: {error}\n")
    finally:
        if capture is not None:
            capture.resume_global_capture()


def _end_with_the_test(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Let a report of a wrong use of fakeviam end with the line of the test that is wrong.

    How deep in here it was noticed, and after which other exception, says nothing to a user;
    --full-trace shows it all.
    """
    excinfo = call.excinfo
    if excinfo is None or not isinstance(excinfo.value, UsageError):
        return
    if item.config.getoption("fulltrace"):
        return
    frames = []
    step: TracebackType | None = excinfo.tb
    while step is not None:
        frames.append(step)
        step = step.tb_next
    paths = [Path(frame.tb_frame.f_code.co_filename) for frame in frames]
    ours = [number for number, path in enumerate(paths) if _PACKAGE in path.parents]
    ours = [number for number in ours if _PLUGIN not in paths[number].parents]
    if not ours or not ours[0] or _is_users(paths[ours[0] :], item):
        return
    frames[ours[0] - 1].tb_next = None
    excinfo.value.__cause__ = None
    excinfo.value.__suppress_context__ = True


def _is_users(paths: Iterable[Path], item: pytest.Item) -> bool:
    """Whether some of this code is the user's, such as an interceptor."""
    return any(item.path.parent in path.parents and _PACKAGE not in path.parents for path in paths)


def _forget(item: pytest.Item) -> None:
    """Forget a test that has ended; plugins may run it again."""
    item.stash[_OBSERVED] = []
    item.stash[_OUTCOME] = "passed"
    item.stash[_CALLS_SHOWN] = False


def _observe_shared(item: pytest.Item, server: ObservedCloud | None) -> None:
    if server is None or server.fixture not in getattr(item, "fixturenames", ()):
        return
    if all(each.fixture != server.fixture for each in item.stash.get(_OBSERVED, [])):
        observe(item, server)


def _usage(observed: Sequence[ObservedCloud]) -> Usage:
    try:
        used = set().union(*(each.assumptions for each in observed))
        return Usage(
            calls=sum(len(each.calls) for each in observed),
            assumptions=[name for name in CATALOGUE if name in used],
            problem="",
        )
    except Exception as error:  # noqa: BLE001 - see above
        return Usage(calls=0, assumptions=[], problem=_in_one_line(error))


# What cannot be shown ------------------------------------------------------------------------


def _render(what: str, lines: Callable[[], Iterable[str]]) -> list[str]:
    """The lines, or as many as there are before an exception, and a line about it."""
    sections: list[str] = []
    try:
        sections.extend(lines())
    except Exception as error:  # noqa: BLE001 - see above
        sections.append(f"fakeviam could not display {what}: {_in_one_line(error)}")
    return sections


def _in_one_line(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - see above
        text = "its message cannot be displayed either"
    line = " ".join(text.split())
    return printable(f"{type(error).__name__}: {line[:_LONGEST_LINE]}")


def printable(text: str) -> str:
    """Text that every terminal, file and worker takes: lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


# The section of a failing test ---------------------------------------------------------------


def _sections(
    item: pytest.Item, observed: Sequence[ObservedCloud], *, with_problems: bool
) -> list[tuple[str, str]]:
    option = item.config.getoption("fakeviam_journal") or item.config.getini("fakeviam_journal")
    if option == "off":
        return []
    show = partial(
        _cloud_lines, in_full=option == "full", alone=len(observed) == 1, problems=with_problems
    )
    lines: list[str] = []
    for each in observed:
        lines += _render(f"the calls of {each.fixture}", partial(show, each))
    lines.append(f"rerun: pytest {shlex.quote(node_id(item))}{_seed_option(item.config)}")
    return [("fakeviam calls", printable("\n".join(lines)))]


def _cloud_lines(
    cloud: ObservedCloud, *, in_full: bool, alone: bool, problems: bool
) -> Iterator[str]:
    calls = cloud.calls
    # The test of a session uses the server too, but hardly for calls.
    if not (calls or alone or cloud.fixture != "fakeviam_server"):
        return
    yield f"{cloud.fixture}: {counted(len(calls), 'call')} ({cloud.origin})"
    if in_full:
        calls = sorted([*calls, *cloud.logins], key=lambda call: call.number)
    elif len(calls) > _MOST_CALLS:
        yield f"  … {len(calls) - _MOST_CALLS} earlier; --fakeviam-journal=full shows all"
        calls = calls[-_MOST_CALLS:]
    readable = Lines([call for call in calls if _is_readable(call)])
    for call in calls:
        lines = _render(
            f"call {call.number}", partial(_call_lines, call, readable, in_full=in_full)
        )
        yield from (f"  {line}" for line in lines)
    if cloud.assumptions:
        yield f"assumptions used: {_clause_list(cloud.assumptions)}"
    if problems:
        yield from _render("the problems it found", partial(_problem_lines, cloud.handle))


def _is_readable(call: RecordedCall) -> bool:
    try:
        _ = call.leaves
    except Exception:  # noqa: BLE001 - its own line says so
        return False
    return True


def _call_lines(call: RecordedCall, readable: Lines, *, in_full: bool) -> Iterator[str]:
    yield readable.of(call)
    # Fields without effect: the caller expected one.
    if call.unknown_fields:
        yield f"    unknown fields: {', '.join(call.unknown_fields)}"
    if call.unread_fields:
        yield f"    fields that no handler reads: {', '.join(call.unread_fields)}"
    if in_full:
        yield from (f"    {line}" for line in _details(call))


def _details(call: RecordedCall) -> Iterator[str]:
    document = call.to_json()
    clauses = f", clauses {', '.join(document['clauses'])}" if document["clauses"] else ""
    yield f"{document['time']}, took {document['duration']} s{clauses}"
    for request in document["requests"]:
        text = json.dumps(request, ensure_ascii=False)
        yield text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"


def _problem_lines(handle: CloudHandle) -> list[str]:
    """What would have failed the test, had it not failed already."""
    text = problems_of(handle)
    if not text:
        return []
    head = "fakeviam also found problems, perhaps only because the test ended early:"
    return [head, *(f"  {line}" for line in text.splitlines())]


def problems_of(handle: CloudHandle) -> str:
    """The problems that the fake found, and what to do; empty if there are none."""
    try:
        handle.check()
    except FakeViamError as error:
        lines = [f"{type(error).__name__}: {error}"]
        if error.__cause__ is not None:  # a crash: its traceback is what a bug report needs
            lines += ["".join(traceback.format_exception(error.__cause__)).rstrip()]
        return printable("\n".join(lines))
    return ""


def _seed_option(config: pytest.Config) -> str:
    seed = config.getoption("fakeviam_seed")
    return "" if seed is None else f" --fakeviam-seed {seed}"


# The end of the run --------------------------------------------------------------------------


def summarize(terminal: pytest.TerminalReporter, usages: Mapping[str, Usage]) -> None:
    """Write one line about all tests that used a cloud, or the list that was asked for."""
    for line in _render("the summary of the run", lambda: _summary(terminal, usages)):
        terminal.write_line(line)


def _summary(terminal: pytest.TerminalReporter, usages: Mapping[str, Usage]) -> Iterator[str]:
    used: dict[str, list[str]] = {}
    for test, usage in usages.items():
        for name in usage["assumptions"]:
            used.setdefault(name, []).append(test)
        if usage["problem"]:
            yield f"fakeviam could not count the calls of {printable(test)}: {usage['problem']}"
    in_full = terminal.config.getoption("fakeviam_assumptions")
    if in_full:
        terminal.section("fakeviam assumptions")
        yield from _assumption_lines(used)
    rest = " (pytest --fakeviam-assumptions lists them)" if used and not in_full else ""
    calls = counted(sum(usage["calls"] for usage in usages.values()), "call")
    count = f"{counted(len(used), 'assumption')} used" if used else "no assumption used"
    names = f": {_clause_list(used)}" if used else ""
    yield f"fakeviam: {calls} in {counted(len(usages), 'test')}; {count}{names}{rest}"


def _assumption_lines(used: Mapping[str, list[str]]) -> Iterator[str]:
    for name in CATALOGUE:
        if name in used:
            tests = sorted(used[name])
            yield f"{name}  {CATALOGUE[name].text}"
            more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
            yield f"     {', '.join(tests[:3])}{more}"


def _clause_list(names: Mapping[str, object] | set[str]) -> str:
    """Ids of clauses in the order of the catalogue, as many as fit on a line."""
    ordered = [name for name in CATALOGUE if name in names]
    more = f" and {len(ordered) - 8} more" if len(ordered) > 8 else ""
    return ", ".join(ordered[:8]) + more
