"""The fields of requests, by the names that people use."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from fakeviam import wire
from fakeviam.model.errors import UsageError
from fakeviam.model.finding import nearest
from fakeviam.model.matching import ALIASES, Conditions, Leaf, means
from fakeviam.model.names import LONGEST_NAME
from fakeviam.model.text import short
from fakeviam.server.instruments.message_json import is_map, is_repeated, message_json
from fakeviam.server.instruments.wanted_values import (
    Candidate,
    fitting_value,
    plain_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from typing_extensions import Self

    from fakeviam.wire import Method


_WELL_KNOWN = "type.googleapis.com/google.protobuf."


class EnumValue(int):
    """A number of an enum, which also equals its name."""

    name: str

    def __new__(cls, enum: Any, number: int) -> Self:
        """The value with this number."""
        instance = super().__new__(cls, number)
        value = enum.values_by_number.get(number)
        instance.name = str(number) if value is None else value.name
        return instance

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
            for key in value:
                inner = value[key]
                if isinstance(inner, Message):
                    yield from _inner(inner, f"{path}.{key}")
                else:
                    yield f"{path}.{key}", inner
        else:
            for each in value if is_repeated(field) else [value]:
                yield from _inner(each, path)


def _inner(message: Message, path: str) -> Iterator[Leaf]:
    if _is_value(message.DESCRIPTOR):
        document = message_json(message)
        if isinstance(document, dict) and str(document.get("@type")).startswith(_WELL_KNOWN):
            document = document["value"]  # nobody refers to the type URL of a text
        yield path, document
    else:
        yield from _leaves(message, f"{path}.")


def _is_value(descriptor: Any) -> bool:
    """Whether messages of this type are a single value to users, such as a time or a reading."""
    return str(descriptor.full_name).startswith("google.protobuf.")


def paths_of(descriptor: object) -> list[str]:
    """The dotted paths of all fields that a message of this type can have."""
    return [path for path, _ in _fields_of(descriptor)]


def _fields_of(
    descriptor: Any, prefix: str = "", above: tuple[str, ...] = (), *, many: bool = False
) -> Iterator[tuple[str, Candidate]]:
    for field in descriptor.fields:
        path, several = f"{prefix}{field.name}", many or is_repeated(field)
        inner = field.message_type
        if inner is None or is_map(field) or _is_value(inner) or inner.full_name in above:
            yield path, Candidate(field, several)
        else:
            yield from _fields_of(inner, f"{path}.", (*above, inner.full_name), many=several)


def conditions_on(rpc: str, fields: Mapping[str, object]) -> Conditions:
    """Check that a call can satisfy these conditions.

    Raises:
        UsageError: There is no such RPC or field, or the field cannot have that value; the
            message lists what exists.
    """
    methods = methods_named(rpc)
    return Conditions(
        rpc=rpc,
        fields={
            name: fitting_value(name, rpc, value, _candidates(name, rpc, methods))
            for name, value in plain_values(fields).items()
        },
    )


def methods_named(rpc: str) -> list[Method]:
    """The RPCs with this name, or that match a pattern with `*` and `?`.

    Raises:
        UsageError: There is none.
    """
    if not isinstance(rpc, str) or len(rpc) > LONGEST_NAME:  # type: ignore[redundant-expr]
        raise UsageError(f"rpc must be the name of an RPC, such as 'FileUpload', got {short(rpc)}")
    methods = [method for method in wire.methods() if fnmatchcase(method.name, rpc)]
    if not methods:
        names = sorted({method.name for method in wire.methods()})
        raise UsageError(f"no RPC is named {short(rpc)}{nearest(rpc, names)}")
    return methods


def _candidates(name: str, rpc: str, methods: Iterable[Method]) -> list[Candidate]:
    """The fields that a name may refer to.

    Raises:
        UsageError: There is none.
    """
    field = ALIASES.get(name, name)
    candidates: list[Candidate] = []
    names: set[str] = set()
    for method in methods:
        for path, candidate in _fields_of(method.request.DESCRIPTOR):
            if method.client_streaming and not path.startswith("metadata."):
                continue  # contents come in later messages, but the first one is compared
            if means(field, path) or means(name, path):
                candidates.append(candidate)
            elif _is_below(name, path, candidate):
                candidates.append(Candidate(None))
            names.update((path, path.rpartition(".")[2]))
    names |= {short for short, whole in ALIASES.items() if whole in names}
    if not candidates:
        near = nearest(name.lstrip("."), sorted(names))
        raise UsageError(f"requests of {rpc} have no field {short(name)}{near}")
    return candidates


def _is_below(name: str, path: str, candidate: Candidate) -> bool:
    """Whether the name refers to a key in a map or a Struct, where any key may occur."""
    field = candidate.field
    if field is None or field.message_type is None:
        return False
    prefix = path if name.startswith(".") else path.rpartition(".")[2]
    return f".{name.lstrip('.')}".find(f".{prefix}.") >= 0
