"""Readings as JSON if that is lossless, otherwise as their bytes."""

from __future__ import annotations

from base64 import b64encode

from google.protobuf.message import DecodeError

from fakeviam.wire.values import mapping_from, struct_from
from fakeviam.wire.well_known import Struct


def reading_fields(payload: bytes) -> dict[str, object]:
    """The JSON field for an encoded Struct.

    JSON has neither NaN nor values without a kind, and a sender may encode the same Struct
    differently. So JSON is used if and only if it can be converted back to exactly these bytes.
    """
    try:
        reading = mapping_from(Struct.FromString(payload))
        if payload_of(reading) == payload:
            return {"reading": reading}
    except (DecodeError, ValueError):
        pass
    return {"payload": b64encode(payload).decode()}


def payload_of(reading: dict[str, object]) -> bytes:
    """Encode a JSON object as a Struct.

    Raises:
        ValueError: A Struct cannot represent it exactly.
    """
    return struct_from(reading).SerializeToString(deterministic=True)
