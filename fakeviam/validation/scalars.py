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
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][-+]?[0-9]+)?")

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
    def number(self) -> float | None:
        """The finite number it spells, an int if it is whole; None if it is none."""
        if _INTEGER.fullmatch(self) and len(self) <= _MOST_DIGITS:
            return int(self)
        if not _FLOAT.fullmatch(self):
            return None
        value = float(self)
        return value if isfinite(value) else None
