"""Labels: which clauses an answer rested on, and what min_evidence refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Clause, Evidence, Policy, UsageError
from fakeviam.model.catalogue import CATALOGUE
from fakeviam.server.instruments.evidence_ledger import EvidenceLedger
from fakeviam.wire import auth, data
from fakeviam.wire import dataset as wire
from fakeviam.wire.well_known import Any as Packed

from .driver import (
    ORGANIZATION,
    Viam,
    at,
    file_parts,
    id_of,
    interval,
    reading,
    refused,
    sensor,
    stream_parts,
    tagged,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .conftest import Start

    Act = Callable[[Viam, "World"], Awaitable[Any]]

pytestmark = pytest.mark.asyncio


class World:
    """What there is before a scenario begins."""

    def __init__(self, image: str, other: str, box: str, dataset: str, second: str) -> None:
        self.image = image
        self.other = other
        self.box = box
        self.dataset = dataset
        self.second = second


async def build(viam: Viam) -> World:
    """Two images, one of them with everything, readings and two datasets."""
    dataset, second = await viam.create_dataset("1"), await viam.create_dataset("2")
    image = await viam.upload("a", requested=at(1), tags=["x"], dataset_ids=[dataset])
    other = await viam.upload("b", requested=at(2), tags=["x", "y"])
    box = await viam.add_box(image)
    await viam.upload_readings(reading({"n": 1}, at(-9e5)), reading({"n": 2}, at(0)), tags=["t"])
    return World(image, other, box, dataset, second)


def trust(viam: Viam, *, but: Iterable[str]) -> None:
    """From now on, answers that rest on these clauses are refused, and nothing else is."""
    ledger = EvidenceLedger(Evidence.OBSERVED)
    ledger._too_weak = frozenset(but)
    viam.cloud._cloud.ledger = ledger


#: Every RPC that changes something, in the ways that cite the most.
CHANGES: dict[str, Act] = {
    "upload a file by DataCaptureUpload": lambda viam, world: viam.upload(
        "new",
        ext="txt",
        dataset_ids=[world.dataset],
        tags=["x"],
        method_parameters={"a": Packed()},
    ),
    "upload an image with times and boxes": lambda viam, _: viam.upload(
        "new",
        requested=at(1),
        received=at(2),
        mime_type="image/png",
        annotations=data.Annotations(bboxes=[data.BoundingBox(label="a")]),
    ),
    "upload readings": lambda viam, world: viam.upload_readings(
        reading({"n": 1}, at(1), at(2)), reading({"n": 2}), dataset_ids=[world.dataset]
    ),
    "FileUpload": lambda viam, world: viam.rpc(
        "FileUpload",
        *file_parts(b"x", file_extension="png", file_create_time=at(), dataset_ids=[world.dataset]),
    ),
    "StreamingDataCaptureUpload": lambda viam, _: viam.rpc(
        "StreamingDataCaptureUpload", *stream_parts(b"x", sensor_metadata=sensor(at()))
    ),
    "DeleteTabularData": lambda viam, _: viam.rpc(
        "DeleteTabularData",
        data.DeleteTabularDataRequest(
            organization_id=ORGANIZATION,
            delete_older_than_days=2,
            filter=data.DeleteTabularFilter(tags_filter=data.TagsFilter(tags=["t"])),
        ),
    ),
    "DeleteBinaryDataByFilter": lambda viam, world: viam.rpc(
        "DeleteBinaryDataByFilter",
        data.DeleteBinaryDataByFilterRequest(
            filter=data.Filter(
                dataset_id=world.dataset,
                interval=interval(at(0), at(5)),
                mime_type=["image/jpeg"],
                tags_filter=data.TagsFilter(type=data.TAGS_FILTER_TYPE_MATCH_BY_OR),
            )
        ),
    ),
    "DeleteBinaryDataByIDs": lambda viam, world: viam.rpc(
        "DeleteBinaryDataByIDs",
        data.DeleteBinaryDataByIDsRequest(
            binary_data_ids=["x", world.image], binary_ids=[data.BinaryID(), id_of(world.other)]
        ),
    ),
    "AddTagsToBinaryDataByIDs": lambda viam, world: viam.add_tags(
        world.image, "a/b/c", tags=["new", "VIAM_DATASET_x"]
    ),
    "AddTagsToBinaryDataByIDs, all known": lambda viam, world: viam.add_tags(
        world.image, world.other, tags=["new"]
    ),
    "AddTagsToBinaryDataByFilter": lambda viam, _: viam.rpc(
        "AddTagsToBinaryDataByFilter",
        data.AddTagsToBinaryDataByFilterRequest(filter=tagged("x"), tags=["new"]),
    ),
    "RemoveTagsFromBinaryDataByIDs": lambda viam, world: viam.rpc(
        "RemoveTagsFromBinaryDataByIDs",
        data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=[world.image], tags=["x"]),
    ),
    "RemoveTagsFromBinaryDataByFilter": lambda viam, _: viam.rpc(
        "RemoveTagsFromBinaryDataByFilter",
        data.RemoveTagsFromBinaryDataByFilterRequest(tags=["x"]),
    ),
    "AddBoundingBoxToImageByID": lambda viam, world: viam.add_box(world.other, confidence=1.0),
    "UpdateBoundingBox": lambda viam, world: viam.rpc(
        "UpdateBoundingBox",
        data.UpdateBoundingBoxRequest(
            binary_data_id=world.image, bbox_id=world.box, label="new", confidence=0.5
        ),
    ),
    "RemoveBoundingBoxFromImageByID": lambda viam, world: viam.rpc(
        "RemoveBoundingBoxFromImageByID",
        data.RemoveBoundingBoxFromImageByIDRequest(
            binary_id=data.BinaryID(file_id=world.image.rpartition("/")[2]), bbox_id=world.box
        ),
    ),
    "AddBinaryDataToDatasetByIDs": lambda viam, world: viam.add_members(
        world.dataset, world.image, world.other
    ),
    "RemoveBinaryDataFromDatasetByIDs": lambda viam, world: viam.rpc(
        "RemoveBinaryDataFromDatasetByIDs",
        data.RemoveBinaryDataFromDatasetByIDsRequest(
            dataset_id=world.dataset, binary_data_ids=[world.image, world.other]
        ),
    ),
    "CreateDataset": lambda viam, _: viam.create_dataset("new"),
    "RenameDataset": lambda viam, world: viam.rpc(
        "RenameDataset", wire.RenameDatasetRequest(id=world.dataset, name="new")
    ),
    "DeleteDataset": lambda viam, world: viam.rpc(
        "DeleteDataset", wire.DeleteDatasetRequest(id=world.dataset)
    ),
    "MergeDatasets": lambda viam, world: viam.rpc(
        "MergeDatasets",
        wire.MergeDatasetsRequest(
            organization_id=ORGANIZATION, name="new", dataset_ids=[world.dataset, world.second]
        ),
    ),
    "ConfigureDatabaseUser": lambda viam, _: viam.rpc(
        "ConfigureDatabaseUser",
        data.ConfigureDatabaseUserRequest(organization_id=ORGANIZATION, password="p"),  # noqa: S106
    ),
}

#: Every RPC that only reads.
READS: dict[str, Act] = {
    "BinaryDataByFilter": lambda viam, _: viam.binary(limit=101, include_binary=True),
    "a page of several": lambda viam, _: viam.binary(limit=1),
    "counting": lambda viam, _: viam.binary(count_only=True),
    "TabularDataByFilter": lambda viam, _: viam.tabular(data.Filter(mime_type=["x"])),
    "BinaryDataByIDs": lambda viam, world: viam.by_ids(world.image, "x"),
    "TagsByFilter": lambda viam, _: viam.tags_by_filter(),
    "BoundingBoxLabelsByFilter": lambda viam, _: viam.rpc(
        "BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest()
    ),
    "GetDatabaseConnection": lambda viam, _: viam.rpc(
        "GetDatabaseConnection", data.GetDatabaseConnectionRequest(organization_id=ORGANIZATION)
    ),
    "ListDatasetsByOrganizationID": lambda viam, _: viam.rpc(
        "ListDatasetsByOrganizationID",
        wire.ListDatasetsByOrganizationIDRequest(
            organization_id=ORGANIZATION, type=wire.DATASET_TYPE_BINARY_DATA
        ),
    ),
    "ListDatasetsByIDs": lambda viam, world: viam.rpc(
        "ListDatasetsByIDs", wire.ListDatasetsByIDsRequest(ids=[world.dataset])
    ),
    "Authenticate": lambda viam, _: viam.rpc("Authenticate", auth.AuthenticateRequest()),
}


#: What a strict reader of the documentation alone can be served: calls whose clauses are all
#: documented. The others rest on what clients rely on or on what we assume, because of what
#: these scenarios ask for: no order (A1), several ids (BI-3), no times (A28), …
DOCUMENTED = {
    "AddBoundingBoxToImageByID",
    "AddTagsToBinaryDataByFilter",
    "AddTagsToBinaryDataByIDs, all known",
    "Authenticate",
    "ConfigureDatabaseUser",
    "CreateDataset",
    "DeleteDataset",
    "DeleteTabularData",
    "ListDatasetsByIDs",
    "RemoveTagsFromBinaryDataByIDs",
    "RenameDataset",
}


async def cited_by(start: Start, act: Act, **options: Any) -> frozenset[str]:
    """The clauses that a scenario rests on."""
    viam = await start(**options)
    world = await build(viam)
    trust(viam, but=())
    before = viam.contents()
    await act(viam, world)
    changed = viam.contents() != before
    assert changed is (act in CHANGES.values())
    return viam.cited()


# A refusal for want of evidence leaves no trace ------------------------------------------


@pytest.mark.parametrize("name", [*CHANGES, *READS])
@pytest.mark.thinned(4)
async def test_each_clause_is_cited_before_anything_is_written(start: Start, name: str) -> None:
    """Whichever clause is too weak: FAILED_PRECONDITION names it, and nothing changed (SV-5)."""
    act = {**CHANGES, **READS}[name]
    cited = await cited_by(start, act)
    assert cited
    viam = await start()
    world = await build(viam)
    for clause in cited:
        trust(viam, but=[clause])
        with viam.refuses(Status.FAILED_PRECONDITION, "SV-5", f"this reply depends on {clause} ("):
            await act(viam, world)


@pytest.mark.parametrize("name", [*CHANGES, *READS])
@pytest.mark.thinned(4)
async def test_min_evidence_refuses_exactly_what_is_weaker(start: Start, name: str) -> None:
    """The same call is served or refused, by the weakest clause it rests on (SV-5)."""
    act = {**CHANGES, **READS}[name]
    cited = await cited_by(start, act)
    levels = {CATALOGUE[clause].evidence for clause in cited} if name != "Authenticate" else set()
    weakest = min(levels, default=Evidence.DOCUMENTED)
    assert (weakest is Evidence.DOCUMENTED) is (name in DOCUMENTED), "a change here must be meant"
    viam = await start()
    world = await build(viam)
    for level in ("documented", "relied-on", "observed"):
        viam.cloud._cloud.ledger = EvidenceLedger(Evidence.of(level))
        if weakest >= Evidence.of(level):
            await act(viam, world)
            return
        with viam.refuses(Status.FAILED_PRECONDITION, "SV-5", f"but min_evidence is {level}"):
            await act(viam, world)


async def test_a_refusal_rests_on_evidence_too(start: Start) -> None:
    """That a label must not be blank is our inference; out of range is documented (SV-5, BX-3)."""
    viam = await start()
    image = await viam.upload("a")
    viam.cloud._cloud.ledger = EvidenceLedger(Evidence.RELIED_ON)
    with viam.refuses(
        Status.FAILED_PRECONDITION, "SV-5", "depends on BX-3 (assumed: A blank label"
    ):
        await viam.add_box(image, " ")
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-2"):
        await viam.add_box(image, x_max_normalized=2.0)
    with viam.refuses(Status.FAILED_PRECONDITION, "SV-5", "depends on A22 (observed: "):
        await viam.upload("a", part_id="no")


async def test_a_stream_is_refused_before_it_ends(start: Start) -> None:
    """Its metadata already rests on too little (SV-5)."""
    viam = await start(min_evidence="relied-on")
    with viam.refuses(Status.FAILED_PRECONDITION, "SV-5", "depends on A24"):
        async with viam.calling("FileUpload") as stream:
            await stream.send_request()
            await stream.send_message(file_parts(file_extension=".txt")[0])
            await stream.recv_message()


async def test_an_unknown_level_is_refused(start: Start) -> None:
    """By the constructor (SV-5)."""
    with pytest.raises(UsageError, match="must be one of documented, relied-on, observed, assumed"):
        await start(min_evidence="certain")


# What an ordinary test can ask for -------------------------------------------------------


async def test_an_ordinary_test_rests_on_no_assumption(start: Start) -> None:
    """Upload, query, tag, box, dataset, delete: all served under relied-on (SV-5)."""
    viam = await start(min_evidence="relied-on")
    await viam.rpc("Authenticate", auth.AuthenticateRequest())
    dataset = await viam.create_dataset("cats")
    times = {"requested": at(1), "received": at(2)}
    ids = [
        await viam.upload(name, component_name="cam", requested=at(n), received=at(n))
        for n, name in enumerate("ab")
    ]
    stored = await viam.rpc(
        "StreamingDataCaptureUpload",
        *stream_parts(b"x", sensor_metadata=sensor(at(5), at(6)), file_extension=".png"),
    )
    await viam.upload_readings(reading({"n": 1}, **times), reading({"n": 2}, at(3), at(4)))
    await viam.add_box(ids[0], "cat", confidence=0.5)
    await viam.add_members(dataset, *ids)
    assert await viam.names(data.Filter(component_name="cam")) == ["a", "b"]
    assert await viam.names(data.Filter(dataset_id=dataset)) == ["a", "b"]
    assert await viam.names(data.Filter(bbox_labels=["cat"])) == ["a"]
    assert await viam.names(tagged(kind=data.TAGS_FILTER_TYPE_UNTAGGED)) == ["a", "b", ""]
    assert await viam.numbers() == [1, 2]
    assert (await viam.by_ids(*ids, include_binary=True)).data[0].binary == b"bytes"
    assert (await viam.binary(count_only=True)).count == 3
    await viam.rpc(
        "DeleteBinaryDataByIDs",
        data.DeleteBinaryDataByIDsRequest(binary_data_ids=[*ids, stored.binary_data_id]),
    )
    await viam.rpc("DeleteDataset", wire.DeleteDatasetRequest(id=dataset))
    request = data.DeleteTabularDataRequest(organization_id=ORGANIZATION)
    assert (await viam.rpc("DeleteTabularData", request)).deleted_count == 2
    assert viam.cloud.assumptions_used == ()


# What was cited --------------------------------------------------------------------------


async def test_assumptions_are_listed_with_their_sentences(viam: Viam) -> None:
    """cloud.assumptions_used names what nobody documented and no client relies on (A1)."""
    assert not viam.cloud.clauses_used
    assert not viam.cloud.assumptions_used
    await viam.upload("a", requested=at(1), received=at(1))
    await viam.upload("b", requested=at(2), received=at(2))
    assert not viam.cloud.assumptions_used
    await viam.binary()
    (assumption,) = viam.cloud.assumptions_used
    assert isinstance(assumption, Clause)
    assert assumption == CATALOGUE["A1"]
    assert "newest come first" in assumption.text
    await viam.binary(limit=1)
    # That the counts of a page are its own is what a shipping client relies on.
    assert [clause.id for clause in viam.cloud.assumptions_used] == ["A1"]
    assert CATALOGUE["A4"] in viam.cloud.clauses_used


async def test_clauses_stand_in_the_order_of_the_catalogue(viam: Viam) -> None:
    """Each once, and those of refusals too (A13)."""
    with refused(Status.INVALID_ARGUMENT, "ID-5"):
        await viam.by_ids()
    for _ in range(2):
        await viam.by_ids("x")
    used = [clause.id for clause in viam.cloud.clauses_used]
    assert used == [name for name in CATALOGUE if name in used]
    assert {"ID-5", "A13", "ID-7"} <= set(used)


async def test_a_reset_forgets_what_was_cited(viam: Viam) -> None:
    """The next test's list is its own (SV-5)."""
    await viam.by_ids("x")
    viam.cloud.reset()
    assert viam.cloud.clauses_used == ()


async def test_clouds_list_their_own(start: Start) -> None:
    """What one cites the other does not (SV-5)."""
    one, other = await start(), await start()
    await one.by_ids("x")
    assert other.cloud.clauses_used == ()


async def test_policies_may_avoid_an_assumption(start: Start) -> None:
    """Labels that are hidden are not cited (A10, SV-5)."""
    viam = await start(policy=Policy(dataset_label="hidden"))
    dataset = await viam.create_dataset()
    await viam.upload("a", dataset_ids=[dataset])
    await viam.tags_by_filter()
    assert not {"A10", "DM-2"} & viam.cited()


async def test_keys_are_checked_on_our_own_inference(start: Start) -> None:
    """What a key sees is assumed, so only the login is served under relied-on (AU-1, AU-4, A51)."""
    viam = await start(auth="keys", min_evidence="relied-on")
    credentials = auth.Credentials(type="api-key", payload=viam.cloud.api_key)
    request = auth.AuthenticateRequest(entity=viam.cloud.api_key_id, credentials=credentials)
    token = (await viam.rpc("Authenticate", request)).access_token
    headers = {"authorization": f"Bearer {token}"}
    with viam.refuses(Status.FAILED_PRECONDITION, "SV-5", "depends on AU-4 (assumed: "):
        await viam.rpc("TagsByFilter", data.TagsByFilterRequest(), metadata=headers)
