"""`dataset.jsonl`: one JSON object per image, as in `viam dataset export` and training scripts.

The fields are those of the command line's code and of docs.viam.com ("Training dataset formats"):
`image_path`, `classification_annotations` and `bounding_box_annotations`, each with an
`annotation_label`, and in newer releases ids, `component_name` and `timestamp`. The format does not
distinguish tags from classifications: both are imported as tags. It has no confidences.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.exchange.exporting import put
from fakeviam.exchange.files import LeftOutCounts
from fakeviam.exchange.lenient import CLIP, Lenient, Original
from fakeviam.exchange.names import (
    Distinct,
    beyond,
    download_name,
    go_time,
    parsed_name,
    saved_bytes,
    user_tags,
    with_ext,
)
from fakeviam.exchange.owners import Owners
from fakeviam.exchange.places import ImageResolver
from fakeviam.exchange.sizes import image_type
from fakeviam.model.annotations import COORDINATES, BoundingBox, check_box
from fakeviam.model.errors import Refusal
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.model.timestamps import nanos_from_common_text
from fakeviam.seeds.diagnostics import Diagnostics, SeedError, SourceLocation, printable
from fakeviam.seeds.document import line_document, read_text
from fakeviam.seeds.field_types import Fraction, Tag
from fakeviam.seeds.values import FileContents, FileSeed, Seed
from fakeviam.validation.models import Model
from fakeviam.validation.types import Many, Name, Number, Omittable, OneOrMany, Text

if TYPE_CHECKING:
    import os

    from fakeviam.exchange.places import ResolvedImage
    from fakeviam.wire import data as wire

#: The name of the file beside `data/`.
FILE = "dataset.jsonl"
DATA = "data"

# The prefix of a dataset's id in the label of its members (A10).
_MEMBER = "VIAM_DATASET_"

_IDS = ("organization_id", "location_id", "robot_id", "part_id")


# Writing -------------------------------------------------------------------------------------


class JsonlWriter:
    """`dataset.jsonl` and `data/`. Accepts every file, like the command line."""

    def __init__(self, folder: Path, dest: str = "") -> None:
        """Write to a folder that will be moved to `dest`, with which paths start, for scripts."""
        self._folder = folder
        self._dest = dest
        self._names = Distinct()
        self._lines: list[str] = []
        (folder / DATA).mkdir()

    def add(self, metadata: wire.BinaryMetadata, data: bytes) -> bool:
        """Write a file, and add its line."""
        ext, contents = saved_bytes(metadata, data)
        name = with_ext(self._names.unused(download_name(metadata), ext), ext)
        put(self._folder / DATA, name, contents)
        marks = metadata.annotations
        labels = dict.fromkeys(
            [*user_tags(metadata), *(mark.label for mark in marks.classifications if mark.label)]
        )
        source = metadata.capture_metadata
        line = {
            "image_path": str(PurePosixPath(self._dest, DATA, name)),
            "classification_annotations": [{"annotation_label": label} for label in labels],
            "bounding_box_annotations": [_box(box) for box in marks.bboxes],
            "binary_data_id": metadata.binary_data_id,
            **{field: getattr(source, field) for field in _IDS},
            "component_name": source.component_name,
            "timestamp": go_time(metadata).replace("T", " ").replace("Z", " +0000 UTC"),
            **beyond(
                metadata,
                parsed_name(name, binary_data_id=metadata.binary_data_id),
                unzipped=contents is not data,
            ),
        }
        self._lines.append(json.dumps(line, ensure_ascii=False))
        return True

    def finish(self) -> None:
        """Write the lines."""
        put(self._folder, FILE, "".join(f"{line}\n" for line in self._lines).encode())


def _box(box: wire.BoundingBox) -> dict[str, object]:
    return {
        "annotation_label": box.label,
        **{name: getattr(box, name) for name in COORDINATES},
    }


# Reading -------------------------------------------------------------------------------------


class _Label(Model, extra="allow"):
    annotation_label: OneOrMany[Tag]


class _Box(Model, extra="allow"):
    annotation_label: Text
    x_min_normalized: Number
    y_min_normalized: Number
    x_max_normalized: Number
    y_max_normalized: Number
    confidence: Omittable[Fraction] = None

    def box(self, at: SourceLocation, *, clip: bool) -> BoundingBox:
        edges = {name: getattr(self, name) for name in COORDINATES}
        if clip:
            edges = {name: min(max(edge, 0.0), 1.0) for name, edge in edges.items()}
        elif not all(0 <= edge <= 1 for edge in edges.values()):
            text = ", ".join(f"{edge:g}" for edge in edges.values())
            raise at.error(f"the box {text} reaches beyond 0 to 1; {CLIP}")
        box = BoundingBox(id="", label=self.annotation_label, confidence=self.confidence, **edges)
        try:
            return check_box(box)
        except Refusal as refusal:
            raise at.error(refusal.text) from None


class _JsonLine(Lenient, extra="allow"):
    image_path: Name
    classification_annotations: Many[_Label] = ()
    bounding_box_annotations: Many[_Box] = ()
    organization_id: Text = ""
    location_id: Text = ""
    robot_id: Text = ""
    part_id: Text = ""
    component_name: Text = ""
    timestamp: Text = ""
    binary_data_id: Text = ""
    viam: Original = Original()


class _Source(NamedTuple):
    """The part that a line names."""

    part_id: str
    robot_id: str
    location_id: str
    organization_id: str
    part_name: str = ""
    robot_name: str = ""


def read_jsonl(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> Seed:
    """Read a `dataset.jsonl`, whose images are beside it.

    Raises:
        SeedError: The file is invalid, or images are missing.
        UsageError: An option does not apply here.
    """
    options.check_useful(f"a {FILE}", ("images", "dataset", "part", "clip"))
    file, name = Path(path), printable(path)
    diagnostics = Diagnostics()
    lines: list[tuple[_JsonLine, SourceLocation]] = []
    for number, text in enumerate(read_text(file, SourceLocation(file=name)).split("\n"), 1):
        if text.strip():
            at = SourceLocation(file=name, line=number)
            with diagnostics:
                lines.append((line_document(text, at).validate(_JsonLine), at))
    reader = _LineReader(options, file.parent)
    paths = ImageResolver(file, options).resolve(
        [(line.image_path, at.inside("image_path")) for line, at in lines]
    )
    for (line, at), image in zip(lines, paths, strict=True):
        with diagnostics:
            reader.add(line, image, at)
    diagnostics.check()
    return reader.seed()


class _LineReader:
    """Converts lines to files."""

    def __init__(self, options: ReadOptions, folder: Path) -> None:
        self._options = options
        self._data = folder.absolute() / DATA
        self._owners = Owners(folder)
        self._files: list[FileSeed] = []
        self._left = LeftOutCounts()

    def seed(self) -> Seed:
        return Seed(
            parts=() if self._options.part else self._owners.parts,
            datasets=self._owners.datasets,
            files=tuple(self._files),
            left_out=self._left.all,
        )

    def add(self, line: _JsonLine, image: ResolvedImage | SeedError, at: SourceLocation) -> None:
        """Add one line.

        Raises:
            SeedError: Its image is missing, or a box is invalid.
        """
        if isinstance(image, SeedError):
            raise image
        self._note_unknown(line, at)
        # File names are relative to data/, however the line refers to the file.
        path = image.path.absolute()
        is_below = path.is_relative_to(self._data)
        name = path.relative_to(self._data).as_posix() if is_below else image.name
        label = name.removeprefix(f"{DATA}/")
        parsed = parsed_name(label, binary_data_id=line.binary_data_id)
        file_name, ext = line.viam.named(*parsed)
        part = self._owners.part(_Source(**{field: getattr(line, field) for field in _IDS}), at)
        labels = [tag for each in line.classification_annotations for tag in each.annotation_label]
        # Older command lines write the labels of datasets as tags.
        members = [tag.removeprefix(_MEMBER) for tag in labels if tag.startswith(_MEMBER)]
        datasets = self._owners.datasets_of(
            [*line.viam.dataset_ids, *members], line.organization_id, self._options, at
        )
        self._files.append(
            FileSeed(
                label=label,
                contents=FileContents(path=image.path, zipped=line.viam.unzipped),
                file_name=file_name,
                file_ext=ext,
                mime_type=line.viam.mime_type or image_type(image.path, ext),
                capture=line.viam.capture(self._options.part or part, line.component_name),
                tags=tuple(dict.fromkeys(tag for tag in labels if not tag.startswith(_MEMBER))),
                datasets=datasets,
                boxes=tuple(
                    box.box(
                        at.inside(f"bounding_box_annotations[{number}]"), clip=self._options.clip
                    )
                    for number, box in enumerate(line.bounding_box_annotations)
                ),
                time_requested=self._time(line.timestamp, at),
                at=at,
            )
        )

    def _time(self, text: str, at: SourceLocation) -> int | None:
        """The capture time of an image; an invalid one is ignored and counted."""
        nanos = nanos_from_common_text(text.replace(" +0000 UTC", " UTC"))
        if text and nanos is None:
            self._left.add("timestamp", at, f"it is not a recognizable time, such as {text!r}")
        return nanos

    def _note_unknown(self, line: _JsonLine, at: SourceLocation) -> None:
        for field in line.model_extra or ():
            self._left.add(field, at)
        for field, marks in (
            ("classification_annotations", line.classification_annotations),
            ("bounding_box_annotations", line.bounding_box_annotations),
        ):
            for each in marks:
                for inner in each.model_extra or ():
                    self._left.add(f"{field}.{inner}", at)
