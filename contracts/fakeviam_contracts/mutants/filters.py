"""Wrong servers: what is asked for, and what is not."""

from __future__ import annotations

from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.model.policy import PageLimit
from fakeviam_contracts.mutants.base import (
    PAGES,
    Mutant,
    filter_of,
    on_exchange,
    on_reply,
    on_request,
    with_policy,
)

BINARY, TABULAR = PAGES
QUERIES = (*PAGES, "TagsByFilter", "BoundingBoxLabelsByFilter")

#: A component that nobody has.
NOBODY = "\0"


def _no_filter_finds_nothing(message: Any, _: dict[Any, Any]) -> None:
    holder = (
        message.data_request if "data_request" in message.DESCRIPTOR.fields_by_name else message
    )
    if not holder.HasField("filter"):
        holder.filter.component_name = NOBODY


def _unset_is_empty(request: Any, reply: Any, _: dict[Any, Any]) -> None:
    """A field that is not set wants records without it."""
    if not request.data_request.filter.component_type and not request.count_only:
        kept = [e for e in reply.data if not e.metadata.capture_metadata.component_type]
        del reply.data[:]
        reply.data.extend(kept)


def _nothing_is_an_error(request: Any, reply: Any, _: dict[Any, Any]) -> None:
    if not request.data_request.last and not request.count_only and not reply.data:
        raise GRPCError(Status.NOT_FOUND, "nothing matches")


def _knows_no_rule_nine(message: Any, _: dict[Any, Any]) -> None:
    found = filter_of(message)
    if found is not None and found.tags_filter.type > 3:
        found.tags_filter.type = 0


def _knows_no_order_nine(message: Any, _: dict[Any, Any]) -> None:
    if message.data_request.sort_order > 2:
        message.data_request.sort_order = 0


def _tabular_has_no_such_fields(message: Any, _: dict[Any, Any]) -> None:
    found = filter_of(message)
    for field in ("bbox_labels", "dataset_id", "mime_type"):
        found.ClearField(field)


def _forget_tokens(message: Any, _: dict[Any, Any]) -> None:
    message.data_request.last = ""


def _learn_token(request: Any, reply: Any, memory: dict[Any, Any]) -> None:
    asked = request.data_request
    if reply.last:
        memory[reply.last] = (asked.filter.SerializeToString(), asked.sort_order)


def _other_question(message: Any, memory: dict[Any, Any]) -> None:
    asked = message.data_request
    known = memory.get(asked.last)
    if known is not None and known != (asked.filter.SerializeToString(), asked.sort_order):
        asked.last = ""


def _strange_token(message: Any, memory: dict[Any, Any]) -> None:
    if message.data_request.last and message.data_request.last not in memory:
        message.data_request.filter.component_name = NOBODY


def _drop(unwanted: Any) -> Any:
    def edit(_: Any, reply: Any, __: dict[Any, Any]) -> None:
        kept = [entry for entry in reply.data if not unwanted(entry)]
        if len(kept) < len(reply.data):
            reply.count = len(kept)
            del reply.data[:]
            reply.data.extend(kept)

    return edit


def _one_at_a_time(message: Any, _: dict[Any, Any]) -> None:
    if message.include_binary and message.data_request.limit == 1:
        raise GRPCError(Status.INVALID_ARGUMENT, "limit is too small")


def _own_metadata(_: Any, reply: Any, __: dict[Any, Any]) -> None:
    """Gives each reading metadata of its own."""
    known = [type(m).FromString(m.SerializeToString()) for m in reply.metadata]
    del reply.metadata[:]
    for at, entry in enumerate(reply.data):
        reply.metadata.append(known[entry.metadata_index])
        entry.metadata_index = at


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
