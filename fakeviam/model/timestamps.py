"""Parses times: ISO 8601 text, common formats, and numbers since 1970."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from types import MappingProxyType

from fakeviam.model.clock import FIRST, LAST, SECOND, nanos_of

# The fraction is separate: a datetime has microseconds, the API has nanoseconds (TM-1).
_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:\.(?P<fraction>\d{1,9})\d*)?)?"
    r"[ ]?(?P<zone>[Zz]|[-+]\d{2}(?::?\d{2})?)?"
)

# Formats of other programs: ISO 8601's basic form and its comma, slashes, and Go's ` UTC`.
_COMMON = re.compile(
    r"(?P<year>\d{4})(?P<dash>[-/]?)(?P<month>\d{2})(?P=dash)(?P<day>\d{2})"
    r"(?:[Tt ](?P<hour>\d{2})(?P<colon>:?)(?P<minute>\d{2})"
    r"(?:(?P=colon)(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<zone>[ ]?(?:[Zz]|[-+]\d{2}(?::?\d{2})?))?(?P<utc>[ ](?:UTC|GMT))?"
)

#: Nanoseconds per unit of a numeric time.
UNITS = MappingProxyType({"s": SECOND, "ms": SECOND // 10**3, "us": SECOND // 10**6, "ns": 1})


def nanos_from_text(text: str) -> int | None:
    """Nanoseconds since the epoch; without an offset it is UTC. None if the text is no time."""
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    zone = match["zone"] or ""
    offset = "+00:00" if zone in ("", "Z", "z") else _full(zone)
    try:
        whole = nanos_of(
            datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}{offset}")
        )
    except (ValueError, OverflowError):
        return None
    return _inside(whole + int((match["fraction"] or "").ljust(9, "0")))


def nanos_from_common_text(text: str) -> int | None:
    """Like `nanos_from_text`, for the formats of spreadsheets, logs and other programs.

    2026/01/31, 20260131T120000Z, 12:00:00,5 and a trailing ` UTC`; the year comes first. Digits
    alone are not accepted, since they may count seconds.
    """
    match = _COMMON.fullmatch(text.strip())
    if match is None or (match["hour"] is None and not match["dash"]):
        return None
    zone = (match["zone"] or "").strip()
    if match["utc"] and zone.strip("-+0:Zz"):  # a contradictory time zone
        return None
    time = f"{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}"
    fraction = f".{match['fraction']}" if match["fraction"] else ""
    date = f"{match['year']}-{match['month']}-{match['day']}"
    return nanos_from_text(f"{date}T{time}{fraction}{zone}")


def nanos_from_format(text: str, form: str) -> int | None:
    """Like `nanos_from_text`, for a format of `datetime.strptime`."""
    try:
        time = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the next line adds the zone
        return _inside(nanos_of(time if time.tzinfo else time.replace(tzinfo=timezone.utc)))
    except (ValueError, OverflowError, re.error):  # re.error: the format repeats a field
        return None


def nanos_from_number(text: str, unit: str) -> int | None:
    """Nanoseconds since the epoch of a number of units, exactly; None if it is not a number."""
    match = re.fullmatch(r"(-?)(\d{1,20})(?:\.(\d{1,20}))?", text.strip())
    if match is None:
        return None
    sign, whole, fraction = match.groups(default="")
    scale = 10 ** len(fraction)
    nanos = (int(whole) * scale + int(fraction or 0)) * UNITS[unit] // scale
    return _inside(-nanos if sign else nanos)


def _full(zone: str) -> str:
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def _inside(nanos: int) -> int | None:
    return nanos if FIRST <= nanos <= LAST else None
