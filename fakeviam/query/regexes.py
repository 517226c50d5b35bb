"""Regular expressions with MongoDB's options and a timeout."""

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
# Python's flags, which bson uses for the options of a BSON regular expression.
_BITS = {2: "i", 8: "m", 16: "s", 64: "x", 32: "u"}


class Pattern:
    """A compiled regular expression."""

    def __init__(
        self, source: object, options: object = "", *, seconds: float, invalid: int = 51091
    ) -> None:
        """Compile a regular expression.

        Args:
            source: The pattern, or a BSON regular expression with its own options.
            options: Option letters.
            seconds: The timeout of a match.
            invalid: The error code for an invalid expression.

        Raises:
            QueryError: The pattern or an option is invalid.
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
