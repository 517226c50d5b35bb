"""Random messages of any class: mostly as clients send them, sometimes as nobody should."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bson
from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from campaigns.dice import Dice

    #: Values that mean something to the server, by a part of the name of the field they fit.
    Known = Mapping[str, Sequence[str]]
    Maker = Callable[[Dice, Known], Any]

_DEEPEST = 5

#: What fits fields of bytes, by their names.
DOCUMENTS: Mapping[str, Sequence[bytes]] = MappingProxyType(
    {
        "mql_binary": [bson.encode({"$limit": 5}), bson.encode({"$match": {"data.n": 1}})],
        "index_spec": [bson.encode({"n": 1}), bson.encode({"m": -1})],
    }
)

_RANGES = {
    FieldDescriptor.CPPTYPE_ENUM: (-2, 9),
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def random_message(dice: Dice, cls: type[Message], values: Known) -> Message:
    """A message of a class; how many of its fields are set is by chance, too."""
    message = cls()
    _fill(dice, message, values, dice.choice((0.15, 0.5, 0.5, 0.9)), _DEEPEST)
    return message


def _fill(dice: Dice, message: Any, values: Known, share: float, depth: int) -> None:
    for field, maker in _fields(message.DESCRIPTOR):
        if not dice.chance(share):
            continue
        name = field.name
        if maker is None:
            if depth:
                _fill_message(dice, getattr(message, name), values, share, depth - 1, field)
        elif _is_repeated(field):
            count = dice.choice((1, 1, 2, 3)) if dice.chance(0.99) else 300
            getattr(message, name).extend(maker(dice, values) for _ in range(count))
        else:
            setattr(message, name, maker(dice, values))


def _fill_message(
    dice: Dice, message: Any, values: Known, share: float, depth: int, field: Any
) -> None:
    if field.message_type is None or not _is_repeated(field):
        message.SetInParent()
        _fill_one(dice, message, values, share, depth)
    elif field.message_type.GetOptions().map_entry:
        _fill_map(dice, message, values, share, depth, field)
    else:
        for _ in range(dice.choice((1, 1, 2))):
            _fill_one(dice, message.add(), values, share, depth)


def _fill_map(
    dice: Dice, entries: Any, values: Known, share: float, depth: int, field: Any
) -> None:
    value = field.message_type.fields_by_name["value"]
    for _ in range(dice.choice((1, 1, 3))):
        key = dice.text()
        if value.message_type is None:
            entries[key] = _maker(value)(dice, values)
        else:
            _fill_one(dice, entries[key], values, share, depth)


def _fill_one(dice: Dice, message: Any, values: Known, share: float, depth: int) -> None:
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp" and dice.chance(0.8):
        message.seconds, message.nanos = (
            1_773_144_000 + dice.randrange(-99, 99),
            dice.randrange(10**9),
        )
    elif name == "google.protobuf.Any":
        message.type_url = dice.choice(_TYPE_URLS)
        message.value = dice.randbytes(dice.choice((0, 2, 9)))
    else:
        _fill(dice, message, values, share, depth)


_TYPE_URLS = (
    "",
    "x",
    "type.googleapis.com/google.protobuf.StringValue",
    "type.googleapis.com/google.protobuf.Struct",
    "type.googleapis.com/google.protobuf.Any",
    "type.googleapis.com/viam.app.data.v1.Filter",
    "example.com/unknown.Type",
    "\U0001f916/\0",
)


@cache
def _fields(descriptor: Any) -> tuple[tuple[Any, Maker | None], ...]:
    """The fields of a class, with what makes their values; messages have none."""
    return tuple(
        (field, _maker(field) if field.message_type is None else None)
        for field in descriptor.fields
    )


def _maker(field: Any) -> Maker:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return _bytes_of(field.name)
        return _texts_of(field.name)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return lambda dice, _: dice.chance(0.5)
    if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return lambda dice, _: dice.number()
    low, high = _RANGES[kind]
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return lambda dice, _: dice.randrange(low, high)
    return lambda dice, _: dice.integer(low, high)


def _bytes_of(name: str) -> Maker:
    fitting = DOCUMENTS.get(name, ())

    def make(dice: Dice, values: Known) -> bytes:
        del values
        if fitting and dice.chance(0.75):
            return dice.choice(fitting)
        return dice.randbytes(dice.choice((0, 1, 5, 40, 3000)))

    return make


def _texts_of(name: str) -> Maker:
    """Makes texts for a field: what the server knows for it, most of the time."""

    def make(dice: Dice, values: Known) -> str:
        fitting = next((values[part] for part in values if part in name), None)
        if fitting and dice.chance(0.75):
            return dice.choice(fitting)
        if dice.chance(0.2):  # what fits another field
            return dice.choice(dice.choice(list(values.values())) or [""])
        return dice.text()

    return make


def _is_repeated(field: Any) -> bool:
    # `label` is deprecated on new protobufs, `is_repeated` unknown on old ones.
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED)
