"""Values that tests compare request fields with.

A comparison with a value that no request can contain would always have the same result, so it is
refused with a suggestion.
"""

from __future__ import annotations

import difflib
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor

from fakeviam import wire
from fakeviam.model.errors import UsageError
from fakeviam.model.finding import nearest
from fakeviam.model.fleet import Location, Organization, Part, Robot
from fakeviam.model.matching import ALIASES, short
from fakeviam.server.instruments.message_json import is_map, message_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fakeviam.model.fleet import Fleet

#: Fields that hold ids of the fleet.
_OWNERS: Mapping[str, type] = MappingProxyType(
    {
        "part_id": Part,
        "robot_id": Robot,
        "location_id": Location,
        "location_ids": Location,
        "organization_id": Organization,
        "organization_ids": Organization,
    }
)

_UNFIT = object()


class Candidate(NamedTuple):
    """A field that a name may refer to.

    Attributes:
        field: Its descriptor; None for anything inside a map or a Struct.
        many: Whether a request may contain several values of it.
    """

    field: FieldDescriptor | None
    many: bool = False


def plain_values(fields: Mapping[str, object]) -> dict[str, object]:
    """Values as requests contain them: ids for Parts, numbers for Enums, text for times.

    Raises:
        UsageError: A name of a field is no text.
    """
    if others := [name for name in fields if not isinstance(name, str)]:  # type: ignore[redundant-expr]
        raise UsageError(f"names of fields must be text, got {short(others[0])}")
    return {name: _plain(name, value) for name, value in fields.items()}


def _plain(name: str, value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(name, each) for each in value]
    owner = _OWNERS.get(_field_name(name))
    if owner is not None and isinstance(value, owner):
        return value.id  # type: ignore[attr-defined] # all these types have an id
    if isinstance(value, Enum):
        return int(value.value) if isinstance(value.value, int) else value.name
    if isinstance(value, datetime):
        time = wire.well_known.Timestamp()
        time.FromDatetime(value)
        return message_json(time)
    return value


def ids_of_names(
    fields: Mapping[str, object],
    fleet: Fleet,
    *,
    sent: Callable[[object], bool] = lambda _value: False,
) -> dict[str, object]:
    """Replace names of parts, robots, locations and organizations by ids.

    Args:
        fields: Expected values by field name.
        fleet: Resolves names.
        sent: Whether some client sent this value, however unusual.

    Raises:
        UsageError: The name is ambiguous, or similar to an existing one.
    """
    return {name: _id_of(name, value, fleet, sent) for name, value in fields.items()}


def _id_of(name: str, value: object, fleet: Fleet, sent: Callable[[object], bool]) -> object:
    owner = _OWNERS.get(_field_name(name))
    if isinstance(value, list):
        return [_id_of(name, each, fleet, sent) for each in value]
    if owner is None or not isinstance(value, str) or not value:
        return value
    state = fleet.state()
    things: Iterable[Any] = {
        Part: state.parts,
        Robot: state.robots,
        Location: state.locations,
        Organization: state.organizations,
    }[owner]
    names: dict[str, list[str]] = {}
    for thing in things:
        names.setdefault(thing.name, []).append(thing.id)
        if thing.id == value:
            return value
    ids = names.get(value, [])
    if len(ids) > 1:
        raise UsageError(f"{name}: {len(ids)} have the name {value!r}; give the id instead")
    near = [] if ids else difflib.get_close_matches(value, names, n=1, cutoff=0.8)
    if near and not sent(value):
        kind = owner.__name__.lower()
        raise UsageError(f"{name}: no {kind} is named {value!r}; did you mean {near[0]!r}?")
    return ids[0] if ids else value


def fitting_value(name: str, rpc: str, value: object, candidates: Sequence[Candidate]) -> object:
    """The value in the form that the journal uses for one of these fields.

    Raises:
        UsageError: No field can have this value.
    """
    if isinstance(value, (str, bytes, list, tuple, dict)) and not value:
        return value  # matches an unset field
    for candidate in candidates:
        fitting = _fit(candidate, value)
        if fitting is not _UNFIT:
            return fitting
    if value is None:
        raise UsageError(f"{name} must not be None; an empty value means that it is not set")
    fields = [candidate.field for candidate in candidates if candidate.field is not None]
    kinds = " or ".join(dict.fromkeys(map(_kind, fields)))
    raise UsageError(f"{name} of {rpc} must be {kinds}, got {short(value)}{_near(value, fields)}")


def _fit(candidate: Candidate, value: object) -> object:
    field, many = candidate
    if field is None:
        return value
    if not isinstance(value, (list, tuple)):
        return _fit_one(field, value)
    if not many and len(value) > 1:
        return _UNFIT
    fitting = [_fit_one(field, each) for each in value]
    return _UNFIT if any(each is _UNFIT for each in fitting) else fitting


def _fit_one(field: FieldDescriptor, value: object) -> object:
    if field.message_type is not None:
        return _fit_message(field, field.message_type.full_name, value)
    if field.enum_type is not None:
        fits = value in field.enum_type.values_by_name or type(value) is int
    elif field.type == FieldDescriptor.TYPE_BYTES:
        fits = isinstance(value, bytes)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        fits = isinstance(value, str)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        fits = isinstance(value, bool)
    elif field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        fits = type(value) in (int, float) and value == value  # noqa: PLR0124 - NaN is not
    else:
        fits = type(value) is int
    return value if fits else _UNFIT


def _fit_message(field: FieldDescriptor, name: str, value: object) -> object:
    if name == "google.protobuf.Timestamp":
        time = wire.well_known.Timestamp()
        try:
            time.FromJsonString(value if isinstance(value, str) else "")
        except ValueError:
            return _UNFIT
        return message_json(time)
    if is_map(field) or (name == "google.protobuf.Struct" and not isinstance(value, dict)):
        return _UNFIT
    return value


_KINDS: Mapping[int, str] = MappingProxyType(
    {
        FieldDescriptor.CPPTYPE_STRING: "text",
        FieldDescriptor.CPPTYPE_BOOL: "True or False",
        FieldDescriptor.CPPTYPE_DOUBLE: "a number",
        FieldDescriptor.CPPTYPE_FLOAT: "a number",
    }
)


def _kind(field: FieldDescriptor) -> str:
    if field.enum_type is not None:
        return f"one of {', '.join(field.enum_type.values_by_name)}"
    if field.message_type is not None:
        if is_map(field):
            return f"the value of one key, as in {field.name}.KEY"
        timestamp = field.message_type.full_name == "google.protobuf.Timestamp"
        return "a time such as 2026-01-31T12:00:00Z" if timestamp else "a dict"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "bytes"
    return _KINDS.get(field.cpp_type, "a whole number")


def _near(value: object, fields: Iterable[FieldDescriptor]) -> str:
    names = [name for each in fields if each.enum_type for name in each.enum_type.values_by_name]
    return nearest(value.upper() if isinstance(value, str) else "", names)


def _field_name(name: str) -> str:
    return ALIASES.get(name, name).rpartition(".")[2]
