"""The fields of requests by name, as people ask for them."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam.model.errors import UsageError
from fakeviam.model.matching import ALIASES, Conditions, Leaf, means
from fakeviam.server.instruments.message_json import is_map, is_repeated, message_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.message import Message
    from typing_extensions import Self

    from fakeviam.wire import Method


class EnumValue(int):
    """A number of an enum, which is equal to its name too."""

    name: str

    def __new__(cls, enum: Any, number: int) -> Self:
        """The value of this number."""
        made = super().__new__(cls, number)
        known = enum.values_by_number.get(number)
        made.name = str(number) if known is None else known.name
        return made

    def __eq__(self, other: object) -> bool:
        return self.name == other if isinstance(other, str) else int(self) == other

    def __hash__(self) -> int:
        return hash(int(self))

    def __repr__(self) -> str:
        return self.name


def leaves_of(message: Message) -> list[Leaf]:
    """Every field that is set, with its dotted path."""
    return list(_leaves(message, ""))


def _leaves(message: Message, prefix: str) -> Iterator[Leaf]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.message_type is None:
            for each in value if is_repeated(field) else [value]:
                yield path, each if field.enum_type is None else EnumValue(field.enum_type, each)
        elif is_map(field):
            yield from ((f"{path}.{key}", value[key]) for key in value)
        else:
            for each in value if is_repeated(field) else [value]:
                yield from _inner(each, path)


def _inner(message: Message, path: str) -> Iterator[Leaf]:
    if _is_value(message.DESCRIPTOR):
        yield path, message_json(message)
    else:
        yield from _leaves(message, f"{path}.")


def _is_value(descriptor: Any) -> bool:
    """Whether messages of this type are one value to people: a time, a reading."""
    return str(descriptor.full_name).startswith("google.protobuf.")


def paths_of(descriptor: Any) -> list[str]:
    """The dotted paths of all fields that a message of this type can hold."""
    return list(_paths(descriptor, "", ()))


def _paths(descriptor: Any, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    for field in descriptor.fields:
        path = f"{prefix}{field.name}"
        inner = field.message_type
        if inner is None or is_map(field) or _is_value(inner) or inner.full_name in above:
            yield path
        else:
            yield from _paths(inner, f"{path}.", (*above, inner.full_name))


def conditions_on(rpc: str, fields: Mapping[str, object]) -> Conditions:
    """Check that some call can meet these conditions.

    Raises:
        UsageError: No RPC has that name, or none of those has such a field; the text names
            what there is.
    """
    methods = methods_named(rpc)
    for name in fields:
        _check_field(name, rpc, methods)
    return Conditions(rpc=rpc, fields=dict(fields))


def methods_named(rpc: str) -> list[Method]:
    """The RPCs of that name, or that a pattern with `*` and `?` means.

    Raises:
        UsageError: There is none.
    """
    if not isinstance(rpc, str):
        raise UsageError(f"rpc must be the name of an RPC, such as 'FileUpload', got {rpc!r}")
    methods = [method for method in wire.methods() if fnmatchcase(method.name, rpc)]
    if not methods:
        names = sorted({method.name for method in wire.methods()})
        raise UsageError(f"no RPC is named {rpc!r}{_nearest(rpc, names)}")
    return methods


def _check_field(name: str, rpc: str, methods: Iterable[Method]) -> None:
    asked = ALIASES.get(name, name)
    names: set[str] = set()
    for method in methods:
        for path in paths_of(method.request.DESCRIPTOR):
            # Below a map or a Struct, any name may come.
            if means(asked, path) or means(name, path) or f".{name}".find(f".{path}.") >= 0:
                return
            names.update((path, path.rpartition(".")[2]))
    raise UsageError(f"requests of {rpc} have no field {name!r}{_nearest(name, sorted(names))}")


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
