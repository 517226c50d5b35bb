"""Wrong servers: ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam_contracts.mutants.base import (
    FILES,
    Mutant,
    metadata_edit,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    refusing,
)
from fakeviam_contracts.wirelog import UPLOADS

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import BinaryReply, IdsRequest, Memory, UploadReply


IDS = "BinaryDataByIDs"


def _swapped(whole: str) -> str:
    """Swap location and organization; twice restores the id."""
    one, slash, rest = whole.partition("/")
    other, slash2, file_id = rest.partition("/")
    return f"{other}{slash}{one}{slash2}{file_id}"


def _swap_in_request(message: Any, _: Memory) -> None:
    fields = message.DESCRIPTOR.fields_by_name
    if "binary_data_ids" in fields:
        message.binary_data_ids[:] = map(_swapped, message.binary_data_ids)
    if "binary_data_id" in fields:
        message.binary_data_id = _swapped(message.binary_data_id)


def _swap_in_upload(_: object, reply: UploadReply, __: Memory) -> None:
    if reply.binary_data_id:
        reply.binary_data_id = _swapped(reply.binary_data_id)


def _swap_in_metadata(metadata: Any) -> None:
    metadata.binary_data_id = _swapped(metadata.binary_data_id)


def _forms(message: IdsRequest) -> tuple[bool, bool]:
    if "binary_ids" not in message.DESCRIPTOR.fields_by_name:
        return False, False
    return bool(message.binary_ids), bool(message.binary_data_ids)


def _first_form_for_ever(message: Any, memory: Memory) -> None:
    messages, texts = _forms(message)
    if messages or texts:
        form = memory.setdefault("form", "messages" if messages else "texts")
        message.ClearField("binary_data_ids" if form == "messages" else "binary_ids")


def _messages_hide_texts(message: IdsRequest, _: Memory) -> None:
    if all(_forms(message)):
        message.ClearField("binary_data_ids")


def _only_three_parts(message: IdsRequest, _: Memory) -> None:
    if any(text.count("/") != 2 for text in message.binary_data_ids):
        raise GRPCError(Status.INVALID_ARGUMENT, "not an id")


def _file_id_alone(message: IdsRequest, _: Memory) -> None:
    for one in message.binary_ids:
        one.organization_id = one.location_id = ""


def _text_wins(message: Any, _: Memory) -> None:
    if message.binary_data_id:
        message.ClearField("binary_id")


def _cut(_: object, reply: BinaryReply, __: Memory) -> None:
    for entry in reply.data:
        entry.binary = entry.binary[: 4 << 20]


MUTANTS: tuple[Mutant, ...] = (
    on_exchange(
        "puts the location first in ids",
        "ID-2",
        {"*": _swap_in_request},
        {
            **dict.fromkeys(UPLOADS, _swap_in_upload),
            **dict.fromkeys(FILES, metadata_edit(_swap_in_metadata)),
        },
    ),
    on_reply("leaves the bare id out", "ID-3", metadata_edit(lambda m: m.ClearField("id")), *FILES),
    on_exchange("understands one form of ids at a time", "ID-4", {"*": _first_form_for_ever}, {}),
    on_exchange(
        "takes messages alone where both forms come", "A14", {"*": _messages_hide_texts}, {}
    ),
    on_request("refuses ids of other shapes", "ID-7", _only_three_parts, IDS),
    on_request("looks at file ids alone", "A15", _file_id_alone, IDS),
    on_request("takes one of two ids for a box", "ID-8", _text_wins, "AddBoundingBoxToImageByID"),
    on_reply(
        "gives the first of several files",
        "BI-1",
        lambda _, r, __: r.data.__delitem__(slice(1, None)),
        IDS,
    ),
    on_request(
        "never sends bytes by ids", "BI-2", lambda m, _: setattr(m, "include_binary", False), IDS
    ),
    Mutant(
        name="has no words for replies that are too large",
        clause="BI-6",
        options={"policy": {"max_response_bytes": 4 << 20}},
        interceptor=on_refusal("", "BI-6", refusing(Status.INTERNAL)).interceptor,
    ),
    on_reply("cuts large files", "BI-6", _cut, IDS),
)
