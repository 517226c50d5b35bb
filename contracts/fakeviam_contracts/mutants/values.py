"""Wrong servers: they change values, or treat different ones as equal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fakeviam import MemoryStore
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    DROP,
    FILE,
    FILES,
    PAGES,
    STREAM,
    Mutant,
    filter_of,
    metadata_edit,
    on_reply,
    on_request,
    with_store,
)
from fakeviam_contracts.wirelog import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fakeviam.model.records import BinaryRecord
    from fakeviam.wire import datasync, well_known
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit, RequestEdit

TAGGING = ("AddTagsToBinaryDataByIDs", "AddTagsToBinaryDataByFilter")
BOXES = ("AddBoundingBoxToImageByID", "UpdateBoundingBox")
BINARY, TABULAR = PAGES

#: Changes of texts, by their descriptions.
CHANGES: dict[str, Callable[[str], str]] = {
    "composes": lambda text: unicodedata.normalize("NFC", text),
    "decomposes": lambda text: unicodedata.normalize("NFD", text),
    "flattens": lambda text: unicodedata.normalize("NFKC", text),
    "strips": str.strip,
    "decodes percents of": unquote,
    "takes plus for a blank in": lambda text: text.replace("+", " "),
    "drops backslashes of": lambda text: text.replace("\\", ""),
    "has its own line ends in": lambda text: text.replace("\r\n", "\n"),
    "ends at a NUL in": lambda text: text.partition("\0")[0] or text,
    "cuts after 255 characters of": lambda text: text[:255],
    "drops invisible characters of": lambda text: text.replace("\u200b", ""),
    "escapes": lambda text: text.replace("<", "&lt;"),
    "unquotes": lambda text: text.strip("\"'") or text,
}


def _uploads(message: Any) -> Any:
    if message.DESCRIPTOR.name == "StreamingDataCaptureUploadRequest":
        return message.metadata.upload_metadata if message.HasField("metadata") else None
    return message.metadata if message.HasField("metadata") else None


def _text_edit(field: str, change: Callable[[str], str]) -> RequestEdit:
    """Edits a text field of uploads, or of the request itself."""

    def edit(message: Any, _: Memory) -> None:
        holder = _uploads(message) if "metadata" in message.DESCRIPTOR.fields_by_name else message
        if holder is not None:
            value = getattr(holder, field)
            if isinstance(value, str):
                setattr(holder, field, change(value))
            else:
                value[:] = [change(one) for one in value]

    return edit


def _filters(field: str, change: Callable[[str], str]) -> RequestEdit:
    """Edits the values in a filter."""

    def edit(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is None:
            return
        holder = filter_.tags_filter if field == "tags" else filter_
        if field == "tags" and not filter_.HasField("tags_filter"):
            return
        value = getattr(holder, field)
        if isinstance(value, str):
            setattr(holder, field, change(value))
        else:
            value[:] = [change(one) for one in value]

    return edit


def _texts() -> Iterator[Mutant]:
    for name, change in CHANGES.items():
        yield on_request(f"{name} tags of uploads", "UP-7", _text_edit("tags", change), *UPLOADS)
    for name in ("composes", "strips", "ends at a NUL in", "decodes percents of"):
        change = CHANGES[name]
        yield on_request(f"{name} tags", "TA-1", _text_edit("tags", change), *TAGGING)
        yield on_request(f"{name} labels", "BX-5", _text_edit("label", change), *BOXES)
        yield on_request(f"{name} tags of filters", "FI-6", _filters("tags", change), *PAGES)
        yield on_request(f"{name} methods of filters", "FI-4", _filters("method", change), *PAGES)
        yield on_request(f"{name} methods of uploads", "CU-1",
                         _text_edit("method_name", change), CAPTURE)  # fmt: skip
        yield on_request(f"{name} names of files", "UP-6",
                         _text_edit("file_name", change), *UPLOADS)  # fmt: skip
    for name in ("flattens", "cuts after 255 characters of", "has its own line ends in"):
        change = CHANGES[name]
        yield on_request(f"{name} labels", "BX-5", _text_edit("label", change), *BOXES)
        yield on_request(f"{name} types of components", "FI-4",
                         _filters("component_type", change), *PAGES)  # fmt: skip
    yield on_request("decodes percents of names of datasets", "DS-1",
                     _text_edit("name", unquote), "CreateDataset")  # fmt: skip
    yield on_request("cuts names of datasets after 255 characters", "DS-3",
                     _text_edit("name", lambda text: text[:255]), "CreateDataset",
                     "RenameDataset")  # fmt: skip
    yield on_request("composes names of datasets", "DS-3",
                     _text_edit("name", CHANGES["composes"]), "RenameDataset")  # fmt: skip


# Readings ------------------------------------------------------------------------------------


def _structs(change: Callable[[Any], None]) -> RequestEdit:
    """Edits every map in each reading, innermost first."""

    def walk(struct: well_known.Struct) -> None:
        for value in struct.fields.values():
            inside(value)
        change(struct)

    def inside(value: well_known.Value) -> None:
        if value.HasField("struct_value"):
            walk(value.struct_value)
        for entry in value.list_value.values if value.HasField("list_value") else ():
            inside(entry)

    def edit(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
        for content in message.sensor_contents:
            if content.HasField("struct"):
                walk(content.struct)

    return edit


def _without(unwanted: Callable[[str, well_known.Value], bool]) -> Any:
    def change(struct: well_known.Struct) -> None:
        for key in [key for key, value in struct.fields.items() if unwanted(key, value)]:
            del struct.fields[key]

    return _structs(change)


def _renamed(change: Callable[[str], str]) -> Any:
    def edit(struct: well_known.Struct) -> None:
        for key in [key for key in struct.fields if change(key) != key]:
            struct.fields[change(key)].CopyFrom(struct.fields[key])
            del struct.fields[key]

    return _structs(edit)


def _values(change: Callable[[well_known.Value], None]) -> Any:
    def edit(struct: well_known.Struct) -> None:
        for value in struct.fields.values():
            change(value)

    return _structs(edit)


def _text(change: Callable[[str], str]) -> Any:
    def edit(value: well_known.Value) -> None:
        if value.HasField("string_value"):
            value.string_value = change(value.string_value)

    return _values(edit)


def _parse_numbers(value: well_known.Value) -> None:
    if value.HasField("string_value") and value.string_value == "1.0":
        value.number_value = 1.0


def _parse_words(value: well_known.Value) -> None:
    if value.HasField("string_value") and value.string_value in ("null", "true"):
        value.bool_value = value.string_value == "true"


def _single(value: well_known.Value) -> None:
    """Rounds to six digits."""
    if value.HasField("number_value"):
        value.number_value = float(f"{value.number_value:.6g}")


def _flatten_lists(value: well_known.Value) -> None:
    if value.HasField("list_value"):
        remaining = [one for one in value.list_value.values if not one.HasField("null_value")]
        copies = [type(one).FromString(one.SerializeToString()) for one in remaining]
        del value.list_value.values[:]
        value.list_value.values.extend(copies)


def _is_falsy(_: str, value: Any) -> bool:
    kind = value.WhichOneof("kind")
    return kind in ("bool_value", "number_value", "string_value") and not getattr(value, kind)


READINGS = (
    on_request("drops keys with a dollar", "TD-3", _without(lambda k, _: k[:1] == "$"), CAPTURE),
    on_request("drops keys with a dot", "TD-3", _without(lambda k, _: "." in k), CAPTURE),
    on_request("drops empty keys", "TD-3", _without(lambda k, _: not k), CAPTURE),
    on_request("keeps _id of readings for itself", "TD-3", _without(lambda k, _: k == "_id"),
               CAPTURE),
    on_request("drops nulls of readings", "TD-3",
               _without(lambda _, v: v.HasField("null_value")), CAPTURE),
    on_request("drops falsy readings", "TD-3", _without(_is_falsy), CAPTURE),
    on_request("drops empty maps of readings", "TD-3",
               _without(lambda _, v: v.HasField("struct_value") and not v.struct_value.fields),
               CAPTURE),
    on_request("drops nulls of lists", "TD-3", _values(_flatten_lists), CAPTURE),
    on_request("replaces dots of keys", "TD-3", _renamed(lambda k: k.replace(".", "_")), CAPTURE),
    on_request("composes keys of readings", "TD-3", _renamed(CHANGES["composes"]), CAPTURE),
    on_request("strips texts of readings", "TD-3", _text(str.strip), CAPTURE),
    on_request("cuts long texts of readings", "TD-3", _text(lambda t: t[:16_384]), CAPTURE),
    on_request("ends texts of readings at a NUL", "TD-3", _text(CHANGES["ends at a NUL in"]),
               CAPTURE),
    on_request("has a way with times of readings", "TD-3",
               _text(lambda t: t.replace("T00:00:00Z", "T00:00:00+00:00")), CAPTURE),
    on_request("takes texts for numbers", "TD-3", _values(_parse_numbers), CAPTURE),
    on_request("takes texts for words of JSON", "TD-3", _values(_parse_words), CAPTURE),
    on_request("keeps six digits", "TD-3", _values(_single), CAPTURE),
)  # fmt: skip


# Contents ------------------------------------------------------------------------------------


def _plain_type(message: object, _: Memory) -> None:
    metadata = _uploads(message)
    if metadata is not None:
        metadata.mime_type = metadata.mime_type.partition(";")[0]


def _overflows(message: Any, _: Memory) -> None:
    """Overflows like a signed 64-bit number of ns since 1970."""
    interval = message.data_request.filter.interval
    if interval.end.seconds >= 2**63 // 10**9:
        interval.end.seconds -= 2**64 // 10**9


def _bytes(change: Callable[[bytes], bytes]) -> RequestEdit:
    def edit(message: Any, _: Memory) -> None:
        for content in getattr(message, "sensor_contents", ()):
            if content.HasField("binary"):
                content.binary = change(content.binary)
        if "file_contents" in message.DESCRIPTOR.fields_by_name and message.HasField(
            "file_contents"
        ):
            message.file_contents.data = change(message.file_contents.data)

    return edit


def _piece(message: Any) -> bytes | None:
    """The bytes in a message of a stream."""
    kind = message.WhichOneof("upload_packet")
    if kind == "metadata":
        return None
    piece: bytes = message.file_contents.data if kind == "file_contents" else message.data
    return piece


def _set_piece(message: Any, piece: bytes) -> None:
    if message.DESCRIPTOR.name == "FileUploadRequest":
        message.file_contents.data = piece
    else:
        message.data = piece


def _drops_repeats(message: object, memory: Memory) -> object:
    piece = _piece(message)
    if piece is not None and piece == memory.get("last"):
        return DROP
    memory["last"] = piece
    return None


def _drops_known(message: object, memory: Memory) -> object:
    """Drops pieces that repeat an earlier piece of the stream, as if they were retransmissions."""
    piece = _piece(message)
    if piece is None:
        memory.clear()
    elif piece in memory:
        return DROP
    else:
        memory[piece] = True
    return None


def _sorts_pieces(message: object, memory: Memory) -> None:
    """Swaps neighbouring pieces so that the larger one is first."""
    piece = _piece(message)
    if piece is None:
        memory["held"] = None
        return
    earlier = memory.get("held")
    memory["held"] = piece
    if earlier is not None and len(earlier) == len(piece) and earlier > piece:
        _set_piece(message, earlier[:1] + piece[1:])


class _OfOneSize(MemoryStore):
    """Treats large contents of the same size as equal."""

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        payloads = vars(self).setdefault("_payloads", {})
        same = []
        for record, payload in records:
            key = len(payload) if len(payload) > 1000 else payload
            same.append((record, payloads.setdefault(key, payload)))
        super().add_binary(same)


CONTENTS = (
    on_request("drops parameters of MIME types", "UP-5", _plain_type, *UPLOADS),
    on_request("has intervals overflow in 2262", "FI-13", _overflows, *PAGES),
    on_request("has its own line ends in contents", "CU-1",
               _bytes(lambda b: b.replace(b"\r\n", b"\n")), CAPTURE, FILE),
    on_request("strips contents", "CU-1", _bytes(lambda b: b.strip(b" \n")), CAPTURE),
    on_request("strips zeros of contents", "CU-1", _bytes(lambda b: b.rstrip(b"\0")), CAPTURE),
    on_request("takes a mark of bytes away", "CU-1",
               _bytes(lambda b: b.removeprefix(b"\xef\xbb\xbf")), CAPTURE, FILE),
    on_request("takes contents for text", "FU-1",
               _bytes(lambda b: b.decode("utf-8", "replace").encode()), FILE),
    on_request("keeps 128 KiB of an upload", "CU-1", _bytes(lambda b: b[:131_072]), CAPTURE),
    on_request("drops a piece like the last", "FU-3", _drops_repeats, FILE),
    on_request("drops a piece of a stream like the last", "FU-3", _drops_repeats, STREAM),
    on_request("drops pieces it has seen", "FU-3", _drops_known, FILE, STREAM),
    on_request("sorts pieces a little", "FU-3", _sorts_pieces, FILE, STREAM),
    with_store("stores contents of one size once", "UP-9", _OfOneSize),
)  # fmt: skip


def _metadata_text_edit(change: Callable[[str], str]) -> ReplyEdit:
    def edit(metadata: Any) -> None:
        metadata.file_name = change(metadata.file_name)

    return metadata_edit(edit)


MUTANTS: tuple[Mutant, ...] = (
    *_texts(),
    *READINGS,
    *CONTENTS,
    on_reply("shows names of files in lower case", "UP-6", _metadata_text_edit(str.lower), *FILES),
    on_reply("shows the last part of names of files", "UP-6",
             _metadata_text_edit(lambda name: name.rpartition("/")[2]), *FILES),
)  # fmt: skip
