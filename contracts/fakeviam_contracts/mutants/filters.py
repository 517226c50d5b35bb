"""Wrong servers: the interpretation of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.model.policy import PageLimit
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    FILE,
    FILES,
    PAGES,
    STREAM,
    Mutant,
    filter_of,
    on_exchange,
    on_reply,
    on_request,
    with_policy,
)

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import (
        BinaryReply,
        Memory,
        PageReply,
        PageRequest,
        ReplyEdit,
        UploadReply,
    )


BINARY, TABULAR = PAGES
QUERIES = (*PAGES, "TagsByFilter", "BoundingBoxLabelsByFilter")

#: A component that does not exist.
NOBODY = "\0"


def _no_filter_finds_nothing(message: Any, _: Memory) -> None:
    holder = (
        message.data_request if "data_request" in message.DESCRIPTOR.fields_by_name else message
    )
    if not holder.HasField("filter"):
        holder.filter.component_name = NOBODY


def _unset_is_empty(
    request: PageRequest, reply: data.BinaryDataByFilterResponse, _: Memory
) -> None:
    """An empty field only matches records without a value."""
    if not request.data_request.filter.component_type and not request.count_only:
        entries = [e for e in reply.data if not e.metadata.capture_metadata.component_type]
        del reply.data[:]
        reply.data.extend(entries)


def _nothing_is_an_error(request: PageRequest, reply: PageReply, _: Memory) -> None:
    if not request.data_request.last and not request.count_only and not reply.data:
        raise GRPCError(Status.NOT_FOUND, "nothing matches")


def _knows_no_rule_nine(message: object, _: Memory) -> None:
    filter_ = filter_of(message)
    if filter_ is not None and filter_.tags_filter.type > 3:
        filter_.tags_filter.type = 0


def _knows_no_order_nine(message: PageRequest, _: Memory) -> None:
    if message.data_request.sort_order > 2:
        message.data_request.sort_order = data.ORDER_UNSPECIFIED


def _tabular_has_no_such_fields(message: object, _: Memory) -> None:
    filter_ = filter_of(message)
    for field in ("bbox_labels", "dataset_id", "mime_type"):
        filter_.ClearField(field)


def _once(message: PageRequest, memory: Memory) -> None:
    if message.data_request.last in memory:
        message.data_request.last = ""
    memory[message.data_request.last] = True


def _forget_tokens(message: PageRequest, _: Memory) -> None:
    message.data_request.last = ""


def _learn_token(request: PageRequest, reply: PageReply, memory: Memory) -> None:
    data_request = request.data_request
    if reply.last:
        memory[reply.last] = (data_request.filter.SerializeToString(), data_request.sort_order)


def _other_question(message: PageRequest, memory: Memory) -> None:
    data_request = message.data_request
    earlier = memory.get(data_request.last)
    if earlier is not None and earlier != (
        data_request.filter.SerializeToString(),
        data_request.sort_order,
    ):
        data_request.last = ""


def _strange_token(message: PageRequest, memory: Memory) -> None:
    if message.data_request.last and message.data_request.last not in memory:
        message.data_request.filter.component_name = NOBODY


def _drop(unwanted: Any) -> ReplyEdit:
    def edit(_: object, reply: Any, __: Memory) -> None:
        entries = [entry for entry in reply.data if not unwanted(entry)]
        if len(entries) < len(reply.data):
            reply.count = len(entries)
            del reply.data[:]
            reply.data.extend(entries)

    return edit


def _one_at_a_time(message: data.BinaryDataByFilterRequest, _: Memory) -> None:
    if message.include_binary and message.data_request.limit == 1:
        raise GRPCError(Status.INVALID_ARGUMENT, "limit is too small")


def _own_metadata(_: object, reply: data.TabularDataByFilterResponse, __: Memory) -> None:
    """Each reading has its own metadata."""
    copies = [type(m).FromString(m.SerializeToString()) for m in reply.metadata]
    del reply.metadata[:]
    for at, entry in enumerate(reply.data):
        reply.metadata.append(copies[entry.metadata_index])
        entry.metadata_index = at


def _case_insensitive(field: str) -> tuple[Any, Any, Any]:
    """Edits that compare names of files case-insensitively, but return them unchanged."""

    def uploading(message: Any, memory: Memory) -> None:
        metadata = getattr(message.metadata, "upload_metadata", message.metadata)
        if metadata.type != 2:  # readings have no ids by which to restore their names
            memory["sent"] = getattr(metadata, field)
            setattr(metadata, field, memory["sent"].lower())

    def uploaded(_: object, reply: UploadReply, memory: Memory) -> None:
        memory[reply.binary_data_id] = memory.get("sent", "")

    def asking(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is not None:
            setattr(filter_, field, getattr(filter_, field).lower())

    return uploading, uploaded, asking


def _shows_as_sent(_: object, reply: BinaryReply, memory: Memory) -> None:
    for entry in reply.data:
        capture = entry.metadata.capture_metadata
        original = memory.get(entry.metadata.binary_data_id)
        if original is not None:
            capture.component_name = original


def case_is_nothing() -> Mutant:
    """A server that compares the names of components case-insensitively."""
    # Readings are stored in lower case: they have no ids by which to restore the original names.
    uploading, uploaded, asking = _case_insensitive("component_name")
    asks = (
        *PAGES,
        "DeleteTabularData",
        "TagsByFilter",
        "BoundingBoxLabelsByFilter",
        "DeleteBinaryDataByFilter",
        "AddTagsToBinaryDataByFilter",
        "RemoveTagsFromBinaryDataByFilter",
    )  # fmt: skip

    def once(message: Any, memory: Memory) -> None:
        # In streams, only the first message has metadata.
        if message.HasField("metadata"):
            uploading(message, memory)

    requests = {CAPTURE: uploading, FILE: once, STREAM: once, **dict.fromkeys(asks, asking)}
    replies = {**dict.fromkeys((CAPTURE, FILE, STREAM), uploaded),
               **dict.fromkeys(FILES, _shows_as_sent)}  # fmt: skip
    return on_exchange("matches names without case", "FI-4", requests, replies)


MUTANTS: tuple[Mutant, ...] = (
    on_request("finds nothing without a filter", "FI-2", _no_filter_finds_nothing, *QUERIES),
    on_reply("takes a field that is not set for an empty one", "FI-3", _unset_is_empty, BINARY),
    on_reply("calls it an error that nothing matches", "FI-15", _nothing_is_an_error, *PAGES),
    on_request("takes any number for a rule of tags", "FI-17", _knows_no_rule_nine, *QUERIES),
    on_request("takes any number for an order", "PG-12", _knows_no_order_nine, *PAGES),
    on_request(
        "ignores in readings what only files have", "A18", _tabular_has_no_such_fields, TABULAR
    ),
    on_request("starts over at every page", "PG-3", _forget_tokens, *PAGES),
    on_request("takes a token once", "PG-3", _once, *PAGES),
    on_request(
        "shows internal data",
        "PG-10",
        lambda m, _: setattr(m, "include_internal_data", True),
        *PAGES,
    ),
    on_request(
        "never shows internal data",
        "PG-10",
        lambda m, _: setattr(m, "include_internal_data", False),
        *PAGES,
    ),
    with_policy("refuses large pages", "A6", max_page=PageLimit(100, "refuse")),
    on_exchange(
        "starts over under another question",
        "A56",
        dict.fromkeys(PAGES, _other_question),
        dict.fromkeys(PAGES, _learn_token),
    ),
    Mutant(
        name="takes a strange token for the end",
        clause="A56",
        interceptor=on_exchange(
            "", "", dict.fromkeys(PAGES, _strange_token), dict.fromkeys(PAGES, _learn_token)
        ).interceptor,
        options={"policy": {"page_token": "ignore"}},
    ),
    on_reply(
        "leaves files without bytes out",
        "BF-1",
        _drop(lambda entry: not entry.metadata.file_size_bytes),
        BINARY,
    ),
    on_request("sends no bytes one by one", "BF-4", _one_at_a_time, BINARY),
    on_request(
        "gives all readings in one page",
        "PG-1",
        lambda m, _: setattr(m.data_request, "limit", 100),
        TABULAR,
    ),
    on_reply("gives each reading metadata of its own", "TD-4", _own_metadata, TABULAR),
)
