"""MIME types by file extension."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model import records

TABLE = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "pcd": "pointcloud/pcd",
    "mp4": "video/mp4",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "txt": "text/plain",
    "json": "application/json",
}


@pytest.mark.parametrize(("extension", "expected"), TABLE.items())
def test_the_table(extension: str, expected: str) -> None:
    """With and without dot, in any case (UP-3, UP-4, A24)."""
    for spelled in (extension, extension.upper(), extension.title()):
        assert records.mime_type_of(spelled) == records.mime_type_of(f".{spelled}") == expected


def test_the_table_is_all_there_is() -> None:
    """And images are what the documentation itself names (UP-4)."""
    assert dict(records.MIME_TYPES) == {f".{name}": kind for name, kind in TABLE.items()}
    images = {extension for extension, kind in records.MIME_TYPES.items() if records.is_image(kind)}
    assert images == records.DOCUMENTED_EXTENSIONS == {".jpg", ".jpeg", ".png"}


@given(st.text())
def test_anything_else_is_bytes(extension: str) -> None:
    """application/octet-stream, whatever it looks like (A24)."""
    known = records.with_dot(extension).lower() in records.MIME_TYPES
    assert (records.mime_type_of(extension) != "application/octet-stream") is known


@given(st.text())
def test_a_stored_extension_has_one_dot_in_front(extension: str) -> None:
    """An empty one stays empty; storing what is stored changes nothing (A26)."""
    stored = records.with_dot(extension)
    assert records.with_dot(stored) == stored
    assert (stored == "") is (extension == "")
    assert stored.removeprefix(".") == extension.removeprefix(".")
    assert stored[:1] in {"", "."}
