"""dataset.jsonl, out and in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakeviam import seeds
from fakeviam.exchange import JsonlWriter, export_all, read_any
from fakeviam.wire import data

from .samples import NOON, box, described, png

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_as_training_scripts_read_them(tmp_path: Path) -> None:
    """Paths that can be opened; tags and classifications are one thing (SE-5)."""
    mark = data.Classification(label="night")
    known = described(tags=("cat", "VIAM_DATASET_d1"), boxes=(box(),), marks=(mark,))
    known.dataset_ids.append("d1")
    export_all(tmp_path / "out", JsonlWriter, [(known, png())])
    (line,) = map(json.loads, (tmp_path / "out/dataset.jsonl").read_text().splitlines())
    assert line["image_path"] == str(tmp_path / "out/data/2026-01-31T12_00_00Z_a.png")
    assert line["classification_annotations"] == [
        {"annotation_label": "cat"},
        {"annotation_label": "night"},
    ]
    assert line["bounding_box_annotations"] == [
        {
            "annotation_label": "dog",
            "x_min_normalized": 0,
            "y_min_normalized": 0,
            "x_max_normalized": 0.5,
            "y_max_normalized": 1,
        }
    ]
    assert line["timestamp"] == "2026-01-31 12:00:00 +0000 UTC"
    assert line["component_name"] == "cam"


def test_it_reads_the_same_where_it_was_moved_to(tmp_path: Path) -> None:
    """Lines keep the path of the export (SE-4, SE-5)."""
    known = [described("a", tags=("cat",), boxes=(box(),)), described("", nanos=NOON + 1)]
    export_all(tmp_path / "out", JsonlWriter, [(one, png()) for one in known])
    (tmp_path / "out").rename(tmp_path / "moved")
    for place in (tmp_path / "moved", tmp_path / "moved/dataset.jsonl"):
        seed = read_any(place)
        first, second = seed.files
        assert (first.file_name, first.file_ext, first.tags) == ("a", ".png", ("cat",))
        assert (first.time_requested, second.time_requested) == (NOON, NOON + 1)
        assert [one.label for one in first.boxes] == ["dog"]
        assert second.file_name == ""
        assert [part.id for part in seed.parts] == [known[0].capture_metadata.part_id]


def test_mistakes_have_lines(tmp_path: Path) -> None:
    """File, line and field (SE-1)."""
    (tmp_path / "dataset.jsonl").write_text('x\n{}\n\n{"image_path": "gone.jpg"}\n')
    with pytest.raises(seeds.SeedError) as caught:
        read_any(tmp_path)
    name = tmp_path / "dataset.jsonl"
    assert str(caught.value).splitlines() == [
        f"{name}:1: is not JSON: Expecting value",
        f"{name}:2: image_path is missing",
        f"{name}:4: image_path: no file 'gone.jpg' in {tmp_path}; set images to the folder",
    ]
