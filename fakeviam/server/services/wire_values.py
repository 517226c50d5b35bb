"""Converts single values of requests: times, tags, ids of binary data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.ids import BinaryKey
from fakeviam.model.names import check_tags
from fakeviam.wire.times import nanos_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.wire import data
    from fakeviam.wire.well_known import Timestamp


def time_from(timestamp: Timestamp, field: str) -> int:
    """The nanoseconds of a Timestamp.

    Raises:
        InvalidArgumentError: It is outside the years 1 to 9999 (TM-3).
    """
    try:
        return nanos_from(timestamp)
    except ValueError as error:
        raise InvalidArgumentError(f"{field}: {error}", clause="TM-3") from error


def tags_argument(tags: Iterable[str], *, clause: str) -> tuple[str, ...]:
    """The distinct tags of a request, in order; at least one is required (TA-2, TA-4, TA-5)."""
    unique = tuple(dict.fromkeys(tags))
    if not unique:
        raise InvalidArgumentError("tags must not be empty", clause=clause)
    check_tags(unique)
    return unique


def binary_key(message: data.BinaryID) -> BinaryKey:
    """The key in a BinaryID."""
    return BinaryKey(message.organization_id, message.location_id, message.file_id)
