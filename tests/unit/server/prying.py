"""Every question by which a client could learn what another organization has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bson

from fakeviam.wire import data, dataset, datasync

from .driver import (
    DEFAULT_PART,
    ORGANIZATION,
    file_parts,
    id_of,
    stream_parts,
    tagged,
    upload_metadata,
)
from .fleet_requests import fleet_requests
from .newest_requests import READS, Things, newest_requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from google.protobuf.message import Message

    from fakeviam.model.fleet import Part

#: An id that nobody has, where there is none of theirs.
GUESSED = "f" * 24


@dataclass(kw_only=True)
class Known:
    """Every id and name of theirs that somebody could have got hold of."""

    part: Part
    binary: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    things: Things = field(default_factory=Things)


def questions(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    """Every RPC, in every way that could touch what is theirs; writes last."""
    yield from asking(ours, known)
    yield from writing(ours, known)
    yield from asking(ours, known)


def filters(known: Known) -> list[data.Filter]:
    """Filters that name what is theirs, in each field that can."""
    part = known.part
    named = [
        data.Filter(robot_id=part.robot_id),
        data.Filter(robot_name=part.robot_name),
        data.Filter(part_id=part.id),
        data.Filter(part_name=part.name),
    ]
    several = [
        data.Filter(location_ids=[part.location_id]),
        data.Filter(organization_ids=[part.organization_id]),
        data.Filter(organization_ids=[ORGANIZATION, part.organization_id]),
        data.Filter(dataset_id=(known.datasets or [GUESSED])[0]),
        data.Filter(bbox_labels=["cat", "dog", "own", "theirs"]),
    ]
    labels = [f"VIAM_DATASET_{each}" for each in known.datasets or [GUESSED]]
    tags = [
        tagged("cat", "dog", "own", "theirs", *labels),
        tagged(kind=data.TAGS_FILTER_TYPE_TAGGED),
        tagged(kind=data.TAGS_FILTER_TYPE_UNTAGGED),
    ]
    return [data.Filter(), *named, *several, *tags]


def asking(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    pages = [data.DataRequest(filter=wanted, limit=2) for wanted in filters(known)]
    pages += [data.DataRequest(last=last, limit=1) for last in known.tokens if last]
    for page in pages:
        for flags in ({}, {"count_only": True}, {"include_internal_data": True}):
            yield (
                "TabularDataByFilter",
                [data.TabularDataByFilterRequest(data_request=page, **flags)],
            )
            for bytes_too in (False, True):
                yield (
                    "BinaryDataByFilter",
                    [
                        data.BinaryDataByFilterRequest(
                            data_request=page, include_binary=bytes_too, **flags
                        )
                    ],
                )
    for wanted in filters(known):
        yield "TagsByFilter", [data.TagsByFilterRequest(filter=wanted)]
        yield "BoundingBoxLabelsByFilter", [data.BoundingBoxLabelsByFilterRequest(filter=wanted)]
    for named in by_ids(ours, known):
        yield "BinaryDataByIDs", [data.BinaryDataByIDsRequest(**named, include_binary=True)]
    for part in (known.part, DEFAULT_PART):
        yield from querying(part, known)
    theirs = known.part.organization_id
    yield "GetDatabaseConnection", [data.GetDatabaseConnectionRequest(organization_id=theirs)]
    for organization in ("", theirs, ORGANIZATION):
        yield (
            "ListDatasetsByOrganizationID",
            [dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization)],
        )
    ids = [*known.datasets, GUESSED, ours[1]]
    yield "ListDatasetsByIDs", [dataset.ListDatasetsByIDsRequest(ids=ids)]
    yield from asking_for_links_and_fleets(ours, known)


def newest(
    part: Part, known: Known, chosen: AbstractSet[str]
) -> Iterator[tuple[str, list[Message]]]:
    """The newest RPCs of these names, about what is theirs and what is nobody's."""
    for things in (known.things, Things()):
        for rpc, requests in newest_requests(part, things).items():
            if rpc in chosen:
                yield from ((rpc, [request]) for request in requests)


def querying(part: Part, known: Known) -> Iterator[tuple[str, list[Message]]]:
    """Queries of an organization's readings, and the latest of a part."""
    for stages in ([], [{"$match": {"part_id": part.id}}], [{"$sortByCount": "$part_id"}]):
        yield (
            "TabularDataByMQL",
            [
                data.TabularDataByMQLRequest(
                    organization_id=part.organization_id, mql_binary=map(bson.encode, stages)
                )
            ],
        )
    yield from newest(part, known, READS)
    for statement in (
        "SELECT * FROM readings",
        f"SELECT part_id FROM readings WHERE part_id = '{part.id}'",  # noqa: S608 - an id
        "SELECT part_id, COUNT(*) FROM readings GROUP BY part_id",
    ):
        request = data.TabularDataBySQLRequest(
            organization_id=part.organization_id, sql_query=statement
        )
        yield "TabularDataBySQL", [request]
    for name in ("", "x"):  # readings of these tests have no names: nothing, or a refusal
        yield (
            "GetLatestTabularData",
            [
                data.GetLatestTabularDataRequest(
                    part_id=part.id, resource_name=name, resource_subtype="x", method_name="x"
                )
            ],
        )


def asking_for_links_and_fleets(
    ours: tuple[str, str, str], known: Known
) -> Iterator[tuple[str, list[Message]]]:
    for name in (*known.binary, ours[0]):
        link = data.CreateBinaryDataSignedURLRequest(binary_data_id=name)
        yield "CreateBinaryDataSignedURL", [link]
    for part in (known.part, DEFAULT_PART):
        for rpc, request in fleet_requests(part).items():
            if not rpc.startswith("Update"):
                yield rpc, [request]


def by_ids(ours: tuple[str, str, str], known: Known) -> list[dict[str, Any]]:
    """Both forms of id, alone and together with one that the caller may see."""
    guessed = f"{known.part.organization_id}/{known.part.location_id}/{'f' * 64}"
    theirs = [*known.binary[:4], guessed]
    bare = data.BinaryID(file_id=id_of(theirs[0]).file_id)
    posing = f"{ORGANIZATION}/{id_of(ours[0]).location_id}/{bare.file_id}"
    return [
        {"binary_data_ids": theirs},
        {"binary_data_ids": [posing, ours[0]]},
        {"binary_ids": [id_of(theirs[0])]},
        {"binary_ids": [bare]},
        {"binary_ids": [bare], "binary_data_ids": [ours[0]]},
    ]


def writing(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    record, own_dataset, own_box = ours
    their_dataset = (known.datasets or [GUESSED])[0]
    their_box = (known.boxes or [GUESSED])[0]
    theirs = known.part.organization_id
    for named in by_ids(ours, known):
        yield (
            "AddTagsToBinaryDataByIDs",
            [data.AddTagsToBinaryDataByIDsRequest(**named, tags=["new"])],
        )
        yield (
            "RemoveTagsFromBinaryDataByIDs",
            [data.RemoveTagsFromBinaryDataByIDsRequest(**named, tags=["cat", "new"])],
        )
        for each in (their_dataset, own_dataset):
            yield (
                "AddBinaryDataToDatasetByIDs",
                [data.AddBinaryDataToDatasetByIDsRequest(**named, dataset_id=each)],
            )
            yield (
                "RemoveBinaryDataFromDatasetByIDs",
                [data.RemoveBinaryDataFromDatasetByIDsRequest(**named, dataset_id=each)],
            )
        one = {f"{name.removesuffix('s')}": values[0] for name, values in list(named.items())[:1]}
        yield (
            "AddBoundingBoxToImageByID",
            [
                data.AddBoundingBoxToImageByIDRequest(
                    **one, label="new", x_max_normalized=1, y_max_normalized=1
                )
            ],
        )
        for box in (their_box, own_box):
            yield (
                "UpdateBoundingBox",
                [data.UpdateBoundingBoxRequest(**one, bbox_id=box, label="changed")],
            )
            yield (
                "RemoveBoundingBoxFromImageByID",
                [data.RemoveBoundingBoxFromImageByIDRequest(**one, bbox_id=box)],
            )
    for wanted in filters(known):
        yield (
            "AddTagsToBinaryDataByFilter",
            [data.AddTagsToBinaryDataByFilterRequest(filter=wanted, tags=["more"])],
        )
        yield (
            "RemoveTagsFromBinaryDataByFilter",
            [data.RemoveTagsFromBinaryDataByFilterRequest(filter=wanted, tags=["cat", "more"])],
        )
    for rpc, request in fleet_requests(known.part).items():
        if rpc.startswith("Update"):
            yield rpc, [request]
    yield from newest(known.part, known, newest_requests(known.part).keys() - READS)
    yield from datasets_of(ours, known)
    yield from uploads(known, their_dataset)
    yield (
        "ConfigureDatabaseUser",
        [
            data.ConfigureDatabaseUserRequest(organization_id=theirs, password="x")  # noqa: S106
        ],
    )
    for organization in ("", theirs, ORGANIZATION):
        yield "DeleteTabularData", [data.DeleteTabularDataRequest(organization_id=organization)]
    for named in by_ids((record, own_dataset, own_box), known)[:1]:
        yield "DeleteBinaryDataByIDs", [data.DeleteBinaryDataByIDsRequest(**named)]
    for wanted in filters(known)[1:]:
        yield "DeleteBinaryDataByFilter", [data.DeleteBinaryDataByFilterRequest(filter=wanted)]
    yield "DeleteBinaryDataByFilter", [data.DeleteBinaryDataByFilterRequest()]


def datasets_of(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    theirs, own = (known.datasets or [GUESSED])[0], ours[1]
    for name in ("cat", "dog", "own", "theirs"):  # taken in the other organization, perhaps
        for organization in (known.part.organization_id, ORGANIZATION):
            yield (
                "CreateDataset",
                [dataset.CreateDatasetRequest(name=name, organization_id=organization)],
            )
    for organization in (known.part.organization_id, ORGANIZATION):
        yield (
            "MergeDatasets",
            [
                dataset.MergeDatasetsRequest(
                    dataset_ids=[own, theirs], name="merged", organization_id=organization
                )
            ],
        )
    yield "RenameDataset", [dataset.RenameDatasetRequest(id=theirs, name="cat")]
    yield "RenameDataset", [dataset.RenameDatasetRequest(id=own, name="theirs")]
    yield "DeleteDataset", [dataset.DeleteDatasetRequest(id=theirs)]


def uploads(known: Known, their_dataset: str) -> Iterator[tuple[str, list[Message]]]:
    for fields in ({"part_id": known.part.id}, {"dataset_ids": [their_dataset]}):
        sensed = datasync.DataCaptureUploadRequest(
            metadata=upload_metadata(type=datasync.DATA_TYPE_BINARY_SENSOR, **fields),
            sensor_contents=[datasync.SensorData(binary=b"x")],
        )
        yield "DataCaptureUpload", [sensed]
        yield "FileUpload", [*file_parts(b"x", **fields)]
        yield "StreamingDataCaptureUpload", [*stream_parts(b"x", **fields)]
