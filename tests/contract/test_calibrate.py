"""How a server decides open points is found out exactly, and a fake obeys what was found."""

from __future__ import annotations

from contextlib import closing
from dataclasses import fields, replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts.calibrate import as_toml, calibrate
from fakeviam_contracts.connection import Address
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.probes import NOT_SERVED, PROBES
from fakeviam_contracts.probing import UnsettledError
from fakeviam_contracts.remote import RemoteSubject
from fakeviam_contracts.subject import OwnFake

from fakeviam import Clock, FakeViam, PageLimit, Policy
from fakeviam.cli import main
from fakeviam.model.errors import UsageError
from fakeviam.policy_file import read_policy
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
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
