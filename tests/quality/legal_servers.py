"""Servers that differ from ours and are legal all the same: each decides one open point its way.

Nothing that they do is documented otherwise, so the kit must pass them, and name the point; or
say nothing, where it has no clause and need not have one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.mutants import (
    exports,
    indexes,
    pipeline_runs,
    pipelines,
    queried,
    saved_queries,
    sequence_exports,
    sequences,
)
from fakeviam_contracts.mutants.access import empty_reply
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    FILE,
    PAGES,
    STREAM,
    Mutant,
    Swallow,
    filter_of,
    on_exchange,
    on_reply,
    on_request,
    refusing,
    with_policy,
)
from fakeviam_contracts.mutants.reads import MUTANTS as READS
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Interceptor
from fakeviam.wire import data
from tests.quality.strict_servers import STRICT, refusing_where

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import BoxRequest, IdsRequest, Memory

    from fakeviam.model.policy import PageLimit
    from fakeviam.wire import dataset, datasync

DAY = 86_400
#: A size of a page that nobody asks for.
MOST = 999


def _page_limit(size: int, beyond: Any) -> PageLimit:
    from fakeviam import PageLimit as Limit  # noqa: PLC0415 - beside the names of mutants

    return Limit(size, beyond)


class _OtherStatuses(Interceptor):
    """Refuses with statuses of its own where none is documented."""

    fired = True

    def refusal(self, rpc: str, refusal: Any) -> Any:
        del rpc
        if refusal.clause == "DB-2":
            raise refusal
        raise GRPCError(Status.UNKNOWN, str(refusal))


def _is_flat(rpc: str, message: BoxRequest) -> bool:
    if rpc != "AddBoundingBoxToImageByID":
        return False
    return bool(
        message.x_min_normalized == message.x_max_normalized
        or message.y_min_normalized == message.y_max_normalized
    )


def _several_files(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    if rpc != CAPTURE:
        return False
    contents = message.sensor_contents
    return len(contents) > 1 and all(content.HasField("binary") for content in contents)


def _boxed(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    return rpc == CAPTURE and any(
        content.metadata.annotations.bboxes for content in message.sensor_contents
    )


def _like_a_label(rpc: str, message: Any) -> bool:
    return rpc == "AddTagsToBinaryDataByIDs" and any(
        tag.startswith("VIAM_DATASET_") for tag in message.tags
    )


def _lacks_readings(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    return rpc == CAPTURE and any(
        content.HasField("struct") and "readings" not in content.struct.fields
        for content in message.sensor_contents
    )


def _not_configured(rpc: str, _: object) -> bool:
    return rpc == "GetDatabaseConnection"


def _named_label(message: BoxRequest, _: Memory) -> None:
    message.label = message.label if message.label.strip() else "unlabelled"


def _named_dataset(message: dataset.CreateDatasetRequest, _: Memory) -> None:
    message.name = message.name if message.name.strip() else "unnamed"


def _turned(message: BoxRequest, _: Memory) -> None:
    left, right = sorted((message.x_min_normalized, message.x_max_normalized))
    message.x_min_normalized, message.x_max_normalized = left, right
    low, high = sorted((message.y_min_normalized, message.y_max_normalized))
    message.y_min_normalized, message.y_max_normalized = low, high


def _lacks_times(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    return rpc == CAPTURE and not all(
        content.metadata.HasField(name)
        for content in message.sensor_contents
        for name in ("time_requested", "time_received")
    )


def _malformed(rpc: str, message: IdsRequest) -> bool:
    return rpc == "BinaryDataByIDs" and any(
        len([part for part in text.split("/") if part]) != 3 for text in message.binary_data_ids
    )


def _stored_now(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        if content.metadata.HasField("time_received"):
            content.metadata.time_received.seconds = 1_704_110_400


def _received_while_streaming(message: Any, _: Memory) -> None:
    if message.metadata.sensor_metadata.HasField("time_received"):
        message.metadata.sensor_metadata.time_received.seconds = 1_704_110_400


def _own_table(message: Any, _: Memory) -> None:
    metadata = getattr(message.metadata, "upload_metadata", message.metadata)
    is_listed = metadata.file_extension.lstrip(".") in ("jpg", "jpeg", "png")
    if metadata.file_extension and not metadata.mime_type and not is_listed:
        metadata.mime_type = f"x/{metadata.file_extension.lstrip('.').lower()}"


def _drop_blank_tags(message: Any, _: Memory) -> None:
    tags = message.metadata.tags if hasattr(message, "metadata") else message.tags
    remaining = [tag for tag in tags if tag.strip()]
    if remaining:
        tags[:] = remaining


def _empty_or(message: Any, _: Memory) -> None:
    filter_ = filter_of(message)
    if filter_ is not None and filter_.HasField("tags_filter"):
        rule = filter_.tags_filter
        if rule.type == data.TAGS_FILTER_TYPE_MATCH_BY_OR and not rule.tags:
            rule.tags[:] = ["that no file has"]


class _DeletesNothing(Interceptor):
    """What is not there need not be deleted."""

    fired = True

    def refusal(self, rpc: str, refusal: Any) -> Any:
        if rpc in ("DeleteSavedQuery", "DeleteDataPipeline") and refusal.clause in (
            "SA-4",
            "DP-12",
        ):
            return empty_reply(rpc, refusal)
        raise refusal


def _named(request: Any) -> set[str]:
    names = {text.rpartition("/")[2] for text in request.binary_data_ids}
    return names | {binary_id.file_id.rpartition("/")[2] for binary_id in request.binary_ids}


def _is_in(request: Any, memory: Memory) -> None:
    if memory.get(request.dataset_id, set()) & _named(request):
        raise GRPCError(Status.ALREADY_EXISTS, "is a member already")


def _begins(_: object, reply: Any, memory: Memory) -> None:
    # A server that was reset may give an id again.
    memory[reply.id] = set()


def _joins(request: Any, _: object, memory: Memory) -> None:
    memory.setdefault(request.dataset_id, set()).update(_named(request))


def _leaves(request: Any, _: object, memory: Memory) -> None:
    memory.setdefault(request.dataset_id, set()).difference_update(_named(request))


def _newest_boxes(_: object, reply: Any, __: Memory) -> None:
    for entry in reply.data:
        boxes = entry.metadata.annotations.bboxes
        copies = [data.BoundingBox.FromString(box.SerializeToString()) for box in boxes]
        del boxes[:]
        boxes.extend(reversed(copies))


class _LongTokens(Interceptor):
    """Tokens of four kilobytes; no two replies have the same."""

    fired = True

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def request(self, rpc: str, message: Any) -> Any:
        if rpc in PAGES:
            token = message.data_request.last
            message.data_request.last = self._known.get(token, token)
        return message

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        if rpc in PAGES and message.last:
            token = f"é{len(self._known)}/" + "x" * 4096
            self._known[token] = message.last
            message.last = token
        return message


class _TokensBehindTheEnd(Interceptor):
    """Does not look whether anything follows a full page of sequences."""

    fired = True

    def request(self, rpc: str, message: Any) -> Any:
        del rpc
        if getattr(message, "page_token", "") == "behind the end":
            message.page_token, message.page_size = "", MOST
        return message

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        entries = getattr(message, "sequences", None)
        if entries is None or rpc not in ("ListSequences", "SequencesByDatasetID"):
            return message
        if request.page_size == MOST:
            del entries[:]
            message.next_page_token = ""
        elif not message.next_page_token and request.page_size == len(entries) > 0:
            message.next_page_token = "behind the end"  # noqa: S105 - no secret
        return message


def _one_each(_: object, reply: Any, __: Memory) -> None:
    """Metadata of its own for each reading of a page."""
    own = [reply.metadata[entry.metadata_index] for entry in reply.data]
    copies = [data.CaptureMetadata.FromString(each.SerializeToString()) for each in own]
    del reply.metadata[:]
    reply.metadata.extend(copies)
    for at, entry in enumerate(reply.data):
        entry.metadata_index = at


def _without_order(request: Any, reply: Any, _: Memory) -> None:
    if "ORDER BY" not in request.sql_query.upper() and "LIMIT" not in request.sql_query.upper():
        reply.raw_data[:] = reply.raw_data[::-1]


def _whole_seconds(_: object, reply: Any, __: Memory) -> None:
    for name in ("saved_query", "data_pipeline", "sequence", "queries", "data_pipelines",
                 "sequences"):  # fmt: skip
        found: Any = getattr(reply, name, ())
        for each in [found] if hasattr(found, "DESCRIPTOR") else found:
            for time in ("created_on", "created_at", "updated_on", "updated_at"):
                if time in each.DESCRIPTOR.fields_by_name:
                    getattr(each, time).nanos = 0


def _of(*names: str) -> tuple[Mutant, ...]:
    """Servers of the park that are wrong by our interpretation alone."""
    return tuple(mutant for mutant in READS if mutant.name in names)


LEGAL: tuple[Mutant, ...] = (
    with_policy("calls a taken name UNKNOWN", "A39", duplicate_dataset_name="UNKNOWN"),
    with_policy("calls a taken name INVALID_ARGUMENT", "A39",
                duplicate_dataset_name="INVALID_ARGUMENT"),
    with_policy("hides the labels of datasets", "A10", dataset_label="hidden"),
    with_policy("counts records, not tags", "A8", remove_tags_count="records"),
    with_policy("wants an organization in deletes", "A16", empty_delete_filter="refuse"),
    with_policy("names unknown ids", "A13", unknown_ids="refuse"),
    with_policy("refuses BinaryID", "A14", deprecated_binary_id="refuse"),
    with_policy("leaves the end out of intervals", "A2", interval_bounds="half-open"),
    with_policy("compares the time received", "A3", interval_clock="time_received"),
    with_policy("starts with the oldest", "A1", default_order="ascending"),
    with_policy("refuses more than 100", "A6", max_page=_page_limit(100, "refuse")),
    with_policy("gives at most 110", "A6", max_page=_page_limit(110, "clamp")),
    with_policy("refuses several files with bytes", "A57", binary_page=_page_limit(1, "refuse")),
    with_policy("gives bytes one by one", "A57", binary_page=_page_limit(1, "clamp")),
    with_policy("lists tags of files only", "A47", tags_by_filter_scope="binary"),
    with_policy("starts over for a token of nobody", "A56", page_token="ignore"),  # noqa: S106
    with_policy("calls an unknown part NOT_FOUND", "A22", invalid_part="NOT_FOUND"),
    with_policy("calls an unknown part INVALID_ARGUMENT", "A22", invalid_part="INVALID_ARGUMENT"),
    with_policy("skips unknown datasets", "A27", unknown_dataset="skip"),
    Mutant(name="has statuses of its own", clause="A12", interceptor=_OtherStatuses),
    refusing_where("refuses boxes without area", "BX-7", _is_flat),
    refusing_where("refuses several files in one upload", "A23", _several_files),
    refusing_where("refuses boxes of uploads", "CU-6", _boxed),
    on_request("gives boxes without a label one", "BX-3", _named_label,
               "AddBoundingBoxToImageByID"),
    on_request("turns boxes that are inside out", "BX-7", _turned, "AddBoundingBoxToImageByID"),
    on_request("gives datasets without a name one", "DS-7", _named_dataset, "CreateDataset"),
    refusing_where("wants the times of captures", "A28", _lacks_times),
    refusing_where("refuses tags that look like labels", "A11", _like_a_label),
    refusing_where("has no database", "A46", _not_configured),
    refusing_where("refuses ids that are none", "ID-7", _malformed),
    refusing_where("wants the key readings in readings", "CU-10", _lacks_readings),
    refusing_where("takes 100 ids at most", "A70",
                   lambda _, m: len(getattr(m, "binary_data_ids", ())) > 100),
    refusing_where("merges no single dataset", "DS-15",
                   lambda rpc, m: rpc == "MergeDatasets" and len(m.dataset_ids) == 1),
    on_exchange("received is stored", "A32",
                {CAPTURE: _stored_now, STREAM: _received_while_streaming}, {}),
    on_request("has a table of MIME types of its own", "A24", _own_table, CAPTURE, FILE, STREAM),
    on_request("drops blank tags", "TA-4", _drop_blank_tags, CAPTURE, "AddTagsToBinaryDataByIDs"),
    on_request("finds nothing for an OR of nothing", "A17", _empty_or),
    on_reply("lists labels of boxes backwards", "BL-2",
             lambda _, r, __: r.labels.reverse(), "BoundingBoxLabelsByFilter"),
    Mutant(name="shows uploads after a second", clause="A55",
           options={"policy": {"visibility_lag": timedelta(seconds=1)}}),
    *_of("swaps ties", "gives tags unsorted", "gives tags in order of the alphabet",
         "does not count files by ids", "counts labels of datasets as tags"),
    on_reply("lists pipelines backwards", "",
             lambda _, r, __: r.data_pipelines.reverse(), "ListDataPipelines"),
    on_reply("lists robots backwards", "",
             lambda _, r, __: r.robots.reverse(), "ListRobots", "ListRobotsForOrg"),
    on_request("gives two sequences a page at most", "",
               lambda m, _: setattr(m, "page_size", min(m.page_size or 2, 2)), "ListSequences"),
    on_reply("has metadata for each reading", "", _one_each, "TabularDataByFilter"),
    Mutant(name="deletes what is not there", clause="SA-4", interceptor=_DeletesNothing),
    Mutant(name="calls a taken name of a pipeline FAILED_PRECONDITION", clause="",
           interceptor=lambda: Swallow("DP-3", refusing(Status.FAILED_PRECONDITION))),
    on_reply("says to the second when things were made", "", _whole_seconds,
             "GetSavedQuery", "ListSavedQueries", "GetDataPipeline", "ListDataPipelines",
             "GetSequence", "ListSequences"),
    on_reply("gives rows of SQL backwards", "", _without_order, "TabularDataBySQL"),
    refusing_where("lists no datasets of no ids", "",
                   lambda rpc, m: rpc == "ListDatasetsByIDs" and not m.ids),
    on_request("lists three saved queries if not told how many", "",
               lambda m, _: setattr(m, "limit", m.limit or 3), "ListSavedQueries"),
    on_reply("shows the newest boxes first", "", _newest_boxes, "BinaryDataByIDs",
             "BinaryDataByFilter"),
    Mutant(name="has long tokens, another each time", clause="", interceptor=_LongTokens),
    Mutant(name="has a token for what is behind a full page", clause="",
           interceptor=_TokensBehindTheEnd),
    *STRICT,
    *exports.LEGAL,
    *queried.LEGAL,
    *saved_queries.LEGAL,
    *indexes.LEGAL,
    *sequences.LEGAL,
    *sequence_exports.LEGAL,
    *pipelines.LEGAL,
    *pipeline_runs.LEGAL,
    on_exchange("adds no member twice", "DM-6", {"AddBinaryDataToDatasetByIDs": _is_in},
                {"AddBinaryDataToDatasetByIDs": _joins, "CreateDataset": _begins,
                 "RemoveBinaryDataFromDatasetByIDs": _leaves}),
)  # fmt: skip
