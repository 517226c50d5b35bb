"""Structs as dictionaries: nothing changes silently on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from enum import Enum, IntEnum
from types import MappingProxyType

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam.wire.values import mapping_from, struct_from
from fakeviam.wire.well_known import ListValue, Struct, Value

# Surrogates are the only characters that UTF-8 has no form for.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53), max_value=2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)
MAPPINGS = st.dictionaries(TEXT, JSON, max_size=5)


class Colour(str, Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


def same(left: object, right: object) -> bool:
    """Equal, and telling apart what JSON tells apart: True from 1, and 0.0 from -0.0."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and left == right


@settings(deadline=None)  # a busy machine is no failure
@given(MAPPINGS)
def test_json_survives(mapping: dict[str, object]) -> None:
    sent = Struct.FromString(struct_from(mapping).SerializeToString())
    assert same(mapping, mapping_from(sent))


@settings(deadline=None)  # a busy machine is no failure
@given(MAPPINGS)
def test_protobuf_reads_the_struct_as_the_same_json(mapping: dict[str, object]) -> None:
    assert MessageToDict(struct_from(mapping)) == mapping


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"": ""},
        {"a.b": {"c.d": 1.0}, "wärme": "°C", "🤖": ["日本", "\x00"]},
        {"empty": {}, "none": None, "list": [], "nested": [[], {}, [None]]},
        {"edge": [2**53, -(2**53), 5e-324, 1.7976931348623157e308, -0.0], "flags": [True, False]},
        {"readings": {"temperature": 21.5, "ok": True, "xs": [1, "a", {"b": None}]}},
    ],
)
def test_examples_survive(mapping: dict[str, object]) -> None:
    assert same(mapping, mapping_from(struct_from(mapping)))


def test_integers_become_floats() -> None:
    found = mapping_from(struct_from({"a": 1}))
    assert type(found["a"]) is float


def test_subclasses_and_other_mappings_are_taken_by_their_value() -> None:
    mapping = MappingProxyType({"c": Colour.RED, "l": Level.HIGH, "m": MappingProxyType({"x": 1})})
    assert mapping_from(struct_from(mapping)) == {"c": "red", "l": 3.0, "m": {"x": 1.0}}


def test_a_value_without_a_kind_is_none() -> None:
    struct = Struct(fields={"a": Value(), "b": Value(list_value=ListValue(values=[Value()]))})
    assert mapping_from(struct) == {"a": None, "b": [None]}


REFUSED = [
    ({"readings": {"a": [1, 2, b"x"]}}, "readings.a[2]: bytes is not a JSON type"),
    ({"a": 2**53 + 1}, "a: an integer beyond 2**53, which a double would round"),
    ({"a": [-(2**53) - 1]}, "a[0]: an integer beyond 2**53"),
    ({"a": 10**5000}, "a: an integer beyond 2**53"),
    ({"a": {"b": math.nan}}, "a.b: nan is not a JSON number"),
    ({"a": math.inf}, "a: inf is not a JSON number"),
    ({"a": [[-math.inf]]}, "a[0][0]: -inf is not a JSON number"),
    ({"t": datetime(2026, 1, 1, tzinfo=timezone.utc)}, "t: datetime is not a JSON type"),
    ({"a": (1, 2)}, "a: tuple is not a JSON type"),
    ({"a": {1, 2}}, "a: set is not a JSON type"),
    ({"a": object()}, "a: object is not a JSON type"),
    ({1: "x"}, "[1]: the key 1 is not a string"),
    ({"a": {None: "x"}}, "a[None]: the key None is not a string"),
    ({b"a": 1}, "[b'a']: the key b'a' is not a string"),
    ({"a.b": {"c d": math.nan}}, "['a.b']['c d']: nan"),
    ({"a": ["\ud800"]}, "a[0]: text that cannot be encoded as UTF-8"),
    ({"a": "\ud800"}, "a: text that cannot be encoded as UTF-8"),
    ({"a": {"\ud800": 1}}, "a['\\ud800']: text that cannot be encoded as UTF-8"),
]


@pytest.mark.parametrize(("mapping", "text"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_what_would_change_is_refused_with_its_place(mapping: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  # the text is compared below
        struct_from(mapping)
    assert str(refusal.value).startswith(text)


def test_a_mapping_that_holds_itself_is_refused() -> None:
    mapping: dict[str, object] = {}
    mapping["a"] = [mapping]
    with pytest.raises(ValueError, match=r"^a\[0\]\.a.*: nested so deeply"):
        struct_from(mapping)


def nested(depth: int, *, lists: bool) -> dict[str, object]:
    inner: object = 1.0
    for _ in range(depth):
        inner = [inner] if lists else {"a": inner}
    return {"a": inner}


@pytest.mark.parametrize("lists", [False, True], ids=["mappings", "lists"])
def test_what_is_accepted_can_be_parsed_by_the_peer(lists: bool) -> None:  # noqa: FBT001
    accepted = 0
    for depth in range(60):
        mapping = nested(depth, lists=lists)
        try:
            struct = struct_from(mapping)
        except ValueError:
            break
        accepted = depth
        assert mapping_from(Struct.FromString(struct.SerializeToString())) == mapping
    assert 25 <= accepted < 59


def test_keys_are_in_order_in_every_process() -> None:
    """A Struct shows them by a hash that differs between processes (MQ-15)."""
    names = [f"{letter}{number}" for number in range(4) for letter in "zya"]
    found = mapping_from(struct_from({name: dict.fromkeys(names, 1) for name in names}))
    assert list(found) == sorted(names)
    assert all(list(each) == sorted(names) for each in found.values())  # type: ignore[call-overload]
