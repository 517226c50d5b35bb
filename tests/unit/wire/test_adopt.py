"""Messages of other descriptor pools are taken in by their full name."""

from __future__ import annotations

import pytest
from google.protobuf import any_pb2, struct_pb2, timestamp_pb2

from fakeviam.wire import adopt, data, well_known


def test_ours_passes_through_as_it_is() -> None:
    message = data.Filter(part_id="p")
    assert adopt(data.Filter, message) is message


def test_a_foreign_message_becomes_ours() -> None:
    foreign = struct_pb2.Struct()
    foreign.update({"a": [1.0, None]})
    ours = adopt(well_known.Struct, foreign)
    assert type(ours) is well_known.Struct
    assert ours.SerializeToString(deterministic=True) == foreign.SerializeToString(
        deterministic=True
    )


def test_the_copy_is_independent() -> None:
    foreign = timestamp_pb2.Timestamp(seconds=1)
    ours = adopt(well_known.Timestamp, foreign)
    foreign.seconds = 2
    assert ours.seconds == 1


def test_unknown_fields_are_kept() -> None:
    foreign = timestamp_pb2.Timestamp.FromString(b"\x08\x01\xfa\x3f\x03new")
    assert b"new" in adopt(well_known.Timestamp, foreign).SerializeToString()


def test_viam_sdk_messages_are_taken_in() -> None:
    viam_data = pytest.importorskip("viam.proto.app.data", reason="viam-sdk is not installed")
    foreign = viam_data.Filter(
        part_id="p",
        tags_filter=viam_data.TagsFilter(tags=["a"], type=data.TAGS_FILTER_TYPE_TAGGED),
        interval=viam_data.CaptureInterval(start=timestamp_pb2.Timestamp(seconds=5)),
    )
    ours = adopt(data.Filter, foreign)
    assert type(ours) is data.Filter
    assert ours.interval.start.seconds == 5
    assert ours.SerializeToString() == foreign.SerializeToString()


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (any_pb2.Any(), "google.protobuf.Any"),
        (timestamp_pb2.Timestamp(), "google.protobuf.Timestamp"),
        (data.CaptureInterval(), "viam.app.data.v1.CaptureInterval"),
        ({"part_id": "p"}, "dict"),
        (None, "NoneType"),
    ],
    ids=["any", "timestamp", "another of ours", "mapping", "nothing"],
)
def test_anything_else_is_refused_by_name(message: object, named: str) -> None:
    with pytest.raises(TypeError) as refusal:
        adopt(data.Filter, message)  # type: ignore[arg-type]
    assert str(refusal.value) == f"need a viam.app.data.v1.Filter message, not {named}"
