"""Evidence levels and errors."""

from __future__ import annotations

import itertools

import pytest
from grpclib.const import Status

from fakeviam.model import errors
from fakeviam.model.errors import FakeViamError, Refusal, StatusCode, UsageError
from fakeviam.model.evidence import Evidence

LABELS = ["assumed", "observed", "relied-on", "documented"]


def test_levels_compare_weakest_first() -> None:
    """As min_evidence needs them to (SV-5)."""
    levels = [Evidence.of(label) for label in LABELS]
    assert levels == sorted(Evidence)
    assert all(one < other for one, other in itertools.pairwise(levels))
    assert [level.label for level in levels] == LABELS


@pytest.mark.parametrize("label", ["", "Documented", "relied_on", "RELIED-ON"])
def test_other_labels_are_refused(label: str) -> None:
    text = f"must be one of documented, relied-on, observed, assumed, got {label!r}"
    with pytest.raises(UsageError, match=text):
        Evidence.of(label)


def test_status_codes_are_those_of_grpc() -> None:
    assert {code.name: code.value for code in StatusCode} == {
        code.name: Status[code.name].value for code in StatusCode
    }


REFUSALS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
]


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusals_have_status_text_and_clause(kind: type[Refusal]) -> None:
    """One root for all errors; the text ends with the clause (SV-3)."""
    refusal = kind("label must not be blank", clause="BX-3")
    assert isinstance(refusal, FakeViamError)
    assert refusal.status in StatusCode
    assert refusal.clause == "BX-3"
    assert refusal.text == str(refusal) == "label must not be blank [BX-3]"
    assert kind("no robot part found", clause="A22", bare=True).text == "no robot part found"


def test_every_status_has_its_refusal() -> None:
    """But the status of a bug, which is no refusal (SV-4)."""
    used = {kind.status for kind in REFUSALS}
    assert used == set(StatusCode) - {StatusCode.INTERNAL}


@pytest.mark.parametrize("length", [1, 666, 667, 10**6])
def test_long_texts_are_cut(length: int) -> None:
    """So that they fit into a header; the clause is always there (SV-3)."""
    text = errors.InvalidArgumentError("ü" * length, clause="A56").text
    assert text.endswith(" [A56]")
    assert (str(length) in text) is (length > 666)
    assert len(text.encode()) * 3 < 8192


def test_a_usage_error_is_a_value_error() -> None:
    assert issubclass(UsageError, ValueError)
    assert issubclass(UsageError, FakeViamError)
    assert not issubclass(UsageError, Refusal)
