"""Fields that are unknown or that nobody looks at, and fakes that refuse them."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import bson
import pytest
from grpclib.const import Status

from fakeviam import wire
from fakeviam.model.errors import Refusal
from fakeviam.server.instruments import request_fields as strict
from fakeviam.server.instruments.message_fields import paths_of
from fakeviam.server.instruments.message_json import is_map, is_repeated
from fakeviam.server.instruments.strict import StrictError
from fakeviam.server.services.datasync import StreamedUpload
from fakeviam.server.state.call import Call
from fakeviam.server.transport.routes import STREAMS, built, unary_handlers
from fakeviam.wire import data, datasync
from fakeviam.wire.values import struct_from

from .driver import (
    DEFAULT_PART,
    METHODS,
    ORGANIZATION,
    RefusedError,
    Viam,
    at,
    file_parts,
    id_of,
    interval,
    reading,
    refused,
    sensor,
    upload_metadata,
)
from .fleet_requests import fleet_requests
from .newest_requests import Things, make_things, newest_requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from .conftest import Start


NUMBERS = itertools.count()
FILES = wire.dataset.DATASET_TYPE_BINARY_DATA


# What handlers read ----------------------------------------------------------------------


class Traced:
    """A message that notes which of its fields somebody looks at, however deep."""

    def __init__(self, message: Message, seen: set[str], prefix: str = "") -> None:
        self._message, self._seen, self._prefix = message, seen, prefix

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._message, name)
        field = self._message.DESCRIPTOR.fields_by_name.get(name)
        return value if field is None else self._traced(field, value)

    def HasField(self, name: str) -> bool:  # noqa: N802 - as protobuf calls it
        self._seen.add(f"{self._prefix}{name}")
        return self._message.HasField(name)

    def ListFields(self) -> Iterator[tuple[Any, Any]]:  # noqa: N802
        for field, value in self._message.ListFields():
            yield field, self._traced(field, value)

    def SerializeToString(self) -> bytes:  # noqa: N802
        """Like those of no other message: what remembers filters by this must read them anew."""
        return b"%d" % next(NUMBERS)

    def _traced(self, field: Any, value: Any) -> Any:
        path = f"{self._prefix}{field.name}"
        self._seen.add(path)
        inner = field.message_type
        if inner is None or is_map(field) or inner.full_name.startswith("google.protobuf."):
            return value
        if is_repeated(field):
            return [Traced(each, self._seen, f"{path}.") for each in value]
        return Traced(value, self._seen, f"{path}.")


FILTER = data.Filter(
    component_name="c",
    component_type="t",
    method="m",
    robot_name="r",
    robot_id="i",
    part_name="p",
    part_id="q",
    location_ids=["l"],
    organization_ids=[ORGANIZATION],
    mime_type=["image/png"],
    interval=interval(at(0), at(1)),
    bbox_labels=["b"],
    dataset_id="d",
    tags_filter=data.TagsFilter(type=data.TAGS_FILTER_TYPE_MATCH_BY_OR, tags=["x"]),
)
PAGE = data.DataRequest(filter=FILTER, limit=1, last="x", sort_order=data.ORDER_ASCENDING)
READ: dict[str, Any] = {"data_request": PAGE, "include_internal_data": True}
BOX: dict[str, Any] = {
    "label": "b",
    "x_min_normalized": 0.1,
    "y_min_normalized": 0.1,
    "x_max_normalized": 0.2,
    "y_max_normalized": 0.2,
    "confidence": 0.5,
}


def metadata_of(kind: datasync.DataTypeValue, **fields: Any) -> datasync.UploadMetadata:
    """Upload metadata with every field set."""
    made = upload_metadata(
        type=kind,
        component_type="t",
        component_name="c",
        method_name="m",
        file_name="f",
        file_extension=".jpg",
        tags=["x"],
        file_create_time=at(0),
        file_modify_time=at(0),
        **fields,
    )
    made.method_parameters["p"].SetInParent()
    return made


def sensed(**fields: Any) -> datasync.SensorMetadata:
    """Sensor metadata with every field set."""
    marks = data.Annotations(
        bboxes=[data.BoundingBox(id="i", **BOX)],
        classifications=[data.Classification(id="i", label="b", confidence=0.5)],
    )
    return sensor(at(0), at(1), annotations=marks, mime_type=datasync.MIME_TYPE_IMAGE_PNG, **fields)


def full_requests(image: str, dataset: str, things: Things) -> dict[str, list[Message]]:
    """For each RPC, requests that it serves and that together set every field there is."""
    both: dict[str, Any] = {"binary_ids": [id_of(image)], "binary_data_ids": [image]}
    one: dict[str, Any] = {"binary_id": id_of(image), "binary_data_id": image}
    narrow = data.DeleteTabularFilter(
        location_ids=["l"],
        robot_id="r",
        part_id="p",
        component_type="t",
        component_name="c",
        method="m",
        tags_filter=FILTER.tags_filter,
    )
    binary = metadata_of(datasync.DATA_TYPE_BINARY_SENSOR, dataset_ids=[dataset])
    typed = metadata_of(datasync.DATA_TYPE_BINARY_SENSOR, mime_type="image/png")
    file = metadata_of(datasync.DATA_TYPE_FILE, mime_type="image/png", dataset_ids=[dataset])
    streaming = datasync.DataCaptureUploadMetadata(upload_metadata=binary, sensor_metadata=sensed())
    typed_streaming = datasync.DataCaptureUploadMetadata(upload_metadata=typed)
    pictures = [datasync.SensorData(metadata=sensed(), binary=b"x")]
    credentials = wire.auth.Credentials(type="api-key", payload="x")
    return {
        "Authenticate": [wire.auth.AuthenticateRequest(entity="x", credentials=credentials)],
        "BinaryDataByFilter": [
            data.BinaryDataByFilterRequest(**READ, include_binary=True),
            data.BinaryDataByFilterRequest(count_only=True),
        ],
        "TabularDataByFilter": [
            data.TabularDataByFilterRequest(**READ),
            data.TabularDataByFilterRequest(count_only=True),
        ],
        "CreateBinaryDataSignedURL": [
            data.CreateBinaryDataSignedURLRequest(binary_data_id=image, expiration_minutes=1)
        ],
        "BinaryDataByIDs": [data.BinaryDataByIDsRequest(**both, include_binary=True)],
        "TabularDataByMQL": [
            data.TabularDataByMQLRequest(organization_id=ORGANIZATION, query_prefix_name="x"),
            data.TabularDataByMQLRequest(
                organization_id=ORGANIZATION,
                mql_binary=[bson.encode({"$limit": 1})],
                use_recent_data=True,
                data_source=data.TabularDataSource(
                    type=data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK, pipeline_id="x"
                ),
            ),
            data.TabularDataByMQLRequest(
                organization_id=ORGANIZATION, mql_binary=[bson.encode({"$limit": 1})]
            ),
        ],
        "TabularDataBySQL": [
            data.TabularDataBySQLRequest(organization_id=ORGANIZATION, sql_query="SELECT 1")
        ],
        "GetLatestTabularData": [
            data.GetLatestTabularDataRequest(
                part_id=DEFAULT_PART.id,
                resource_name="c",
                resource_subtype="t",
                method_name="m",
                additional_parameters=struct_from({"a": 1}),
            )
        ],
        **newest_requests(DEFAULT_PART, things),
        "TagsByFilter": [data.TagsByFilterRequest(filter=FILTER)],
        "BoundingBoxLabelsByFilter": [data.BoundingBoxLabelsByFilterRequest(filter=FILTER)],
        "AddTagsToBinaryDataByIDs": [data.AddTagsToBinaryDataByIDsRequest(**both, tags=["y"])],
        "RemoveTagsFromBinaryDataByIDs": [
            data.RemoveTagsFromBinaryDataByIDsRequest(**both, tags=["y"])
        ],
        "AddTagsToBinaryDataByFilter": [
            data.AddTagsToBinaryDataByFilterRequest(filter=FILTER, tags=["y"])
        ],
        "RemoveTagsFromBinaryDataByFilter": [
            data.RemoveTagsFromBinaryDataByFilterRequest(filter=FILTER, tags=["y"])
        ],
        "AddBoundingBoxToImageByID": [data.AddBoundingBoxToImageByIDRequest(**one, **BOX)],
        "UpdateBoundingBox": [data.UpdateBoundingBoxRequest(**one, bbox_id="none", **BOX)],
        "RemoveBoundingBoxFromImageByID": [
            data.RemoveBoundingBoxFromImageByIDRequest(**one, bbox_id="none")
        ],
        "GetDatabaseConnection": [data.GetDatabaseConnectionRequest(organization_id=ORGANIZATION)],
        "ConfigureDatabaseUser": [
            data.ConfigureDatabaseUserRequest(organization_id=ORGANIZATION, password="x")  # noqa: S106
        ],
        "AddBinaryDataToDatasetByIDs": [
            data.AddBinaryDataToDatasetByIDsRequest(**both, dataset_id=dataset)
        ],
        "RemoveBinaryDataFromDatasetByIDs": [
            data.RemoveBinaryDataFromDatasetByIDsRequest(**both, dataset_id=dataset)
        ],
        "DeleteTabularData": [
            data.DeleteTabularDataRequest(
                organization_id=ORGANIZATION, delete_older_than_days=1, filter=narrow
            )
        ],
        "DeleteBinaryDataByFilter": [
            data.DeleteBinaryDataByFilterRequest(filter=FILTER, include_internal_data=True)
        ],
        "CreateDataset": [
            wire.dataset.CreateDatasetRequest(name="n", organization_id=ORGANIZATION, type=FILES)
        ],
        "RenameDataset": [wire.dataset.RenameDatasetRequest(id=dataset, name="m")],
        "ListDatasetsByOrganizationID": [
            wire.dataset.ListDatasetsByOrganizationIDRequest(
                organization_id=ORGANIZATION, type=FILES
            )
        ],
        "ListDatasetsByIDs": [wire.dataset.ListDatasetsByIDsRequest(ids=[dataset])],
        "MergeDatasets": [
            wire.dataset.MergeDatasetsRequest(
                dataset_ids=[dataset], name="o", organization_id=ORGANIZATION
            )
        ],
        "DataCaptureUpload": [
            datasync.DataCaptureUploadRequest(metadata=binary, sensor_contents=pictures),
            datasync.DataCaptureUploadRequest(metadata=typed, sensor_contents=pictures),
            datasync.DataCaptureUploadRequest(
                metadata=metadata_of(datasync.DATA_TYPE_TABULAR_SENSOR),
                sensor_contents=[reading({"n": 1}, at(0), at(1))],
            ),
        ],
        "FileUpload": [
            datasync.FileUploadRequest(metadata=file),
            datasync.FileUploadRequest(file_contents=datasync.FileData(data=b"x")),
        ],
        "StreamingDataCaptureUpload": [
            datasync.StreamingDataCaptureUploadRequest(metadata=streaming),
            datasync.StreamingDataCaptureUploadRequest(data=b"x"),
            datasync.StreamingDataCaptureUploadRequest(metadata=typed_streaming),
        ],
        **{rpc: [request] for rpc, request in fleet_requests(DEFAULT_PART).items()},
        # Last: they take away what the others need.
        "DeleteBinaryDataByIDs": [data.DeleteBinaryDataByIDsRequest(**both)],
        "DeleteDataset": [wire.dataset.DeleteDatasetRequest(id=dataset)],
    }


def served_with(call: Call, requests: list[Message], seen: set[str]) -> None:
    """Let a handler, or an upload's stream, have these requests; what it refuses is no matter."""
    form = {name: form for table in STREAMS.values() for name, form in table.items()}.get(
        call.record.rpc
    )
    if form is not None:
        upload = StreamedUpload(call=call, form=form)
        for request in requests:
            with suppress(Refusal):  # one metadata comes twice
                upload.receive(cast("Message", Traced(request, seen)))
        upload.finish()
        return
    handler = unary_handlers(METHODS[call.record.rpc].service)[call.record.rpc]
    for request in requests:
        with suppress(Refusal):
            traced = Traced(request, seen)
            if handler.grounds is not None:
                call.cite(handler.grounds(traced, call.policy))
            handler.handle(call, traced)


@pytest.mark.asyncio
async def test_the_table_of_unread_fields_is_what_handlers_do_not_read(viam: Viam) -> None:
    """Each RPC is served requests with every field set, and what is looked at is traced (ST-4)."""
    image, dataset = await viam.upload("a"), await viam.create_dataset()
    things = await make_things(viam)
    unread = {}
    for rpc, requests in full_requests(image, dataset, things).items():
        seen: set[str] = set()
        method = METHODS[rpc]
        served_with(Call.detached(viam.cloud._cloud, method), requests, seen)
        every = set(paths_of(method.request.DESCRIPTOR))
        given = {path for request in requests for path in strict._set(request, "")}
        assert every <= given, (rpc, every - given)
        if missed := every - seen:
            unread[rpc] = missed
    assert unread == dict(strict.UNREAD)
    assert set(full_requests(image, dataset, things)) == built()


# What the journal says -------------------------------------------------------------------


def with_unknown(message: Any) -> Any:
    """The same message with a field 17 more, as a newer client would send it."""
    made = type(message)()
    made.MergeFromString(message.SerializeToString() + b"\x88\x01\x01")
    return made


@pytest.mark.asyncio
async def test_the_journal_tells_what_was_asked_in_vain(viam: Viam) -> None:
    """Unknown, unread and deprecated fields, however deep; calls are served as ever (ST-4)."""
    deep = data.TagsByFilterRequest(filter=with_unknown(data.Filter()))
    await viam.rpc("TagsByFilter", deep)
    image = await viam.upload("a")
    await viam.rpc("BinaryDataByIDs", data.BinaryDataByIDsRequest(binary_ids=[id_of(image)]))
    first, _, last = viam.cloud.calls
    assert first.unknown_fields == ("filter.#17",)
    assert first.unread_fields == first.deprecated_fields == ()
    assert last.unknown_fields == ()
    assert last.deprecated_fields == ("binary_ids",)
    assert last.to_json()["deprecated_fields"] == ["binary_ids"]
    assert first.status == last.status == "OK"
    viam.cloud.check()


@pytest.mark.asyncio
async def test_unread_fields_are_told(viam: Viam) -> None:
    """Those that a handler has no use for (ST-4)."""
    annotated = data.Annotations(bboxes=[data.BoundingBox(id="mine", **BOX)])
    await viam.upload("a", annotations=annotated)
    call = viam.cloud.calls.last()
    assert call.unread_fields == ("sensor_contents.metadata.annotations.bboxes.id",)


# Strict fakes ----------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_strict_fake_refuses_what_it_would_ignore(start: Start) -> None:
    """Nothing is stored, and the text says which field and what to do (ST-1)."""
    viam = await start(strict=True)
    request = with_unknown(data.DeleteBinaryDataByFilterRequest())
    text = (
        "strict=True refuses DeleteBinaryDataByFilter: unknown: #17 (fakeviam's protos "
        "do not have it; update fakeviam, or do not send it)"
    )
    with viam.refuses(Status.FAILED_PRECONDITION, "ST-1", text):
        await viam.rpc("DeleteBinaryDataByFilter", request)
    annotated = data.Annotations(bboxes=[data.BoundingBox(id="mine", **BOX)])
    with viam.refuses(Status.FAILED_PRECONDITION, "ST-1", "unread: sensor_contents.metadata"):
        await viam.upload("a", annotations=annotated)
    parts = file_parts(b"x")
    parts[1] = with_unknown(parts[1])
    with viam.refuses(Status.FAILED_PRECONDITION, "ST-1", "unknown: #17"):
        await viam.rpc("FileUpload", *parts)


@pytest.mark.asyncio
async def test_a_strict_fake_refuses_what_is_deprecated(start: Start) -> None:
    """RPCs and fields; what has taken their place is served (ST-2)."""
    viam = await start(strict=True)
    image = await viam.upload("a")
    for method in wire.methods():
        if method.deprecated:
            with viam.refuses(Status.FAILED_PRECONDITION, "ST-2", "deprecated: the RPC"):
                await viam.rpc(method.name, method.request())
    with viam.refuses(Status.FAILED_PRECONDITION, "ST-2", "deprecated: binary_ids"):
        await viam.rpc("BinaryDataByIDs", data.BinaryDataByIDsRequest(binary_ids=[id_of(image)]))
    assert (await viam.by_ids(image)).count == 1


@pytest.mark.asyncio
async def test_check_names_every_call_that_asked_in_vain(start: Start) -> None:
    """After all of them, and not after a reset (ST-3)."""
    viam = await start(strict=True)
    viam.cloud.check()
    with suppress(RefusedError):
        await viam.rpc("BinaryDataByIDs", with_unknown(data.BinaryDataByIDsRequest()))
    with suppress(RefusedError):
        await viam.rpc("GetTrainingJob", METHODS["GetTrainingJob"].request())
    with suppress(RefusedError):
        await viam.rpc("TagsByFilter", data.TagsByFilterRequest())
    with pytest.raises(StrictError) as caught:
        viam.cloud.check()
    assert str(caught.value) == (
        "strict=True: these calls used something that the fake does not support, so their replies "
        "prove nothing:\n"
        "  call 1 (BinaryDataByIDs): unknown: #17 (fakeviam's protos do not have it; "
        "update fakeviam, or do not send it)\n"
        "  call 2 (GetTrainingJob): unimplemented: the RPC (it is not implemented; script "
        "the reply with cloud.replies)\n"
        "  call 3 (TagsByFilter): deprecated: the RPC (Viam's protos mark it as deprecated and "
        "name nothing instead)"
    )
    viam.cloud.reset()
    viam.cloud.check()


@pytest.mark.asyncio
async def test_what_is_deprecated_names_its_replacement(start: Start) -> None:
    """RPCs and fields for which Viam's protos have another (ST-2)."""
    viam = await start(strict=True)
    with viam.refuses(Status.FAILED_PRECONDITION, "ST-2", "; use AddTagsToBinaryDataByIDs)"):
        await viam.rpc("AddTagsToBinaryDataByFilter", data.AddTagsToBinaryDataByFilterRequest())
    request = data.BinaryDataByIDsRequest(binary_ids=[data.BinaryID(file_id="x")])
    with viam.refuses(Status.FAILED_PRECONDITION, "ST-2", "; use binary_data_ids)"):
        await viam.rpc("BinaryDataByIDs", request)


@pytest.mark.asyncio
async def test_sessions_are_as_strict_as_their_fake(start: Start) -> None:
    """Each for itself: what one was asked is no matter to another (ST-3, SS-1)."""
    viam = await start(strict=True)
    with viam.cloud.session() as session:
        with refused(Status.FAILED_PRECONDITION, "ST-2"):
            await viam.rpc(
                "TagsByFilter", data.TagsByFilterRequest(), metadata=dict(session.metadata)
            )
        with pytest.raises(StrictError, match=r"call 1 \(TagsByFilter\)"):
            session.check()
        viam.cloud.check()


@pytest.mark.asyncio
async def test_a_scripted_reply_makes_an_rpc_that_the_fake_has_not(start: Start) -> None:
    """A strict fake does not object to it (ST-3)."""
    viam = await start(strict=True)
    viam.cloud.replies.on("GetTrainingJob").respond({})
    await viam.rpc("GetTrainingJob", METHODS["GetTrainingJob"].request())
    viam.cloud.check()
