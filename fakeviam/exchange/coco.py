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
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fakeviam.exchange.exporting import ExportError, put
from fakeviam.exchange.names import Distinct, full_name, go_time, user_tags
from fakeviam.exchange.sizes import Size, size_of
from fakeviam.model.annotations import BoundingBox, check_box
from fakeviam.model.errors import Refusal
from fakeviam.model.mime import is_image
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.seeds.checks import Field, Keep, Many, Number, Record, Spot, Text
from fakeviam.seeds.mistakes import Mistake, Notes, Place, SeedError, WrongError
from fakeviam.seeds.nodes import Node
from fakeviam.seeds.tables import CLASSIFICATION, TAGS
from fakeviam.seeds.values import Capture, Contents, DatasetSeed, FileSeed, Seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.seeds.checks import Kept
    from fakeviam.wire import data as wire

#: The JSON file that an export holds.
FILE = "annotations.json"

# Where images stand as seen from the JSON file: next to it, or in a folder of one of these names.
_FOLDERS = ("", "images", "data")

# How far a box may reach over the edge, in pixels.
_SLACK = 1.0

_IMAGE = Record(
    {
        "id": Field(Number(), required=True),
        "file_name": Field(Text(), required=True),
        "width": Field(Number("a number of pixels", least=1)),
        "height": Field(Number("a number of pixels", least=1)),
        "tags": TAGS,
        "classifications": Field(Many(CLASSIFICATION), default=()),
    },
    open=True,
)
_ANNOTATION = Record(
    {
        "image_id": Field(Number(), required=True),
        "category_id": Field(Number()),
        "bbox": Field(Keep(Many(Number()))),
        "score": Field(Number("a number from 0 to 1")),
    },
    open=True,
)
_CATEGORY = Record(
    {"id": Field(Number(), required=True), "name": Field(Text(), required=True)}, open=True
)
_COCO = Record(
    {
        "images": Field(Many(Keep(_IMAGE)), required=True),
        "annotations": Field(Many(Keep(_ANNOTATION)), default=()),
        "categories": Field(Many(Keep(_CATEGORY)), default=()),
    },
    open=True,
)


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
    """The seed that a COCO file says.

    Args:
        path: The JSON file.
        images: The folder of the images; by default the one of the JSON file, or `images` or
            `data` in it.
        dataset: Name of the dataset that the images go into; by default that of the JSON file
            without its extension, and none if empty.
        part: The part they belong to, as seeds name it.

    Raises:
        SeedError: It is no such file, names images that are missing, or has boxes that cannot be.
    """
    place, name = Path(path), os.fspath(path)
    notes = Notes()
    try:
        values = _COCO.read(Node(_json(place, name)), Spot(notes, name))
    except WrongError:
        notes.check()
        raise
    reader = _Reader(values, [Path(images)] if images else [place.parent / f for f in _FOLDERS])
    into = place.stem if dataset is None else dataset
    files = tuple(reader.files((into,) if into else (), Capture(part=part)))
    notes.check()
    datasets = (DatasetSeed(name=into, place=Place(file=name)),) if into else ()
    return Seed(files=files, datasets=datasets)


def _json(path: Path, name: str) -> object:
    """The document; read by Python's own json, since these files can be large."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        text = f"cannot be read: {error.strerror or error}"
        raise SeedError([Mistake(place=Place(file=name), text=text)]) from error
    except ValueError as error:
        place = Place(file=name, line=getattr(error, "lineno", 0))
        raise SeedError([Mistake(place=place, text=f"is no JSON: {error}")]) from error


class _Reader:
    """Puts images, annotations and categories together."""

    def __init__(self, values: dict[str, Any], folders: list[Path]) -> None:
        self._folders = folders
        self._images = _by_id(values["images"], "image")
        self._labels = {
            number: kept.value["name"]
            for number, kept in _by_id(values["categories"], "category").items()
        }
        self._boxes: dict[float, list[BoundingBox]] = {}
        for annotation in values["annotations"]:
            if annotation.value["bbox"] is not None:
                self._take(annotation)

    def _take(self, kept: Kept) -> None:
        values = kept.value
        image = self._images.get(values["image_id"])
        label = self._labels.get(values["category_id"])
        if image is None:
            kept.wrong(f"image_id: there is no image {values['image_id']}")
        elif label is None:
            kept.wrong(f"category_id: there is no category {values['category_id']}")
        else:
            box = _box(values, label, image)
            if box is not None:
                self._boxes.setdefault(values["image_id"], []).append(box)

    def files(self, datasets: tuple[str, ...], capture: Capture) -> Iterator[FileSeed]:
        for number, kept in self._images.items():
            values = kept.value
            path = self._path(values["file_name"])
            if path is None:
                folders = ", ".join(str(folder) for folder in self._folders)
                kept.wrong(f"file_name: no file {values['file_name']!r} in {folders}")
                continue
            name = PurePosixPath(values["file_name"])
            moment = _moment(kept.node)
            yield FileSeed(
                label=values["file_name"],
                contents=Contents(path=path),
                file_name=str(name.with_suffix("")),
                file_ext=name.suffix,
                capture=capture,
                tags=tuple(dict.fromkeys(values["tags"])),
                datasets=datasets,
                boxes=tuple(self._boxes.get(number, ())),
                classifications=values["classifications"],
                time_requested=moment,
                place=kept.place,
            )

    def _path(self, name: str) -> Path | None:
        """Where an image is; its name must not lead out of its folder."""
        steps = PurePosixPath(name)
        if steps.is_absolute() or ".." in steps.parts:
            return None
        return next((f / steps for f in self._folders if (f / steps).is_file()), None)


def _by_id(given: tuple[Kept, ...], kind: str) -> dict[float, Kept]:
    found: dict[float, Kept] = {}
    for kept in given:
        number = kept.value["id"]
        if number in found:
            kept.wrong(f"id: there is another {kind} {number}")
        found.setdefault(number, kept)
    return found


def _moment(node: Node) -> int | None:
    """When an image was captured. Programs write all sorts of things there."""
    text = node.value.get("date_captured")
    return nanos_from_text(text) if isinstance(text, str) else None


def _box(values: dict[str, Any], label: str, image: Kept) -> BoundingBox | None:
    kept: Kept = values["bbox"]
    width, height = image.value["width"], image.value["height"]
    if width is None or height is None:
        image.wrong("width or height is missing; boxes are fractions of them")
        return None
    if len(kept.value) != 4:
        kept.wrong(f"must be x, y, width and height, got {len(kept.value)} numbers")
        return None
    x, y, wide, high = kept.value
    edges = (x, y, x + wide, y + high)
    if wide < 0 or high < 0 or not _inside(edges, width, height):
        kept.wrong(f"must lie in the image of {width:g} x {height:g} pixels, got {kept.value}")
        return None
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
                confidence=values["score"],
            )
        )
    except Refusal as refusal:
        kept.wrong(refusal.text)
        return None


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
