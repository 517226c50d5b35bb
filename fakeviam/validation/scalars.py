"""Unquoted scalars, whose meaning depends on the type of their field."""

from __future__ import annotations

import re
from math import isfinite
from types import MappingProxyType

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = MappingProxyType(
    {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# Not 017, which some programs interpret as octal.
_NUMBER = re.compile(r"(?![-+]?0[0-9]+$)[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

# More digits than any integer that JSON carries; Python refuses to convert thousands of them.
_MOST_DIGITS = 25


class Unquoted(str):
    """An unquoted YAML scalar, or a value in the query of a URL.

    In a text field it stays as written: 007, no, 2026-01-31.
    """

    __slots__ = ()

    @property
    def is_null(self) -> bool:
        """Whether it means null."""
        return self in _NULLS

    @property
    def flag(self) -> bool | None:
        """Its boolean value; None if it has none."""
        return _FLAGS.get(self)

    @property
    def is_number(self) -> bool:
        """Whether it is a number of any magnitude."""
        return _NUMBER.fullmatch(self) is not None

    @property
    def number(self) -> float | None:
        """Its finite numeric value, an int for integers; None if it has none."""
        if not self.is_number:
            return None
        if _INTEGER.fullmatch(self) and len(self) <= _MOST_DIGITS:
            return int(self)
        value = float(self)
        return value if isfinite(value) else None
