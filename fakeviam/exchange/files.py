"""Access to files of other programs, whose names and contents are untrusted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.model.applied_seed import LeftOut
from fakeviam.seeds.diagnostics import SHOWN, SeedError, SourceLocation
from fakeviam.validation.json_text import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakeviam.validation.json_text import Token

#: The default reason why something is left out.
NO_PLACE = "Viam's data cloud cannot represent it"


def is_file(path: Path) -> bool:
    """Whether a file exists; False for names that the file system rejects."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder_there(path: Path) -> bool:
    """Whether a folder exists; False for names that the file system rejects."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


class LeftOutCounts:
    """Counts what is left out by kind."""

    def __init__(self) -> None:
        """Start without counts."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], SourceLocation] = {}

    def add(self, what: str, at: SourceLocation, why: str = NO_PLACE) -> None:
        """Count one item."""
        self._counts[what, why] += 1
        self._first.setdefault((what, why), at)

    @property
    def all(self) -> tuple[LeftOut, ...]:
        """The counts, the most frequent kind first."""
        return tuple(
            LeftOut(what=what, count=count, why=why, first=str(self._first[what, why]))
            for (what, why), count in self._counts.most_common()
        )


# Lines ---------------------------------------------------------------------------------------


def with_lines(error: SeedError, text: str) -> SeedError:
    """Add the lines of fields to an error; large JSON documents are parsed without them."""
    lines = [
        replace(each, location=replace(each.location, line=_line(text, each.location.field)))
        for each in error.diagnostics[:SHOWN]
    ]
    return SeedError([*lines, *error.diagnostics[SHOWN:]])


def _line(text: str, field: str) -> int:
    """The line of a field such as `annotations[2].bbox`, or of its nearest parent."""
    steps = [
        int(number) if number else name
        for number, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", field)
    ]
    stream = tokens(text)
    line = 0
    for step in [None, *steps]:
        token = next(stream, None) if step is None else _inner(stream, step)
        if token is None:
            return line
        line = token.line
        stream = _ahead(token, stream)
    return line


def _ahead(token: Token, stream: Iterator[Token]) -> Iterator[Token]:
    yield token
    yield from stream


def _inner(stream: Iterator[Token], step: str | int) -> Token | None:
    """The first token of an element or member in the value that begins the stream."""
    first = next(stream)
    if first.text != ("[" if isinstance(step, int) else "{"):
        return None
    number, depth, key = 0, 1, ""
    for token in stream:
        if depth == 1 and token.text not in (",", ":", "]", "}"):
            if isinstance(step, int):
                if number == step:
                    return token
            elif not key:
                key = token.text
            elif key == f'"{step}"':
                return token
        if depth == 1 and token.text == ",":
            number, key = number + 1, ""
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0)
        if not depth:
            return None
    return None
