"""Writing downloads to `dest`, without losing anything.

- Readings become one JSON file, which `load_readings` reads back equal.
- One file of binary data becomes that file. Any other number becomes a directory of files and
  `manifest.json`, which says what each of them is.
- Metadata without bytes becomes one JSON file of what the manifest would hold.

Everything is written under a temporary name first and then renamed, so `dest` is never half
written. A file that is there is replaced; a directory only if a download made it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data as wire
from fakeviam_client._arguments import text
from fakeviam_client._records import TabularData, moment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam_client._records import BinaryData

MANIFEST = "manifest.json"

_SCALARS = (
    "organization_id", "location_id", "robot_name", "robot_id", "part_name", "part_id",
    "component_type", "component_name", "method_name", "mime_type",
)  # fmt: skip

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


def check_destination(dest: object) -> Path | None:
    """The path of `dest`, or None if there is none; asked before anything is fetched.

    Raises:
        TypeError: It is no path.
        FileExistsError: A directory is there that no download made.
        FileNotFoundError: The directory it is to be put in does not exist.
    """
    if dest is None:
        return None
    path = Path(text("dest", os.fspath(dest) if isinstance(dest, os.PathLike) else dest))
    if path.is_dir() and not (path / MANIFEST).is_file():
        message = f"dest is a directory that no download made; choose another path: {path}"
        raise FileExistsError(message)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"the directory of dest does not exist: {path.parent}")
    return path


def write_readings(dest: Path, readings: Iterable[TabularData]) -> None:
    """Write readings as one JSON file."""
    _write_json(
        dest,
        [
            {
                "data": reading.data,
                "metadata": _capture_metadata(reading.metadata),
                "time_requested": reading.time_requested.isoformat(),
                "time_received": reading.time_received.isoformat(),
            }
            for reading in readings
        ],
    )


def load_readings(path: str | os.PathLike[str]) -> list[TabularData]:
    """Read back what `tabular_data_by_filter(dest=…)` wrote; equal to what it returned."""
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    return [
        TabularData(
            entry["data"],
            _capture_metadata_from(entry["metadata"]),
            datetime.fromisoformat(entry["time_requested"]),
            datetime.fromisoformat(entry["time_received"]),
        )
        for entry in entries
    ]


def write_files(dest: Path, files: Sequence[BinaryData], *, with_bytes: bool) -> None:
    """Write files of binary data, or their metadata if the bytes were not asked for."""
    if not with_bytes:
        _write_json(dest, [_metadata(file.metadata) for file in files])
    elif len(files) == 1:
        _write_bytes(dest, files[0].data)
    else:
        _write_directory(dest, files)


def safe_names(wanted: Iterable[str]) -> list[str]:
    """File names that stay in their directory and differ, also where case does not count."""
    taken = {MANIFEST.casefold()}
    names = []
    for name in wanted:
        plain = Path(_plain_name(name))
        candidate, count = plain.name, 1
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{plain.stem}-{count}{plain.suffix}"
        taken.add(candidate.casefold())
        names.append(candidate)
    return names


def _plain_name(name: str) -> str:
    # Only the last part of a path counts, whichever system wrote it.
    last = re.split(r"[/\\]", name)[-1]
    plain = _UNSAFE.sub("_", last).strip(". ")
    path = Path(plain or "file")
    # File systems take 255 bytes; a character may take four.
    return f"{path.stem[:40]}{path.suffix[:16]}"


def _write_directory(dest: Path, files: Sequence[BinaryData]) -> None:
    made = Path(tempfile.mkdtemp(prefix=f".{dest.name}-", dir=dest.absolute().parent))
    try:
        names = safe_names(f"{f.metadata.file_name or 'file'}{_missing_ext(f)}" for f in files)
        for name, file in zip(names, files, strict=True):
            (made / name).write_bytes(file.data)
        entries = [
            {"file": name, **_metadata(file.metadata)}
            for name, file in zip(names, files, strict=True)
        ]
        (made / MANIFEST).write_text(_json(entries), encoding="utf-8")
        made.chmod(0o755)  # mkdtemp's is for the owner alone
        if dest.is_dir():
            shutil.rmtree(dest)
        elif dest.exists():
            dest.unlink()
        made.replace(dest)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _missing_ext(file: BinaryData) -> str:
    """The extension, where the name does not have it already."""
    ext = file.metadata.file_ext
    return "" if file.metadata.file_name.endswith(ext) else ext


def _write_json(dest: Path, value: Any) -> None:
    _write_bytes(dest, _json(value).encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _write_bytes(dest: Path, blob: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{dest.name}-", dir=dest.absolute().parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
        Path(name).chmod(0o644)  # mkstemp's is for the owner alone
        if dest.is_dir():
            shutil.rmtree(dest)
        Path(name).replace(dest)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _capture_metadata(metadata: wire.CaptureMetadata) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(metadata, name) for name in _SCALARS}
    plain["tags"] = list(metadata.tags)
    plain["method_parameters"] = {
        key: {"type_url": packed.type_url, "value": base64.b64encode(packed.value).decode()}
        for key, packed in metadata.method_parameters.items()
    }
    return plain


def _capture_metadata_from(plain: dict[str, Any]) -> wire.CaptureMetadata:
    metadata = wire.CaptureMetadata(**{name: plain[name] for name in _SCALARS}, tags=plain["tags"])
    for key, packed in plain["method_parameters"].items():
        metadata.method_parameters[key].type_url = packed["type_url"]
        metadata.method_parameters[key].value = base64.b64decode(packed["value"])
    return metadata


def _metadata(metadata: wire.BinaryMetadata) -> dict[str, Any]:
    return {
        "binary_data_id": metadata.binary_data_id,
        "id": metadata.id,
        "file_name": metadata.file_name,
        "file_ext": metadata.file_ext,
        "file_size_bytes": metadata.file_size_bytes,
        "uri": metadata.uri,
        "time_requested": moment_of(metadata.time_requested).isoformat(),
        "time_received": moment_of(metadata.time_received).isoformat(),
        "dataset_ids": list(metadata.dataset_ids),
        "bounding_boxes": [_label(box) for box in metadata.annotations.bboxes],
        "classifications": [_label(mark) for mark in metadata.annotations.classifications],
        "capture_metadata": _capture_metadata(metadata.capture_metadata),
    }


def _label(annotation: wire.BoundingBox | wire.Classification) -> dict[str, Any]:
    """All scalar fields of an annotation; a confidence only where there is one."""
    fields = annotation.DESCRIPTOR.fields
    return {
        field.name: getattr(annotation, field.name)
        for field in fields
        if not field.has_presence or annotation.HasField(field.name)  # type: ignore[arg-type]
    }
