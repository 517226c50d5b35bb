"""Cached folder listings; names match regardless of Unicode form, and of case if necessary."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.exchange.files import is_file

if TYPE_CHECKING:
    from collections.abc import Sequence

# Limits of the search for a path that is in none of the usual places: depth and number of files.
_DEPTH, _MOST = 4, 200_000


class SeveralFilesError(Exception):
    """More than one file matches a name equally well."""

    def __init__(self, candidates: Sequence[Path]) -> None:
        super().__init__()
        self.found = candidates


class Listings:
    """Cached listings of folders; names match in NFC, or else case-insensitively."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[frozenset[str], dict[str, list[str]]]] = {}
        self._index: dict[Path, dict[str, list[Path]]] = {}

    def walk(self, folder: Path, steps: Sequence[str]) -> Path | None:
        """The file at a path."""
        for step in steps[:-1]:
            name = self._name(folder, step)
            if name is None:
                return None
            folder /= name
        name = self._name(folder, steps[-1])
        path = None if name is None else folder / name
        return path if path is not None and is_file(path) else None

    def folder(self, folder: Path, *steps: str) -> Path | None:
        """The folder at a path."""
        for step in steps:
            name = self._name(folder, step)
            if name is None:
                return None
            folder /= name
        return folder if folder.is_dir() else None

    def below(self, folder: Path, steps: Sequence[str]) -> list[Path]:
        """The files at any depth below a folder whose paths end with these names."""
        if folder not in self._index:
            self._index[folder] = _indexed(folder)
        folded = [fold(step) for step in steps]
        return [
            path
            for path in self._index[folder].get(folded[-1], ())
            if [fold(part) for part in path.parts[-len(folded) :]] == folded
        ]

    def _name(self, folder: Path, step: str) -> str | None:
        exact, folded = self._names(folder)
        if step in exact:
            return step
        like = folded.get(fold(step), ())
        same = [name for name in like if _composed(name) == _composed(step)] or like
        if len(same) > 1:
            raise SeveralFilesError([folder / name for name in same])
        return same[0] if same else None

    def _names(self, folder: Path) -> tuple[frozenset[str], dict[str, list[str]]]:
        if folder not in self._known:
            names = _entries(folder)
            folded: dict[str, list[str]] = {}
            for name in names:
                folded.setdefault(fold(name), []).append(name)
            self._known[folder] = frozenset(names), folded
        return self._known[folder]


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names that may not be valid text
    except OSError:  # missing or unreadable
        return []


def _indexed(folder: Path) -> dict[str, list[Path]]:
    index: dict[str, list[Path]] = {}
    count = 0
    for path, folders, names in os.walk(folder):
        here = Path(path)
        deep = len(here.relative_to(folder).parts) >= _DEPTH
        folders[:] = [] if deep else sorted(f for f in folders if not f.startswith("."))
        count += len(names)
        if count > _MOST:
            return {}
        for name in names:
            index.setdefault(fold(name), []).append(here / name)
    return index


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """A name for comparison: in NFC, without case."""
    return _composed(_composed(text).casefold())
