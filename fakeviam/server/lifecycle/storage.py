"""Where the data of one fake is kept, and the cloud that is created from it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from fakeviam.model.checks import check_choice
from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import Fleet
from fakeviam.model.ids import Ids
from fakeviam.model.readable import ReadableIds
from fakeviam.model.text import short
from fakeviam.server.lifecycle.sharing.accounts import SharedAccounts
from fakeviam.server.lifecycle.sharing.fleet import SharedFleet
from fakeviam.server.lifecycle.sharing.ids import ShardedIds
from fakeviam.server.lifecycle.snapshots import keep
from fakeviam.server.state.accounts import Accounts
from fakeviam.server.state.cloud import CloudState
from fakeviam.store.base import Store
from fakeviam.store.opening import opener

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from fakeviam.datadir import DataDir, Dropped, Durability
    from fakeviam.model.clock import Clock
    from fakeviam.model.policy import Policy
    from fakeviam.server.state.cloud import CloudOptions, IdKind

_TWO_PLACES = "data_dir and a database as store cannot be combined"


class Storage:
    """Data in memory, in a data directory, or in a database.

    Attributes:
        seed: The seed of all ids; data directories and databases keep their own.
        new_store: Creates an empty store.
    """

    def __init__(
        self,
        store: Callable[[], Store] | str,
        *,
        data_dir: str | os.PathLike[str] | None,
        seed: int,
        now: Callable[[], int],
        durability: Durability = "process",
    ) -> None:
        """Open the database or the data directory, if there is one.

        Args:
            store: A URL, or a factory of empty stores.
            data_dir: The data directory, for data in memory.
            seed: The seed of all ids, if there is no data directory or database with its own.
            now: Returns the real time in ns since the epoch, for people who read the directory.
            durability: What a write to the directory survives.

        Raises:
            UsageError: The URL, database or directory is unusable, or they cannot be combined.
        """
        if isinstance(store, str):
            if data_dir is not None and store != "memory:":
                raise UsageError(_TWO_PLACES)
            store = opener(store, seed=seed)
        check_choice("durability", durability, ("process", "power"))
        if durability == "power" and data_dir is None:
            raise UsageError(
                "durability='power' requires data_dir; without it, nothing is persisted"
            )
        self.new_store = store
        self.seed = seed
        # The connection, not the store: a reset replaces the store, which must then be released.
        self._cloud: CloudState | None = None
        self._directory: DataDir | None = None
        if data_dir is not None:
            from fakeviam.datadir import DataDir  # noqa: PLC0415 - few need one

            self._directory = DataDir(
                data_dir, seed=seed, now=now, durability=durability, make_store=self.new_store
            )
            self.seed = self._directory.seed

    def new_cloud(self, policy: Policy, clock: Clock, options: CloudOptions) -> CloudState:
        """The only cloud of this storage, empty unless a database has contents."""
        store: object = self.new_store()
        if not isinstance(store, Store):
            raise UsageError(f"store must make a Store, got {short(store)}")
        ledgers = store.ledgers
        self.seed = self.seed if ledgers is None else ledgers.seed
        ids = self._ids(options.ids, 0 if ledgers is None else ledgers.server, clock)
        new_accounts: Callable[..., Accounts] = Accounts
        if ledgers is not None:
            new_accounts = partial(SharedAccounts, ledgers=ledgers)
        self._cloud = CloudState(
            store=store,
            fleet=Fleet(ids=ids) if ledgers is None else SharedFleet(ids=ids, ledgers=ledgers),
            policy=policy,
            clock=clock,
            ids=ids,
            accounts=new_accounts(
                mode=options.auth, clock=clock, ids=ids, token_lifetime=options.token_lifetime
            ),
            options=options,
        )
        return self._cloud

    def _ids(self, kind: IdKind, server: int, clock: Clock) -> Ids:
        """The factory of all ids; server 0 shares its data with no other."""
        if server == 0:
            return (ReadableIds if kind == "readable" else Ids)(seed=self.seed, clock=clock)
        if kind == "readable":
            raise UsageError(
                "readable ids count from 1 on every server; with a database that servers share, "
                "take ids='real'"
            )
        return ShardedIds(seed=self.seed, clock=clock, server=server)

    def is_new(self) -> bool:
        """Whether the storage was empty when the cloud was created."""
        if self._directory is not None:
            return self._directory.contents is None
        ledgers = None if self._cloud is None else self._cloud.store.ledgers
        return ledgers is None or ledgers.fresh

    @property
    def dropped(self) -> Dropped | None:
        """What was dropped when the data directory was opened, if anything (DD-3)."""
        return None if self._directory is None else self._directory.dropped

    def keep(self, cloud: CloudState) -> None:
        """Load the data directory's contents, and persist all writes from now on (DD-1)."""
        if self._directory is not None:
            keep(cloud, self._directory)

    def check_open(self) -> None:
        """Check that the fake can be started.

        Raises:
            UsageError: The data directory was closed.
        """
        if self._directory is not None and self._directory.is_closed:
            raise UsageError(
                "this FakeViam released its data directory when it stopped; create a new one with "
                f"data_dir={str(self._directory.path)!r}"
            )

    def close(self) -> None:
        """Release the directory or database for other processes."""
        if self._directory is not None:
            self._directory.close()
        if self._cloud is not None:
            self._cloud.store.close()

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Release everything if the block fails."""
        try:
            yield
        except BaseException:
            self.close()
            raise
