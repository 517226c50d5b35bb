"""Bounding boxes and classifications on a binary record."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.names import check_not_blank
from fakeviam.model.text import short

COORDINATES = ("x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized")


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundingBox:
    """A labelled rectangle; coordinates are fractions of the image, 0 to 1."""

    id: str
    label: str
    x_min_normalized: float
    y_min_normalized: float
    x_max_normalized: float
    y_max_normalized: float
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """A label on the whole image, with an optional confidence from 0 to 1."""

    id: str
    label: str
    confidence: float | None = None


def check_box(box: BoundingBox) -> BoundingBox:
    """Return `box` if it is valid (BX-2, BX-3, BX-4, BX-7)."""
    check_label(box.label)
    for name in COORDINATES:
        value: float = getattr(box, name)
        # `not (a <= x <= b)` is true for NaN as well.
        if not 0.0 <= value <= 1.0:
            raise InvalidArgumentError(_range_text(name, value), clause="BX-2")
    for axis in "xy":
        low: float = getattr(box, f"{axis}_min_normalized")
        high: float = getattr(box, f"{axis}_max_normalized")
        if low > high:
            text = f"{axis}_min_normalized {low!r} is greater than {axis}_max_normalized {high!r}"
            raise InvalidArgumentError(text, clause="BX-7")
    check_confidence(box.confidence)
    return box


def check_label(label: str) -> None:
    """Refuse an empty or blank label (BX-3)."""
    check_not_blank(label, clause="BX-3", field="label")


def check_confidence(confidence: float | None) -> None:
    """Refuse a confidence outside 0 to 1 (BX-4)."""
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise InvalidArgumentError(_range_text("confidence", confidence), clause="BX-4")


def _range_text(name: str, value: float) -> str:
    if math.isfinite(value):
        return f"{name} must be between 0 and 1, got {short(value)}"
    return f"{name} must be a finite number between 0 and 1, got {short(value)}"
