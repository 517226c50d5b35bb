"""Whatever arrived can be shown (JR-6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import any_pb2, duration_pb2, wrappers_pb2
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import wire
from fakeviam.server.instruments.message_fields import leaves_of
from fakeviam.server.instruments.message_json import is_map, is_repeated, message_json
from fakeviam.wire import data, datasync, well_known

if TYPE_CHECKING:
    from google.protobuf.message import Message

_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-3, 9),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
}


def _scalar(field: Any) -> st.SearchStrategy[Any]:
    if field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        return _SCALARS[field.cpp_type]
    return st.binary() if field.type == FieldDescriptor.TYPE_BYTES else st.text()


@st.composite
def filled(draw: st.DrawFn, cls: type[Message], depth: int = 3) -> Any:
    """Any message of a class: fields by chance, as the wire can carry them."""
    made: Any = cls()
    descriptor: Any = cls.DESCRIPTOR
    if descriptor.full_name == "google.protobuf.Any" and draw(st.booleans()):
        # Of a type that is known, with bytes that mostly are none of it.
        return cls(type_url=f"x/{draw(st.sampled_from(NAMES))}", value=draw(st.binary()))
    for field in descriptor.fields:
        if not draw(st.booleans()):
            continue
        if field.message_type is None:
            values = draw(st.lists(_scalar(field), max_size=2))
            if is_repeated(field):
                getattr(made, field.name).extend(values)
            elif values:
                setattr(made, field.name, values[0])
        elif is_map(field):
            _fill_map(draw, made, field, depth)
        elif depth:
            _fill_message(draw, made, field, depth)
    return made


def _fill_map(draw: st.DrawFn, made: Any, field: Any, depth: int) -> None:
    value = field.message_type.fields_by_name["value"]
    key = draw(_scalar(field.message_type.fields_by_name["key"]))
    entries = getattr(made, field.name)
    if value.message_type is None:
        entries[key] = draw(_scalar(value))
    else:
        entries[key].MergeFrom(draw(filled(type(entries[key]), max(0, depth - 1))))


def _fill_message(draw: st.DrawFn, made: Any, field: Any, depth: int) -> None:
    held = getattr(made, field.name)
    if is_repeated(field):
        for _ in range(draw(st.integers(0, 2))):
            new = held.add()
            new.MergeFrom(draw(filled(type(new), depth - 1)))
    else:
        held.SetInParent()
        held.MergeFrom(draw(filled(type(held), depth - 1)))


CLASSES = sorted(
    {cls for method in wire.methods() for cls in (method.request, method.response)}
    | {well_known.Any, well_known.Struct, well_known.Value, well_known.Timestamp},
    key=str,
)

NAMES = [
    "google.protobuf.Struct",
    "google.protobuf.Int64Value",
    *(str(vars(each)["DESCRIPTOR"].full_name) for each in CLASSES),
]


@given(st.data())
def test_every_message_can_be_shown(draws: st.DataObject) -> None:
    """All types of the wire, with any values, become JSON (JR-6)."""
    message = draws.draw(st.sampled_from(CLASSES).flatmap(filled))
    json.dumps(message_json(message), allow_nan=False).encode()
    for _, value in leaves_of(message):
        str(value)


def upload(packed: any_pb2.Any) -> datasync.UploadMetadata:
    metadata = datasync.UploadMetadata(part_id="p")
    metadata.method_parameters["q"].type_url = packed.type_url
    metadata.method_parameters["q"].value = packed.value
    return metadata


@pytest.mark.parametrize(
    ("inner", "value"),
    [
        (wrappers_pb2.StringValue(value="left"), "left"),
        (wrappers_pb2.Int64Value(value=2**60), str(2**60)),
        (wrappers_pb2.DoubleValue(value=float("nan")), "NaN"),
        (wrappers_pb2.BytesValue(value=b"\xff"), "/w=="),
        (duration_pb2.Duration(seconds=3), "3s"),
    ],
)
def test_parameters_of_wrapper_types_show_their_values(inner: Any, value: object) -> None:
    """As robots send them (JR-6, A31)."""
    packed = any_pb2.Any()
    packed.Pack(inner)
    shown = message_json(upload(packed))["method_parameters"]["q"]
    assert shown == {"@type": packed.type_url, "value": value}


@pytest.mark.parametrize(
    ("type_url", "value", "shown_as"),
    [
        (
            "example.com/unknown.Type",
            b"\x00\xff",
            {"@type": "example.com/unknown.Type", "value": "AP8="},
        ),
        ("x", b"abc", {"@type": "x", "value": "YWJj"}),
        ("", b"", {}),
    ],
)
def test_unknown_parameters_are_type_and_base64(
    type_url: str, value: bytes, shown_as: object
) -> None:
    """What cannot be unpacked is shown as it came (JR-6)."""
    shown = message_json(upload(any_pb2.Any(type_url=type_url, value=value)))
    assert shown["method_parameters"]["q"] == shown_as


@pytest.mark.parametrize(
    "name", ["google.protobuf.StringValue", "google.protobuf.Struct", "viam.app.data.v1.Filter"]
)
def test_damaged_parameters_of_a_known_type(name: str) -> None:
    """Not a value of their type: type and base64 (JR-6)."""
    name = f"type.googleapis.com/{name}"
    shown = message_json(upload(any_pb2.Any(type_url=name, value=b"\x0a\xff")))
    assert shown["method_parameters"]["q"] == {"@type": name, "value": "Cv8="}


def test_numbers_that_json_lacks() -> None:
    """NaN in a Struct, a time outside the calendar (JR-6)."""
    reading = well_known.Struct()
    reading.fields["bad"].number_value = float("nan")
    reading.fields["far"].number_value = float("-inf")
    reading.fields["good"].string_value = "yes"
    assert message_json(reading) == {"bad": "NaN", "far": "-Infinity", "good": "yes"}
    late = data.CaptureInterval(start=well_known.Timestamp(seconds=2**62))
    assert message_json(late) == {"start": {"seconds": str(2**62)}}


@pytest.mark.slow
def test_deep_nesting_ends() -> None:
    """Deeper than readers of JSON go (JR-6)."""
    deep = well_known.Value()
    inner = deep
    for _ in range(300):
        inner = inner.list_value.values.add()
    inner.number_value = float("nan")
    assert "nested too deeply" in json.dumps(message_json(deep))
    packed = any_pb2.Any(type_url="x/viam.app.data.v1.Filter")
    for _ in range(100):
        packed = any_pb2.Any(type_url="x/google.protobuf.Any", value=packed.SerializeToString())
    assert "nested too deeply" in json.dumps(message_json(packed))
