"""Files as a server describes them, and images of a size."""

from __future__ import annotations

import struct
from typing import Any

from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from

NOON = 1_769_860_800 * 10**9


def png(width: int = 64, height: int = 48, rest: bytes = b"") -> bytes:
    """As much of a PNG as says its size."""
    size = struct.pack(">II", width, height)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + size + rest


def box(label: str = "dog", confidence: float | None = None, **edges: float) -> data.BoundingBox:
    known = {"x_max_normalized": 0.5, "y_max_normalized": 1.0, **edges}
    return data.BoundingBox(id="b1", label=label, confidence=confidence, **known)


def described(
    name: str = "a",
    ext: str = ".png",
    *,
    nanos: int = NOON,
    tags: tuple[str, ...] = (),
    boxes: tuple[data.BoundingBox, ...] = (),
    marks: tuple[data.Classification, ...] = (),
    **fields: Any,
) -> data.BinaryMetadata:
    """The metadata of a file of the default part."""
    part = DEFAULT_PART
    source: dict[str, Any] = {
        "organization_id": part.organization_id,
        "location_id": part.location_id,
        "robot_id": part.robot_id,
        "robot_name": part.robot_name,
        "part_id": part.id,
        "part_name": part.name,
        "component_name": "cam",
        "mime_type": "image/png" if ext == ".png" else "text/plain",
        "tags": tags,
    }
    known = {"id": "FILE" * 16, **fields}
    return data.BinaryMetadata(
        capture_metadata=data.CaptureMetadata(**source),
        time_requested=timestamp_from(nanos),
        time_received=timestamp_from(nanos + 1),
        file_name=name,
        file_ext=ext,
        annotations=data.Annotations(bboxes=boxes, classifications=marks),
        binary_data_id=f"{part.organization_id}/{part.location_id}/{known['id']}",
        **known,
    )
