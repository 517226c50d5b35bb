"""What is exported reads the same, in every format, wherever the export is moved to."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam import FakeViam, seeds
from fakeviam.exchange import FORMATS, FolderWriter, export_all, read_any
from fakeviam.model.records import mime_type_of
from fakeviam.wire import data

from .samples import box, described, png

if TYPE_CHECKING:
    from fakeviam.seeds import Seed

# Names of files as people have them, in folders, in all scripts, with dots and signs.
_steps = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='/<>:"\\|?*\x7f'),
    min_size=1,
    max_size=10,
).filter(lambda text: text not in (".", "..") and text.strip())
_exts = st.sampled_from([".png", ".PNG", ".jpg", "", ".v2", ".gz"])
_names = st.lists(_steps, max_size=3).map("/".join)
_labels = st.text(min_size=1, max_size=5).filter(str.strip)
_edges = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@st.composite
def _boxes(draw: st.DrawFn) -> data.BoundingBox:
    (left, right), (top, bottom) = draw(_edges), draw(_edges)
    return box(
        draw(_labels),
        draw(st.none() | st.floats(0, 1)),
        x_min_normalized=left,
        x_max_normalized=right,
        y_min_normalized=top,
        y_max_normalized=bottom,
    )


@st.composite
def _files(draw: st.DrawFn) -> tuple[data.BinaryMetadata, bytes]:
    size = draw(st.tuples(st.integers(1, 4000), st.integers(1, 4000)))
    known = described(
        draw(_names),
        draw(_exts),
        nanos=draw(st.integers(0, 4 * 10**18)),
        tags=tuple(draw(st.lists(_labels, max_size=2, unique=True))),
        boxes=tuple(draw(st.lists(_boxes(), max_size=2))),
        marks=(data.Classification(label="out", confidence=0.5),),
        dataset_ids=draw(st.lists(st.sampled_from(["d1", "d2"]), min_size=1, unique=True)),
    )
    known.capture_metadata.mime_type = draw(st.sampled_from(["image/png", "image/jpeg", "image/x"]))
    return known, png(*size, rest=draw(st.binary(max_size=4)))


def _near(number: float) -> float:
    return round(number, 9) + 0.0


def _of_export(known: data.BinaryMetadata, payload: bytes, *, score: bool) -> tuple[Any, ...]:
    # In JSON lines, classifications are tags.
    marks = () if score else ("out",)
    return (
        (known.file_name, known.file_ext, payload),
        known.capture_metadata.mime_type,
        known.time_requested.ToNanoseconds(),
        (*known.capture_metadata.tags, *marks),
        tuple(known.dataset_ids),
        tuple(_edges_of(one, score=score) for one in known.annotations.bboxes),
    )


def _edges_of(one: Any, *, score: bool) -> tuple[Any, ...]:
    known = one.confidence
    if isinstance(one, data.BoundingBox) and not one.HasField("confidence"):
        known = None
    return (
        one.label,
        _near(one.x_min_normalized),
        _near(one.y_min_normalized),
        _near(one.x_max_normalized),
        _near(one.y_max_normalized),
        known if score else None,
    )


def _of_seed(seed: Seed, *, score: bool) -> list[tuple[Any, ...]]:
    return [
        (
            (one.file_name, one.file_ext, one.contents.read(one.at)),
            one.mime_type or mime_type_of(one.file_ext),
            one.time_requested,
            one.tags,
            one.datasets,
            tuple(_edges_of(each, score=score) for each in one.boxes),
        )
        for one in seed.files
    ]


@pytest.mark.parametrize("form", ["coco", "jsonl"])
@given(files=st.lists(_files(), min_size=1, max_size=4))
def test_any_dataset_of_images(form: str, files: list[tuple[data.BinaryMetadata, bytes]]) -> None:
    """Names in all scripts, folders, bytes, tags, boxes, datasets, times (SE-5, SE-7)."""
    with tempfile.TemporaryDirectory() as place:
        there, moved = Path(place, "data"), Path(place, "elsewhere", "data")
        export_all(there, FORMATS[form], files)
        moved.parent.mkdir()
        shutil.move(there, moved)
        seed = read_any(moved / "annotations.json" if form == "coco" else moved)
        assert seed.left_out == ()
        score = form == "coco"  # JSON lines have none
        expected = [_of_export(*file, score=score) for file in files]
        assert sorted(_of_seed(seed, score=score), key=repr) == sorted(expected, key=repr)
        assert {one.id for one in seed.datasets} == {id_ for f, _ in files for id_ in f.dataset_ids}


def _is_plain(known: data.BinaryMetadata) -> bool:
    """Whether the command line keeps a name: .gz is cut, and long ones are."""
    return not known.file_name.endswith(".gz") and len(known.file_name.encode()) < 150


@given(files=st.lists(_files(), min_size=1, max_size=4))
def test_any_folder_of_the_command_line(files: list[tuple[data.BinaryMetadata, bytes]]) -> None:
    """As `viam data export` writes it, which keeps confidences too (SE-5)."""
    kept = [file for file in files if _is_plain(file[0])]
    with tempfile.TemporaryDirectory() as place:
        export_all(Path(place, "out"), FolderWriter, kept)
        seed = read_any(Path(place, "out"))
        expected = [_of_export(*file, score=True) for file in kept]
        assert sorted(_of_seed(seed, score=True), key=repr) == sorted(expected, key=repr)
        for file in seed.files:
            assert [(one.label, one.confidence) for one in file.classifications] == [("out", 0.5)]
            assert file.time_received == (file.time_requested or 0) + 1
            assert file.capture.component == "cam"


@settings(max_examples=settings().max_examples // 5)
@given(files=st.lists(_files(), min_size=1, max_size=3))
def test_any_archive(files: list[tuple[data.BinaryMetadata, bytes]]) -> None:
    """What a cloud was filled with from an export, it has again from its archive (SE-5, AR-1)."""
    with tempfile.TemporaryDirectory() as place:
        export_all(Path(place, "out"), FORMATS["coco"], files)
        cloud = FakeViam(seed=1)
        seeds.apply_seed(read_any(Path(place, "out/annotations.json")), cloud._cloud)
        cloud.export(Path(place, "archive"))
        other = FakeViam(seed=2, load=Path(place, "archive"))
        other.export(Path(place, "again"))
        assert _bytes_below(Path(place, "archive")) == _bytes_below(Path(place, "again"))


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
