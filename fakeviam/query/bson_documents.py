"""Converts between BSON and documents, and expands Extended JSON in the documents of clients."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

import bson
from bson import Code, DBRef, json_util
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.errors import BSONError, InvalidDocument

from fakeviam.query.pipeline import encodable
from fakeviam.query.values import JavaScript

if TYPE_CHECKING:
    from collections.abc import Mapping


class _ReferenceDecoder(TypeDecoder):
    """Decodes references as plain documents, which is what they are in BSON."""

    @property
    def bson_type(self) -> type[DBRef]:
        return DBRef

    def transform_bson(self, value: DBRef) -> dict[str, object]:
        return dict(value.as_doc())


class _CodeDecoder(TypeDecoder):
    """Decodes JavaScript as no kind of string, unlike the library."""

    @property
    def bson_type(self) -> type[Code]:
        return Code

    def transform_bson(self, value: Code) -> JavaScript:
        return JavaScript(text=str(value), scope=_encoded_scope(value.scope))


def _encoded_scope(scope: Mapping[str, object] | None) -> bytes | None:
    return None if scope is None else bson.encode(encodable(scope))


_OPTIONS: CodecOptions[dict[str, object]] = CodecOptions(
    tz_aware=True,
    tzinfo=timezone.utc,
    type_registry=TypeRegistry([_ReferenceDecoder(), _CodeDecoder()]),
)
_JSON_OPTIONS = json_util.JSONOptions(tz_aware=True, tzinfo=timezone.utc)

#: Keys of Extended JSON. A document with one of these as its only key represents a value.
_EXTENDED = frozenset(
    {"$date", "$numberDecimal", "$numberDouble", "$numberInt", "$numberLong", "$oid", "$uuid"}
)


def decode(encoded: bytes) -> dict[str, object]:
    """Decode a BSON document.

    Raises:
        ValueError: It is not valid BSON.
    """
    try:
        return bson.decode(encoded, _OPTIONS)
    except (BSONError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def encode(document: dict[str, object]) -> bytes:
    """Encode a document as BSON.

    Raises:
        InvalidDocument: A field name contains a NUL.
    """
    return bson.encode(encodable(document))


def encode_any(document: dict[str, object]) -> tuple[bytes, bool]:
    """Encode as BSON; the second value tells if NULs had to be removed from field names (MQ-13)."""
    try:
        return encode(document), False
    except InvalidDocument:
        return encode(_without_nul(document)), True


def _without_nul(value: object) -> Any:
    """The value without NULs in field names, which BSON cannot represent."""
    if isinstance(value, dict):
        return {k.replace("\0", "\ufffd"): _without_nul(inner) for k, inner in value.items()}
    return [_without_nul(inner) for inner in value] if isinstance(value, list) else value


def expand_extended_json(value: object) -> Any:
    """The value with Extended JSON, such as `{"$date": …}`, replaced by what it represents.

    Raises:
        ValueError: It contains invalid Extended JSON.
    """
    if isinstance(value, list):
        return [expand_extended_json(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and next(iter(value)) in _EXTENDED:
        try:
            return json_util.object_hook(value, _JSON_OPTIONS)
        except (TypeError, ValueError, AttributeError, BSONError) as error:
            raise ValueError(f"{value!r} stands for nothing: {error}") from None
    return {name: expand_extended_json(inner) for name, inner in value.items()}
