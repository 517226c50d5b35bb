"""A fake and a raw client of it: our own message classes, one call by its RPC's name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from grpclib.client import (
    Channel,
    StreamStreamMethod,
    StreamUnaryMethod,
    UnaryStreamMethod,
    UnaryUnaryMethod,
)
from grpclib.exceptions import GRPCError

from fakeviam import Clock, FakeViam, wire
from fakeviam.model.filters import Query
from fakeviam.wire import auth, data, datasync
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping

    from google.protobuf.message import Message
    from grpclib.const import Status

    from fakeviam.model.fleet import FleetState
    from fakeviam.wire.well_known import Timestamp

SECOND = 1_000_000_000
DAY = 86_400 * SECOND

#: When the fake's clock stands still in these tests: 2026-03-10T12:00:00Z.
NOW = 1_773_144_000 * SECOND

METHODS = {method.name: method for method in wire.methods()}

_STUBS: dict[tuple[bool, bool], Any] = {
    (False, False): UnaryUnaryMethod,
    (False, True): UnaryStreamMethod,
    (True, False): StreamUnaryMethod,
    (True, True): StreamStreamMethod,
}

DEFAULT_PART = FakeViam.default_part
ORGANIZATION = DEFAULT_PART.organization_id


KEY_ID, KEY = FakeViam.api_key_id, FakeViam.api_key


class RefusedError(Exception):
    """What a client sees of a refusal."""

    def __init__(self, error: GRPCError, clause: str | None) -> None:
        super().__init__(f"{error.status.name}: {error.message} ({clause})")
        self.status = error.status
        self.text = error.message or ""
        self.clause = clause


class Contents(NamedTuple):
    """Everything that a fake holds, for comparisons."""

    binary: list[Any]
    tabular: list[Any]
    datasets: list[Any]
    passwords: list[str | None]
    entities: list[Any]
    fleet: FleetState


def at(seconds: float = 0, nanos: int = 0) -> Timestamp:
    """So many seconds and nanoseconds after the clock of the tests."""
    return timestamp_from(NOW + int(seconds * SECOND) + nanos)


def interval(start: Timestamp | None = None, end: Timestamp | None = None) -> data.CaptureInterval:
    return data.CaptureInterval(start=start, end=end)


def tagged(*tags: str, kind: data.TagsFilterTypeValue | None = None) -> data.Filter:
    """A filter on tags."""
    return data.Filter(tags_filter=data.TagsFilter(type=kind, tags=tags))


def where(**fields: Any) -> data.Filter:
    """A filter of fields whose names are known only when the test runs."""
    return data.Filter(**fields)


def sensor(
    requested: Timestamp | None = None, received: Timestamp | None = None, **fields: Any
) -> datasync.SensorMetadata:
    return datasync.SensorMetadata(time_requested=requested, time_received=received, **fields)


def reading(
    values: Mapping[str, object] | None = None,
    requested: Timestamp | None = None,
    received: Timestamp | None = None,
) -> datasync.SensorData:
    """One reading; both times stay away unless they are given."""
    metadata = sensor(requested, received) if requested or received else None
    return datasync.SensorData(metadata=metadata, struct=struct_from(values or {}))


def upload_metadata(**fields: Any) -> datasync.UploadMetadata:
    return datasync.UploadMetadata(**{"part_id": DEFAULT_PART.id, **fields})


def file_parts(*chunks: bytes, **fields: Any) -> list[datasync.FileUploadRequest]:
    """The messages of one FileUpload."""
    metadata = upload_metadata(**{"type": datasync.DATA_TYPE_FILE, **fields})
    return [
        datasync.FileUploadRequest(metadata=metadata),
        *(
            datasync.FileUploadRequest(file_contents=datasync.FileData(data=chunk))
            for chunk in chunks
        ),
    ]


def stream_parts(
    *chunks: bytes, sensor_metadata: datasync.SensorMetadata | None = None, **fields: Any
) -> list[datasync.StreamingDataCaptureUploadRequest]:
    """The messages of one StreamingDataCaptureUpload."""
    metadata = datasync.DataCaptureUploadMetadata(
        upload_metadata=upload_metadata(**{"type": datasync.DATA_TYPE_BINARY_SENSOR, **fields}),
        sensor_metadata=sensor_metadata,
    )
    return [
        datasync.StreamingDataCaptureUploadRequest(metadata=metadata),
        *(datasync.StreamingDataCaptureUploadRequest(data=chunk) for chunk in chunks),
    ]


class Viam:
    """A running fake and a connection to it."""

    def __init__(self, cloud: FakeViam, channel: Channel) -> None:
        self.cloud = cloud
        self.channel = channel

    @classmethod
    @asynccontextmanager
    async def running(cls, **options: Any) -> AsyncIterator[Viam]:
        """Start a fake with a clock that stands still; it must not have crashed at the end."""
        settings = {"seed": 1, "clock": Clock(lambda: NOW), **options}
        async with FakeViam(**settings) as cloud:
            with connect(cloud) as channel:
                yield cls(cloud, channel)
            assert cloud.crashes == ()

    # Calls -------------------------------------------------------------------------------

    async def rpc(
        self,
        name: str,
        *messages: Message,
        metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call an RPC with what it is to be sent; for a server stream, answer the first reply.

        Raises:
            RefusedError: The answer is a status other than OK.
        """
        async with self.calling(name, metadata=metadata, timeout=timeout) as stream:
            await stream.send_request()
            for message in messages:
                await stream.send_message(message)
            await stream.end()
            return await stream.recv_message()

    @asynccontextmanager
    async def calling(
        self,
        name: str,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[Any]:
        """A call in progress, for tests that send message by message.

        Raises:
            RefusedError: The answer is a status other than OK.
        """
        method = METHODS[name]
        stub = _STUBS[method.client_streaming, method.server_streaming](
            self.channel, method.path, method.request, method.response
        )
        call = stub.open(metadata=metadata, timeout=timeout)
        try:
            async with call as stream:
                yield stream
        except GRPCError as error:
            # Where the answer came while the client still sent, grpclib keeps the raw headers only.
            trailers = call.trailing_metadata or dict(call._stream.headers or ())
            raise RefusedError(error, trailers.get("fakeviam-clause")) from error

    @contextmanager
    def refuses(self, status: Status, clause: str, text: str = "") -> Iterator[None]:
        """The call inside is refused: so, because of that, and nothing has changed."""
        before = self.contents()
        with refused(status, clause, text):
            yield
        assert self.contents() == before

    def contents(self) -> Contents:
        """Everything the fake holds, past all policies."""
        cloud = self.cloud._cloud
        store = cloud.store
        everything = Query(include_internal=True)
        files = store.binary_page(everything, after=None, limit=10**6, descending=False).records
        readings = store.tabular_page(everything, after=None, limit=10**6, descending=False)
        owners = [organization.id for organization in cloud.fleet.organizations]
        return Contents(
            binary=[(record, store.read(record.file_id)) for record in files],
            tabular=readings.records,
            datasets=[store.datasets(owner) for owner in owners],
            passwords=[store.database_password(owner) for owner in owners],
            entities=list(store.all_entities()),
            fleet=cloud.fleet.state(),
        )

    # Uploads -----------------------------------------------------------------------------

    async def upload(
        self,
        name: str = "",
        payload: bytes = b"bytes",
        *,
        requested: Timestamp | None = None,
        received: Timestamp | None = None,
        ext: str = ".jpg",
        annotations: data.Annotations | None = None,
        **fields: Any,
    ) -> str:
        """Upload one binary record as a sensor does; answer its binary data id."""
        known = {"type": datasync.DATA_TYPE_BINARY_SENSOR, "file_extension": ext, **fields}
        metadata = None
        if requested or received or annotations:
            metadata = sensor(requested, received, annotations=annotations)
        reply = await self.rpc(
            "DataCaptureUpload",
            datasync.DataCaptureUploadRequest(
                metadata=upload_metadata(file_name=name, **known),
                sensor_contents=[datasync.SensorData(metadata=metadata, binary=payload)],
            ),
        )
        binary_data_id: str = reply.binary_data_id
        return binary_data_id

    async def upload_readings(self, *readings: datasync.SensorData, **fields: Any) -> str:
        """Upload readings in one request; answer their file id."""
        known = {"type": datasync.DATA_TYPE_TABULAR_SENSOR, **fields}
        reply = await self.rpc(
            "DataCaptureUpload",
            datasync.DataCaptureUploadRequest(
                metadata=upload_metadata(**known), sensor_contents=readings
            ),
        )
        file_id: str = reply.file_id
        return file_id

    async def add_box(self, image: str, label: str = "cat", **fields: Any) -> str:
        """Put a box on an image; answer its id."""
        known = {"x_max_normalized": 0.5, "y_max_normalized": 0.5, **fields}
        reply = await self.rpc(
            "AddBoundingBoxToImageByID",
            data.AddBoundingBoxToImageByIDRequest(binary_data_id=image, label=label, **known),
        )
        box_id: str = reply.bbox_id
        return box_id

    async def add_tags(self, *ids: str, tags: Iterable[str]) -> None:
        await self.rpc(
            "AddTagsToBinaryDataByIDs",
            data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=ids, tags=tags),
        )

    async def create_dataset(self, name: str = "set", **fields: Any) -> str:
        """Create a dataset; answer its id."""
        known = {"organization_id": ORGANIZATION, **fields}
        reply = await self.rpc(
            "CreateDataset", wire.dataset.CreateDatasetRequest(name=name, **known)
        )
        dataset_id: str = reply.id
        return dataset_id

    async def add_members(self, dataset_id: str, *ids: str) -> None:
        await self.rpc(
            "AddBinaryDataToDatasetByIDs",
            data.AddBinaryDataToDatasetByIDsRequest(dataset_id=dataset_id, binary_data_ids=ids),
        )

    # Reads -------------------------------------------------------------------------------

    async def binary(
        self, wanted: data.Filter | None = None, **fields: Any
    ) -> data.BinaryDataByFilterResponse:
        """BinaryDataByFilter; `limit`, `last` and `sort_order` go into the data request."""
        reply: data.BinaryDataByFilterResponse = await self.rpc(
            "BinaryDataByFilter", _by_filter(data.BinaryDataByFilterRequest, wanted, fields)
        )
        return reply

    async def tabular(
        self, wanted: data.Filter | None = None, **fields: Any
    ) -> data.TabularDataByFilterResponse:
        """TabularDataByFilter, in the same form."""
        reply: data.TabularDataByFilterResponse = await self.rpc(
            "TabularDataByFilter", _by_filter(data.TabularDataByFilterRequest, wanted, fields)
        )
        return reply

    async def names(self, wanted: data.Filter | None = None, **fields: Any) -> list[str]:
        """The file names of the binary records in one page, oldest first."""
        fields.setdefault("sort_order", data.ORDER_ASCENDING)
        page = await self.binary(wanted, **fields)
        return [entry.metadata.file_name for entry in page.data]

    async def numbers(self, wanted: data.Filter | None = None, **fields: Any) -> list[float]:
        """The values `n` of the readings in one page, oldest first."""
        fields.setdefault("sort_order", data.ORDER_ASCENDING)
        page = await self.tabular(wanted, **fields)
        return [entry.data.fields["n"].number_value for entry in page.data]

    async def metadata_of(self, binary_data_id: str) -> data.BinaryMetadata:
        """The metadata of one record."""
        reply = await self.by_ids(binary_data_id)
        (entry,) = reply.data
        return entry.metadata

    async def by_ids(self, *ids: str, **fields: Any) -> data.BinaryDataByIDsResponse:
        reply: data.BinaryDataByIDsResponse = await self.rpc(
            "BinaryDataByIDs", data.BinaryDataByIDsRequest(binary_data_ids=ids, **fields)
        )
        return reply

    async def tags_of(self, binary_data_id: str) -> list[str]:
        """The tags that one record shows."""
        metadata = await self.metadata_of(binary_data_id)
        return list(metadata.capture_metadata.tags)

    async def boxes_of(self, binary_data_id: str) -> list[data.BoundingBox]:
        """The boxes that one record shows."""
        metadata = await self.metadata_of(binary_data_id)
        return list(metadata.annotations.bboxes)

    async def tags_by_filter(self, wanted: data.Filter | None = None) -> list[str]:
        reply = await self.rpc("TagsByFilter", data.TagsByFilterRequest(filter=wanted))
        return list(reply.tags)

    def cited(self) -> frozenset[str]:
        """The clauses that the answers so far rested on."""
        return frozenset(clause.id for clause in self.cloud.clauses_used)


class As(Viam):
    """A client that sends its token along."""

    def __init__(self, cloud: FakeViam, channel: Channel, token: str = "") -> None:
        super().__init__(cloud, channel)
        self.token = token

    async def rpc(self, name: str, *messages: Any, **options: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}"}
        return await super().rpc(name, *messages, metadata=headers, **options)


async def login(
    viam: Viam,
    key_id: str = KEY_ID,
    key: str = KEY,
    kind: str = "api-key",
    metadata: Mapping[str, str] | None = None,
) -> str:
    """The access token for a key."""
    credentials = auth.Credentials(type=kind, payload=key)
    request = auth.AuthenticateRequest(entity=key_id, credentials=credentials)
    reply = await Viam.rpc(viam, "Authenticate", request, metadata=metadata)
    token: str = reply.access_token
    return token


async def signed_in(viam: Viam, key_id: str = KEY_ID, key: str = KEY) -> As:
    """The same connection with the token of a key."""
    client = As(viam.cloud, viam.channel)
    client.token = await login(viam, key_id, key)
    return client


_PAGE_FIELDS = ("limit", "last", "sort_order")


def _by_filter(message: Any, wanted: data.Filter | None, fields: dict[str, Any]) -> Any:
    page = {name: fields.pop(name) for name in _PAGE_FIELDS if name in fields}
    return message(data_request=data.DataRequest(filter=wanted, **page), **fields)


@contextmanager
def connect(cloud: FakeViam) -> Iterator[Channel]:
    """A connection over the fake's Unix socket."""
    channel = Channel(path=cloud.unix_socket)
    try:
        yield channel
    finally:
        channel.close()


@contextmanager
def refused(status: Status, clause: str, text: str = "") -> Iterator[None]:
    """The call inside is refused with that status, for that clause, in a text that says `text`."""
    with pytest.raises(RefusedError) as caught:
        yield
    error = caught.value
    assert error.status is status, error
    assert error.clause == clause, error
    assert text in error.text
    if error.text != "no robot part found":  # seen in public word for word
        assert error.text.endswith(f" [{clause}]")


def play(story: Callable[[Viam], Awaitable[None]], **options: Any) -> None:
    """Run a story on a fresh fake in a fresh loop, for each example of a property test."""

    async def whole() -> None:
        async with Viam.running(**options) as viam:
            await story(viam)

    asyncio.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else in this loop go on until something is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it never became so")


def id_of(binary_data_id: str) -> data.BinaryID:
    """The deprecated form of an id."""
    organization_id, location_id, file_id = binary_data_id.split("/")
    return data.BinaryID(file_id=file_id, organization_id=organization_id, location_id=location_id)


def nanos(timestamp: Timestamp) -> int:
    """A timestamp relative to the clock of the tests."""
    return nanos_from(timestamp) - NOW
