"""The policy: its presets, field by field, and what it refuses."""

from __future__ import annotations

import dataclasses
import inspect
from datetime import timedelta
from typing import Any

import pytest

from fakeviam.model.errors import UsageError
from fakeviam.model.policy import PageLimit, Policy

MEBIBYTE = 1024 * 1024

#: Field → documented, observed, strict.
TABLE: dict[str, tuple[Any, Any, Any]] = {
    "default_order": ("descending", "descending", "descending"),
    "interval_bounds": ("closed", "closed", "closed"),
    "interval_clock": ("time_requested", "time_requested", "time_requested"),
    "count": ("page", "page", "page"),
    "max_page": (None, None, PageLimit(100, "refuse")),
    "binary_page": (None, None, PageLimit(1, "refuse")),
    "max_response_bytes": (None, 4 * MEBIBYTE, 4 * MEBIBYTE),
    "max_request_bytes": (None, 4 * MEBIBYTE, 4 * MEBIBYTE),
    "remove_tags_count": ("tags", "records", "records"),
    "dataset_label": ("shown", "hidden", "shown"),
    "empty_delete_filter": ("delete-everything", "refuse", "refuse"),
    "unknown_ids": ("skip", "skip", "refuse"),
    "unknown_dataset": ("refuse", "refuse", "refuse"),
    "dataset_creation": ("any-owner", "any-owner", "organization-owner"),
    "duplicate_dataset_name": ("ALREADY_EXISTS", "ALREADY_EXISTS", "ALREADY_EXISTS"),
    "invalid_part": ("UNKNOWN", "UNKNOWN", "UNKNOWN"),
    "deprecated_binary_id": ("accept", "accept", "refuse"),
    "empty_parameters": ("constraint", "constraint", "constraint"),
    "tags_by_filter_scope": ("binary-and-tabular", "binary-and-tabular", "binary-and-tabular"),
    "legacy_field_1": ("left-out", "left-out", "left-out"),
    "extended_json_in_bson": ("expand", "expand", "refuse"),
    "sql_needs_time_bound": (False, True, False),
    "visibility_lag": (timedelta(0), timedelta(0), timedelta(0)),
    "page_token": ("refuse", "ignore", "refuse"),
}
PRESETS = ("documented", "observed", "strict")
FIELDS = [field.name for field in dataclasses.fields(Policy)]


@pytest.mark.parametrize("field", TABLE)
def test_each_field_of_each_preset(field: str) -> None:
    """As the decisions have it (A1, A2, A3, A4, A6, A8, A10, A13, A14, A16, A22, A53, A56, A57)."""
    presets = (Policy.documented(), Policy.observed(), Policy.strict())
    assert tuple(getattr(preset, field) for preset in presets) == TABLE[field]


def test_the_table_has_every_field() -> None:
    assert set(TABLE) == set(FIELDS)


def test_documented_is_the_default() -> None:
    assert Policy() == Policy.documented()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_names(name: str) -> None:
    assert Policy.preset(name) == getattr(Policy, name)()


@pytest.mark.parametrize("name", ["", "Strict", "default"])
def test_other_names_are_refused(name: str) -> None:
    text = f"policy must be one of documented, observed, strict, got {name!r}"
    with pytest.raises(UsageError, match=text):
        Policy.preset(name)


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_is_explained(field: str) -> None:
    """With the point it decides, in the class's docstring."""
    assert f"\n    {field}: " in inspect.cleandoc(Policy.__doc__ or "")


@pytest.mark.parametrize("field", FIELDS)
def test_values_without_meaning_are_refused(field: str) -> None:
    """By name, with the value that came."""
    wrong: Any = object()
    with pytest.raises(UsageError, match=f"{field} must .*got <object"):
        Policy(**{field: wrong})


@pytest.mark.parametrize("field", [name for name in FIELDS if isinstance(TABLE[name][0], str)])
@pytest.mark.parametrize("wrong", ["", None, [], {}])
def test_choices_are_closed(field: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"{field} must be one of '"):
        Policy(**{field: wrong})


@pytest.mark.parametrize("size", [0, -1, -100])
def test_a_ceiling_of_nothing_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match=f"page limit must be at least 1, got {size}"):
        PageLimit(size)
    with pytest.raises(UsageError, match=f"max_response_bytes must be at least 1, got {size}"):
        Policy(max_response_bytes=size)
    with pytest.raises(UsageError, match=f"max_request_bytes must be at least 1, got {size}"):
        Policy(max_request_bytes=size)


@pytest.mark.parametrize("size", ["5", 1.5, None, True])
def test_a_ceiling_is_a_whole_number(size: Any) -> None:
    with pytest.raises(UsageError, match="page limit must be a whole number"):
        PageLimit(size)
    if size is not None:
        with pytest.raises(UsageError, match="max_response_bytes must be a whole number"):
            Policy(max_response_bytes=size)


@pytest.mark.parametrize("beyond", ["", "cut", None])
def test_what_is_beyond_a_limit_is_cut_or_refused(beyond: Any) -> None:
    with pytest.raises(UsageError, match="beyond must be one of 'clamp', 'refuse'"):
        PageLimit(1, beyond)


def test_no_lag_is_negative() -> None:
    with pytest.raises(UsageError, match="visibility_lag must not be negative"):
        Policy(visibility_lag=timedelta(microseconds=-1))
    with pytest.raises(UsageError, match="visibility_lag must be a timedelta"):
        Policy(visibility_lag=5)  # type: ignore[arg-type]


def test_fields_can_be_replaced_and_policies_compared() -> None:
    changed = dataclasses.replace(Policy.strict(), unknown_ids="skip")
    assert changed.unknown_ids == "skip"
    assert changed != Policy.strict()
    assert {Policy(), Policy.documented()} == {Policy()}
    with pytest.raises(UsageError, match="unknown_ids"):
        dataclasses.replace(Policy(), unknown_ids="maybe")  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.unknown_ids = "refuse"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Policy("descending")  # type: ignore[call-arg]
