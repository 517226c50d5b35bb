"""Operators that check and convert types."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from bson import Decimal128, Int64, ObjectId

from fakeviam.query.calendars import UTC
from fakeviam.query.date_formats import formatted
from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import Function
from fakeviam.query.operators.dates import date_of
from fakeviam.query.values import (
    MISSING,
    TYPE_NUMBERS,
    is_number,
    milliseconds,
    number,
    truth,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.expressions import Compiler, Evaluate, Scope


def _failed(value: object, kind: str) -> QueryError:
    text = f"Failed to convert {type_name(value)} {str(value)[:50]!r} to {kind}"
    return QueryError(241, f"{text} in $convert with no onError value")


def _unsupported(value: object, kind: str) -> QueryError:
    text = f"Unsupported conversion from {type_name(value)} to {kind}"
    return QueryError(241, f"{text} in $convert with no onError value")


def text_of(value: object) -> str:
    """Convert a value to a string, like `$toString`.

    Raises:
        QueryError: It cannot be converted.
    """
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return formatted(date_of(value), "%Y-%m-%dT%H:%M:%S.%LZ", UTC)
    if isinstance(value, float):
        return _double_text(value)
    if is_number(value) or isinstance(value, ObjectId):
        return str(value)
    raise _unsupported(value, "string")


def _double_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    # MongoDB omits the fraction of whole numbers.
    return repr(value).removesuffix(".0") if abs(value) < 1e15 else repr(value)


def _whole(kind: str, bits: int) -> Callable[[object], int]:
    def convert(value: object) -> int:
        if isinstance(value, str):
            if not re.fullmatch("[+-]?[0-9]+", value):
                raise _failed(value, kind)
            result = int(value)
        elif value is True or value is False:
            result = int(value)
        elif isinstance(value, datetime) and kind == "long":
            result = milliseconds(value)
        elif is_number(value):
            exact = number(value)
            if not math.isfinite(exact):
                raise _failed(value, kind)
            result = int(exact)
        else:
            raise _unsupported(value, kind)
        if not -(1 << bits) <= result < 1 << bits:
            raise _failed(value, kind)
        return Int64(result) if kind == "long" else result

    return convert


def _double(value: object) -> float:
    if isinstance(value, str):
        if not re.fullmatch(
            r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(NaN|Infinity|inf|nan)", value
        ):
            raise _failed(value, "double")
        converted = float(value)
        if math.isinf(converted) and "inf" not in value.lower():  # exceeds the largest double
            raise _failed(value, "double")
        return converted
    if isinstance(value, datetime):
        return float(milliseconds(value))
    if value is True or value is False or is_number(value):
        exact = number(value)
        converted = float(exact)
        if math.isinf(converted) and isinstance(exact, Decimal) and exact.is_finite():
            raise _failed(value, "double")
        return converted
    raise _unsupported(value, "double")


def _decimal(value: object) -> Decimal128:
    try:
        if isinstance(value, datetime):
            return Decimal128(Decimal(milliseconds(value)))
        # Python would accept spaces and underscores.
        if isinstance(value, str) and re.search(r"[\s_]", value):
            raise _failed(value, "decimal")
        if isinstance(value, (str, bool, int)):
            return Decimal128(Decimal(value))
        if is_number(value):
            return value if isinstance(value, Decimal128) else Decimal128(repr(value))
    except InvalidOperation:
        raise _failed(value, "decimal") from None
    raise _unsupported(value, "decimal")


def _object_id(value: object) -> ObjectId:
    if isinstance(value, ObjectId):
        return value
    if not isinstance(value, str):
        raise _unsupported(value, "objectId")
    if not re.fullmatch("[0-9a-fA-F]{24}", value):
        raise _failed(value, "objectId")
    return ObjectId(value)


_CONVERSIONS: dict[str, Callable[[object], object]] = {
    "bool": truth,
    "date": date_of,
    "decimal": _decimal,
    "double": _double,
    "int": _whole("int", 31),
    "long": _whole("long", 63),
    "objectId": _object_id,
    "string": text_of,
}


def _convert(compiler: Compiler, operands: object) -> Evaluate:
    parts = compiler.named("$convert", operands, ("input", "to"), ("onError", "onNull", "format"))

    def evaluate(scope: Scope) -> object:
        value, kind = parts["input"](scope), parts["to"](scope)
        if isinstance(kind, dict):
            kind = kind.get("type")
        if value is None or value is MISSING:
            return parts["onNull"](scope) if "onNull" in parts else None
        if kind is None or kind is MISSING:
            return None
        if is_number(kind):
            kind = _NAMES.get(number(kind), kind)
        name = kind if isinstance(kind, str) else ""
        if name not in _CONVERSIONS:
            code = 2 if isinstance(kind, str) else 9
            raise QueryError(code, f"$convert: unknown type name or number in 'to': {kind!r}")
        try:
            return _CONVERSIONS[name](value)
        except QueryError as error:
            if error.code != 241 or "onError" not in parts:
                raise
            return parts["onError"](scope)

    return evaluate


_NAMES = {number_: name for name, number_ in TYPE_NUMBERS.items()}


def _shorthand(kind: str) -> Function:
    return Function(apply=_CONVERSIONS[kind], null_in_null_out=True)


FUNCTIONS = {
    "$isNumber": Function(apply=is_number),
    "$toBool": _shorthand("bool"),
    "$toDate": _shorthand("date"),
    "$toDecimal": _shorthand("decimal"),
    "$toDouble": _shorthand("double"),
    "$toInt": _shorthand("int"),
    "$toLong": _shorthand("long"),
    "$toObjectId": _shorthand("objectId"),
    "$toString": _shorthand("string"),
    "$type": Function(apply=type_name),
}
SPECIAL = {"$convert": _convert}
