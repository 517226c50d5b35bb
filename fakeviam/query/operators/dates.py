"""Operators on dates: calendars, truncation, arithmetic, text."""

# ruff: noqa: N803, A002 - parameters are named as the operators' operands are

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bson import ObjectId, Timestamp

from fakeviam.query.errors import QueryError, unparsable
from fakeviam.query.expressions import NamedFunction
from fakeviam.query.values import MISSING, as_utc, is_number, number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

UTC = timezone.utc
_EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_FIXED = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "millisecond": timedelta(milliseconds=1),
}
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?")


def moment(value: Any) -> datetime:
    """An operand as a date, in UTC.

    Raises:
        QueryError: It is none.
    """
    if isinstance(value, datetime):
        return as_utc(value)
    if isinstance(value, ObjectId):
        return value.generation_time
    if isinstance(value, Timestamp):
        return value.as_datetime()
    raise QueryError(16006, f"can't convert from BSON type {type_name(value)} to Date")


def zone(name: Any) -> tzinfo:
    """A time zone, by its Olson name or as an offset.

    Raises:
        QueryError: There is no such zone.
    """
    if name is MISSING:
        return UTC
    if not isinstance(name, str):
        text = f"timezone must evaluate to a string, found {type_name(name)}"
        raise QueryError(40517, text)
    if name in {"UTC", "GMT", "Z"}:
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise QueryError(40485, f'unrecognized time zone identifier: "{name}"') from None


def unit_of(name: str, unit: Any) -> str:
    """A unit of time.

    Raises:
        QueryError: There is no such unit.
    """
    if not isinstance(unit, str) or (unit not in _FIXED and unit not in _MONTHS):
        raise unparsable(
            f"parameter 'unit' value cannot be recognized as a time unit: {unit} ({name})"
        )
    return unit


def whole(name: str, what: str, value: Any) -> int:
    """An operand as a whole number.

    Raises:
        QueryError: It is none.
    """
    if not is_number(value) or number(value) % 1:
        raise QueryError(5166405, f"{name} expects integer {what}, got {value!r}")
    return int(number(value))


def shifted(start: datetime, unit: str, amount: int, place: tzinfo = UTC) -> datetime:
    """A date so many units later, by the calendar of a zone; never beyond the end of a month.

    Raises:
        QueryError: There is no such date.
    """
    try:
        if unit in _MONTHS:
            local = start.astimezone(place)
            months = local.year * 12 + local.month - 1 + amount * _MONTHS[unit]
            year, month = divmod(months, 12)
            day = min(local.day, calendar.monthrange(year, month + 1)[1])
            return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)
        if unit in {"week", "day"}:  # as long as the zone's days are
            return (start.astimezone(place) + amount * _FIXED[unit]).astimezone(UTC)
        return start + amount * _FIXED[unit]
    except (OverflowError, ValueError):
        raise QueryError(5166406, "dateAdd overflowed") from None


def _add(sign: int, name: str) -> NamedFunction:
    def apply(startDate: Any, unit: Any, amount: Any, timezone: Any = MISSING) -> datetime:
        steps = whole(name, "amount", amount)
        return shifted(moment(startDate), unit_of(name, unit), sign * steps, zone(timezone))

    return NamedFunction(
        apply=apply,
        required=("startDate", "unit", "amount"),
        optional=("timezone",),
        nulls=("startDate", "unit", "amount", "timezone"),
    )


def truncated(
    when: datetime, unit: str, size: int = 1, place: tzinfo = UTC, first_day: str = "sunday"
) -> datetime:
    """The beginning of the bin that holds a date; bins are counted from 2000-01-01 on."""
    local = when.astimezone(place)
    if unit in _MONTHS:
        span = size * _MONTHS[unit]
        months = (local.year - 2000) * 12 + local.month - 1
        year, month = divmod(2000 * 12 + months // span * span, 12)
        return datetime(year, month + 1, 1, tzinfo=place).astimezone(UTC)
    if unit in {"week", "day"}:
        start = date(2000, 1, 1)
        if unit == "week":  # the first such weekday of 2000
            start += timedelta(days=(_WEEKDAYS.index(first_day) - start.weekday()) % 7)
            size *= 7
        days = (local.date() - start).days // size * size
        first = start + timedelta(days=days)
        return datetime(first.year, first.month, first.day, tzinfo=place).astimezone(UTC)
    start_of_bins = datetime(2000, 1, 1, tzinfo=place).astimezone(UTC)
    span_of_bin = size * _FIXED[unit]
    return start_of_bins + (when - start_of_bins) // span_of_bin * span_of_bin


def _weekday(name: str, value: Any) -> str:
    if value is MISSING:
        return "sunday"
    text = value.lower() if isinstance(value, str) else ""
    for day in _WEEKDAYS:
        if text in {day, day[:3]}:
            return day
    raise unparsable(
        f"{name} parameter 'startOfWeek' value cannot be recognized as a day of a week: {value}"
    )


def _truncate(
    date: Any,
    unit: Any,
    binSize: Any = 1,
    timezone: Any = MISSING,
    startOfWeek: Any = MISSING,
) -> datetime:
    size = whole("$dateTrunc", "binSize", binSize)
    if size <= 0:
        raise QueryError(5439018, "$dateTrunc requires 'binSize' to be greater than 0")
    first = _weekday("$dateTrunc", startOfWeek)
    return truncated(moment(date), unit_of("$dateTrunc", unit), size, zone(timezone), first)


def _difference(
    startDate: Any,
    endDate: Any,
    unit: Any,
    timezone: Any = MISSING,
    startOfWeek: Any = MISSING,
) -> int:
    """How many boundaries of the unit lie between two dates."""
    place = zone(timezone)
    start, end = moment(startDate).astimezone(place), moment(endDate).astimezone(place)
    name = unit_of("$dateDiff", unit)
    if name in _MONTHS:
        span = _MONTHS[name]
        return (end.year * 12 + end.month - 1) // span - (start.year * 12 + start.month - 1) // span
    if name in {"week", "day"}:
        first = _WEEKDAYS.index(_weekday("$dateDiff", startOfWeek)) if name == "week" else 0
        one, other = (each.date().toordinal() - 1 - first for each in (start, end))
        span = 7 if name == "week" else 1
        return other // span - one // span
    step = _FIXED[name]
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    return (end.astimezone(UTC) - zero) // step - (start.astimezone(UTC) - zero) // step


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


def _part(compiler: Any, operands: Any, name: str) -> Any:
    """A part of a date, which is an expression or `{date:, timezone:}`."""
    part = _PARTS[name]
    if isinstance(operands, list):
        if len(operands) != 1:
            raise QueryError(
                16020, f"{name} accepts exactly one argument if given an array, got {len(operands)}"
            )
        (operands,) = operands
    if isinstance(operands, dict) and "date" in operands:
        parts = compiler.named(name, operands, ("date",), ("timezone",))
        of, place = parts["date"], parts.get("timezone")
    else:
        of, place = compiler.expression(operands), None

    def evaluate(scope: Any) -> Any:
        when = of(scope)
        where = place(scope) if place else MISSING
        if when is None or when is MISSING or (place and (where is None or where is MISSING)):
            return None
        return part(moment(when).astimezone(zone(where)))

    return evaluate


def _to_parts(date: Any, timezone: Any = MISSING, iso8601: Any = False) -> dict[str, int]:  # noqa: FBT002
    local = moment(date).astimezone(zone(timezone))
    clock = {
        "hour": local.hour,
        "minute": local.minute,
        "second": local.second,
        "millisecond": local.microsecond // 1000,
    }
    if iso8601 is True:
        year, week, day = local.isocalendar()
        return {"isoWeekYear": year, "isoWeek": week, "isoDayOfWeek": day, **clock}
    return {"year": local.year, "month": local.month, "day": local.day, **clock}


def _from_parts(timezone: Any = MISSING, **parts: Any) -> datetime:
    place = zone(timezone)
    numbers = {name: whole("$dateFromParts", name, value) for name, value in parts.items()}
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


# Text ---------------------------------------------------------------------------------------


def _offset_minutes(local: datetime) -> int:
    return int((local.utcoffset() or timedelta()).total_seconds()) // 60


def _offset_text(local: datetime) -> str:
    minutes = _offset_minutes(local)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


_DIRECTIVES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda local: f"{local.year:04d}",
    "m": lambda local: f"{local.month:02d}",
    "d": lambda local: f"{local.day:02d}",
    "H": lambda local: f"{local.hour:02d}",
    "M": lambda local: f"{local.minute:02d}",
    "S": lambda local: f"{local.second:02d}",
    "L": lambda local: f"{local.microsecond // 1000:03d}",
    "j": lambda local: f"{local.timetuple().tm_yday:03d}",
    "w": lambda local: str(local.isoweekday() % 7 + 1),
    "u": lambda local: str(local.isoweekday()),
    "U": lambda local: local.strftime("%U"),
    "V": lambda local: f"{local.isocalendar()[1]:02d}",
    "G": lambda local: f"{local.isocalendar()[0]:04d}",
    "b": lambda local: calendar.month_abbr[local.month],
    "B": lambda local: calendar.month_name[local.month],
    "z": _offset_text,
    "Z": lambda local: str(_offset_minutes(local)),
    "%": lambda _: "%",
}


def formatted(when: datetime, form: str, place: tzinfo) -> str:
    """A date as text.

    Raises:
        QueryError: The format has a directive that does not exist.
    """
    local = when.astimezone(place)
    pieces = form.split("%")
    text = [pieces[0]]
    index = 1
    while index < len(pieces):
        piece = pieces[index]
        if not piece:  # two percent signs
            text.append("%" + (pieces[index + 1] if index + 1 < len(pieces) else ""))
            if index + 1 == len(pieces):
                raise QueryError(18535, "Unmatched '%' at end of format string")
            index += 2
            continue
        if piece[0] not in _DIRECTIVES:
            raise QueryError(18536, f"Invalid format character '%{piece[0]}' in format string")
        text.append(_DIRECTIVES[piece[0]](local) + piece[1:])
        index += 1
    return "".join(text)


def _to_string(
    date: Any = MISSING,
    format: Any = MISSING,
    timezone: Any = MISSING,
    onNull: Any = None,
) -> Any:
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


_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d\d:?\d\d|UTC)?"
)
_PATTERNS = {
    "Y": r"(?P<Y>\d{4})", "m": r"(?P<m>\d\d?)", "d": r"(?P<d>\d\d?)", "H": r"(?P<H>\d\d?)",
    "M": r"(?P<M>\d\d?)", "S": r"(?P<S>\d\d?)", "L": r"(?P<L>\d{1,3})",
    "z": r"(?P<z>[+-]\d\d:?\d\d|Z)", "Z": r"(?P<Z>[+-]\d+)", "j": r"(?P<j>\d{1,3})",
    "b": r"(?P<b>[A-Za-z]{3})", "B": r"(?P<B>[A-Za-z]+)", "G": r"(?P<G>\d{4})",
    "V": r"(?P<V>\d\d?)", "u": r"(?P<u>\d)", "%": "%",
}  # fmt: skip


def parsed(text: Any, form: str | None, place: tzinfo) -> datetime:
    """A date from text.

    Raises:
        QueryError: It has another form.
    """
    if not isinstance(text, str):
        raise QueryError(241, f"a date is parsed from a string, found: {type_name(text)}")
    try:
        return _iso(text, place) if form is None else _by_format(text, form, place)
    except (OverflowError, ValueError):
        raise QueryError(241, f"Error parsing date string {text!r}") from None


def _iso(text: str, place: tzinfo) -> datetime:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micros = int((match[7] or "0").ljust(9, "0")[:6])
    where = place if match[8] is None else zone("UTC" if match[8] in {"Z", "UTC"} else match[8])
    return datetime(year, month, day, hour, minute, second, micros, tzinfo=where).astimezone(UTC)


def _by_format(text: str, form: str, place: tzinfo) -> datetime:
    pattern = re.sub(
        r"%(.)", lambda piece: _PATTERNS.get(piece[1], "\0"), re.escape(form).replace("\\%", "%")
    )
    if "\0" in pattern:
        raise QueryError(18536, "Invalid format character in format string")
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError(text)
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "z" in found:
        place = zone("UTC" if found["z"] == "Z" else found["z"])
    if "G" in found:
        day = date.fromisocalendar(int(found["G"]), int(found.get("V", 1)), int(found.get("u", 1)))
    elif "j" in found:
        day = date(int(found["Y"]), 1, 1) + timedelta(days=int(found["j"]) - 1)
    else:
        day = date(int(found.get("Y", 1970)), _month(found), int(found.get("d", 1)))
    millis = int(found.get("L", "0").ljust(3, "0"))
    hour, minute, second = (int(found.get(name, 0)) for name in "HMS")
    local = datetime(
        day.year, day.month, day.day, hour, minute, second, millis * 1000, tzinfo=place
    )
    return local.astimezone(UTC)


def _month(found: dict[str, str]) -> int:
    if "b" in found:
        return [name.lower() for name in calendar.month_abbr].index(found["b"].lower())
    if "B" in found:
        return [name.lower() for name in calendar.month_name].index(found["B"].lower())
    return int(found.get("m", 1))


def _from_string(
    *,
    dateString: Any = MISSING,
    format: Any = None,
    timezone: Any = MISSING,
    onError: Any = MISSING,
    onNull: Any = None,
) -> Any:
    if dateString is None or dateString is MISSING:
        return onNull
    try:
        return parsed(dateString, format, zone(timezone))
    except QueryError as error:
        if onError is MISSING or error.code != 241:
            raise
        return onError


def date_of(value: Any) -> datetime:
    """A value converted to a date, as `$toDate` does.

    Raises:
        QueryError: It can't be.
    """
    if isinstance(value, str):
        return parsed(value, None, UTC)
    if type(value) is not bool and is_number(value):
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(number(value)))
        except (OverflowError, ValueError):
            raise QueryError(241, f"no date is {value} milliseconds after 1970") from None
    if isinstance(value, (datetime, ObjectId, Timestamp)):
        return moment(value)
    raise QueryError(241, f"Unsupported conversion from {type_name(value)} to date in $convert")


SPECIAL = {
    name: lambda compiler, operands, name=name: _part(compiler, operands, name) for name in _PARTS
}
NAMED = {
    "$dateAdd": _add(1, "$dateAdd"),
    "$dateSubtract": _add(-1, "$dateSubtract"),
    "$dateTrunc": NamedFunction(
        apply=_truncate,
        required=("date", "unit"),
        optional=("binSize", "timezone", "startOfWeek"),
        nulls=("date", "unit", "binSize", "timezone", "startOfWeek"),
    ),
    "$dateDiff": NamedFunction(
        apply=_difference,
        required=("startDate", "endDate", "unit"),
        optional=("timezone", "startOfWeek"),
        nulls=("startDate", "endDate", "unit", "timezone", "startOfWeek"),
    ),
    "$dateToParts": NamedFunction(
        apply=_to_parts,
        required=("date",),
        optional=("timezone", "iso8601"),
        nulls=("date", "timezone"),
    ),
    "$dateFromParts": NamedFunction(
        apply=_from_parts,
        required=(),
        optional=(
            "year", "month", "day", "isoWeekYear", "isoWeek", "isoDayOfWeek", "hour", "minute",
            "second", "millisecond", "timezone",
        ),
        nulls=(
            "year", "month", "day", "isoWeekYear", "isoWeek", "isoDayOfWeek", "hour", "minute",
            "second", "millisecond", "timezone",
        ),
    ),
    "$dateToString": NamedFunction(
        apply=_to_string, required=("date",), optional=("format", "timezone", "onNull")
    ),
    "$dateFromString": NamedFunction(
        apply=_from_string,
        required=("dateString",),
        optional=("format", "timezone", "onError", "onNull"),
        nulls=("timezone",),
    ),
}  # fmt: skip
