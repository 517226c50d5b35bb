"""COCO, out and in."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import FakeViam, seeds
from fakeviam.exchange import CocoWriter, ExportError, export_all, read_any, read_coco
from fakeviam.exchange.sizes import Size, size_of
from fakeviam.model.read_options import ReadOptions
from fakeviam.wire import data

from .samples import NOON, box, described, png

_fractions = st.floats(0, 1)


@given(
    x=st.tuples(_fractions, _fractions),
    y=st.tuples(_fractions, _fractions),
    confidence=st.none() | _fractions,
    size=st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
)
def test_boxes_survive_being_pixels(
    x: tuple[float, float],
    y: tuple[float, float],
    confidence: float | None,
    size: tuple[int, int],
) -> None:
    """Within what floats can say (SE-5)."""
    edges: dict[str, Any] = {
        "x_min_normalized": min(x),
        "x_max_normalized": max(x),
        "y_min_normalized": min(y),
        "y_max_normalized": max(y),
    }
    known = described(boxes=(box(confidence=confidence, **edges),))
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "out")
        export_all(out, CocoWriter, [(known, png(*size))])
        (file,) = read_coco(out / "annotations.json").files
    (found,) = file.boxes
    assert found.confidence == confidence
    for name, value in edges.items():
        assert getattr(found, name) == pytest.approx(value, abs=1e-9)


def test_what_was_exported_reads_the_same(tmp_path: Path) -> None:
    """Names, tags, classifications and times; what is no image is skipped (SE-5)."""
    mark = data.Classification(label="night", confidence=0.5)
    known = [
        described("deep/a", tags=("t", "VIAM_DATASET_d1"), marks=(mark,), dataset_ids=["d1"]),
        described("deep/a", nanos=NOON + 1),
        described("notes", ".txt"),
        described("unknown size"),
    ]
    done = export_all(
        tmp_path / "out",
        CocoWriter,
        zip(known, [png(), png(rest=b"2"), b"text", b"?"], strict=True),
    )
    assert (done.files, done.skipped) == (3, 1)
    seed = read_any(tmp_path / "out/annotations.json")
    first, second, third = seed.files
    assert (first.file_name, first.tags, first.time_requested) == ("deep/a", ("t",), NOON)
    assert [(one.label, one.confidence) for one in first.classifications] == [("night", 0.5)]
    assert (second.file_name, second.contents.read(second.at)) == ("deep/a", png(rest=b"2"))
    assert third.file_name == "unknown size"
    assert [(one.name, one.id) for one in seed.datasets] == [("d1", "d1"), ("out", "")]
    assert (first.datasets, second.datasets) == (("d1",), ("out",))
    assert seed.left_out == ()
    assert len(seeds.apply_seed(seed, FakeViam(seed=1)._cloud).binary_data_ids) == 3


def test_boxes_need_a_size(tmp_path: Path) -> None:
    """The text says what to do instead, and nothing is left behind (SE-6)."""
    with pytest.raises(
        ExportError, match=r"a\.png has boxes, .* Choose the format folder or jsonl"
    ):
        export_all(tmp_path / "out", CocoWriter, [(described(boxes=(box(),)), b"?")])
    assert list(tmp_path.iterdir()) == []


def _coco(tmp_path: Path, **changes: Any) -> Path:
    document = {
        "info": {"year": 2026},
        "images": [
            {"id": 1, "file_name": "a.png", "width": 100, "height": 50, "date_captured": "2013"},
            {"id": 2, "file_name": "b.png", "date_captured": "2026-01-31 12:00:00"},
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 7,
                "bbox": [10, 5, 90.5, 45],
                "score": 0.5,
                "segmentation": [[1, 2]],
            },
            {"id": 2, "image_id": 1, "caption": "a dog"},
        ],
        "categories": [{"id": 7, "name": "dog", "supercategory": "animal"}],
        **changes,
    }
    (tmp_path / "images").mkdir(exist_ok=True)
    for name in ("a.png", "b.png"):
        (tmp_path / "images" / name).write_bytes(png(100, 50))
    path = tmp_path / "val.json"
    lines = [f'"{name}": {_lines(value)}' for name, value in document.items()]
    path.write_text("{" + ",\n".join(lines) + "}")
    return path


def _lines(value: Any) -> str:
    """JSON, with an element a line."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(map(json.dumps, value)) + "]"


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    """Half a pixel over the edge is cut; what has no place is left out (SE-5)."""
    seed = read_any(_coco(tmp_path))
    first, second = seed.files
    (found,) = first.boxes
    assert (found.label, found.confidence) == ("dog", 0.5)
    assert (found.x_min_normalized, found.x_max_normalized) == (0.1, 1.0)
    assert (found.y_min_normalized, found.y_max_normalized) == (0.1, 1.0)
    assert (first.time_requested, second.time_requested) == (None, NOON)
    assert first.datasets == ("val",)
    assert {one.what: one.count for one in seed.left_out} == {
        "info": 1,
        "categories.supercategory": 1,
        "annotations.segmentation": 1,
        "annotations.caption": 1,
        "images.date_captured": 1,
    }
    options = ReadOptions(dataset="", part="cam", images=tmp_path / "images")
    plain = read_coco(tmp_path / "val.json", options)
    assert (plain.datasets, plain.files[0].datasets) == ((), ())
    assert plain.files[0].capture.part == "cam"


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each names its field (SE-1)."""
    monkeypatch.chdir(tmp_path)
    known = {"image_id": 1, "category_id": 7}
    _coco(
        tmp_path,
        images=[
            {"id": 1, "file_name": "a.png", "width": 100, "height": 50},
            {"id": 1, "file_name": "a.png"},
            {"id": 3, "file_name": "../val.json"},
            {"id": 4, "file_name": "b.png"},
        ],
        annotations=[
            {**known, "bbox": [0, 0, 1, 1], "image_id": 9},
            {**known, "bbox": [0, 0, 1, 1], "category_id": 9},
            {**known, "bbox": [0, 0, 102, 1], "id": 17},
            {**known, "bbox": [5, 5, -1, 1]},
            {**known, "bbox": [0, 0, 1]},
            {**known, "bbox": [0, 0, 1, 1], "score": 2},
            {**known, "bbox": [0, 0, 1, 1], "image_id": 4},
        ],
    )
    with pytest.raises(seeds.SeedError) as caught:
        read_coco("val.json")
    beyond = "beyond the image of 100 x 50 pixels; use the option clip to clip such boxes"
    hint = "set images to the folder"
    assert str(caught.value).splitlines() == [
        "val.json:4: images[1]: id: 1 is used twice in images",
        "val.json:8: annotations[0]: image_id: there is no image 9",
        "val.json:9: annotations[1]: category_id: there is no category 9",
        f"val.json:10: annotations[2].bbox: annotation 17: the box 0, 0, 102, 1 reaches {beyond}",
        "val.json:11: annotations[3].bbox: width and height must not be negative: 5, 5, -1, 1",
        "val.json:12: annotations[4].bbox: must be x, y, width and height, got 3 numbers",
        "val.json:13: annotations[5].bbox: confidence must be between 0 and 1, got 2 [BX-4]",
        f"val.json:5: images[2].file_name: no file '../val.json' in ., images; {hint}",
    ]
    Path("val.json").write_text('{"images": 7,\n"annotations": }')
    with pytest.raises(seeds.SeedError, match=r"^val\.json:2: is not JSON"):
        read_coco("val.json")
    Path("val.json").write_text('{"images": 7}')
    with pytest.raises(seeds.SeedError, match=r"^val\.json:1: images: must be a list, got 7$"):
        read_coco("val.json")


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (png(3, 4), Size(3, 4)),
        (b"GIF89a\x03\0\x04\0", Size(3, 4)),
        (b"BM" + b"\0" * 16 + b"\x03\0\0\0\xfc\xff\xff\xff", Size(3, 4)),
        (
            b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xd0\xff\xc4\0\x02\xff\xc2\0\x0b\x08\0\x04\0\x03",
            Size(3, 4),
        ),
        (b"\xff\xd8\xff\xe0\0\x04", None),
        (b"\xff\xd8\xff\xe0\0\x02\0", None),
        (png(0, 4), None),
        (png()[:20], None),
        (b"", None),
    ],
)
def test_sizes_of_images(image: bytes, size: Size | None) -> None:
    assert size_of(image) == size
