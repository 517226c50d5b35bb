"""The installed viam-sdk: how it connects, and a note of each method that was called on it."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from grpclib.client import Channel
from grpclib.exceptions import GRPCError
from viam.app.data_client import DataClient
from viam.app.viam_client import ViamClient
from viam.proto.app.data import BinaryID

from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from grpclib.const import Status
    from viam.proto.app.data import BinaryMetadata

    from fakeviam import FakeViam, Part

RELEASE = tuple(map(int, version("viam-sdk").split(".")[:3]))

#: The ways to the fake that this release can go.
TRANSPORTS: tuple[str, ...] = ("unix socket", "tcp")
if RELEASE >= (0, 78, 1):  # earlier ones want TLS on TCP, whatever their options say
    TRANSPORTS += ("insecure tcp",)

#: Every method of DataClient that the documentation of 0.15.0 names.
METHODS = (
    "tabular_data_by_filter",
    "binary_data_by_filter",
    "binary_data_by_ids",
    "delete_tabular_data",
    "delete_tabular_data_by_filter",
    "delete_binary_data_by_filter",
    "delete_binary_data_by_ids",
    "add_tags_to_binary_data_by_ids",
    "add_tags_to_binary_data_by_filter",
    "remove_tags_from_binary_data_by_ids",
    "remove_tags_from_binary_data_by_filter",
    "tags_by_filter",
    "add_bounding_box_to_image_by_id",
    "remove_bounding_box_from_image_by_id",
    "bounding_box_labels_by_filter",
    "get_database_connection",
    "configure_database_user",
    "create_dataset",
    "list_dataset_by_ids",
    "list_datasets_by_organization_id",
    "rename_dataset",
    "delete_dataset",
    "add_binary_data_to_dataset_by_ids",
    "remove_binary_data_from_dataset_by_ids",
    "binary_data_capture_upload",
    "tabular_data_capture_upload",
    "streaming_data_capture_upload",
    "file_upload",
    "file_upload_from_path",
    "create_filter",
)

#: Methods that came later and that the fake serves.
LATER_METHODS = ("merge_datasets", "update_bounding_box")

#: Methods that take ids, as strings and as BinaryID.
METHODS_WITH_IDS = tuple(
    name
    for name in METHODS
    if {"binary_ids", "binary_id"} & set(inspect.signature(getattr(DataClient, name)).parameters)
)

MORNING = datetime(2024, 5, 6, 8)  # noqa: DTZ001 - viam-sdk gives and takes naive UTC
SECOND = timedelta(seconds=1)


class Exercised(NamedTuple):
    """That a method was called, over which transport, with which form of ids."""

    method: str
    transport: str
    form: str = ""


@contextmanager
def refused(status: Status, text: str) -> Iterator[None]:
    """Expect that status, and that text within the message."""
    with pytest.raises(GRPCError) as caught:
        yield
    assert caught.value.status is status
    assert text in (caught.value.message or "")


async def connect(cloud: FakeViam, transport: str) -> AsyncIterator[DataClient]:
    """A DataClient on that transport, as long as it is wanted."""
    if transport == "tcp":
        async with Channel(cloud.host, cloud.port) as channel:
            yield DataClient(channel, {})
        return
    options = cloud.dial_options()
    options.insecure = transport == "insecure tcp"
    app_url = cloud.target if options.insecure else cloud.unix_socket
    client = await ViamClient.create_from_dial_options(options, app_url=app_url)
    try:
        yield client.data_client
    finally:
        client.close()


class Recorder:
    """A DataClient that notes what is called."""

    def __init__(self, client: DataClient, transport: str, exercised: set[Exercised]) -> None:
        self._client = client
        self._transport = transport
        self._exercised = exercised

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        signature = inspect.signature(method)

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            arguments = signature.bind(*args, **kwargs).arguments
            ids = arguments.get("binary_ids", arguments.get("binary_id", []))
            form = form_of(ids if isinstance(ids, list) else [ids])
            self._exercised.add(Exercised(name, self._transport, form))
            return method(*args, **kwargs)

        return call


def form_of(ids: list[Any]) -> str:
    """Which of FORMS these ids have."""
    forms = {"string" if isinstance(one, str) else type(one).__name__ for one in ids}
    return "+".join(sorted(forms))


#: The two forms of an id; see `in_form`.
FORMS = ("string", "BinaryID")


def in_form(form: str, binary_data_id: str) -> Any:
    """An id, as an upload answers it, in that form."""
    if form == "string":
        return binary_data_id
    organization_id, location_id, file_id = binary_data_id.split("/")
    return BinaryID(file_id=file_id, organization_id=organization_id, location_id=location_id)


@dataclass
class Camera:
    """A part's camera, and beside it a thermometer; each capture is a second later."""

    client: DataClient
    part: Part
    taken: int = field(default=0)

    async def picture(self, contents: bytes = b"picture", **more: Any) -> str:
        """Upload a picture; its binary data id."""
        moment = more.pop("moment", MORNING + self.taken * SECOND)
        self.taken += 1
        return await self.client.binary_data_capture_upload(
            contents,
            **{
                "part_id": self.part.id,
                "component_type": "camera",
                "component_name": "eye",
                "method_name": "GetImages",
                "file_extension": ".png",
                "data_request_times": (moment, moment + SECOND / 4),
                **more,
            },
        )

    async def pictures(self, count: int, **more: Any) -> list[str]:
        """Upload pictures `b"0"`, `b"1"` …; their binary data ids."""
        return [await self.picture(b"%d" % n, **more) for n in range(count)]

    async def readings(self, *readings: dict[str, Any], **more: Any) -> str:
        """Upload readings together; their file id."""
        first = more.pop("moment", MORNING)
        moments = [first + n * SECOND for n in range(len(readings))]
        return await self.client.tabular_data_capture_upload(
            list(readings),
            **{
                "part_id": self.part.id,
                "component_type": "sensor",
                "component_name": "thermometer",
                "method_name": "Readings",
                "data_request_times": [(moment, moment + SECOND / 4) for moment in moments],
                **more,
            },
        )


async def binaries(client: DataClient, wanted: Any = None, **more: Any) -> list[bytes]:
    """The bytes of all files that a filter selects, in the order asked for."""
    found, _, _ = await client.binary_data_by_filter(wanted, limit=100, **more)
    return [file.binary for file in found]


async def count(client: DataClient, wanted: Any = None) -> int:
    """How many files a filter selects."""
    _, total, _ = await client.binary_data_by_filter(wanted, count_only=True)
    return total


def size_of(metadata: BinaryMetadata) -> int:
    """The size that the server tells, also to releases that do not know the field."""
    return data.BinaryMetadata.FromString(metadata.SerializeToString()).file_size_bytes
