"""Bytes ↔ messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from grpclib.encoding.base import CodecBase, StatusDetailsCodecBase

from fakeviam.model.checks import check_whole_number
from fakeviam.model.errors import InvalidArgumentError, ResourceExhaustedError
from fakeviam.wire import status as rpc_status
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from grpclib.const import Status


class Codec(CodecBase):
    """Protobuf, with a ceiling on what comes in and a way out for encoded replies."""

    __content_subtype__ = "proto"  # pyright: ignore - grpclib declares a property

    def __init__(self, max_message_bytes: int | None) -> None:
        """Refuse messages above `max_message_bytes` (SV-2); None takes all."""
        if max_message_bytes is not None:
            check_whole_number("max_message_bytes", max_message_bytes, minimum=1)
        self._ceiling = max_message_bytes

    def encode(self, message: Any, message_type: Any) -> bytes:  # noqa: ARG002 - grpclib's shape
        """The bytes of a reply."""
        if isinstance(message, Encoded):
            return message.blob
        serialized: bytes = message.SerializeToString()
        return serialized

    def decode(self, data: bytes, message_type: type[Message]) -> Any:
        """The message in `data`.

        Raises:
            ResourceExhaustedError: It is larger than the ceiling (SV-2).
            InvalidArgumentError: It is no such message (SV-3).
        """
        if self._ceiling is not None and len(data) > self._ceiling:
            text = f"message of {len(data)} bytes is larger than {self._ceiling}"
            raise ResourceExhaustedError(text, clause="SV-2")
        try:
            return message_type.FromString(data)
        except DecodeError as error:
            text = f"request is not a valid {message_type.DESCRIPTOR.full_name} message"
            raise InvalidArgumentError(text, clause="SV-3") from error


class DetailsCodec(StatusDetailsCodecBase):
    """The trailer `grpc-status-details-bin`: a `google.rpc.Status` with packed details."""

    def encode(self, status: Status, message: str | None, details: Any) -> bytes:
        """The bytes of a status; `details` have `type_url` and `value` each."""
        made = rpc_status.Status(code=status.value, message=message or "")
        for detail in details:
            made.details.add(type_url=detail.type_url, value=detail.value)
        return made.SerializeToString()

    def decode(self, status: Status, message: str | None, data: bytes) -> Any:
        """Not asked of a server."""
        raise NotImplementedError
