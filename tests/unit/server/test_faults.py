"""Faults as values, their JSON, the plan and its account."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam, Fault, UnfiredFaultError, UsageError
from fakeviam.model.ids import Ids
from fakeviam.server.instruments.faults.plan import Faults
from fakeviam.server.instruments.faults.values import Detail, FaultKind, seconds_of
from fakeviam.wire import data

from .driver import RefusedError, Viam

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.instruments.faults.plan import PlannedFault

COUNTS = st.integers(1, 9)


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Any fault that makes sense."""
    effect = draw(st.sampled_from(FaultKind))
    rpc = draw(st.sampled_from(["FileUpload", "*", "*Upload"]))
    given: dict[str, Any] = {
        "rpc": rpc,
        "where": draw(st.dictionaries(st.sampled_from(["part_id", "tag"]), st.text(max_size=3))),
        "calls": draw(st.none() | st.frozensets(COUNTS, min_size=1, max_size=3)),
        "times": draw(st.none() | COUNTS),
        "probability": draw(st.floats(0.01, 1)),
        "delay": draw(st.floats(0, 1e6)),
        "real_time": draw(st.booleans()),
        "optional": draw(st.booleans()),
        "effect": effect,
    }
    if effect not in (FaultKind.HIDE, FaultKind.OVERSIZE_REPLY):
        given["when"] = draw(st.sampled_from(["before-commit", "after-commit"]))
        given["after_bytes"] = draw(st.none() | st.integers(0, 99))
    if effect is FaultKind.STATUS:
        given["status"] = draw(st.sampled_from(["UNAVAILABLE", "INTERNAL"]))
        given["text"] = draw(st.text(max_size=5))
        given["details"] = draw(
            st.lists(st.builds(Detail, type_url=st.text(), value=st.binary())).map(tuple)
        )
    elif effect is FaultKind.RESET_STREAM:
        given["code"] = draw(st.sampled_from(["", "CANCEL"]))
    elif effect is FaultKind.OVERSIZE_REPLY:
        given["size"] = draw(COUNTS)
    elif effect is FaultKind.DELAY:
        given["delay"] = draw(st.floats(0.001, 1e6))
    elif effect in (FaultKind.HIDE, FaultKind.STALL):
        given["seconds"] = draw(st.floats(0.001, 1e6))
    return Fault(**given)


# Values and JSON -----------------------------------------------------------------------------


@given(faults())
def test_json_and_back(fault: Fault) -> None:
    """A fault is what its JSON says (FT-1)."""
    document = json.loads(json.dumps(fault.to_json()))
    assert Fault.from_json(document) == fault


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(sorted(Fault.__dataclass_fields__))


@given(JSON | st.dictionaries(KEYS, JSON | st.sampled_from(["1s", "hide", "*", "OK"]), max_size=4))
def test_json_is_a_fault_or_a_mistake(document: object) -> None:
    """Nothing else comes of it (FT-1)."""
    try:
        made = Fault.from_json(document)
    except UsageError:
        return
    assert made.effect is not None
    assert str(made)


MISTAKES: list[tuple[Any, str]] = [
    (7, "a fault must be a JSON object or a status name, got 7"),
    ({"staus": "x"}, "fault: there is no field 'staus'; did you mean status?"),
    (
        {"status": "OK"},
        "fault: status must be the name of a gRPC status, got 'OK'; expected one of CANCELLED, ",
    ),
    (
        {"rpc": "FielUpload", "delay": 1},
        "fault: no RPC is named 'FielUpload'; did you mean 'FileUpload'?",
    ),
    ({"where": {"prat": 1}, "delay": 1}, "fault: requests of * have no field 'prat'"),
    (
        {"where": [], "delay": 1},
        "fault: where must be an object with the names of fields, got a list",
    ),
    ({"effect": "bang"}, "fault: effect must be one of status, stall, reset-stream, goaway, "),
    ({"effect": "status"}, "fault: status is missing; name one, such as 'UNAVAILABLE'"),
    ({"effect": "hide"}, "fault: seconds is missing; give a duration, such as '40s'"),
    ({"effect": "oversize-reply"}, "fault: size is missing; give the number of bytes to add"),
    (
        {"effect": "goaway", "status": "INTERNAL"},
        "fault: status does not apply to the effect goaway",
    ),
    ({"effect": "goaway", "seconds": 2}, "fault: seconds does not apply to the effect goaway"),
    (
        {"delay": "soon"},
        "fault: delay must be seconds, a timedelta or a text such as '40s', '250ms' or ",
    ),
    ({"delay": -1}, "fault: delay must be seconds"),
    ({"delay": 1e300}, "fault: delay must be seconds"),
    ({"delay": 1, "calls": [0]}, "fault: calls must be whole numbers from 1, got [0]"),
    ({"delay": 1, "calls": [[1]]}, "fault: calls must be whole numbers from 1, got a list"),
    ({"delay": 1, "times": True}, "fault: times must be a whole number from 1, got True"),
    ({"delay": 1, "probability": 0}, "fault: probability must be above 0 and at most 1, got 0"),
    (
        {"delay": 1, "when": "later"},
        "fault: when must be before-commit or after-commit, got 'later'",
    ),
    (
        {"effect": "reset-stream", "code": "X"},
        "fault: code must be the name of an HTTP/2 error code, got 'X'; expected one of NO_ERROR, ",
    ),
    (
        {"status": "INTERNAL", "details": [{"@type": "x", "value": "?"}]},
        "fault: details[0] must be protobuf messages, or objects with '@type' and a base64 'value'",
    ),
    (
        {"delay": 1, "after_messages": 1, "after_bytes": 1},
        "fault: after_messages and after_bytes cannot be combined",
    ),
    (
        {"delay": 1, "rpc": "FileUpload", "after_messages": 1, "when": "after-commit"},
        "fault: after commit all messages have arrived; remove after_messages",
    ),
    (
        {"effect": "oversize-reply", "size": 1, "after_bytes": 1},
        "fault: oversize-reply applies to the whole reply; remove after_messages and after_bytes",
    ),
    (
        {"effect": "hide", "seconds": 1, "when": "after-commit"},
        "fault: hide must come before commit: afterwards the upload is visible",
    ),
    (
        {"effect": "hide", "seconds": 1, "rpc": "TagsByFilter"},
        "fault: hide is for uploads: DataCaptureUpload, FileUpload, StreamingDataCaptureUpload; ",
    ),
]


@pytest.mark.parametrize(("document", "text"), MISTAKES, ids=lambda each: str(each)[:40])
def test_the_texts_of_mistakes(document: Any, text: str) -> None:
    """They name the attribute, and what it could be (FT-1)."""
    with pytest.raises(UsageError) as caught:
        Fault.from_json(document)
    assert str(caught.value).startswith(text)


def test_durations() -> None:
    """Seconds, timedeltas and texts (FT-5)."""
    for told, seconds in (
        (2, 2.0), ("250ms", 0.25), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), ("1d", 86400.0),
        ("7", 7.0), (timedelta(milliseconds=5), 0.005),
    ):  # fmt: skip
        assert seconds_of(told) == seconds
    for wrong in ("", "s", "1hm", "nan", "-1s", "1e99", None, True, float("inf"), timedelta(-1)):
        with pytest.raises(UsageError):
            seconds_of(wrong)


def test_details_are_messages_or_json() -> None:
    """Packed as protobuf's Any is (FT-2)."""
    made = Detail.of(StringValue(value="x"))
    assert made.type_url == "type.googleapis.com/google.protobuf.StringValue"
    assert Detail.of(made.to_json()) == Detail.of(made) == made


# Planning ------------------------------------------------------------------------------------


def plan(seed: int = 1) -> Faults:
    return Faults(fraction=Ids(seed=seed, clock=Clock.frozen("2026-03-10")).fraction)


def test_the_builder_says_the_same_as_the_value() -> None:
    """Step by step, or at once (FT-1)."""
    planned = plan()
    built = (
        planned.on("FileUpload", component="cam-1")
        .call(1, 3)
        .times(2)
        .with_probability(0.5)
        .after_messages(3)
        .optional()
        .delay("2s", real_time=True)
        .status("UNAVAILABLE", "later", details=[StringValue(value="x")])
    )
    assert built.fault == Fault(
        rpc="FileUpload",
        where={"component": "cam-1"},
        calls=frozenset({1, 3}),
        times=2,
        probability=0.5,
        after_messages=3,
        optional=True,
        delay=2.0,
        real_time=True,
        effect=FaultKind.STATUS,
        status="UNAVAILABLE",
        text="later",
        details=(Detail.of(StringValue(value="x")),),
    )
    assert planned.add(built.fault.to_json()).fault == built.fault
    with pytest.raises(UsageError, match="this fault already is a status; plan a second one for"):
        built.goaway()
    with pytest.raises(UsageError, match=r"call\(\) requires the number of a call"):
        planned.on("FileUpload").call()
    with pytest.raises(UsageError, match="count must be a whole number from 1, got 0"):
        planned.refuse_connections(0)


TOLD: list[tuple[Callable[[Faults], PlannedFault], str]] = [
    (lambda it: it.on("FileUpload"), "FileUpload: no effect yet, before commit"),
    (lambda it: it.on().delay("2m"), "*: delay of 120 s"),
    (
        lambda it: it.on("FileUpload", part="p").call(2, 1).after_bytes(9).status("INTERNAL"),
        "FileUpload(part='p'): INTERNAL, before commit, at byte 9 (calls 1, 2)",
    ),
    (
        lambda it: it.on("FileUpload").once().after_messages(2).delay(1).goaway(),
        "FileUpload: delay of 1 s, goaway, before commit, at message 2 (once)",
    ),
    (lambda it: it.on("*Upload").times(3).hide("5s"), "*Upload: hide for 5 s (3 times)"),
    (
        lambda it: it.on("FileUpload").after_commit().stall(),
        "FileUpload: stall, after commit",
    ),
    (lambda it: it.on().stall("1h"), "*: stall for 3600 s, before commit"),
]


@pytest.mark.parametrize(("build", "text"), TOLD, ids=[text for _, text in TOLD])
def test_faults_in_words(build: Callable[[Faults], PlannedFault], text: str) -> None:
    """As trailers and errors tell them (FT-3)."""
    assert str(build(plan()).fault) == text


CALLS = st.lists(st.sampled_from(["FileUpload", "TagsByFilter"]), max_size=12)


@given(CALLS, st.lists(st.tuples(COUNTS, COUNTS | st.none()), max_size=3))
def test_the_first_fault_that_is_due_hits(
    calls: list[str], wanted: list[tuple[int, int | None]]
) -> None:
    """Fitting calls are counted by every fault, hits by one (FT-1)."""
    planned = plan()
    for number, times in wanted:
        each = planned.on("FileUpload").status("INTERNAL").call(number, number + 1)
        if times is not None:
            each.times(times)
    expected: dict[int, int] = {}
    hits = dict.fromkeys(range(1, len(wanted) + 1), 0)
    seen = 0
    for rpc in calls:
        seen += rpc == "FileUpload"
        for index, (number, times) in enumerate(wanted, 1):
            due = rpc == "FileUpload" and seen in (number, number + 1)
            if due and (times is None or hits[index] < times):
                hits[index] += 1
                expected[len(expected)] = index
                break
        hit = planned.choose(rpc, list)
        assert (hit is not None) == (sum(hits.values()) == len(expected) and _last(hits, hit))
        if hit is not None:
            hit.happened(seen)
    assert {each.number: len(each.fired) for each in planned} == hits
    assert all(each.seen == seen for each in planned)


def _last(hits: dict[int, int], hit: PlannedFault | None) -> bool:
    return hit is not None and hits[hit.number] == len(hit.fired) + 1


@given(st.integers(0, 2**32), st.floats(0.05, 1))
def test_chance_comes_from_the_seed(seed: int, probability: float) -> None:
    """The same seed, the same calls that are hit (FT-1, CK-3)."""

    def hits() -> list[bool]:
        planned = plan(seed)
        planned.on().with_probability(probability).status("INTERNAL")
        return [planned.choose("FileUpload", list) is not None for _ in range(50)]

    assert hits() == hits()
    if probability == 1:
        assert all(hits())


def test_chance_is_about_right() -> None:
    """A thousand calls at 0.3 (FT-1)."""
    planned = plan()
    planned.on().with_probability(0.3).status("INTERNAL")
    hit = sum(planned.choose("FileUpload", list) is not None for _ in range(1000))
    assert 250 < hit < 350


# The account ---------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_planned_fault_that_never_happens_fails_the_test(viam: Viam) -> None:
    """The text names the fault, how many calls matched, and what the nearest one had (FT-3)."""
    faults = viam.cloud.faults
    faults.on("TagsByFilter", tag="wet").status("UNAVAILABLE")
    faults.on("TagsByFilter").call(1, 2, 9).delay("0s").status("INTERNAL")
    faults.on("FileUpload").optional().goaway()
    faults.on("FileUpload").with_probability(0.5).goaway()
    faults.on("FileUpload")
    faults.refuse_connections(2)
    viam.cloud.faults.refusing = 0  # this client connects
    for _ in range(2):
        with pytest.raises(RefusedError):
            await viam.rpc(
                "TagsByFilter",
                data.TagsByFilterRequest(
                    filter=data.Filter(tags_filter=data.TagsFilter(tags=["dry"]))
                ),
            )
    faults.refuse_connections(1)
    with pytest.raises(UnfiredFaultError) as caught:
        viam.cloud.check()
    assert str(caught.value) == (
        "these planned faults never fired, so the test did not exercise them:\n"
        "  fault 1, TagsByFilter(tag='wet'): UNAVAILABLE, before commit, never fired: "
        "0 calls matched\n"
        "    2 other TagsByFilter calls; the nearest, number 2, differs in tag: 'dry' ≠ 'wet'\n"
        "  fault 2, TagsByFilter: INTERNAL, before commit (calls 1, 2, 9), fired 2 of 3 times: "
        "2 calls matched\n"
        "  fault 5, FileUpload: no effect yet, before commit, has no effect; end it with "
        ".status(…), .delay(…), .reset_stream() …\n"
        "  refuse_connections: 1 of 1 connections were never made\n"
        "Correct the plan, or mark faults that need not fire with .optional() or --optional."
    )
    assert isinstance(caught.value, AssertionError)
    viam.cloud.reset()
    viam.cloud.check()


@pytest.mark.asyncio
async def test_the_report(viam: Viam) -> None:
    """What was planned, what fitted, what was hit (FT-3)."""
    viam.cloud.faults.on("TagsByFilter").call(2).status("UNAVAILABLE")
    await viam.tags_by_filter()
    with pytest.raises(RefusedError):
        await viam.tags_by_filter()
    await viam.tags_by_filter()
    assert viam.cloud.faults.report() == [
        {
            "number": 1,
            "fault": {
                "rpc": "TagsByFilter",
                "calls": [2],
                "effect": "status",
                "status": "UNAVAILABLE",
            },
            "fitting_calls": 3,
            "fired": [2],
            "missing": "",
        }
    ]
    assert viam.cloud.calls[1].to_json()["fault"]["status"] == "UNAVAILABLE"
    viam.cloud.check()


def test_faults_of_one_cloud_are_its_own() -> None:
    """Two fakes share nothing (FT-1)."""
    one, other = FakeViam(), FakeViam()
    one.faults.on().goaway()
    assert (len(one.faults), len(other.faults)) == (1, 0)
