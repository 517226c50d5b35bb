"""Going back: to a snapshot, or to the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Omittable
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import NonEmpty, TimeText
from fakeviam.web.problems import Problem

if TYPE_CHECKING:
    from fakeviam.server.lifecycle.shelf import Snapshot
    from fakeviam.web.endpoint import ControlRequest


class SnapshotModel(Model):
    """A snapshot."""

    id: str = field("Its id.", "s1")
    name: str = field("Its name; may be empty.", "start")
    taken: TimeText = field("When it was taken, by the fake's clock.", "2026-01-31T12:00:00+00:00")


class SnapshotList(Model):
    """The snapshots of a session."""

    snapshots: list[SnapshotModel] = field("Oldest first.", [])


class NewSnapshot(Model):
    """A snapshot to take."""

    name: Omittable[NonEmpty] = field("A name to restore it by.", "start", default=None)


class ResetReport(Model):
    """What a reset forgot."""

    binary_records: int = field("Files.", 3)
    readings: int = field("Readings.", 100)
    bytes: int = field("Bytes of files and of encoded readings.", 4096)
    datasets: int = field("Datasets.", 1)
    database_users: int = field("Database users.", 0)
    calls: int = field("Calls in the journal.", 12)
    planned_faults: int = field("Planned faults.", 0)
    scripted_replies: int = field("Scripted replies.", 0)


def _json(kept: Snapshot) -> dict[str, Any]:
    return {"id": kept.id, "name": kept.name, "taken": kept.taken.isoformat()}


def _list(request: ControlRequest) -> dict[str, Any]:
    return {"snapshots": [_json(kept) for kept in request.handle.snapshots]}


def _take(request: ControlRequest) -> dict[str, Any]:
    name = request.body.name
    if any(name in (kept.name, kept.id) for kept in request.handle.snapshots):
        raise Problem(
            409,
            f"a snapshot named {name!r} already exists",
            field="name",
            value=name,
            hint="delete it first, or choose another name",
        )
    return _json(request.handle.snapshot(name).keep())


def _restore(request: ControlRequest) -> dict[str, Any]:
    kept = _kept(request)
    kept.restore()
    return _json(kept)


def _drop(request: ControlRequest) -> dict[str, Any]:
    kept = _kept(request)
    kept.delete()
    return _json(kept)


def _kept(request: ControlRequest) -> Snapshot:
    asked, there = request.path["snapshot"], request.handle.snapshots
    for kept in there:
        if asked in (kept.id, kept.name):
            return kept
    known = ", ".join(kept.name or kept.id for kept in there)
    raise Problem(
        404,
        f"there is no snapshot {asked!r}",
        field="snapshot",
        value=asked,
        hint=f"there are: {known}" if known else "there are none",
    )


def _reset(request: ControlRequest) -> dict[str, Any]:
    return dict(request.handle.reset().to_json())


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/snapshots",
        title="List the snapshots of the session",
        tag="data",
        handler=_list,
        response=SnapshotList,
    ),
    Endpoint(
        method="POST",
        path="/snapshots",
        title="Take a snapshot",
        tag="data",
        handler=_take,
        body=NewSnapshot,
        response=SnapshotModel,
        status=201,
    ),
    Endpoint(
        method="POST",
        path="/snapshots/{snapshot}/restore",
        title="Restore a snapshot, by id or name; it is kept",
        tag="data",
        handler=_restore,
        response=SnapshotModel,
    ),
    Endpoint(
        method="DELETE",
        path="/snapshots/{snapshot}",
        title="Delete a snapshot",
        tag="data",
        handler=_drop,
        response=SnapshotModel,
    ),
    Endpoint(
        method="POST",
        path="/reset",
        title="Delete all data, calls, faults and replies; the response counts them",
        tag="data",
        handler=_reset,
        response=ResetReport,
    ),
)
