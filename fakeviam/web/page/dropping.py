"""Files dropped on the page, as a seed: all formats of `--load`, and files to store.

They come from the browser's machine, which may be another one. They are written to a separate
folder, and files that they refer to are looked up only there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from fakeviam import seeds
from fakeviam.exchange.coco import looks_like_coco
from fakeviam.exchange.folder import METADATA, is_folder
from fakeviam.exchange.importers import foreign_seed, read_any
from fakeviam.model.read_options import ReadOptions
from fakeviam.seeds import SeedError, SourceLocation
from fakeviam.seeds.diagnostics import Diagnostic, Diagnostics
from fakeviam.seeds.document import read_document
from fakeviam.seeds.models import SeedFile
from fakeviam.seeds.values import joined
from fakeviam.web.page.unpacking import contents_of, is_archive, steps_of
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from fakeviam.seeds import Seed
    from fakeviam.seeds.document import Document
    from fakeviam.web.page.forms import SentFile

_YAML: Final = (".yaml", ".yml")
_READ: Final = (*_YAML, ".json", ".jsonl", ".ndjson", ".csv", ".tsv")


def lines_of(files: Sequence[SentFile]) -> bytes:
    """The seed of dropped files in serialized form; files keep their dropped names.

    Raises:
        SeedError: The contents are invalid; the diagnostics say where.
        HttpProblem: 422, no files were sent.
    """
    if not files:
        raise HttpProblem(422, "no file was chosen", field="files", value="")
    with TemporaryDirectory(prefix="fv-drop-") as place:
        folder = Path(place).resolve() / "dropped"
        try:
            _lay_out(files, folder)
            lines = b"".join(seeds.inlined(_Dropped(folder).seed()))
        except SeedError as error:
            raise SeedError([_named(each, folder) for each in error.diagnostics]) from None
        return _without(folder, lines.decode()).encode()


def _named(found: Diagnostic, folder: Path) -> Diagnostic:
    """A diagnostic without the path of the temporary folder."""
    at = found.location
    place = SourceLocation(file=_without(folder, at.file), line=at.line, field=at.field)
    return Diagnostic(location=place, text=_without(folder, found.text))


def _without(folder: Path, text: str) -> str:
    return text.replace(f"{folder}/", "").replace(str(folder), "what was dropped")


def _lay_out(files: Sequence[SentFile], folder: Path) -> None:
    """Write files into a folder by their names; archives are extracted to folders."""
    diagnostics = Diagnostics()
    folder.mkdir()
    for file in files:
        at = SourceLocation(file=file.name)
        with diagnostics:
            steps = steps_of(file.name, at)
            if not is_archive(file.name):
                _write(folder.joinpath(*steps), file.content, at)
                continue
            inside = folder.joinpath(*steps[:-1], steps[-1].partition(".")[0] or steps[-1])
            for name, content in contents_of(file.name, file.content):
                one = SourceLocation(file=f"{file.name}: {name}")
                _write(inside.joinpath(*steps_of(name, one)), content, one)
    diagnostics.check()


def _write(path: Path, content: bytes, at: SourceLocation) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            out.write(content)
    except FileExistsError:
        raise at.error("is there twice") from None
    except (OSError, ValueError) as error:
        raise at.error(f"cannot be laid out by its name: {error}") from None


class _Dropped:
    """Reads a folder of dropped files, each once, by itself or for a file that refers to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._options = ReadOptions(within=folder)
        self._diagnostics = Diagnostics()
        self._seeds: list[Seed] = []
        self._used: set[Path] = set()

    def seed(self) -> Seed:
        """The seed of all files.

        Raises:
            SeedError: The contents are invalid.
        """
        exports = [path for path in _folders(self._folder) if self._is_export(path)]
        files = [path for path in _files(self._folder) if not _is_below(path, exports)]
        splits = self._add_documents(files)
        self._add_foreign([*exports, *splits, *files])
        for path in files:
            beside = path.with_suffix("") if _is_sidecar(path) else path
            if not (_is_below(path, self._used) or _is_below(beside, self._used)):
                self._add_file(path.relative_to(self._folder).as_posix())
        self._diagnostics.check()
        return joined(self._seeds)

    def _add_documents(self, files: Sequence[Path]) -> list[Path]:
        """Add the seed files; returns the folders that contain COCO files."""
        documents = {path: self._document(path) for path in files}
        coco = [path for path, each in documents.items() if each and looks_like_coco(each.data)]
        for path, document in documents.items():
            if document and path not in coco and not _is_sidecar(path):
                self._add_seed(path, document)
        unnamed = [path for path in coco if not _is_below(path, self._used)]
        return sorted(
            path for path in self._folder.iterdir() if any(path in one.parents for one in unnamed)
        )

    def _add_foreign(self, paths: Sequence[Path]) -> None:
        """Add files of other formats that nothing else refers to."""
        for path in paths:
            readable = path.is_dir() or (path.suffix.lower() in _READ and not _is_sidecar(path))
            if readable and not _is_below(path, self._used):
                with self._diagnostics:
                    self._add(path, foreign_seed(path, self._options))

    def _is_export(self, path: Path) -> bool:
        """Whether the command line exported a folder; loose files are identified by folder."""
        return is_folder(path) and (path != self._folder or (path / METADATA).is_dir())

    def _document(self, path: Path) -> Document | None:
        """The contents of a YAML or JSON file; None if it is another or invalid file."""
        if path.suffix.lower() in (*_YAML, ".json"):
            with self._diagnostics:
                return read_document(path, name=str(path))
            self._used.add(path)
        return None

    def _add(self, path: Path, seed: Seed | None) -> None:
        """Add the contents of a path, with the files it refers to."""
        self._used.add(path)
        if seed is None:
            return
        self._seeds.append(seed)
        for each in seed.files:
            if each.contents.path is not None:
                self._used.add(each.contents.path.resolve())

    def _add_seed(self, path: Path, document: Document) -> None:
        with self._diagnostics:
            self._used.add(path)
            foreign_seed(path, self._options)  # this refuses the formats of other programs
            for at, name in _names_in(document):
                self._used.add(path.parent.joinpath(*steps_of(name, at)))
            self._add(path, seeds.read(path, importer=self._import))

    def _add_file(self, name: str) -> None:
        with self._diagnostics:
            document = {"files": [{"files": name}]}
            self._seeds.append(seeds.from_document(document, name=name, folder=self._folder))

    def _import(self, path: Path, options: ReadOptions) -> Seed:
        return read_any(path, replace(options, within=self._folder))


def _names_in(document: Document) -> Iterator[tuple[SourceLocation, str]]:
    """The files that a seed refers to, and where."""
    seed = document.validate(SeedFile)
    for field in ("images", "files"):
        for number, group in enumerate(getattr(seed, field)):
            for name in group.files or ():
                yield document.at(field, number, "files"), name
    for number, series in enumerate(seed.readings):
        if series.file is not None:
            yield document.at("readings", number, "file"), series.file
    for number, entry in enumerate(seed.imports):
        for field, name in (("file", entry.file), ("images", entry.images)):
            if name is not None:
                yield document.at("imports", number, field), name


def _folders(folder: Path) -> list[Path]:
    return [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _is_below(path: Path, places: Collection[Path]) -> bool:
    return path in places or any(each in places for each in path.parents)


def _is_sidecar(path: Path) -> bool:
    """Whether a file holds the annotations of a file next to it."""
    return path.suffix.lower() in (*_YAML, ".json") and path.with_suffix("").is_file()
