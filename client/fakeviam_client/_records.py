"""What downloads return."""

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
    """One reading and what is known about it (TD-3).

    Attributes:
        data: The reading: None, bool, float, str, list and dict.
        metadata: The source that captured it (`CaptureMetadata`).
        time_requested: When the robot asked for it; aware UTC.
        time_received: When the sensor answered; aware UTC.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        metadata: wire.CaptureMetadata,
        time_requested: datetime,
        time_received: datetime,
    ) -> None:
        """Put a reading together."""
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

    __hash__ = None  # type: ignore[assignment]  # the data can be changed


class BinaryData:
    """One file and what is known about it (BF-2, ID-3).

    Attributes:
        data: The file's bytes; empty if they were not asked for.
        metadata: `BinaryMetadata`: ids, times, tags, boxes, datasets.
    """

    def __init__(self, data: bytes, metadata: wire.BinaryMetadata) -> None:
        """Put a file together."""
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

    __hash__ = None  # type: ignore[assignment]  # the metadata can be changed


class Records(list[T]):
    """A list of records that also knows what the server said about it.

    Attributes:
        last: Continues after these records: pass it as `last` (PG-3). Empty if there are none, and
            if the server sent more than it was asked for, so that no token stands at their end.
        total: With `count_only` the server's count of all matches, else the length of the list.
        total_size_bytes: Likewise, in bytes: of files their contents, fetched or not; of readings
            the readings as they travel.
    """

    def __init__(
        self,
        records: Iterable[T] = (),
        *,
        last: str = "",
        total: int = 0,
        total_size_bytes: int = 0,
    ) -> None:
        """Make a list of `records`."""
        super().__init__(records)
        self.last = last
        self.total = total
        self.total_size_bytes = total_size_bytes


def moment_of(stamp: Timestamp) -> datetime:
    """A Timestamp as an aware UTC datetime; beyond microseconds it is rounded down (TM-1)."""
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def name_of(metadata: wire.BinaryMetadata) -> str:
    """A file's name with its extension: viam-server sends names that have it already (UP-13)."""
    return f"{metadata.file_name.removesuffix(metadata.file_ext)}{metadata.file_ext}"


# A part of a message keeps the whole message in memory. So what records hold is copied: a file's
# metadata alone, or one reading, must not keep a page full of bytes alive.


def readings_of(reply: wire.TabularDataByFilterResponse) -> tuple[list[TabularData], int]:
    """The readings of one reply and their bytes; those of one source share its metadata (TD-2)."""
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
    """The files of one reply and their bytes, whether they came along or not."""
    files = [BinaryData(entry.binary, _copy(entry.metadata)) for entry in reply.data]
    return files, sum(file.metadata.file_size_bytes for file in files)


def _copy(message: M) -> M:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
