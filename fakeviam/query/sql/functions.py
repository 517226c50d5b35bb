"""The dialect's scalar functions, as aggregation expressions."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.query.sql.errors import SqlError, wrong_syntax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Build = Callable[..., object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """A scalar function.

    Attributes:
        build: Builds the aggregation expression from those of the arguments.
        fewest: The minimum number of arguments.
        most: The maximum number of arguments; None is unlimited.
        gives: The kind of its values; None if it depends on the arguments.
    """

    build: Build
    fewest: int = 1
    most: int | None = 1
    gives: str | None = None


def literal(value: object) -> object:
    """An aggregation expression with a constant value."""
    return {"$literal": value} if isinstance(value, (str, dict, list)) else value


def _operator(name: str) -> Build:
    return lambda argument: {name: [argument]}


def _operators(name: str) -> Build:
    return lambda *arguments: {name: list(arguments)}


def _attempt(name: str) -> Build:
    return lambda *arguments: {"$sqlAttempt": {name: list(arguments)}}


def _number(name: str, count: int = 1) -> Scalar:
    return Scalar(build=_attempt(name), fewest=count, most=count, gives="number")


def _text(name: str, fewest: int = 1, most: int | None = None) -> Scalar:
    return Scalar(build=_operators(name), fewest=fewest, most=most or fewest, gives="string")


def _length(factor: int, name: str) -> Scalar:
    def build(text: object) -> object:
        return {name: text} if factor == 1 else {"$multiply": [{name: text}, factor]}

    return Scalar(build=build, gives="number")


def _trim(side: str) -> Build:
    name = {"BOTH": "$trim", "LEADING": "$ltrim", "TRAILING": "$rtrim"}[side]
    return lambda text, chars=" ": {name: {"input": text, "chars": chars}}


def trim(side: str, chars: object, text: object) -> object:
    """`TRIM(side chars FROM text)`."""
    return _trim(side)(text, chars)


def _null_if(value: object, other: object) -> object:
    return {"$cond": [{"$sqlEq": [value, other]}, None, value]}


#: Parts of dates by their names in statements, and the operators that extract them.
PARTS = MappingProxyType(
    {
        "YEAR": "$year",
        "MONTH": "$month",
        "WEEK": "$week",
        "DAY": "$dayOfMonth",
        "HOUR": "$hour",
        "MINUTE": "$minute",
        "SECOND": "$second",
        "MILLISECOND": "$millisecond",
        "DAYOFYEAR": "$dayOfYear",
        "DAY_OF_YEAR": "$dayOfYear",
        "DAYOFWEEK": "$dayOfWeek",
        "DAY_OF_WEEK": "$dayOfWeek",
        "ISO_WEEK": "$isoWeek",
        "ISO_WEEKDAY": "$isoDayOfWeek",
    }
)
_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND")
_QUARTERS = 3


def part_of(name: str, date: object) -> object:
    """`EXTRACT(name FROM date)`.

    Raises:
        SqlError: The part does not exist.
    """
    if name.upper() == "QUARTER":
        return {"$toInt": {"$ceil": {"$divide": [{"$month": date}, _QUARTERS]}}}
    if name.upper() not in PARTS:
        raise wrong_syntax(f"unknown date part {name}; expected one of {', '.join(PARTS)}, QUARTER")
    return {PARTS[name.upper()]: date}


def unit_of(name: str) -> str:
    """The aggregation name of a unit of time.

    Raises:
        SqlError: The unit does not exist.
    """
    unit = name.upper().removeprefix("SQL_TSI_").replace("FRAC_SECOND", "MILLISECOND")
    if unit not in _UNITS:
        raise wrong_syntax(f"unknown date part {name}; expected one of {', '.join(_UNITS)}")
    return unit.lower()


def _date_add(unit: str, amount: object, date: object) -> object:
    return {"$dateAdd": {"startDate": date, "unit": unit, "amount": amount}}


def _date_diff(unit: str, start: object, end: object, week: object = "sunday") -> object:
    operands = {"startDate": start, "endDate": end, "unit": unit, "startOfWeek": week}
    return {"$dateDiff": operands}


def _date_trunc(unit: str, date: object, week: object = "sunday") -> object:
    return {"$dateTrunc": {"date": date, "unit": unit, "startOfWeek": week}}


_ADD = Scalar(build=_date_add, fewest=3, most=3, gives="date")
_DIFF = Scalar(build=_date_diff, fewest=3, most=4, gives="number")
_TRUNC = Scalar(build=_date_trunc, fewest=2, most=3, gives="date")

#: Functions whose first argument is a unit of time.
DATES: Mapping[str, Scalar] = MappingProxyType(
    {
        "DATEADD": _ADD,
        "DATEDIFF": _DIFF,
        "DATETRUNC": _TRUNC,
        "TIMESTAMPADD": _ADD,
        "TIMESTAMPDIFF": _DIFF,
        "TIMESTAMPTRUNC": _TRUNC,
    }
)
_NOW = Scalar(build=lambda *_: "$$NOW", fewest=0, gives="date")

SCALARS: Mapping[str, Scalar] = MappingProxyType(
    {
        "ABS": _number("$abs"),
        "BIT_LENGTH": _length(8, "$sqlLengthBytes"),
        "CEIL": _number("$ceil"),
        "CEILING": _number("$ceil"),
        "CHARACTER_LENGTH": _length(1, "$sqlLength"),
        "CHAR_LENGTH": _length(1, "$sqlLength"),
        "COALESCE": Scalar(build=lambda *values: {"$ifNull": [*values, None]}, fewest=1, most=None),
        "COS": _number("$cos"),
        "CURRENT_TIMESTAMP": _NOW,
        "DEGREES": _number("$radiansToDegrees"),
        "FLOOR": _number("$floor"),
        "LCASE": _text("$sqlLower"),
        "LOG": _number("$log", 2),
        "LOG10": _number("$log10"),
        "LOWER": _text("$sqlLower"),
        "LTRIM": Scalar(build=_trim("LEADING"), most=2, gives="string"),
        "MOD": _number("$mod", 2),
        "NOW": _NOW,
        "NULLIF": Scalar(build=_null_if, fewest=2, most=2),
        "OCTET_LENGTH": _length(1, "$sqlLengthBytes"),
        "POSITION": Scalar(
            build=lambda part, text: {"$sqlIndexOf": [text, part]},
            fewest=2,
            most=2,
            gives="number",
        ),
        "POW": _number("$pow", 2),
        "POWER": _number("$pow", 2),
        "RADIANS": _number("$degreesToRadians"),
        "REPLACE": Scalar(
            build=lambda text, find, new: {
                "$replaceAll": {"input": text, "find": find, "replacement": new}
            },
            fewest=3,
            most=3,
            gives="string",
        ),
        "ROUND": _number("$round", 2),
        "RTRIM": Scalar(build=_trim("TRAILING"), most=2, gives="string"),
        "SIN": _number("$sin"),
        "SIZE": Scalar(build=_operator("$sqlSize"), gives="number"),
        "SLICE": Scalar(build=_attempt("$sqlSlice"), fewest=2, most=3, gives="array"),
        "SPLIT": _text("$sqlToken", 3),
        "SQRT": _number("$sqrt"),
        "SUBSTRING": _text("$sqlSubstring", 2, 3),
        "TAN": _number("$tan"),
        "UCASE": _text("$sqlUpper"),
        "UPPER": _text("$sqlUpper"),
        **{
            name: Scalar(build=_operator(PARTS[part]), gives="number")
            for name, part in {
                **{name: name for name in ("YEAR", "MONTH", "WEEK", "DAYOFWEEK", "DAYOFYEAR")},
                **{name: name for name in ("HOUR", "MINUTE", "SECOND", "MILLISECOND")},
                "DAYOFMONTH": "DAY",
            }.items()
        },
    }
)

#: Aggregate functions.
AGGREGATES = frozenset(
    {
        *("ADD_TO_ARRAY", "ADD_TO_SET", "AVG", "COUNT", "FIRST", "LAST", "MAX", "MERGE_DOCUMENTS"),
        *("MIN", "STDDEV_POP", "STDDEV_SAMP", "SUM"),
    }
)


def check_count(name: str, scalar: Scalar, given: int) -> None:
    """Check the number of arguments of a function.

    Raises:
        SqlError: It is wrong.
    """
    if given < scalar.fewest or (scalar.most is not None and given > scalar.most):
        if scalar.fewest == scalar.most:
            needs = f"exactly {scalar.fewest}"
        elif scalar.most is None:
            needs = f"at least {scalar.fewest}"
        else:
            needs = f"from {scalar.fewest} to {scalar.most}"
        text = f"incorrect argument count for {name}: required {needs}, found {given}"
        raise SqlError(1001, text)
