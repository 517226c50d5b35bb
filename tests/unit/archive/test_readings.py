"""Readings in archives: JSON where that says all of them, else the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given

from fakeviam.archive.lines import line_of, value_of
from fakeviam.archive.models import Reading, checked_row
from fakeviam.archive.readings import reading_fields
from fakeviam.validation.models import Model
from fakeviam.validation.types import Base64, Omittable
from fakeviam.wire.values import struct_from
from fakeviam.wire.well_known import Struct, Value

from .worlds import PAYLOADS


class Row(Model):
    """The part of a row that says a reading."""

    reading: Omittable[Reading] = None
    payload: Omittable[Base64] = None


def payload_from(fields: object) -> object:
    row = checked_row(Row, fields, "here")
    return row.reading if row.payload is None else row.payload


def special(value: Value) -> bytes:
    return Struct(fields={"a": value}).SerializeToString()


@given(payload=PAYLOADS)
def test_readings_come_back_byte_for_byte(payload: bytes) -> None:
    """Whatever they are (AR-1)."""
    assert payload_from(value_of(line_of(reading_fields(payload)))) == payload


@pytest.mark.parametrize(
    "values",
    [{}, {"a": None}, {"a": True}, {"a": 1}, {"a": -0.0}, {"a": 5e-324}, {"b": [{}], "a": "ü"}],
)
def test_what_json_can_say_is_json(values: dict[str, object]) -> None:
    payload = struct_from(values).SerializeToString(deterministic=True)
    assert "reading" in reading_fields(payload)


@pytest.mark.parametrize(
    "payload",
    [
        special(Value(number_value=float("nan"))),
        special(Value(number_value=float("inf"))),
        special(Value()),
        b"\x0a",
        b"".join(
            struct_from({name: 1}).SerializeToString(deterministic=True) for name in ("b", "a")
        ),
    ],
    ids=["NaN", "infinity", "a value of no kind", "no Struct", "an order of its own"],
)
def test_what_json_cannot_say_is_bytes(payload: bytes) -> None:
    """Nothing is rounded, named null or put in order (AR-1)."""
    fields = reading_fields(payload)
    assert set(fields) == {"payload"}
    assert payload_from(fields) == payload
