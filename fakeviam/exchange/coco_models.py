"""Models of COCO files, and their unused fields."""

from __future__ import annotations

from typing import Annotated

from fakeviam.exchange.lenient import Lenient, Original
from fakeviam.seeds.field_types import Tag  # noqa: TC001 - pydantic evaluates them
from fakeviam.seeds.models import ClassificationEntry  # noqa: TC001
from fakeviam.validation.types import Many, Name, Number, Omittable, OneOrMany, Parsed, Shorthand


def _id(value: object) -> str | None:
    """Normalize ids of any scalar type; programs mix 1, 1.0 and "1"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_id = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_id else None


def _pixels(value: object) -> float | None:
    """A number of pixels; anything else is treated as absent (0)."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return max(value, 0)


_ID_SCHEMA: dict[str, object] = {"type": ["number", "string"]}
Id = Annotated[str, Parsed(_id, "a number or text", _ID_SCHEMA)]
_Pixels = Annotated[float, Parsed(_pixels, "a number of pixels", {"type": "number"})]


class Extra(Lenient, extra="allow"):
    """An image, annotation or category, whose unused fields are counted."""

    @property
    def others(self) -> dict[str, object]:
        """The unused fields."""
        return self.model_extra or {}


class CocoImage(Extra):
    """An image."""

    id: Id
    file_name: Name
    width: _Pixels = 0
    height: _Pixels = 0
    date_captured: object = None
    tags: OneOrMany[Tag] = ()
    classifications: Many[Annotated[ClassificationEntry, Shorthand("label")]] = ()
    viam: Original = Original()


class Segment(Extra):
    """A part of a panoptic annotation."""

    category_id: Id
    bbox: Omittable[Many[Number]] = None


class CocoAnnotation(Extra):
    """An annotation of an image."""

    id: Omittable[Id] = None
    image_id: Id
    category_id: Omittable[Id] = None
    bbox: Omittable[Many[Number]] = None
    score: Omittable[Number] = None
    segmentation: object = None
    segments_info: Many[Segment] = ()


class CocoCategory(Extra):
    """A category."""

    id: Id
    name: Name


class Coco(Extra):
    """The whole file."""

    images: Many[CocoImage] = ()
    annotations: Many[CocoAnnotation] = ()
    categories: Many[CocoCategory] = ()
