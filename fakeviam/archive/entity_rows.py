"""Entities as JSON objects, for archives and logs."""

from __future__ import annotations

import dataclasses
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from fakeviam.archive.lines import time_text
from fakeviam.model.entities import KIND_NAMES, Entity, SequenceResource, is_time

if TYPE_CHECKING:
    from fakeviam.archive.rows import Row


def entity_row(entity: Entity) -> Row:
    """An entity, without fields that have their defaults."""
    row: Row = {"kind": KIND_NAMES[type(entity)]}
    for field in dataclasses.fields(entity):
        value = getattr(entity, field.name)
        if value != field.default:
            row[field.name] = _plain(field.name, value)
    return row


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(name, each) for each in value]
    if isinstance(value, SequenceResource):
        return dataclasses.asdict(value)
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return time_text(value) if is_time(name) and value is not None else value
