"""From a group of images or files to one value a file."""

from __future__ import annotations

import glob
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fakeviam.model import mime
from fakeviam.model.clock import SECOND
from fakeviam.seeds.checks import Spot
from fakeviam.seeds.mistakes import SeedError, WrongError
from fakeviam.seeds.parsing import read_document
from fakeviam.seeds.tables import CAPTURE
from fakeviam.seeds.values import Capture, Contents, FileSeed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.seeds.checks import Kept, Record

_SIDECARS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What a group is: images take boxes, other files do not."""

    marks: Record
    images: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One file of a group."""

    label: str
    contents: Contents


def capture_of(values: dict[str, Any]) -> Capture:
    """What captured a group's data."""
    return Capture(**{name: values[name] for name in CAPTURE})


def files_of(group: Kept, base: Path | None, kind: Kind) -> Iterator[FileSeed]:
    """The files of a group; mistakes are noted and left out."""
    values = group.value
    each = dict(values["each"])
    if values["every"] is not None and not isinstance(values["time"], int):
        group.wrong("every needs a time to begin with; give time as well")
    try:
        found = list(_found(group, base))
    except WrongError:
        return
    for number, file in enumerate(found):
        special = _special(each, file.label)
        with suppress(WrongError):
            beside = _sidecar(group, file, kind) if values["sidecars"] else {}
            yield _file(group, file, _merged(_merged(values, beside), special), number, kind)
    for name, entry in each.items():
        entry.wrong(f"no file of this group is called {name!r}")


def _special(each: dict[str, Kept], label: str) -> dict[str, Any]:
    """What `each` says of a file, by its path or its bare name; taken out."""
    for name in (label, PurePosixPath(label).name):
        if name in each:
            found: dict[str, Any] = each.pop(name).value
            return found
    return {}


def _merged(marks: dict[str, Any], nearer: dict[str, Any]) -> dict[str, Any]:
    """What is said nearer to a file wins."""
    return marks | {name: value for name, value in nearer.items() if value not in (None, ())}


def _found(group: Kept, base: Path | None) -> Iterator[Found]:
    values = group.value
    if values["data"] is not None:
        if values["files"] is not None or values["name"] is None:
            raise group.wrong("data goes with name, and without files")
        yield Found(label=values["name"], contents=Contents(data=values["data"]))
        return
    if values["files"] is None:
        raise group.wrong("files is missing; or give name, and data in base64")
    seen: dict[Path, None] = {}
    for pattern in values["files"]:
        with suppress(WrongError):
            seen.update(dict.fromkeys(_matches(pattern, base, sidecars=values["sidecars"])))
    for path in seen:
        yield Found(label=label_of(path, base), contents=Contents(path=path))


def label_of(path: Path, base: Path | None) -> str:
    """What a file is called in texts and receipts: its path as seen from the seed."""
    try:
        return path.relative_to(base or ".").as_posix()
    except ValueError:
        return path.name


def _matches(pattern: Kept, base: Path | None, *, sidecars: bool) -> list[Path]:
    if base is None:
        text = "files cannot be named here; give name, and data in base64"
        raise pattern.wrong(text)
    path = base / pattern.value
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [one for one in path.iterdir() if not one.name.startswith(".")]
    else:
        names = glob.glob(pattern.value, root_dir=base, recursive=True)  # noqa: PTH207 - see below
        # Path.glob takes no absolute patterns, and it finds hidden files.
        found = [base / name for name in names]
    found = sorted(one for one in found if one.is_file())
    if sidecars:
        names_there = {str(one) for one in found}
        found = [one for one in found if not _is_sidecar(one, names_there)]
    if not found:
        raise pattern.wrong(f"no file matches {pattern.value!r} in {_shown(base)}")
    return found


def _is_sidecar(path: Path, names: set[str]) -> bool:
    return path.suffix in _SIDECARS and str(path.with_suffix("")) in names


def _shown(base: Path) -> str:
    return f"the folder {base.name!r}" if base.name else "the current folder"


def _sidecar(group: Kept, file: Found, kind: Kind) -> dict[str, Any]:
    if file.contents.path is None:
        return {}
    for suffix in _SIDECARS:
        path = file.contents.path.with_name(file.contents.path.name + suffix)
        if path.is_file():
            name = file.label + suffix
            notes = group.spot.notes
            try:
                document = read_document(path, name=name)
            except SeedError as error:
                raise notes.take(error) from error
            read: dict[str, Any] = kind.marks.read(document, Spot(notes, name))
            return read
    return {}


def _file(group: Kept, file: Found, marks: dict[str, Any], number: int, kind: Kind) -> FileSeed:
    name = PurePosixPath(file.label)
    type_ = marks["mime_type"] or mime.mime_type_of(name.suffix)
    if kind.images and not mime.is_image(type_):
        text = f"{file.label} is {type_}, no image; put it under files, or give its mime_type"
        raise group.wrong(text)
    return FileSeed(
        label=file.label,
        contents=file.contents,
        file_name=name.stem,
        file_ext=name.suffix,
        mime_type=marks["mime_type"],
        capture=capture_of(marks),
        tags=tuple(dict.fromkeys(marks["tags"])),
        datasets=tuple(dict.fromkeys(marks["datasets"])),
        boxes=marks.get("boxes", ()),
        classifications=marks.get("classifications", ()),
        time_requested=_time(group, file, marks, number),
        time_received=marks["received"],
        place=group.place,
    )


def _time(group: Kept, file: Found, marks: dict[str, Any], number: int) -> int | None:
    time: int | str | None = marks["time"]
    every = marks["every"]
    if isinstance(time, str):  # MODIFIED
        if file.contents.path is None:
            raise group.wrong(f"time {time} needs a file; give a time")
        return file.contents.path.stat().st_mtime_ns
    if every is None or time != group.value["time"]:  # a time of its own
        return time
    return None if time is None else int(time + number * int(every * SECOND))
