"""MIME types by file extension (UP-4, A24)."""

from __future__ import annotations

from types import MappingProxyType

FALLBACK = "application/octet-stream"

BY_EXTENSION = MappingProxyType(
    {
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
        ".pcd": "pointcloud/pcd",
        ".mp4": "video/mp4",
        ".wav": "audio/wav",
        ".mp3": "audio/mpeg",
        ".txt": "text/plain",
        ".json": "application/json",
    }
)

#: The extensions of which the documentation itself says what they become.
DOCUMENTED = frozenset({".jpg", ".jpeg", ".png"})


def with_dot(extension: str) -> str:
    """The stored form of a file extension: one leading dot, or empty (A26)."""
    return extension if not extension or extension.startswith(".") else f".{extension}"


def mime_type_of(extension: str) -> str:
    """The MIME type of a file extension, with or without its dot, in any case."""
    return BY_EXTENSION.get(with_dot(extension).lower(), FALLBACK)


def is_image(mime_type: str) -> bool:
    """Whether bounding boxes may be put on data of this type."""
    return mime_type.startswith("image/")
