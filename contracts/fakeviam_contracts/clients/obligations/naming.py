"""Ids, and what is done to the data they name; datasets."""

from __future__ import annotations

from typing import Any

from fakeviam.wire import data, dataset
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import METADATA, Scenario, obligation, same
from fakeviam_contracts.clients.protocol import Asked, Id

MESSAGES = [Id("o", "l", "f1"), Id("o", "l", "f2")]
STRINGS = replies.ids(1, 2)

#: Methods that take ids: their RPC, and what else they need.
BY_IDS: dict[str, tuple[str, dict[str, object]]] = {
    "binary_data_by_ids": ("BinaryDataByIDs", {}),
    "delete_binary_data_by_ids": ("DeleteBinaryDataByIDs", {}),
    "add_tags_to_binary_data_by_ids": ("AddTagsToBinaryDataByIDs", {"tags": ["t"]}),
    "remove_tags_from_binary_data_by_ids": ("RemoveTagsFromBinaryDataByIDs", {"tags": ["t"]}),
    "add_binary_data_to_dataset_by_ids": ("AddBinaryDataToDatasetByIDs", {"dataset_id": "d"}),
    "remove_binary_data_from_dataset_by_ids": (
        "RemoveBinaryDataFromDatasetByIDs",
        {"dataset_id": "d"},
    ),
}


async def _ids_sent(
    scenario: Scenario, method: str, binary_ids: list[Any]
) -> tuple[list[Any], ...]:
    """The ids that arrive, in the field of messages and in that of strings."""
    rpc, more = BY_IDS[method]
    await scenario.do(method, binary_ids=binary_ids, **more)
    requests = scenario.server.sent(rpc)
    messages = [
        Id(one.organization_id, one.location_id, one.file_id)
        for request in requests
        for one in request.binary_ids
    ]
    return messages, [one for request in requests for one in request.binary_data_ids]


@obligation("ids-as-messages", "ID-1", "ID-4", "CL-14")
async def ids_as_messages(scenario: Scenario) -> None:
    """BinaryIDs arrive as BinaryIDs, all of them in order, and not as strings too."""
    for method in BY_IDS:
        same(method, (MESSAGES, []), await _ids_sent(scenario, method, MESSAGES))


@obligation("ids-as-strings", "ID-1", "ID-2", "ID-4", "CL-14")
async def ids_as_strings(scenario: Scenario) -> None:
    """String ids arrive as strings, all of them in order, and not as BinaryIDs too."""
    for method in BY_IDS:
        same(method, ([], STRINGS), await _ids_sent(scenario, method, STRINGS))


@obligation("ids-whole", "ID-2")
async def ids_whole(scenario: Scenario) -> None:
    """A string id travels as it is, whatever stands in it."""
    strange = ["o/l/a/b c", "no slashes"]
    same("ids", ([], strange), await _ids_sent(scenario, "delete_binary_data_by_ids", strange))


@obligation("ids-all", "BI-1", "DI-1", "TA-1", "DM-1", "CL-14")
async def ids_all(scenario: Scenario) -> str:
    """However many ids are given, all of them arrive in order, in one call or in several."""
    many = replies.ids(*range(130))
    calls = set()
    for method, (rpc, _) in BY_IDS.items():
        scenario.server.reset()
        same(f"ids of {method}", ([], many), await _ids_sent(scenario, method, many))
        calls.add(scenario.server.count(rpc))
    return f"{', '.join(map(str, sorted(calls)))} calls for {len(many)} ids"


@obligation("names-as-given", "UP-6", "DS-1", "DS-3", "BX-1")
async def names_as_given(scenario: Scenario) -> None:
    """Names of files and datasets and labels of boxes travel with case, blanks and escapes."""
    name = " Dog%201\\ caf\u00e9 "
    await scenario.do("file_upload", part_id="p", data=b"x", file_name=name)
    await scenario.do("create_dataset", name=name, organization_id="o")
    await scenario.do("rename_dataset", id="d", name=name)
    corners = dict.fromkeys(("x_min_normalized", "y_min_normalized"), 0.0)
    corners |= dict.fromkeys(("x_max_normalized", "y_max_normalized"), 1.0)
    box = {"binary_id": "o/l/f1", "label": name, **corners}
    await scenario.do("add_bounding_box_to_image_by_id", **box)
    requests = [
        scenario.server.sent("FileUpload")[0].metadata.file_name,
        scenario.one("CreateDataset").name,
        scenario.one("RenameDataset").name,
        scenario.one("AddBoundingBoxToImageByID").label,
    ]
    same("names", [name] * 4, requests)


@obligation("bytes-by-ids", "BI-1", "BI-2")
async def bytes_by_ids(scenario: Scenario) -> str:
    """Files fetched by their ids come with their bytes."""
    scenario.server.script("BinaryDataByIDs", _by_ids)
    result = await scenario.do("binary_data_by_ids", binary_ids=STRINGS)
    same("files", STRINGS, replies.ids_of(result))
    same("bytes", [b"bytes of 1", b"bytes of 2"], [one["data"] for one in result["records"]])
    return f"{scenario.server.count('BinaryDataByIDs')} calls for two files"


def _by_ids(request: data.BinaryDataByIDsRequest) -> data.BinaryDataByIDsResponse:
    numbers = [int(one.rpartition("f")[2]) for one in request.binary_data_ids]
    contents = None if request.include_binary else b""
    files = [replies.file(number, contents=contents) for number in numbers]
    return data.BinaryDataByIDsResponse(data=files, count=len(files))


@obligation("counts-returned", "DF-4", "DI-1", "TR-2", "DT-4", "CL-18", "CL-19")
async def counts_returned(scenario: Scenario) -> None:
    """Counts come back as the server gave them."""
    server = scenario.server
    server.script("DeleteBinaryDataByIDs", data.DeleteBinaryDataByIDsResponse(deleted_count=3))
    server.script(
        "DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterResponse(deleted_count=4)
    )
    server.script("DeleteTabularData", data.DeleteTabularDataResponse(deleted_count=5))
    server.script(
        "RemoveTagsFromBinaryDataByIDs", data.RemoveTagsFromBinaryDataByIDsResponse(deleted_count=6)
    )
    counts = [
        await scenario.do("delete_binary_data_by_ids", binary_ids=STRINGS),
        await scenario.do("delete_binary_data_by_filter", filter=Asked(component_name="c")),
        await scenario.do("delete_tabular_data", organization_id="o", delete_older_than_days=0),
        await scenario.do(
            "remove_tags_from_binary_data_by_ids", tags=["t", "u"], binary_ids=STRINGS
        ),
    ]
    same("counts", [3, 4, 5, 6], counts)


@obligation("tags-as-given", "TA-1", "TA-5", "TR-1")
async def tags_as_given(scenario: Scenario) -> None:
    """Tags travel as a list in the order given, with case and spaces."""
    tags = ["dog", " black cat", "Dog ", "cafe\u0301"]
    await scenario.do("add_tags_to_binary_data_by_ids", tags=tags, binary_ids=STRINGS)
    await scenario.do("add_tags_to_binary_data_by_filter", tags=tags)
    await scenario.do("remove_tags_from_binary_data_by_filter", tags=tags)
    requests = [
        scenario.one(rpc).tags
        for rpc in (
            "AddTagsToBinaryDataByIDs",
            "AddTagsToBinaryDataByFilter",
            "RemoveTagsFromBinaryDataByFilter",
        )
    ]
    same("tags", [tags] * 3, [list(one) for one in requests])


@obligation("days-passed-on", "DT-1", "CL-36")
async def days_passed_on(scenario: Scenario) -> None:
    """Days and organization of a deletion travel as given; 0 is not replaced."""
    await scenario.do("delete_tabular_data", organization_id="o", delete_older_than_days=0)
    await scenario.do("delete_tabular_data", organization_id="o", delete_older_than_days=7)
    requests = scenario.server.sent("DeleteTabularData")
    days = [(one.organization_id, one.delete_older_than_days) for one in requests]
    same("deletions", [("o", 0), ("o", 7)], days)


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
    reply = data.AddBoundingBoxToImageByIDResponse(bbox_id="b9")
    scenario.server.script("AddBoundingBoxToImageByID", reply)
    corners = {
        "x_min_normalized": 0.0,
        "y_min_normalized": 0.25,
        "x_max_normalized": 1.0,
        "y_max_normalized": 0.5,
    }
    box = {"binary_id": "o/l/f1", "label": "Dog", **corners}
    same("id", "b9", await scenario.do("add_bounding_box_to_image_by_id", **box))
    request = scenario.one("AddBoundingBoxToImageByID")
    same("label", "Dog", request.label)
    same("corners", corners, {name: getattr(request, name) for name in corners})
    same("image", ("o/l/f1", False), (request.binary_data_id, request.HasField("binary_id")))
    await scenario.do("remove_bounding_box_from_image_by_id", bbox_id="b9", binary_id=MESSAGES[0])
    removed = scenario.one("RemoveBoundingBoxFromImageByID")
    same("box removed", ("b9", "f1"), (removed.bbox_id, removed.binary_id.file_id))


@obligation("datasets-as-given", "DS-1", "DS-2", "DS-3", "DS-4", "DS-5", "CL-24", "CL-37")
async def datasets_as_given(scenario: Scenario) -> None:
    """Datasets are made, renamed, listed and deleted as told; ids and lists come back."""
    server = scenario.server
    server.script("CreateDataset", dataset.CreateDatasetResponse(id="d1"))
    two = [dataset.Dataset(id="d2", name="b"), dataset.Dataset(id="d1", name="a")]
    server.script("ListDatasetsByIDs", dataset.ListDatasetsByIDsResponse(datasets=two))
    dataset_id = await scenario.do("create_dataset", name="dogs", organization_id="o")
    same("id", "d1", dataset_id)
    await scenario.do("rename_dataset", id="d1", name="cats")
    listed = await scenario.do("list_dataset_by_ids", ids=["d2", "d1"])
    same("list", [{"id": "d2", "name": "b"}, {"id": "d1", "name": "a"}], listed)
    await scenario.do("delete_dataset", id="d1")
    created, renamed = scenario.one("CreateDataset"), scenario.one("RenameDataset")
    same("created", ("dogs", "o"), (created.name, created.organization_id))
    same("renamed", ("d1", "cats"), (renamed.id, renamed.name))
    same("listed", ["d2", "d1"], list(scenario.one("ListDatasetsByIDs").ids))
    same("deleted", "d1", scenario.one("DeleteDataset").id)


@obligation("metadata-on-every-call", "AU-2", "CL-1")
async def metadata_on_every_call(scenario: Scenario) -> None:
    """The headers that a client was made with go with every call, streams too."""
    await scenario.do("tags_by_filter")
    await scenario.do("file_upload", part_id="p", data=b"x")
    await scenario.do("list_dataset_by_ids", ids=["d"])
    for call in scenario.server.calls:
        metadata = {key: value for key, value in call.metadata.items() if key in METADATA}
        same(f"metadata of {call.rpc}", METADATA, metadata)


OBLIGATIONS = (
    ids_as_messages,
    ids_as_strings,
    ids_whole,
    ids_all,
    names_as_given,
    bytes_by_ids,
    counts_returned,
    tags_as_given,
    days_passed_on,
    internal_deletable,
    boxes_as_given,
    datasets_as_given,
    metadata_on_every_call,
)
