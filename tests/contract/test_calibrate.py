"""How a server decides open points is found out exactly, and a fake obeys what was found."""

from __future__ import annotations

from contextlib import closing
from dataclasses import fields, replace
from datetime import timedelta
from itertools import chain, cycle
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import calibrate as calibrate_module
from fakeviam_contracts.calibrate import as_toml, calibrate
from fakeviam_contracts.connection import Address
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.probes import NOT_SERVED, PROBES
from fakeviam_contracts.probing import UnsettledError
from fakeviam_contracts.remote import RemoteSubject
from fakeviam_contracts.subject import OwnFake
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Clock, FakeViam, PageLimit, Policy
from fakeviam.cli import main
from fakeviam.model.errors import UsageError
from fakeviam.policy_file import read_policy
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakeviam_contracts.calibrate import Calibration
    from google.protobuf.message import Message

#: Together they change every field.
TOGETHER: dict[str, dict[str, Any]] = {
    "order, counts and names": {
        "default_order": "ascending",
        "interval_bounds": "half-open",
        "count": "total",
        "max_page": PageLimit(7),
        "remove_tags_count": "records",
        "unknown_dataset": "skip",
        "duplicate_dataset_name": "UNKNOWN",
        "invalid_part": "INVALID_ARGUMENT",
        "page_token": "ignore",
        "empty_parameters": "absent",
    },
    "refusals and sizes": {
        "interval_clock": "time_received",
        "interval_bounds": "half-open",
        "max_page": PageLimit(777, "refuse"),
        "binary_page": PageLimit(3, "refuse"),
        "max_response_bytes": 1_234_567,
        "max_request_bytes": 2_345_678,
        "dataset_label": "hidden",
        "tags_by_filter_scope": "binary",
        "empty_delete_filter": "refuse",
        "unknown_ids": "refuse",
        "deprecated_binary_id": "refuse",
        "extended_json_in_bson": "refuse",
        "sql_needs_time_bound": True,
    },
    "visibility": {"visibility_lag": timedelta(seconds=3), "binary_page": PageLimit(20)},
}

ALONE: list[dict[str, Any]] = [
    {"default_order": "ascending"},
    {"interval_bounds": "half-open"},
    {"interval_clock": "time_received", "interval_bounds": "half-open"},
    {"count": "total"},
    {"max_page": PageLimit(7)},
    {"max_page": PageLimit(777, "refuse"), "binary_page": PageLimit(3, "refuse")},
    {"binary_page": PageLimit(20)},
    {"max_response_bytes": 1_234_567},
    {"max_request_bytes": 2_345_678},
    {"remove_tags_count": "records"},
    {"dataset_label": "hidden", "tags_by_filter_scope": "binary"},
    {"empty_delete_filter": "refuse"},
    {"unknown_ids": "refuse", "deprecated_binary_id": "refuse"},
    {"unknown_dataset": "skip"},
    {"duplicate_dataset_name": "UNKNOWN"},
    {"invalid_part": "INVALID_ARGUMENT"},
    {"visibility_lag": timedelta(seconds=3)},
    {"page_token": "ignore"},
    {"empty_parameters": "absent"},
    {"extended_json_in_bson": "refuse"},
    {"sql_needs_time_bound": True},
]


def _calibrated(policy: Policy) -> Calibration:
    clock = Clock.frozen("2024-01-01T12:00:00Z")
    subject = OwnFake(
        Interpretation.named("documented"), lambda: FakeViam(seed=1, clock=clock, policy=policy)
    )
    try:
        return calibrate(subject)
    finally:
        subject.close()


@pytest.mark.parametrize("name", TOGETHER)
@pytest.mark.thinned(3)
def test_each_field_is_recovered_exactly(name: str, tmp_path: Path) -> None:
    check_recovered(TOGETHER[name], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("changes", ALONE, ids="+".join)
def test_each_field_alone_is_recovered_exactly(changes: dict[str, Any], tmp_path: Path) -> None:
    check_recovered(changes, tmp_path)


def check_recovered(changes: dict[str, Any], tmp_path: Path) -> None:
    policy = replace(Policy.documented(), **changes)
    found = _calibrated(policy)
    assert set(found.open) == set(NOT_SERVED)
    path = tmp_path / "policy.toml"
    path.write_text(as_toml(found, target="a server", day="2024-01-01"), encoding="utf-8")
    assert read_policy(path) == policy


class Answers(Interceptor):
    """Edits each reply of an RPC, knowing how many came before."""

    def __init__(self, rpc: str, edit: Callable[[int, Any], None]) -> None:
        self._rpc, self._edit, self._count = rpc, edit, 0

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del request
        if rpc == self._rpc:
            self._edit(self._count, message)
            self._count += 1
        return message


def _flaps(count: int, reply: Any) -> None:
    if count % 2:
        reply.deleted_count = 2


def _refuses(status: Status, text: str = "no") -> Callable[[int, Any], None]:
    def refuse(_: int, __: Any) -> None:
        raise GRPCError(status, text)

    return refuse


def _finds_nothing(_: int, reply: Any) -> None:
    del reply.data[:]


def _of(monkeypatch: pytest.MonkeyPatch, wrong: Interceptor, *fields_: str) -> Calibration:
    """What is found out of these fields of a server that is wrong."""
    monkeypatch.setattr(calibrate_module, "PROBES", {name: PROBES[name] for name in fields_})
    subject = OwnFake(
        Interpretation.named("documented"), lambda: FakeViam(seed=1, interceptors=[wrong])
    )
    with closing(subject):
        return calibrate(subject)


@pytest.mark.parametrize(
    ("field", "rpc", "edit", "why"),
    [
        (
            "remove_tags_count",
            "RemoveTagsFromBinaryDataByIDs",
            _flaps,
            "it is not always the same: two tags removed from two files count as 4; another time",
        ),
        (
            "empty_delete_filter",
            "DeleteBinaryDataByFilter",
            _refuses(Status.UNAVAILABLE),
            "DeleteBinaryDataByFilter decides nothing: UNAVAILABLE: no",
        ),
        (
            "default_order",
            "TabularDataByFilter",
            _refuses(Status.RESOURCE_EXHAUSTED),
            "TabularDataByFilter decides nothing: RESOURCE_EXHAUSTED: no",
        ),
        (
            "interval_bounds",
            "BinaryDataByFilter",
            _finds_nothing,
            "which time an interval looks at is not known",
        ),
        (
            "visibility_lag",
            "BinaryDataByIDs",
            _finds_nothing,
            "uploads that are seen within 15 s: 0, where 3 was to be expected",
        ),
        (
            "max_request_bytes",
            "DataCaptureUpload",
            _refuses(Status.INVALID_ARGUMENT),
            "0 does not always work, or 1 does",
        ),
    ],
)
def test_what_decides_nothing_is_open(
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    rpc: str,
    edit: Callable[[int, Any], None],
    why: str,
) -> None:
    """A server that flaps, is not able to, or does otherwise what it does everywhere."""
    found = _of(monkeypatch, Answers(rpc, edit), field)
    assert found.settled == []
    assert found.open[field].startswith(why)


class SaysInternal(Interceptor):
    """Refuses all but the first name by a status that no policy has."""

    names = 0

    def request(self, rpc: str, message: Message) -> Message:
        self.names += rpc == "CreateDataset"
        if rpc == "CreateDataset" and self.names > 1:
            raise GRPCError(Status.INTERNAL, "no")
        return message


def test_what_no_policy_can_say_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A39: the file could not be read."""
    found = _of(monkeypatch, SaysInternal(), "duplicate_dataset_name")
    assert found.open["duplicate_dataset_name"] == (
        "a taken name is INTERNAL: no, which no policy can say"
    )


class TakesTurns(Interceptor):
    """Every other page has the count of a total: an even number of calls would hide it."""

    pages = 0

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        if rpc == "TabularDataByFilter":
            self.pages += 1
            message.count += self.pages % 2
        return message


def test_who_takes_turns_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A4."""
    found = _of(monkeypatch, TakesTurns(), "count")
    assert found.open["count"].startswith("it is not always the same: count is ")


class ChangesItsMind(Interceptor):
    """Obeys one policy and another by turns: the next call is decided otherwise."""

    def __init__(self, changes: dict[str, Any]) -> None:
        other = replace(Policy.documented(), **changes)
        self._turns = cycle([Policy.documented(), other])
        self.fake: FakeViam

    def open(self) -> FakeViam:
        self.fake = FakeViam(clock=Clock.frozen("2024-01-01T12:00:00Z"), interceptors=[self])
        return self.fake

    def request(self, rpc: str, message: Message) -> Message:
        del rpc
        self.fake.policy = next(self._turns)
        return message


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("interval_clock", "time_received"),
        ("max_page", PageLimit(7)),
        ("max_page", PageLimit(7, "refuse")),
        ("binary_page", PageLimit(3)),
        ("max_request_bytes", 2_345_678),
        ("max_response_bytes", 1_234_567),
        ("dataset_label", "hidden"),
        ("unknown_ids", "refuse"),
        ("duplicate_dataset_name", "UNKNOWN"),
    ],
)
def test_who_changes_its_mind_with_each_call_is_found_out(
    monkeypatch: pytest.MonkeyPatch, field: str, other: object
) -> None:
    """A3, A6, A10, A13, A39, A53, A57, A60: also where there is only one look."""
    server = ChangesItsMind({field: other})
    monkeypatch.setattr(calibrate_module, "PROBES", {field: PROBES[field]})
    with closing(OwnFake(Interpretation.named("documented"), server.open)) as subject:
        found = calibrate(subject)
    assert found.open[field].startswith("it is not always the same: ")


def test_what_a_server_says_is_a_comment_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A22: control characters are no TOML."""
    said = Answers("DataCaptureUpload", lambda *_: None)
    wrong = _refuses(Status.NOT_FOUND, "no\x01\x7f\r\n[policy] \u202e'\"" + "x" * 5_000)

    def ask(rpc: str, message: Any) -> Any:
        if rpc == "DataCaptureUpload" and message.metadata.part_id == "no-such-part":
            wrong(0, message)
        return message

    monkeypatch.setattr(said, "request", ask)
    found = _of(monkeypatch, said, "invalid_part")
    path = tmp_path / "policy.toml"
    path.write_text(as_toml(found, target="a\nb", day="2024-01-01"), encoding="utf-8")
    assert read_policy(path).invalid_part == "NOT_FOUND"
    assert all(len(line) < 400 for line in path.read_text(encoding="utf-8").splitlines())


def test_a_file_that_cannot_be_written_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    """And not after minutes."""
    with FakeViam() as cloud:
        words = ["--target", cloud.target, "--part", cloud.default_part.id]
        with pytest.raises(SystemExit) as ended:
            main(["contract", "calibrate", *words, "--output", "/nowhere/policy.toml"])
    assert ended.value.code == 2
    assert "cannot write /nowhere/policy.toml: No such file" in capsys.readouterr().err
    assert not cloud.calls


class LosesReadings(Interceptor):
    """Finds no reading by a query, whatever is asked."""

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del request
        if rpc in ("TabularDataByMQL", "TabularDataBySQL"):
            message.ClearField("raw_data")
        return message


@pytest.mark.parametrize("field", ["extended_json_in_bson", "sql_needs_time_bound"])
def test_a_lost_reading_decides_no_point(field: str) -> None:
    """MQ-11, SL-13: where the plainest query finds nothing, another one that does says nothing."""
    subject = OwnFake(
        Interpretation.named("documented"), lambda: FakeViam(interceptors=[LosesReadings()])
    )
    _, probe = PROBES[field]
    with closing(subject), pytest.raises(UnsettledError, match="does not find a reading"):
        probe(subject.open_session(), {})


def test_every_field_is_probed_or_says_why_not() -> None:
    assert {field.name for field in fields(Policy)} == {*PROBES, *NOT_SERVED}
    assert {*chain(*TOGETHER.values())} == {*chain(*ALONE)} == {*PROBES} - {*NOT_SERVED}


@pytest.mark.slow
def test_a_server_by_address_is_calibrated_and_left_as_it_was() -> None:
    with FakeViam(seed=1, policy="observed") as cloud:
        address = Address(target=f"unix:{cloud.unix_socket}")
        parts = (cloud.default_part.id,)
        subject = RemoteSubject(Interpretation.named("documented"), address, parts=parts)
        found = calibrate(subject)
        subject.close()
        assert subject.left == []
    values = {one.field: one.value for one in found.settled}
    assert values["dataset_label"] == "hidden"
    assert values["max_response_bytes"] == 4 * 1024 * 1024


@pytest.mark.slow
def test_a_fake_obeys_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.toml"
    with pytest.raises(SystemExit) as ended:
        main(["contract", "calibrate", "--self", "--policy", "observed", "--output", str(path)])
    assert not ended.value.code
    assert "settles A1, A10, A13" in capsys.readouterr().out
    for given in (path, str(path)):
        with FakeViam(policy=given) as cloud:
            assert cloud.policy == Policy.observed()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("policy = 3", "policy must be a table, got 3"),
        ("[policy]\ncolour = 'red'", "policy has no field colour"),
        ("[policy]\ncount = 'all'", "count must be one of 'page', 'total', got 'all'"),
        ("[policy]\nmax_page = { large = 3 }", "max_page must have a size"),
        ("[policy]\nmax_page = { size = 0 }", "a page limit must be at least 1, got 0"),
        ("[policy]\npreset = 'none'", "policy must be one of documented"),
        ("[policy", "Expected"),
        ("count = 'total'", "count = 'total' is not read; fields are in a table [policy]"),
        ("[policyy]\ncount = 'total'", "policyy = {'count': 'total'} is not read"),
        ("[policy]\nvisibility_lag = inf", "visibility_lag is no number of seconds: inf"),
        ("[policy]\nvisibility_lag = nan", "visibility_lag is no number of seconds: nan"),
        ("[policy]\nvisibility_lag = 1e300", "visibility_lag is no number of seconds: 1e+300"),
        ("[policy]\ncount = " + "[" * 5_000, "maximum recursion depth exceeded"),
    ],
)
def test_files_that_make_no_sense(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"policy file .*policy\.toml: ") as caught:
        FakeViam(policy=path)
    assert complaint in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"policy file nowhere\.toml: No such file"):
        FakeViam(policy="nowhere.toml")
