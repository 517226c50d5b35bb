"""Fields of a request that the fake does not know or read, or that are deprecated."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from google.protobuf.unknown_fields import UnknownFieldSet

from fakeviam.server.instruments.message_json import is_map, is_repeated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

#: Request fields that the fake ignores, by RPC, as dotted paths. A test traces what the handlers
#: read, and finds exactly these.
UNREAD: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # Annotations get new ids.
        "DataCaptureUpload": frozenset(
            {
                "sensor_contents.metadata.annotations.bboxes.id",
                "sensor_contents.metadata.annotations.classifications.id",
            }
        ),
        "StreamingDataCaptureUpload": frozenset(
            {
                "metadata.sensor_metadata.annotations.bboxes.id",
                "metadata.sensor_metadata.annotations.classifications.id",
            }
        ),
        # Machines have no configuration here, so each counts as using every fragment (AP-6).
        "ListMachineSummaries": frozenset({"fragment_ids"}),
    }
)


def unknown_fields(message: Message) -> tuple[str, ...]:
    """Fields in a message that our protos lack, at any depth: `filter.#17`."""
    return tuple(dict.fromkeys(_unknown(message, "")))


def _unknown(message: Message, prefix: str) -> Iterator[str]:
    strange = UnknownFieldSet(message)
    yield from (f"{prefix}#{strange[at].field_number}" for at in range(len(strange)))
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if is_map(field):
            if field.message_type.fields_by_name["value"].message_type is not None:
                for key in value:
                    yield from _unknown(value[key], f"{prefix}{field.name}.{key}.")
            continue
        for each in value if is_repeated(field) else [value]:
            yield from _unknown(each, f"{prefix}{field.name}.")


def unread_fields(rpc: str, message: Message) -> tuple[str, ...]:
    """Set fields that no handler reads."""
    unread = UNREAD.get(rpc)
    return tuple(path for path in _set(message, "") if path in unread) if unread else ()


def deprecated_fields(message: Message) -> tuple[str, ...]:
    """Set fields that Viam's protos mark as deprecated."""
    return tuple(dict.fromkeys(_deprecated(message, "")))


def _set(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        yield path
        if field.message_type is not None and not is_map(field):
            for each in value if is_repeated(field) else [value]:
                yield from _set(each, f"{path}.")


def _deprecated(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.GetOptions().deprecated:
            yield path
        elif field.message_type is not None and not is_map(field):
            for each in value if is_repeated(field) else [value]:
                yield from _deprecated(each, f"{path}.")
