"""What a server must keep of the newest RPCs, in the model's terms; made by the operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(kw_only=True)
class SavedQuery:
    """A saved query; `stages` are those that were sent, `created` is what the server says."""

    handle: int
    name: str
    stages: list[dict[str, Any]]
    encoded: list[bytes]
    created: int | None = None


@dataclass(kw_only=True)
class Pipeline:
    """A data pipeline; one that was renamed is not asked for its indexes any more."""

    handle: int
    name: str
    encoded: list[bytes]
    schedule: str
    source: int | None
    enabled: bool = True
    renamed: bool = False
    created: int | None = None


@dataclass(frozen=True, kw_only=True)
class Index:
    """A custom index; of the hot store, or of the sink of a pipeline."""

    handle: int
    pipeline: int | None
    spec: list[bytes]


@dataclass(kw_only=True)
class Sequence_:  # noqa: N801 - there is a protocol of that name
    """A sequence; times in ns."""

    handle: int
    part_id: str
    resources: list[tuple[str, str]]
    tags: list[str]
    start: int
    end: int
    created: int | None = None


@dataclass(kw_only=True)
class Kept:
    """All of it."""

    queries: list[SavedQuery] = field(default_factory=list)
    pipelines: list[Pipeline] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    sequences: list[Sequence_] = field(default_factory=list)


class _HasHandle(Protocol):
    @property
    def handle(self) -> int: ...


KeptT = TypeVar("KeptT", bound=_HasHandle)


def of_handle(entries: Sequence[KeptT], handle: int) -> KeptT | None:
    """The entry of that handle, if it is still there."""
    return next((entry for entry in entries if entry.handle == handle), None)
