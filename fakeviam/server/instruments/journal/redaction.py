"""Keeps secrets out of the journal."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.server.instruments.message_json import is_map, is_repeated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message
    from typing_extensions import Self

    from fakeviam.model.matching import Leaf

    #: The metadata of a request; values are bytes if a name ends in `-bin`.
    Metadata = Mapping[str, str | bytes]

from fakeviam.server.instruments.message_fields import leaves_of

SECRET = "(secret)"  # noqa: S105 - what stands in its place

#: The fields of messages that hold secrets, by full name of the message.
_SECRETS = MappingProxyType(
    {
        "proto.rpc.v1.Credentials": ("payload",),
        "proto.rpc.v1.AuthenticateResponse": ("access_token",),
        "proto.rpc.v1.AuthenticateToResponse": ("access_token",),
        "viam.app.data.v1.ConfigureDatabaseUserRequest": ("password",),
        # A signed link gives anyone access to its file.
        "viam.app.data.v1.CreateBinaryDataSignedURLResponse": ("signed_url",),
        "viam.app.dataset.v1.GetSequenceDatasetExportResponse": ("download_url",),
        "viam.app.cloudslam.v1.GetMappingSessionPointCloudResponse": ("map_url",),
        # Only scripted replies can contain these.
        "viam.app.v1.APIKey": ("key",),
        "viam.app.v1.CertificateResponse": ("tls_private_key",),
        "viam.app.v1.CloudConfig": ("location_secret", "secret"),
        "viam.app.v1.CreateKeyFromExistingKeyAuthorizationsResponse": ("key",),
        "viam.app.v1.CreateKeyResponse": ("key",),
        "viam.app.v1.CreateOAuthAppResponse": ("client_secret",),
        "viam.app.v1.CreateOAuthAppUserRequest": ("password",),
        "viam.app.v1.CreateOAuthAppUserResponse": ("auth_token", "refresh_token"),
        "viam.app.v1.GetAuthApplicationResponse": ("client_secret",),
        "viam.app.v1.GetDevicePushTokensResponse": ("device_tokens",),
        "viam.app.v1.LocationAuth": ("secret",),
        "viam.app.v1.LocationSecret": ("secret",),
        "viam.app.v1.ReadOAuthAppResponse": ("client_secret",),
        "viam.app.v1.RegisterAuthApplicationResponse": ("client_secret",),
        "viam.app.v1.RemoteAuth.Credentials": ("payload",),
        "viam.app.v1.RemoteConfig": ("secret",),
        "viam.app.v1.RobotPart": ("secret",),
        "viam.app.v1.RotateKeyResponse": ("key",),
        "viam.app.v1.SharedSecret": ("secret",),
        "viam.app.v1.UploadDevicePushTokenRequest": ("device_token",),
        "viam.provisioning.v1.APIKey": ("key",),
        "viam.provisioning.v1.CloudConfig": ("secret",),
        "viam.provisioning.v1.SetNetworkCredentialsRequest": ("psk",),
    }
)

#: Metadata keys that contain one of these words hold secrets.
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

#: Authentication schemes, which are not secret.
_SCHEMES = frozenset({"bearer", "basic", "digest"})

_WORD = re.compile(r"[a-z]+")

#: Messages that may contain one of those at some depth.
_AROUND = ("proto.rpc.v1.", "viam.app.v1.", "viam.provisioning.v1.")


def redacted(message: Message) -> Message:
    """The message without its secrets; the same object if its type cannot have any."""
    name = message.DESCRIPTOR.full_name
    if name not in _SECRETS and not name.startswith(_AROUND):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _redact(copy)
    return copy


def _redact(message: Message) -> None:
    for secret in _SECRETS.get(message.DESCRIPTOR.full_name, ()):
        value = getattr(message, secret)
        if isinstance(value, str):
            setattr(message, secret, SECRET if value else "")
        else:
            value[:] = [SECRET] * len(value)
    for field, value in message.ListFields():
        if field.message_type is None or is_map(field):
            continue
        for each in value if is_repeated(field) else [value]:
            _redact(each)


class HiddenText(str):
    """A secret that can be compared but is displayed as `(secret)` (JR-4, JR-8)."""

    __slots__ = ("_held",)
    _held: str

    def __new__(cls, text: str) -> Self:
        """Hide `text`."""
        hidden = super().__new__(cls, SECRET)
        hidden._held = text
        return hidden

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and (
            str.__eq__(other, SECRET) or str.__eq__(other, self._held)
        )

    def __hash__(self) -> int:
        return hash(SECRET)


def redacted_leaves(message: Message) -> list[Leaf]:
    """The fields that a message sets, with secrets hidden."""
    copy = redacted(message)
    leaves = leaves_of(copy)
    if copy is message:
        return leaves
    # Redaction replaces text by text, so both messages have the same fields in the same order.
    return [
        (path, HiddenText(hidden) if value == SECRET and isinstance(hidden, str) else value)
        for (path, value), (_, hidden) in zip(leaves, leaves_of(message), strict=True)
    ]


def redacted_metadata(metadata: Metadata) -> dict[str, str]:
    """Metadata as text without secrets; authentication schemes remain visible."""
    copy = {}
    for key, value in metadata.items():
        if not _SECRET_WORDS.isdisjoint(_WORD.findall(key.lower())):
            scheme, _, _ = str(value).partition(" ")
            copy[key] = f"{scheme} {SECRET}" if scheme.lower() in _SCHEMES else SECRET
        else:
            copy[key] = value.hex() if isinstance(value, bytes) else str(value)
    return copy
