"""Our client and the official SDK send the same requests, or differ for a reason that is written.

Each program runs twice, through either client, against two fakes that are alike to the last id. A
proxy in front of the fake records what arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import DataClient, connect
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Value
from grpclib.client import Channel, StreamUnaryMethod, UnaryUnaryMethod
from grpclib.const import Cardinality, Handler
from grpclib.exceptions import GRPCError
from grpclib.server import Server
from viam.app.data_client import DataClient as OfficialClient
from viam.app.viam_client import ViamClient
from viam.proto.app.data import BinaryID, DeleteTabularFilter, Order
from viam.proto.app.dataset import DatasetType

from fakeviam import Clock, FakeViam, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from fakeviam.wire import Method

PART = FakeViam.default_part.id
ORGANIZATION = FakeViam.default_part.organization_id
NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
LATER = datetime(2026, 3, 10, 13, 0, 0, 7, tzinfo=timezone(timedelta(hours=1)))
MIB = 1024 * 1024

#: One call: the RPC, and its messages as dictionaries, the pieces of a stream joined.
Call = tuple[str, list[dict[str, Any]]]


# Recording --------------------------------------------------------------------------------


class Proxy:
    """Hands every call on to a fake, and writes down what it asked."""

    def __init__(self, fake: Channel) -> None:
        self._fake = fake
        self.calls: list[Call] = []
        #: For each stream, how many bytes of contents each message held.
        self.pieces: list[list[int]] = []

    def __mapping__(self) -> dict[str, Handler]:
        return {method.path: self._handler(method) for method in wire.methods()}

    def _handler(self, method: Method) -> Handler:
        async def handle(stream: Any) -> None:
            messages = [message async for message in stream]
            self._note(method, messages)
            if method.client_streaming:
                reply = await StreamUnaryMethod(
                    self._fake, method.path, method.request, method.response
                )(messages)
            else:
                reply = await UnaryUnaryMethod(
                    self._fake, method.path, method.request, method.response
                )(messages[0])
            await stream.send_message(reply)

        kind = Cardinality.STREAM_UNARY if method.client_streaming else Cardinality.UNARY_UNARY
        return Handler(handle, kind, method.request, method.response)

    def _note(self, method: Method, messages: Sequence[Message]) -> None:
        asked = [plain(message) for message in messages]
        if method.client_streaming:
            contents = [message.pop("contents") for message in asked if "contents" in message]
            self.pieces.append([len(piece) for piece in contents])
            asked = [*filter(None, asked), {"contents": b"".join(contents)}]
        self.calls.append((method.name, asked))


def plain(message: Any) -> dict[str, Any]:
    """A message as a dictionary; contents of a stream as bytes under `contents`."""
    packet = message.DESCRIPTOR.oneofs_by_name.get("upload_packet")
    if packet is not None and message.WhichOneof("upload_packet") != "metadata":
        held = getattr(message, "file_contents", None)
        return {"contents": message.data if held is None else held.data}
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, descriptor_pool=wire.pool()
    )


@dataclass
class World:
    """A fake with something in it, and a proxy in front of it.

    Attributes:
        images: Binary data ids, oldest first.
        box: Id of a box on the first image.
        dataset: Id of a dataset.
        reading_tokens: Where each page of 100 readings begins, and that after the last.
        image_tokens: Likewise for pages of one image.
        files: A directory of files to upload.
    """

    proxy: Proxy
    target: str
    images: list[str]
    box: str
    dataset: str
    reading_tokens: list[str]
    image_tokens: list[str]
    files: Path

    @property
    def messages(self) -> list[BinaryID]:
        """The ids of the images as messages of the official SDK."""
        parts = [image.split("/") for image in self.images]
        return [
            BinaryID(file_id=file_id, organization_id=organization, location_id=location)
            for organization, location, file_id in parts
        ]


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Always the same one."""
    with TemporaryDirectory(prefix="fv-") as folder:
        files = _files(Path(folder, "files"))
        clock = Clock.frozen("2026-03-10T12:00:00Z")
        async with FakeViam(seed=5, clock=clock) as cloud, connect(cloud.unix_socket) as client:
            held = await _fill(client)
            channel = Channel(path=cloud.unix_socket)
            proxy = Proxy(channel)
            server = Server([proxy])
            await server.start(path=f"{folder}/s")
            try:
                yield World(proxy, f"{folder}/s", files=files, **held)
            finally:
                server.close()
                await server.wait_closed()
                channel.close()
                await asyncio.sleep(0)  # connections close in the loop's next round


def _files(folder: Path) -> Path:
    folder.mkdir()
    (folder / "scan.tar.gz").write_bytes(b"scan")
    (folder / "empty").touch()
    with (folder / "large.bin").open("wb") as large:
        large.truncate(MIB)
    return folder


async def _fill(client: DataClient) -> dict[str, Any]:
    for at in range(3):
        moment = NOON + timedelta(minutes=at)
        await client.binary_data_capture_upload(
            b"image", PART, "camera", "eye", "GetImages", ".jpg", tags=["t"],
            data_request_times=(moment, moment),
        )  # fmt: skip
    await client.tabular_data_capture_upload(
        [{"n": n} for n in range(120)], PART, "sensor", "thermometer", "Readings"
    )
    known = await client.binary_data_by_filter(sort_order=Order.ORDER_ASCENDING)
    images = [file.metadata.binary_data_id for file in known]
    reading_tokens, image_tokens = [""], [""]
    while page := await client.tabular_data_by_filter(limit=100, last=reading_tokens[-1]):
        reading_tokens.append(page.last)
    while file := await client.binary_data_by_filter(limit=1, last=image_tokens[-1]):
        image_tokens.append(file.last)
    return {
        "images": images,
        "box": await client.add_bounding_box_to_image_by_id(images[0], "dog", 0, 0, 1, 1),
        "dataset": await client.create_dataset("pets", ORGANIZATION),
        "reading_tokens": reading_tokens,
        "image_tokens": image_tokens,
    }


# Programs ---------------------------------------------------------------------------------

Arguments = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Program:
    """One call of one method.

    Attributes:
        method: Its name.
        arguments: What it is given; from the world, where that says what is there.
        reason: Why the official SDK sends something else; empty if it does not.
        adapted: Makes of the official SDK's calls what ours are; it must change them.
    """

    method: str
    arguments: Callable[[World], Arguments] = field(default=lambda _: {})
    reason: str = ""
    adapted: Callable[[World, list[Call]], list[Call]] | None = None


def given(**arguments: Any) -> Callable[[World], Arguments]:
    return lambda _: arguments


def _filter(**fields: Any) -> Any:
    """A filter as the official SDK makes it, of its own classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return OfficialClient.create_filter(**fields)


def _packed() -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(Value(string_value="deep"))
    return packed


# What the SDK calls by another name since the documentation was written.
RENAMED = MappingProxyType(
    {
        ("binary_data_by_filter", "include_file_data"): "include_binary_data",
        ("binary_data_by_ids", "include_file_data"): "include_binary_data",
        ("add_bounding_box_to_image_by_id", "confidence"): "confidence_score",
    }
)


def _paged(calls: list[Call], limit: int, tokens: list[str]) -> list[Call]:
    """One request without a limit becomes one for each page, and one that nothing answers."""
    ((name, (request,)),) = calls
    asked = {"filter": {}, **request.get("data_request", {}), "limit": f"{limit}"}
    starts = [{"last": token} if token else {} for token in tokens]
    return [(name, [{**request, "data_request": {**asked, **start}}]) for start in starts]


def _one_empty_page(_: World, calls: list[Call]) -> list[Call]:
    return _paged(calls, 100, [""])


def _each_id_alone(field_name: str) -> Callable[[World, list[Call]], list[Call]]:
    def adapted(_: World, calls: list[Call]) -> list[Call]:
        ((name, (request,)),) = calls
        return [(name, [{**request, field_name: [one]}]) for one in request[field_name]]

    return adapted


def _with_filter(_: World, calls: list[Call]) -> list[Call]:
    ((name, (request,)),) = calls
    return [(name, [{**request, "data_request": {"filter": {}, **request["data_request"]}}])]


def _without_bytes(_: World, calls: list[Call]) -> list[Call]:
    ((name, (request,)),) = calls
    return [(name, [{key: value for key, value in request.items() if key != "include_binary"}])]


def _with_mime_type(_: World, calls: list[Call]) -> list[Call]:
    ((name, (opening, contents)),) = calls
    metadata = {**opening["metadata"], "mime_type": "text/markdown"}
    return [(name, [{"metadata": metadata}, contents])]


_PAGES = "ours fetches all pages, as documented; the SDK since 0.19.0 one page of the server's size"
_FILTER = "the SDK leaves the filter away where there is none, ours sends an empty one (FI-2)"
_PIECEWISE = "ours fetches bytes one file a request, so that no reply is larger than its file"
_COUNTED = "ours asks for no bytes where only the count is wanted"
_DROPPED = "the SDK's file_upload drops mime_type"

_SENSOR = MappingProxyType(
    {
        "part_id": PART,
        "component_type": "sensor",
        "component_name": "thermometer",
        "method_name": "Readings",
    }
)
_READINGS: tuple[dict[str, Any], ...] = (
    {"n": 1, "x": -0.0, "deep": {"list": [None, True, "é", {"a.b": 2.5}], "empty": {}}, "": []},
    {},
)
_FIELDS = MappingProxyType(
    {
        "component_name": "eye",
        "component_type": "camera",
        "method": "GetImages",
        "robot_name": "fake-robot",
        "robot_id": "r",
        "part_name": "fake-robot-main",
        "part_id": PART,
        "location_ids": ["fakelab001", "l"],
        "organization_ids": [ORGANIZATION],
        "mime_type": ["image/jpeg"],
        "start_time": NOON,
        "end_time": LATER,
        "tags": ["t", "u"],
        "bbox_labels": ["dog"],
        "dataset_id": "d",
    }
)

PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "readings": Program(
            method="tabular_data_by_filter",
            reason=_PAGES,
            adapted=lambda world, calls: _paged(calls, 100, world.reading_tokens),
        ),
        "readings by filter": Program(
            method="tabular_data_by_filter",
            arguments=lambda _: {"filter": _filter(component_name="none")},
            reason=_PAGES,
            adapted=_one_empty_page,
        ),
        "a page of readings": Program(
            method="tabular_data_by_filter",
            arguments=lambda _: {
                "filter": _filter(component_name="thermometer"),
                "limit": 7,
                "last": "token",
                "sort_order": Order.ORDER_ASCENDING,
                "include_internal_data": True,
            },
        ),
        "a count of readings": Program(
            method="tabular_data_by_filter", arguments=given(count_only=True)
        ),
        "files": Program(
            method="binary_data_by_filter",
            reason=f"{_PAGES}; {_PIECEWISE}; {_FILTER}",
            adapted=lambda world, calls: _paged(calls, 1, world.image_tokens),
        ),
        "files by filter": Program(
            method="binary_data_by_filter",
            arguments=lambda _: {
                "filter": _filter(tags=["none"]),
                "include_file_data": False,
            },
            reason=_PAGES,
            adapted=_one_empty_page,
        ),
        "a page of files": Program(
            method="binary_data_by_filter",
            arguments=lambda world: {
                "filter": _filter(tags=["t"]),
                "limit": 2,
                "last": world.image_tokens[1],
                "sort_order": Order.ORDER_ASCENDING,
                "include_internal_data": True,
            },
        ),
        "a page of metadata": Program(
            method="binary_data_by_filter",
            arguments=given(limit=2, sort_order=Order.ORDER_DESCENDING, include_file_data=False),
            reason=_FILTER,
            adapted=_with_filter,
        ),
        "a count of files": Program(
            method="binary_data_by_filter",
            arguments=lambda _: {"filter": _filter(), "count_only": True},
            reason=_COUNTED,
            adapted=_without_bytes,
        ),
        "one file by its id": Program(
            method="binary_data_by_ids", arguments=lambda world: {"binary_ids": world.images[:1]}
        ),
        "files by string ids": Program(
            method="binary_data_by_ids",
            arguments=lambda world: {"binary_ids": world.images},
            reason=_PIECEWISE,
            adapted=_each_id_alone("binary_data_ids"),
        ),
        "files by messages": Program(
            method="binary_data_by_ids",
            arguments=lambda world: {"binary_ids": world.messages},
            reason=_PIECEWISE,
            adapted=_each_id_alone("binary_ids"),
        ),
        "metadata by string ids": Program(
            method="binary_data_by_ids",
            arguments=lambda world: {"binary_ids": world.images, "include_file_data": False},
        ),
        "metadata by messages": Program(
            method="binary_data_by_ids",
            arguments=lambda world: {"binary_ids": world.messages, "include_file_data": False},
        ),
        "no ids": Program(method="binary_data_by_ids", arguments=given(binary_ids=[])),
        "deleting readings": Program(
            method="delete_tabular_data",
            arguments=given(organization_id=ORGANIZATION, delete_older_than_days=3),
        ),
        "deleting all readings": Program(
            method="delete_tabular_data",
            arguments=given(organization_id=ORGANIZATION, delete_older_than_days=0),
        ),
        "deleting some readings": Program(
            method="delete_tabular_data",
            arguments=given(
                organization_id=ORGANIZATION,
                delete_older_than_days=0,
                filter=DeleteTabularFilter(component_name="thermometer", location_ids=["l"]),
            ),
        ),
        "deleting files by filter": Program(
            method="delete_binary_data_by_filter",
            arguments=lambda _: {"filter": _filter(tags=["t"])},
        ),
        "deleting everything": Program(
            method="delete_binary_data_by_filter", arguments=given(filter=None)
        ),
        "deleting files by string ids": Program(
            method="delete_binary_data_by_ids",
            arguments=lambda world: {"binary_ids": world.images},
        ),
        "deleting files by messages": Program(
            method="delete_binary_data_by_ids",
            arguments=lambda world: {"binary_ids": world.messages},
        ),
        "tagging by string ids": Program(
            method="add_tags_to_binary_data_by_ids",
            arguments=lambda world: {"tags": ["a", "b"], "binary_ids": world.images},
        ),
        "tagging by messages": Program(
            method="add_tags_to_binary_data_by_ids",
            arguments=lambda world: {"tags": ["a", "b"], "binary_ids": world.messages},
        ),
        "tagging by filter": Program(
            method="add_tags_to_binary_data_by_filter",
            arguments=lambda _: {"tags": ["a"], "filter": _filter(tags=["t"])},
        ),
        "tagging everything": Program(
            method="add_tags_to_binary_data_by_filter", arguments=given(tags=["a"])
        ),
        "untagging by string ids": Program(
            method="remove_tags_from_binary_data_by_ids",
            arguments=lambda world: {"tags": ["t"], "binary_ids": world.images},
        ),
        "untagging by messages": Program(
            method="remove_tags_from_binary_data_by_ids",
            arguments=lambda world: {"tags": ["t"], "binary_ids": world.messages},
        ),
        "untagging by filter": Program(
            method="remove_tags_from_binary_data_by_filter",
            arguments=lambda _: {"tags": ["t"], "filter": _filter(tags=["t"])},
        ),
        "untagging everything": Program(
            method="remove_tags_from_binary_data_by_filter", arguments=given(tags=["t"])
        ),
        "tags": Program(method="tags_by_filter"),
        "tags by filter": Program(
            method="tags_by_filter", arguments=lambda _: {"filter": _filter(part_id=PART)}
        ),
        "a box": Program(
            method="add_bounding_box_to_image_by_id",
            arguments=lambda world: {
                "binary_id": world.images[0],
                "label": "cat",
                "x_min_normalized": 0.0,
                "y_min_normalized": 0.25,
                "x_max_normalized": 0.5,
                "y_max_normalized": 1.0,
                "confidence": 0.75,
            },
        ),
        "a box by message": Program(
            method="add_bounding_box_to_image_by_id",
            arguments=lambda world: {
                "binary_id": world.messages[0],
                "label": "cat",
                "x_min_normalized": 0,
                "y_min_normalized": 0,
                "x_max_normalized": 1,
                "y_max_normalized": 1,
            },
        ),
        "no box any more": Program(
            method="remove_bounding_box_from_image_by_id",
            arguments=lambda world: {"bbox_id": world.box, "binary_id": world.images[0]},
        ),
        "no box any more by message": Program(
            method="remove_bounding_box_from_image_by_id",
            arguments=lambda world: {"bbox_id": world.box, "binary_id": world.messages[0]},
        ),
        "labels": Program(method="bounding_box_labels_by_filter"),
        "labels by filter": Program(
            method="bounding_box_labels_by_filter",
            arguments=lambda _: {"filter": _filter(bbox_labels=["dog"])},
        ),
        "the database": Program(
            method="get_database_connection", arguments=given(organization_id=ORGANIZATION)
        ),
        "the database's user": Program(
            method="configure_database_user",
            arguments=given(organization_id=ORGANIZATION, password="secret"),  # noqa: S106
        ),
        "a dataset": Program(
            method="create_dataset", arguments=given(name="cars", organization_id=ORGANIZATION)
        ),
        "a dataset of sequences": Program(
            method="create_dataset",
            arguments=given(
                name="cars",
                organization_id=ORGANIZATION,
                type=DatasetType.DATASET_TYPE_SEQUENCE_DATA,
            ),
        ),
        "datasets by ids": Program(
            method="list_dataset_by_ids", arguments=lambda world: {"ids": [world.dataset, "d"]}
        ),
        "datasets": Program(
            method="list_datasets_by_organization_id",
            arguments=given(organization_id=ORGANIZATION),
        ),
        "datasets of a type": Program(
            method="list_datasets_by_organization_id",
            arguments=given(
                organization_id=ORGANIZATION, dataset_type=DatasetType.DATASET_TYPE_BINARY_DATA
            ),
        ),
        "another name for a dataset": Program(
            method="rename_dataset", arguments=lambda world: {"id": world.dataset, "name": "cars"}
        ),
        "no dataset any more": Program(
            method="delete_dataset", arguments=lambda world: {"id": world.dataset}
        ),
        "members by string ids": Program(
            method="add_binary_data_to_dataset_by_ids",
            arguments=lambda world: {"binary_ids": world.images, "dataset_id": world.dataset},
        ),
        "members by messages": Program(
            method="add_binary_data_to_dataset_by_ids",
            arguments=lambda world: {"binary_ids": world.messages, "dataset_id": world.dataset},
        ),
        "no members any more by string ids": Program(
            method="remove_binary_data_from_dataset_by_ids",
            arguments=lambda world: {"binary_ids": world.images, "dataset_id": world.dataset},
        ),
        "no members any more by messages": Program(
            method="remove_binary_data_from_dataset_by_ids",
            arguments=lambda world: {"binary_ids": world.messages, "dataset_id": world.dataset},
        ),
        "binary data": Program(
            method="binary_data_capture_upload",
            arguments=lambda world: {
                **_SENSOR,
                "binary_data": b"image",
                "file_extension": "jpg",
                "method_parameters": {"depth": _packed()},
                "tags": ["a"],
                "data_request_times": (NOON.replace(tzinfo=None), LATER),
                "dataset_ids": [world.dataset],
                "mime_type": "image/webp",
            },
        ),
        "binary data without times": Program(
            method="binary_data_capture_upload",
            arguments=given(**_SENSOR, binary_data=b"", file_extension=""),
        ),
        "tabular data": Program(
            method="tabular_data_capture_upload",
            arguments=given(
                **_SENSOR,
                tabular_data=[*_READINGS],
                data_request_times=[(NOON, LATER), (LATER, LATER)],
                method_parameters={"depth": _packed()},
                tags=["a"],
            ),
        ),
        "a stream of binary data": Program(
            method="streaming_data_capture_upload",
            arguments=lambda world: {
                **_SENSOR,
                "data": bytes(200_000),
                "file_ext": "pcd",
                "method_parameters": {"depth": _packed()},
                "data_request_times": (NOON, LATER),
                "tags": ["a"],
                "dataset_ids": [world.dataset],
                "mime_type": "pointcloud/pcd",
            },
        ),
        "a stream without anything": Program(
            method="streaming_data_capture_upload",
            arguments=given(data=b"", part_id=PART, file_ext=".pcd"),
        ),
        "a file": Program(
            method="file_upload",
            arguments=lambda world: {
                **_SENSOR,
                "data": b"text",
                "file_name": "notes",
                "method_parameters": {"depth": _packed()},
                "file_extension": ".txt",
                "tags": ["a"],
                "dataset_ids": [world.dataset],
            },
        ),
        "a file of a MIME type": Program(
            method="file_upload",
            arguments=given(part_id=PART, data=b"text", mime_type="text/markdown"),
            reason=_DROPPED,
            adapted=_with_mime_type,
        ),
        "an empty file": Program(method="file_upload", arguments=given(part_id=PART, data=b"")),
        "a file from disk": Program(
            method="file_upload_from_path",
            arguments=lambda world: {
                **_SENSOR,
                "filepath": str(world.files / "scan.tar.gz"),
                "method_parameters": {"depth": _packed()},
                "tags": ["a"],
                "dataset_ids": [world.dataset],
                "mime_type": "application/gzip",
            },
        ),
        "a large file from disk": Program(
            method="file_upload_from_path",
            arguments=lambda world: {"filepath": str(world.files / "large.bin"), "part_id": PART},
        ),
        "an empty file from disk by another name": Program(
            method="file_upload_from_path",
            arguments=lambda world: {
                "filepath": str(world.files / "empty"),
                "part_id": PART,
                "file_name": "other",
            },
        ),
    }
)


async def run_ours(world: World, program: Program) -> None:
    """Run a program with our client."""
    async with connect(world.target) as client:
        await _run(getattr(client, program.method), dict(program.arguments(world)))


async def run_theirs(world: World, program: Program) -> None:
    """Run a program with the official client."""
    arguments = {
        RENAMED.get((program.method, name), name): value
        for name, value in program.arguments(world).items()
    }
    async with Channel(path=world.target) as channel:
        await _run(getattr(OfficialClient(channel, {}), program.method), arguments)
    await asyncio.sleep(0)  # the transport closes in the loop's next round


async def _run(method: Callable[..., Any], arguments: dict[str, Any]) -> None:
    # What the fake refuses, it has been asked all the same.
    with contextlib.suppress(GRPCError):
        await method(**arguments)


async def recorded(
    run: Callable[[World, Program], Any], program: Program
) -> tuple[World, list[Call], list[list[int]]]:
    async with world() as made:
        await run(made, program)
        return made, made.proxy.calls, made.proxy.pieces


@pytest.mark.asyncio
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.thinned(3)
async def test_the_same_requests_arrive(name: str) -> None:
    """Or those that the written reason explains to the last field (FI-2, ID-1, PG-2, BF-4)."""
    program = PROGRAMS[name]
    there, theirs, their_pieces = await recorded(run_theirs, program)
    here, ours, our_pieces = await recorded(run_ours, program)
    assert there.images == here.images  # two worlds alike
    assert theirs
    if program.adapted is None:
        assert not program.reason
        assert ours == theirs
    else:
        assert program.reason
        assert ours != theirs, "there is no difference any more"
        assert ours == program.adapted(there, theirs)
    # Contents: one piece from the SDK, pieces of 64 KiB from us.
    for sizes, (whole,) in zip(our_pieces, their_pieces, strict=True):
        assert sum(sizes) == whole
        assert all(size == 64 * 1024 for size in sizes[:-1])
        assert len(sizes) == max(1, -(-whole // (64 * 1024)))


@pytest.mark.parametrize("fields", [{}, _FIELDS, *[{name: _FIELDS[name]} for name in _FIELDS]])
def test_filters_are_the_same(fields: dict[str, Any]) -> None:
    """Also the tags filter that is always there (FI-8)."""
    ours = DataClient.create_filter(**fields)
    theirs = _filter(**fields)
    assert ours.DESCRIPTOR is not theirs.DESCRIPTOR
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(
        deterministic=True
    )


@pytest.mark.asyncio
async def test_the_same_login_arrives() -> None:
    """And its token goes with later calls (AU-1, AU-2)."""
    key, key_id = FakeViam.api_key, FakeViam.api_key_id
    async with world() as there:
        options = FakeViam().dial_options()
        official = await ViamClient.create_from_dial_options(options, app_url=there.target)
        await official.data_client.tags_by_filter()
        official.close()
        await asyncio.sleep(0)
    async with world() as here, connect(here.target, api_key=key, api_key_id=key_id) as client:
        await client.tags_by_filter()
    assert here.proxy.calls == there.proxy.calls
    assert [name for name, _ in here.proxy.calls] == ["Authenticate", "TagsByFilter"]


def test_every_parameter_of_the_installed_sdk_is_offered() -> None:
    """Under its name, or the one that the documentation gave it."""
    missing = set()
    for name, method in inspect.getmembers(DataClient, inspect.isfunction):
        if name.startswith("_") or not hasattr(OfficialClient, name):
            continue
        ours = {RENAMED.get((name, one), one) for one in inspect.signature(method).parameters}
        theirs = set(inspect.signature(getattr(OfficialClient, name)).parameters)
        missing |= {(name, parameter) for parameter in theirs - ours}
    assert missing == set()


def test_every_other_name_is_needed() -> None:
    for (method, ours), theirs in RENAMED.items():
        parameters = inspect.signature(getattr(OfficialClient, method)).parameters
        assert theirs in parameters
        assert ours not in parameters
