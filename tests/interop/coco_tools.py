"""What other programs make of a COCO export; runs in an environment that has them.

Prints one JSON object: the facts that the test compares.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import datumaro  # type: ignore[import-not-found]
import faster_coco_eval as faster  # type: ignore[import-not-found]
import matplotlib as mpl
from pycocotools.coco import COCO  # type: ignore[import-untyped]
from pycocotools.cocoeval import COCOeval  # type: ignore[import-untyped]

mpl.use("Agg")


def _score(coco: Any, evaluation: Any, kind: str) -> float:
    """The mean precision of the annotations themselves as results."""
    found = [
        {
            "image_id": each["image_id"],
            "category_id": each["category_id"],
            "bbox": each["bbox"],
            "score": 0.9,
        }
        for each in coco.loadAnns(coco.getAnnIds())
    ]
    done = evaluation(coco, coco.loadRes(found), kind)
    done.evaluate()
    done.accumulate()
    done.summarize()
    return round(float(done.stats[0]), 6)


def _facts(folder: Path, place: Path) -> dict[str, Any]:
    file = folder / "annotations.json"
    coco = COCO(str(file))
    annotations = coco.loadAnns(coco.getAnnIds())
    coco.showAnns(annotations, draw_bbox=True)
    # The layout of CVAT and Datumaro, there and back.
    (place / "in/annotations").mkdir(parents=True)
    shutil.copy(file, place / "in/annotations/instances_default.json")
    shutil.copytree(folder / "images", place / "in/images/default")
    imported = datumaro.Dataset.import_from(str(place / "in"), "coco_instances")
    imported.export(str(place / "out"), "coco_instances", save_media=True)
    return {
        "masks": [int(coco.annToMask(each).sum()) for each in annotations],
        "areas": [round(each["area"]) for each in annotations],
        "pycocotools": [_score(coco, COCOeval, kind) for kind in ("bbox", "segm")],
        "faster-coco-eval": _score(faster.COCO(str(file)), faster.COCOeval_faster, "bbox"),
        "datumaro": {
            item.id: sorted({each.label for each in item.annotations}) for item in imported
        },
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):
        told = _facts(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps(told))  # noqa: T201 - the test reads it
