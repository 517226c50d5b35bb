"""Regular expressions with MongoDB's options, and an end to those that explode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex
from bson import Regex

from fakeviam.query.errors import QueryError, QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = {
    "i": regex.IGNORECASE,
    "m": regex.MULTILINE,
    "s": regex.DOTALL,
    "x": regex.VERBOSE,
    "u": 0,
}
# Of Python's flags, which bson keeps a BSON regular expression's options as.
_BITS = {2: "i", 8: "m", 16: "s", 64: "x", 32: "u"}


class Pattern:
    """A compiled regular expression."""

    def __init__(
        self, source: object, options: object = "", *, seconds: float, invalid: int = 51091
    ) -> None:
        """Compile it.

        Args:
            source: Its text, or one with options of its own.
            options: Letters, each an option.
            seconds: How long a match may take.
            invalid: The error code if it is invalid.

        Raises:
            QueryError: It or one of its options is invalid.
        """
        if not isinstance(options, str):
            raise QueryError(2, f"regular expression options have to be a string, got {options!r}")
        if isinstance(source, Regex):
            options += "".join(name for bit, name in _BITS.items() if source.flags & bit)
            source = source.pattern
        if not isinstance(source, str) or "\0" in source:
            raise QueryError(2, "$regex has to be a string without null bytes")
        flags = 0
        for option in options:
            if option not in _FLAGS:
                raise QueryError(51108, f"invalid flag in regex options: {option}")
            flags |= _FLAGS[option]
        self._seconds = seconds
        try:
            self._compiled = regex.compile(source, flags)
        except (regex.error, OverflowError, RecursionError) as error:
            text = f"Regular expression is invalid: {error}"
            raise QueryError(invalid, text) from None

    def search(self, text: str) -> regex.Match[str] | None:
        """The first match in a text."""
        try:
            return self._compiled.search(text, timeout=self._seconds)
        except TimeoutError:
            raise self._exploded() from None

    def finditer(self, text: str) -> Iterator[regex.Match[str]]:
        """All matches in a text."""
        try:
            yield from self._compiled.finditer(text, timeout=self._seconds)
        except TimeoutError:
            raise self._exploded() from None

    def _exploded(self) -> QueryError:
        text = f"Regular expression {self._compiled.pattern[:80]!r} takes too long to match"
        return QueryTimeoutError(50, text)
