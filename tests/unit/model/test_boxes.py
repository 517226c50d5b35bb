"""What a bounding box may be."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model.annotations import (
    COORDINATES,
    BoundingBox,
    check_box,
    check_confidence,
    check_label,
)
from fakeviam.model.errors import InvalidArgumentError

BOX = BoundingBox(
    id="1",
    label="cat",
    x_min_normalized=0.25,
    y_min_normalized=0.25,
    x_max_normalized=0.75,
    y_max_normalized=0.75,
)

_NUMBERS = st.floats() | st.floats(0, 1)


def box(**fields: Any) -> BoundingBox:
    """A good box but for these fields."""
    return replace(BOX, **fields)


def refused(bad: BoundingBox, clause: str, text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_box(bad)
    assert caught.value.clause == clause
    assert caught.value.text.endswith(f" [{clause}]")
    assert text in caught.value.text


@given(_NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, st.none() | _NUMBERS, st.text(max_size=3))
def test_boxes_by_one_rule(
    x_min: float, y_min: float, x_max: float, y_max: float, confidence: float | None, label: str
) -> None:
    """In the image, ends in order, a label, a confidence that is one (BX-2, BX-3, BX-4, BX-7)."""
    box = BoundingBox(
        id="1",
        label=label,
        x_min_normalized=x_min,
        y_min_normalized=y_min,
        x_max_normalized=x_max,
        y_max_normalized=y_max,
        confidence=confidence,
    )
    good = (
        0 <= x_min <= x_max <= 1
        and 0 <= y_min <= y_max <= 1
        and (confidence is None or 0 <= confidence <= 1)
        and bool(label.strip())
    )
    if good:
        assert check_box(box) is box
    else:
        with pytest.raises(InvalidArgumentError):
            check_box(box)


@pytest.mark.parametrize("name", COORDINATES)
@given(value=st.floats(max_value=0, exclude_max=True) | st.floats(min_value=1, exclude_min=True))
def test_each_coordinate_is_checked(name: str, value: float) -> None:
    """The text has its name and its value (BX-2)."""
    refused(box(**{name: value}), "BX-2", f"{name} must be ")
    refused(box(**{name: value}), "BX-2", f"got {value!r}")
    refused(box(**{name: math.nan}), "BX-2", "a finite number between 0 and 1, got nan")


@pytest.mark.parametrize("axis", "xy")
@given(st.floats(0, 1), st.floats(0, 1))
def test_ends_are_in_order(axis: str, one: float, other: float) -> None:
    """Equal ones are (BX-7)."""
    low, high = sorted([one, other])
    fields = (f"{axis}_min_normalized", f"{axis}_max_normalized")
    right = box(**dict(zip(fields, (low, high), strict=True)))
    assert check_box(right) is right
    if low < high:
        turned = box(**dict(zip(fields, (high, low), strict=True)))
        refused(turned, "BX-7", f"{fields[0]} {high!r} is greater than {fields[1]} {low!r}")


@given(st.text(st.characters(categories=["Zs", "Zl", "Zp"]) | st.sampled_from("\t\n\r\x0b\x0c")))
def test_a_blank_label_is_none(label: str) -> None:
    """Whatever kind of space it is made of (BX-3)."""
    with pytest.raises(InvalidArgumentError) as caught:
        check_label(label)
    assert caught.value.clause == "BX-3"
    check_label(label + "x")


@given(st.floats())
def test_a_confidence_lies_between_0_and_1(value: float) -> None:
    """None is none (BX-4)."""
    check_confidence(None)
    if 0 <= value <= 1:
        check_confidence(value)
    else:
        with pytest.raises(InvalidArgumentError) as caught:
            check_confidence(value)
        assert caught.value.clause == "BX-4"
