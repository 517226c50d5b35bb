"""Every public constructor and method refuses what it cannot take, and names the parameter."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

import fakeviam
from fakeviam import FakeViam, FakeViamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Junk:
    """What nothing takes."""

    def __repr__(self) -> str:
        return "<junk>"


JUNK = Junk()

#: Values that the fake alone makes: nobody passes their constructors anything.
_MADE_BY_THE_FAKE = {
    *("ApiKey", "Calls", "Clause", "Evidence", "Explanation", "Fleet", "Part", "RecordedCall"),
    *("Session", "Snapshot", "StoredDataset", "StoredFile", "StoredReading", "View"),
}

#: What the other parameters get, so that the one under test is reached.
_GOOD: dict[str, Any] = {
    "at": "2026-01-31",
    "call": None,
    "count": 1,
    "days": 1,
    "duration": 1,
    "fault": fakeviam.Fault(status="ABORTED"),
    "key": "k",
    "messages": {},
    "name": "arm",
    "number": 1,
    "part_id": FakeViam.default_part.id,
    "path": "/nowhere/at/all",
    "policy": None,
    "probability": 0.5,
    "rpc": "TagsByFilter",
    "size": 1,
    "snapshot": "none",
    "source": lambda: 0,
    "status": "ABORTED",
    "evidence": fakeviam.Evidence.ASSUMED,
    "preset": "strict",
    "times": 1,
    "value": 1,
}

#: Those of `Sequence.index`, and names for errors.
_NOT_OURS = (
    "calls.index.",
    "view.index.",
    "view.count.value",
    "Evidence.of.name",
    "ReadOptions.of.name",
)

#: Where the text has a better word than the name of the parameter.
_CALLED = {
    "Fault.from_json.document": "a fault must be",
    "Policy.preset.name": "policy must be",
    "ReadOptions.of.given": "options must be",
    "fleet.set_retention.days": "retention_days must be",
    "replies.add.document": "scripted reply",
}


def objects(cloud: FakeViam) -> dict[str, object]:
    """One of each thing that tests hold, by a name for it."""
    return {
        "cloud": cloud,
        "session": cloud.session("one"),
        "clock": cloud.clock,
        "fleet": cloud.fleet,
        "calls": cloud.calls,
        "faults": cloud.faults,
        "planned": cloud.faults.on("FileUpload"),
        "replies": cloud.replies,
        "scripted": cloud.replies.on("TagsByFilter"),
        "view": cloud.files,
        "snapshot": cloud.snapshot("kept"),
    }


def callables(cloud: FakeViam) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in fakeviam.__all__:
        kind = getattr(fakeviam, name)
        if name not in _MADE_BY_THE_FAKE and not issubclass(kind, BaseException):
            yield name, kind
        for found in vars(kind):
            if isinstance(inspect.getattr_static(kind, found), classmethod) and found[0] != "_":
                yield f"{name}.{found}", getattr(kind, found)
    for name, thing in objects(cloud).items():
        for found in dir(thing):
            if found[0] != "_" and callable(inspect.getattr_static(type(thing), found, None)):
                yield f"{name}.{found}", getattr(thing, found)


def cases(cloud: FakeViam) -> Iterator[tuple[str, Callable[..., Any], str, dict[str, Any]]]:
    for name, function in callables(cloud):
        parameters = inspect.signature(function).parameters.values()
        needed = {
            each.name: _GOOD.get(each.name, JUNK)
            for each in parameters
            if each.default is each.empty
            and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        }
        for each in parameters:
            if each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL, each.POSITIONAL_ONLY):
                continue
            case = f"{name}.{each.name}"
            if not case.startswith(_NOT_OURS):
                yield case, function, each.name, {**needed, **_also(case), each.name: JUNK}


def _also(case: str) -> dict[str, Any]:
    """What a call needs besides, though none of its parameters is required."""
    if ".add_api_key." in case and not case.endswith(("organizations", "locations", "machines")):
        return {"organizations": FakeViam.default_part.organization_id}
    return {}


def run(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    found = function(**arguments)
    if inspect.isawaitable(found):
        asyncio.run(asyncio.wait_for(found, 5))


def complaint(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    """What a call says of its arguments; empty if it takes them."""
    try:
        run(function, arguments)
    except (FakeViamError, TypeError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - it must not be
        return f"{type(error).__name__}: (something else)"
    return ""


def test_junk_is_refused_and_the_parameter_named() -> None:
    wrong = []
    with FakeViam(seed=1) as cloud:
        for case, function, parameter, arguments in cases(cloud):
            text = complaint(function, arguments)
            # Builders such as `faults.on(…).delay(duration)` speak of themselves: `delay must be`.
            method = case.split(".")[-2]
            words = (_CALLED.get(case, parameter), f"{method} must be", f"{method} takes")
            if not any(word in text for word in words):
                wrong.append(f"{case}: {text or 'took it'}")
    assert not wrong, "\n".join(["", *wrong])


#: What `dir()` shows beside what every object has.
_OFFERED = {
    "clock": "advance autojump freeze frozen is_frozen moment now run set",
    "fleet": "add_part find_location find_organization find_part find_robot locations "
    "organizations part parts rename_part robots set_retention",
    "faults": "add clear on planned refuse_connections refusing report unfired",
    "replies": "add clear on report",
    "snapshot": "delete id keep name restore taken",
    "view": "count first index last one where",
}


@pytest.mark.parametrize("name", _OFFERED)
def test_a_debugger_shows_what_tests_use(name: str) -> None:
    with FakeViam() as cloud:
        thing = objects(cloud)[name]
        assert [each for each in dir(thing) if each[0] != "_"] == _OFFERED[name].split()


def test_nothing_that_is_shown_is_missing_or_undocumented() -> None:
    with FakeViam() as cloud:
        things = objects(cloud)
        cloud.calls.assert_not_called()
        for owner, thing in things.items():
            for name in dir(thing):
                if name[0] != "_":
                    getattr(thing, name)
                    found = getattr(type(thing), name, None)
                    plain = found is None or inspect.ismemberdescriptor(found)
                    assert plain or found.__doc__, f"{owner}.{name}"
        inside = {"atomically", "base", "close_session", "empty_store", "load_into"}
        assert not inside & {*dir(cloud), *dir(things["session"])}
