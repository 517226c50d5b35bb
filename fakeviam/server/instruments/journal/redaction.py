"""What the journal must not show."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "(secret)"  # noqa: S105 - what stands in its place

#: Where messages hold secrets: full name of the message, field.
_SECRETS = MappingProxyType(
    {
        "proto.rpc.v1.Credentials": "payload",
        "proto.rpc.v1.AuthenticateResponse": "access_token",
        "viam.app.data.v1.ConfigureDatabaseUserRequest": "password",
        # Whoever has such an address may read what is behind it.
        "viam.app.data.v1.CreateBinaryDataSignedURLResponse": "signed_url",
        "viam.app.dataset.v1.GetSequenceDatasetExportResponse": "download_url",
    }
)

#: A metadata key with one of these words holds a secret.
_SECRET_WORDS = frozenset(
    {
        "apikey",
        "auth",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "key",
        "passphrase",
        "password",
        "payload",
        "secret",
        "signature",
        "token",
    }
)

#: Ways to present a secret, which are none.
_SCHEMES = frozenset({"bearer", "basic", "digest"})

_WORD = re.compile(r"[a-z]+")

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
        if not _SECRET_WORDS.isdisjoint(_WORD.findall(key.lower())):
            scheme, _, _ = str(value).partition(" ")
            shown[key] = f"{scheme} {SECRET}" if scheme.lower() in _SCHEMES else SECRET
        else:
            shown[key] = value.hex() if isinstance(value, bytes) else str(value)
    return shown
