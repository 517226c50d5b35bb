"""Converts between Struct messages and plain dictionaries, without silent changes.

A Struct has the types of JSON: one type of number (a double), no bytes and no dates. Values that
would be changed by a conversion are refused, with their path.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

from fakeviam.wire.well_known import NULL_VALUE, Struct, Value

__all__ = ["mapping_from", "part_from", "struct_from"]

_EXACT = 2**53  # the largest n for which a double holds every integer of -n..n

# protobuf parsers permit 100 nested messages. A dictionary takes three of these levels, a list two;
# the rest is reserved for the messages around the Struct.
_LEVELS = 90
_DICT_LEVELS = 3
_LIST_LEVELS = 2


class _UnsupportedError(Exception):
    """A value that a Struct cannot hold; its path is collected as the exception propagates."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[object] = []

    def text(self) -> str:
        path = "".join(_step(step) for step in reversed(self.steps)).removeprefix(".")
        return f"{path}: {self.reason}"


def struct_from(mapping: Mapping[str, object]) -> Struct:
    """Return a Struct with the content of a JSON-like mapping.

    Values may be None, bool, int, float, str, lists and mappings of these. An int becomes a float;
    apart from that, `mapping_from` gives back an equal dictionary.

    Raises:
        ValueError: something in it would change on the way: an int beyond 2**53, NaN or an
            infinity, bytes, a date, a tuple, a key that is not a string, text that is not UTF-8;
            or it is nested deeper than protobuf parsers go. The text begins with the path, such as
            `readings.a[2]`.
    """
    struct = Struct()
    try:
        _fill(struct, mapping, _LEVELS)
    except _UnsupportedError as unfit:
        raise ValueError(unfit.text()) from None
    return struct


def mapping_from(struct: Struct) -> dict[str, object]:
    """Return a Struct as a dictionary of None, bool, float, str, list and dict.

    A value without any kind, which no JSON can mean but the wire can carry, becomes None. The keys
    are in order: a Struct keeps none, and shows another in each process.
    """
    return {key: _plain(value) for key, value in sorted(struct.fields.items())}


def part_from(struct: Struct, tree: Mapping[str, Any]) -> dict[str, object]:
    """Convert the part of a Struct that a tree of names selects; an empty tree selects everything.

    Lists are converted as a whole. Skipping the rest saves most of the time.
    """
    fields = struct.fields
    part: dict[str, object] = {}
    for key, inner in tree.items():
        value = fields.get(key)
        if value is None:
            continue
        if value.HasField("number_value"):  # the most common type
            part[key] = value.number_value
        elif inner and value.HasField("struct_value"):
            part[key] = part_from(value.struct_value, inner)
        else:
            part[key] = _plain(value)
    return part


def _fill(struct: Struct, mapping: Mapping[str, object], levels: int) -> None:
    fields = struct.fields
    key: object = None
    try:
        for key, value in mapping.items():
            _set(fields[key if type(key) is str else _checked(key)], value, levels)
    except _UnsupportedError as unfit:
        unfit.steps.append(key)
        raise
    except ValueError:
        raise _unencodable(key) from None


def _fill_list(target: Value, items: list[object], levels: int) -> None:
    target.list_value.SetInParent()  # so that an empty list is present too
    values = target.list_value.values
    try:
        for item in items:
            _set(values.add(), item, levels)
    except _UnsupportedError as unfit:
        unfit.steps.append(len(values) - 1)
        raise
    except ValueError:
        raise _unencodable(len(values) - 1) from None


# Compares types first, since nearly every value has exactly one of these; sorted by how often
# sensors send them. Everything else takes the slower way through _set_other.
def _set(target: Value, value: object, levels: int) -> None:
    kind = type(value)
    if kind is float or kind is int:
        _set_number(target, cast("float", value))
    elif kind is str:
        target.string_value = cast("str", value)
    elif value is None:
        target.null_value = NULL_VALUE
    elif kind is bool:
        target.bool_value = cast("bool", value)
    else:
        _set_other(target, value, levels)


def _set_number(target: Value, number: float) -> None:
    if not -_EXACT <= number <= _EXACT:  # NaN fails every comparison
        if isinstance(number, int):
            raise _UnsupportedError("an integer beyond 2**53, which a double would round")
        if not isfinite(number):
            raise _UnsupportedError(f"{number} is not a JSON number")
    target.number_value = number


def _set_other(target: Value, value: object, levels: int) -> None:
    if isinstance(value, Mapping):
        target.struct_value.SetInParent()
        _fill(target.struct_value, value, _next_level(levels, _DICT_LEVELS))
    elif isinstance(value, list):
        _fill_list(target, value, _next_level(levels, _LIST_LEVELS))
    elif isinstance(value, str):
        target.string_value = str.__str__(value)
    elif isinstance(value, (int, float)):
        _set_number(target, value)
    else:
        raise _UnsupportedError(f"{type(value).__name__} is not a JSON type")


def _next_level(levels: int, depth: int) -> int:
    if levels < depth:
        raise _UnsupportedError("nested so deeply that protobuf parsers would refuse it")
    return levels - depth


def _checked(key: object) -> str:
    if not isinstance(key, str):  # protobuf itself would accept bytes as text
        raise _UnsupportedError(f"the key {key!r} is not a string")
    return key


def _unencodable(step: object) -> _UnsupportedError:
    # The only other ValueError of protobuf is for a lone surrogate, in text or a key.
    unfit = _UnsupportedError("text that cannot be encoded as UTF-8")
    unfit.steps.append(step)
    return unfit


def _plain(value: Value) -> object:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return value.number_value
    if kind == "string_value":
        return value.string_value
    if kind == "struct_value":
        return mapping_from(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return value.bool_value if kind == "bool_value" else None


def _step(step: object) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if isinstance(step, str) and step.isidentifier():
        return f".{step}"
    return f"[{step!r}]"
