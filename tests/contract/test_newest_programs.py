"""Random programs of the newest RPCs: right servers pass, wrong ones are found and cut short."""

from __future__ import annotations

import math
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import newer, random_values
from fakeviam_contracts.assertions import ContractBrokenError
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.machine import ContractMachine
from fakeviam_contracts.mutants.base import in_each, on_reply, on_request
from fakeviam_contracts.mutants.servers import start
from fakeviam_contracts.newest import NEWEST
from fakeviam_contracts.random_newer import RandomNewer
from fakeviam_contracts.random_writes import RandomWrites
from fakeviam_contracts.shrinking import Shrinker
from fakeviam_contracts.subject import OwnFake
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam, Interceptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.mutants.base import Mutant
    from fakeviam_contracts.session import Session

#: What programs of each kind compare at least once in some steps.
KINDS = {
    "saved queries": {"SA-1", "SA-2", "SA-3", "SA-4", "SA-6", "MQ-12"},
    "pipelines": {"DP-1", "DP-3", "DP-11", "DP-12"},
    "indexes": {"IX-1", "IX-2", "IX-3", "IX-5", "IX-7", "DP-1"},
    "sequences": {"SQ-1", "SQ-2", "SQ-3", "SQ-5", "SQ-7", "SQ-11", "SQ-12", "SQ-13", "SQ-15"},
    "exports": {"EX-1", "EX-2", "EX-4", "EX-5", "EX-6", "EX-7"},
    "latest": {"GL-1", "GL-3", "GL-4"},
    "statements": {"SL-1", "SL-2"},
    "fleet": {"AP-1", "AP-2", "AP-7", "AP-9"},
}


def _subject(make: Callable[[], FakeViam]) -> Iterator[OwnFake]:
    subject = OwnFake(Interpretation.named("documented"), make)
    yield subject
    subject.close()


@pytest.fixture
def right() -> Iterator[OwnFake]:
    yield from _subject(partial(FakeViam, seed=1))


def _run(subject: OwnFake, kind: str, *, seed: int = 1, steps: int = 80) -> Session:
    """The session of a program of one kind; its `broken` tells what was found."""
    session, random = subject.open_session(), Random(seed)  # noqa: S311 - the same every time
    session.tolerant = True
    writes = RandomWrites(session, random, random_values.pools(random))
    some = RandomNewer(session, random, [kind])
    try:
        writes.populate()
        for _ in range(steps):
            writes.run()
            some.run()
    except ContractBrokenError:
        pass
    subject.close_session(session)
    return session


#: One kind at once; the others take seconds each.
QUICK = ("pipelines", "latest")
EACH = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]


@pytest.mark.parametrize("kind", EACH)
def test_nothing_is_said_against_the_right_server(right: OwnFake, kind: str) -> None:
    compared: set[str] = set()
    for seed in (1, 2, 3):
        session = _run(right, kind, seed=seed)
        assert session.broken is None
        assert session.differences == {}
        compared |= {clause for clause, count in session.comparisons.items() if count}
    assert compared >= KINDS[kind]


def _later_tag_lost(message: Any, memory: dict[Any, Any]) -> None:
    """Tags of a sequence are lost where the resources are changed, too."""
    del memory
    if {"resources", "sequence_tags"} <= set(message.field_mask.paths):
        message.ClearField("sequence_tags")


WRONG: dict[str, Mutant] = {
    "saved queries": on_request("keeps stages of queries that get a name", "SA-1",
        lambda m, _: m.name and m.ClearField("mql_binary"), "UpdateSavedQuery"),
    "pipelines": on_reply("lists pipelines as enabled", "DP-1",
        in_each("data_pipelines", "", lambda p: setattr(p, "enabled", True)),
        "ListDataPipelines"),
    "indexes": on_request("deletes indexes nowhere", "IX-1",
        lambda m, _: setattr(m, "index_name", "nobody"), "DeleteIndex"),
    "sequences": on_request("loses tags with resources", "SQ-2", _later_tag_lost,
                            "UpdateSequence"),
    "exports": on_reply("exports whole seconds", "EX-1",
        lambda _, r, __: r.time_captured.ClearField("nanos"), "ExportTabularData"),
    "latest": on_reply("has an empty latest reading", "GL-1",
        lambda _, r, __: r.ClearField("payload"), "GetLatestTabularData"),
    "statements": on_request("takes OR for AND", "SL-1",
        lambda m, _: setattr(m, "sql_query", m.sql_query.replace(" OR ", " AND ")),
        "TabularDataBySQL"),
    "fleet": on_request("keeps no empty texts in metadata", "AP-7",
        lambda m, _: [m.data.fields.pop(n) for n in list(m.data.fields)
                      if m.data.fields[n].HasField("string_value")], "UpdateRobotMetadata"),
}  # fmt: skip


@pytest.mark.parametrize("kind", EACH)
def test_a_wrong_server_is_found_and_its_program_cut_short(kind: str) -> None:
    """By the clause that it breaks; what is left are steps of that kind and what they need."""
    wrong = WRONG[kind]
    for subject in _subject(partial(start, wrong)):
        found = (_run(subject, kind, seed=seed) for seed in range(1, 9))
        failed = next(session for session in found if session.broken is not None)
        assert failed.broken is not None
        assert failed.broken.clause == wrong.clause
        short = Shrinker(subject, failed, seconds=math.inf).shrink()
        assert len(short.steps) <= 5
        assert short.steps[-1].name in newer.__all__


class _LacksTheNewest(Interceptor):
    def request(self, rpc: str, message: Any) -> Any:
        if rpc in NEWEST:
            raise GRPCError(Status.UNIMPLEMENTED, f"unknown method {rpc}")
        return message


@pytest.mark.parametrize("kind", ["saved queries", "pipelines", "indexes", "sequences", "exports"])
def test_programs_go_on_without_what_a_server_lacks(kind: str) -> None:
    """Servers may lack the newest RPCs; that they do is for the checks to tell."""
    for subject in _subject(partial(FakeViam, seed=1, interceptors=[_LacksTheNewest()])):
        session = _run(subject, kind)
        assert session.broken is None
        assert not session.ended_by
        assert not KINDS[kind] & set(session.comparisons)


def test_a_program_does_the_same_when_it_is_run_again(right: OwnFake) -> None:
    """As Hypothesis expects; what the newest RPCs do in it, too."""

    class Machine(ContractMachine):
        open_session = staticmethod(right.open_session)
        close_session = staticmethod(right.close_session)

    def steps() -> list[str]:
        machine = Machine()
        machine.begin(Random(5))  # noqa: S311 - the same in every run
        for _ in range(20):
            machine.look()
        machine.teardown()
        return [str(step) for step in machine.session.steps]

    once = steps()
    assert steps() == once
    assert any(name in step for step in once for name in newer.__all__)
