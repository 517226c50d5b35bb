"""From a group of images or files to one value for each file."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fakeviam.model.clock import FIRST, LAST, SECOND
from fakeviam.model.records import is_image, mime_type_of
from fakeviam.seeds.diagnostics import printable
from fakeviam.seeds.document import read_document
from fakeviam.seeds.models import FileMarks, ImageGroup, ImageMarks
from fakeviam.seeds.values import FileContents, FileSeed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam.seeds.diagnostics import Diagnostics, SourceLocation
    from fakeviam.seeds.document import Document
    from fakeviam.seeds.models import FileGroup, Group
    from fakeviam.validation.problems import Path as FieldPath

_SIDECARS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """One file of a group."""

    label: str
    contents: FileContents


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupLoader:
    """Loads the files of groups.

    Attributes:
        document: The seed.
        folder: The folder that contains the seed; None if it may name no files.
        diagnostics: Collects the problems.
    """

    document: Document
    folder: Path | None
    diagnostics: Diagnostics

    def load(self, field: str, groups: Sequence[FileGroup | ImageGroup]) -> Iterator[FileSeed]:
        """Yield the valid files of the groups in a field of the seed."""
        for number, group in enumerate(groups):
            yield from self._group(group, (field, number))

    def _group(self, group: FileGroup | ImageGroup, path: FieldPath) -> Iterator[FileSeed]:
        at = self.document.at(*path)
        with self.diagnostics:
            if group.every is not None and not isinstance(group.time, int):
                raise at.error("every requires a start time; set time as well")
        each = dict(group.each)
        with self.diagnostics:
            for number, file in enumerate(list(self._files(group, path))):
                name = next(
                    (n for n in (file.label, PurePosixPath(file.label).name) if n in each), ""
                )
                nearest = each.pop(name, None)
                with self.diagnostics:
                    sidecar = _sidecar(file, group) if group.sidecars else None
                    yield _file(file, _merged(group, sidecar, nearest), group, number, at)
            for name in each:
                with self.diagnostics:
                    raise self.document.at(*path, "each", name).error(
                        f"no file of this group is called {name!r}"
                    )

    def _files(self, group: Group, path: FieldPath) -> Iterator[_File]:
        at = self.document.at(*path)
        if group.data is not None:
            if group.files is not None or group.name is None:
                raise at.error("data requires name, and cannot be combined with files")
            yield _File(label=group.name, contents=FileContents(data=group.data))
            return
        if group.files is None:
            raise at.error("files is missing; set it, or name, and data in base64")
        paths: dict[Path, None] = {}
        for number, pattern in enumerate(group.files):
            with self.diagnostics:
                where = self.document.at(*path, "files", number)
                paths.update(dict.fromkeys(self._matches(pattern, group, where)))
        for file in paths:
            yield _File(label=label_of(file, self.folder), contents=FileContents(path=file))

    def _matches(self, pattern: str, group: Group, at: SourceLocation) -> list[Path]:
        folder = self.folder
        if folder is None:
            raise at.error("files cannot be named here; set name, and data in base64")
        try:
            if (folder / pattern).is_file():
                return [folder / pattern]
            paths = sorted(one for one in _candidates(folder, pattern) if one.is_file())
        except (OSError, ValueError) as error:  # the file system rejects the name
            raise at.error(f"{pattern!r} cannot be read: {error}") from None
        if group.sidecars:
            names = {str(one) for one in paths}
            paths = [one for one in paths if not _is_sidecar(one, names)]
        if not paths:
            where = f"the folder {folder.name!r}" if folder.name else "the current folder"
            raise at.error(f"no file matches {pattern!r} in {where}")
        return paths


def _candidates(folder: Path, pattern: str) -> list[Path]:
    if (folder / pattern).is_dir():
        return [one for one in (folder / pattern).iterdir() if not one.name.startswith(".")]
    # Path.glob takes no absolute patterns, and it finds hidden files.
    names = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    return [folder / name for name in names]


def label_of(path: Path, folder: Path | None) -> str:
    """How errors and results refer to a file: its path relative to the seed."""
    try:
        return path.relative_to(folder or ".").as_posix()
    except ValueError:
        return path.name


def _is_sidecar(path: Path, names: set[str]) -> bool:
    return path.suffix in _SIDECARS and str(path.with_suffix("")) in names


def _sidecar(file: _File, group: Group) -> FileMarks | None:
    """The marks in the sidecar of a file."""
    path = file.contents.path
    if path is None:
        return None
    for suffix in _SIDECARS:
        beside = path.with_name(path.name + suffix)
        if beside.is_file():
            document = read_document(beside, name=printable(beside))
            return document.validate(ImageMarks if isinstance(group, ImageGroup) else FileMarks)
    return None


def _merged(group: Group, *marks: FileMarks | None) -> Group:
    """The group, overridden by the marks of one file; later ones take precedence."""
    update: dict[str, object] = {}
    for nearer in marks:
        if nearer is not None:
            update |= {name: value for name, value in nearer if value not in (None, ())}
    return group.model_copy(update=update)


def _file(file: _File, marks: Group, group: Group, number: int, at: SourceLocation) -> FileSeed:
    name = PurePosixPath(file.label)
    if printable(name) != file.label:
        raise at.error(f"the name of {printable(name)} cannot be encoded as UTF-8; rename the file")
    mime_type = marks.mime_type or mime_type_of(name.suffix)
    images = marks if isinstance(marks, ImageGroup) else None
    if images and not is_image(mime_type):
        text = f"{file.label} is {mime_type}, not an image; put it under files, or give its "
        raise at.error(f"{text}mime_type")
    return FileSeed(
        label=file.label,
        contents=file.contents,
        file_name=name.name if group.keep_extension else name.stem,
        file_ext=name.suffix,
        mime_type=marks.mime_type,
        capture=marks.capture,
        tags=tuple(dict.fromkeys(marks.tags)),
        datasets=tuple(dict.fromkeys(marks.datasets)),
        boxes=tuple(entry.box for entry in images.boxes) if images else (),
        classifications=(
            tuple(entry.classification for entry in images.classifications) if images else ()
        ),
        time_requested=_time(file, marks, group, number, at),
        time_received=marks.received,
        at=at,
    )


def _time(file: _File, marks: Group, group: Group, number: int, at: SourceLocation) -> int | None:
    if isinstance(marks.time, str):  # MODIFIED
        if file.contents.path is None:
            raise at.error(f"time {marks.time} requires a file; set a time")
        return file.contents.path.stat().st_mtime_ns
    if marks.time is None or marks.every is None or marks.time != group.time:  # the file's own
        return marks.time
    # More than the calendar is too large, whatever it is; times SECOND it could be infinite.
    time = marks.time + number * int(min(marks.every, float(LAST)) * SECOND)
    if not FIRST <= time <= LAST:
        raise at.error(
            f"the time of {file.label} is outside the years 1 to 9999: every is too large"
        )
    return time
