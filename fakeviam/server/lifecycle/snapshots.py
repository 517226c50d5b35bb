"""The state of a cloud as a whole: set aside, brought back, emptied, exported, kept on disk.

Everything here is one step between two calls: whoever calls it takes care that none is being
answered in the same moment. A call that has begun, such as an upload, finishes on the store it
began with.
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

#: Fewer records than that are freed at once.
_FEW = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenState:
    """The state of a cloud at one moment, shared with it as long as neither changes (SN-1).

    It holds data, datasets, database users, fleet, API keys, the clock and how far ids were
    counted; not the journal, faults, scripted replies and access tokens.
    """

    store: Store
    fleet: FleetState
    keys: tuple[ApiKey, ...]
    clock: ClockState
    counters: Counters
    hiding: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ResetSummary:
    """What a reset deleted (SN-3).

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
        """The receipt for all that a store held."""
        return cls(
            binary_records=stats.binary.records,
            readings=stats.tabular.records,
            bytes=stats.binary.size + stats.tabular.size,
            datasets=stats.datasets,
            database_users=stats.database_users,
            entities=stats.entities,
        )


def take_snapshot(cloud: CloudState) -> FrozenState:
    """Set the state aside (SN-1)."""
    return FrozenState(
        store=cloud.store.fork(),
        fleet=cloud.fleet.state(),
        keys=cloud.accounts.keys,
        clock=cloud.clock.state(),
        counters=cloud.ids.counters,
        hiding=cloud.hiding,
    )


def restore_snapshot(cloud: CloudState, snapshot: FrozenState) -> None:
    """Bring a state back; the snapshot can be used again (SN-1, SN-2)."""

    def apply() -> None:
        _put_store(cloud, snapshot.store.fork())
        cloud.fleet.restore(snapshot.fleet)
        cloud.accounts.restore(snapshot.keys)
        cloud.clock.restore(snapshot.clock)
        cloud.ids.rewind(snapshot.counters)
        cloud.hiding = snapshot.hiding

    contents = Contents(
        store=snapshot.store,
        fleet=snapshot.fleet,
        keys=tuple(map(key_row, snapshot.keys)),
        counters=snapshot.counters,
        made_by=__version__,
    )
    _replace(cloud, contents, apply)


def reset(cloud: CloudState, make_store: Callable[[], Store]) -> ResetSummary:
    """Begin anew with an empty store; answer what was dropped (SN-3).

    Fleet, API keys, tokens, clock and ids go on.
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
    """What an archive of the cloud holds (AR-1)."""
    return Contents(
        store=cloud.store.view(),
        fleet=cloud.fleet.state(),
        keys=tuple(map(key_row, cloud.accounts.keys)),
        counters=cloud.ids.counters,
        made_by=__version__,
    )


def apply_contents(cloud: CloudState, contents: Contents) -> None:
    """Hold what an archive holds instead of everything else (AR-1).

    Ids go on beyond all that either side gave away (AR-4), access tokens stay good, and the clock
    shows what it showed.

    Raises:
        DamageError: The keys are damaged; nothing has changed.
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
        # What was hidden when it was exported may have to be hidden still.
        cloud.hiding = True

    _replace(cloud, replace(contents, counters=counters), apply)


def keep(cloud: CloudState, directory: DataDir) -> None:
    """Begin with what a data directory holds, and keep there all that comes (DD-1).

    The ids of `cloud` must come from the directory's seed.
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


#: Fields of API keys of locations and machines; others have none.
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
    """Put a store in the place of the cloud's, whose sink it takes over."""
    old, cloud.store, cloud.due = cloud.store, store, 0
    if store is not old:
        store.sink, old.sink = old.sink, None
        _release(old)


def _replace(cloud: CloudState, contents: Contents, apply: Callable[[], None]) -> None:
    """Let the data directory keep contents instead of everything, then apply them."""
    if cloud.directory is None:
        apply()
    else:
        cloud.directory.replace(contents, apply)


def _release(store: Store) -> None:
    """Release a store without blocking the event loop.

    A hundred thousand records take a tenth of a second to free, and whoever drops the last
    reference would do it all at once. So the event loop holds the pieces, and drops one at a
    time, between two calls. Without a loop nobody is served who could wait.
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
