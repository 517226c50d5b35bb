"""What requests hold that no document says a server must take.

Servers have rules for texts, numbers and times that nobody wrote down: a name of letters and
digits, a text that a database can store. One that refuses what is outside of them differs from us
and breaks nothing. Everything here is inside of any rule that we know of.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from fakeviam_contracts.awkward_values import LONGEST_USUAL_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fakeviam.wire import well_known

#: The clauses by which something is taken all the same.
LONG_NAMES, TEXTS, READINGS, CONTENTS = "NM-1", "NM-2", "CU-13", "FU-6"
INTERVALS, TIMES, MANY, MANY_IDS = "FI-18", "TM-3", "A72", "A70"
SCHEDULES, SEQUENCES = "DP-11", "SQ-11"

#: How a server refuses what it does not take; other statuses have other reasons.
REFUSALS = frozenset(
    ("INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "UNKNOWN")
)

_PLAIN = re.compile(r"[A-Za-z0-9_-]*")
_NAME = re.compile(rf"[A-Za-z0-9_-]{{0,{LONGEST_USUAL_NAME}}}")
#: Tags of robots have colons, and so have types of components.
_TAG = re.compile(rf"[A-Za-z0-9_:-]{{0,{LONGEST_USUAL_NAME}}}")
#: Other texts: names of machines, ids, statements and tokens.
_ANY = re.compile(r"[^\x00-\x1f\x7f]*")
_USUAL: Mapping[str, re.Pattern[str]] = {
    "bbox_labels": _NAME,
    "component_name": _NAME,
    "component_type": _TAG,
    "file_extension": re.compile(r"\.?[A-Za-z0-9]{0,16}"),
    "file_name": re.compile(r"[A-Za-z0-9_-]{0,64}(\.[A-Za-z0-9]{1,16})?"),
    "label": _NAME,
    "method": _NAME,
    "method_name": _NAME,
    "mime_type": re.compile(r"[a-z]+/[a-z0-9.+-]+|"),
    "name": _NAME,
    "query_prefix_name": _NAME,
    "resource_name": _NAME,
    "resource_subtype": _TAG,
    "sequence_tags": _TAG,
    "tags": _TAG,
}

#: Pipelines that run once a year would be refused where they must run every day.
_DAILY = re.compile(r"\S+ \S+ \* \* \*")

#: Times before 1970, or from 2100 on, in seconds.
_FIRST, _LAST = 0, 4_102_444_800
_MOST, _DEEPEST, _LONGEST = 100, 5, 1_000
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def doubt(requests: Sequence[Message]) -> str:
    """The clause by which a request is taken although no document says so, or ""."""
    found = (clause for request in requests for clause in _doubts(request))
    clause = next(found, "")
    return clause or (CONTENTS if _has_no_bytes(requests) else "")


def _doubts(message: Any) -> Iterator[str]:
    kind = message.DESCRIPTOR.name
    if kind == "Timestamp":
        if not _FIRST <= message.seconds < _LAST:
            yield TIMES
    elif kind == "Struct":
        if not _is_usual(message, _DEEPEST):
            yield READINGS
    elif kind == "SensorData" and message.WhichOneof("data") == "binary" and not message.binary:
        yield CONTENTS
    elif kind in ("CreateSequenceRequest", "UpdateSequenceRequest") and _lacks_tags(message):
        yield SEQUENCES
    elif kind == "CaptureInterval" and _is_inside_out(message):
        yield INTERVALS
    if kind not in ("Any", "Struct", "Timestamp"):
        for descriptor, value in message.ListFields():
            yield from _doubts_of(descriptor, value)


def _doubts_of(descriptor: Any, value: Any) -> Iterator[str]:
    if descriptor.name.endswith("ids") and len(value) > _MOST:
        yield MANY_IDS
    if descriptor.name == "schedule" and not _DAILY.fullmatch(value):
        yield SCHEDULES
    usual = _USUAL.get(descriptor.name, _ANY if descriptor.type == descriptor.TYPE_STRING else None)
    if usual is not None:
        texts = [value] if isinstance(value, str) else value
        if len(texts) > _MOST:
            yield MANY
        if descriptor.name == "name" and not _NAME.fullmatch(value) and _PLAIN.fullmatch(value):
            yield LONG_NAMES
        if not all(map(usual.fullmatch, texts)):
            yield TEXTS
    elif descriptor.message_type is not None and not descriptor.message_type.GetOptions().map_entry:
        for one in [value] if isinstance(value, Message) else value:
            yield from _doubts(one)


def _lacks_tags(request: Any) -> bool:
    """Whether a sequence is to have no tags; a change of something else says nothing of them."""
    changed = getattr(request, "field_mask", None)
    return not request.sequence_tags and (changed is None or "sequence_tags" in changed.paths)


def _is_inside_out(interval: Any) -> bool:
    start, end = interval.start, interval.end
    both = interval.HasField("start") and interval.HasField("end")
    return both and (start.seconds, start.nanos) > (end.seconds, end.nanos)


def _is_usual(struct: well_known.Struct, depth: int) -> bool:
    """Whether a reading is what sensors send: some numbers and texts, by plain names."""
    return bool(depth and struct.fields) and all(
        key and _NAME.fullmatch(key) and _is_usual_value(value, depth - 1)
        for key, value in struct.fields.items()
    )


def _is_usual_value(value: well_known.Value, depth: int) -> bool:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _is_usual(value.struct_value, depth)
    if kind == "list_value":
        each = value.list_value.values
        return bool(depth and each) and all(_is_usual_value(one, depth - 1) for one in each)
    if kind == "string_value":
        return len(value.string_value) <= _LONGEST and not _CONTROLS.search(value.string_value)
    return kind != "number_value" or math.isfinite(value.number_value)


def _has_no_bytes(requests: Sequence[Any]) -> bool:
    """Whether an upload in pieces has none, or an empty one."""
    kind, pieces = requests[0].DESCRIPTOR.name, requests[1:]
    if kind == "FileUploadRequest":
        return not pieces or not all(piece.file_contents.data for piece in pieces)
    is_stream = kind == "StreamingDataCaptureUploadRequest"
    return is_stream and (not pieces or not all(piece.data for piece in pieces))
