"""Writes COCO for pycocotools, faster-coco-eval and annotation tools."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fakeviam.exchange.coco import CONTRIBUTOR
from fakeviam.exchange.exporting import ExportError, put
from fakeviam.exchange.names import Distinct, beyond, full_name, go_time, user_tags
from fakeviam.exchange.sizes import Size, size_of
from fakeviam.model.records import is_image

if TYPE_CHECKING:
    from fakeviam.wire import data as wire

#: The name of the JSON file.
FILE = "annotations.json"


class CocoWriter:
    """`annotations.json` and `images/`. COCO holds images only; other files are skipped."""

    def __init__(self, folder: Path, _: str = "") -> None:
        """Write to a folder."""
        self._folder = folder
        self._names = Distinct()
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, object]] = []
        self._categories: dict[str, int] = {}

    def add(self, metadata: wire.BinaryMetadata, data: bytes) -> bool:
        """Write an image and its boxes; False if it is not an image.

        Raises:
            ExportError: It has boxes, but its size cannot be determined.
        """
        if not is_image(metadata.capture_metadata.mime_type):
            return False
        size = size_of(data)
        name = self._names.unused(full_name(metadata), metadata.file_ext)
        if size is None and metadata.annotations.bboxes:
            text = (
                f"{name} has boxes, which COCO stores in pixels, but its size is unknown: not "
                "a PNG, JPEG, GIF, BMP, WebP or TIFF. Choose the format folder or jsonl"
            )
            raise ExportError(text)
        number = len(self._images) + 1
        put(self._folder / "images", name, data)
        self._images.append(_image(number, name, size, metadata))
        for box in metadata.annotations.bboxes:
            self._annotations.append(self._annotation(box, number, size or Size(1, 1)))
        return True

    def _annotation(self, box: wire.BoundingBox, image: int, size: Size) -> dict[str, object]:
        left, top = box.x_min_normalized * size.width, box.y_min_normalized * size.height
        wide = box.x_max_normalized * size.width - left
        high = box.y_max_normalized * size.height - top
        right, bottom = left + wide, top + high
        return {
            "id": len(self._annotations) + 1,
            "image_id": image,
            "category_id": self._categories.setdefault(box.label, len(self._categories) + 1),
            "bbox": [left, top, wide, high],
            "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
            "area": wide * high,
            "iscrowd": 0,
            **({"score": box.confidence} if box.HasField("confidence") else {}),
        }

    def finish(self) -> None:
        """Write the JSON file."""
        document = {
            "info": self._info(),
            "licenses": [],
            "images": self._images,
            "annotations": self._annotations,
            "categories": [
                {"id": id_, "name": name, "supercategory": "none"}
                for name, id_ in self._categories.items()
            ],
        }
        text = json.dumps(document, ensure_ascii=False, indent=1)
        put(self._folder, FILE, f"{text}\n".encode())

    def _info(self) -> dict[str, object]:
        newest = max((image["date_captured"] for image in self._images), default="")
        return {
            "description": "A dataset of Viam's data cloud",
            "version": "1.0",
            "contributor": CONTRIBUTOR,
            "url": "",
            **({"year": int(newest[:4]), "date_created": newest} if newest else {}),
        }


def _image(
    number: int, name: str, size: Size | None, metadata: wire.BinaryMetadata
) -> dict[str, object]:
    marks = [
        {
            "label": one.label,
            **({"confidence": one.confidence} if one.HasField("confidence") else {}),
        }
        for one in metadata.annotations.classifications
    ]
    tags, ext = user_tags(metadata), PurePosixPath(name).suffix
    return {
        "id": number,
        "file_name": name,
        **({"width": size.width, "height": size.height} if size else {}),
        "date_captured": go_time(metadata),
        **({"tags": tags} if tags else {}),
        **({"classifications": marks} if marks else {}),
        **beyond(metadata, (name.removesuffix(ext), ext)),
    }
