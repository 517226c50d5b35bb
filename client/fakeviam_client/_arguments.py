"""Checks of arguments, before anything is sent.

A wrong type raises TypeError naming the parameter; nothing is guessed or converted silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from fakeviam.wire import adopt, data, dataset, well_known
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam.wire.well_known import Timestamp

M = TypeVar("M", bound="Message")


class OneId(TypedDict):
    """The two fields for one id of binary data (ID-1)."""

    binary_id: data.BinaryID | None
    binary_data_id: str


class ManyIds(TypedDict):
    """The two fields for ids of binary data (ID-1)."""

    binary_ids: list[data.BinaryID]
    binary_data_ids: list[str]


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def wrong(name: str, expected: str, value: object) -> TypeError:
    """The error for a value of the wrong type."""
    return TypeError(f"{name} must be {expected}, got {type(value).__name__}: {value!r:.80}")


# Texts ------------------------------------------------------------------------------------


def text(name: str, value: object) -> str:
    """A string.

    Raises:
        TypeError: It is invalid.
        ValueError: It cannot be encoded, as the name of a file with strange bytes.
    """
    if not isinstance(value, str):
        raise wrong(name, "a string", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} cannot be encoded as UTF-8: {value!r:.80}") from None
    return value


def optional_text(name: str, value: object) -> str:
    """A string, or None for the empty one."""
    return "" if value is None else text(name, value)


def texts(name: str, value: object) -> list[str]:
    """A list of strings, or another iterable of them, but not a single string."""
    return [text(f"{name}[{at}]", item) for at, item in _entries(name, "strings", value)]


def optional_texts(name: str, value: object) -> list[str]:
    """A list of strings, or None for the empty one."""
    return [] if value is None else texts(name, value)


def metadata(value: object) -> dict[str, str]:
    """Metadata to send with every call; None is no metadata."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong("metadata", "a mapping of strings", value)
    return {text("metadata", key): text(f"metadata[{key!r}]", it) for key, it in value.items()}


def secret(name: str, value: object) -> str:
    """A string whose value must not appear in errors."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    return value


def _entries(name: str, what: str, value: object) -> Iterable[tuple[int, Any]]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong(name, f"a list of {what}", value)
    return enumerate(value)


# Numbers ----------------------------------------------------------------------------------


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(name, "True or False", value)
    return value


def whole(name: str, value: object, *, bits: int = 64) -> int:
    """A non-negative whole number.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is negative, or has too many bits.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise wrong(name, "a whole number", value)
    number = int(value)
    if number < 0:
        raise ValueError(f"{name} must not be negative, got {number}")
    if number >> bits:
        raise ValueError(f"{name} must be less than 2**{bits}, got {number}")
    return number


def optional_whole(name: str, value: object) -> int | None:
    """A non-negative whole number, or None."""
    return None if value is None else whole(name, value)


def number(name: str, value: object) -> float:
    """A number; the server checks its range (BX-2)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise wrong(name, "a number", value)
    return float(value)


def order(name: str, value: object) -> data.OrderValue:
    """A sort order; None leaves it to the server."""
    if value is None:
        return data.ORDER_UNSPECIFIED
    return data.OrderValue(choice(name, value, data.Order))


def dataset_type(name: str, value: object) -> dataset.DatasetTypeValue | None:
    """The type of a dataset; None leaves it to the server."""
    if value is None:
        return None
    return dataset.DatasetTypeValue(choice(name, value, dataset.DatasetType))


def data_source(name: str, value: object) -> data.TabularDataSourceTypeValue:
    """The source that a query reads."""
    return data.TabularDataSourceTypeValue(choice(name, value, data.TabularDataSourceType))


def choice(name: str, value: object, enum: Any) -> int:
    """A value of an enum.

    Raises:
        TypeError: It is not a whole number.
        ValueError: The enum has no such value.
    """
    number = whole(name, value)
    if number not in enum.values():
        raise ValueError(f"{name} must be one of {', '.join(enum.keys())}, got {number}")
    return number


# Bytes and times --------------------------------------------------------------------------


def payload(name: str, value: object) -> bytes | memoryview:
    """Bytes, or an object that supports the buffer protocol."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        view = memoryview(value)
        return view.cast("B") if view.c_contiguous else view.tobytes()
    raise wrong(name, "bytes", value)


def moment(name: str, value: object) -> Timestamp:
    """A datetime as a Timestamp; a naive one is UTC (TM-1).

    Raises:
        TypeError: It is not a datetime.
        ValueError: In UTC it is outside the years 1 to 9999.
    """
    if not isinstance(value, datetime):
        raise wrong(name, "a datetime", value)
    aware = value.replace(tzinfo=timezone.utc) if value.utcoffset() is None else value
    try:
        return timestamp_from((aware - _EPOCH) // _MICROSECOND * 1000)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def times(name: str, value: object) -> tuple[Timestamp, Timestamp]:
    """A pair of datetimes: requested, received."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise wrong(name, "a tuple of two datetimes (requested, received)", value)
    return moment(f"{name}[0]", value[0]), moment(f"{name}[1]", value[1])


def optional_times(name: str, value: object) -> tuple[Timestamp, Timestamp] | None:
    """A pair of datetimes, or None."""
    return None if value is None else times(name, value)


# Messages ---------------------------------------------------------------------------------


def message(name: str, cls: type[M], value: object) -> M:
    """A message of our descriptor pool, or of another pool with the same full name."""
    try:
        return adopt(cls, value)  # type: ignore[arg-type]  # adopt checks the type
    except TypeError as error:
        raise wrong(name, f"a {cls.DESCRIPTOR.full_name} message", value) from error


def stages(name: str, value: Any) -> list[bytes]:
    """The stages of a pipeline, as dictionaries or as BSON, in BSON.

    Raises:
        TypeError: It is not a list of these.
        ValueError: BSON cannot represent a value.
    """
    if isinstance(value, str | bytes | Mapping):
        raise wrong(name, "a list of stages", value)
    return [
        stage if isinstance(stage, bytes) else document(f"{name}[{place}]", stage)
        for place, stage in enumerate(value)
    ]


def document(name: str, value: object) -> bytes:
    """A dictionary in BSON.

    Raises:
        TypeError: It is invalid.
        ValueError: BSON cannot represent a value.
    """
    import bson  # noqa: PLC0415 - with the first query
    from bson.errors import BSONError  # noqa: PLC0415

    if not isinstance(value, Mapping):
        raise wrong(name, "a dictionary or BSON", value)
    try:
        return bson.encode(dict(value))
    except (BSONError, TypeError, OverflowError) as error:
        raise ValueError(f"{name} cannot be BSON: {error}") from None


def optional_filter(value: object, name: str = "filter") -> data.Filter:
    """A filter; None selects everything (FI-2)."""
    return data.Filter() if value is None else message(name, data.Filter, value)


def binary_id(value: object, name: str = "binary_id") -> OneId:
    """One id of binary data, in either form."""
    one = _binary_id(value, name)
    if isinstance(one, str):
        return {"binary_id": None, "binary_data_id": one}
    return {"binary_id": one, "binary_data_id": ""}


def binary_ids(value: object, name: str = "binary_ids") -> list[data.BinaryID | str]:
    """Ids of binary data, in either form (ID-1)."""
    items = _entries(name, "BinaryID messages or strings", value)
    return [_binary_id(item, f"{name}[{at}]") for at, item in items]


def apart(ids: list[data.BinaryID | str]) -> ManyIds:
    """Ids in the two fields of a request, one for each form."""
    return {
        "binary_ids": [one for one in ids if not isinstance(one, str)],
        "binary_data_ids": [one for one in ids if isinstance(one, str)],
    }


def _binary_id(value: object, name: str) -> data.BinaryID | str:
    if isinstance(value, str):
        return text(name, value)
    try:
        binary_id = message(name, data.BinaryID, value)
    except TypeError as error:
        raise wrong(name, "a BinaryID message or a string", value) from error
    return binary_id.file_id if _holds_whole_id(binary_id) else binary_id


def _holds_whole_id(binary_id: data.BinaryID) -> bool:
    """Whether the file id is a `binary_data_id`, which programs get from uploads (ID-2)."""
    parts = binary_id.file_id.split("/")
    return (
        len(parts) == 3
        and all(parts)
        and binary_id.organization_id in ("", parts[0])
        and binary_id.location_id in ("", parts[1])
    )


def reading(name: str, value: object) -> well_known.Struct:
    """A reading as a Struct.

    Raises:
        TypeError: It is not a mapping.
        ValueError: A value would not be returned unchanged; the message names the path.
    """
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping", value)
    try:
        return struct_from(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def parameters(name: str, value: object) -> dict[str, well_known.Any]:
    """`method_parameters` as messages: each value is packed like a Struct's value."""
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
