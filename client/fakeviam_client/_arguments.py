"""Checks of arguments, before anything is sent.

A wrong type raises TypeError naming the parameter; nothing is guessed or converted silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.wire import adopt, data, well_known
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def wrong(name: str, wanted: str, value: object) -> TypeError:
    """The error for a value of the wrong type."""
    return TypeError(f"{name} must be {wanted}, got {type(value).__name__}: {value!r:.80}")


def text(name: str, value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise wrong(name, "a string", value)
    return value


def optional_text(name: str, value: object) -> str:
    """A string, or None for the empty one."""
    return "" if value is None else text(name, value)


def texts(name: str, value: object) -> list[str]:
    """A list of strings; one string is not a list of them. None is the empty list."""
    if value is None:
        return []
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise wrong(name, "a list of strings", value)
    return [text(f"{name}[{at}]", item) for at, item in enumerate(value)]


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(name, "True or False", value)
    return value


def whole(name: str, value: object) -> int:
    """A whole number that is not negative.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is negative.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(name, "a whole number", value)
    if value < 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return value


def number(name: str, value: object) -> float:
    """A number; its range is the server's to judge (BX-2)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(name, "a number", value)
    return float(value)


def payload(name: str, value: object) -> bytes | memoryview:
    """Bytes, or something that lends them without a copy."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        return memoryview(value).cast("B")
    raise wrong(name, "bytes", value)


def moment(name: str, value: object) -> well_known.Timestamp:
    """A datetime as a Timestamp; a naive one is taken as UTC (TM-1)."""
    if not isinstance(value, datetime):
        raise wrong(name, "a datetime", value)
    aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
    return timestamp_from((aware - _EPOCH) // _MICROSECOND * 1000)


def times(name: str, value: object) -> tuple[well_known.Timestamp, well_known.Timestamp] | None:
    """A pair of datetimes: requested, received."""
    if value is None:
        return None
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise wrong(name, "a tuple of two datetimes (requested, received)", value)
    return moment(f"{name}[0]", value[0]), moment(f"{name}[1]", value[1])


def message(name: str, cls: type[M], value: object) -> M:
    """A message of ours, or of any other descriptor pool with the same full name."""
    try:
        return adopt(cls, value)  # type: ignore[arg-type]  # it checks that itself
    except TypeError as error:
        raise wrong(name, f"a {cls.DESCRIPTOR.full_name} message", value) from error


def optional_filter(value: object, name: str = "filter") -> data.Filter:
    """A filter; None selects everything (FI-2)."""
    return data.Filter() if value is None else message(name, data.Filter, value)


def binary_ids(name: str, value: object) -> tuple[list[data.BinaryID], list[str]]:
    """Ids of binary data in either form, apart: BinaryID messages and strings (ID-1)."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise wrong(name, "a list of BinaryID messages or strings", value)
    messages: list[data.BinaryID] = []
    strings: list[str] = []
    for at, item in enumerate(value):
        if isinstance(item, str):
            strings.append(item)
        else:
            messages.append(message(f"{name}[{at}]", data.BinaryID, item))
    return messages, strings


def binary_id(value: object, name: str = "binary_id") -> tuple[data.BinaryID | None, str]:
    """One id of binary data in either form."""
    if isinstance(value, str):
        return None, value
    return message(name, data.BinaryID, value), ""


def reading(name: str, value: object) -> well_known.Struct:
    """A reading as a Struct.

    Raises:
        TypeError: It is no mapping.
        ValueError: Something in it would not come back equal; the text names the path.
    """
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping", value)
    try:
        return struct_from(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def parameters(name: str, value: object) -> dict[str, well_known.Any]:
    """`method_parameters` as messages: each value is packed as a Struct's value would be."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping", value)
    return {text(f"{name} key", key): _packed(name, key, item) for key, item in value.items()}


def _packed(name: str, key: str, item: Any) -> well_known.Any:
    packed = well_known.Any()
    if getattr(getattr(item, "DESCRIPTOR", None), "full_name", "") == packed.DESCRIPTOR.full_name:
        return adopt(well_known.Any, item)
    packed.Pack(reading(name, {key: item}).fields[key])
    return packed
