"""Going back: to a snapshot, or to the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.web.endpoint import Endpoint
from fakeviam.web.schema import listed, shape, table, text, whole

if TYPE_CHECKING:
    from fakeviam.web.endpoint import Ask
    from fakeviam.web.shelf import Kept

_SNAPSHOT = shape(
    {
        "id": text(),
        "name": text("As it was given; may be empty."),
        "taken": text("By the clock of the fake.", format="date-time"),
    }
)


def _json(kept: Kept) -> dict[str, Any]:
    return {"id": kept.id, "name": kept.name, "taken": kept.taken.isoformat()}


def _list(ask: Ask) -> dict[str, Any]:
    return {"snapshots": [_json(kept) for kept in ask.shelf.of(ask.session)]}


def _take(ask: Ask) -> dict[str, Any]:
    name = ask.body.get("name", "")
    ask.shelf.check_free(name, ask.session)
    return _json(
        ask.shelf.keep(
            ask.world.snapshot(),
            name=name,
            taken=ask.world.clock.moment(),
            session=ask.session,
        )
    )


def _restore(ask: Ask) -> dict[str, Any]:
    kept = ask.shelf.find(ask.path["snapshot"], ask.session)
    ask.world.restore(kept.snapshot)
    return _json(kept)


def _drop(ask: Ask) -> dict[str, Any]:
    return _json(ask.shelf.drop(ask.path["snapshot"], ask.session))


def _reset(ask: Ask) -> dict[str, Any]:
    return dict(ask.world.reset().to_json())


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/snapshots",
        title="List the snapshots of the session",
        act=_list,
        answer=shape({"snapshots": listed(_SNAPSHOT)}),
    ),
    Endpoint(
        method="POST",
        path="/snapshots",
        title="Take a snapshot",
        act=_take,
        body=shape(optional={"name": text("Name it, to restore it by name.", minLength=1)}),
        answer=_SNAPSHOT,
        status=201,
    ),
    Endpoint(
        method="POST",
        path="/snapshots/{snapshot}/restore",
        title="Go back to a snapshot, by id or name; it can be restored again",
        act=_restore,
        answer=_SNAPSHOT,
    ),
    Endpoint(
        method="DELETE",
        path="/snapshots/{snapshot}",
        title="Forget a snapshot",
        act=_drop,
        answer=_SNAPSHOT,
    ),
    Endpoint(
        method="POST",
        path="/reset",
        title="Forget all data, calls, faults and replies; the receipt counts them",
        act=_reset,
        answer=table(whole(), "What was forgotten."),
    ),
)
