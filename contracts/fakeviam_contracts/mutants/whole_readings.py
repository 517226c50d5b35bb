"""Wrong servers: readings lose fragile values, in one RPC only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.mutants.base import Mutant, on_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.mutants.base import Memory, ReplyEdit

    Change = Callable[[Any], Any]

#: The value that `_without_nulls` removes from its container.
_GONE = object()


def _everywhere(value: Any, change: Change) -> Any:
    """Change all nested values, where any are left."""
    if isinstance(value, dict):
        inner = {name: _everywhere(each, change) for name, each in value.items()}
        return change({name: each for name, each in inner.items() if each is not _GONE})
    if isinstance(value, list):
        changed = [_everywhere(each, change) for each in value]
        return change([each for each in changed if each is not _GONE])
    return change(value)


def _changed(values: dict[str, Any], change: Change) -> dict[str, Any]:
    changed = _everywhere(values, change)
    return {} if changed is _GONE else dict(changed)


def _numbers(value: Any) -> Any:
    return float(value) if isinstance(value, bool) else value


def _without_nulls(value: Any) -> Any:
    return _GONE if value is None else value


def _without_empty(value: Any) -> Any:
    return _GONE if value in ([], {}, "") else value


def _payload(change: Change) -> ReplyEdit:
    """An edit of the payload in a reply."""

    def edit(_: object, reply: Any, __: Memory) -> None:
        if reply.payload.fields:
            reply.payload.CopyFrom(struct_from(_changed(mapping_from(reply.payload), change)))

    return edit


def _documents(change: Change) -> ReplyEdit:
    """An edit of each document in a reply."""
    import bson  # noqa: PLC0415 - with the first query

    def edit(_: object, reply: Any, __: Memory) -> None:
        documents = [_changed(bson.decode(each), change) for each in reply.raw_data]
        reply.raw_data[:] = [bson.encode(each) for each in documents]

    return edit


_RPCS: tuple[tuple[str, str, Callable[[Change], ReplyEdit]], ...] = (
    ("GetLatestTabularData", "GL-1", _payload),
    ("ExportTabularData", "EX-1", _payload),
    ("TabularDataByMQL", "MQ-2", _documents),
)

MUTANTS: tuple[Mutant, ...] = tuple(
    on_reply(f"{what} in {rpc}", clause, edit(change), rpc)
    for rpc, clause, edit in _RPCS
    for what, change in (
        ("takes true for 1", _numbers),
        ("drops nulls", _without_nulls),
        ("drops what is empty", _without_empty),
    )
)
