"""Documents from BSON and back, and the Extended JSON that clients put inside of it."""

from __future__ import annotations

from datetime import timezone
from typing import Any

import bson
from bson import DBRef, json_util
from bson.codec_options import CodecOptions
from bson.errors import BSONError, InvalidDocument

from fakeviam.query.pipeline import encodable

_OPTIONS: CodecOptions[dict[str, object]] = CodecOptions(tz_aware=True, tzinfo=timezone.utc)
_JSON_OPTIONS = json_util.JSONOptions(tz_aware=True, tzinfo=timezone.utc)

#: Keys of Extended JSON that stand for a value; alone in a document they are one.
_EXTENDED = frozenset(
    {"$date", "$numberDecimal", "$numberDouble", "$numberInt", "$numberLong", "$oid", "$uuid"}
)


def decode(encoded: bytes) -> dict[str, object]:
    """A document from its BSON form.

    Raises:
        ValueError: It is not one.
    """
    try:
        document = bson.decode(encoded, _OPTIONS)
        return _plain(document) if b"$ref" in encoded else document
    except (BSONError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _plain(value: object) -> Any:
    """A value in which references are the documents that they are on the wire."""
    if isinstance(value, DBRef):
        return _plain(dict(value.as_doc()))
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def encode(document: dict[str, object]) -> bytes:
    """The BSON form of a document.

    Raises:
        InvalidDocument: A name holds a NUL.
    """
    return bson.encode(encodable(document))


def encode_any(document: dict[str, object]) -> tuple[bytes, bool]:
    """The BSON form of a document, and whether a NUL in a name had to go (MQ-13)."""
    try:
        return encode(document), False
    except InvalidDocument:
        return encode(_without_nul(document)), True


def _without_nul(value: object) -> Any:
    """A value whose names BSON can hold."""
    if isinstance(value, dict):
        return {k.replace("\0", "\ufffd"): _without_nul(inner) for k, inner in value.items()}
    return [_without_nul(inner) for inner in value] if isinstance(value, list) else value


def expand_extended_json(value: object) -> Any:
    """A value in which `{"$date": …}` and its kin have become what they stand for.

    Raises:
        ValueError: One stands for nothing.
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
