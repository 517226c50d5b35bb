"""Calendar arithmetic: dates, time zones and units of time."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from bson import ObjectId, Timestamp

from fakeviam.query.errors import QueryError, unparsable
from fakeviam.query.values import MISSING, as_long, as_utc, type_name

UTC = timezone.utc
#: Units of a fixed length, except on days when daylight saving time begins or ends.
FIXED_UNITS = {
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


def moment(value: object, code: int = 16006) -> datetime:
    """Convert an operand to a date in UTC.

    Raises:
        QueryError: It is invalid.
    """
    if isinstance(value, datetime):
        return as_utc(value)
    if isinstance(value, ObjectId):
        return value.generation_time
    if isinstance(value, Timestamp):
        return value.as_datetime()
    raise QueryError(code, f"can't convert from BSON type {type_name(value)} to Date")


def zone(name: object) -> tzinfo:
    """Look up a time zone by its Olson name or UTC offset.

    Raises:
        QueryError: It does not exist.
    """
    if name is MISSING:
        return UTC
    if not isinstance(name, str):
        text = f"timezone must evaluate to a string, found {type_name(name)}"
        raise QueryError(40517, text)
    if name in {"UTC", "GMT", "Z"}:
        return UTC
    offset = _OFFSET.fullmatch(name)
    try:
        if not offset:
            return ZoneInfo(name)
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
    except (KeyError, ValueError, OSError):
        raise QueryError(40485, f'unrecognized time zone identifier: "{name}"') from None


def unit_of(name: str, unit: object) -> str:
    """Validate a unit of time.

    Raises:
        QueryError: It does not exist.
    """
    if not isinstance(unit, str):
        raise QueryError(5439013, f"{name} requires 'unit' to be a string, got {type_name(unit)}")
    if unit not in FIXED_UNITS and unit not in _MONTHS:
        raise unparsable(
            f"parameter 'unit' value cannot be recognized as a time unit: {unit} ({name})"
        )
    return unit


def whole(name: str, what: str, value: object, code: int) -> int:
    """Convert an operand to an integer.

    Raises:
        QueryError: It is invalid.
    """
    exact = as_long(value)
    if exact is None:
        raise QueryError(code, f"{name} expects integer {what}, got {value!r}")
    return exact


def shifted(start: datetime, unit: str, amount: int, place: tzinfo = UTC) -> datetime:
    """A date plus an amount of a unit, in a zone's calendar; months are clamped to their last day.

    Raises:
        QueryError: The date does not exist.
    """
    try:
        if unit in _MONTHS:
            local = start.astimezone(place)
            months = local.year * 12 + local.month - 1 + amount * _MONTHS[unit]
            year, month = divmod(months, 12)
            day = min(local.day, calendar.monthrange(year, month + 1)[1])
            return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)
        if unit in {"week", "day"}:  # with daylight saving time, days have 23 to 25 hours
            return (start.astimezone(place) + amount * FIXED_UNITS[unit]).astimezone(UTC)
        return start + amount * FIXED_UNITS[unit]
    except (OverflowError, ValueError):
        raise QueryError(5166406, "dateAdd overflowed") from None


def truncated(
    when: datetime, unit: str, size: int = 1, place: tzinfo = UTC, first_day: str = "sunday"
) -> datetime:
    """The start of the bin that contains a date; bins are counted from 2000-01-01."""
    local = when.astimezone(place)
    if unit in _MONTHS:
        span = size * _MONTHS[unit]
        months = (local.year - 2000) * 12 + local.month - 1
        year, month = divmod(2000 * 12 + months // span * span, 12)
        return datetime(year, month + 1, 1, tzinfo=place).astimezone(UTC)
    if unit in {"week", "day"}:
        start = date(2000, 1, 1)
        if unit == "week":  # bins of weeks start with the first such weekday of 2000
            start += timedelta(days=(_WEEKDAYS.index(first_day) - start.weekday()) % 7)
            size *= 7
        days = (local.date() - start).days // size * size
        first = start + timedelta(days=days)
        return datetime(first.year, first.month, first.day, tzinfo=place).astimezone(UTC)
    start_of_bins = datetime(2000, 1, 1, tzinfo=place).astimezone(UTC)
    span_of_bin = size * FIXED_UNITS[unit]
    return start_of_bins + (when - start_of_bins) // span_of_bin * span_of_bin


def weekday(name: str, value: object) -> str:
    """Validate a day of the week; the default is Sunday.

    Raises:
        QueryError: It does not exist.
    """
    if value is MISSING:
        return "sunday"
    text = value.lower() if isinstance(value, str) else ""
    for day in _WEEKDAYS:
        if text in {day, day[:3]}:
            return day
    raise unparsable(
        f"{name} parameter 'startOfWeek' value cannot be recognized as a day of a week: {value}"
    )


def difference(
    start: datetime, end: datetime, unit: str, place: tzinfo = UTC, first_day: str = "sunday"
) -> int:
    """The number of unit boundaries between two dates, which is what MongoDB counts."""
    start, end = start.astimezone(place), end.astimezone(place)
    if unit in _MONTHS:
        span = _MONTHS[unit]
        return (end.year * 12 + end.month - 1) // span - (start.year * 12 + start.month - 1) // span
    if unit in {"week", "day"}:
        first = _WEEKDAYS.index(first_day) if unit == "week" else 0
        one, other = (each.date().toordinal() - 1 - first for each in (start, end))
        span = 7 if unit == "week" else 1
        return other // span - one // span
    # Count boundaries in local time, so that an hour skipped or repeated by DST counts for nothing.
    step = FIXED_UNITS[unit]
    zero = datetime(1970, 1, 1)  # noqa: DTZ001 - local time
    set_by = (end.utcoffset() or timedelta()) - (start.utcoffset() or timedelta())
    since_zero = end.replace(tzinfo=None) - set_by - zero
    return since_zero // step - (start.replace(tzinfo=None) - zero) // step
