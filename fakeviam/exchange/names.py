"""Names of exported files: as the `viam` command line makes them, whatever a server sends."""

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

# What some file system does not take; the command line puts the same sign there.
_RESERVED = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')

# As `prefix_of` makes it, or as the command line does where file systems take colons.
_PREFIX = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}[:_]\d{2}[:_]\d{2}(\.\d+)?Z_")

# Of the fields that say what captured a file, those that formats may have no place for.
_SOURCE = ("component_type", "component_name", "method_name")

#: What the command line unzips as it saves it.
GZIP = ".gz"
_ZIPPED = b"\x1f\x8b"

# Where viam-server captures to; the command line cuts it, because its first step is hidden.
_CAPTURES = "/.viam/capture/"

# File systems take 255 bytes; this leaves room for a number, an extension and `.json`.
_LONGEST = 180


def go_time(metadata: BinaryMetadata) -> str:
    """The time requested as Go writes it: RFC 3339, fractions without zeros at their end."""
    stamp = metadata.time_requested
    nanos_from(stamp)  # a time that is none is an error here, not in the name of a file
    text: str = stamp.ToJsonString()
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}{dot}{fraction.rstrip('0')}".removesuffix(".") + "Z"


def prefix_of(metadata: BinaryMetadata) -> str:
    """What stands before a name, so that files sort by time."""
    return _RESERVED.sub("_", go_time(metadata)) + "_"


def download_name(metadata: BinaryMetadata) -> str:
    """The path below `data/`, without the extension if the name has none.

    Names of files without folders get the time in front; those with folders keep them.
    """
    name = metadata.file_name
    if not name:
        name = f"{prefix_of(metadata)}{metadata.id}{metadata.file_ext}"
    elif "/" not in name:
        name = f"{prefix_of(metadata)}{name}"
    return _safe(name.replace(_CAPTURES, "").removesuffix(GZIP))


def saved_bytes(metadata: BinaryMetadata, data: bytes) -> tuple[str, bytes]:
    """The extension a file gets and its contents, which the command line unzips.

    What is called .gz and is not zipped stays as it is, and so does what would fill the memory.
    """
    if metadata.file_ext != GZIP or not data.startswith(_ZIPPED):
        return metadata.file_ext, data
    try:
        with gzip.open(BytesIO(data)) as source:
            return "", b"".join(unpacked(source, packed=len(data)))
    except (OSError, EOFError, zlib.error, UnpackedTooLargeError):
        return metadata.file_ext, data


def full_name(metadata: BinaryMetadata) -> str:
    """The file's own name with its extension; its id where it has none."""
    name = metadata.file_name or metadata.id
    return _safe(with_ext(name, metadata.file_ext))


def original_name(path: str, *, file_id: str = "") -> str:
    """The name that `download_name` was made of; empty if there was none."""
    name = path if "/" in path else _PREFIX.sub("", path, count=1)
    return "" if file_id and name.startswith(file_id) else name


def parsed_name(path: str, *, binary_data_id: str = "") -> tuple[str, str]:
    """The file name and extension of what was saved under a path below `data/`."""
    plain = original_name(path)
    ext = PurePosixPath(plain).suffix
    file_id = binary_data_id.rpartition("/")[2]
    return "" if file_id and plain.startswith(file_id) else plain.removesuffix(ext), ext


def beyond(
    metadata: BinaryMetadata, told: tuple[str, str], *, unzipped: bool = False
) -> dict[str, object]:
    """What a format has no field for, under a key of its own, so that it reads the same.

    Args:
        metadata: What is exported.
        told: The name and extension that the format tells.
        unzipped: Whether the contents were unzipped.
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
    """A path that stays where it is put."""
    steps = [_RESERVED.sub("_", step) for step in name.split("/")]
    parts = [_short(step) for step in steps if step not in ("", ".", "..")]
    return "/".join(parts) or "file"


def _short(step: str) -> str:
    """As much of a name as a file system takes; its extension stays."""
    suffix = PurePosixPath(step).suffix[:20]
    if len(step.encode()) <= _LONGEST:
        return step
    stem = step[: len(step) - len(suffix)]
    return stem.encode()[: _LONGEST - len(suffix.encode())].decode(errors="ignore") + suffix


class Distinct:
    """Gives out paths that differ, also where case is ignored, and none inside another."""

    def __init__(self) -> None:
        """Begin without any."""
        self._taken: set[str] = set()
        self._folders: set[str] = set()

    def unused(self, path: str, ext: str = "", *, beside: str = "") -> str:
        """The path, or one with a number if it is taken.

        Args:
            path: What is wanted.
            ext: Stands behind the path if it does not end so already, and behind the number.
            beside: Where this is given, the path with it at its end is taken too.
        """
        stem = path[: len(path) - len(ext)] if ext and path.endswith(ext) else path
        tail = path[len(stem) :]
        if any(folder.casefold() in self._taken for folder in _folders(path)):
            stem = stem.replace("/", "_")  # a file stands where its folder would
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
    """A path with an extension, if it does not end so already."""
    return path if path.endswith(ext) else f"{path}{ext}"


def _places(path: str, ext: str, beside: str) -> list[str]:
    # The two kinds stand in two folders; a mark that no name has keeps them apart.
    return [with_ext(path, ext), *([f"\0{path}{beside}"] if beside else [])]


def _folders(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]
