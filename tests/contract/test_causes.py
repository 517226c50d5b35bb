"""Findings of one cause are told together."""

from __future__ import annotations

from typing import Any

import pytest
from fakeviam_contracts.assertions import Assertion
from fakeviam_contracts.causes import by_cause, cause_of
from fakeviam_contracts.results import Finding


def _cause(compared: tuple[str, Any, Any], field: str = "") -> str:
    return cause_of(Assertion("UP-7", *compared, cause=field))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # One server writes in lower case wherever it stores.
        (("tags of file 0", {"Dog"}, {"dog"}), ("component of an upload", "Cam", "cam")),
        (("names", {0: " pets"}, {0: "pets"}), ("tags of file 3", {"dog "}, {"dog"})),
        (("labels", ["caf\u00e9"], ["cafe\u0301"]), ("tags of file 1", {"\ufb01sh"}, {"fish"})),
        (("tags of file 0", {"a", "b"}, {"a"}), ("tags of file 12", {"c", "d"}, {"d"})),
        (("count", 3, 2), ("count", 100, 99)),
        (("status of TagsByFilter", "OK", "INTERNAL: x"),
         ("status of TagsByFilter", "OK", "INTERNAL: y")),
        (("the files by method", [1], []), ("count by method", 1, 0)),
    ],
)  # fmt: skip
def test_the_same_cause(one: tuple[str, Any, Any], other: tuple[str, Any, Any]) -> None:
    field = "method" if "by method" in one[0] else ""
    assert _cause(one, field) == _cause(other, field)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("tags of file 0", {"Dog"}, {"dog"}), ("tags of file 0", {"Dog", "a"}, {"Dog"})),
        (("tags of file 0", {"a", "b"}, {"a"}), ("boxes of file 0", {"a", "b"}, {"a"})),
        (("count", 3, 2), ("count", 3, 4)),
        (("order", [1, 2], [2, 1]), ("order", [1, 2], [1])),
        (("status of A", "OK", "INTERNAL: x"), ("status of A", "OK", "NOT_FOUND: x")),
        (("x", True, False), ("y", True, False)),
    ],
)
def test_another_cause(one: tuple[str, Any, Any], other: tuple[str, Any, Any]) -> None:
    assert _cause(one) != _cause(other)


def test_groups_keep_the_order_in_which_they_were_found() -> None:
    found = [
        Finding(name="a", assertion=Assertion("UP-7", "tags of file 0", {"A"}, {"a"}),
                steps=[], calls=[]),
        Finding(name="b", assertion=Assertion("PG-1", "size", 2, 3), steps=[], calls=[]),
        Finding(name="c", assertion=Assertion("DS-3", "names", {0: "B"}, {0: "b"}),
                steps=[], calls=[]),
    ]  # fmt: skip
    groups = by_cause(found)
    assert [[finding.name for finding in group] for group in groups.values()] == [["a", "c"], ["b"]]
