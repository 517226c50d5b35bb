"""The results of downloads."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.wire.values import mapping_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message

    from fakeviam.wire import data as wire
    from fakeviam.wire.well_known import Timestamp

T = TypeVar("T")
M = TypeVar("M", bound="Message")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class TabularData:
    """A reading and its metadata (TD-3).

    Attributes:
        data: The reading: None, bool, float, str, list and dict.
        metadata: The source that captured it (`CaptureMetadata`).
        time_requested: When the robot requested it, in UTC.
        time_received: When the sensor responded, in UTC.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        metadata: wire.CaptureMetadata,
        time_requested: datetime,
        time_received: datetime,
    ) -> None:
        """Create a reading."""
        self.data = data
        self.metadata = metadata
        self.time_requested = time_requested
        self.time_received = time_received

    def __str__(self) -> str:
        source = f"{self.metadata.component_name}.{self.metadata.method_name}".strip(".")
        return f"{self.time_requested.isoformat()} {source or 'reading'} {dict(self.data)}"

    def __repr__(self) -> str:
        return f"<TabularData {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TabularData):
            return NotImplemented
        return (
            self.data == other.data
            and self.metadata == other.metadata
            and self.time_requested == other.time_requested
            and self.time_received == other.time_received
        )

    __hash__ = None  # type: ignore[assignment]  # the data is mutable


class BinaryData:
    """A file and its metadata (BF-2, ID-3).

    Attributes:
        data: The file's bytes; empty if they were not requested.
        metadata: `BinaryMetadata`: ids, times, tags, boxes, datasets.
    """

    def __init__(self, data: bytes, metadata: wire.BinaryMetadata) -> None:
        """Create a file."""
        self.data = data
        self.metadata = metadata

    def __str__(self) -> str:
        metadata = self.metadata
        name = name_of(metadata) or "unnamed"
        kind = metadata.capture_metadata.mime_type or "unknown type"
        return f"{metadata.binary_data_id} {name} {kind} {metadata.file_size_bytes} bytes"

    def __repr__(self) -> str:
        return f"<BinaryData {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BinaryData):
            return NotImplemented
        return self.data == other.data and self.metadata == other.metadata

    __hash__ = None  # type: ignore[assignment]  # the metadata is mutable


class Records(list[T]):
    """A list of records, with the page token and counts from the server.

    Attributes:
        last: The page token after these records, for the parameter `last` (PG-3). Empty if there
            are none, or if the server sent more than requested, so that no token matches their end.
        total: With `count_only`, the server's count of all matches; otherwise the list's length.
        total_size_bytes: The same in bytes: for files the size of their contents, fetched or not,
            for readings their encoded size.
    """

    def __init__(
        self,
        records: Iterable[T] = (),
        *,
        last: str = "",
        total: int = 0,
        total_size_bytes: int = 0,
    ) -> None:
        """Create a list of `records`."""
        super().__init__(records)
        self.last = last
        self.total = total
        self.total_size_bytes = total_size_bytes


def moment_of(stamp: Timestamp) -> datetime:
    """A Timestamp as a UTC datetime; rounded down to microseconds (TM-1)."""
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def name_of(metadata: wire.BinaryMetadata) -> str:
    """A file's name with its extension, which viam-server may have included (UP-13)."""
    return f"{metadata.file_name.removesuffix(metadata.file_ext)}{metadata.file_ext}"


# A submessage keeps its whole message in memory. Records therefore hold copies: the metadata of a
# file, or one reading, must not keep a page full of bytes alive.


def readings_of(reply: wire.TabularDataByFilterResponse) -> tuple[list[TabularData], int]:
    """The readings of a reply, and their size; those of one source share its metadata (TD-2)."""
    sources = [_copy(metadata) for metadata in reply.metadata]
    readings = [
        TabularData(
            mapping_from(entry.data),
            sources[entry.metadata_index],
            moment_of(entry.time_requested),
            moment_of(entry.time_received),
        )
        for entry in reply.data
    ]
    return readings, sum(entry.data.ByteSize() for entry in reply.data)


def files_of(
    reply: wire.BinaryDataByFilterResponse | wire.BinaryDataByIDsResponse,
) -> tuple[list[BinaryData], int]:
    """The files of a reply, and their size, whether or not the bytes are included."""
    files = [BinaryData(entry.binary, _copy(entry.metadata)) for entry in reply.data]
    return files, sum(file.metadata.file_size_bytes for file in files)


def _copy(message: M) -> M:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
