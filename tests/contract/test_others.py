"""Writes by filter on a server that holds the data of others, or of nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.remote import RemoteSubject
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import FakeViam
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.results import Result
    from fakeviam_contracts.wirelog import Wire


class Forgets(Interceptor):
    """Forgets a part of the filters of writes: the component, or all of it."""

    def __init__(self, part: str = "") -> None:
        self.part = part

    def request(self, rpc: str, message: Any) -> Any:
        if rpc.endswith("ByFilter") and rpc.startswith(("Delete", "Add", "Remove")):
            filter_ = data.Filter()
            if self.part:
                filter_.CopyFrom(message.filter)
                filter_.ClearField(self.part)  # type: ignore[arg-type]  # a field by its name
            message.filter.CopyFrom(filter_)
        return message


class Hides(Interceptor):
    """Shows no file to who does not ask for something."""

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        if rpc == "BinaryDataByFilter" and not request.data_request.filter.component_name:
            del message.data[:]
        return message


def _upload(wire: Wire, part: str, component: str, what: datasync.DataTypeValue) -> str:
    metadata = datasync.UploadMetadata(
        part_id=part, component_name=component, type=what, tags=["dog"]
    )
    content = datasync.SensorData(binary=b"theirs")
    if what == datasync.DATA_TYPE_TABULAR_SENSOR:
        content = datasync.SensorData()
        content.struct.fields["n"].number_value = 1
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[content])
    answer = wire.call("DataCaptureUpload", request)
    return str(answer.binary_data_id)


def _fill_files(wire: Wire, part: str) -> None:
    for component in ("cam", ""):
        _upload(wire, part, component, datasync.DATA_TYPE_BINARY_SENSOR)


def _fill_readings(wire: Wire, part: str) -> None:
    _upload(wire, part, "sensor", datasync.DATA_TYPE_TABULAR_SENSOR)


def _dump(wire: Wire) -> list[bytes]:
    """Every record and every tag, byte for byte."""
    asked = (
        ("BinaryDataByFilter", data.BinaryDataByFilterRequest(include_binary=True)),
        ("TabularDataByFilter", data.TabularDataByFilterRequest()),
        ("TagsByFilter", data.TagsByFilterRequest()),
    )
    return [wire.call(rpc, request).SerializeToString(deterministic=True) for rpc, request in asked]


def _ran(
    wrong: Interceptor,
    clauses: str,
    fill: Callable[[Wire, str], None] = lambda _, __: None,
) -> tuple[Result, bool]:
    """What a run finds, and whether everything on the server is as it was."""
    with FakeViam(seed=1, interceptors=[wrong]) as cloud:
        part = cloud.default_part.id
        line = RemoteConnection(Address(target=cloud.target))
        fill(line.wire(), part)
        before = _dump(line.wire())
        result = run(RunConfig(target=cloud.target, parts=(part,), clauses=clauses))
        same = _dump(line.wire()) == before
        line.close()
        cloud.check()
    return result, same


@pytest.mark.parametrize("part", ["component_name", ""], ids=["the component", "everything"])
@pytest.mark.parametrize("fill", [_fill_files, _fill_readings], ids=["files", "readings"])
@pytest.mark.thinned(4)
def test_nothing_of_others_changes_whatever_a_server_forgets(
    fill: Callable[[Wire, str], None], part: str
) -> None:
    """Not even DF-1 is tried, and the run says why."""
    result, same = _ran(Forgets(part), "DF-1", fill)
    assert same
    reasons = {check.reason for check in result.checks if check.verdict is Verdict.SKIPPED}
    assert any("others have" in reason and "DeleteBinaryDataByFilter" in reason
               for reason in reasons)  # fmt: skip
    assert not result.findings


@pytest.mark.slow
def test_random_programs_spare_others_too() -> None:
    with FakeViam(seed=1, interceptors=[Forgets()]) as cloud:
        address, part = Address(target=cloud.target), cloud.default_part.id
        subject = RemoteSubject(Interpretation.named("documented"), address, parts=(part,))
        _fill_files(subject.line.wire(), part)
        before = _dump(subject.line.wire())
        done = run_programs(subject, seed=3, wanted=2)
        assert _dump(subject.line.wire()) == before
        subject.close()
        assert done.count == 2
        assert done.failed is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clauses", "found"), [("DF-1", "DeleteBinaryDataByFilter"), ("TA-3", "AddTagsToBinaryData")]
)
def test_what_a_server_forgets_is_found_where_nobody_has_anything(clauses: str, found: str) -> None:
    """A bystander of the kit's own shows that the component is ignored (DF-1, TA-3)."""
    result, same = _ran(Forgets("component_name"), clauses)
    finding = next(each for each in result.findings if each.clause == clauses)
    assert finding.assertion.what.startswith(f"a file of another component after {found}")
    assert same


@pytest.mark.slow
def test_where_nobody_has_anything_all_is_tried_and_nothing_left() -> None:
    """DF-1 and TA-3 are checked on an empty server, shared or not."""
    result, same = _ran(Interceptor(), "[DT][FA]-[13]")
    kept = {clause.clause for clause in result.clauses if clause.verdict is Verdict.KEPT}
    assert {"DF-1", "TA-3"} <= kept
    assert not result.findings
    assert same


@pytest.mark.slow
def test_who_does_not_show_everything_is_not_trusted() -> None:
    result, _ = _ran(Hides(), "DF-1")
    assert any("does not show all" in check.reason for check in result.checks)
