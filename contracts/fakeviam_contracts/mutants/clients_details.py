"""Wrong clients: one for each obligation that no other mutant proves."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fakeviam_client import DataClient, Records

from fakeviam.wire import data, dataset, datasync, well_known
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_error,
    on_filter,
    on_reply,
    on_request,
    on_stream,
    setting,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

FILES = "binary_data_by_filter"
READINGS = "tabular_data_by_filter"


class SendsEmptyParameters(DataClient):
    """As viam-sdk 0.50.0 does."""

    async def get_latest_tabular_data(
        self,
        part_id: str,
        resource_name: str,
        resource_api: str,
        method_name: str,
        additional_params: object = None,  # noqa: ARG002 - ignored on purpose
    ) -> None:
        request = data.GetLatestTabularDataRequest(
            part_id=part_id,
            resource_name=resource_name,
            resource_subtype=resource_api,
            method_name=method_name,
            additional_parameters=well_known.Struct(),
        )
        await self._call(data.GetLatestTabularDataResponse, request)


class IgnoresTimeout(DataClient):
    """Ignores a timeout."""

    async def start_sequence_dataset_export(
        self,
        dataset_id: str,
        timeout: float | None = None,  # noqa: ARG002 - ignored on purpose
    ) -> str:
        request = dataset.StartSequenceDatasetExportRequest(dataset_id=dataset_id)
        reply = await self._call(dataset.StartSequenceDatasetExportResponse, request)
        return str(reply.job_id)


class DeletesAnyway(DataClient):
    """Calls a deprecated RPC."""

    async def delete_tabular_data_by_filter(  # type: ignore[override]  # it does return
        self,
        filter: Any,  # noqa: A002
    ) -> int:
        return await self.delete_binary_data_by_filter(filter)


class InventsIds(DataClient):
    """Chooses the ids of uploads."""

    @functools.wraps(DataClient.file_upload)
    async def file_upload(self, **args: Any) -> str:  # type: ignore[override]
        await super().file_upload(**args)
        return "upload-1"


class AnswersEmptyQuestions(DataClient):
    """Returns without a call if there are no ids."""

    @functools.wraps(DataClient.binary_data_by_ids)
    async def binary_data_by_ids(self, **args: Any) -> Any:  # type: ignore[override]
        if not args["binary_ids"]:
            return Records()
        return await super().binary_data_by_ids(**args)


def _forget_token(_: object, reply: object) -> None:
    if isinstance(reply, data.TabularDataByFilterResponse):
        reply.last = ""


def _as_text(_: object, reply: object) -> None:
    for entry in getattr(reply, "data", ()):
        if isinstance(entry, data.BinaryData):
            entry.binary = entry.binary.decode(errors="replace").encode()


def _an_hour_later(_: object, reply: object) -> None:
    if isinstance(reply, data.TabularDataByFilterResponse):
        for entry in reply.data:
            entry.time_requested.seconds += 3600


def _sorted(_: object, reply: object) -> None:
    if isinstance(reply, dataset.ListDatasetsByIDsResponse):
        reply.datasets.sort(key=lambda one: one.id)


def _as_strings(request: Any) -> None:
    for one in getattr(request, "binary_ids", ()):
        request.binary_data_ids.append(f"{one.organization_id}/{one.location_id}/{one.file_id}")


def _without_strangers(ids: list[object]) -> list[object]:
    return [one for one in ids if not isinstance(one, str) or one.count("/") == 2]


def _only_png(request: object) -> None:
    if isinstance(request, data.BinaryDataByFilterRequest):
        request.data_request.filter.mime_type.append("image/png")


def _empty_as_asked(filter_: data.Filter) -> None:
    filter_.location_ids.extend([""] if not filter_.location_ids else [])


def _whole_name(messages: list[Any]) -> list[object]:
    described = messages[0].metadata
    if isinstance(described, datasync.UploadMetadata):
        described.file_name += described.file_extension
    return messages


def _as_sensor(messages: list[Any]) -> list[Any]:
    if isinstance(messages[0].metadata, datasync.UploadMetadata):
        messages[0].metadata.type = datasync.DATA_TYPE_BINARY_SENSOR
    return messages


def _without_mime_type(request: object) -> None:
    if isinstance(request, datasync.DataCaptureUploadRequest):
        request.metadata.mime_type = ""


def _without_zone(times: Any) -> object:
    return times and [one.replace(tzinfo=None) for one in times]


def _refuse_empty(args: dict[str, object]) -> None:
    if not args["data"]:
        raise ValueError("data must not be empty")


async def _give_nothing(_: object, kind: type[Message], __: object, error: Exception) -> object:
    if kind is not data.BinaryDataByIDsResponse:
        raise error
    return kind()


DETAILS = (
    on_reply("keeps last to itself", "pages-by-hand", _forget_token),
    on_call("knows one order", "order-passed-on", READINGS, changing("sort_order", lambda _: 1)),
    on_call(
        "fetches 10 without bytes too",
        "num-files-default-without-bytes",
        FILES,
        changing("num_files", lambda n: 10 if n is None else n),
    ),
    on_reply("takes bytes for text", "bytes-intact-down", _as_text),
    on_request("wants images only", "filter-none", _only_png),
    on_filter("asks for the empty location", "filter-empty-values", after=_empty_as_asked),
    on_reply("gives times of another zone", "times-back", _an_hour_later),
    on_request("sends messages as strings too", "ids-as-messages", _as_strings),
    on_call(
        "drops strange ids",
        "ids-whole",
        "delete_binary_data_by_ids",
        changing("binary_ids", _without_strangers),
    ),
    on_request("fetches no bytes by ids", "bytes-by-ids", setting("include_binary", value=False)),
    on_reply("sorts datasets", "datasets-as-given", _sorted),
    on_call("refuses empty files", "empty-file", "file_upload", _refuse_empty),
    on_stream("sends the extension twice", "file-from-path", _whole_name),
    on_stream("uploads files as readings", "type-of-upload", _as_sensor),
    on_request("drops the MIME type of captures", "mime-type-of-captures", _without_mime_type),
    ClientMutant(
        name="sends empty parameters", obligation="parameters-absent", client=SendsEmptyParameters
    ),
    on_call(
        "drops the zone of a time",
        "upload-times",
        "binary_data_capture_upload",
        changing("data_request_times", _without_zone),
    ),
    ClientMutant(name="invents ids", obligation="upload-ids", client=InventsIds),
    ClientMutant(
        name="does what is deprecated", obligation="deprecated-refused", client=DeletesAnyway
    ),
    ClientMutant(
        name="answers for no ids itself", obligation="empty-ids", client=AnswersEmptyQuestions
    ),
    on_error("gives nothing for too much", "resource-exhausted", _give_nothing),
    ClientMutant(name="ignores timeout", obligation="deadline-on-request", client=IgnoresTimeout),
)
