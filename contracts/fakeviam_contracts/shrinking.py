"""Shrinks a failing program, by removing steps and arguments.

Hypothesis could do this, but takes minutes for programs of this length. Here a program is a list of
steps, which is replayed with parts removed as long as the same claim breaks and time allows.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import time
from typing import TYPE_CHECKING, Any

from fakeviam_contracts import newer, queries, reads, writes, wrong_ids
from fakeviam_contracts.assertions import ContractBrokenError, ProgramEndedError
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.scope import PREFIX
from fakeviam_contracts.steps import HandleCounts
from fakeviam_contracts.wirelog import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.session import Session
    from fakeviam_contracts.steps import Step
    from fakeviam_contracts.subject import Subject


def _wait(session: Session, nanos: int) -> None:
    if session.place.advance is not None:
        session.place.advance(nanos)


def _restart(session: Session) -> None:
    if session.place.restart is not None:
        session.restart()


def _operations() -> dict[str, Callable[..., object]]:
    classes = {
        name: function
        for module in (newer, queries, reads, writes, wrong_ids)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and hasattr(function, "__wrapped__")
    }
    return {**classes, "wait": _wait, "restart": _restart}


#: The operations of steps, by name.
OPERATIONS: Mapping[str, Callable[..., object]] = _operations()

#: The prefix of names of other sessions.
_STRANGER = re.compile(rf"{PREFIX}[0-9a-f]{{8}}-\d+")

#: Arguments that are a single handle, and the kind of the handle.
_ONE = {
    "file": "files",
    "query": "queries",
    "pipeline": "pipelines",
    "index": "indexes",
    "sequence": "sequences",
}

#: Functions whose `handle` is a box; in all others it is a dataset.
_BOX_FUNCTIONS = ("update_box", "remove_box")


def arguments(step: Step) -> dict[str, Any]:
    """The arguments of a step by name, without the session."""
    bound = inspect.signature(OPERATIONS[step.name]).bind(None, *step.args, **step.kwargs)
    return dict(list(bound.arguments.items())[1:])


class _Handles:
    """Maps handles of the recorded program to those of the replayed one.

    Handles are numbered in order of creation, so removing a step renumbers all later ones.
    """

    def __init__(self) -> None:
        self._maps: dict[str, dict[int, int]] = {name: {} for name in HandleCounts._fields}

    def learn(self, step: Step, session: Session, before: tuple[int, ...]) -> None:
        for at, (name, now) in enumerate(zip(self._maps, session.handles.counts, strict=True)):
            for new in range(before[at], now):
                self._maps[name][step.before[at] + new - before[at]] = new

    def adapted(self, step: Step) -> dict[str, object] | None:
        """The arguments with the replay's handles; None if the thing was never created there."""
        try:
            return {
                name: self._value(step.name, name, value) for name, value in arguments(step).items()
            }
        except KeyError:
            return None

    def _value(self, function: str, name: str, value: Any) -> object:
        if name in _ONE:
            return None if value is None else self._maps[_ONE[name]][value]
        if name == "handle":
            return self._maps["boxes" if function in _BOX_FUNCTIONS else "datasets"][value]
        if name in ("files", "handles", "datasets"):
            return self._some("files" if name == "files" else "datasets", value)
        return self._filter_spec(value) if isinstance(value, FilterSpec) else value

    def _some(self, name: str, handles: Sequence[int]) -> list[int]:
        mapped = [self._maps[name][handle] for handle in handles if handle in self._maps[name]]
        if handles and not mapped:
            raise KeyError(name)
        return mapped

    def _filter_spec(self, spec: FilterSpec) -> FilterSpec:
        dataset = None if spec.dataset is None else self._maps["datasets"][spec.dataset]
        labels = tuple(self._some("datasets", spec.label_of))
        return dataclasses.replace(spec, dataset=dataset, label_of=labels)


def replay(subject: Subject, steps: Sequence[Step]) -> Session:
    """Replay steps; the session's `broken` is the claim that broke, if one did."""
    session = subject.open_session()
    handles = _Handles()
    try:
        for step in steps:
            adapted = handles.adapted(step)
            if adapted is None:
                continue
            before = session.handles.counts
            OPERATIONS[step.name](session, **adapted)
            handles.learn(step, session, before)
    except (ContractBrokenError, ProgramEndedError):
        pass
    finally:
        subject.close_session(session)
    return session


def replayed(subject: Subject, steps: Sequence[Step], kind: tuple[str, str]) -> Session | None:
    """The session of a replay that breaks the same claim; None if it does not.

    Raises:
        ConnectionLostError: The connection broke.
    """
    try:
        session = replay(subject, steps)
    except ConnectionLostError:
        raise
    except Exception:  # noqa: BLE001 - the shortened program is invalid
        return None
    if session.broken is None or session.broken.kind != kind or shows_leftovers(session.broken):
        return None
    return session


class Shrinker:
    """Finds a shorter program that breaks the same claim."""

    def __init__(self, subject: Subject, failed: Session, *, seconds: float) -> None:
        """Start from a session whose claim broke."""
        assert failed.broken is not None  # noqa: S101 - that is what failed means
        self._subject = subject
        self._kind = failed.broken.kind
        self._until = time.monotonic() + seconds
        self.best = failed

    def shrink(self) -> Session:
        """The session of the shortest program that breaks the same claim."""
        # Replay the whole program first: a failure that does not repeat, such as a race, cannot be
        # shrunk. Steps are tried again at the end, because fewer arguments need fewer steps.
        if self._fails(self.best.steps):
            self._leave_reads_out()
            self._leave_steps_out()
            self._leave_arguments_out()
            self._leave_steps_out()
        return self.best

    def _fails(self, steps: Sequence[Step]) -> bool:
        if time.monotonic() > self._until:
            return False
        session = replayed(self._subject, steps, self._kind)
        if session is None:
            return False
        self.best = session
        return True

    def _leave_reads_out(self) -> None:
        """Leave out at once what seldom matters: the reads before the last step."""
        *steps, last = self.best.steps
        writes_alone = [step for step in steps if not step.name.startswith("check_")]
        if len(writes_alone) < len(steps):
            self._fails([*writes_alone, last])

    def _leave_steps_out(self) -> None:
        # Delta debugging: try large chunks before small ones, as most steps are irrelevant.
        size = max(len(self.best.steps) // 2, 1)
        while size:
            end = len(self.best.steps)
            while end > 0:
                steps = self.best.steps
                # Backwards: later steps have fewer steps that depend on them.
                self._fails(steps[: max(end - size, 0)] + steps[end:])
                end = min(end - size, len(self.best.steps))
            size //= 2

    def _leave_arguments_out(self) -> None:
        at = 0
        while at < len(self.best.steps):
            # After a success, try the same step again: it may become simpler still.
            if not any(self._fails(steps) for steps in self._simpler_at(at)):
                at += 1

    def _simpler_at(self, at: int) -> Iterator[list[Step]]:
        steps = list(self.best.steps)
        for kwargs in _simpler_arguments(steps[at]):
            simple = dataclasses.replace(steps[at], args=(), kwargs=kwargs)
            yield [*steps[:at], simple, *steps[at + 1 :]]


def shows_leftovers(broken: Assertion) -> bool:
    """Whether a claim broke because of data that an earlier program left on a remote server.

    Names in a session's own data are shown without their prefix; other sessions' names keep it.
    """
    return _STRANGER.search(repr(broken.observed)) is not None


def _simpler_arguments(step: Step) -> Iterator[dict[str, object]]:
    original = arguments(step)
    parameters = inspect.signature(OPERATIONS[step.name]).parameters
    for name, value in original.items():
        default = parameters[name].default
        if default is not inspect.Parameter.empty and value != default:
            yield {other: original[other] for other in original if other != name}
        for simple in _fewer(value) if name == "count" else _simpler(value):
            yield {**original, name: simple}


def _fewer(count: int) -> Iterator[int]:
    yield from (fewer for fewer in (count // 2, count - 8, count - 1) if 0 < fewer < count)


def _simpler(value: object) -> Iterator[object]:
    if isinstance(value, (list, tuple)) and not any(isinstance(v, float) for v in value):
        for at in range(len(value)):
            yield type(value)([*value[:at], *value[at + 1 :]])
    elif isinstance(value, FilterSpec):
        for field in dataclasses.fields(value):
            if getattr(value, field.name) != field.default:
                changes: dict[str, Any] = {field.name: field.default}
                yield dataclasses.replace(value, **changes)
