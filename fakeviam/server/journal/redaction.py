"""What the journal must not show, and what is too long to keep."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from fakeviam.server.fields import is_map

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "(secret)"  # noqa: S105 - what stands in its place

#: Longer texts and bytes of a message that is too large are cut to this.
_LONGEST = 64

#: Where messages hold secrets: full name of the message, field.
_SECRETS = MappingProxyType(
    {
        "proto.rpc.v1.Credentials": "payload",
        "proto.rpc.v1.AuthenticateResponse": "access_token",
        "viam.app.data.v1.ConfigureDatabaseUserRequest": "password",
    }
)

_SECRET_METADATA = frozenset({"authorization", "key", "key_id", "cookie"})

#: Messages that hold one of those.
_AROUND = frozenset({"proto.rpc.v1.AuthenticateRequest"})


def redacted(message: Message) -> Message:
    """The message without its secrets; the same one if it has none."""
    name = message.DESCRIPTOR.full_name
    if name not in _SECRETS and name not in _AROUND:
        return message
    shown = type(message)()
    shown.CopyFrom(message)
    _redact(shown)
    return shown


def _redact(message: Message) -> None:
    secret = _SECRETS.get(message.DESCRIPTOR.full_name)
    if secret is not None and getattr(message, secret):
        setattr(message, secret, SECRET)
    for field, value in message.ListFields():
        if field.message_type is not None and isinstance(value, Message):
            _redact(value)


def redacted_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as text, without the secrets; how they were presented stays visible."""
    shown = {}
    for key, value in metadata.items():
        if key.lower() in _SECRET_METADATA:
            scheme, space, _ = str(value).partition(" ")
            shown[key] = f"{scheme} {SECRET}" if space else SECRET
        else:
            shown[key] = value.hex() if isinstance(value, bytes) else str(value)
    return shown


def shortened(message: Message) -> Message:
    """A copy in which long texts and bytes are cut, and long lists end early."""
    short = type(message)()
    for field, value in message.ListFields():
        if is_map(field) or field.message_type is None:
            _shorten_plain(short, field, value)
        elif isinstance(value, Message):
            getattr(short, field.name).CopyFrom(shortened(value))
        else:
            getattr(short, field.name).extend(shortened(each) for each in value[:_LONGEST])
    return short


def _shorten_plain(short: Message, field: Any, value: Any) -> None:
    if is_map(field):
        getattr(short, field.name).MergeFrom(value)
    elif isinstance(value, (str, bytes)):
        setattr(short, field.name, value[:_LONGEST])
    elif hasattr(value, "__len__"):
        getattr(short, field.name).extend(value[:_LONGEST])
    else:
        setattr(short, field.name, value)
