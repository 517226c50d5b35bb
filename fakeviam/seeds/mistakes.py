"""What is wrong with a seed: file, line, field, and what is expected there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How many mistakes are shown; the rest are counted.
SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something stands: a file, a line of it (0 where lines mean nothing), a field."""

    file: str
    line: int = 0
    field: str = ""

    def __str__(self) -> str:
        spot = f"{self.file}:{self.line}" if self.line else self.file
        return f"{spot}: {self.field}" if self.field else spot


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One thing that is wrong, and what is expected instead."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class SeedError(UsageError):
    """A seed is no good; nothing of it was applied.

    Attributes:
        mistakes: Everything that is wrong, in the order of the seed.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """Refuse a seed because of these mistakes, at least one."""
        self.mistakes = tuple(mistakes)
        super().__init__(_text(self.mistakes))


class WrongError(Exception):
    """A value is wrong and that has been noted; carry on with the next one."""


class Notes:
    """Collects mistakes, so that one run shows all of them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._mistakes: list[Mistake] = []

    def note(self, place: Place, text: str) -> WrongError:
        """Write a mistake down; raise what comes back, unless there is more to look at."""
        self._mistakes.append(Mistake(place=place, text=text))
        return WrongError()

    def __iter__(self) -> Iterator[Mistake]:
        return iter(tuple(self._mistakes))

    def __len__(self) -> int:
        return len(self._mistakes)

    def unless_new(self, before: int) -> None:
        """Give a value up if mistakes were noted since there were `before`.

        Raises:
            WrongError: There were.
        """
        if len(self._mistakes) > before:
            raise WrongError

    def take(self, error: SeedError) -> WrongError:
        """Note what another document has wrong; raise what comes back."""
        self._mistakes.extend(error.mistakes)
        return WrongError()

    def check(self) -> None:
        """Raise if there are any.

        Raises:
            SeedError: With all of them.
        """
        if self._mistakes:
            raise SeedError(self._mistakes)


def _text(mistakes: Sequence[Mistake]) -> str:
    shown = [str(mistake) for mistake in mistakes[:SHOWN]]
    more = len(mistakes) - len(shown)
    return "\n".join([*shown, *([f"… and {more} more"] if more else [])])
