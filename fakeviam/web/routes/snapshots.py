"""Snapshots and reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.server.lifecycle.shelf import OTHER_NAME, name_taken
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Omittable
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import NonEmpty, TimeText
from fakeviam.web.problems import HttpProblem

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
    entities: int = field("Saved queries, indexes, pipelines, runs, sequences, exports.", 2)
    calls: int = field("Calls in the journal.", 12)
    planned_faults: int = field("Planned faults.", 0)
    scripted_replies: int = field("Scripted replies.", 0)


def _json(snapshot: Snapshot) -> dict[str, object]:
    return {"id": snapshot.id, "name": snapshot.name, "taken": snapshot.taken.isoformat()}


def _list(request: ControlRequest) -> dict[str, object]:
    return {"snapshots": [_json(snapshot) for snapshot in request.handle.snapshots]}


def _take(request: ControlRequest) -> dict[str, object]:
    name = request.body.name
    if (text := name_taken(name, request.handle.snapshots)) is not None:
        raise HttpProblem(409, text, field="name", value=name, hint=OTHER_NAME)
    return _json(request.handle.snapshot(name).keep())


def _restore(request: ControlRequest) -> dict[str, object]:
    snapshot = _snapshot(request)
    snapshot.restore()
    return _json(snapshot)


def _drop(request: ControlRequest) -> dict[str, object]:
    snapshot = _snapshot(request)
    snapshot.delete()
    return _json(snapshot)


def _snapshot(request: ControlRequest) -> Snapshot:
    key, snapshots = request.path["snapshot"], request.handle.snapshots
    for snapshot in snapshots:
        if key in (snapshot.id, snapshot.name):
            return snapshot
    names = ", ".join(snapshot.name or snapshot.id for snapshot in snapshots)
    raise HttpProblem(
        404,
        f"there is no snapshot {key!r}",
        field="snapshot",
        value=key,
        hint=f"existing: {names}" if names else "none exist",
    )


def _reset(request: ControlRequest) -> dict[str, object]:
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
