"""Operators on numbers: arithmetic, rounding, trigonometry, bits."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

from bson import Int64

from fakeviam.query.errors import QueryError, bad_value, wrong_type
from fakeviam.query.expressions import Function
from fakeviam.query.values import (
    as_long,
    as_utc,
    is_number,
    milliseconds,
    narrowed,
    number,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def numeric(name: str, value: object, code: int = 28765) -> Any:
    """Validate that an operand is a number, and make it one that Python can calculate with.

    Raises:
        QueryError: It is invalid.
    """
    if not is_number(value):
        raise QueryError(code, f"{name} only supports numeric types, not {type_name(value)}")
    return number(value)


def mixed(*values: Any) -> tuple[Any, ...]:
    """Convert numbers so that they can be combined: all to Decimal if one is."""
    if any(isinstance(value, Decimal) for value in values):
        return tuple(Decimal(repr(v)) if isinstance(v, float) else Decimal(v) for v in values)
    return values


def typed(result: object, operands: Iterable[object]) -> object:
    """A result in its BSON type: a long if one of the integer operands is a long."""
    if type(result) is float:
        return result
    if isinstance(result, int) and Int64 in map(type, operands) and _LONGS[0] <= result < _LONGS[1]:
        return Int64(result)
    return narrowed(result)


_LONGS = (-(2**63), 2**63)


def add(*values: object) -> object:
    """The sum of numbers and at most one date, to which numbers are milliseconds."""
    moment: datetime | None = None
    total: object = 0
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
    return typed(total, values) if moment is None else later(moment, total)


def later(moment: datetime, span: Any) -> datetime:
    """A date plus milliseconds.

    Raises:
        QueryError: The date does not exist.
    """
    try:
        return moment + timedelta(milliseconds=round(span))
    except (OverflowError, ValueError):
        raise QueryError(2, "date overflow") from None


def subtract(left: object, right: object) -> object:
    """A difference: milliseconds of two dates, or a date from a date and milliseconds."""
    if isinstance(left, datetime):
        if isinstance(right, datetime):
            return Int64(milliseconds(as_utc(left)) - milliseconds(as_utc(right)))
        if is_number(right):
            return later(left, -number(right))
    if not is_number(left) or not is_number(right):
        text = f"can't $subtract {type_name(right)} from {type_name(left)}"
        raise wrong_type(text)
    one, other = mixed(number(left), number(right))
    return typed(one - other, (left, right))


def multiply(*values: object) -> object:
    """The product of numbers."""
    product: object = 1
    for value in values:
        one, other = mixed(product, numeric("$multiply", value, 14))
        product = one * other
    return typed(product, values)


def divide(left: object, right: object) -> object:
    """A quotient: a double, or a decimal if an operand is one."""
    if not is_number(left) or not is_number(right):
        text = f"$divide only supports numeric types, not {type_name(left)} and {type_name(right)}"
        raise wrong_type(text)
    one, other = mixed(number(left), number(right))
    if other == 0:
        raise bad_value("can't $divide by zero")
    return narrowed(one / other)


def modulo(left: object, right: object) -> object:
    """The remainder; it has the sign of the dividend, unlike in Python."""
    one, other = mixed(numeric("$mod", left, 16611), numeric("$mod", right, 16611))
    if other == 0:
        raise QueryError(16610, "can't $mod by zero")
    if isinstance(one, int) and isinstance(other, int):
        rest = abs(one) % abs(other)
        return typed(rest if one >= 0 else -rest, (left, right))
    if isinstance(one, Decimal):
        return narrowed(one % other)
    # math.fmod raises an error for an infinite dividend.
    return math.nan if math.isinf(one) else math.fmod(one, other)


def power(base: object, exponent: object) -> object:
    """A power; of integers, it is an integer if it fits into 64 bits."""
    one, other = mixed(numeric("$pow", base, 28762), numeric("$pow", exponent, 28763))
    if one == 0 and other < 0:
        raise QueryError(28764, "$pow cannot take a base of 0 and a negative exponent")
    if isinstance(one, int) and isinstance(other, int) and other >= 0:
        # Do not compute huge integers only to find that they do not fit.
        if abs(one) <= 1 or other * math.log2(abs(one)) < 64:
            return typed(one**other, (base, exponent))
        one = float(one)
    try:
        result = one**other
    except OverflowError:
        return math.inf
    # Python returns a complex number for roots of negative numbers.
    return math.nan if isinstance(result, complex) else narrowed(result)


#: Enough digits for every BSON number at every valid precision.
_DIGITS = Context(prec=800, Emax=9999, Emin=-9999)


def _rounding(name: str, mode: str) -> Callable[..., object]:
    def apply(value: object, place: object = 0) -> object:
        exact = numeric(name, value, 51081)
        digits = as_long(numeric(name, place, 51082))
        if digits is None:
            raise QueryError(51082, f"precision argument to {name} must be an integral value")
        if not -20 <= digits <= 100:
            text = f"cannot apply {name} with precision value {digits}"
            raise QueryError(51083, f"{text}, value must be in [-20, 100]")
        if not math.isfinite(exact) or (digits >= 0 and exact == exact.__trunc__()):
            return value
        # Ties are decided by the exact binary value: 2.675 is below the tie, and rounds to 2.67.
        result = Decimal(exact).quantize(Decimal(1).scaleb(-digits), mode, _DIGITS)
        if isinstance(exact, Decimal):
            return narrowed(result)
        return typed(int(result), [value]) if isinstance(exact, int) else float(result)

    return apply


def _whole(name: str, function: Callable[[Any], int]) -> Callable[[object], object]:
    def apply(value: object) -> object:
        exact = numeric(name, value)
        if isinstance(exact, int) or not math.isfinite(exact):
            return value
        return narrowed(type(exact)(function(exact)))

    return apply


def _real(
    name: str, function: Callable[[float], float], low: float = -math.inf, high: float = math.inf
) -> Function:
    """A function of one real number with a limited domain."""

    def apply(value: object) -> object:
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


def _logarithm(
    name: str,
    function: Callable[[float], float],
    code: int,
    of_decimal: Callable[[Decimal], Decimal],
) -> Function:
    def apply(value: object) -> object:
        exact = numeric(name, value)
        if exact <= 0:
            raise QueryError(code, f"{name}'s argument must be a positive number, but is {exact}")
        return narrowed(of_decimal(exact)) if isinstance(exact, Decimal) else function(exact)

    return Function(apply=apply, null_in_null_out=True)


def _log(value: object, base: object) -> object:
    exact, root = mixed(numeric("$log", value, 28756), numeric("$log", base, 28757))
    if exact <= 0:
        raise QueryError(28758, f"$log's argument must be a positive number, but is {exact}")
    if root <= 0 or root == 1:
        raise QueryError(
            28759, f"$log's base must be a positive number not equal to 1, but is {root}"
        )
    if isinstance(exact, Decimal):
        return narrowed(exact.ln() / root.ln())
    return math.log(exact) / math.log(root)


def _root(value: object) -> object:
    exact = numeric("$sqrt", value)
    if exact < 0:
        raise QueryError(28714, "$sqrt's argument must be greater than or equal to 0")
    return narrowed(exact.sqrt()) if isinstance(exact, Decimal) else math.sqrt(exact)


def _exponential(value: object) -> object:
    exact = numeric("$exp", value)
    try:
        return narrowed(exact.exp()) if isinstance(exact, Decimal) else math.exp(exact)
    except OverflowError:
        return math.inf


def _bits(name: str, function: Callable[[int, int], int], start: int) -> Function:
    def apply(*values: object) -> object:
        result = start
        for value in values:
            if type(value) is bool or not isinstance(value, int):
                raise wrong_type(
                    f"{name} only supports int and long operands, not {type_name(value)}"
                )
            result = function(result, value)
        return typed(result, values)

    return Function(apply=apply, fewest=0, most=None, null_in_null_out=True)


def _flipped(value: object) -> object:
    if type(value) is bool or not isinstance(value, int):
        raise wrong_type(f"$bitNot only supports int and long, not {type_name(value)}")
    return typed(~value, [value])


def _absolute(value: object) -> object:
    exact = numeric("$abs", value)
    if exact == _LONGS[0] and isinstance(exact, int):
        raise QueryError(28680, "can't take $abs of long long min")
    return typed(abs(exact), [value])


def _two(name: str, function: Callable[[float, float], float]) -> Function:
    return Function(
        apply=lambda one, other: function(numeric(name, one), numeric(name, other)),
        fewest=2,
        most=2,
        null_in_null_out=True,
    )


FUNCTIONS = {
    "$abs": Function(apply=_absolute, null_in_null_out=True),
    "$add": Function(apply=add, fewest=0, most=None, null_in_null_out=True),
    "$ceil": Function(apply=_whole("$ceil", math.ceil), null_in_null_out=True),
    "$divide": Function(apply=divide, fewest=2, most=2, null_in_null_out=True),
    "$exp": Function(apply=_exponential, null_in_null_out=True),
    "$floor": Function(apply=_whole("$floor", math.floor), null_in_null_out=True),
    "$ln": _logarithm("$ln", math.log, 28766, Decimal.ln),
    "$log": Function(apply=_log, fewest=2, most=2, null_in_null_out=True),
    "$log10": _logarithm("$log10", math.log10, 28761, Decimal.log10),
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
