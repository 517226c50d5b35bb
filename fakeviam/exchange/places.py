"""Finds the images of an annotation file, in the same way for all formats.

Files are moved, packed on Windows, or exported with the paths of another machine. Paths match by
whole components: a path is used unchanged, or its longest suffix that exists in the folder of the
file, in `images/` or `data/` beside it, or in the folder of its split. All paths of a file use the
same replacement for a prefix, so that no image gets another's bytes: errors beat guesses.
"""

from __future__ import annotations

import filecmp
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from fakeviam.exchange.files import is_file
from fakeviam.exchange.listings import Listings, SeveralFilesError, fold
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.seeds.diagnostics import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam.seeds.diagnostics import SeedError, SourceLocation

# Usual image folders beside an annotation file, or beside its folder.
_IMAGES = ("images", "data", "image", "imgs", "img", "JPEGImages")
_ANNOTATIONS = frozenset({"annotations", "annotation", "labels", "json"})

# Marks absolute paths of this machine or another.
_ROOT = "/"

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedImage:
    """An image.

    Attributes:
        path: The file.
        name: Its path in the annotation file, without parts that are specific to another machine.
    """

    path: Path
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Option:
    """One interpretation of a path: its first components are replaced by `place`."""

    prefix: tuple[str, ...]
    place: Path
    found: ResolvedImage

    @property
    def steps(self) -> tuple[str, ...]:
        """All components of the path."""
        return (*self.prefix, *self.found.name.split("/"))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - does not resolve links


class ImageResolver:
    """Finds the images of one annotation file."""

    def __init__(self, file: Path, options: ReadOptions = DEFAULTS) -> None:
        """Search beside `file`, or only in the folder of the options."""
        images = options.images
        self._file = file
        self._within = options.within
        self._listings = Listings()
        self._base = file.parent if images is None else Path(images)
        self._given = images is not None
        self._beside = [] if self._given else _beside(file, self._listings)

    def resolve(
        self, names: Sequence[tuple[str, SourceLocation]]
    ) -> list[ResolvedImage | SeedError]:
        """The image for each name, or the error that explains why it is missing."""
        options = [self._interpret(*each) for each in names]
        sure = _Mappings([each for each in options if isinstance(each, list)])
        resolved: list[ResolvedImage | SeedError] = []
        for (name, at), possible in zip(names, options, strict=True):
            if not isinstance(possible, list):
                resolved.append(possible)
            elif not possible:
                resolved.append(self._missing(name, at))
            else:
                resolved.append(_checked(sure.best(possible), sure, at))
        return resolved

    def _interpret(self, name: str, at: SourceLocation) -> list[_Option] | SeedError:
        try:
            for steps in _forms(name):
                options = self._literal(steps) or list(self._options(steps))
                if options:
                    return options
        except SeveralFilesError as error:
            candidates = ", ".join(sorted(printable(path) for path in error.found)[:5])
            return at.error(
                f"{_short(name)} could be any of {candidates}; set images to the folder"
            )
        return []

    def _literal(self, steps: tuple[str, ...]) -> list[_Option]:
        """An existing path outside the folder, unless another interpretation is equally good."""
        own = _after_climbs(steps)
        if self._given or len(own) == len(steps) or not own:
            return []
        path = Path(*steps) if steps[0] == _ROOT else self._base.joinpath(*steps)
        if self._within is not None and not _absolute(path).is_relative_to(self._within):
            return []
        if not is_file(path) or path == self._file:
            return []
        inside = self._inside(path)
        if inside:
            image = ResolvedImage(path=path, name="/".join(inside))
            return [_Option(prefix=steps[: -len(inside)], place=self._base, found=image)]
        return [
            self._near(steps, path)
            or _Option(
                prefix=steps[:-1], place=path.parent, found=ResolvedImage(path=path, name=steps[-1])
            )
        ]

    def _near(self, steps: tuple[str, ...], path: Path) -> _Option | None:
        """Another file with the same bytes that the path may refer to."""
        near = next((each for each in self._options(steps) if "/" in each.found.name), None)
        if near is None or near.found.path.resolve() == path.resolve():
            return near
        if not filecmp.cmp(near.found.path, path, shallow=False):
            raise SeveralFilesError([near.found.path, path])
        return near

    def _inside(self, path: Path) -> tuple[str, ...]:
        """The components from the folder of the file to a path; empty if it is elsewhere."""
        target, base = _absolute(path), _absolute(self._base)
        return target.relative_to(base).parts if target.is_relative_to(base) else ()

    def _options(self, steps: tuple[str, ...]) -> Iterator[_Option]:
        """All interpretations of a path, the longest suffix first."""
        any_found = False
        try:
            for option in self._possible(steps):
                any_found = True
                yield option
        except SeveralFilesError:
            if not any_found:  # a longer suffix is preferred
                raise

    def _possible(self, steps: tuple[str, ...]) -> Iterator[_Option]:
        own = _after_climbs(steps)
        for length in range(len(own)):
            rest = own[length:]
            prefix = (*steps[: len(steps) - len(own)], *own[:length])
            if length and self._listings.folder(self._base, *prefix):
                return  # its folder exists here, but does not contain the file
            for place, path in self._hits(rest):
                yield _Option(
                    prefix=prefix, place=place, found=ResolvedImage(path=path, name="/".join(rest))
                )
                if not prefix and place == self._base:
                    return
            if not prefix:
                yield from self._nested_matches(rest)

    def _hits(self, rest: tuple[str, ...]) -> Iterator[tuple[Path, Path]]:
        here = self._listings.walk(self._base, rest)
        if here is not None and here != self._file:
            yield self._base, here
            return
        real: dict[Path, tuple[Path, Path]] = {}
        for place in reversed(self._beside):
            path = self._listings.walk(place, rest)
            if path is not None and path != self._file:
                real[path.resolve()] = (place, path)
        if len(real) > 1:
            raise SeveralFilesError([path for _, path in real.values()])
        yield from real.values()

    def _nested_matches(self, steps: tuple[str, ...]) -> Iterator[_Option]:
        """Search deeper for a path that is in none of the usual places; it must be unique."""
        if any(self._hits(steps)):
            return
        below = [path for path in self._listings.below(self._base, steps) if is_file(path)]
        candidates = list({path.resolve(): path for path in below if path != self._file}.values())
        if len(candidates) > 1:
            raise SeveralFilesError(candidates)
        for path in candidates:
            place = path.parents[len(steps) - 1]
            yield _Option(
                prefix=(), place=place, found=ResolvedImage(path=path, name="/".join(steps))
            )

    def _missing(self, name: str, at: SourceLocation) -> SeedError:
        folders = [self._base, *self._beside[:3]]
        where = ", ".join(dict.fromkeys(printable(folder) for folder in folders))
        more = "" if self._given else "; set images to the folder"
        return at.error(f"no file {_short(name)} in {where}{more}")


def _checked(option: _Option, sure: _Mappings, at: SourceLocation) -> ResolvedImage | SeedError:
    if sure.is_shared(option):
        return at.error(
            f"no file {option.steps[-1]!r} of its own: another path leads to "
            f"{printable(option.found.path)} too"
        )
    expected = sure.expected(option)
    if expected is None:
        return option.found
    return at.error(
        f"no file {printable(expected)}, where the other paths lead; "
        f"{printable(option.found.path)} may be another"
    )


class _Mappings:
    """Which prefixes are replaced by which folders, according to all paths of a file."""

    def __init__(self, understood: Sequence[list[_Option]]) -> None:
        self._paths: Counter[tuple[str, ...]] = Counter()
        self._served: Counter[tuple[tuple[str, ...], Path]] = Counter()
        self._places: dict[tuple[str, ...], dict[Path, None]] = {}
        self._claims: dict[Path, set[tuple[str, ...]]] = {}
        every = [options for options in understood if options]
        for options in every:
            steps = options[0].steps
            self._paths.update(steps[:length] for length in range(len(steps)))
            self._served.update((option.prefix, option.place) for option in options)
        for best in map(self.best, every):
            self._places.setdefault(best.prefix, {})[best.place] = None
            self._claims.setdefault(best.found.path, set()).add(best.steps)

    def best(self, options: list[_Option]) -> _Option:
        """The first candidate that works for all paths with its prefix; else the first."""
        whole = (
            option
            for option in options
            if self._served[option.prefix, option.place] == self._paths[option.prefix]
        )
        return next(whole, options[0])

    def is_shared(self, option: _Option) -> bool:
        """Whether another path was resolved to the same file, and neither is exact."""
        return bool(option.prefix) and len(self._claims[option.found.path]) > 1

    def expected(self, option: _Option) -> Path | None:
        """The expected location of a path according to other paths; None if it is there."""
        steps = option.steps
        shortest = 1 if steps[0] == _ROOT else 0
        for length in range(len(option.prefix) - 1, shortest - 1, -1):
            places = self._places.get(steps[:length], ())
            targets = [place.joinpath(*steps[length:]) for place in places]
            here = fold(str(option.found.path))
            if targets and all(fold(str(path)) != here for path in targets):
                return targets[0]
        return None


def _beside(file: Path, listings: Listings) -> list[Path]:
    """The usual folders for the images of an annotation file."""
    roots = [file.parent]
    if file.parent.resolve().name.casefold() in _ANNOTATIONS:
        roots.append(file.parent / "..")
    split = [("images", part) for part in _splits(file.name)]
    split += [(part, "images") for part in _splits(file.name)]
    steps = [(name,) for name in (*_IMAGES, *_splits(file.name))]
    places: dict[Path, None] = {}
    for root in roots:
        if root != file.parent:
            places[root.resolve()] = None
        for path in (*steps, *split):
            try:
                place = listings.folder(root, *path)
            except SeveralFilesError as several:
                places.update(dict.fromkeys(several.found))
                continue
            if place is not None:
                places[place if root == file.parent else place.resolve()] = None
    return list(places)


def _splits(name: str) -> list[str]:
    """Possible names of the split in a file name: val2017 in instances_val2017.json."""
    words = re.split(r"[._]", name.rpartition(".")[0])
    tails = ["_".join(words[number:]) for number in range(len(words))]
    heads = ["_".join(words[:number]) for number in range(1, len(words))]
    return [part for part in dict.fromkeys([*tails, *heads, *words]) if part]


def _forms(name: str) -> Iterator[tuple[str, ...]]:
    """The components of a path, also interpreted as a Windows path and as a URL."""
    forms = [name]
    if "\\" in name:
        forms.append(name.replace("\\", "/"))
    if "://" in name or "?" in name:
        url = _url(name)
        query = re.search(r"(?:^|&)d=([^&]+)", url.query)  # Label Studio's URLs of local files
        forms.append(f"/{query[1]}" if query else f"/{url.netloc}/{url.path.lstrip('/')}")
    forms += [unquote(form) for form in forms if "%" in form]
    for form in dict.fromkeys(forms):
        steps = tuple(step for step in form.split("/") if step not in ("", "."))
        if steps and "\0" not in form and not form.endswith("/"):
            yield (_ROOT, *steps) if form.startswith("/") or _DRIVE.match(form) else steps


def _url(name: str) -> SplitResult:
    try:
        return urlsplit(name)
    except ValueError:  # such as an unbalanced bracket
        return SplitResult("", "", name, "", "")


def _after_climbs(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The components after the root or the last `..`."""
    last = max((n for n, step in enumerate(steps, 1) if step in ("..", _ROOT)), default=0)
    return steps[last:]


def _short(name: str) -> str:
    return repr(name if len(name) <= 200 else f"{name[:200]}…")
