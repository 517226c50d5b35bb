"""Viam's wire format: message classes in a private descriptor pool.

    from fakeviam.wire import data, well_known

    request = data.TagsByFilterRequest(filter=data.Filter(part_id="…"))

The modules `data`, `datasync`, `dataset`, `datapipelines`, `app`, `auth`, `health`, `reflection`,
`status` and `well_known` hold the message classes, enums and enum values; `values` and `times` turn
Struct and Timestamp into plain Python and back. Nothing here imports viam-sdk or registers anything
in protobuf's default pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import (
    auth,
    data,
    datapipelines,
    dataset,
    datasync,
    status,
    times,
    values,
    well_known,
)
from fakeviam.wire._adopt import adopt
from fakeviam.wire._pool import WIRE, Method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

__all__ = [
    "Method",
    "adopt",
    "auth",
    "data",
    "datapipelines",
    "dataset",
    "datasync",
    "files",
    "message_class",
    "method",
    "methods",
    "pool",
    "status",
    "times",
    "utilities",
    "values",
    "well_known",
]


def methods() -> tuple[Method, ...]:
    """Return every RPC of Viam's cloud, login included; always the same tuple."""
    return WIRE.methods


def method(name: str) -> Method:
    """Return the RPC of that name, which Viam's cloud has."""
    return next(each for each in WIRE.methods if each.name == name)


def utilities() -> tuple[Method, ...]:
    """Return the RPCs of gRPC's own services: health and reflection."""
    return WIRE.utilities


def pool() -> DescriptorPool:
    """Return the private pool, as `json_format` and `text_format` want it. Add nothing to it."""
    return WIRE.pool


def message_class(name: str) -> type[Message] | None:
    """Return the message class of that full name; None if the pool has none."""
    return WIRE.classes.get(name)


def files() -> Mapping[str, bytes]:
    """Return the pool's serialized descriptor files by name, imports first, for reflection."""
    return WIRE.files
