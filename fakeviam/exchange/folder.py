"""Folders exported by the `viam` command line.

`viam data export binary` writes `data/` with the files, and `metadata/` with a BinaryMetadata
message as protobuf JSON for each. This layout has been public since the first releases of the
command line and is unchanged in its code of 2025, which this module follows: since then,
`fileName` is the name the file was saved under. `viam dataset export` adds `dataset.jsonl`; its
newest releases do not write `metadata/`, so `fakeviam.exchange.jsonl` reads the rest. `viam data
export tabular` writes `data.ndjson`, one ExportTabularDataResponse per line. This is known from
code and documentation, not from exports of the real service.

Importing restores parts, datasets, locations and organizations with their ids, so that ids in your
configuration remain valid, and names if the metadata has them. The files get new ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import json_format

from fakeviam import wire
from fakeviam.exchange.exporting import put
from fakeviam.exchange.files import LeftOutCounts, is_file
from fakeviam.exchange.jsonl import FILE as DATASET_FILE
from fakeviam.exchange.jsonl import read_jsonl
from fakeviam.exchange.lenient import CLIP
from fakeviam.exchange.messages import message_of, unknown_fields
from fakeviam.exchange.names import (
    GZIP,
    Distinct,
    download_name,
    original_name,
    saved_bytes,
    user_tags,
    with_ext,
)
from fakeviam.exchange.owners import Owners
from fakeviam.exchange.tabular import read_tabular
from fakeviam.model.annotations import COORDINATES, BoundingBox, Classification, check_box
from fakeviam.model.errors import Refusal
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.seeds.diagnostics import Diagnostics, SourceLocation, printable
from fakeviam.seeds.document import json_value, read_text
from fakeviam.seeds.values import Capture, FileContents, FileSeed, Seed
from fakeviam.wire import data as messages
from fakeviam.wire.times import nanos_from

if TYPE_CHECKING:
    import os

    from google.protobuf.message import Message

DATA = "data"
METADATA = "metadata"
TABULAR_FILE = "data.ndjson"

_KIND = "a folder exported by the viam command line"


# Writing -------------------------------------------------------------------------------------


class FolderWriter:
    """`data/` and `metadata/`. Accepts every file."""

    def __init__(self, folder: Path, _: str = "") -> None:
        """Write to a folder."""
        self._folder = folder
        self._names = Distinct()
        for name in (DATA, METADATA):
            (folder / name).mkdir()

    def add(self, metadata: messages.BinaryMetadata, data: bytes) -> bool:
        """Write a file and its metadata."""
        saved = download_name(metadata)
        ext, data = saved_bytes(metadata, data)
        message = messages.BinaryMetadata()
        message.CopyFrom(metadata)
        message.file_name = saved
        # Packed messages of types that are unknown here: JSON cannot represent them.
        message.capture_metadata.method_parameters.clear()
        name = self._names.unused(saved, ext, beside=".json")
        text = json_format.MessageToJson(message, indent=None, descriptor_pool=wire.pool())
        put(self._folder / DATA, with_ext(name, ext), data)
        put(self._folder / METADATA, f"{name}.json", text.encode())
        return True

    def finish(self) -> None:
        """Do nothing."""


# Reading -------------------------------------------------------------------------------------


def is_folder(folder: Path) -> bool:
    """Whether a folder was exported by the command line."""
    names = (METADATA, DATASET_FILE, TABULAR_FILE, f"{DATA}/{TABULAR_FILE}")
    return any((folder / name).exists() for name in names)


def read_folder(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> Seed:
    """Read an exported folder.

    Raises:
        SeedError: The folder is not an export, or a file is missing or invalid.
        UsageError: An option does not apply here.
    """
    folder = Path(path)
    for tabular in (folder / TABULAR_FILE, folder / DATA / TABULAR_FILE):
        if tabular.is_file():
            return read_tabular(tabular, options)
    if (folder / METADATA).is_dir():
        options.check_useful(_KIND, ("dataset", "part", "clip"))
        return _Binary(folder, options).seed()
    if (folder / DATASET_FILE).is_file():
        return read_jsonl(folder / DATASET_FILE, options)
    raise SourceLocation(file=printable(path)).error(
        "is not a folder exported by the viam command line: it has neither "
        f"{METADATA}/ nor {DATASET_FILE} nor {TABULAR_FILE}"
    )


class _Binary:
    """Reads `data/` and `metadata/`."""

    def __init__(self, folder: Path, options: ReadOptions) -> None:
        self._folder = folder
        self._options = options
        self._owners = Owners(folder)
        self._left = LeftOutCounts()

    def seed(self) -> Seed:
        diagnostics = Diagnostics()
        files = []
        described: set[Path] = set()
        for path in sorted((self._folder / METADATA).rglob("*.json")):
            with diagnostics:
                files.append(self._file(path, described))
        for path in sorted((self._folder / DATA).rglob("*")):
            if path not in described and path.is_file():
                at = self._at(path)
                self._left.add("files in data/", at, f"no file in {METADATA}/ describes them")
        diagnostics.check()
        return Seed(
            parts=() if self._options.part else self._owners.parts,
            datasets=self._owners.datasets,
            files=tuple(files),
            left_out=self._left.all,
        )

    def _at(self, path: Path) -> SourceLocation:
        return SourceLocation(file=printable(path.relative_to(self._folder).as_posix()))

    def _file(self, path: Path, described: set[Path]) -> FileSeed:
        at = self._at(path)
        document = json_value(read_text(path, at), at)
        for field in unknown_fields(document):
            self._left.add(field, at)
        metadata = message_of(messages.BinaryMetadata, document, at)
        contents = self._contents(path, metadata, described)
        if contents is None:
            raise at.error(f"the file it describes is not in {DATA}/")
        described.add(contents)
        # The command line decompresses files and removes .gz from their names.
        zipped = metadata.file_ext == GZIP and contents.name == path.name.removesuffix(".json")
        source = metadata.capture_metadata
        owner = source.organization_id
        return FileSeed(
            label=printable(contents.relative_to(self._folder / DATA).as_posix()),
            contents=FileContents(path=contents, zipped=zipped),
            file_name=original_name(metadata.file_name, file_id=metadata.id),
            file_ext=metadata.file_ext,
            mime_type=source.mime_type,
            capture=Capture(
                part=self._options.part or self._owners.part(source, at),
                component_type=source.component_type,
                component=source.component_name,
                method=source.method_name,
            ),
            tags=tuple(dict.fromkeys(user_tags(metadata))),
            datasets=self._owners.datasets_of(metadata.dataset_ids, owner, self._options, at),
            boxes=tuple(
                _box(box, at, clip=self._options.clip) for box in metadata.annotations.bboxes
            ),
            classifications=tuple(map(_classification, metadata.annotations.classifications)),
            time_requested=_nanos(metadata, "time_requested"),
            time_received=_nanos(metadata, "time_received"),
            at=at,
        )

    def _contents(
        self, path: Path, metadata: messages.BinaryMetadata, described: set[Path]
    ) -> Path | None:
        beside = path.relative_to(self._folder / METADATA).as_posix().removesuffix(".json")
        names = [name for name in (beside, metadata.file_name) if name]
        ext = metadata.file_ext
        # With the extension, as usual; or without it, after decompression, which is preferred for
        # .gz: a file with the extension may have been compressed twice.
        whole = [with_ext(name, ext) for name in names]
        for name in [*names, *whole] if ext == GZIP else [*whole, *names]:
            file = self._folder / DATA / name
            if ".." not in Path(name).parts and is_file(file) and file not in described:
                return file
        return None


def _box(box: messages.BoundingBox, at: SourceLocation, *, clip: bool) -> BoundingBox:
    edges = {name: getattr(box, name) for name in COORDINATES}
    if clip:
        edges = {name: min(max(edge, 0.0), 1.0) for name, edge in edges.items()}
    bounding_box = BoundingBox(
        id="",
        label=box.label,
        confidence=box.confidence if box.HasField("confidence") else None,
        **edges,
    )
    try:
        return check_box(bounding_box)
    except Refusal as refusal:
        hint = f"; {CLIP}" if refusal.clause == "BX-2" else ""
        raise at.error(f"annotations.bboxes: {refusal.text}{hint}") from None


def _nanos(message: Message, field: str) -> int | None:
    return nanos_from(getattr(message, field)) if message.HasField(field) else None


def _classification(mark: messages.Classification) -> Classification:
    confidence = mark.confidence if mark.HasField("confidence") else None
    return Classification(id="", label=mark.label, confidence=confidence)
