"""Imports files of all supported formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam import seeds
from fakeviam.archive.format import MANIFEST
from fakeviam.exchange.coco import joined_splits, looks_like_coco, read_coco_text
from fakeviam.exchange.files import is_folder_there
from fakeviam.exchange.folder import is_folder, read_folder
from fakeviam.exchange.jsonl import read_jsonl
from fakeviam.exchange.tabular import is_tabular, read_tabular
from fakeviam.model.read_options import ReadOptions
from fakeviam.seeds import SeedError, SourceLocation
from fakeviam.seeds.diagnostics import Diagnostics, printable
from fakeviam.seeds.document import json_value, read_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from fakeviam.seeds import Seed

# The maximum depth of COCO files in a folder of splits: set/train/annotations/instances.json.
_DEPTH = 4

_SOURCE = ("part", "component", "method")
_TIMES = ("time_format", "time_unit")
_JSON, _LINES, _TABLES = ".json", (".jsonl", ".ndjson"), (".csv", ".tsv")


def read_any(
    path: str | os.PathLike[str], options: ReadOptions | Mapping[str, object] | None = None
) -> Seed:
    """Read a file or folder of any supported format.

    A folder is an export of the `viam` command line, or contains COCO files, each of which becomes
    a dataset. A JSON file with images is COCO; JSON lines are a `dataset.jsonl`, a `data.ndjson` or
    readings; CSV and TSV are readings; anything else is a seed file.

    Args:
        path: The file or folder.
        options: What the file does not specify.

    Raises:
        SeedError: The format is not supported, or the contents are invalid.
        UsageError: An option does not apply to the format.
    """
    read_options = ReadOptions.of(options)
    seed = foreign_seed(Path(path), read_options)
    if seed is not None:
        return seed
    read_options.check_useful("a seed file, which is complete,")
    return seeds.read(path, importer=_import)


def read_mapping(document: Mapping[str, object], options: ReadOptions) -> Seed:
    """Read a seed from a dict; names of files are relative to the current folder.

    Raises:
        SeedError: It is invalid.
        UsageError: An option does not apply to seeds.
    """
    options.check_useful("a dict, which is complete,")
    return seeds.from_document(dict(document), folder=Path(), importer=_import)


def _import(path: Path, options: ReadOptions) -> Seed:
    """Read a file that a seed file imports: any format but a seed."""
    seed = foreign_seed(path, options)
    if seed is None:
        raise SourceLocation(file=printable(path)).error(
            "is a seed file, which cannot be imported; import COCO, an exported folder, JSON lines "
            "or CSV"
        )
    return seed


def foreign_seed(path: Path, options: ReadOptions) -> Seed | None:
    """Read a file or folder of another program; None if it may be a seed file."""
    if is_folder_there(path):
        return _folder(path, options)
    kind = path.suffix.lower()
    if kind in _LINES:
        return _lines(path, options)
    if kind in _TABLES:
        options.check_useful("a table of readings", (*_SOURCE, "delimiter", *_TIMES))
        return seeds.read_readings(path, options)
    return _json(path, options) if kind == _JSON else None


def _folder(folder: Path, options: ReadOptions) -> Seed:
    at = SourceLocation(file=printable(folder))
    if (folder / MANIFEST).exists():
        raise at.error(
            "is an archive; `fakeviam archive load` puts it into a running fake, "
            "load or --load into a new one"
        )
    if is_folder(folder):
        return read_folder(folder, options)
    splits: list[tuple[Path, Seed]] = []
    diagnostics = Diagnostics()
    for path in _json_files(folder, _DEPTH):
        with diagnostics:
            text = read_text(path, SourceLocation(file=printable(path)))
            document = json_value(text, SourceLocation(file=printable(path)))
            if looks_like_coco(document):
                splits.append((path, read_coco_text(path, text, document, options)))
    diagnostics.check()
    if splits:
        return joined_splits(splits, folder)
    raise at.error(
        "is not a folder exported by the viam command line, and there is no COCO file in it: it "
        "has neither metadata/ nor dataset.jsonl nor data.ndjson"
    )


def _json_files(folder: Path, depth: int) -> Iterator[Path]:
    """The JSON files in a folder and a few levels below."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise SourceLocation(file=printable(folder)).error(text) from error
    for path in entries:
        if path.is_dir():
            if depth > 1 and not path.is_symlink() and not path.name.startswith("."):
                yield from _json_files(path, depth - 1)
        elif path.suffix.lower() == _JSON:
            yield path


def _lines(path: Path, options: ReadOptions) -> Seed:
    at = SourceLocation(file=printable(path))
    lines = (line for line in read_text(path, at).split("\n") if line.strip())
    try:
        first = json_value(next(lines, "{}"), at, nan=True)
    except SeedError:
        first = None
    if is_tabular(first):
        return read_tabular(path, options)
    if isinstance(first, dict) and ("time" in first) and "image_path" not in first:
        options.check_useful("a file of readings", (*_SOURCE, *_TIMES))
        return seeds.read_readings(path, options)
    if isinstance(first, dict) and first and "image_path" not in first:
        raise at.error(
            "has neither image_path, as the lines of a dataset.jsonl, nor time, as readings have; "
            f"the first line has {', '.join(first)}"
        )
    return read_jsonl(path, options)


def _json(path: Path, options: ReadOptions) -> Seed | None:
    at = SourceLocation(file=printable(path))
    try:
        text = read_text(path, at)
        document = json_value(text, at)
    except SeedError:  # reported again by the reader of seeds
        return None
    if looks_like_coco(document):
        return read_coco_text(path, text, document, options)
    foreign = _foreign(document)
    if foreign:
        raise SourceLocation(file=printable(path)).error(f"is {foreign}")
    return None


def _foreign(document: object) -> str:
    """The other program's format of a JSON file, and what to do; empty if it may be a seed."""
    first = document[0] if isinstance(document, list) and document else document
    if not isinstance(first, dict):
        return ""
    if "shapes" in first and "imagePath" in first:
        return "a labelme file; convert the folder to COCO with labelme2coco"
    if isinstance(document, list) and "image_id" in first:
        return "a list of results of COCO, which names no images; give the file with the images"
    if isinstance(document, list) and ("annotations" in first or "data" in first):
        return "an export of Label Studio in its own format; export it as COCO"
    if "regions" in first or "_via_img_metadata" in first:
        return "a VIA project; export its annotations as COCO"
    return ""
