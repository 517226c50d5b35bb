"""Files as other programs write them: the shapes of their exports, and what becomes of them."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import FakeViam, UsageError
from fakeviam.exchange import read_any

from .samples import png

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURE = png(100, 50)
A = {"id": 1, "file_name": "a.png", "width": 100, "height": 50}
DOG = {"id": 1, "name": "dog"}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 5, 80, 40]}
BARE = {"id": 1, "image_id": 1, "category_id": 1}
LINE = {"image_path": "data/a.png", "classification_annotations": [{"annotation_label": "t"}]}


def coco(
    image: dict[str, Any] | None = None, *marks: dict[str, Any], **others: Any
) -> dict[str, Any]:
    return {
        "images": [{**A, **(image or {})}],
        "annotations": list(marks or (BOX,)),
        "categories": [DOG],
        **others,
    }


def write(folder: Path, files: dict[str, Any]) -> None:
    for name, contents in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = contents if isinstance(contents, bytes) else json.dumps(contents).encode()
        path.write_bytes(data)


def said(folder: Path, path: str, **options: Any) -> str:
    """What a cloud holds after reading: a file a line, then what was left out; or the error."""
    try:
        seed = read_any(folder / path, options)
        applied = FakeViam(seed=1).load(folder / path, **options)
    except UsageError as error:
        return str(error).replace(f"{folder}/", "").replace(str(folder), ".")
    assert applied is not None
    assert applied.left_out == seed.left_out
    lines = []
    for file in seed.files:
        boxes = [
            f"{one.label}@{one.x_min_normalized:g},{one.y_min_normalized:g},"
            f"{one.x_max_normalized:g},{one.y_max_normalized:g}"
            for one in file.boxes
        ]
        marks = [f"={one.label}" for one in file.classifications]
        tags = [f"#{tag}" for tag in file.tags]
        into = f"in {','.join(file.datasets)}" if file.datasets else ""
        name = f"{file.file_name}{file.file_ext}"
        lines.append(" ".join(filter(None, [name, *boxes, *marks, *tags, into])))
    lines += [f"-{one.what}x{one.count}" for one in seed.left_out]
    return "; ".join(lines)


SQUARE = "dog@0.1,0.1,0.9,0.9"
WHOLE = f"a.png {SQUARE} in val"

COCO: dict[str, tuple[dict[str, Any], str]] = {
    "as it should be": (coco(), WHOLE),
    "ids are text": (
        coco(
            {"id": "img-1"},
            {**BOX, "image_id": "img-1", "category_id": "c"},
            categories=[{"id": "c", "name": "dog"}],
        ),
        WHOLE,
    ),
    "ids are text here and numbers there": (coco({"id": "1"}, {**BOX, "category_id": "1"}), WHOLE),
    "ids are floats": (coco({"id": 1.0}, {**BOX, "category_id": 1.0}), WHOLE),
    "ids are large": (coco({"id": 2**63}, {**BOX, "image_id": 2**63}), WHOLE),
    "no size": (coco({"width": None, "height": None}), WHOLE),
    "a size of zero": (coco({"width": 0, "height": 0}), WHOLE),
    "a size in text": (coco({"width": "100", "height": "50"}), WHOLE),
    "null and empty fields": (
        coco(
            {"date_captured": None, "license": None, "coco_url": "", "tags": []},
            {**BOX, "segmentation": [], "score": None, "keypoints": [], "attributes": {}},
            licenses=[],
            info={},
        ),
        WHOLE,
    ),
    "annotations are null": ({**coco(), "annotations": None}, "a.png in val"),
    "a classification": (coco(None, BARE), "a.png =dog in val"),
    "a classification twice": (coco(None, BARE, {**BARE, "id": 2}), "a.png =dog in val"),
    "an empty box": (coco(None, {**BARE, "bbox": []}), "a.png =dog in val"),
    "a polygon": (
        coco(None, {**BARE, "segmentation": [[10, 5, 90, 5, 50, 45]]}),
        f"{WHOLE}; -annotations.segmentationx1",
    ),
    "several polygons": (
        coco(None, {**BARE, "segmentation": [[10, 5, 20, 5, 15, 9], [80, 40, 90, 45, 85, 41]]}),
        f"{WHOLE}; -annotations.segmentationx1",
    ),
    "a flat polygon": (
        coco(None, {**BARE, "segmentation": [10, 5, 90, 5, 50, 45]}),
        f"{WHOLE}; -annotations.segmentationx1",
    ),
    "points in pairs": (
        coco(None, {**BARE, "segmentation": [[10, 5], [90, 5], [50, 45]]}),
        f"{WHOLE}; -annotations.segmentationx1",
    ),
    "runs of pixels": (
        coco(
            None,
            {**BARE, "segmentation": {"size": [50, 100], "counts": [505, *[40, 10] * 79, 40, 505]}},
        ),
        f"{WHOLE}; -annotations.segmentationx1",
    ),
    "no outline at all": (
        coco(None, {**BARE, "segmentation": "?"}),
        (
            "val.json:1: annotations[0].segmentation: annotation 1: bbox is missing, and this "
            "is not a polygon to derive it from"
        ),
    ),
    "an outline that is the box": (
        coco(None, {**BOX, "segmentation": [[10, 5, 90, 5, 90, 45, 10, 45]]}),
        WHOLE,
    ),
    "a crowd": (coco(None, {**BOX, "iscrowd": 1}), f"{WHOLE}; -annotations.iscrowdx1"),
    "key points": (
        coco(
            None,
            {**BOX, "keypoints": [1, 2, 2], "num_keypoints": 1},
            categories=[{**DOG, "keypoints": ["nose"], "skeleton": [[1, 2]]}],
        ),
        f"{WHOLE}; -categories.keypointsx1; -categories.skeletonx1; -annotations.keypointsx1",
    ),
    "captions": (
        coco(None, {"id": 1, "image_id": 1, "caption": "a dog"}),
        "a.png in val; -annotations.captionx1",
    ),
    "panoptic": (
        coco(
            None,
            {
                "image_id": 1,
                "file_name": "a.png",
                "segments_info": [
                    {"id": 7, "category_id": 1, "bbox": [10, 5, 80, 40], "area": 9, "iscrowd": 0}
                ],
            },
            categories=[{**DOG, "isthing": 1, "color": [1, 2, 3]}],
        ),
        (
            f"{WHOLE}; -categories.isthingx1; -categories.colorx1; -annotations.file_namex1; "
            "-annotations.segments_info.idx1"
        ),
    ),
    "CVAT's attributes": (
        coco(None, {**BOX, "attributes": {"occluded": False}, "area": 3200.0}),
        f"{WHOLE}; -annotations.attributesx1",
    ),
    "CVAT's date": (coco({"date_captured": 0, "license": 0, "flickr_url": ""}), WHOLE),
    "Roboflow's parent category": (
        coco(
            None,
            {**BOX, "category_id": 2},
            categories=[
                {"id": 0, "name": "animals", "supercategory": "none"},
                {"id": 2, "name": "dog", "supercategory": "animals"},
            ],
        ),
        f"{WHOLE}; -categories.supercategoryx1",
    ),
    "half a pixel over the edge": (
        coco(None, {**BOX, "bbox": [-0.5, 0, 100.9, 50]}),
        "a.png dog@0,0,1,1 in val",
    ),
    "over the edge": (
        coco(None, {**BOX, "id": "b7", "bbox": [90, 0, 20, 5]}),
        (
            "val.json:1: annotations[0].bbox: annotation b7: the box 90, 0, 20, 5 reaches beyond "
            "the image of 100 x 50 pixels; use the option clip to clip such boxes"
        ),
    ),
    "a negative size": (
        coco(None, {**BOX, "bbox": [90, 0, -20, 5]}),
        (
            "val.json:1: annotations[0].bbox: annotation 1: width and height must not be negative: "
            "90, 0, -20, 5"
        ),
    ),
    "corners instead of a size": (
        coco(None, {**BOX, "bbox": [[10, 5], [90, 45]]}),
        (
            "val.json:1: annotations[0].bbox[0]: must be a number, got a list\n"
            "val.json:1: annotations[0].bbox[1]: must be a number, got a list"
        ),
    ),
    "a box with a null": (
        coco(None, {**BOX, "bbox": [10, None, 80, 40]}),
        "val.json:1: annotations[0].bbox[1]: must be a number, got nothing",
    ),
    "no categories": (
        coco(categories=[]),
        "val.json:1: annotations[0]: category_id: there is no category 1",
    ),
    "an image that is not there": (
        coco({"file_name": "b.png"}),
        "val.json:1: images[0].file_name: no file 'b.png' in ., images; set images to the folder",
    ),
    "an image without a name": (
        coco({"file_name": ""}),
        "val.json:1: images[0]: file_name is missing",
    ),
    "true as an id": (
        coco({"id": True}),
        "val.json:1: images[0].id: must be a number or text, got True",
    ),
    "an image twice": (
        {**coco(), "images": [A, {**A, "id": 2}]},
        f"{WHOLE}; a.png in val",
    ),
    "a Windows path": (coco({"file_name": "C:\\sets\\images\\a.png"}), f"images/{WHOLE}"),
    "a path of Label Studio": (coco({"file_name": "../../data/media/upload/1/a.png"}), WHOLE),
    "a folder in the name": (coco({"file_name": "images/a.png"}), f"images/{WHOLE}"),
    "another image's url": (
        coco({"coco_url": "http://example.com/a.png", "license": 4}),
        f"{WHOLE}; -images.coco_urlx1; -images.licensex1",
    ),
    "labelme's info": (
        coco(info={"year": None, "contributor": None}, type="instances"),
        f"{WHOLE}; -infox1; -typex1",
    ),
    "a score in percent": (
        coco(None, {**BOX, "score": 87.5}),
        (
            "val.json:1: annotations[0].bbox: annotation 1: confidence must be between 0 and 1, "
            "got 87.5 [BX-4]"
        ),
    ),
}


@pytest.mark.parametrize("name", COCO)
def test_shapes_of_coco(tmp_path: Path, name: str) -> None:
    """Of one image, beside `images/` (SE-5, SE-8)."""
    document, expected = COCO[name]
    write(tmp_path, {"val.json": document, "images/a.png": PICTURE})
    assert said(tmp_path, "val.json") == expected


def test_a_box_is_cut_off(tmp_path: Path) -> None:
    """Where clip asks for it (SE-9)."""
    document = coco(None, {**BOX, "bbox": [90, 0, 20, 5]}, {**BOX, "bbox": [100, 0, 20, 5]})
    write(tmp_path, {"val.json": document, "a.png": PICTURE})
    told = said(tmp_path, "val.json", clip=True)
    assert told == "a.png dog@0.9,0,1,0.1 in val; -parts of boxesx1; -boxesx1"


_OTHER = {**coco(), "images": [{**A, "file_name": "b.png"}]}
_NAMES = ("images/a.png", "images/b.png", "train/a.png", "valid/b.png", "data/a.png")
PICTURES = dict.fromkeys(_NAMES, PICTURE)
ONE = {"images/a.png": PICTURE}
TASK = {"id": 1, "data": {"image": "a.png"}, "annotations": []}

RESULTS = "give the file with the images"

FILES: dict[str, tuple[str, dict[str, Any], str]] = {
    "Roboflow": (
        "set",
        {
            "set/train/_annotations.coco.json": coco(),
            "set/train/a.png": PICTURE,
            "set/valid/_annotations.coco.json": _OTHER,
            "set/valid/b.png": PICTURE,
            "set/README.roboflow.txt": b"x",
        },
        f"a.png {SQUARE} in train; b.png {SQUARE} in valid",
    ),
    "CVAT": (
        "set",
        {"set/annotations/instances_default.json": coco(), "set/images/a.png": PICTURE},
        f"a.png {SQUARE} in default",
    ),
    "the first COCO": (
        "set",
        {
            "set/annotations/instances_val2017.json": coco(),
            "set/annotations/captions_val2017.json": coco(
                None, {"id": 1, "image_id": 1, "caption": "x"}
            ),
            "set/annotations/instances_train2017.json": _OTHER,
            "set/val2017/a.png": PICTURE,
            "set/train2017/b.png": PICTURE,
        },
        f"a.png {SQUARE} in val2017; b.png {SQUARE} in train2017; -annotations.captionx1",
    ),
    "nested splits": (
        "set",
        {"set/a/val/annotations/val.json": coco(), "set/a/val/images/a.png": PICTURE},
        f"a.png {SQUARE} in val",
    ),
    "one image in two splits": (
        "set",
        {"set/a.json": coco(), "set/b.json": coco(), "set/images/a.png": PICTURE},
        f"a.png {SQUARE} in a,b",
    ),
    "Label Studio's result.json": (
        "result.json",
        {"result.json": coco({"file_name": "images\\a.png"}), **ONE},
        f"images/a.png {SQUARE} in result",
    ),
    "upper case": ("VAL.JSON", {"VAL.JSON": coco(), **ONE}, f"a.png {SQUARE} in VAL"),
    "a byte order mark": (
        "val.json",
        {"val.json": b"\xef\xbb\xbf" + json.dumps(coco()).encode(), **ONE},
        WHOLE,
    ),
    "UTF-16": (
        "val.json",
        {"val.json": json.dumps(coco()).encode("utf-16"), **ONE},
        "val.json: is UTF-16 text; save it as UTF-8",
    ),
    "Latin-1": (
        "val.json",
        {"val.json": b'{"images": [\n{"file_name": "K\xe4se.png"}]}'},
        "val.json:2: is not UTF-8 text; save it as UTF-8",
    ),
    "CRLF": (
        "val.json",
        {"val.json": json.dumps(coco(), indent=1).replace("\n", "\r\n").encode(), **ONE},
        WHOLE,
    ),
    "gzip": (
        "val.json",
        {"val.json": b"\x1f\x8b\x08"},
        "val.json: is compressed with gzip; unpack it first",
    ),
    "a zip": ("set.zip", {"set.zip": b"PK\x03\x04"}, "set.zip: is a zip file; unpack it first"),
    "results": (
        "r.json",
        {"r.json": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]},
        f"r.json: is a list of results of COCO, which names no images; {RESULTS}",
    ),
    "labelme": (
        "a.json",
        {"a.json": {"shapes": [], "imagePath": "a.png"}},
        "a.json: is a labelme file; convert the folder to COCO with labelme2coco",
    ),
    "Label Studio's own": (
        "a.json",
        {"a.json": [TASK]},
        "a.json: is an export of Label Studio in its own format; export it as COCO",
    ),
    "VIA": (
        "a.json",
        {"a.json": {"_via_img_metadata": {}}},
        "a.json: is a VIA project; export its annotations as COCO",
    ),
    "deep": (
        "a.json",
        {"a.json": b'{"images":\n' + b"[" * 5000},
        "a.json:2: is nested more than 100 levels deep",
    ),
    "a folder called x.json": (
        "x.json",
        {"x.json/y": b""},
        (
            "x.json: is not a folder exported by the viam command line, and there is no COCO "
            "file in it: it has neither metadata/ nor dataset.jsonl nor data.ndjson"
        ),
    ),
    "an archive": (
        "set",
        {"set/manifest.json": {}},
        (
            "set: is an archive; `fakeviam archive load` puts it into a running fake, load or "
            "--load into a new one"
        ),
    ),
    "nothing there": ("gone.json", {}, "gone.json: cannot be read: No such file or directory"),
    "an empty dataset.jsonl": ("dataset.jsonl", {"dataset.jsonl": b""}, ""),
    "lines of Windows": (
        "dataset.jsonl",
        {
            "dataset.jsonl": b"\xef\xbb\xbf"
            + json.dumps({**LINE, "image_path": "C:\\out\\data\\a.png"}).encode()
            + b"\r\n\r\n",
            "data/a.png": PICTURE,
        },
        "a.png #t",
    ),
    "lines with nulls": (
        "dataset.jsonl",
        {
            "dataset.jsonl": {
                **LINE,
                "bounding_box_annotations": None,
                "timestamp": "",
                "part_id": None,
            },
            "data/a.png": PICTURE,
        },
        "a.png #t",
    ),
    "lines with more": (
        "dataset.jsonl",
        {
            "dataset.jsonl": {**LINE, "mime": "x", "timestamp": "yesterday"},
            "data/a.png": PICTURE,
        },
        "a.png #t; -mimex1; -timestampx1",
    ),
    "lines with labels of datasets": (
        "dataset.jsonl",
        {
            "dataset.jsonl": {
                **LINE,
                "classification_annotations": [{"annotation_label": "VIAM_DATASET_d1"}],
            },
            "data/a.png": PICTURE,
        },
        "a.png in d1",
    ),
    "lines in upper case": (
        "set/DATASET.JSONL",
        {"set/DATASET.JSONL": LINE, "set/Data/A.PNG": PICTURE},
        "a.png #t",
    ),
    "a line with a box over the edge": (
        "dataset.jsonl",
        {
            "dataset.jsonl": {
                **LINE,
                "bounding_box_annotations": [
                    {
                        "annotation_label": "dog",
                        "x_min_normalized": -0.1,
                        "y_min_normalized": 0,
                        "x_max_normalized": 1,
                        "y_max_normalized": 1,
                    }
                ],
            },
            "data/a.png": PICTURE,
        },
        (
            "dataset.jsonl:1: bounding_box_annotations[0]: the box -0.1, 0, 1, 1 reaches beyond 0 "
            "to 1; use the option clip to clip such boxes"
        ),
    ),
    "an image that is a folder": (
        "dataset.jsonl",
        {"dataset.jsonl": LINE, "data/a.png/x": b""},
        "dataset.jsonl:1: image_path: no file 'data/a.png' in ., data; set images to the folder",
    ),
    "readings of long ago": (
        "set",
        {
            "set/data/data.ndjson": {
                "v": 1,
                "TimeRequested": {"seconds": 1},
                "TimeReceived": {"seconds": 1, "nanos": 5},
                "MetadataIndex": 0,
            },
            "set/metadata/0.json": {"componentName": "thermo", "tags": ["t"]},
        },
        "",
    ),
    "readings without their source": (
        "set",
        {
            "set/data/data.ndjson": {"v": 1, "MetadataIndex": 3},
            "set/metadata/0.json": {},
        },
        "data.ndjson:1: MetadataIndex: metadata/3.json cannot be read: No such file or directory",
    ),
    "metadata with more": (
        "set",
        {
            "set/metadata/a.json": {"fileName": "a", "fileExt": ".png", "newer": 1},
            "set/data/a.png": PICTURE,
            "set/data/b.png": PICTURE,
        },
        "a.png; -newerx1; -files in data/x1",
    ),
    "metadata called x.json": (
        "set",
        {"set/metadata/x.json/y": b"", "set/data/x": b""},
        "metadata/x.json: cannot be read: Is a directory",
    ),
    "metadata that is a list": (
        "set",
        {"set/metadata/a.json": [1], "set/data/a": b""},
        "metadata/a.json: is not a JSON BinaryMetadata",
    ),
    "a CSV without times": (
        "t.csv",
        {"t.csv": b"a,b\n1,2\n"},
        "t.csv:1: there is no column 'time'; columns: a, b",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_shapes_of_files_and_folders(tmp_path: Path, name: str) -> None:
    """Whole folders of tools, encodings, and what is something else (SE-1, SE-5)."""
    path, files, expected = FILES[name]
    write(tmp_path, files)
    told = said(tmp_path, path)
    assert told.startswith(expected) if "BinaryMetadata" in expected else told == expected


_SEEDS: dict[str, dict[str, Any]] = {
    "val.json": coco(
        {"date_captured": "2026-01-31", "tags": ["t"], "viam": {"file_name": "b"}},
        {**BOX, "score": 0.5, "segments_info": [{"category_id": 1, "bbox": [1, 2, 3, 4]}]},
        {**BARE, "segmentation": {"size": [50, 100], "counts": "abc"}},
        info={"year": 2026},
        licenses=[{"id": 1}],
    ),
    "dataset.jsonl": {**LINE, "viam": {"dataset_ids": ["d"]}, "timestamp": "2026-01-31"},
    "set/metadata/a.json": {
        "captureMetadata": {"partId": "p", "tags": ["t"]},
        "timeRequested": "2026-01-31T12:00:00Z",
        "fileName": "a",
        "fileExt": ".png",
        "annotations": {"bboxes": [{"label": "dog", "xMaxNormalized": 1}]},
    },
    "old/data/data.ndjson": {"v": 1, "TimeRequested": {"seconds": 1}, "MetadataIndex": 0},
    "data.ndjson": {"partId": "p", "payload": {"v": 1}, "timeCaptured": "2026-01-31T12:00:00Z"},
}
_WRONG = st.sampled_from(
    [None, "", [], {}, 0, -1, 1.5, 1e308, 2**63, "x", "\0", "../..", "/", True, [[1]], {"a": None}]
)


def _changed(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """The value with one thing in it gone wrong."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 4)):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = draw(st.sampled_from(keys))
        made = value.copy()
        made[key] = _changed(value[key], draw)
        return made
    return draw(_WRONG)


@given(made=st.data())
def test_anything_wrong_is_a_usage_error(made: st.DataObject) -> None:
    """Whatever stands in a file, reading it is an error with a text, or works (SE-1)."""
    name = made.draw(st.sampled_from(sorted(_SEEDS)))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder, dict.fromkeys(("a.png", "data/a.png", "set/data/a.png"), PICTURE))
        write(folder, {name: _changed(_SEEDS[name], made.draw), "old/metadata/0.json": {}})
        path = name.partition("/")[0] if "/" in name else name
        with contextlib.suppress(UsageError):
            FakeViam(seed=1).load(folder / path, **made.draw(st.sampled_from([{}, {"part": "p"}])))
