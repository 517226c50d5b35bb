"""Wrong clients: they change or drop values."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fakeviam.wire import data
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_filter,
    on_reply,
    on_request,
    on_stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.wire.well_known import Struct


#: Changes of texts, by their descriptions.
CHANGES: dict[str, Callable[[str], str]] = {
    "lowers": str.lower,
    "strips": str.strip,
    "composes": lambda text: unicodedata.normalize("NFC", text),
    "decomposes": lambda text: unicodedata.normalize("NFD", text),
    "folds": lambda text: unicodedata.normalize("NFKC", text),
    "unquotes": unquote,
    "joins blanks in": lambda text: re.sub("  +", " ", text),
    "ends lines its own way in": lambda text: text.replace("\r\n", "\n"),
    "cuts": lambda text: text[:255],
}

#: Fields of filters by type.
GROUPS = {
    "names": ("component_name", "robot_name"),
    "ids": ("robot_id", "dataset_id"),
    "locations": ("location_ids",),
    "labels": ("bbox_labels",),
    "MIME types": ("mime_type",),
}


def _all(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """Change a text, or each text in a list."""

    def changed(value: object) -> object:
        if isinstance(value, str):
            return change(value)
        return [change(one) for one in value] if isinstance(value, list) else value

    return changed


def _filters(change: Callable[[str], str], *fields: str) -> Callable[[dict[str, Any]], None]:
    def edit(args: dict[str, Any]) -> None:
        args.update({key: _all(change)(args[key]) for key in fields if key in args})

    return edit


def _metadata(change: Callable[[str], str], *fields: str) -> Callable[[Any], None]:
    """Edit fields of the upload metadata in a request."""

    def edit(request: object) -> None:
        metadata = getattr(request, "metadata", None)
        if metadata is not None and "part_id" in metadata.DESCRIPTOR.fields_by_name:
            _change(metadata, change, fields)

    return edit


def _rename(change: Callable[[str], str]) -> Callable[[object], None]:
    def edit(request: Any) -> None:
        for field in ("name", "label"):
            if field in request.DESCRIPTOR.fields_by_name:
                setattr(request, field, change(getattr(request, field)))

    return edit


def _streamed(change: Callable[[str], str], *fields: str) -> Callable[[list[Any]], list[Any]]:
    def edit(messages: list[Any]) -> list[Any]:
        metadata = messages[0].metadata
        _change(getattr(metadata, "upload_metadata", metadata), change, fields)
        return messages

    return edit


def _change(metadata: object, change: Callable[[str], str], fields: tuple[str, ...]) -> None:
    for field in fields:
        value = getattr(metadata, field)
        if isinstance(value, str):
            setattr(metadata, field, change(value))
        else:
            value[:] = [change(one) for one in value]


def _cut(value: object) -> object:
    """A time truncated to milliseconds."""
    if not isinstance(value, datetime):
        return value
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _floated(value: object) -> object:
    """A time converted to a float of milliseconds, which loses precision."""
    if not isinstance(value, datetime):
        return value
    millis = value.replace(tzinfo=value.tzinfo or timezone.utc).timestamp() * 1000
    return datetime.fromtimestamp(round(millis) / 1000, timezone.utc)


def _second(value: object) -> object:
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def _naive(value: object) -> object:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


#: Changes of times, by their descriptions.
TIMES: dict[str, Callable[[object], object]] = {
    "to milliseconds": _cut,
    "to seconds": _second,
    "to a float": _floated,
    "without their zone": _naive,
}


def _times(change: Callable[[object], object], *keys: str) -> Callable[[dict[str, object]], None]:
    def edit(args: dict[str, object]) -> None:
        args.update({key: change(args[key]) for key in keys if key in args})

    return edit


def _pair(change: Callable[[object], object], at: int) -> Callable[[Any], Any]:
    """A change of one of two times."""
    return lambda pair: (
        pair and [change(one) if place == at else one for place, one in enumerate(pair)]
    )


def _pairs(change: Callable[[object], object], at: int) -> Callable[[Any], Any]:
    one = _pair(change, at)
    return lambda pairs: pairs and [one(pair) for pair in pairs]


def _first(most: int, *fields: str) -> Callable[[Any], None]:
    """Keep the first elements of a list."""

    def edit(request: Any) -> None:
        for place in (request, getattr(request, "metadata", None)):
            for field in fields:
                if place is not None and field in place.DESCRIPTOR.fields_by_name:
                    del getattr(place, field)[most:]

    return edit


def _without(unwanted: Callable[[Any], bool]) -> Callable[[dict[str, object]], None]:
    def edit(args: dict[str, Any]) -> None:
        args["tabular_data"] = [
            {key: value for key, value in row.items() if not unwanted(value)}
            for row in args["tabular_data"]
        ]

    return edit


def _without_deep_nulls(_: object, reply: Any) -> None:
    """Drop nulls in maps inside of readings."""
    if isinstance(reply, data.TabularDataByFilterResponse):
        for one in reply.data:
            for value in one.data.fields.values():
                _drop_nulls(value.struct_value)


def _drop_nulls(values: Struct) -> None:
    for key, value in list(values.fields.items()):
        if value.HasField("null_value"):
            del values.fields[key]
        elif value.HasField("struct_value"):
            _drop_nulls(value.struct_value)


def _strips_files(_: object, reply: Any) -> None:
    if isinstance(reply, data.BinaryDataByFilterResponse):
        for one in reply.data:
            one.binary = one.binary.strip()


def _one_of_equals(_: object, reply: Any) -> None:
    if isinstance(reply, data.BinaryDataByFilterResponse):
        once = {one.binary: one for one in reversed(reply.data)}
        kept = [one for one in reply.data if once[one.binary] is one]
        del reply.data[:]
        reply.data.extend(kept)


def _turns_corners(request: Any) -> None:
    if isinstance(request, data.AddBoundingBoxToImageByIDRequest):
        for axis in "xy":
            names = [f"{axis}_{end}_normalized" for end in ("min", "max")]
            values = sorted(getattr(request, name) for name in names)
            for name, value in zip(names, values, strict=True):
                setattr(request, name, value)


def _no_moment(filter_: data.Filter) -> None:
    if filter_.interval.start == filter_.interval.end:
        filter_.interval.ClearField("end")


def _no_epoch(filter_: data.Filter) -> None:
    if not filter_.interval.start.ByteSize():
        filter_.interval.ClearField("start")


VALUES: tuple[ClientMutant, ...] = (
    *(
        mutant
        for name, change in CHANGES.items()
        for mutant in (
            *(on_filter(f"{name} {what} in filters", "filter-fields", _filters(change, *fields))
              for what, fields in GROUPS.items()),
            on_filter(f"{name} tags of filters", "filter-tags", _filters(change, "tags")),
            on_request(f"{name} names of datasets and labels", "names-as-given", _rename(change)),
            on_stream(f"{name} tags of streams", "tags-and-datasets", _streamed(change, "tags")),
            on_stream(f"{name} names in streams", "uploads-described",
                      _streamed(change, "component_name", "file_name")),
            on_request(f"{name} tags of uploads", "tags-and-datasets", _metadata(change, "tags")),
            on_request(f"{name} names in uploads", "uploads-described",
                       _metadata(change, "component_name")),
            on_request(f"{name} tags to add", "tags-as-given",
                       lambda request, change=change: _tags(request, change)),  # type: ignore[misc]
        )
    ),
    on_stream("lowers names of files", "names-as-given", _streamed(str.lower, "file_name")),
    *(
        mutant
        for name, change in TIMES.items()
        for mutant in (
            on_filter(f"takes the start of an interval {name}", "interval-open-ends",
                      _times(change, "start_time")),
            on_filter(f"takes the end of an interval {name}", "interval-open-ends",
                      _times(change, "end_time")),
            on_call(f"takes times of requests {name}", "upload-times",
                    "binary_data_capture_upload", changing("data_request_times", _pair(change, 0))),
            on_call(f"takes times received {name}", "upload-times",
                    "binary_data_capture_upload", changing("data_request_times", _pair(change, 1))),
            on_call(f"takes times of readings {name}", "upload-times",
                    "tabular_data_capture_upload",
                    changing("data_request_times", _pairs(change, 1))),
            on_call(f"takes times of streams {name}", "upload-times",
                    "streaming_data_capture_upload",
                    changing("data_request_times", _pair(change, 1))),
        )
    ),
    *(
        mutant
        for most in (50, 100)
        for mutant in (
            on_request(f"sends the first {most} ids", "ids-all", _first(most, "binary_data_ids")),
            on_request(f"sends the first {most} tags", "tags-as-given", _first(most, "tags")),
            on_request(f"sends the first {most} tags of uploads", "tags-and-datasets",
                       _first(most, "tags")),
            on_request(f"asks for the first {most} datasets", "datasets-as-given",
                       _first(most, "ids")),
            on_request(f"sends the first {most} readings", "readings-intact",
                       _first(most, "sensor_contents")),
            on_filter(f"sends the first {most} labels of filters", "filter-fields",
                      changing("bbox_labels", lambda many, most=most: many and many[:most])),  # type: ignore[misc]
            on_reply(f"gives the first {most} names", "names-as-lists",
                     lambda _, reply, most=most: _first(most, "tags", "labels")(reply)),  # type: ignore[misc]
            on_reply(f"gives the first {most} datasets", "datasets-as-given",
                     lambda _, reply, most=most: _first(most, "datasets")(reply)),  # type: ignore[misc]
        )
    ),
    on_request("sends the first 100 BinaryIDs", "ids-as-messages", _first(100, "binary_ids")),
    on_stream("sends the first 40 messages of a file", "bytes-intact-up",
              lambda messages: messages[:40]),
    on_reply("drops nulls deep inside of readings", "readings-back", _without_deep_nulls),
    on_reply("takes blanks off the ends of files", "files-whole", _strips_files),
    on_reply("gives one of equal files", "files-whole", _one_of_equals),
    on_request("turns the corners of boxes", "boxes-as-given", _turns_corners),
    on_filter("asks for no end where it is the start", "interval-open-ends", after=_no_moment),
    on_filter("takes 1970 for no time", "interval-open-ends", after=_no_epoch),
    on_call("drops nulls of readings", "readings-intact", "tabular_data_capture_upload",
            _without(lambda value: value is None)),
    on_call("drops falsy readings", "readings-intact", "tabular_data_capture_upload",
            _without(lambda value: not value)),
    on_call("drops empty texts of readings", "readings-intact", "tabular_data_capture_upload",
            _without(lambda value: value == "")),
    on_call("strips names of files", "names-as-given", "file_upload",
            changing("file_name", lambda name: name.strip() if name else name)),
)  # fmt: skip


def _tags(request: Any, change: Callable[[str], str]) -> None:
    if "tags" in request.DESCRIPTOR.fields_by_name:
        request.tags[:] = [change(tag) for tag in request.tags]
