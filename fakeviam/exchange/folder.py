"""Folders that the `viam` command line exports.

`viam data export binary` writes `data/` with the files and `metadata/` with a JSON file for each:
the BinaryMetadata message as protobuf's JSON has it. That layout is public since the first
releases of the command line and unchanged in its code of 2025, which we follow: from then on
`fileName` is the name the file was saved under. `viam dataset export` adds `dataset.jsonl`; its
newest releases write no `metadata/` any more, and `fakeviam.exchange.jsonl` reads what is left.
`viam data export tabular` writes `data.ndjson`, one ExportTabularDataResponse a line. We have read
code and documentation of these; we have seen no export of the real service.

What comes back: parts, datasets, locations and organizations with their ids, so that ids in your
configuration keep their meaning; names, where the metadata has them. The files get new ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf import json_format

from fakeviam import wire
from fakeviam.exchange.exporting import put
from fakeviam.exchange.files import is_file
from fakeviam.exchange.jsonl import FILE as DATASET_FILE
from fakeviam.exchange.jsonl import read_jsonl
from fakeviam.exchange.names import Distinct, download_name, original_name, user_tags, with_ext
from fakeviam.exchange.owners import Owners
from fakeviam.model.annotations import COORDINATES, BoundingBox, Classification, check_box
from fakeviam.model.errors import Refusal
from fakeviam.seeds.diagnostics import Diagnostics, Location, printable
from fakeviam.seeds.document import json_value, read_text
from fakeviam.seeds.values import Capture, Contents, FileSeed, ReadingSeed, Seed, SeriesSeed
from fakeviam.wire import data as messages
from fakeviam.wire.times import nanos_from
from fakeviam.wire.values import mapping_from

if TYPE_CHECKING:
    import os

    from google.protobuf.message import Message

    M = TypeVar("M", bound=Message)

DATA = "data"
METADATA = "metadata"
TABULAR_FILE = "data.ndjson"


# Writing -------------------------------------------------------------------------------------


class FolderWriter:
    """`data/` and `metadata/`. Takes every file."""

    def __init__(self, folder: Path, _: str = "") -> None:
        """Fill this folder."""
        self._folder = folder
        self._names = Distinct()
        for name in (DATA, METADATA):
            (folder / name).mkdir()

    def add(self, metadata: messages.BinaryMetadata, data: bytes) -> bool:
        """Write a file and its metadata."""
        saved, ext = download_name(metadata), metadata.file_ext
        known = messages.BinaryMetadata()
        known.CopyFrom(metadata)
        known.file_name = saved
        # Packed messages of types that only the uploader knows: JSON cannot show them.
        known.capture_metadata.method_parameters.clear()
        name = self._names.unused(saved, ext, beside=".json")
        text = json_format.MessageToJson(known, indent=None, descriptor_pool=wire.pool())
        put(self._folder / DATA, with_ext(name, ext), data)
        put(self._folder / METADATA, f"{name}.json", text.encode())
        return True

    def finish(self) -> None:
        """Nothing comes last."""


# Reading -------------------------------------------------------------------------------------


def read_folder(path: str | os.PathLike[str]) -> Seed:
    """The seed that an exported folder specifies.

    Raises:
        SeedError: It is not such a folder, or something in it is missing or broken.
    """
    folder = Path(path)
    if (folder / METADATA).is_dir():
        return _Binary(folder).seed()
    if (folder / DATASET_FILE).is_file():
        return read_jsonl(folder / DATASET_FILE)
    if (folder / TABULAR_FILE).is_file():
        return _readings(folder / TABULAR_FILE)
    raise Location(file=printable(path)).error(
        "is not a folder that the viam command line exported: it has neither "
        f"{METADATA}/ nor {DATASET_FILE} nor {TABULAR_FILE}"
    )


class _Binary:
    """Reads `data/` and `metadata/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owners = Owners()

    def seed(self) -> Seed:
        diagnostics = Diagnostics()
        files = []
        for path in sorted((self._folder / METADATA).rglob("*.json")):
            with diagnostics:
                files.append(self._file(path))
        diagnostics.check()
        return Seed(parts=self._owners.parts, datasets=self._owners.datasets, files=tuple(files))

    def _file(self, path: Path) -> FileSeed:
        at = Location(file=printable(path.relative_to(self._folder).as_posix()))
        known = _message(messages.BinaryMetadata, read_text(path, at), at)
        contents = self._contents(path, known)
        if contents is None:
            raise at.error(f"the file it describes is not in {DATA}/")
        # The command line unzips what it saves; then the name no longer ends in .gz.
        ext = known.file_ext if contents.name.endswith(known.file_ext) else contents.suffix
        source = known.capture_metadata
        return FileSeed(
            label=contents.relative_to(self._folder / DATA).as_posix(),
            contents=Contents(path=contents),
            file_name=original_name(known.file_name, file_id=known.id),
            file_ext=ext,
            mime_type=source.mime_type,
            capture=Capture(
                part=self._owners.part(source, at),
                component_type=source.component_type,
                component=source.component_name,
                method=source.method_name,
            ),
            tags=tuple(dict.fromkeys(user_tags(known))),
            datasets=self._owners.dataset_ids(known, at),
            boxes=tuple(_box(box, at) for box in known.annotations.bboxes),
            classifications=tuple(map(_classification, known.annotations.classifications)),
            time_requested=_nanos(known, "time_requested"),
            time_received=_nanos(known, "time_received"),
            at=at,
        )

    def _contents(self, path: Path, known: messages.BinaryMetadata) -> Path | None:
        beside = path.relative_to(self._folder / METADATA).as_posix().removesuffix(".json")
        names = [name for name in (beside, known.file_name) if name]
        # As they were saved; then as the command line saves what it unzipped.
        for name in [*(with_ext(name, known.file_ext) for name in names), *names]:
            found = self._folder / DATA / name
            if ".." not in Path(name).parts and is_file(found):
                return found
        return None


def _box(box: messages.BoundingBox, at: Location) -> BoundingBox:
    made = BoundingBox(
        id="",
        label=box.label,
        confidence=box.confidence if box.HasField("confidence") else None,
        **{name: getattr(box, name) for name in COORDINATES},
    )
    try:
        return check_box(made)
    except Refusal as refusal:
        raise at.error(f"annotations.bboxes: {refusal.text}") from None


def _readings(path: Path) -> Seed:
    owners, diagnostics = Owners(), Diagnostics()
    # In the order of their first reading; a source is everything but time and payload.
    found: dict[tuple[Capture, tuple[str, ...]], list[ReadingSeed]] = {}
    whole = Location(file=path.name)
    for number, line in enumerate(read_text(path, whole).split("\n"), 1):
        if line.strip():
            at = Location(file=path.name, line=number)
            with diagnostics:
                row = _message(messages.ExportTabularDataResponse, line, at)
                source = Capture(
                    part=owners.part(row, at),
                    component_type=row.resource_subtype,
                    component=row.resource_name,
                    method=row.method_name,
                )
                reading = ReadingSeed(
                    data=mapping_from(row.payload), time_requested=_nanos(row, "time_captured")
                )
                found.setdefault((source, tuple(row.tags)), []).append(reading)
    diagnostics.check()
    series = tuple(
        SeriesSeed(readings=tuple(readings), capture=source, tags=tags, at=whole)
        for (source, tags), readings in found.items()
    )
    return Seed(parts=owners.parts, series=series)


def _message(kind: type[M], text: str, at: Location) -> M:
    """A message of protobuf's JSON; fields that are newer than ours are left out."""
    document = json_value(text, at)
    if isinstance(document, dict):
        for holder in (document, document.get("captureMetadata")):
            if isinstance(holder, dict):
                # Parameters are no longer used, and their types are the uploader's (UP-8).
                holder.pop("methodParameters", None)
    try:
        message: M = json_format.ParseDict(
            document, kind(), ignore_unknown_fields=True, descriptor_pool=wire.pool()
        )
    except (ValueError, TypeError, AttributeError, json_format.ParseError) as error:
        raise at.error(f"is not a {kind.__name__} in JSON: {error}") from None
    return message


def _nanos(message: Any, field: str) -> int | None:
    return nanos_from(getattr(message, field)) if message.HasField(field) else None


def _classification(mark: messages.Classification) -> Classification:
    confidence = mark.confidence if mark.HasField("confidence") else None
    return Classification(id="", label=mark.label, confidence=confidence)
