"""The models of the lines that `entity_rows.py` writes into archives and logs."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from pydantic import create_model

from fakeviam.archive.models import Time, checked_row
from fakeviam.model.entities import KINDS, Entity, SequenceResource
from fakeviam.validation.models import Model
from fakeviam.validation.types import Base64, Flag, Many, Omittable

if TYPE_CHECKING:
    from collections.abc import Mapping


KindName = Literal["saved_query", "index", "pipeline", "run", "sequence", "sequence_export"]


class _EntityKind(Model, extra="ignore"):
    kind: KindName


class _Row(Model):
    kind: str


class _ResourceRow(Model):
    resource_name: str
    method_name: str


_OptionalTime = Omittable[Time]

#: The models of entity fields by their types. Integers are times.
_TYPES: Mapping[object, object] = MappingProxyType(
    {
        bool: Flag,
        bytes: Base64,
        int: Time,
        int | None: _OptionalTime,
        tuple[bytes, ...]: Many[Base64],
        tuple[int, ...]: Many[Time],
        tuple[str, ...]: Many[str],
        tuple[SequenceResource, ...]: Many[_ResourceRow],
    }
)


def _row_of(kind: type[Entity]) -> type[_Row]:
    """The model of the rows of a kind: its fields and defaults."""
    types = get_type_hints(kind)
    fields: dict[str, Any] = {
        field.name: (
            _TYPES.get(types[field.name], types[field.name]),
            ... if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(kind)
    }
    return create_model(kind.__name__, __base__=_Row, **fields)


_ROWS: Mapping[str, type[_Row]] = MappingProxyType(
    {name: _row_of(kind) for name, kind in KINDS.items()}
)


def entity_of(row: object, where: str) -> Entity:
    """The entity in a row at `where`.

    Raises:
        DamageError: The row is invalid.
    """
    kind = checked_row(_EntityKind, row, where).kind
    values = dict(vars(checked_row(_ROWS[kind], row, where)))
    del values["kind"]
    if "resources" in values:
        values["resources"] = tuple(SequenceResource(**vars(each)) for each in values["resources"])
    model: Any = KINDS[kind]
    entity: Entity = model(**values)
    return entity
