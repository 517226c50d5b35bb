"""`dataset.jsonl`: one JSON object an image, as `viam dataset export` and training scripts have it.

Its fields are those of the command line's code and of docs.viam.com ("Training dataset formats"):
`image_path`, `classification_annotations` and `bounding_box_annotations`, each with an
`annotation_label`, and in newer releases ids, `component_name` and `timestamp`. Tags and
classifications are one thing there: what is read becomes tags. Confidences are not in it.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import model_validator

from fakeviam.exchange.exporting import put
from fakeviam.exchange.files import is_file
from fakeviam.exchange.names import (
    Distinct,
    download_name,
    go_time,
    original_name,
    user_tags,
    with_ext,
)
from fakeviam.exchange.owners import Owners
from fakeviam.model.annotations import COORDINATES, BoundingBox, check_box
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.seeds.diagnostics import Diagnostics, Location, printable
from fakeviam.seeds.document import line_document, read_text
from fakeviam.seeds.models import Fraction, Tag
from fakeviam.seeds.values import Capture, Contents, FileSeed, Seed
from fakeviam.validation.models import Model
from fakeviam.validation.types import Many, Name, OneOrMany, Text, refusable

if TYPE_CHECKING:
    import os

    from typing_extensions import Self

    from fakeviam.wire import data as wire

#: The file that stands next to `data/`.
FILE = "dataset.jsonl"
DATA = "data"

_IDS = ("organization_id", "location_id", "robot_id", "part_id")


# Writing -------------------------------------------------------------------------------------


class JsonlWriter:
    """`dataset.jsonl` and `data/`. Takes every file, as the command line does."""

    def __init__(self, folder: Path, dest: str = "") -> None:
        """Fill this folder, which will be `dest`: paths in it begin so, for scripts to open."""
        self._folder = folder
        self._dest = dest
        self._names = Distinct()
        self._lines: list[str] = []
        (folder / DATA).mkdir()

    def add(self, metadata: wire.BinaryMetadata, data: bytes) -> bool:
        """Write a file and its line."""
        ext = metadata.file_ext
        name = with_ext(self._names.unused(download_name(metadata), ext), ext)
        put(self._folder / DATA, name, data)
        marks = metadata.annotations
        labels = dict.fromkeys(
            [*user_tags(metadata), *(mark.label for mark in marks.classifications)]
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
        }
        self._lines.append(json.dumps(line, ensure_ascii=False))
        return True

    def finish(self) -> None:
        """Write the lines."""
        put(self._folder, FILE, "".join(f"{line}\n" for line in self._lines).encode())


def _box(box: wire.BoundingBox) -> dict[str, Any]:
    return {
        "annotation_label": box.label,
        **{name: getattr(box, name) for name in COORDINATES},
    }


# Reading -------------------------------------------------------------------------------------


class _Label(Model, extra="ignore"):
    annotation_label: OneOrMany[Tag]


class _Box(Model, extra="ignore"):
    annotation_label: Text
    x_min_normalized: Fraction
    y_min_normalized: Fraction
    x_max_normalized: Fraction
    y_max_normalized: Fraction

    @model_validator(mode="after")
    @refusable
    def _check(self) -> Self:
        check_box(self.box)
        return self

    @property
    def box(self) -> BoundingBox:
        edges = {name: getattr(self, name) for name in COORDINATES}
        return BoundingBox(id="", label=self.annotation_label, **edges)


class _Line(Model, extra="ignore"):
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


class _Source(NamedTuple):
    """The part that a line names."""

    part_id: str
    robot_id: str
    location_id: str
    organization_id: str
    part_name: str = ""
    robot_name: str = ""


def read_jsonl(path: str | os.PathLike[str]) -> Seed:
    """The seed that a `dataset.jsonl` specifies; its images are looked for next to it.

    Raises:
        SeedError: It is not such a file, or images are missing.
    """
    file, name = Path(path), printable(path)
    diagnostics, owners = Diagnostics(), Owners()
    files = []
    for number, line in enumerate(read_text(file, Location(file=name)).split("\n"), 1):
        if line.strip():
            at = Location(file=name, line=number)
            with diagnostics:
                files.append(_file(line, file.parent, at, owners))
    diagnostics.check()
    return Seed(parts=owners.parts, files=tuple(files))


def _file(text: str, folder: Path, at: Location, owners: Owners) -> FileSeed:
    line = line_document(text, at).validate(_Line)
    path = _path(line.image_path, folder)
    if path is None:
        raise at.inside("image_path").error(f"no file {line.image_path!r} in {folder}")
    labels = [tag for each in line.classification_annotations for tag in each.annotation_label]
    label = _below_data(path.as_posix())
    return FileSeed(
        label=label,
        contents=Contents(path=path),
        file_name=_name(label, line.binary_data_id).removesuffix(path.suffix),
        file_ext=path.suffix,
        capture=Capture(
            part=owners.part(_Source(**{field: getattr(line, field) for field in _IDS}), at),
            component=line.component_name,
        ),
        tags=tuple(dict.fromkeys(labels)),
        boxes=tuple(each.box for each in line.bounding_box_annotations),
        time_requested=nanos_from_text(line.timestamp.removesuffix(" UTC")),
        at=at,
    )


def _name(label: str, binary_data_id: str) -> str:
    return original_name(label, file_id=binary_data_id.rpartition("/")[2])


def _path(text: str, folder: Path) -> Path | None:
    """Where an image is now: folders are moved, and lines keep the path of the export."""
    for candidate in (folder / text, folder / DATA / _below_data(text), folder / Path(text).name):
        if is_file(candidate):
            return candidate
    return None


def _below_data(path: str) -> str:
    """The rest of a path after the last `data/`."""
    return path.rpartition(f"{DATA}/")[2]
