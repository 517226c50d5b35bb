"""Operators on dates: calendars, truncation, arithmetic, text."""

# ruff: noqa: N803, A002 - parameters have the names of the operators' operands

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId, Timestamp

from fakeviam.query.calendars import (
    UTC,
    difference,
    moment,
    shifted,
    truncated,
    unit_of,
    weekday,
    whole,
    zone,
)
from fakeviam.query.date_formats import formatted, parsed
from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import NamedFunction
from fakeviam.query.values import MISSING, is_number, number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.expressions import Build, Evaluate


def _add(sign: int, name: str) -> NamedFunction:
    def apply(
        startDate: object, unit: object, amount: object, timezone: object = MISSING
    ) -> datetime:
        steps = whole(name, "amount", amount, 5166405)
        return shifted(
            moment(startDate, 5166403), unit_of(name, unit), sign * steps, zone(timezone)
        )

    return NamedFunction.of(apply)


def _truncate(
    date: object,
    unit: object,
    binSize: object = 1,
    timezone: object = MISSING,
    startOfWeek: object = MISSING,
) -> datetime:
    size = whole("$dateTrunc", "binSize", binSize, 5439017)
    if size <= 0:
        raise QueryError(5439018, "$dateTrunc requires 'binSize' to be greater than 0")
    name = unit_of("$dateTrunc", unit)
    first = weekday("$dateTrunc", startOfWeek) if name == "week" else "sunday"
    return truncated(moment(date, 5439012), name, size, zone(timezone), first)


def _difference(
    startDate: object,
    endDate: object,
    unit: object,
    timezone: object = MISSING,
    startOfWeek: object = MISSING,
) -> Int64:
    place, start, end = zone(timezone), moment(startDate, 5166307), moment(endDate, 5166307)
    name = unit_of("$dateDiff", unit)
    first = weekday("$dateDiff", startOfWeek) if name == "week" else "sunday"
    return Int64(difference(start, end, name, place, first))


# Parts --------------------------------------------------------------------------------------

_PARTS: dict[str, Callable[[datetime], int]] = {
    "$year": lambda local: local.year,
    "$month": lambda local: local.month,
    "$dayOfMonth": lambda local: local.day,
    "$dayOfWeek": lambda local: local.isoweekday() % 7 + 1,
    "$dayOfYear": lambda local: local.timetuple().tm_yday,
    "$hour": lambda local: local.hour,
    "$minute": lambda local: local.minute,
    "$second": lambda local: local.second,
    "$millisecond": lambda local: local.microsecond // 1000,
    "$week": lambda local: int(local.strftime("%U")),
    "$isoWeek": lambda local: local.isocalendar()[1],
    "$isoWeekYear": lambda local: local.isocalendar()[0],
    "$isoDayOfWeek": lambda local: local.isoweekday(),
}


def _part(compiler: Any, operands: Any, name: str) -> Evaluate:
    """A part of a date; the operand is an expression or `{date:, timezone:}`."""
    part = _PARTS[name]
    if isinstance(operands, list):
        if len(operands) != 1:
            raise QueryError(
                16020, f"{name} accepts exactly one argument if given an array, got {len(operands)}"
            )
        (operands,) = operands
    if isinstance(operands, dict) and not next(iter(operands), "$").startswith("$"):
        parts = compiler.named(name, operands, ("date",), ("timezone",))
        of, place = parts["date"], parts.get("timezone")
    else:
        of, place = compiler.expression(operands), None

    def evaluate(scope: object) -> object:
        when = of(scope)
        where = place(scope) if place else MISSING
        if when is None or when is MISSING or (place and (where is None or where is MISSING)):
            return None
        return part(moment(when).astimezone(zone(where)))

    return evaluate


def _to_parts(date: object, timezone: object = MISSING, iso8601: object = False) -> dict[str, int]:  # noqa: FBT002
    local = moment(date).astimezone(zone(timezone))
    clock = {
        "hour": local.hour,
        "minute": local.minute,
        "second": local.second,
        "millisecond": local.microsecond // 1000,
    }
    if not isinstance(iso8601, bool):
        kind = type_name(iso8601)
        raise QueryError(40521, f"iso8601 must evaluate to a bool, found {kind}")
    if iso8601:
        year, week, day = local.isocalendar()
        return {"isoWeekYear": year, "isoWeek": week, "isoDayOfWeek": day, **clock}
    return {"year": local.year, "month": local.month, "day": local.day, **clock}


_ISO_PARTS = frozenset({"isoWeekYear", "isoWeek", "isoDayOfWeek"})
_NATURAL_PARTS = frozenset({"year", "month", "day"})
_UNBOUNDED_PARTS = frozenset({"second", "millisecond"})


def _number_of_part(name: str, value: object) -> int:
    part = whole("$dateFromParts", name, value, 40515)
    if name not in _UNBOUNDED_PARTS and not -(2**15) <= part < 2**15:
        text = f"'{name}' must evaluate to a value in the range [-32768, 32767]"
        raise QueryError(31034, f"{text}; value {part} is not in range")
    return part


def _from_parts(timezone: object = MISSING, **parts: object) -> datetime:
    place = zone(timezone)
    numbers = {name: _number_of_part(name, value) for name, value in parts.items()}
    if numbers.keys() & _ISO_PARTS and numbers.keys() & _NATURAL_PARTS:
        text = "$dateFromParts does not allow mixing natural dates with ISO dates"
        raise QueryError(40489, text)
    try:
        if "isoWeekYear" in numbers:
            first = date.fromisocalendar(numbers["isoWeekYear"], 1, 1)
            weeks = numbers.get("isoWeek", 1) - 1
            day = first + timedelta(weeks=weeks, days=numbers.get("isoDayOfWeek", 1) - 1)
        elif "year" in numbers:
            year, month = divmod(numbers["year"] * 12 + numbers.get("month", 1) - 1, 12)
            day = date(year, month + 1, 1) + timedelta(days=numbers.get("day", 1) - 1)
        else:
            raise QueryError(
                40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present"
            )
        local = datetime(day.year, day.month, day.day, tzinfo=place) + timedelta(
            hours=numbers.get("hour", 0),
            minutes=numbers.get("minute", 0),
            seconds=numbers.get("second", 0),
            milliseconds=numbers.get("millisecond", 0),
        )
        return local.astimezone(UTC)
    except (OverflowError, ValueError):
        raise QueryError(40523, "$dateFromParts: there is no such date") from None


def _to_string(
    date: object,
    format: object = MISSING,
    timezone: object = MISSING,
    onNull: object = None,
) -> object:
    if date is None or date is MISSING:
        return onNull
    if format is None or timezone is None:
        return None
    place = zone(timezone)
    if format is MISSING:
        form = "%Y-%m-%dT%H:%M:%S.%LZ" if place is UTC else "%Y-%m-%dT%H:%M:%S.%L"
    elif isinstance(format, str):
        form = format
    else:
        raise QueryError(
            18533, f"$dateToString requires that 'format' be a string, found: {type_name(format)}"
        )
    return formatted(moment(date), form, place)


def _from_string(
    *,
    dateString: object,
    format: object = MISSING,
    timezone: object = MISSING,
    onError: object = MISSING,
    onNull: object = None,
) -> object:
    if dateString is None or dateString is MISSING:
        return onNull
    if format is not MISSING and not isinstance(format, str):
        kind = type_name(format)
        raise QueryError(
            40684, f"$dateFromString requires that 'format' be a string, found: {kind}"
        )
    try:
        return parsed(dateString, format, zone(timezone), has_zone=timezone is not MISSING)
    except QueryError as error:
        if onError is MISSING or error.code != 241:
            raise
        return onError


def date_of(value: object) -> datetime:
    """Convert a value to a date, like `$toDate`.

    Raises:
        QueryError: It cannot be converted.
    """
    if isinstance(value, str):
        return parsed(value, MISSING, UTC)
    if is_number(value) and type_name(value) != "int":
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(number(value)))
        except (OverflowError, ValueError):
            raise QueryError(241, f"no date is {value} milliseconds after 1970") from None
    if isinstance(value, (datetime, ObjectId, Timestamp)):
        return moment(value)
    raise QueryError(241, f"Unsupported conversion from {type_name(value)} to date in $convert")


_OF_PARTS = (
    "year", "month", "day", "isoWeekYear", "isoWeek", "isoDayOfWeek", "hour", "minute",
    "second", "millisecond", "timezone",
)  # fmt: skip
SPECIAL: dict[str, Build] = {name: partial(_part, name=name) for name in _PARTS}
NAMED = {
    "$dateAdd": _add(1, "$dateAdd"),
    "$dateSubtract": _add(-1, "$dateSubtract"),
    "$dateTrunc": NamedFunction.of(_truncate),
    "$dateDiff": NamedFunction.of(_difference),
    "$dateToParts": NamedFunction.of(_to_parts),
    "$dateFromParts": NamedFunction(
        apply=_from_parts, required=(), optional=_OF_PARTS, nulls=_OF_PARTS
    ),
    "$dateToString": NamedFunction.of(_to_string, nulls=()),
    "$dateFromString": NamedFunction.of(_from_string, nulls=("format", "timezone")),
}
