"""BSON values: types, ordering across types, and MongoDB's equality."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import bson
from bson import (
    Binary,
    Code,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

Document: TypeAlias = dict[str, Any]
#: A key that is ordered across all types, and equal for values that MongoDB treats as equal.
SortKey: TypeAlias = tuple[Any, ...]


class _Missing:
    """The value of a missing field, which sorts before null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaScript:
    """JavaScript code, which is kept and compared, never run.

    Attributes:
        text: The code.
        scope: The encoded document of its variables, if it has one.
    """

    text: str
    scope: bytes | None = None


#: Types in sort order, with their names and numbers; types of the same rank are compared by value.
_TYPES: tuple[tuple[type, int, str, int], ...] = (
    (_Missing, 0, "missing", 0),
    (type(None), 1, "null", 10),
    (bool, 7, "bool", 8),
    (Int64, 2, "long", 18),
    (int, 2, "int", 16),
    (float, 2, "double", 1),
    (Decimal128, 2, "decimal", 19),
    (JavaScript, 11, "javascript", 13),
    (str, 3, "string", 2),
    (dict, 4, "object", 3),
    (list, 5, "array", 4),
    (Binary, 6, "binData", 5),
    (bytes, 6, "binData", 5),
    (ObjectId, 6, "objectId", 7),
    (datetime, 8, "date", 9),
    (Timestamp, 9, "timestamp", 17),
    (Regex, 10, "regex", 11),
    (MinKey, -1, "minKey", -1),
    (MaxKey, 12, "maxKey", 127),
)
_RANKS: Final[dict[type, float]] = {kind: rank for kind, rank, _, _ in _TYPES} | {ObjectId: 6.5}
_NAMES: Final = {kind: name for kind, _, name, _ in _TYPES}
TYPE_NUMBERS: Final = {name: number for _, _, name, number in _TYPES if name != "missing"}

_INT32 = 1 << 31


def rank(value: object) -> float:
    """The position of the value's type in the order of types."""
    return _RANKS[type(value)]


def type_name(value: Any) -> str:
    """MongoDB's name of the type of a value."""
    kind = type(value)
    if kind is int and not -_INT32 <= value < _INT32:
        return "long"
    return _NAMES[kind]


def is_number(value: object) -> TypeGuard[int | float | Decimal128]:
    """Whether a value is a number; booleans are not."""
    return isinstance(value, (int, float, Decimal128)) and value is not True and value is not False


def is_finite(value: object) -> TypeGuard[int | float | Decimal128]:
    """Whether a value is a number other than NaN and the infinities."""
    return is_number(value) and math.isfinite(number(value))


def as_long(value: object) -> int | None:
    """The value as a 64-bit integer, if it is a whole number of any type; otherwise None."""
    if not is_finite(value):
        return None
    exact = number(value)
    return int(exact) if -(2**63) <= exact < 2**63 and not exact % 1 else None


def number(value: object) -> Any:
    """The number in a type that Python can calculate with."""
    if not isinstance(value, Decimal128):
        return value
    exact = value.to_decimal()
    return _NAN if exact.is_snan() else exact


#: A quiet NaN: arithmetic with it does not raise.
_NAN: Final = Decimal("NaN")


def truth(value: object) -> bool:
    """MongoDB's truth of a value: false for false, zero, null and missing values only."""
    if value is None or value is MISSING or value is False:
        return False
    return not is_number(value) or number(value) != 0


def or_null(value: object) -> Any:
    """The value, or null if it is missing."""
    return None if value is MISSING else value


def sort_key(value: object) -> SortKey:
    """A key that orders values of all types, and is equal for equal values."""
    kind = type(value)
    if kind is str:
        return (3, value)
    if kind is float and value == value:  # noqa: PLR0124 - the fastest check for NaN
        return (2, 1, value)
    return _KEYS.get(_RANKS[kind], _bare_key)(value)


def _bare_key(value: object) -> SortKey:
    return (rank(value),)


def _number_key(value: object) -> SortKey:
    """A key in which NaN is less than all other numbers and equal to itself."""
    exact = number(value)
    return (2, 0, 0) if math.isnan(exact) else (2, 1, exact)


def _document_key(value: Document) -> SortKey:
    pairs = ((rank(inner), name, sort_key(inner)) for name, inner in value.items())
    return (4, tuple(part for pair in pairs for part in pair))


def _bytes_key(value: Any) -> SortKey:
    data = bytes(value)
    return (6, len(data), getattr(value, "subtype", 0), data)


_KEYS: Final[dict[float, Callable[[Any], SortKey]]] = {
    2: _number_key,
    3: lambda value: (3, value),
    4: _document_key,
    5: lambda value: (5, tuple(map(sort_key, value))),
    6: _bytes_key,
    6.5: lambda value: (6.5, value),
    7: lambda value: (7, value),
    8: lambda value: (8, milliseconds(value)),
    9: lambda value: (9, value.time, value.inc),
    10: lambda value: (10, value.pattern, value.flags),
    11: lambda value: (11, value.scope is not None, value.text, value.scope),
}


def compare(left: object, right: object) -> int:
    """-1, 0 or 1, in the order of all types."""
    one, other = sort_key(left), sort_key(right)
    return (one > other) - (one < other)


def equal(left: object, right: object) -> bool:
    """Whether MongoDB treats two values as equal: 1 and 1.0 are, true and 1 are not."""
    return sort_key(left) == sort_key(right)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, which is how MongoDB stores dates."""
    since = as_utc(moment) - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def as_utc(moment: datetime) -> datetime:
    """The date in UTC; a naive date is interpreted as UTC."""
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment


def narrowed(value: object) -> object:
    """A value in a BSON type: integers beyond 64 bits become doubles."""
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        return float(value)
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, JavaScript):
        return Code(value.text, None if value.scope is None else bson.decode(value.scope))
    return value
