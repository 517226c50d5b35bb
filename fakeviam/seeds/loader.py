"""From a seed file to a Seed: everything is checked before anything is applied."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError
from fakeviam.seeds.diagnostics import Diagnostic, Diagnostics, SeedError, SourceLocation, printable
from fakeviam.seeds.document import Document, read_document
from fakeviam.seeds.files import GroupLoader
from fakeviam.seeds.fleet_models import DATASET_TYPES, PartEntry
from fakeviam.seeds.kept_models import KEPT
from fakeviam.seeds.models import SeedFile
from fakeviam.seeds.series import load_series
from fakeviam.seeds.values import DatasetSeed, KeptSeed, PartSeed, Seed, joined
from fakeviam.validation.models import validate
from fakeviam.validation.problems import YAML_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fakeviam.model.read_options import ReadOptions
    from fakeviam.seeds.fleet_models import NamedEntry
    from fakeviam.validation.problems import Path as FieldPath

    #: Reads a file of another program.
    Importer = Callable[[Path, ReadOptions], Seed]


def read(path: str | os.PathLike[str], *, importer: Importer | None = None) -> Seed:
    """Read a seed file: YAML, or JSON if its name ends in .json.

    Files that it names are relative to its folder. They must exist now and are read when it is
    applied.

    Args:
        path: The file.
        importer: Reads the files of other programs under `imports`; `exchange.read_any` has one.

    Raises:
        SeedError: It is invalid. Each diagnostic is a line of the text: file, line, field, the
            value and what is expected.
    """
    file = Path(path)
    return _seed(read_document(file, name=printable(path)), file.parent, importer)


def read_readings(path: str | os.PathLike[str], options: ReadOptions) -> Seed:
    """The seed of one file of readings: CSV, TSV or JSON lines with a column `time`.

    Raises:
        SeedError: It is invalid.
    """
    file = Path(path)
    names = ("part", "component", "method", "delimiter", "time_format", "time_unit")
    arguments = {name: getattr(options, name) for name in names if getattr(options, name)}
    entry = {"file": file.name, **arguments}
    document = Document.without_lines({"readings": [entry]}, printable(path))
    try:
        return _seed(document, file.parent)
    except SeedError as error:
        raise SeedError([_of_file(each, file) for each in error.diagnostics]) from None


def _of_file(diagnostic: Diagnostic, file: Path) -> Diagnostic:
    """A diagnostic of a file of readings that no seed names."""
    if not diagnostic.location.field.startswith("readings["):
        return diagnostic
    text = diagnostic.text.removeprefix(f"{printable(file.name)} ")
    return Diagnostic(location=SourceLocation(file=diagnostic.location.file), text=text)


def from_document(
    document: object,
    *,
    name: str = "seed",
    folder: Path | None = None,
    importer: Importer | None = None,
) -> Seed:
    """The seed that a JSON document specifies, such as the body of a request.

    Without a folder it may name no files, since its author may not share a file system with the
    server: contents are given in base64 under `data`, readings as `rows`.

    Args:
        document: Dictionaries, lists, text and numbers.
        name: How errors refer to it.
        folder: The folder that names of files are relative to.
        importer: As in `read`.

    Raises:
        SeedError: It is invalid; the text names every field that is wrong.
    """
    return _seed(Document.without_lines(document, name), folder, importer)


def of_document(document: Document) -> Seed:
    """The seed that the text of a seed file specifies; like a body, it may name no files.

    Raises:
        SeedError: It is invalid; the diagnostics name file, line and field.
    """
    return _seed(document, None)


def _seed(document: Document, folder: Path | None, importer: Importer | None = None) -> Seed:
    diagnostics = Diagnostics()
    seed = _validated(document, diagnostics)
    groups = GroupLoader(document=document, folder=folder, diagnostics=diagnostics)
    own = Seed(
        parts=tuple(_parts(seed, document, diagnostics)),
        datasets=tuple(_datasets(seed, document, diagnostics)),
        files=(*groups.load("images", seed.images), *groups.load("files", seed.files)),
        series=tuple(load_series(seed.readings, document, folder, diagnostics)),
        kept=tuple(
            KeptSeed(entry=entry, at=document.at(field, number))
            for field in KEPT
            for number, entry in enumerate(getattr(seed, field))
        ),
    )
    loaded = [own, *_imports(seed, document, folder, importer, diagnostics)]
    diagnostics.check()
    return joined(loaded)


def _validated(document: Document, diagnostics: Diagnostics) -> SeedFile:
    """The document; if it has mistakes, without the sections that have some."""
    with diagnostics:
        return document.validate(SeedFile)
    data = document.data if isinstance(document.data, dict) else {}
    wrong = {each.location.field.partition("[")[0].partition(".")[0] for each in diagnostics.found}
    sound = {name: data[name] for name in SeedFile.model_fields if name in data.keys() - wrong}
    return validate(SeedFile, sound, words=YAML_WORDS)


def _imports(
    seed: SeedFile,
    document: Document,
    folder: Path | None,
    importer: Importer | None,
    diagnostics: Diagnostics,
) -> Iterator[Seed]:
    for number, entry in enumerate(seed.imports):
        at = document.at("imports", number, "file")
        with diagnostics:
            if folder is None or importer is None:
                raise at.error("files cannot be named here; `fakeviam seed FILE` uploads them")
            path = folder / entry.file
            if not os.path.lexists(path):
                raise at.error(f"there is no {entry.file!r} in {printable(folder)}")
            try:
                yield importer(path, entry.options(folder))
            except SeedError:
                raise
            except UsageError as error:
                raise at.error(str(error)) from None


def _parts(seed: SeedFile, document: Document, diagnostics: Diagnostics) -> Iterator[PartSeed]:
    paths: set[tuple[str, ...]] = set()
    levels = ("locations", "robots", "parts")
    for chain in _chains(seed.organizations, ("organizations",), levels):
        with diagnostics:
            names = tuple(_name(entry, document.at(*path)) for entry, path in chain)
            part, path = chain[-1]
            at = document.at(*path)
            if names in paths:
                raise at.error(f"the part {'/'.join(names)} is given twice; keep one of them")
            paths.add(names)
            yield PartSeed(
                **dict(zip(("organization", "location", "robot", "name"), names, strict=True)),
                **{
                    name: entry.id
                    for name, (entry, _) in zip(
                        ("organization_id", "location_id", "robot_id", "id"), chain, strict=True
                    )
                },
                internal=isinstance(part, PartEntry) and part.internal,
                retention_days=part.retention_days if isinstance(part, PartEntry) else None,
                at=at,
            )


def _chains(
    owners: Sequence[NamedEntry], path: FieldPath, levels: Sequence[str]
) -> Iterator[tuple[tuple[NamedEntry, FieldPath], ...]]:
    """Each part after the robot, location and organization it belongs to, and their paths."""
    for number, owner in enumerate(owners):
        here = (*path, number)
        if not levels:
            yield ((owner, here),)
            continue
        for chain in _chains(getattr(owner, levels[0]), (*here, levels[0]), levels[1:]):
            yield ((owner, here), *chain)


def _name(entry: NamedEntry, at: SourceLocation) -> str:
    name = entry.name or entry.id
    if not name:
        raise at.error("name is missing; set name or id")
    return name


def _datasets(
    seed: SeedFile, document: Document, diagnostics: Diagnostics
) -> Iterator[DatasetSeed]:
    keys: set[tuple[str, str]] = set()
    for number, entry in enumerate(seed.datasets):
        at = document.at("datasets", number)
        with diagnostics:
            if (entry.organization, entry.name) in keys:
                raise at.error(f"the dataset {entry.name!r} is given twice; keep one of them")
            keys.add((entry.organization, entry.name))
            yield DatasetSeed(
                name=entry.name,
                organization=entry.organization,
                type=DATASET_TYPES[entry.type],
                id=entry.id,
                at=at,
            )
