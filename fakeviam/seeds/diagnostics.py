"""Diagnostics of an invalid seed: file, line, field and what is expected there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

#: How many diagnostics an error shows; the rest are counted.
SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLocation:
    """A field of a line of a file; the line is 0 where lines mean nothing."""

    file: str
    line: int = 0
    field: str = ""

    def __str__(self) -> str:
        start = f"{self.file}:{self.line}" if self.line else self.file
        return f"{start}: {self.field}" if self.field else start

    def inside(self, name: str) -> SourceLocation:
        """The field of that name in this one."""
        field = f"{self.field}.{name}" if self.field else name
        return SourceLocation(file=self.file, line=self.line, field=field)

    def error(self, text: str) -> SeedError:
        """An error with one diagnostic, at this location."""
        return SeedError([Diagnostic(location=self, text=text)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostic:
    """One problem of a seed and what is expected instead."""

    location: SourceLocation
    text: str

    def __str__(self) -> str:
        return f"{self.location}: {self.text}"


class SeedError(UsageError):
    """A seed is invalid; nothing of it was applied.

    Attributes:
        diagnostics: All problems, in the order of the seed.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Refuse a seed because of these diagnostics, at least one."""
        self.diagnostics = tuple(diagnostics)
        lines = [str(each) for each in self.diagnostics[:SHOWN]]
        more = len(self.diagnostics) - len(lines)
        super().__init__("\n".join([*lines, *([f"… and {more} more"] if more else [])]))


class Diagnostics:
    """Collects the errors raised inside its `with` blocks, so that one run shows all of them."""

    def __init__(self) -> None:
        """Start empty."""
        self._found: list[Diagnostic] = []

    def __len__(self) -> int:
        return len(self._found)

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """What was found so far."""
        return tuple(self._found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, SeedError):
            return False
        self._found.extend(error.diagnostics)
        return True

    def check(self) -> None:
        """Raise all collected diagnostics, if any.

        Raises:
            SeedError: There are some.
        """
        if self._found:
            raise SeedError(self._found)


def printable(path: str | os.PathLike[str]) -> str:
    """The name of a file, whose bytes need not be text."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()
