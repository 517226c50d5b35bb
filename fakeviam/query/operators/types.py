"""Operators that tell types and convert between them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from bson import Decimal128, Int64, ObjectId

from fakeviam.query.errors import QueryError, unparsable
from fakeviam.query.expressions import Function
from fakeviam.query.operators.dates import UTC as _UTC
from fakeviam.query.operators.dates import date_of, formatted
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


def _failed(value: Any, kind: str) -> QueryError:
    text = f"Failed to convert {type_name(value)} {str(value)[:50]!r} to {kind}"
    return QueryError(241, f"{text} in $convert with no onError value")


def _unsupported(value: Any, kind: str) -> QueryError:
    text = f"Unsupported conversion from {type_name(value)} to {kind}"
    return QueryError(241, f"{text} in $convert with no onError value")


def text_of(value: Any) -> str:
    """A value as `$toString` writes it.

    Raises:
        QueryError: It can't be text.
    """
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return formatted(date_of(value), "%Y-%m-%dT%H:%M:%S.%LZ", _UTC)
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
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _whole(kind: str, bits: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, str):
            if not re.fullmatch(r"-?\d+", value):
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


def _double(value: Any) -> float:
    if isinstance(value, str):
        if not re.fullmatch(
            r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(NaN|Infinity|inf|nan)", value
        ):
            raise _failed(value, "double")
        return float(value)
    if isinstance(value, datetime):
        return float(milliseconds(value))
    if value is True or value is False or is_number(value):
        return float(number(value))
    raise _unsupported(value, "double")


def _decimal(value: Any) -> Decimal128:
    try:
        if isinstance(value, datetime):
            return Decimal128(Decimal(milliseconds(value)))
        if isinstance(value, (str, bool, int)):
            return Decimal128(Decimal(value))
        if is_number(value):
            return value if isinstance(value, Decimal128) else Decimal128(repr(value))
    except InvalidOperation:
        raise _failed(value, "decimal") from None
    raise _unsupported(value, "decimal")


def _object_id(value: Any) -> ObjectId:
    if isinstance(value, ObjectId):
        return value
    if not isinstance(value, str):
        raise _unsupported(value, "objectId")
    if not re.fullmatch("[0-9a-fA-F]{24}", value):
        raise _failed(value, "objectId")
    return ObjectId(value)


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "bool": truth,
    "date": date_of,
    "decimal": _decimal,
    "double": _double,
    "int": _whole("int", 31),
    "long": _whole("long", 63),
    "objectId": _object_id,
    "string": text_of,
}


def _convert(compiler: Compiler, operands: Any) -> Evaluate:
    parts = compiler.named("$convert", operands, ("input", "to"), ("onError", "onNull", "format"))

    def evaluate(scope: Scope) -> Any:
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
            raise unparsable(f"$convert: unknown type name or number in 'to': {kind!r}")
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
