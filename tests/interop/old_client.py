"""Clients that no package index offers any more, as far as what they put on the wire.

`Raw` sends any message to the RPC it belongs to. `OldClient` does what the methods of
viam-sdk 0.15.0 do, its page loops above all.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import pytest
from grpclib.client import StreamUnaryMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from fakeviam import wire
from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import mapping_from, struct_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message
    from grpclib.client import Channel
    from grpclib.const import Status

    from fakeviam import Part

    Reply = TypeVar("Reply", bound=Message)

METHODS = MappingProxyType({method.request: method for method in wire.methods()})

#: More calls than any loop here needs: a loop that does not end is a failure, not a hang.
MANY = 1000


@contextmanager
def refused(status: Status, text: str) -> Iterator[None]:
    """Expect that status, and that text within the message."""
    with pytest.raises(GRPCError) as caught:
        yield
    assert caught.value.status is status
    assert text in (caught.value.message or "")


class Raw:
    """Stubs for every RPC."""

    def __init__(self, channel: Channel, metadata: Mapping[str, str] | None = None) -> None:
        """Call over `channel`, with `metadata` as the headers of every call."""
        self.channel = channel
        self.metadata = dict(metadata or {})

    async def __call__(self, request: Message, reply: type[Reply]) -> Reply:
        """Send one message; the RPC is the one that takes it."""
        method = METHODS[type(request)]
        assert method.response is reply
        stub = UnaryUnaryMethod(self.channel, method.path, method.request, method.response)
        return await stub(request, metadata=self.metadata)

    async def stream(self, requests: Sequence[Message], reply: type[Reply]) -> Reply:
        """Send messages on one stream."""
        method = METHODS[type(requests[0])]
        assert method.response is reply
        stub = StreamUnaryMethod(self.channel, method.path, method.request, method.response)
        return await stub(requests, metadata=self.metadata)

    def bearing(self, token: str) -> Raw:
        """The same stubs with an access token."""
        return Raw(self.channel, {"authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class Reading:
    """What viam-sdk makes of one tabular record; times are nanoseconds."""

    values: Mapping[str, object]
    metadata: data.CaptureMetadata
    time_requested: int
    time_received: int


@dataclass
class OldClient:
    """The loops of viam-sdk 0.15.0.

    Attributes:
        requests: What was sent, in order.
        pages: How many records each reply held.
        lasts: The `last` of each reply.
    """

    raw: Raw
    requests: list[Message] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    lasts: list[str] = field(default_factory=list)

    async def tabular_data_by_filter(self, wanted: data.Filter | None = None) -> list[Reading]:
        wanted = wanted or data.Filter()
        readings: list[Reading] = []
        last = ""
        for _ in range(MANY):
            asked = data.DataRequest(filter=wanted, limit=100, last=last)
            request = data.TabularDataByFilterRequest(data_request=asked)
            reply = await self.raw(request, data.TabularDataByFilterResponse)
            self._note(request, len(reply.data), reply.last)
            if not reply.data:
                return readings
            readings += [_reading(entry, reply.metadata) for entry in reply.data]
            last = reply.last
        raise AssertionError(f"the loop did not end; its pages were {self.pages[:5]} …")

    async def binary_data_by_filter(
        self,
        wanted: data.Filter | None = None,
        *,
        include_file_data: bool = True,
        num_files: int | None = None,
    ) -> list[data.BinaryData]:
        wanted = wanted or data.Filter()
        # Not what its documentation says: 0 is no number here.
        number = num_files or (10 if include_file_data else 100)
        limit = 1 if include_file_data else 100
        files: list[data.BinaryData] = []
        last = ""
        for _ in range(MANY):
            asked = data.DataRequest(filter=wanted, limit=limit, last=last)
            request = data.BinaryDataByFilterRequest(data_request=asked)
            if include_file_data:
                request.include_binary = True
            reply = await self.raw(request, data.BinaryDataByFilterResponse)
            self._note(request, len(reply.data), reply.last)
            files += reply.data[: number - len(files)]
            if not reply.data or len(files) == number:
                return files
            last = reply.last
        raise AssertionError(f"the loop did not end; its pages were {self.pages[:5]} …")

    def _note(self, request: Message, records: int, last: str) -> None:
        self.requests.append(request)
        self.pages.append(records)
        self.lasts.append(last)


def _reading(entry: data.TabularData, metadata: Sequence[data.CaptureMetadata]) -> Reading:
    return Reading(
        mapping_from(entry.data),
        metadata[entry.metadata_index],  # outside the list, 0.15.0 raises IndexError
        entry.time_requested.ToNanoseconds(),
        entry.time_received.ToNanoseconds(),
    )


async def store_readings(
    raw: Raw, part: Part, readings: Iterable[tuple[Mapping[str, object], int]], **more: str
) -> str:
    """Upload readings with their times as `tabular_data_capture_upload` does; the file id."""
    contents = [
        datasync.SensorData(metadata=times_of(moment), struct=struct_from(reading))
        for reading, moment in readings
    ]
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=part.id,
            component_type="sensor",
            component_name=more.get("component_name", "thermometer"),
            method_name="Readings",
            type=datasync.DATA_TYPE_TABULAR_SENSOR,
        ),
        sensor_contents=contents,
    )
    reply = await raw(request, datasync.DataCaptureUploadResponse)
    return reply.file_id


async def store_file(
    raw: Raw,
    part: Part,
    contents: bytes,
    moment: int | None = None,
    *,
    tags: Sequence[str] = (),
    extension: str = ".png",
) -> datasync.DataCaptureUploadResponse:
    """Upload bytes as `binary_data_capture_upload` does, with times only if there are any."""
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=part.id,
            component_type="camera",
            component_name="eye",
            method_name="GetImages",
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            file_extension=extension,
            tags=tags,
        ),
        sensor_contents=[datasync.SensorData(metadata=times_of(moment), binary=contents)],
    )
    return await raw(request, datasync.DataCaptureUploadResponse)


def times_of(moment: int | None) -> datasync.SensorMetadata | None:
    """Sensor metadata that was requested at a moment and received a millisecond later."""
    if moment is None:
        return None
    return datasync.SensorMetadata(
        time_requested=timestamp_from(moment), time_received=timestamp_from(moment + 1_000_000)
    )
