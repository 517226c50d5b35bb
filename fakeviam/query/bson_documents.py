"""Documents from BSON and back, and the Extended JSON that clients put inside of it."""

from __future__ import annotations

from datetime import timezone
from typing import Any

import bson
from bson import json_util
from bson.codec_options import CodecOptions
from bson.errors import BSONError

from fakeviam.query.pipeline import encodable

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=timezone.utc)
_JSON_OPTIONS = json_util.JSONOptions(tz_aware=True, tzinfo=timezone.utc)

#: Keys of Extended JSON that stand for a value; alone in a document they are one.
_EXTENDED = frozenset(
    {"$date", "$numberDecimal", "$numberDouble", "$numberInt", "$numberLong", "$oid", "$uuid"}
)


def decode(encoded: bytes) -> dict[str, Any]:
    """A document from its BSON form.

    Raises:
        ValueError: It is not one.
    """
    try:
        return bson.decode(encoded, _OPTIONS)
    except (BSONError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def encode(document: dict[str, Any]) -> bytes:
    """The BSON form of a document."""
    return bson.encode(encodable(document))


def expand_extended_json(value: Any) -> Any:
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
