"""Scalars without quotes: what they mean depends on the type of the field they are for."""

from __future__ import annotations

import re
from math import isfinite
from types import MappingProxyType

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = MappingProxyType(
    {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# Not 017, which is octal to some programs.
_NUMBER = re.compile(r"(?![-+]?0[0-9]+$)[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

# More digits than any integer that JSON carries; Python refuses to convert thousands of them.
_MOST_DIGITS = 25


class Unquoted(str):
    """A plain YAML scalar, or the text of a URL's query.

    It is text where text is wanted: 007, no and 2026-01-31 stay as they are written.
    """

    __slots__ = ()

    @property
    def is_null(self) -> bool:
        """Whether it stands for nothing."""
        return self in _NULLS

    @property
    def flag(self) -> bool | None:
        """The truth value it spells; None if it is none."""
        return _FLAGS.get(self)

    @property
    def is_number(self) -> bool:
        """Whether it spells a number, of whatever size."""
        return _NUMBER.fullmatch(self) is not None

    @property
    def number(self) -> float | None:
        """The finite number it spells, an int if it is whole; None if it is none."""
        if not self.is_number:
            return None
        if _INTEGER.fullmatch(self) and len(self) <= _MOST_DIGITS:
            return int(self)
        value = float(self)
        return value if isfinite(value) else None


def is_text(value: object) -> bool:
    """Whether a value is text that UTF-8 can carry: half a surrogate pair is not."""
    try:
        return isinstance(value, str) and (value.isascii() or value.encode() is not None)
    except UnicodeEncodeError:
        return False
