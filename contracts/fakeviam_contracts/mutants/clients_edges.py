"""Wrong clients that an outside review found unseen: values at the edges, and later pages."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from fakeviam_client import DataClient

from fakeviam.wire import data
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_filter,
    on_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M


# Texts -------------------------------------------------------------------------------------


def _each(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """A change of a text, or of each one in a list."""

    def edit(value: Any) -> Any:
        return [edit(one) for one in value] if isinstance(value, list) else value and change(value)

    return edit


def _replaced(mark: str) -> Callable[[Any], Any]:
    return _each(lambda text: text.replace(mark, "_"))


#: Methods, their arguments, and the obligations that see them changed.
_TEXTS = (
    ("get_database_connection", "organization_id", "hostname"),
    ("list_dataset_by_ids", "ids", "datasets-as-given"),
    ("add_bounding_box_to_image_by_id", "binary_id", "boxes-as-given"),
    ("remove_bounding_box_from_image_by_id", "bbox_id", "boxes-as-given"),
    ("delete_tabular_data", "organization_id", "days-passed-on"),
    ("configure_database_user", "organization_id", "database-user"),
    ("configure_database_user", "password", "database-user"),
    ("add_binary_data_to_dataset_by_ids", "dataset_id", "ids-as-strings"),
    ("remove_binary_data_from_dataset_by_ids", "dataset_id", "ids-as-strings"),
    ("file_upload", "file_extension", "extension"),
    ("streaming_data_capture_upload", "file_ext", "extension"),
    ("binary_data_capture_upload", "file_extension", "extension"),
    ("file_upload", "mime_type", "mime-type-of-files"),
    ("binary_data_capture_upload", "mime_type", "mime-type-of-captures"),
)

TEXTS = (
    *(
        on_call(f"{name} the {argument} of {method}", obligation, method,
                changing(argument, _each(change)))
        for method, argument, obligation in _TEXTS
        for name, change in (("strips", str.strip), ("cuts", lambda text: text[:255]))
        if (name, argument) != ("cuts", "mime_type")  # none is that long
    ),
    *(
        on_call(f"replaces {mark} in tags of uploads", "tags-and-datasets", "file_upload",
                changing("tags", _replaced(mark)))
        for mark in ("--", ":", "#", "@", "=", "|", "~", "?", "!", "(", "[", "<", "`", "^", "{")
    ),
    *(
        on_filter(f"replaces {mark} in filters", "filter-fields",
                  changing("component_name", _replaced(mark)))
        for mark in ("--", ":", "#", "@", "=", "|", "?")
    ),
)  # fmt: skip


# Times and numbers -------------------------------------------------------------------------


def _between(first: datetime, last: datetime) -> Callable[[Any], Any]:
    """Moves times outside to the ends."""

    def change(time: Any) -> Any:
        if isinstance(time, list | tuple):
            return [change(one) for one in time]
        aware = time and (time if time.tzinfo else time.replace(tzinfo=timezone.utc))
        return aware and min(max(aware, first), last)

    return change


def _day(*date: int) -> datetime:
    return datetime(*date, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


_EVER = {
    "since 1970": _between(_day(1970, 1, 1), _day(9999, 12, 31)),
    "until 2038": _between(_day(1, 1, 1), _day(2038, 1, 19)),
    "until 2262": _between(_day(1, 1, 1), _day(2262, 4, 11)),
}

TIMES = tuple(
    mutant
    for name, change in _EVER.items()
    for mutant in (
        *(
            on_call(f"knows times {name} alone in {method}", "upload-times", method,
                    changing("data_request_times", change))
            for method in ("binary_data_capture_upload", "streaming_data_capture_upload",
                           "tabular_data_capture_upload")
        ),
        on_filter(f"knows times {name} alone in filters", "interval-open-ends",
                  changing("start_time" if "since" in name else "end_time", change)),
        on_call(f"knows times {name} alone in exports", "queries-as-given", "export_tabular_data",
                changing("start_time" if "since" in name else "end_time", change)),
    )
)  # fmt: skip


def _soon(_: object, reply: object) -> None:
    if isinstance(reply, data.TabularDataByFilterResponse):
        for one in reply.data:
            one.time_requested.seconds = min(one.time_requested.seconds, 2**31 - 1)


def _numbers(change: Callable[[float], float]) -> Callable[[Any], Any]:
    """A change of all numbers in a value."""

    def edit(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: edit(item) for key, item in value.items()}
        if isinstance(value, list):
            return [edit(item) for item in value]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return change(value) if number else value

    return edit


def _flat(value: Any) -> Any:
    """Takes lists out of lists."""
    if isinstance(value, dict):
        return {key: _flat(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [_flat(item) for item in value]
    return [one for item in items for one in (item if isinstance(item, list) and item else [item])]


_VALUES: dict[str, Callable[[Any], Any]] = {
    "knows no number above 1e100": _numbers(lambda number: min(number, 1e100)),
    "knows no number below -2**63": _numbers(lambda number: max(number, -(2.0**63))),
    "takes signs off fractions": _numbers(lambda n: abs(n) if n % 1 else n),
    "keeps 15 digits": _numbers(lambda number: float(f"{number:.15g}")),
    "flattens lists": _flat,
}


def _down(change: Callable[[Any], Any]) -> Callable[[object, object], None]:
    def edit(_: object, reply: object) -> None:
        if isinstance(reply, data.TabularDataByFilterResponse):
            for one in reply.data:
                one.data.CopyFrom(struct_from(change(mapping_from(one.data))))

    return edit


NUMBERS = (
    on_reply("reads times until 2038", "readings-own", _soon),
    *(
        mutant
        for name, change in _VALUES.items()
        for mutant in (
            on_call(f"{name} on their way up", "readings-intact", "tabular_data_capture_upload",
                    changing("tabular_data", change)),
            on_reply(f"{name} on their way down", "readings-back", _down(change)),
        )
    ),
)  # fmt: skip


# Later pages and calls ---------------------------------------------------------------------


class ReusesItsBuffer(DataClient):
    """Gives the bytes of the first page again."""

    _first: bytes = b""

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        reply = await super()._call(kind, request, timeout)
        if isinstance(reply, data.BinaryDataByFilterResponse) and reply.data:
            self._first = self._first or reply.data[0].binary
            reply.data[0].binary = self._first
        return reply


def _late_times(request: Any, reply: object) -> None:
    if isinstance(reply, data.TabularDataByFilterResponse) and request.data_request.last:
        for one in reply.data:
            one.time_received.CopyFrom(one.time_requested)


class NamesItselfOnce(DataClient):
    """Sends ids in batches, and headers with the first one alone."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        ids = list(getattr(request, "binary_data_ids", ()))
        if len(ids) <= 100:
            return await super()._call(kind, request, timeout)
        request.binary_data_ids[:] = ids[:100]
        await super()._call(kind, request, timeout)
        request.binary_data_ids[:] = ids[100:]
        return await DataClient(self._channel, {})._call(kind, request, timeout)  # noqa: SLF001


def _no_names_later(request: Any, reply: object) -> None:
    if isinstance(reply, data.BinaryDataByFilterResponse) and request.data_request.last:
        for one in reply.data:
            one.metadata.file_name = ""


def _of_files(edit: Callable[[Any], object]) -> Callable[[object, object], None]:
    """An edit of the metadata of each file."""

    def changed(_: object, reply: object) -> None:
        if isinstance(reply, data.BinaryDataByFilterResponse):
            for one in reply.data:
                edit(one.metadata)

    return changed


def _stripped(metadata: Any) -> None:
    metadata.capture_metadata.component_name = metadata.capture_metadata.component_name.strip()


def _no_tags_of_readings(_: object, reply: object) -> None:
    if isinstance(reply, data.TabularDataByFilterResponse):
        for one in reply.metadata:
            del one.tags[:]


LATER = (
    on_reply("drops tags of files", "metadata-back",
             _of_files(lambda one: one.capture_metadata.ClearField("tags"))),
    on_reply("strips names of components of files", "metadata-back", _of_files(_stripped)),
    on_reply("gives files one time for two", "metadata-back",
             _of_files(lambda one: one.time_received.CopyFrom(one.time_requested))),
    on_reply("drops tags of readings", "metadata-back", _no_tags_of_readings),
    ClientMutant(name="reuses its buffer", obligation="pages-complete", client=ReusesItsBuffer),
    on_reply("drops names of files of later pages", "pages-complete", _no_names_later),
    on_reply("gives later pages one time for two", "pages-complete", _late_times),
    ClientMutant(name="names itself once", obligation="ids-all", client=NamesItselfOnce),
)  # fmt: skip

EDGES: tuple[ClientMutant, ...] = (*TEXTS, *TIMES, *NUMBERS, *LATER)
