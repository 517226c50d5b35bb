"""COCO: one JSON file of images, annotations and categories next to the images.

Supported: `images` (id, file_name, width, height, and date_captured if it is a time),
`annotations` (image_id, category_id, bbox, score) and `categories` (id, name). A category without
a box becomes a classification; an outline without a box gets one; the segments of panoptic
annotations become boxes. Everything that the data cloud cannot represent is left out and counted.
A box may exceed its image by one pixel because of rounding, and is clipped; one that exceeds it
further is an error, unless `clip` is set. `tags`, `classifications` and `viam` of an image, which
fakeviam's own exports add, are imported too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.exchange.coco_models import Coco, CocoAnnotation, CocoImage
from fakeviam.exchange.files import NO_PLACE, LeftOutCounts, with_lines
from fakeviam.exchange.lenient import CLIP
from fakeviam.exchange.outlines import box_around, is_rectangle
from fakeviam.exchange.owners import Owners
from fakeviam.exchange.places import ImageResolver
from fakeviam.exchange.sizes import image_type, size_of_file
from fakeviam.model.annotations import (
    BoundingBox,
    Classification,
    check_box,
    check_confidence,
    check_label,
)
from fakeviam.model.errors import Refusal
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.model.timestamps import nanos_from_common_text
from fakeviam.seeds.diagnostics import Diagnostics, SeedError, SourceLocation, printable
from fakeviam.seeds.document import Document, json_value, read_text
from fakeviam.seeds.values import FileContents, FileSeed, Seed

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from fakeviam.exchange.places import ResolvedImage

T = TypeVar("T")

#: The fields of a COCO file that are used.
USEFUL = ("images", "dataset", "part", "clip")

# How far a box may exceed its image, in pixels.
_SLACK = 1.0

_OUTLINES = "the data cloud keeps boxes, not outlines"
_POINTS = "the data cloud keeps boxes, not points"
_WHY = MappingProxyType(
    {
        "annotations.keypoints": _POINTS,
        "categories.keypoints": _POINTS,
        "categories.skeleton": _POINTS,
    }
)

# Fields that are derived from others.
_DERIVED = frozenset({"area", "num_keypoints"})

#: A field in `info` that marks fakeviam's own exports.
CONTRIBUTOR = "fakeviam"

# Text around the name of the split in a file name.
_TASK = re.compile(r"^(instances|person_keypoints|keypoints|captions|panoptic|stuff|image_info)_")
_GENERIC = re.compile(r"[._-]?(annotations|labels|coco)$")


def looks_like_coco(document: object) -> bool:
    """Whether a JSON document is COCO; seeds may have images too."""
    if not isinstance(document, dict) or "images" not in document:
        return False
    images = document["images"]
    first = images[0] if isinstance(images, list) and images else None
    has_file_name = isinstance(first, dict) and "file_name" in first
    return has_file_name or "annotations" in document or "categories" in document


def read_coco(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> Seed:
    """Read a COCO file.

    By default, the images are added to a dataset with the name of the split, which is that of the
    file, or of its folder if that is generic.

    Raises:
        SeedError: It is not a COCO file, images are missing, or boxes are invalid.
        UsageError: An option does not apply here.
    """
    file, whole = Path(path), SourceLocation(file=printable(path))
    text = read_text(file, whole)
    return read_coco_text(file, text, json_value(text, whole), options)


def read_coco_text(file: Path, text: str, document: object, options: ReadOptions) -> Seed:
    """Read a COCO file from its text and its parsed document."""
    options.check_useful("a COCO file", USEFUL)
    source = Document.without_lines(document, printable(file))
    try:
        return _CocoReader(source, ImageResolver(file, options), options, file).seed()
    except SeedError as error:
        raise with_lines(error, text) from None


def joined_splits(splits: Sequence[tuple[Path, Seed]], folder: Path) -> Seed:
    """Join the seeds of several files in a folder; an image of two of them becomes one file."""
    files: dict[tuple[Path | None, int], FileSeed] = {}
    for path, seed in splits:
        within = path.parent.relative_to(folder).as_posix()
        counts: dict[Path | None, int] = {}
        for file in seed.files:
            place = file.contents.path and file.contents.path.resolve()
            number = counts[place] = counts.get(place, 0) + 1
            label = file.label if within in (".", "annotations") else f"{within}/{file.label}"
            first = files.get((place, number))
            files[place, number] = (
                _merged_file(first, file) if first else replace(file, label=label)
            )
    seeds = [seed for _, seed in splits]
    return Seed(
        datasets=tuple({each.name: each for seed in seeds for each in seed.datasets}.values()),
        files=tuple(files.values()),
        left_out=tuple(each for seed in seeds for each in seed.left_out),
    )


def _merged_file(one: FileSeed, other: FileSeed) -> FileSeed:
    """Merge the annotations of two splits for one file."""
    return replace(
        one,
        tags=_distinct(one.tags, other.tags),
        datasets=_distinct(one.datasets, other.datasets),
        boxes=_distinct(one.boxes, other.boxes),
        classifications=_distinct(one.classifications, other.classifications),
    )


def _distinct(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys([*one, *other]))


def split_of(path: Path) -> str:
    """The name of the dataset of a COCO file."""
    stem = path.name[: -len(path.suffix)] if path.suffix else path.name
    name = _TASK.sub("", stem)
    while _GENERIC.search(name):
        name = _GENERIC.sub("", name)
    folder = path.resolve().parent
    if folder.name.casefold() == "annotations":
        folder = folder.parent
    return printable(name or folder.name or stem)


class _CocoReader:
    """Joins images, annotations and categories."""

    def __init__(
        self, document: Document, resolver: ImageResolver, options: ReadOptions, file: Path
    ) -> None:
        self._document = document
        self._resolver = resolver
        self._options = options
        self._into = split_of(file)
        self._diagnostics = Diagnostics()
        self._left = LeftOutCounts()
        self._owners = Owners(file.parent)
        coco = document.validate(Coco)
        self._annotations = coco.annotations
        self._images = self._by_id("images", coco.images)
        self._labels: dict[str, str] = {
            id_: category.name
            for id_, (category, _) in self._by_id("categories", coco.categories).items()
        }
        self._sizes: dict[str, tuple[float, float] | None] = {}
        self._note_others("", coco.others, document.at())

    def _by_id(self, field: str, entries: Sequence[Any]) -> dict[str, tuple[Any, SourceLocation]]:
        by_id: dict[str, tuple[object, SourceLocation]] = {}
        for number, entry in enumerate(entries):
            at = self._document.at(field, number)
            self._note_others(f"{field}.", entry.others, at)
            with self._diagnostics:
                if entry.id in by_id:
                    raise at.error(f"id: {entry.id} is used twice in {field}")
            by_id.setdefault(entry.id, (entry, at))
        return by_id

    def _note_others(self, prefix: str, others: Mapping[str, object], at: SourceLocation) -> None:
        for name, value in others.items():
            ours = isinstance(value, dict) and value.get("contributor") == CONTRIBUTOR
            empty = value in (0, False, "none") or (not prefix and value == [])
            if name not in _DERIVED and not ours and not empty:
                what = f"{prefix}{name}"
                self._left.add(what, at.inside(name), _WHY.get(what, NO_PLACE))

    def seed(self) -> Seed:
        images = list(self._images.values())
        paths = self._resolver.resolve(
            [(image.file_name, at.inside("file_name")) for image, at in images]
        )
        places = dict(zip(self._images, paths, strict=True))
        marks = {id_: _Marks() for id_ in self._images}
        for number, annotation in enumerate(self._annotations):
            with self._diagnostics:
                self._take(annotation, marks, places, self._document.at("annotations", number))
        files = []
        for (image, at), place, mark in zip(images, paths, marks.values(), strict=True):
            with self._diagnostics:
                files.append(self._file(image, place, mark, at))
        self._diagnostics.check()
        return Seed(files=tuple(files), datasets=self._owners.datasets, left_out=self._left.all)

    def _take(
        self,
        annotation: CocoAnnotation,
        marks: dict[str, _Marks],
        places: Mapping[str, ResolvedImage | SeedError],
        at: SourceLocation,
    ) -> None:
        if annotation.image_id not in self._images:
            raise at.error(f"image_id: there is no image {annotation.image_id}")
        self._note_others("annotations.", annotation.others, at)
        mark = marks[annotation.image_id]
        box, where = annotation.bbox, at.inside("bbox")
        if annotation.segmentation is not None:
            if box is None:
                box, where = box_around(annotation.segmentation), at.inside("segmentation")
                if box is None:
                    text = "bbox is missing, and this is not a polygon to derive it from"
                    raise where.error(f"{_error_prefix(annotation)}{text}")
            if not is_rectangle(annotation.segmentation, box):
                self._left.add("annotations.segmentation", at.inside("segmentation"), _OUTLINES)
        for number, segment in enumerate(annotation.segments_info):
            self._note_others("annotations.segments_info.", segment.others, at)
            inside = at.inside(f"segments_info[{number}]")
            label = self._label(segment.category_id, inside)
            self._add(mark, annotation, label, segment.bbox, places, inside)
        if annotation.category_id is None and box is None:
            return  # such as a caption, which is counted elsewhere
        label = self._label(annotation.category_id, at)
        self._add(mark, annotation, label, box, places, where)

    def _label(self, category: str | None, at: SourceLocation) -> str:
        if category is None or category not in self._labels:
            raise at.error(f"category_id: there is no category {category}")
        return self._labels[category]

    def _add(
        self,
        mark: _Marks,
        annotation: CocoAnnotation,
        label: str,
        box: Sequence[float] | None,
        places: Mapping[str, ResolvedImage | SeedError],
        at: SourceLocation,
    ) -> None:
        score = annotation.score
        try:
            if box is None:
                check_label(label)
                check_confidence(score)
                mark.classifications[Classification(id="", label=label, confidence=score)] = None
                return
            image, image_at = self._images[annotation.image_id]
            size = self._size(image, places[image.id], image_at)
            if size is None:
                return  # its image is missing, which is already reported
            bounding_box = self._box(annotation, label, box, size, at)
            if bounding_box is not None:
                mark.boxes.append(check_box(bounding_box))
        except Refusal as refusal:
            raise at.error(f"{_error_prefix(annotation)}{refusal.text}") from None

    def _size(
        self, image: CocoImage, place: ResolvedImage | SeedError, at: SourceLocation
    ) -> tuple[float, float] | None:
        if image.width >= 1 and image.height >= 1:
            return image.width, image.height
        if isinstance(place, SeedError):
            return None
        if image.id not in self._sizes:
            self._sizes[image.id] = size_of_file(place.path)
        size = self._sizes[image.id]
        if size is None:
            raise at.error(
                f"width or height is missing, boxes are fractions of them, and {place.path.name} "
                "is no picture whose size can be read"
            )
        return size

    def _box(
        self,
        annotation: CocoAnnotation,
        label: str,
        box: Sequence[float],
        size: tuple[float, float],
        at: SourceLocation,
    ) -> BoundingBox | None:
        """The box in fractions of its image; None if it is completely outside."""
        if len(box) != 4:
            raise at.error(
                f"{_error_prefix(annotation)}must be x, y, width and height, got {len(box)} numbers"
            )
        width, height = size
        x, y, wide, high = box
        text = ", ".join(f"{number:g}" for number in box)
        if wide < 0 or high < 0:
            raise at.error(
                f"{_error_prefix(annotation)}width and height must not be negative: {text}"
            )
        edges = (x, y, x + wide, y + high)
        over = max(-x, -y, edges[2] - width, edges[3] - height)
        if over > _SLACK:
            pixels = f"the image of {width:g} x {height:g} pixels"
            if not self._options.clip:
                raise at.error(
                    f"{_error_prefix(annotation)}the box {text} reaches beyond {pixels}; {CLIP}"
                )
            if x >= width or y >= height or edges[2] <= 0 or edges[3] <= 0:
                self._left.add("boxes", at, "they are completely outside the image")
                return None
            self._left.add("parts of boxes", at, "beyond the edge of the image; clip removed them")
        left, right = (min(max(edge / width, 0.0), 1.0) for edge in edges[::2])
        top, bottom = (min(max(edge / height, 0.0), 1.0) for edge in edges[1::2])
        return BoundingBox(
            id="",
            label=label,
            x_min_normalized=left,
            y_min_normalized=top,
            x_max_normalized=right,
            y_max_normalized=bottom,
            confidence=annotation.score,
        )

    def _file(
        self, image: CocoImage, place: ResolvedImage | SeedError, mark: _Marks, at: SourceLocation
    ) -> FileSeed:
        if isinstance(place, SeedError):
            raise place
        ext = PurePosixPath(place.name).suffix
        name, ext = image.viam.named(place.name.removesuffix(ext), ext)
        own = [each.classification for each in image.classifications]
        return FileSeed(
            label=place.name,
            contents=FileContents(path=place.path),
            file_name=name,
            file_ext=ext,
            mime_type=image.viam.mime_type or image_type(place.path, ext),
            capture=image.viam.capture(self._options.part),
            tags=tuple(dict.fromkeys(image.tags)),
            datasets=self._datasets(image, at),
            boxes=tuple(mark.boxes),
            classifications=tuple(dict.fromkeys([*own, *mark.classifications])),
            time_requested=self._time(image.date_captured, at),
            at=at,
        )

    def _datasets(self, image: CocoImage, at: SourceLocation) -> tuple[str, ...]:
        dataset_ids = image.viam.dataset_ids
        if dataset_ids or self._options.dataset is not None:
            return self._owners.datasets_of(dataset_ids, "", self._options, at)
        into = replace(self._options, dataset=self._into)
        return self._owners.datasets_of((), "", into, self._document.at())

    def _time(self, text: object, at: SourceLocation) -> int | None:
        """The capture time of an image, if the field is a time."""
        nanos = nanos_from_common_text(text) if isinstance(text, str) else None
        if text and nanos is None:
            self._left.add(
                "images.date_captured", at, f"it is not a recognizable time, such as {text!r:.60}"
            )
        return nanos


class _Marks:
    """The boxes and classifications of an image."""

    def __init__(self) -> None:
        self.boxes: list[BoundingBox] = []
        self.classifications: dict[Classification, None] = {}


def _error_prefix(annotation: CocoAnnotation) -> str:
    """The prefix of messages about an annotation."""
    return "" if annotation.id is None else f"annotation {annotation.id}: "
