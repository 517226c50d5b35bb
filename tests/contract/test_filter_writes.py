"""Writes by a filter that the server evaluates wrongly are told by the field of the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import opening, reads
from fakeviam_contracts.assertions import ContractBrokenError
from fakeviam_contracts.causes import by_cause
from fakeviam_contracts.checks.base import small_world
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import Clock, FakeViam
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
    from fakeviam_contracts.results import Result

WRITES = (
    "AddTagsToBinaryDataByFilter",
    "RemoveTagsFromBinaryDataByFilter",
    "DeleteBinaryDataByFilter",
)
READS = ("BinaryDataByFilter", "TabularDataByFilter", "TagsByFilter", "BoundingBoxLabelsByFilter")


class Ignores(Interceptor):
    """Ignores a field of filters in some RPCs."""

    def __init__(self, field: str, rpcs: tuple[str, ...]) -> None:
        self._field, self._rpcs = field, rpcs

    def request(self, rpc: str, message: Any) -> Any:
        if rpc in self._rpcs:
            asked = message if hasattr(message, "filter") else message.data_request
            asked.filter.ClearField(self._field)
        return message


def _set_up(monkeypatch: pytest.MonkeyPatch, wrong: Interceptor) -> None:
    """Let the kit's own fake be wrong."""
    clock = Clock.frozen("2024-01-01T12:00:00Z")
    monkeypatch.setattr(
        opening,
        "own_fake",
        lambda _, **how: FakeViam(seed=1, clock=clock, interceptors=[wrong], **how),
    )


def _run(monkeypatch: pytest.MonkeyPatch, wrong: Interceptor, clauses: str = "TA-3") -> Result:
    _set_up(monkeypatch, wrong)
    return run(RunConfig(clauses=clauses))


@pytest.mark.parametrize(
    ("field", "clause", "cause"),
    [("mime_type", "FI-1", "mime_types"), ("bbox_labels", "FI-10", "box_labels")],
)
@pytest.mark.thinned(9)
def test_a_field_that_is_ignored_everywhere_is_one_cause(
    field: str, clause: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FI-1, FI-10: tags that are changed by such a filter are no findings of their own."""
    result = _run(monkeypatch, Ignores(field, (*READS, *WRITES)))
    assert list(by_cause(result.findings)) == [f"filters by {cause}"]
    assert {finding.clause for finding in result.findings} == {clause}


@pytest.mark.slow
@pytest.mark.parametrize(("field", "cause"), [("tags_filter", "tags"), ("interval", "interval")])
def test_a_field_of_several_parts_is_one_cause(
    field: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FI-6, FI-13: rules of tags, labels of datasets, beginnings and ends are no more causes."""
    result = _run(monkeypatch, Ignores(field, (*READS, *WRITES)), clauses="[FPT][IGA]-*")
    assert list(by_cause(result.findings)) == [f"filters by {cause}"]


def test_tags_of_readings_are_told_by_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """A47, FI-1: there are no files to tell that the filter is ignored; readings tell it."""
    _set_up(monkeypatch, Ignores("component_name", READS))
    subject = open_subject(RunConfig())
    try:
        session = subject.open_session()
        small_world(session, files=0)
        with pytest.raises(ContractBrokenError):
            reads.check_tags(session, FilterSpec(component_name="nobody"))
    finally:
        subject.close()
    assert session.broken is not None
    assert (session.broken.clause, session.broken.cause) == ("FI-1", "component_name")


@pytest.mark.slow
def test_datasets_that_filters_ignore_are_no_matter_of_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FI-11: what such a filter finds says nothing about members, or about their labels."""
    result = _run(monkeypatch, Ignores("dataset_id", (*READS, *WRITES)), clauses="D[MS]-*")
    assert list(by_cause(result.findings)) == ["filters by dataset"]


@pytest.mark.slow
def test_organizations_that_filters_ignore_are_no_matter_of_deletes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FI-1: what such a filter deletes of others is told by the filter."""
    result = _run(monkeypatch, Ignores("organization_ids", (*READS, *WRITES)), clauses="DF-*")
    assert list(by_cause(result.findings)) == ["filters by organization_ids"]


@pytest.mark.slow
def test_a_field_that_only_writes_ignore_is_told_of_the_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TA-3, TR-1: where the same filter reads the right files, the write is wrong."""
    result = _run(monkeypatch, Ignores("mime_type", WRITES))
    assert {"TA-3"} <= {finding.clause for finding in result.findings} <= {"TA-3", "TR-1", "TR-2"}
