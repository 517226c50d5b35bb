"""Wrong clients that an outside review found unseen: arguments and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fakeviam_client import DataClient
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_error,
    on_request,
    on_stream,
    only_for,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M


# Arguments ---------------------------------------------------------------------------------


def _no_zeros(messages: list[Any]) -> Iterable[Any]:
    for one in messages:
        contents = one.file_contents.data if hasattr(one, "file_contents") else one.data
        if one.HasField("metadata") or contents.strip(b"\0"):
            yield one


def _in_order_of_clocks(request: Any) -> None:
    for one in request.sensor_contents:
        times = one.metadata
        if times.time_received.ToNanoseconds() < times.time_requested.ToNanoseconds():
            times.time_received.CopyFrom(times.time_requested)


def _readings_once(request: Any) -> None:
    distinct = {one.SerializeToString(): one for one in request.sensor_contents}
    kept = list(distinct.values())
    del request.sensor_contents[:]
    request.sensor_contents.extend(kept)


def _short_extension(request: Any) -> None:
    if request.metadata.file_extension == ".jpeg":
        request.metadata.file_extension = ".jpg"


def _lower_mime(request: Any) -> None:
    request.metadata.mime_type = request.metadata.mime_type.lower()


class CountsLastBatch(DataClient):
    """Deletes in batches, and returns the count of the last one."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if not isinstance(request, data.DeleteBinaryDataByIDsRequest):
            return await super()._call(kind, request, timeout)
        ids, replies = list(request.binary_data_ids), []
        for at in range(0, max(len(ids), 1), 100):
            batch = type(request)(binary_data_ids=ids[at : at + 100], binary_ids=request.binary_ids)
            replies.append(await super()._call(kind, batch, timeout))
        return replies[-1]


ARGUMENTS = (
    on_stream("sends no zeros", "bytes-intact-up", _no_zeros),
    on_request("corrects clocks", "readings-intact",
               only_for(datasync.DataCaptureUploadRequest, _in_order_of_clocks)),
    on_request("uploads equal readings once", "readings-intact",
               only_for(datasync.DataCaptureUploadRequest, _readings_once)),
    on_request("writes MIME types in lower case", "mime-type-of-captures",
               only_for(datasync.DataCaptureUploadRequest, _lower_mime)),
    on_request("uploads jpeg as jpg", "extension",
               only_for(datasync.DataCaptureUploadRequest, _short_extension)),
    on_request("lists datasets of one type", "datasets-as-given",
               only_for(dataset.ListDatasetsByOrganizationIDRequest,
                    setting("type", value=dataset.DATASET_TYPE_BINARY_DATA))),
    on_request("makes datasets of sequences", "datasets-as-given",
               only_for(dataset.CreateDatasetRequest,
                    setting("type", value=dataset.DATASET_TYPE_SEQUENCE_DATA))),
    on_call("asks for resources in lower case", "queries-as-given", "get_latest_tabular_data",
            changing("resource_name", lambda name: str(name).lower())),
    on_call("exports to whole seconds", "queries-as-given", "export_tabular_data",
            changing("start_time", lambda time: time and time.replace(microsecond=0))),
    on_call("exports stripped ids", "queries-as-given", "start_sequence_dataset_export",
            changing("dataset_id", lambda name: str(name).strip())),
    ClientMutant(
        name="counts the last batch", obligation="counts-returned", client=CountsLastBatch
    ),
)  # fmt: skip


# Errors ------------------------------------------------------------------------------------


def _status_of(error: Exception) -> object:
    return error.status if isinstance(error, GRPCError) else None


def _excused(kind: type[Message], status: Status) -> Any:
    """Takes a refusal of one RPC for success."""

    async def react(_: object, of: type[Message], __: object, error: Exception) -> Any:
        if of is not kind or _status_of(error) is not status:
            raise error
        return kind()

    return react


async def _decode_again(_: object, __: object, ___: object, error: Exception) -> Any:
    if not isinstance(error, GRPCError):
        raise error
    raise GRPCError(error.status, unquote(error.message or "")) from error


async def _upload_later(
    _: object, kind: type[Message], again: Callable[[], Any], error: Exception
) -> Any:
    if kind is not datasync.FileUploadResponse or _status_of(error) is not Status.ABORTED:
        raise error
    return await again()


async def _cut_is_end(_: object, kind: type[Message], __: object, error: Exception) -> Any:
    if kind is data.TagsByFilterResponse and isinstance(error, ConnectionError):
        return kind()
    raise error


class KeepsWhatItHas(DataClient):
    """Returns the files that it has when a later call for more of them is refused."""

    _fetched = False

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        try:
            reply = await super()._call(kind, request, timeout)
        except GRPCError:
            if kind is not data.BinaryDataByIDsResponse or not self._fetched:
                raise
            return kind()
        self._fetched = True
        return reply


ERRORS = (
    on_error("takes a name that is taken for its own", "refusals-unchanged",
             _excused(dataset.CreateDatasetResponse, Status.ALREADY_EXISTS)),
    on_error("takes what is gone for deleted", "refusals-unchanged",
             _excused(dataset.DeleteDatasetResponse, Status.NOT_FOUND)),
    on_error("decodes texts twice", "refusals-unchanged", _decode_again),
    on_error("uploads again after ABORTED", "unavailable-while-writing", _upload_later),
    on_error("takes a cut reply for none", "broken-replies", _cut_is_end),
    ClientMutant(
        name="keeps the files that it has", obligation="ids-error-raised", client=KeepsWhatItHas
    ),
)  # fmt: skip

UNSEEN: tuple[ClientMutant, ...] = (*ARGUMENTS, *ERRORS)
