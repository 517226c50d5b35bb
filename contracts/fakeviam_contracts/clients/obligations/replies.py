"""Replies of the scripted server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

#: 2024-01-01T00:00:00Z in ns, and the same with a fraction.
BASE = 1_704_067_200 * 1_000_000_000
FRACTION = 123_456_000


def readings(
    *numbers: int, last: str = "", component: str = "thermometer"
) -> data.TabularDataByFilterResponse:
    """A page of readings {"n": number}; the end of the list without numbers."""
    return data.TabularDataByFilterResponse(
        metadata=[data.CaptureMetadata(component_name=component)] if numbers else [],
        data=[
            data.TabularData(
                data=struct_from({"n": number}),
                metadata_index=0,
                time_requested=timestamp_from(BASE + FRACTION),
                time_received=timestamp_from(BASE + FRACTION + 1_000_000),
            )
            for number in numbers
        ],
        count=len(numbers),
        last=last,
    )


def numbers_of(result: dict[str, Any]) -> list[Any]:
    """The numbers in the readings that a client returned."""
    return [record["data"].get("n") for record in result["records"]]


def file(
    number: int,
    *,
    contents: bytes | None = None,
    name: str = "",
    capture: data.CaptureMetadata | None = None,
) -> data.BinaryData:
    """A file."""
    return data.BinaryData(
        binary=b"bytes of %d" % number if contents is None else contents,
        metadata=data.BinaryMetadata(
            id=f"f{number}",
            binary_data_id=f"o/l/f{number}",
            file_name=name,
            time_requested=timestamp_from(BASE),
            time_received=timestamp_from(BASE),
            capture_metadata=capture or data.CaptureMetadata(organization_id="o", location_id="l"),
        ),
    )


def files(*numbers: int, last: str = "") -> data.BinaryDataByFilterResponse:
    """A page of files with their bytes; the end of the list without numbers."""
    return data.BinaryDataByFilterResponse(
        data=[file(number, name=f"file {number}") for number in numbers],
        count=len(numbers),
        last=last,
    )


def shelf(
    total: int | None, *, most: int = 1000, of: Callable[..., Message] = files
) -> Callable[[Any], Message]:
    """A number of files, or endless ones, in the requested pages of at most `most` files.

    With `of=readings` it holds readings instead.
    """

    def page(request: Any) -> Message:
        start = int(request.data_request.last or 0)
        end = start + min(request.data_request.limit or 50, most)
        numbers = range(start, end if total is None else min(end, total))
        return of(*numbers, last=str(start + len(numbers)) if numbers else "")

    return page


def ids_of(result: dict[str, Any]) -> list[str]:
    """The string ids of the files that a client returned."""
    return [record["id"] for record in result["records"]]


def ids(*numbers: int) -> list[str]:
    """The string ids of files."""
    return [f"o/l/f{number}" for number in numbers]
