"""What a fake is made of, if its store is one that several servers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import Fleet
from fakeviam.model.ids import Ids
from fakeviam.model.readable import ReadableIds
from fakeviam.server.lifecycle.sharing.accounts import SharedAccounts
from fakeviam.server.lifecycle.sharing.fleet import SharedFleet
from fakeviam.server.lifecycle.sharing.ids import ShardedIds
from fakeviam.server.state.accounts import Accounts
from fakeviam.store.opening import opener

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.clock import Clock
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store

IdKind = Literal["real", "readable"]


def maker_of(store: Callable[[], Store] | str, *, seed: int, kept: bool) -> Callable[[], Store]:
    """What makes the stores that a fake was told to use.

    Args:
        store: A URL, or what makes stores itself.
        seed: Of a database that is new.
        kept: There is a data directory.

    Raises:
        UsageError: The URL or the database is no good, or there is a data directory besides.
    """
    if not isinstance(store, str):
        return store
    if kept and store != "memory:":
        raise UsageError(
            "data_dir keeps what is in memory; give a data directory or a database, not both"
        )
    return opener(store, seed=seed)


def seed_of(store: Store, seed: int) -> int:
    """The seed of a fake that uses this store: that of the database, if it is in one."""
    return seed if store.ledgers is None else store.ledgers.seed


def ids_of(store: Store, kind: IdKind, *, seed: int, clock: Clock) -> Ids:
    """The ids of a fake that uses this store.

    Raises:
        UsageError: There is no such kind, or its ids would be the same on all servers.
    """
    if kind not in ("real", "readable"):
        raise UsageError(f"ids must be 'real' or 'readable', got {kind!r}")
    server = 0 if store.ledgers is None else store.ledgers.server
    if server == 0:
        return (ReadableIds if kind == "readable" else Ids)(seed=seed, clock=clock)
    if kind == "readable":
        raise UsageError(
            "readable ids count from 1 on every server; with a database that servers share, "
            "take ids='real'"
        )
    return ShardedIds(seed=seed, clock=clock, server=server)


def fleet_of(store: Store, ids: Ids) -> Fleet:
    """The fleet of a fake that uses this store."""
    if store.ledgers is None:
        return Fleet(ids=ids)
    return SharedFleet(ids=ids, ledgers=store.ledgers)


def accounts_of(store: Store, **settings: Any) -> Accounts:
    """The accounts of a fake that uses this store; they are made with the settings."""
    if store.ledgers is None:
        return Accounts(**settings)
    return SharedAccounts(ledgers=store.ledgers, **settings)


def is_new(store: Store) -> bool:
    """Whether there is nothing yet to go on with."""
    return store.ledgers is None or store.ledgers.fresh


def publish(cloud: CloudState) -> None:
    """Let fleet and keys of this cloud be those of all on the database, if it is in one."""
    if isinstance(cloud.fleet, SharedFleet):
        cloud.fleet.publish()
    if isinstance(cloud.accounts, SharedAccounts):
        cloud.accounts.publish()
