"""How many values a message holds is known without decoding it."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.server.transport.messages import MOST_VALUES
from fakeviam.wire import data, datasync, well_known
from fakeviam.wire.counting import holds_more


def values_in(message: Any) -> int:
    """As protobuf has decoded it, maps as the lists of entries that they are."""
    count = 0
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            count += sum(2 + _one(each) for each in value.values())
        elif isinstance(value, Message) or not hasattr(value, "append"):
            count += _one(value)
        else:
            count += sum(map(_one, value))
    return count


def _one(value: Any) -> int:
    return 1 + (values_in(value) if isinstance(value, Message) else 0)


plain = st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=9))
nested = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=4), nested, max_size=6))
def test_all_that_protobuf_decodes_is_counted(fields: dict[str, Any]) -> None:
    """Nested as deeply as it is (SV-2)."""
    reading = well_known.Struct()
    reading.update(fields)
    request = datasync.DataCaptureUploadRequest(
        sensor_contents=[datasync.SensorData(struct=reading), datasync.SensorData(binary=b"x")]
    )
    count = values_in(request)
    encoded = request.SerializeToString()
    assert holds_more(encoded, type(request), count - 1)
    assert not holds_more(encoded, type(request), count)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_message_are_counted_to_where_they_end(encoded: bytes) -> None:
    """What is wrong with them is found by who decodes them (SV-3)."""
    assert not holds_more(encoded, data.DeleteBinaryDataByIDsRequest, len(encoded))


@pytest.mark.parametrize(
    "encoded", [b"\x12", b"\x12\x05", b"\xff" * 9, b"\x12\xff\xff\xff\xff\x0f"]
)
def test_messages_that_are_cut(encoded: bytes) -> None:
    """Have an end (SV-3)."""
    assert not holds_more(encoded * 3, data.DeleteBinaryDataByIDsRequest, 30)


@pytest.mark.slow
def test_what_the_service_takes_at_once_is_not_too_much() -> None:
    """A reading of numbers that fills 4 MB, its limit, is served (SV-2)."""
    reading = datasync.SensorData()
    reading.struct.update({"points": [1.5] * 380_000})
    request = datasync.DataCaptureUploadRequest(sensor_contents=[reading])
    encoded = request.SerializeToString()
    assert 4_000_000 < len(encoded) < 4 * 1024 * 1024
    assert not holds_more(encoded, datasync.DataCaptureUploadRequest, MOST_VALUES)


def test_a_message_ends_where_the_one_around_it_does() -> None:
    """Whatever length it says, so that nothing is counted twice (SV-2)."""
    inner = b"\x0a\x7f\x10\x01"  # says that it has 127 bytes, and has two
    encoded = b"\x0a" + bytes([len(inner)]) + inner + b"\x10\x01" * 3
    kind = data.BinaryDataByFilterRequest
    assert not holds_more(encoded, kind, 6)
