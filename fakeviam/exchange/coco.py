"""COCO: one JSON file of images, annotations and categories next to the images.

What is read: `images` (id, file_name, width, height, and date_captured where it is a time),
`annotations` (image_id, category_id, bbox, score) and `categories` (id, name). Segmentations,
captions and key points have no place in Viam's data cloud and are left out; so are annotations
without a bbox. A box may reach one pixel over the edge of its image, as rounding makes it, and is
cut there; one that reaches further is a mistake. `tags` and `classifications` of an image, which
our own export adds, are read too.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from fakeviam.exchange.exporting import ExportError, put
from fakeviam.exchange.files import is_file, read_json
from fakeviam.exchange.names import Distinct, full_name, go_time, user_tags
from fakeviam.exchange.sizes import Size, size_of
from fakeviam.model.annotations import BoundingBox, check_box
from fakeviam.model.errors import Refusal
from fakeviam.model.mime import is_image
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.seeds.diagnostics import Diagnostics, printable
from fakeviam.seeds.document import Document
from fakeviam.seeds.models import ClassificationEntry, Fraction, Tag
from fakeviam.seeds.values import Capture, Contents, DatasetSeed, FileSeed, Seed
from fakeviam.validation.models import Model
from fakeviam.validation.types import (
    Many,
    Name,
    Number,
    Omittable,
    OneOrMany,
    Parsed,
    Shorthand,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from fakeviam.seeds.diagnostics import Location
    from fakeviam.wire import data as wire

#: The JSON file that an export holds.
FILE = "annotations.json"

# Folders of the images relative to the JSON file.
_FOLDERS = ("", "images", "data")

# How far a box may reach over the edge, in pixels.
_SLACK = 1.0


def _id(value: object) -> float | None:
    """Any number, unconverted: a float would round large ids."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


_Id = Annotated[float, Parsed(_id, "a number", {"type": "number"})]
_Pixels = Annotated[Number, Field(ge=1)]


class _Image(Model, extra="ignore"):
    id: _Id
    file_name: Name
    width: Omittable[_Pixels] = None
    height: Omittable[_Pixels] = None
    date_captured: object = None
    tags: OneOrMany[Tag] = ()
    classifications: Many[Annotated[ClassificationEntry, Shorthand("label")]] = ()


class _Annotation(Model, extra="ignore"):
    image_id: _Id
    category_id: Omittable[_Id] = None
    bbox: Omittable[Many[Number]] = None
    score: Omittable[Fraction] = None


class _Category(Model, extra="ignore"):
    id: _Id
    name: Name


class _Coco(Model, extra="ignore"):
    images: Many[_Image]
    annotations: Many[_Annotation] = ()
    categories: Many[_Category] = ()


# Reading -------------------------------------------------------------------------------------


def looks_like_coco(document: object) -> bool:
    """Whether a JSON document is COCO, and not a seed, which has images too."""
    return (
        isinstance(document, dict)
        and "images" in document
        and ("annotations" in document or "categories" in document)
    )


def read_coco(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    dataset: str | None = None,
    part: str = "",
) -> Seed:
    """The seed that a COCO file specifies.

    Args:
        path: The JSON file.
        images: The folder of the images; by default the one of the JSON file, or `images` or
            `data` in it.
        dataset: Name of the dataset that the images go into; by default that of the JSON file
            without its extension, and none if empty.
        part: The part they belong to, as seeds name it.

    Raises:
        SeedError: It is not a COCO file, images are missing, or boxes are invalid.
    """
    file = Path(path)
    document = Document.without_lines(read_json(file), printable(path))
    folders = [Path(images)] if images else [file.parent / folder for folder in _FOLDERS]
    reader = _Reader(document, folders)
    into = file.stem if dataset is None else dataset
    files = tuple(reader.files((into,) if into else (), Capture(part=part)))
    reader.diagnostics.check()
    datasets = (DatasetSeed(name=into, at=document.at()),) if into else ()
    return Seed(files=files, datasets=datasets)


class _Reader:
    """Joins images, annotations and categories."""

    def __init__(self, document: Document, folders: list[Path]) -> None:
        self.diagnostics = Diagnostics()
        self._document = document
        self._folders = folders
        coco = document.validate(_Coco)
        self._images: dict[float, tuple[_Image, Location]] = {}
        for number, image in enumerate(coco.images):
            at = document.at("images", number)
            self._check_new(image.id, self._images, "image", at)
            self._images.setdefault(image.id, (image, at))
        self._labels: dict[float, str] = {}
        for number, category in enumerate(coco.categories):
            at = document.at("categories", number)
            self._check_new(category.id, self._labels, "category", at)
            self._labels.setdefault(category.id, category.name)
        self._boxes: dict[float, list[BoundingBox]] = {}
        for number, annotation in enumerate(coco.annotations):
            with self.diagnostics:
                self._take(annotation, document.at("annotations", number))

    def _check_new(
        self, id_: float, known: Mapping[float, object], kind: str, at: Location
    ) -> None:
        with self.diagnostics:
            if id_ in known:
                raise at.error(f"id: there is another {kind} {id_}")

    def _take(self, annotation: _Annotation, at: Location) -> None:
        if annotation.bbox is None:
            return
        if annotation.image_id not in self._images:
            raise at.error(f"image_id: there is no image {annotation.image_id}")
        label = self._labels.get(annotation.category_id or 0)
        if label is None or annotation.category_id is None:
            raise at.error(f"category_id: there is no category {annotation.category_id}")
        image, image_at = self._images[annotation.image_id]
        if image.width is None or image.height is None:
            raise image_at.error("width or height is missing; boxes are fractions of them")
        box = _box(annotation, label, (image.width, image.height), at.inside("bbox"))
        self._boxes.setdefault(annotation.image_id, []).append(box)

    def files(self, datasets: tuple[str, ...], capture: Capture) -> Iterator[FileSeed]:
        for number, (image, at) in self._images.items():
            with self.diagnostics:
                path = self._path(image.file_name, at)
                name = PurePosixPath(image.file_name)
                yield FileSeed(
                    label=image.file_name,
                    contents=Contents(path=path),
                    file_name=str(name.with_suffix("")),
                    file_ext=name.suffix,
                    capture=capture,
                    tags=tuple(dict.fromkeys(image.tags)),
                    datasets=datasets,
                    boxes=tuple(self._boxes.get(number, ())),
                    classifications=tuple(one.classification for one in image.classifications),
                    time_requested=_time(image.date_captured),
                    at=at,
                )

    def _path(self, name: str, at: Location) -> Path:
        """The path of an image; its name must not lead out of its folder."""
        steps = PurePosixPath(name)
        if not steps.is_absolute() and ".." not in steps.parts:
            for folder in self._folders:
                if is_file(folder / steps):
                    return folder / steps
        folders = ", ".join(str(folder) for folder in self._folders)
        raise at.error(f"file_name: no file {name!r} in {folders}")


def _time(text: object) -> int | None:
    """When an image was captured, if the field holds a time at all."""
    return nanos_from_text(text) if isinstance(text, str) else None


def _box(
    annotation: _Annotation, label: str, size: tuple[float, float], at: Location
) -> BoundingBox:
    numbers = annotation.bbox or ()
    if len(numbers) != 4:
        raise at.error(f"must be x, y, width and height, got {len(numbers)} numbers")
    width, height = size
    x, y, wide, high = numbers
    edges = (x, y, x + wide, y + high)
    if wide < 0 or high < 0 or not _inside(edges, width, height):
        pixels = f"{width:g} x {height:g} pixels"
        raise at.error(f"must lie in the image of {pixels}, got {numbers}")
    left, top, right, bottom = edges
    try:
        return check_box(
            BoundingBox(
                id="",
                label=label,
                x_min_normalized=_fraction(left, width),
                y_min_normalized=_fraction(top, height),
                x_max_normalized=_fraction(right, width),
                y_max_normalized=_fraction(bottom, height),
                confidence=annotation.score,
            )
        )
    except Refusal as refusal:
        raise at.error(refusal.text) from None


def _inside(edges: tuple[float, ...], width: float, height: float) -> bool:
    left, top, right, bottom = edges
    return (
        left >= -_SLACK and top >= -_SLACK and right <= width + _SLACK and bottom <= height + _SLACK
    )


def _fraction(pixels: float, whole: float) -> float:
    return min(max(pixels / whole, 0.0), 1.0)


# Writing -------------------------------------------------------------------------------------


class CocoWriter:
    """`annotations.json` and `images/`. COCO holds images only; other files are skipped."""

    def __init__(self, folder: Path, _: str = "") -> None:
        """Fill this folder."""
        self._folder = folder
        self._names = Distinct()
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._categories: dict[str, int] = {}

    def add(self, metadata: wire.BinaryMetadata, data: bytes) -> bool:
        """Write an image and its boxes; False if it is none.

        Raises:
            ExportError: It has boxes, and its size cannot be told.
        """
        if not is_image(metadata.capture_metadata.mime_type):
            return False
        size = size_of(data)
        name = self._names.unused(full_name(metadata), metadata.file_ext)
        if size is None and metadata.annotations.bboxes:
            text = (
                f"{name} has boxes, which COCO gives in pixels, and its size cannot be told: it is "
                "no PNG, JPEG, GIF or BMP. Choose the format folder or jsonl"
            )
            raise ExportError(text)
        number = len(self._images) + 1
        put(self._folder / "images", name, data)
        self._images.append(_image(number, name, size, metadata))
        for box in metadata.annotations.bboxes:
            self._annotations.append(self._annotation(box, number, size or Size(1, 1)))
        return True

    def _annotation(self, box: wire.BoundingBox, image: int, size: Size) -> dict[str, Any]:
        left, top = box.x_min_normalized * size.width, box.y_min_normalized * size.height
        wide = box.x_max_normalized * size.width - left
        high = box.y_max_normalized * size.height - top
        return {
            "id": len(self._annotations) + 1,
            "image_id": image,
            "category_id": self._categories.setdefault(box.label, len(self._categories) + 1),
            "bbox": [left, top, wide, high],
            "area": wide * high,
            "iscrowd": 0,
            **({"score": box.confidence} if box.HasField("confidence") else {}),
        }

    def finish(self) -> None:
        """Write the JSON file."""
        document = {
            "images": self._images,
            "annotations": self._annotations,
            "categories": [{"id": id_, "name": name} for name, id_ in self._categories.items()],
        }
        text = json.dumps(document, ensure_ascii=False, indent=1)
        put(self._folder, FILE, f"{text}\n".encode())


def _image(
    number: int, name: str, size: Size | None, metadata: wire.BinaryMetadata
) -> dict[str, Any]:
    marks = [
        {
            "label": one.label,
            **({"confidence": one.confidence} if one.HasField("confidence") else {}),
        }
        for one in metadata.annotations.classifications
    ]
    tags = user_tags(metadata)
    return {
        "id": number,
        "file_name": name,
        **({"width": size.width, "height": size.height} if size else {}),
        "date_captured": go_time(metadata),
        **({"tags": tags} if tags else {}),
        **({"classifications": marks} if marks else {}),
    }
