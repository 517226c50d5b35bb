"""Readings as JSON, where that says all of them; otherwise as the bytes they are."""

from __future__ import annotations

from base64 import b64encode

from google.protobuf.message import DecodeError

from fakeviam.wire.values import mapping_from, struct_from
from fakeviam.wire.well_known import Struct


def reading_fields(payload: bytes) -> dict[str, object]:
    """The field that says an encoded Struct.

    JSON has no NaN and no values without a kind, and a sender may have encoded a Struct in a way
    of its own. So JSON is written if and only if these very bytes can be made of it again.
    """
    try:
        reading = mapping_from(Struct.FromString(payload))
        if payload_of(reading) == payload:
            return {"reading": reading}
    except (DecodeError, ValueError):
        pass
    return {"payload": b64encode(payload).decode()}


def payload_of(reading: dict[str, object]) -> bytes:
    """The encoded Struct of a JSON object.

    Raises:
        ValueError: A Struct would hold something else.
    """
    return struct_from(reading).SerializeToString(deterministic=True)
