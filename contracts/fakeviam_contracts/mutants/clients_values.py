"""Wrong clients: they change values on their way, or send some of them alone."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_filter,
    on_request,
    on_stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.mutants.base import IdsRequest

#: What is done to texts, by what a client that does it is called.
CHANGES: dict[str, Callable[[str], str]] = {
    "lowers": str.lower,
    "strips": str.strip,
    "composes": lambda text: unicodedata.normalize("NFC", text),
}


def _all(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """A change of a text, or of each in a list."""

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
    """Edits fields of upload metadata in a request."""

    def edit(request: Any) -> None:
        metadata = getattr(request, "metadata", None)
        if metadata is not None and "part_id" in metadata.DESCRIPTOR.fields_by_name:
            for field in fields:
                value = getattr(metadata, field)
                if isinstance(value, str):
                    setattr(metadata, field, change(value))
                else:
                    value[:] = [change(one) for one in value]

    return edit


def _rename(change: Callable[[str], str]) -> Callable[[object], None]:
    def edit(request: Any) -> None:
        for field in ("name", "label"):
            if field in request.DESCRIPTOR.fields_by_name:
                setattr(request, field, change(getattr(request, field)))

    return edit


def _streamed(change: Callable[[str], str]) -> Callable[[list[Any]], list[Any]]:
    def edit(messages: list[Any]) -> list[Any]:
        metadata = messages[0].metadata
        upload_metadata = getattr(metadata, "upload_metadata", metadata)
        upload_metadata.file_name = change(upload_metadata.file_name)
        upload_metadata.tags[:] = [change(tag) for tag in upload_metadata.tags]
        return messages

    return edit


def _cut(value: object) -> object:
    """A time in milliseconds."""
    if not isinstance(value, datetime):
        return value
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _cut_times(args: dict[str, object]) -> None:
    args.update({key: _cut(args[key]) for key in ("start_time", "end_time") if key in args})


def _first_hundred(request: IdsRequest) -> None:
    if "binary_data_ids" in request.DESCRIPTOR.fields_by_name:
        del request.binary_data_ids[100:]


def _without(unwanted: Callable[[Any], bool]) -> Callable[[dict[str, object]], None]:
    def edit(args: dict[str, Any]) -> None:
        args["tabular_data"] = [
            {key: value for key, value in row.items() if not unwanted(value)}
            for row in args["tabular_data"]
        ]

    return edit


VALUES: tuple[ClientMutant, ...] = (
    *(
        mutant
        for name, change in CHANGES.items()
        for mutant in (
            on_filter(f"{name} names in filters", "filter-fields",
                      _filters(change, "component_name", "part_name")),
            on_filter(f"{name} ids in filters", "filter-fields",
                      _filters(change, "robot_id", "dataset_id", "location_ids", "part_name")),
            on_filter(f"{name} labels in filters", "filter-fields",
                      _filters(change, "bbox_labels", "part_name")),
            on_filter(f"{name} tags of filters", "filter-tags",
                      _filters(str.title if name == "composes" else change, "tags")),
            on_request(f"{name} names of datasets and labels", "names-as-given",
                       _rename(str.swapcase if name == "composes" else change)),
            on_stream(f"{name} what streams say", "tags-and-datasets", _streamed(change)),
            on_request(f"{name} tags of uploads", "tags-and-datasets", _metadata(change, "tags")),
            on_request(f"{name} tags to add", "tags-as-given",
                       lambda request, change=change: _tags(request, change)),  # type: ignore[misc]
        )
    ),
    on_stream("lowers names of files", "names-as-given", _streamed(str.lower)),
    on_filter("cuts times to milliseconds", "interval-open-ends", _cut_times),
    on_call("cuts times of captures to milliseconds", "upload-times",
            "binary_data_capture_upload",
            changing("data_request_times", lambda pair: pair and [_cut(one) for one in pair])),
    on_request("sends the first 100 ids", "ids-all", _first_hundred),
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
