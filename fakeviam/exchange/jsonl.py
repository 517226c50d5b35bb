"""`dataset.jsonl`: one JSON object an image, as `viam dataset export` and training scripts have it.

Its fields are those of the command line's code and of docs.viam.com ("Training dataset formats"):
`image_path`, `classification_annotations` and `bounding_box_annotations`, each with an
`annotation_label`, and in newer releases ids, `component_name` and `timestamp`. Tags and
classifications are one thing there: what is read becomes tags. Confidences are not in it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.exchange.exporting import put
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
from fakeviam.seeds.checks import Field, Many, Number, Record, Spot, Text
from fakeviam.seeds.mistakes import Mistake, Notes, Place, SeedError, WrongError
from fakeviam.seeds.nodes import Node
from fakeviam.seeds.tables import TAGS
from fakeviam.seeds.values import Capture, Contents, FileSeed, Seed

if TYPE_CHECKING:
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


def _made(values: dict[str, Any]) -> BoundingBox:
    return check_box(BoundingBox(id="", label=values.pop("annotation_label"), **values))


_LABEL = Record({"annotation_label": Field(TAGS.check, required=True)}, open=True)
_BOX = Record(
    {
        "annotation_label": Field(Text(blank=True), required=True),
        **{name: Field(Number("a number from 0 to 1"), required=True) for name in COORDINATES},
    },
    make=_made,
    open=True,
)
_TEXTS = (*_IDS, "component_name", "timestamp", "binary_data_id")
_LINE = Record(
    {
        "image_path": Field(Text(), required=True),
        "classification_annotations": Field(Many(_LABEL), default=()),
        "bounding_box_annotations": Field(Many(_BOX), default=()),
        **dict.fromkeys(_TEXTS, Field(Text(blank=True), default="")),
    },
    open=True,
)


class _Source(NamedTuple):
    """What a line says of the part."""

    part_id: str
    robot_id: str
    location_id: str
    organization_id: str
    part_name: str = ""
    robot_name: str = ""


def read_jsonl(path: str | os.PathLike[str]) -> Seed:
    """The seed that a `dataset.jsonl` says; its images are looked for next to it.

    Raises:
        SeedError: It is no such file, or images are missing.
    """
    place, name = Path(path), os.fspath(path)
    notes, owners = Notes(), Owners()
    try:
        whole = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mistake = Mistake(place=Place(file=name), text=f"cannot be read: {error}")
        raise SeedError([mistake]) from error
    files = []
    for number, line in enumerate(whole.split("\n"), 1):
        if line.strip():
            with suppress(WrongError):
                files.append(_file(line, place.parent, Spot(notes, name), number, owners))
    notes.check()
    return Seed(parts=owners.parts, files=tuple(files))


def _file(line: str, folder: Path, spot: Spot, number: int, owners: Owners) -> FileSeed:
    place = Place(file=spot.file, line=number)
    try:
        node = Node(json.loads(line), number)
    except ValueError as error:
        raise spot.notes.note(place, f"is no JSON: {error}") from None
    values = _LINE.read(node, spot)
    path = _path(values["image_path"], folder)
    if path is None:
        raise spot.key("image_path").wrong(node, f"no file {values['image_path']!r} in {folder}")
    labels = [
        tag for mark in values["classification_annotations"] for tag in mark["annotation_label"]
    ]
    label = _below_data(path.as_posix())
    return FileSeed(
        label=label,
        contents=Contents(path=path),
        file_name=_name(label, values["binary_data_id"]).removesuffix(path.suffix),
        file_ext=path.suffix,
        capture=Capture(
            part=owners.part(_Source(**{field: values[field] for field in _IDS}), place),
            component=values["component_name"],
        ),
        tags=tuple(dict.fromkeys(labels)),
        boxes=values["bounding_box_annotations"],
        time_requested=nanos_from_text(values["timestamp"].removesuffix(" UTC")),
        place=place,
    )


def _name(label: str, binary_data_id: str) -> str:
    return original_name(label, file_id=binary_data_id.rpartition("/")[2])


def _path(text: str, folder: Path) -> Path | None:
    """Where an image is now: folders are moved, and lines keep the path of the export."""
    for candidate in (folder / text, folder / DATA / _below_data(text), folder / Path(text).name):
        if candidate.is_file():
            return candidate
    return None


def _below_data(path: str) -> str:
    """What stands behind the last `data/` of a path."""
    return path.rpartition(f"{DATA}/")[2]
