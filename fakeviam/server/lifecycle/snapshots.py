"""The state of a cloud as a whole: snapshots, reset, export and persistence.

Each operation is one step between two calls; the caller must ensure that no call is being handled
at the same time. A call that has already started, such as an upload, finishes on the store that it
started with.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from fakeviam.archive.contents import Contents
from fakeviam.archive.lines import time_text
from fakeviam.model.ids import Counters
from fakeviam.server.lifecycle.sharing.accounts import SharedAccounts
from fakeviam.server.lifecycle.sharing.fleet import SharedFleet
from fakeviam.server.state.accounts import ApiKey
from fakeviam.store.events import Cleared, FleetPut, KeysSet
from fakeviam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.datadir import DataDir
    from fakeviam.model.clock import ClockState
    from fakeviam.model.fleet import FleetState
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store
    from fakeviam.store.values import StoreStats

#: Stores with fewer records are released at once.
_FEW = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenState:
    """The state of a cloud at one moment, copy-on-write (SN-1).

    It includes data, datasets, database users, the fleet, API keys, the clock and the counters of
    ids, but not the journal, faults, scripted replies and access tokens.
    """

    store: Store
    fleet: FleetState
    keys: tuple[ApiKey, ...]
    clock: ClockState
    counters: Counters
    hiding: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ResetSummary:
    """What a reset has deleted (SN-3).

    Attributes:
        binary_records: Binary records.
        readings: Readings.
        bytes: Bytes of files and of encoded readings.
        datasets: Datasets.
        database_users: Database users.
        entities: Saved queries, indexes, pipelines with their runs, sequences and their exports.
        calls: Calls in the journal.
        planned_faults: Planned faults.
        scripted_replies: Scripted replies.
    """

    binary_records: int
    readings: int
    bytes: int
    datasets: int
    database_users: int
    entities: int = 0
    calls: int = 0
    planned_faults: int = 0
    scripted_replies: int = 0

    def to_json(self) -> dict[str, int]:
        """The numbers by name."""
        return asdict(self)

    @classmethod
    def of(cls, stats: StoreStats) -> ResetSummary:
        """The summary for everything in a store."""
        return cls(
            binary_records=stats.binary.records,
            readings=stats.tabular.records,
            bytes=stats.binary.size + stats.tabular.size,
            datasets=stats.datasets,
            database_users=stats.database_users,
            entities=stats.entities,
        )


def take_snapshot(cloud: CloudState) -> FrozenState:
    """Take a snapshot (SN-1)."""
    return FrozenState(
        store=cloud.store.fork(),
        fleet=cloud.fleet.state(),
        keys=cloud.accounts.keys,
        clock=cloud.clock.state(),
        counters=cloud.ids.counters,
        hiding=cloud.hiding,
    )


def restore_snapshot(cloud: CloudState, snapshot: FrozenState) -> None:
    """Restore a snapshot, which can be used again (SN-1, SN-2)."""

    def apply() -> None:
        # A fork of the fork: the snapshot itself must stay as it is, so that it can be restored
        # again.
        _put_store(cloud, snapshot.store.fork())
        cloud.fleet.restore(snapshot.fleet)
        cloud.accounts.restore(snapshot.keys)
        cloud.clock.restore(snapshot.clock)
        # Ids repeat after a restore, so that a test sees the same ids in every attempt.
        cloud.ids.rewind(snapshot.counters)
        cloud.hiding = snapshot.hiding

    contents = Contents(
        store=snapshot.store,
        fleet=snapshot.fleet,
        keys=tuple(map(key_row, snapshot.keys)),
        counters=snapshot.counters,
        made_by=__version__,
    )
    # Persist first: if the data directory refuses, the cloud keeps its current state.
    _replace(cloud, contents, apply)


def reset(cloud: CloudState, make_store: Callable[[], Store]) -> ResetSummary:
    """Replace the store by an empty one; returns what was deleted (SN-3).

    Fleet, API keys, tokens, clock and ids are unchanged.
    """
    stats = cloud.store.stats()

    def apply() -> None:
        _put_store(cloud, cloud.store.emptied(make_store))

    if cloud.directory is None:
        apply()
    else:
        cloud.directory.commit([Cleared()], apply)
    cloud.ledger.clear()
    cloud.crashes.clear()
    cloud.strict.objections.clear()
    cloud.hiding = False
    return replace(
        ResetSummary.of(stats),
        calls=cloud.journal.clear(),
        planned_faults=cloud.faults.clear(),
        scripted_replies=cloud.replies.clear(),
    )


def contents_of(cloud: CloudState) -> Contents:
    """The contents for an archive of the cloud (AR-1)."""
    return Contents(
        store=cloud.store.view(),
        fleet=cloud.fleet.state(),
        keys=tuple(map(key_row, cloud.accounts.keys)),
        counters=cloud.ids.counters,
        made_by=__version__,
    )


def apply_contents(cloud: CloudState, contents: Contents) -> None:
    """Replace the state by the contents of an archive (AR-1).

    New ids skip those that either side has generated (AR-4), access tokens stay valid, and the
    clock is unchanged.

    Raises:
        DamageError: The keys are damaged; nothing was changed.
    """
    keys = tuple(_key_from(row, f"API key {number}") for number, row in enumerate(contents.keys, 1))
    counters = Counters(*map(max, cloud.ids.counters, contents.counters))

    def apply() -> None:
        _put_store(cloud, cloud.store.replaced_by(contents.store))
        cloud.fleet.restore(contents.fleet)
        cloud.accounts.restore(keys)
        if isinstance(cloud.fleet, SharedFleet):
            cloud.fleet.publish()
        if isinstance(cloud.accounts, SharedAccounts):
            cloud.accounts.publish()
        cloud.ids.skip(contents.counters)
        # Records that were hidden at the export may still have to be hidden.
        cloud.hiding = True

    _replace(cloud, replace(contents, counters=counters), apply)


def keep(cloud: CloudState, directory: DataDir) -> None:
    """Load the contents of a data directory, and persist all writes there from now on (DD-1).

    The ids of `cloud` must be generated from the directory's seed.
    """
    contents, directory.contents = directory.contents, None
    if contents is not None:
        apply_contents(cloud, contents)
    directory.connect(contents=lambda: contents_of(cloud), counters=lambda: cloud.ids.counters)
    cloud.directory = cloud.store.sink = directory
    cloud.fleet.keeper = lambda one, apply: directory.commit([FleetPut(one)], apply)
    cloud.accounts.keeper = lambda keys, apply: directory.commit(
        [KeysSet(tuple(map(key_row, keys)))], apply
    )


#: Fields that only API keys of locations and machines have.
_NARROWED = ("location_ids", "robot_ids")


def key_row(key: ApiKey) -> Mapping[str, object]:
    """An API key as a JSON object."""
    row: dict[str, object] = {
        "id": key.id,
        "key": key.key,
        "organization_ids": sorted(key.organization_ids),
        "role": key.role,
    }
    row |= {name: sorted(ids) for name in _NARROWED if (ids := getattr(key, name))}
    return row if key.expires is None else row | {"expires": time_text(key.expires)}


def _key_from(row: Mapping[str, object], where: str) -> ApiKey:
    from fakeviam.archive.models import KeyRow, checked_row  # noqa: PLC0415 - few read keys

    checked = checked_row(KeyRow, row, where)
    return ApiKey(
        id=checked.id,
        key=checked.key,
        organization_ids=frozenset(checked.organization_ids),
        role=checked.role,
        expires=checked.expires,
        location_ids=frozenset(checked.location_ids),
        robot_ids=frozenset(checked.robot_ids),
    )


def _put_store(cloud: CloudState, store: Store) -> None:
    """Replace the cloud's store; the new one takes over the sink."""
    old, cloud.store, cloud.due = cloud.store, store, 0
    if store is not old:
        store.sink, old.sink = old.sink, None
        _release(old)


def _replace(cloud: CloudState, contents: Contents, apply: Callable[[], None]) -> None:
    """Persist contents in place of everything else, then apply them."""
    if cloud.directory is None:
        apply()
    else:
        cloud.directory.replace(contents, apply)


def _release(store: Store) -> None:
    """Release a store without blocking the event loop.

    Releasing a hundred thousand records takes a tenth of a second, and happens at once when the
    last reference is dropped. So the event loop keeps a reference, and releases one piece at a
    time between calls. Without a loop, there are no calls to block.
    """
    stats = store.stats()
    if stats.binary.records + stats.tabular.records <= _FEW:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    pieces = store.fork().release_incrementally()

    def drop() -> None:
        for _ in pieces:
            loop.call_soon(drop)
            return

    loop.call_soon(drop)
