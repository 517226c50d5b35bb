"""Obligations about ids, the data that they name, and datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam.wire import data, dataset
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import METADATA, Scenario, obligation, same
from fakeviam_contracts.clients.obligations.values import ALIKE, awkward, many
from fakeviam_contracts.clients.protocol import Asked, Id
from fakeviam_contracts.clients.scripted import Refuse

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES = [Id("o", "l", "f2"), Id("O ", " l", awkward("f"))]
STRINGS = replies.ids(2, 1)
DATASET = awkward("dataset")

#: All are distinct, and neither a few digits nor a 32-bit float can represent them.
CORNERS = {
    "x_min_normalized": 0.1,
    "y_min_normalized": 0.234_567_891_234,
    "x_max_normalized": 0.712_345_678_9,
    "y_max_normalized": 0.987_654_321_098,
}

#: Methods that take ids: their RPC, and their other arguments.
BY_IDS: dict[str, tuple[str, dict[str, object]]] = {
    "binary_data_by_ids": ("BinaryDataByIDs", {}),
    "delete_binary_data_by_ids": ("DeleteBinaryDataByIDs", {}),
    "add_tags_to_binary_data_by_ids": ("AddTagsToBinaryDataByIDs", {"tags": ["t"]}),
    "remove_tags_from_binary_data_by_ids": ("RemoveTagsFromBinaryDataByIDs", {"tags": ["t"]}),
    "add_binary_data_to_dataset_by_ids": ("AddBinaryDataToDatasetByIDs", {"dataset_id": DATASET}),
    "remove_binary_data_from_dataset_by_ids": (
        "RemoveBinaryDataFromDatasetByIDs",
        {"dataset_id": DATASET},
    ),
}


async def _ids_sent(
    scenario: Scenario, method: str, binary_ids: list[Any]
) -> tuple[list[Any], ...]:
    """The received ids, in the fields of messages and of strings."""
    rpc, more = BY_IDS[method]
    await scenario.do(method, binary_ids=binary_ids, **more)
    requests = scenario.server.sent(rpc)
    for call in scenario.server.calls:  # if there are several, the later ones too
        same(f"headers of {rpc}", METADATA, {name: call.metadata.get(name) for name in METADATA})
    datasets = {getattr(request, "dataset_id", DATASET) for request in requests}
    same(f"dataset of {rpc}", {DATASET}, datasets)
    messages = [
        Id(one.organization_id, one.location_id, one.file_id)
        for request in requests
        for one in request.binary_ids
    ]
    return messages, [one for request in requests for one in request.binary_data_ids]


def _set(*forms: list[Any]) -> tuple[list[Any], ...]:
    """The distinct ids, sorted, for calls that do not depend on their order."""
    return tuple(sorted(set(form)) for form in forms)


@obligation("ids-as-messages", "ID-1", "ID-4", "CL-14")
async def ids_as_messages(scenario: Scenario) -> None:
    """BinaryIDs arrive as BinaryIDs, all of them, and not as strings too."""
    many = [Id("o", "l", f"f{at}") for at in range(130)]
    for method in BY_IDS:
        for given in (MESSAGES, many):
            scenario.server.reset()
            sent = await _ids_sent(scenario, method, given)
            same(method, _set(given, []), _set(*sent))


@obligation("ids-as-strings", "ID-1", "ID-2", "ID-4", "CL-14")
async def ids_as_strings(scenario: Scenario) -> None:
    """String ids arrive as strings, all of them, and not as BinaryIDs too."""
    for method in BY_IDS:
        sent = await _ids_sent(scenario, method, STRINGS)
        same(method, _set([], STRINGS), _set(*sent))


@obligation("ids-whole", "ID-2")
async def ids_whole(scenario: Scenario) -> None:
    """A string id travels as it is, whatever stands in it."""
    strange = ["o/l/a/b c", "no slashes", awkward("o/l/f"), "o/l/F1", "o/l/f1"]
    for method in BY_IDS:
        sent = await _ids_sent(scenario, method, strange)
        same(f"ids of {method}", _set([], strange), _set(*sent))


@obligation("ids-all", "BI-1", "DI-1", "TA-1", "DM-1", "CL-14")
async def ids_all(scenario: Scenario) -> str:
    """However many ids are given, all of them arrive, in one call or in several."""
    calls = set()
    for method, (rpc, _) in BY_IDS.items():
        for number in (130, 1030):
            scenario.server.reset()
            several = replies.ids(*range(number))
            sent = await _ids_sent(scenario, method, several)
            same(f"ids of {method}", _set([], several), _set(*sent))
            calls.add(scenario.server.count(rpc))
            if scenario.server.count(rpc) > 10:
                break  # a client with one call per id would take too long for all
    return f"{', '.join(map(str, sorted(calls)))} calls"


@obligation("names-as-given", "UP-6", "DS-1", "DS-3", "BX-1")
async def names_as_given(scenario: Scenario) -> None:
    """Names of files and datasets and labels of boxes travel with case, blanks and escapes."""
    for name in (awkward("name"), *ALIKE):
        scenario.server.reset()
        await scenario.do("file_upload", part_id="p", data=b"x", file_name=name)
        await scenario.do("create_dataset", name=name, organization_id=name)
        await scenario.do("rename_dataset", id=name, name=name)
        await scenario.do("delete_dataset", id=name)
        box = {"binary_id": "o/l/f1", "label": name, **CORNERS}
        await scenario.do("add_bounding_box_to_image_by_id", **box)
        created, renamed = scenario.one("CreateDataset"), scenario.one("RenameDataset")
        sent = {
            "file": scenario.server.sent("FileUpload")[0].metadata.file_name,
            "dataset": created.name,
            "organization": created.organization_id,
            "dataset renamed": renamed.id,
            "new name": renamed.name,
            "dataset deleted": scenario.one("DeleteDataset").id,
            "label": scenario.one("AddBoundingBoxToImageByID").label,
        }
        for what, value in sent.items():
            same(what, name, value)


@obligation("bytes-by-ids", "BI-1", "BI-2", "BI-3")
async def bytes_by_ids(scenario: Scenario) -> str:
    """Files fetched by their ids come with their bytes, in the order of the ids."""
    scenario.server.script("BinaryDataByIDs", _by_ids)
    numbers = [at * 53 % 130 for at in range(130)]
    result = await scenario.do("binary_data_by_ids", binary_ids=replies.ids(*numbers))
    same("files", replies.ids(*numbers), replies.ids_of(result))
    contents = [_bytes(number) for number in numbers]
    same("bytes", contents, [one["data"] for one in result["records"]])
    return f"{scenario.server.count('BinaryDataByIDs')} calls for 130 files"


@obligation("ids-error-raised", "CL-44")
async def ids_error_raised(scenario: Scenario) -> str:
    """An error at the second of several calls for ids is an error, not the end."""
    for method, (rpc, more) in BY_IDS.items():
        first = _by_ids if method == "binary_data_by_ids" else wire.method(rpc).response()
        scenario.server.script(rpc, first, Refuse("PERMISSION_DENIED", "no more for you"))
        answer = await scenario.ask(method, binary_ids=replies.ids(*range(130)), **more)
        several = scenario.server.count(rpc) > 1
        expected = "grpc PERMISSION_DENIED: no more for you" if several else "success"
        same(f"outcome of {method}", expected, str(answer))
    calls = max(scenario.server.count(rpc) for rpc, _ in BY_IDS.values())
    return f"at most {calls} calls for 130 ids"


def _bytes(number: int) -> bytes:
    """The contents of a file; the first one is empty."""
    return b"bytes of %d" % number if number else b""


def _by_ids(request: data.BinaryDataByIDsRequest) -> data.BinaryDataByIDsResponse:
    numbers = [int(one.rpartition("f")[2]) for one in request.binary_data_ids]
    files = [
        replies.file(number, contents=_bytes(number) if request.include_binary else b"")
        for number in numbers
    ]
    return data.BinaryDataByIDsResponse(data=files, count=len(files))


@obligation("counts-returned", "DF-4", "DI-1", "TR-2", "DT-4", "CL-18", "CL-19")
async def counts_returned(scenario: Scenario) -> None:
    """Counts come back as the server gave them."""
    server = scenario.server
    server.script("DeleteBinaryDataByIDs", _per_id(data.DeleteBinaryDataByIDsResponse, 1))
    server.script(
        "DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterResponse(deleted_count=4)
    )
    large = 2**32 + 5
    server.script("DeleteTabularData", data.DeleteTabularDataResponse(deleted_count=large))
    removed = _per_id(data.RemoveTagsFromBinaryDataByIDsResponse, 2)
    server.script("RemoveTagsFromBinaryDataByIDs", removed)
    ids = replies.ids(*range(130))  # in one call or in several
    deleted = await scenario.do("delete_binary_data_by_ids", binary_ids=ids)
    server.calls.clear()  # there may be one for each id
    counts = [
        deleted,
        await scenario.do("delete_binary_data_by_filter", filter=Asked(component_name="c")),
        await scenario.do("delete_tabular_data", organization_id="o", delete_older_than_days=0),
        await scenario.do("remove_tags_from_binary_data_by_ids", tags=["t", "u"], binary_ids=ids),
    ]
    same("counts", [130, 4, large, 260], counts)


def _per_id(kind: type[Any], number: int) -> Callable[[Any], Any]:
    """A reply that counts the ids of its request."""
    return lambda request: kind(deleted_count=number * len(request.binary_data_ids))


@obligation("tags-as-given", "TA-1", "TA-5", "TR-1")
async def tags_as_given(scenario: Scenario) -> None:
    """Tags travel as a list in the order given, all of them, with case and spaces."""
    tags = many("tag")
    for method, rpc, more in (
        ("add_tags_to_binary_data_by_ids", "AddTagsToBinaryDataByIDs", {"binary_ids": STRINGS}),
        ("add_tags_to_binary_data_by_filter", "AddTagsToBinaryDataByFilter", {}),
        ("remove_tags_from_binary_data_by_ids", "RemoveTagsFromBinaryDataByIDs",
         {"binary_ids": STRINGS}),
        ("remove_tags_from_binary_data_by_filter", "RemoveTagsFromBinaryDataByFilter", {}),
    ):  # fmt: skip
        await scenario.do(method, tags=tags, **more)
        sent: dict[str, list[str]] = {}
        for request in scenario.server.sent(rpc):
            # Those of a filter have no ids; the others may arrive in one call or in several.
            for one in getattr(request, "binary_data_ids", ["any"]):
                sent.setdefault(one, []).extend(request.tags)
        ids = more.get("binary_ids", ["any"])
        same(f"tags of {method}", dict.fromkeys(sorted(ids), tags), dict(sorted(sent.items())))


@obligation("days-passed-on", "DT-1", "CL-36")
async def days_passed_on(scenario: Scenario) -> None:
    """Days and organization of a deletion travel as given; 0 is not replaced."""
    given = [(awkward("o"), 0), ("o", 7), ("o", 36_500)]
    for name, days in given:
        args = {"organization_id": name, "delete_older_than_days": days}
        await scenario.do("delete_tabular_data", **args)
    requests = scenario.server.sent("DeleteTabularData")
    got = [(one.organization_id, one.delete_older_than_days) for one in requests]
    same("deletions", given, got)


@obligation("internal-deletable", "DF-3")
async def internal_deletable(scenario: Scenario) -> None:
    """Files that Viam itself ingested can be deleted by a filter, and only on request."""
    method, expected = "delete_binary_data_by_filter", Asked(component_name="c")
    await scenario.do(method, filter=expected)
    # Not to be able to ask is the breach here, so "unsupported" is none of an excuse.
    answer = await scenario.try_to(method, filter=expected, include_internal_data=True)
    same("asking for internal data", "success", str(answer))
    requests = scenario.server.sent("DeleteBinaryDataByFilter")
    same("include_internal_data", [False, True], [one.include_internal_data for one in requests])


@obligation("boxes-as-given", "BX-1", "BX-2", "BR-1", "CL-22")
async def boxes_as_given(scenario: Scenario) -> None:
    """Boxes travel with their image, label and corners, 0 and 1 included; the id comes back."""
    reply = data.AddBoundingBoxToImageByIDResponse(bbox_id="B9a")
    scenario.server.script("AddBoundingBoxToImageByID", reply)
    edges = dict(zip(CORNERS, (0, 0.25, 1, 1), strict=True))
    image = awkward("o/l/f1")
    for corners in (CORNERS, edges):
        scenario.server.calls.clear()
        box = {"binary_id": image, "label": "Dog", **corners}
        same("id", "B9a", await scenario.do("add_bounding_box_to_image_by_id", **box))
        request = scenario.one("AddBoundingBoxToImageByID")
        same("label", "Dog", request.label)
        same("corners", corners, {name: getattr(request, name) for name in corners})
        same("image", (image, False), (request.binary_data_id, request.HasField("binary_id")))
    # Corners that make no box are for the server to judge, or the client complains.
    scenario.server.calls.clear()
    turned = dict(zip(CORNERS, (0.5, 0.75, 0.25, -0.5), strict=True))
    box = {"binary_id": "o/l/f1", "label": "Dog", **turned}
    if (await scenario.ask("add_bounding_box_to_image_by_id", **box)).ok:
        request = scenario.one("AddBoundingBoxToImageByID")
        same("corners", turned, {name: getattr(request, name) for name in turned})
    box_id, remove = awkward("b9"), "remove_bounding_box_from_image_by_id"
    for of in (MESSAGES[1], image):
        scenario.server.calls.clear()
        await scenario.do(remove, bbox_id=box_id, binary_id=of)
        removed = scenario.one("RemoveBoundingBoxFromImageByID")
        id_ = removed.binary_id
        message = Id(id_.organization_id, id_.location_id, id_.file_id)
        told = removed.binary_data_id if of is image else message
        same("box removed", (box_id, of), (removed.bbox_id, told))


@obligation("datasets-as-given", "DS-1", "DS-2", "DS-3", "DS-4", "DS-5", "CL-24", "CL-37")
async def datasets_as_given(scenario: Scenario) -> None:
    """Datasets are made, renamed, listed and deleted as told; ids and lists come back."""
    server = scenario.server
    server.script("CreateDataset", dataset.CreateDatasetResponse(id="D1"))
    # Datasets of two organizations may have the same name.
    listed = [
        dataset.Dataset(id=awkward(f"d{at * 53 % 130}"), name=awkward(str(at // 2)))
        for at in range(130)
    ]
    ids = [one.id for one in listed]
    expected = [{"id": one.id, "name": one.name} for one in listed]
    server.script("ListDatasetsByIDs", dataset.ListDatasetsByIDsResponse(datasets=listed))
    reply = dataset.ListDatasetsByOrganizationIDResponse(datasets=listed)
    server.script("ListDatasetsByOrganizationID", reply)
    dataset_id = await scenario.do("create_dataset", name="dogs", organization_id="o")
    same("id", "D1", dataset_id)
    await scenario.do("rename_dataset", id="d1", name="cats")
    same("list", expected, await scenario.do("list_dataset_by_ids", ids=ids))
    organization = awkward("o")
    every = await scenario.do("list_datasets_by_organization_id", organization_id=organization)
    same("list of the organization", expected, every)
    asked = scenario.one("ListDatasetsByOrganizationID")
    same("organization", organization, asked.organization_id)
    same("type of the datasets that are listed", False, asked.HasField("type"))  # noqa: FBT003
    await scenario.do("delete_dataset", id="d1")
    created, renamed = scenario.one("CreateDataset"), scenario.one("RenameDataset")
    same("created", ("dogs", "o"), (created.name, created.organization_id))
    same("type of the dataset", dataset.DATASET_TYPE_BINARY_DATA, created.type)
    same("renamed", ("d1", "cats"), (renamed.id, renamed.name))
    same("listed", ids, list(scenario.one("ListDatasetsByIDs").ids))
    same("deleted", "d1", scenario.one("DeleteDataset").id)


OBLIGATIONS = (
    ids_as_messages,
    ids_as_strings,
    ids_whole,
    ids_all,
    names_as_given,
    bytes_by_ids,
    ids_error_raised,
    counts_returned,
    tags_as_given,
    days_passed_on,
    internal_deletable,
    boxes_as_given,
    datasets_as_given,
)
