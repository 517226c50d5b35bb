"""Conditions on the requests of calls: for the journal, faults and scripted replies."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: A set field of a request: its dotted path and its value. A repeated field has one per value.
Leaf = tuple[str, object]

#: Short names for the fields that tests use most.
ALIASES = MappingProxyType(
    {
        "part": "part_id",
        "component": "component_name",
        "method": "method_name",
        "tag": "tags",
        "dataset": "dataset_id",
        "organization": "organization_id",
    }
)


_SHOWN = 5
_LONGEST = 60


def short(value: object) -> str:
    """A value, abbreviated to fit on a line."""
    return text.short(value, _LONGEST)


#: Request fields that hold secrets, whose values are never displayed (JR-4).
_SECRETS = frozenset({"password", "payload"})


def _is_secret(name: str) -> bool:
    return name.rpartition(".")[2] in _SECRETS


def wanted_text(name: str, expected: object) -> str:
    """An expected value for display, unless the field holds secrets."""
    return "'(secret)'" if _is_secret(name) else short(expected)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a call does not match: a field, its value, and the expected value."""

    field: str
    actual: tuple[object, ...]
    wanted: object

    def __str__(self) -> str:
        if not self.actual:
            return f"{self.field} is not set, wanted {wanted_text(self.field, self.wanted)}"
        if _is_secret(self.field):
            return f"{self.field}, which is another secret"
        values = ", ".join(map(short, self.actual[:_SHOWN]))
        more = len(self.actual) - _SHOWN
        values += f" and {more} more" if more > 0 else ""
        return f"{self.field}: {values} ≠ {short(self.wanted)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Conditions on a call (JR-3).

    Attributes:
        rpc: The name of the RPC; `*` and `?` are wildcards.
        fields: Expected values by field name. A name matches fields of that name at any depth; a
            dotted path matches the end of a field's path, and one that starts with a dot only the
            whole path. A repeated field matches if one of its values does, or if the expected
            list is equal to it; an empty value matches a field that is not set.
    """

    rpc: str = "*"
    fields: Mapping[str, object] = field(default_factory=dict)

    def fits_rpc(self, rpc: str) -> bool:
        """Whether calls of this RPC can match."""
        return self.rpc in ("*", rpc) or fnmatchcase(rpc, self.rpc)

    def fits(self, rpc: str, leaves: Sequence[Leaf]) -> bool:
        """Whether a call matches."""
        return self.fits_rpc(rpc) and not self.mismatches(leaves)

    def mismatches(self, leaves: Sequence[Leaf]) -> list[Mismatch]:
        """The conditions that a request does not satisfy."""
        return [
            Mismatch(name, tuple(chain.from_iterable(actual)), expected)
            for name, expected in self.fields.items()
            if not _fits(expected, actual := _values_by_field(name, leaves))
        ]

    def __str__(self) -> str:
        conditions = ", ".join(f"{k}={wanted_text(k, v)}" for k, v in self.fields.items())
        return f"{self.rpc}({conditions})" if conditions else self.rpc


def _values_by_field(name: str, leaves: Sequence[Leaf]) -> list[list[object]]:
    path = ALIASES.get(name, name)
    fields: dict[str, list[object]] = {}
    for at, value in leaves:
        if means(path, at) or means(name, at):
            fields.setdefault(at, []).append(value)
        elif isinstance(value, dict) and "." in name:
            fields.setdefault(at, []).extend(_inside(name, at, value))
    return [values for values in fields.values() if values]


def means(name: str, path: str) -> bool:
    """Whether a field name, or the end of a path, refers to the field at `path`.

    A name that starts with a dot is a whole path: `.tags` is not `filter.tags`.
    """
    if name.startswith("."):
        return path == name[1:]
    return path == name or path.endswith(f".{name}")


def _inside(name: str, path: str, value: dict[str, object]) -> Iterator[object]:
    """The values in a Struct at `path` for a name such as `payload.temperature`."""
    for end, letter in enumerate(name):
        if letter == "." and end and means(name[:end], path):
            yield from _values_at(value, name[end + 1 :])


def _values_at(value: object, keys: str) -> Iterator[object]:
    if not isinstance(value, dict):
        return
    if keys in value:
        yield value[keys]
        return
    for end, letter in enumerate(keys):
        if letter == ".":
            yield from _values_at(value.get(keys[:end]), keys[end + 1 :])


def _fits(expected: object, actual: list[list[object]]) -> bool:
    if not actual:
        return not expected and expected is not None
    if isinstance(expected, (list, tuple)) and list(expected) in actual:
        return True
    return any(expected in values for values in actual)
