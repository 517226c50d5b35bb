"""Formats and parses dates."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from fakeviam.query.calendars import UTC, zone
from fakeviam.query.errors import QueryError
from fakeviam.query.values import MISSING, type_name

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """Format a date.

    Raises:
        QueryError: The format contains an unknown directive.
    """
    local = when.astimezone(place)
    pieces = form.split("%")
    text = [pieces[0]]
    index = 1
    while index < len(pieces):
        piece = pieces[index]
        if not piece:  # `%%`
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


_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d\d:?\d\d|UTC)?"
)


_PATTERNS = {
    "Y": r"\d{4}", "m": r"\d\d?", "d": r"\d\d?", "H": r"\d\d?", "M": r"\d\d?", "S": r"\d\d?",
    "L": r"\d{1,3}", "z": r"[+-]\d\d:?\d\d|Z", "Z": r"[+-]\d+", "j": r"\d{1,3}",
    "b": "[A-Za-z]{3}", "B": "[A-Za-z]+", "G": r"\d{4}", "V": r"\d\d?", "u": r"\d",
}  # fmt: skip


def parsed(text: object, form: Any, place: tzinfo, *, has_zone: bool = False) -> datetime:
    """Parse a date.

    Args:
        text: The text.
        form: The format; MISSING is ISO 8601.
        place: The default time zone.
        has_zone: Whether a zone was passed as an operand, so that the text must not contain one.

    Raises:
        QueryError: The text does not match the format.
    """
    if not isinstance(text, str):
        raise QueryError(241, f"a date is parsed from a string, found: {type_name(text)}")
    try:
        parts = _iso_parts(text) if form is MISSING else _parts_by_format(text, form)
        if has_zone and parts.keys() & {"z", "Z"}:
            also = "you cannot pass in a date/time string with time zone information (%r) together"
            raise QueryError(241, f"{also % text} with a timezone argument")
        return _assembled(parts, place)
    except (OverflowError, ValueError):
        raise QueryError(241, f"Error parsing date string {text!r}") from None


def _iso_parts(text: str) -> dict[str, str]:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return {name: part for name, part in zip("YmdHMSLz", match.groups(), strict=True) if part}


def _parts_by_format(text: str, form: str) -> dict[str, str]:
    """The parts of a text that match a format; the last one wins if a directive is repeated."""
    names = [piece[1] for piece in re.finditer("%(.)", form, re.DOTALL) if piece[1] != "%"]
    if not _PATTERNS.keys() >= set(names):
        raise QueryError(18536, "Invalid format character in format string")
    literals = map(re.escape, re.split("%[^%]", form.replace("%%", "\0")))
    pieces = [f"({_PATTERNS[name]})" for name in names]
    joined = "".join(chain.from_iterable(zip_longest(literals, pieces, fillvalue="")))
    match = re.fullmatch(joined.replace("\0", "%"), text)
    if match is None:
        raise ValueError(text)
    return dict(zip(names, match.groups(), strict=True))


def _assembled(parts: dict[str, str], place: tzinfo) -> datetime:
    if "z" in parts:
        place = zone("UTC" if parts["z"] in {"Z", "UTC"} else parts["z"])
    if "Z" in parts:
        place = timezone(timedelta(minutes=int(parts["Z"])))
    if "G" in parts:
        day = date.fromisocalendar(int(parts["G"]), int(parts.get("V", 1)), int(parts.get("u", 1)))
    elif "j" in parts:
        day = date(int(parts["Y"]), 1, 1) + timedelta(days=int(parts["j"]) - 1)
    else:
        day = date(int(parts.get("Y", 1970)), _month(parts), int(parts.get("d", 1)))
    millis = int(parts.get("L", "0").ljust(3, "0")[:3])
    hour, minute, second = (int(parts.get(name, 0)) for name in "HMS")
    local = datetime(
        day.year, day.month, day.day, hour, minute, second, millis * 1000, tzinfo=place
    )
    return local.astimezone(UTC)


def _month(parts: dict[str, str]) -> int:
    if "b" in parts:
        return [name.lower() for name in calendar.month_abbr].index(parts["b"].lower())
    if "B" in parts:
        return [name.lower() for name in calendar.month_name].index(parts["B"].lower())
    return int(parts.get("m", 1))
