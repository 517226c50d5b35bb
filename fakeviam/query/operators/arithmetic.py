"""Operators on numbers: arithmetic, rounding, trigonometry, bits."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError, bad_value, wrong_type
from fakeviam.query.expressions import Function
from fakeviam.query.values import (
    as_utc,
    is_number,
    milliseconds,
    narrowed,
    number,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def numeric(name: str, value: Any) -> Any:
    """An operand as a number.

    Raises:
        QueryError: It is none.
    """
    if not is_number(value):
        raise wrong_type(f"{name} only supports numeric types, not {type_name(value)}")
    return number(value)


def mixed(*values: Any) -> tuple[Any, ...]:
    """Numbers that can be calculated with together: Decimal where one is."""
    if any(isinstance(value, Decimal) for value in values):
        return tuple(Decimal(repr(v)) if isinstance(v, float) else Decimal(v) for v in values)
    return values


def add(*values: Any) -> Any:
    """The sum of numbers and of at most one date, whose numbers are milliseconds."""
    moment: datetime | None = None
    total: Any = 0
    for value in values:
        if isinstance(value, datetime):
            if moment is not None:
                raise QueryError(16612, "only one date allowed in an $add expression")
            moment = value
        elif not is_number(value):
            text = f"$add only supports numeric or date types, not {type_name(value)}"
            raise wrong_type(text)
        else:
            one, other = mixed(total, number(value))
            total = one + other
    return narrowed(total) if moment is None else later(moment, total)


def later(moment: datetime, span: Any) -> datetime:
    """A date so many milliseconds later.

    Raises:
        QueryError: There is no such date.
    """
    try:
        return moment + timedelta(milliseconds=round(span))
    except (OverflowError, ValueError):
        raise QueryError(2, "date overflow") from None


def subtract(left: Any, right: Any) -> Any:
    """A difference: of dates in milliseconds, of a date and milliseconds a date."""
    if isinstance(left, datetime):
        if isinstance(right, datetime):
            return milliseconds(as_utc(left)) - milliseconds(as_utc(right))
        if is_number(right):
            return later(left, -number(right))
    if not is_number(left) or not is_number(right):
        text = f"can't $subtract {type_name(right)} from {type_name(left)}"
        raise wrong_type(text)
    one, other = mixed(number(left), number(right))
    return narrowed(one - other)


def multiply(*values: Any) -> Any:
    """The product of numbers."""
    product: Any = 1
    for value in values:
        one, other = mixed(product, numeric("$multiply", value))
        product = one * other
    return narrowed(product)


def divide(left: Any, right: Any) -> Any:
    """A quotient; always a double, but of decimals."""
    if not is_number(left) or not is_number(right):
        text = f"$divide only supports numeric types, not {type_name(left)} and {type_name(right)}"
        raise wrong_type(text)
    one, other = mixed(number(left), number(right))
    if other == 0:
        raise bad_value("can't $divide by zero")
    return narrowed(one / other)


def modulo(left: Any, right: Any) -> Any:
    """The remainder, which has the sign of the dividend."""
    one, other = mixed(numeric("$mod", left), numeric("$mod", right))
    if other == 0:
        raise QueryError(16610, "can't $mod by zero")
    if isinstance(one, int) and isinstance(other, int):
        rest = abs(one) % abs(other)
        return rest if one >= 0 else -rest
    return narrowed(one % other) if isinstance(one, Decimal) else math.fmod(one, other)


def power(base: Any, exponent: Any) -> Any:
    """A power; an integer of integers where it fits into 64 bits."""
    one, other = mixed(numeric("$pow", base), numeric("$pow", exponent))
    if one == 0 and other < 0:
        raise QueryError(28764, "$pow cannot take a base of 0 and a negative exponent")
    if isinstance(one, int) and isinstance(other, int) and other >= 0:
        if abs(one) <= 1 or other * math.log2(abs(one)) < 64:
            return narrowed(one**other)
        one = float(one)
    try:
        result = one**other
    except OverflowError:
        return math.inf
    return math.nan if isinstance(result, complex) else narrowed(result)


def _rounding(name: str, mode: str) -> Callable[..., Any]:
    def apply(value: Any, place: Any = 0) -> Any:
        exact = numeric(name, value)
        digits = numeric(name, place)
        if digits % 1 or not -20 <= digits <= 100:
            raise QueryError(51082, f"cannot apply {name} with precision value {digits}")
        if isinstance(exact, float) and not math.isfinite(exact):
            return exact
        # The binary value of a double, not its shortest form, decides a tie.
        quantum = Decimal(1).scaleb(-int(digits))
        if isinstance(exact, float) and digits > 15:
            return exact
        result = (Decimal(exact) / quantum).quantize(Decimal(1), mode) * quantum
        if isinstance(exact, Decimal):
            return narrowed(result)
        return narrowed(int(result)) if isinstance(exact, int) else float(result)

    return apply


def _whole(name: str, function: Callable[[Any], int]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        exact = numeric(name, value)
        if isinstance(exact, float):
            return float(function(exact)) if math.isfinite(exact) else exact
        return narrowed(Decimal(function(exact)) if isinstance(exact, Decimal) else exact)

    return apply


def _real(
    name: str, function: Callable[[float], float], low: float = -math.inf, high: float = math.inf
) -> Function:
    """A function of one real number, defined between two bounds."""

    def apply(value: Any) -> Any:
        exact = float(numeric(name, value))
        if math.isnan(exact):
            return exact
        if not low <= exact <= high:
            text = f"cannot apply {name} to {exact:g}, value must be in [{low:g},{high:g}]"
            raise QueryError(50989, text)
        try:
            return function(exact)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return Function(apply=apply, null_in_null_out=True)


def _logarithm(name: str, function: Callable[[float], float], code: int) -> Function:
    def apply(value: Any) -> Any:
        exact = numeric(name, value)
        if exact <= 0:
            raise QueryError(code, f"{name}'s argument must be a positive number, but is {exact}")
        return function(exact)

    return Function(apply=apply, null_in_null_out=True)


def _log(value: Any, base: Any) -> float:
    exact, root = numeric("$log", value), numeric("$log", base)
    if exact <= 0:
        raise QueryError(28758, f"$log's argument must be a positive number, but is {exact}")
    if root <= 0 or root == 1:
        raise QueryError(
            28759, f"$log's base must be a positive number not equal to 1, but is {root}"
        )
    return math.log(exact) / math.log(root)


def _root(value: Any) -> float:
    exact = numeric("$sqrt", value)
    if exact < 0:
        raise QueryError(28714, "$sqrt's argument must be greater than or equal to 0")
    return math.sqrt(exact)


def _exponential(value: Any) -> float:
    try:
        return math.exp(numeric("$exp", value))
    except OverflowError:
        return math.inf


def _bits(name: str, function: Callable[[int, int], int], start: int) -> Function:
    def apply(*values: Any) -> int:
        result = start
        for value in values:
            if type(value) is bool or not isinstance(value, int):
                raise wrong_type(
                    f"{name} only supports int and long operands, not {type_name(value)}"
                )
            result = function(result, value)
        return result

    return Function(apply=apply, fewest=0, most=None, null_in_null_out=True)


def _flipped(value: Any) -> int:
    if type(value) is bool or not isinstance(value, int):
        raise wrong_type(f"$bitNot only supports int and long, not {type_name(value)}")
    return ~value


def _two(name: str, function: Callable[[float, float], float]) -> Function:
    return Function(
        apply=lambda one, other: function(numeric(name, one), numeric(name, other)),
        fewest=2,
        most=2,
        null_in_null_out=True,
    )


FUNCTIONS = {
    "$abs": Function(
        apply=lambda value: narrowed(abs(numeric("$abs", value))), null_in_null_out=True
    ),
    "$add": Function(apply=add, fewest=0, most=None, null_in_null_out=True),
    "$ceil": Function(apply=_whole("$ceil", math.ceil), null_in_null_out=True),
    "$divide": Function(apply=divide, fewest=2, most=2, null_in_null_out=True),
    "$exp": Function(apply=_exponential, null_in_null_out=True),
    "$floor": Function(apply=_whole("$floor", math.floor), null_in_null_out=True),
    "$ln": _logarithm("$ln", math.log, 28766),
    "$log": Function(apply=_log, fewest=2, most=2, null_in_null_out=True),
    "$log10": _logarithm("$log10", math.log10, 28761),
    "$mod": Function(apply=modulo, fewest=2, most=2, null_in_null_out=True),
    "$multiply": Function(apply=multiply, fewest=0, most=None, null_in_null_out=True),
    "$pow": Function(apply=power, fewest=2, most=2, null_in_null_out=True),
    "$round": Function(apply=_rounding("$round", ROUND_HALF_EVEN), most=2, null_in_null_out=True),
    "$sqrt": Function(apply=_root, null_in_null_out=True),
    "$subtract": Function(apply=subtract, fewest=2, most=2, null_in_null_out=True),
    "$trunc": Function(apply=_rounding("$trunc", ROUND_DOWN), most=2, null_in_null_out=True),
    "$sin": _real("$sin", math.sin, -1.7976931348623157e308, 1.7976931348623157e308),
    "$cos": _real("$cos", math.cos, -1.7976931348623157e308, 1.7976931348623157e308),
    "$tan": _real("$tan", math.tan, -1.7976931348623157e308, 1.7976931348623157e308),
    "$asin": _real("$asin", math.asin, -1, 1),
    "$acos": _real("$acos", math.acos, -1, 1),
    "$atan": _real("$atan", math.atan),
    "$atan2": _two("$atan2", math.atan2),
    "$sinh": _real("$sinh", math.sinh),
    "$cosh": _real("$cosh", math.cosh),
    "$tanh": _real("$tanh", math.tanh),
    "$asinh": _real("$asinh", math.asinh),
    "$acosh": _real("$acosh", math.acosh, 1),
    "$atanh": _real(
        "$atanh", lambda x: math.copysign(math.inf, x) if abs(x) == 1 else math.atanh(x), -1, 1
    ),
    "$degreesToRadians": _real("$degreesToRadians", math.radians),
    "$radiansToDegrees": _real("$radiansToDegrees", math.degrees),
    "$bitAnd": _bits("$bitAnd", lambda one, other: one & other, -1),
    "$bitOr": _bits("$bitOr", lambda one, other: one | other, 0),
    "$bitXor": _bits("$bitXor", lambda one, other: one ^ other, 0),
    "$bitNot": Function(apply=_flipped, null_in_null_out=True),
}
