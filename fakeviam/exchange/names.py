"""Names of exported files, which are derived like those of the `viam` command line."""

from __future__ import annotations

import gzip
import re
import zlib
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fakeviam.model.records import mime_type_of
from fakeviam.model.unpacking import UnpackedTooLargeError, unpacked
from fakeviam.wire.times import nanos_from

if TYPE_CHECKING:
    from fakeviam.wire.data import BinaryMetadata

# Characters that some file systems reject; the command line replaces them in the same way.
_RESERVED = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')

# As written by `prefix_of`, or by the command line on file systems that permit colons.
_PREFIX = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}[:_]\d{2}[:_]\d{2}(\.\d+)?Z_")

# Metadata fields that some formats cannot represent.
_SOURCE = ("component_type", "component_name", "method_name")

#: Extensions of files that the command line decompresses.
GZIP = ".gz"
_ZIPPED = b"\x1f\x8b"

# viam-server's capture folder; the command line removes it, because it starts with a hidden folder.
_CAPTURES = "/.viam/capture/"

# File systems permit 255 bytes; this leaves room for a number, an extension and `.json`.
_LONGEST = 180


def go_time(metadata: BinaryMetadata) -> str:
    """The time requested in Go's format: RFC 3339 without trailing zeros."""
    stamp = metadata.time_requested
    nanos_from(stamp)  # report invalid times here, not as an error of the file name
    text: str = stamp.ToJsonString()
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}{dot}{fraction.rstrip('0')}".removesuffix(".") + "Z"


def prefix_of(metadata: BinaryMetadata) -> str:
    """The prefix of a file name, by which files sort by time."""
    return _RESERVED.sub("_", go_time(metadata)) + "_"


def download_name(metadata: BinaryMetadata) -> str:
    """The path below `data/`; it has an extension only if the name has one.

    Names without folders are prefixed with the time; others are unchanged.
    """
    name = metadata.file_name
    if not name:
        name = f"{prefix_of(metadata)}{metadata.id}{metadata.file_ext}"
    elif "/" not in name:
        name = f"{prefix_of(metadata)}{name}"
    return _safe(name.replace(_CAPTURES, "").removesuffix(GZIP))


def saved_bytes(metadata: BinaryMetadata, data: bytes) -> tuple[str, bytes]:
    """The extension and contents of a saved file, which the command line decompresses.

    Files that are not really compressed, or would exhaust the memory, are saved unchanged.
    """
    if metadata.file_ext != GZIP or not data.startswith(_ZIPPED):
        return metadata.file_ext, data
    try:
        with gzip.open(BytesIO(data)) as source:
            return "", b"".join(unpacked(source, packed=len(data)))
    except (OSError, EOFError, zlib.error, UnpackedTooLargeError):
        return metadata.file_ext, data


def full_name(metadata: BinaryMetadata) -> str:
    """The file's name with its extension; its id if it has no name."""
    name = metadata.file_name or metadata.id
    return _safe(with_ext(name, metadata.file_ext))


def original_name(path: str, *, file_id: str = "") -> str:
    """The name from which `download_name` derived a path; empty if there was none."""
    name = path if "/" in path else _PREFIX.sub("", path, count=1)
    return "" if file_id and name.startswith(file_id) else name


def parsed_name(path: str, *, binary_data_id: str = "") -> tuple[str, str]:
    """The file name and extension of a file saved at a path below `data/`."""
    plain = original_name(path)
    ext = PurePosixPath(plain).suffix
    file_id = binary_data_id.rpartition("/")[2]
    return "" if file_id and plain.startswith(file_id) else plain.removesuffix(ext), ext


def beyond(
    metadata: BinaryMetadata, told: tuple[str, str], *, unzipped: bool = False
) -> dict[str, object]:
    """The metadata that a format cannot represent, for a key of its own, so that nothing is lost.

    Args:
        metadata: The metadata.
        told: The name and extension that the format represents.
        unzipped: Whether the contents were decompressed.
    """
    name, ext = metadata.file_name, metadata.file_ext
    source = metadata.capture_metadata
    mime_type = source.mime_type
    known = {
        **({"file_name": name, "file_ext": ext} if told != (name, ext) else {}),
        **({"mime_type": mime_type} if mime_type != mime_type_of(ext) else {}),
        **({"dataset_ids": list(metadata.dataset_ids)} if metadata.dataset_ids else {}),
        **({"unzipped": True} if unzipped else {}),
        **{field: getattr(source, field) for field in _SOURCE if getattr(source, field)},
    }
    return {"viam": known} if known else {}


def user_tags(metadata: BinaryMetadata) -> list[str]:
    """The tags of a file without the labels of its datasets, which are derived (A10)."""
    labels = {f"VIAM_DATASET_{dataset_id}" for dataset_id in metadata.dataset_ids}
    return [tag for tag in metadata.capture_metadata.tags if tag not in labels]


def _safe(name: str) -> str:
    """A path that stays inside its folder."""
    steps = [_RESERVED.sub("_", step) for step in name.split("/")]
    parts = [_short(step) for step in steps if step not in ("", ".", "..")]
    return "/".join(parts) or "file"


def _short(step: str) -> str:
    """Shorten a name to the limit of file systems, but keep its extension."""
    suffix = PurePosixPath(step).suffix[:20]
    if len(step.encode()) <= _LONGEST:
        return step
    stem = step[: len(step) - len(suffix)]
    return stem.encode()[: _LONGEST - len(suffix.encode())].decode(errors="ignore") + suffix


class Distinct:
    """Generates distinct paths, ignoring case; no file's path is the folder of another."""

    def __init__(self) -> None:
        """Start without paths."""
        self._taken: set[str] = set()
        self._folders: set[str] = set()

    def unused(self, path: str, ext: str = "", *, beside: str = "") -> str:
        """The path, with a number if it is taken.

        Args:
            path: The preferred path.
            ext: Appended to the path, after the number, unless the path already ends with it.
            beside: If set, the path with this suffix must be available too.
        """
        stem = path[: len(path) - len(ext)] if ext and path.endswith(ext) else path
        tail = path[len(stem) :]
        if any(folder.casefold() in self._taken for folder in _folders(path)):
            stem = stem.replace("/", "_")  # there is a file where its folder would be
        number, candidate = 1, f"{stem}{tail}"
        while not all(map(self._is_free, _places(candidate, ext, beside))):
            number += 1
            candidate = f"{stem}-{number}{tail}"
        for place in _places(candidate, ext, beside):
            self._taken.add(place.casefold())
            self._folders.update(folder.casefold() for folder in _folders(place))
        return candidate

    def _is_free(self, path: str) -> bool:
        return path.casefold() not in self._taken and path.casefold() not in self._folders


def with_ext(path: str, ext: str) -> str:
    """Append an extension, unless the path already ends with it."""
    return path if path.endswith(ext) else f"{path}{ext}"


def _places(path: str, ext: str, beside: str) -> list[str]:
    # Both kinds are in separate folders, distinguished by a prefix that no name has.
    return [with_ext(path, ext), *([f"\0{path}{beside}"] if beside else [])]


def _folders(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]
