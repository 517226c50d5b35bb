"""Obligations of every method: errors, headers, and no additional calls."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    METADATA,
    PART,
    BrokenError,
    NotApplicableError,
    ObservedError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.obligations.values import DISTANT, MOMENTS, awkward, nanos_of
from fakeviam_contracts.clients.scripted import Refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fakeviam_contracts.clients.protocol import Answer


class Asking(NamedTuple):
    """A method, its RPC, and the arguments that it needs."""

    method: str
    rpc: str
    args: dict[str, Any]


SOURCE = {
    "part_id": PART,
    "resource_name": "cam",
    "resource_api": "rdk:component:camera",
    "method_name": "ReadImage",
}
EXPORTED = data.ExportTabularDataResponse(
    time_captured=timestamp_from(replies.BASE),
    payload=struct_from({}),
    method_parameters=struct_from({}),
)
_IDS: dict[str, Any] = {"binary_ids": replies.ids(1, 2)}
_TAGS = {"tags": ["t"]}
_CORNERS = dict(zip(("x_min_normalized", "y_min_normalized", "x_max_normalized",
                     "y_max_normalized"), (0.1, 0.2, 0.7, 0.9), strict=True))  # fmt: skip
_MADE = datetime(2024, 1, 1)  # noqa: DTZ001 - any will do
_CAPTURE = {
    "part_id": PART,
    "component_type": "t",
    "component_name": "c",
    "method_name": "m",
}

READS = (
    Asking("tabular_data_by_filter", "TabularDataByFilter", {}),
    Asking("binary_data_by_filter", "BinaryDataByFilter", {}),
    Asking("binary_data_by_ids", "BinaryDataByIDs", {"binary_ids": replies.ids(1, 2)}),
    Asking("tags_by_filter", "TagsByFilter", {}),
    Asking("bounding_box_labels_by_filter", "BoundingBoxLabelsByFilter", {}),
    Asking("get_database_connection", "GetDatabaseConnection", {"organization_id": "o"}),
    Asking("list_dataset_by_ids", "ListDatasetsByIDs", {"ids": ["d"]}),
    Asking(
        "list_datasets_by_organization_id",
        "ListDatasetsByOrganizationID",
        {"organization_id": "o"},
    ),
    Asking("get_latest_tabular_data", "GetLatestTabularData", SOURCE),
    Asking("export_tabular_data", "ExportTabularData", SOURCE),
)
#: Replies that make clients call more than once.
PAGES = {
    "TabularDataByFilter": (replies.readings(1, last="a"), replies.readings()),
    "BinaryDataByFilter": (replies.files(1, last="a"), replies.files()),
}
#: Methods that are not idempotent.
ADDS = (
    Asking(
        "add_bounding_box_to_image_by_id",
        "AddBoundingBoxToImageByID",
        {"binary_id": "o/l/f1", "label": "l", **_CORNERS},
    ),
    Asking("create_dataset", "CreateDataset", {"name": "n", "organization_id": "o"}),
    Asking("start_sequence_dataset_export", "StartSequenceDatasetExport", {"dataset_id": "d"}),
    Asking("file_upload", "FileUpload", {"part_id": PART, "data": b"x"}),
    Asking(
        "streaming_data_capture_upload",
        "StreamingDataCaptureUpload",
        {"part_id": PART, "data": b"x", "file_ext": ".png"},
    ),
    Asking(
        "binary_data_capture_upload",
        "DataCaptureUpload",
        {**_CAPTURE, "binary_data": b"x", "file_extension": ".png",
         "data_request_times": [_MADE, _MADE]},
    ),
    Asking(
        "tabular_data_capture_upload",
        "DataCaptureUpload",
        {**_CAPTURE, "tabular_data": [{"n": 1}], "data_request_times": [[_MADE, _MADE]]},
    ),
)  # fmt: skip
CHANGES = (
    Asking(
        "delete_tabular_data",
        "DeleteTabularData",
        {"organization_id": "o", "delete_older_than_days": 7},
    ),
    Asking("delete_binary_data_by_filter", "DeleteBinaryDataByFilter", {"filter": None}),
    Asking("delete_binary_data_by_ids", "DeleteBinaryDataByIDs", _IDS),
    Asking("add_tags_to_binary_data_by_ids", "AddTagsToBinaryDataByIDs", {**_TAGS, **_IDS}),
    Asking("add_tags_to_binary_data_by_filter", "AddTagsToBinaryDataByFilter", _TAGS),
    Asking(
        "remove_tags_from_binary_data_by_ids", "RemoveTagsFromBinaryDataByIDs", {**_TAGS, **_IDS}
    ),
    Asking("remove_tags_from_binary_data_by_filter", "RemoveTagsFromBinaryDataByFilter", _TAGS),
    Asking(
        "remove_bounding_box_from_image_by_id",
        "RemoveBoundingBoxFromImageByID",
        {"bbox_id": "b", "binary_id": "o/l/f1"},
    ),
    Asking("rename_dataset", "RenameDataset", {"id": "d", "name": "n"}),
    Asking("delete_dataset", "DeleteDataset", {"id": "d"}),
    Asking(
        "add_binary_data_to_dataset_by_ids",
        "AddBinaryDataToDatasetByIDs",
        {**_IDS, "dataset_id": "d"},
    ),
    Asking(
        "remove_binary_data_from_dataset_by_ids",
        "RemoveBinaryDataFromDatasetByIDs",
        {**_IDS, "dataset_id": "d"},
    ),
)
EVERY = (*READS, *ADDS, *CHANGES)
_WRITTEN_BY = {asking.rpc for asking in (*ADDS, *CHANGES)}


async def _answers(
    scenario: Scenario, askings: tuple[Asking, ...], refusal: Refuse | None = None
) -> AsyncIterator[tuple[Asking, Answer]]:
    """The response of each method that the client has, with its own server.

    Raises:
        NotApplicableError: It has none of them.
    """
    lacking = ""
    found = False
    for asking in askings:
        scenario.server.reset()
        scenario.server.script("ExportTabularData", EXPORTED)
        for rpc, pages in PAGES.items():
            scenario.server.script(rpc, *pages)
        if refusal is not None:
            scenario.server.script(asking.rpc, refusal)
        answer = await scenario.try_to(asking.method, **asking.args)
        if answer.kind == "unsupported":
            lacking = answer.text
            continue
        found = True
        yield asking, answer
    if not found:
        raise NotApplicableError(lacking)


@obligation("metadata-on-every-call", "AU-2", "CL-1")
async def metadata_on_every_call(scenario: Scenario) -> None:
    """The headers that a client was made with go with every call, streams too."""
    async for asking, _ in _answers(scenario, EVERY):
        same(f"{asking.rpc} is called", True, scenario.server.count(asking.rpc) > 0)  # noqa: FBT003
        for call in scenario.server.calls:
            metadata = {key: value for key, value in call.metadata.items() if key in METADATA}
            same(f"metadata of {call.rpc}", METADATA, metadata)


@obligation("no-deadline", "CL-42")
async def no_deadline(scenario: Scenario) -> str:
    """Which calls have a deadline that nobody asked for is told."""
    limited: dict[str, float] = {}
    async for _, __ in _answers(scenario, EVERY):
        calls = scenario.server.calls
        limited.update({call.rpc: call.deadline for call in calls if call.deadline is not None})
    if not limited:
        return "sends none of its own"
    least = min(limited, key=limited.__getitem__)
    raise ObservedError(
        f"sends one of its own with {len(limited)} RPCs, "
        f"the shortest for {least}: {limited[least]:.0f} s"
    )


@obligation("queries-as-given", "GL-1", "EX-1", "EX-2", "CL-35")
async def queries_as_given(scenario: Scenario) -> None:
    """What asks for the latest reading, an export, or a job, sends each argument as given."""
    source = {key: awkward(key) for key in SOURCE}
    scenario.server.script("ExportTabularData", EXPORTED)
    expected = tuple(source.values())
    if await scenario.can("get_latest_tabular_data", **source):
        same("latest", expected, _source(scenario.one("GetLatestTabularData")))
    second = timedelta(seconds=1)
    far = DISTANT[-1], DISTANT[-1] + second
    for start, end in ((MOMENTS[0], MOMENTS[-1] + second), DISTANT[::3], far):
        scenario.server.calls.clear()
        if await scenario.can("export_tabular_data", **source, start_time=start, end_time=end):
            asked = scenario.one("ExportTabularData")
            same("export", expected, _source(asked))
            utc = [time.replace(tzinfo=time.tzinfo or timezone.utc) for time in (start, end)]
            ends = [timestamp_from(nanos_of(time)) for time in utc]
            same("interval", ends, [asked.interval.start, asked.interval.end])
    if await scenario.can("start_sequence_dataset_export", dataset_id=awkward("d")):
        asked = scenario.one("StartSequenceDatasetExport")
        same("dataset", awkward("d"), asked.dataset_id)


def _source(asked: Any) -> tuple[str, ...]:
    return asked.part_id, asked.resource_name, asked.resource_subtype, asked.method_name


@obligation("writes-alone", "TA-1", "TR-1", "BX-1", "DM-1", "CL-26")
async def writes_alone(scenario: Scenario) -> None:
    """A method that changes something does that and no more: no other write goes with it."""
    async for asking, answer in _answers(scenario, (*READS, *ADDS, *CHANGES)):
        same(f"outcome of {asking.method}", "success", str(answer))
        written = {call.rpc for call in scenario.server.calls} & _WRITTEN_BY
        expected = set() if asking in READS else {asking.rpc}
        same(f"writes of {asking.method}", expected, written)


# Errors ----------------------------------------------------------------------------------

TEXT = f"label must not be blank, was 'ü %41' [BX-3]\n  in 100% of {'boxes, ' * 60}and more"

#: Those that say that trying again is of no use.
FINAL = (
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "DATA_LOSS",
)
#: After which reading may be tried again.
TRANSIENT = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "ABORTED", "RESOURCE_EXHAUSTED")


@obligation("refusals-unchanged", "ID-5", "UP-1", "CL-15")
async def refusals_unchanged(scenario: Scenario) -> None:
    """A refusal of the server comes out as gRPC error with its status and text, untried again."""
    for status in FINAL:
        async for asking, answer in _answers(scenario, EVERY, Refuse(status, TEXT)):
            same(f"outcome of {asking.method}", f"grpc {status}: {TEXT}", str(answer))
            same(f"calls of {asking.method}", 1, scenario.server.count(asking.rpc))


@obligation("unavailable-while-writing", "UP-9", "CL-15", "CL-43")
async def unavailable_while_writing(scenario: Scenario) -> str:
    """What adds something is not sent again after UNAVAILABLE: it may have been done."""
    details: dict[str, str] = {}
    for status in TRANSIENT:
        async for asking, answer in _answers(scenario, ADDS, Refuse(status, "later")):
            if answer.ok:
                raise BrokenError(f"{asking.method} takes {status} for success")
            same(f"calls of {asking.rpc} after {status}", 1, scenario.server.count(asking.rpc))
            if not says(answer, status):
                raise BrokenError(f"{asking.method}: expected {status}, got {answer}")
            details.setdefault(asking.method, f"{asking.method}: {answer}")
    return "; ".join(details.values())


def says(answer: Answer, status: str) -> bool:
    """Whether an answer is a refusal with that status, or is the client's word for it."""
    if status == "DEADLINE_EXCEEDED" and answer.kind == "timeout":
        return True
    return (answer.kind, answer.status) == ("grpc", status)


OBLIGATIONS = (
    metadata_on_every_call,
    no_deadline,
    queries_as_given,
    writes_alone,
    refusals_unchanged,
    unavailable_while_writing,
)
