"""Messages as protobuf JSON, as the `viam` command line writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf import json_format

from fakeviam import wire
from fakeviam.wire import data as messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from fakeviam.seeds.diagnostics import SourceLocation

    M = TypeVar("M", bound=Message)


def message_of(kind: type[M], document: Any, at: SourceLocation) -> M:
    """Parse a message of protobuf JSON; newer fields are ignored.

    Raises:
        SeedError: It is invalid.
    """
    if isinstance(document, dict):
        for holder in (document, document.get("captureMetadata")):
            if isinstance(holder, dict):
                # Method parameters are ignored, because their types may be unknown here (UP-8).
                holder.pop("methodParameters", None)
    try:
        message: M = json_format.ParseDict(
            document, kind(), ignore_unknown_fields=True, descriptor_pool=wire.pool()
        )
    except (ValueError, TypeError, AttributeError, json_format.ParseError) as error:
        raise at.error(f"is not a JSON {kind.__name__}: {error}") from None
    return message


def unknown_fields(document: object) -> Iterator[str]:
    """The fields of a file's metadata that are unknown or cannot be stored."""
    if not isinstance(document, dict):
        return
    inner = document.get("captureMetadata", document.get("capture_metadata"))
    for prefix, holder, kind in (
        ("", document, messages.BinaryMetadata),
        ("captureMetadata.", inner, messages.CaptureMetadata),
    ):
        fields = kind.DESCRIPTOR.fields
        names = {name for field in fields for name in (field.name, field.json_name)}
        for name, value in holder.items() if isinstance(holder, dict) else ():
            if name not in names or (name in _UNUSED and value):
                yield f"{prefix}{name}"


_UNUSED = frozenset({"methodParameters", "method_parameters"})
