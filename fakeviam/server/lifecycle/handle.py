"""The public interface of one isolated cloud: its state, its journal, its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fakeviam import archive
from fakeviam.model.checks import check_path
from fakeviam.model.errors import FakeViamError, UsageError
from fakeviam.model.evidence import Clause, Evidence
from fakeviam.model.policy import Policy
from fakeviam.model.read_options import ReadOptions
from fakeviam.model.text import counted, short
from fakeviam.server.instruments.faults.plan import UnfiredFaultError
from fakeviam.server.instruments.journal.calls import Calls
from fakeviam.server.instruments.journal.record import RecordedCall
from fakeviam.server.instruments.objections import report
from fakeviam.server.instruments.strict import StrictError
from fakeviam.server.instruments.unfired_faults import explain_unfired
from fakeviam.server.lifecycle.shelf import Shelf, Snapshot
from fakeviam.server.lifecycle.snapshots import (
    ResetSummary,
    contents_of,
    reset,
    restore_snapshot,
    take_snapshot,
)
from fakeviam.server.services.due import catch_up
from fakeviam.server.state.accounts import DEFAULT_KEY, DEFAULT_KEY_ID, ApiKey, expiry
from fakeviam.server.state.reach import reach_of
from fakeviam.server.state.roles import role_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from fakeviam.model.applied_seed import AppliedSeed
    from fakeviam.model.clock import Clock
    from fakeviam.model.fleet import Fleet
    from fakeviam.model.roles import Role
    from fakeviam.server.instruments.explain.explanation import Explanation
    from fakeviam.server.instruments.faults.plan import Faults
    from fakeviam.server.instruments.replies import Replies
    from fakeviam.server.state.cloud import CloudState, Crash
    from fakeviam.server.state.reach import Named
    from fakeviam.store.base import Store
    from fakeviam.views import StoredDataset, StoredFile, StoredReading, View


T = TypeVar("T")


class HandlerCrashError(FakeViamError, AssertionError):
    """A handler of the fake raised an unexpected exception: a bug in fakeviam (SV-4)."""


class CloudHost(Protocol):
    """The server, as cloud handles need it."""

    def atomically(self, work: Callable[[], T]) -> T:
        """Call `work` in the server's thread, between two steps of its calls."""
        ...

    def do_what_is_due(self, cloud: CloudState) -> None:
        """Do what is due by a cloud's clock, and let calls be answered meanwhile if possible."""
        ...

    def empty_store(self) -> Store:
        """Create an empty store, of the kind the server uses."""
        ...

    def load_into(
        self, cloud: CloudState, source: object, options: ReadOptions
    ) -> AppliedSeed | None:
        """Load data into a cloud; call it in the server's thread."""

    def database_uri(self, cloud: CloudState, organization_id: str | None, password: str) -> str:
        """Set the password of a database user, and return the URI."""
        ...

    @property
    def has_tls(self) -> bool:
        """Whether the TCP port uses TLS."""
        ...

    def pause(self, session: str) -> None:
        """Wait for Enter while the page shows a session; empty for the server's own cloud."""
        ...

    def environment(self, handle: CloudHandle, session: str) -> dict[str, str]:
        """The environment variables that point a program to one of the server's clouds."""
        ...


class CloudHandle:
    """The public interface of one isolated cloud.

    Attributes:
        api_key: Key of the default account.
        api_key_id: Its id.
        clock: The cloud's clock.
        fleet: Organizations, locations, robots and parts.
    """

    api_key = DEFAULT_KEY
    api_key_id = DEFAULT_KEY_ID

    def __init__(self, cloud: CloudState, *, host: CloudHost) -> None:
        """Create a handle on `cloud`, which `host` serves."""
        self._cloud = cloud
        self._host = host
        self.clock: Clock = cloud.clock
        self.fleet: Fleet = cloud.fleet
        self._shelf = Shelf(
            lambda state: host.atomically(lambda: restore_snapshot(self._cloud, state))
        )

    def _contents_text(self) -> str:
        """A summary of its contents, without waiting for the server's thread."""
        stats = self._cloud.store.stats()
        counts = {
            "file": stats.binary.records,
            "reading": stats.tabular.records,
            "dataset": stats.datasets,
            "call": len(self.calls),
        }
        return ", ".join(counted(count, one) for one, count in counts.items())

    # Inspection --------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """How disputed points are decided."""
        return self._cloud.policy

    @policy.setter
    def policy(self, policy: Policy | str) -> None:
        new_policy = Policy.of(policy)
        self._host.atomically(lambda: self._cloud.apply(new_policy))

    @property
    def calls(self) -> Calls:
        """The journal: every call (JR-1)."""
        return Calls(self._cloud.journal, fleet=self.fleet)

    def explain(self, call: RecordedCall | None = None, file_id: str | None = None) -> Explanation:
        """Explain why the reply to a call includes each record or not (WY-1).

            print(cloud.explain())

        Args:
            call: A call of this cloud that selects data by a filter or by ids; None is the latest.
            file_id: Only this record: its binary data id, its file id or a reading's id.

        Raises:
            UsageError: Calls of this RPC select no data, or none has done so yet.
        """
        if call is not None and not isinstance(call, RecordedCall):
            raise UsageError(f"call must be a call of cloud.calls, got {short(call)}")
        if file_id is not None and not isinstance(file_id, str):
            raise UsageError(f"file_id must be text, got {short(file_id)}")
        from fakeviam.server.services import explain  # noqa: PLC0415 - few tests ask why

        record = explain.last_selecting(self.calls) if call is None else call
        return self._host.atomically(lambda: explain.explain_call(self._cloud, record, file_id))

    @property
    def files(self) -> View[StoredFile]:
        """The files that are stored, bytes included."""
        from fakeviam import views  # noqa: PLC0415 - few tests look into the store

        return views.file_view(self._look, self.fleet)

    @property
    def readings(self) -> View[StoredReading]:
        """The readings that are stored."""
        from fakeviam import views  # noqa: PLC0415 - as above

        return views.reading_view(self._look, self.fleet)

    @property
    def datasets(self) -> View[StoredDataset]:
        """The datasets, with the files in them."""
        from fakeviam import views  # noqa: PLC0415 - as above

        return views.dataset_view(self._look, self.fleet)

    def _look(self) -> Store:
        """An immutable copy of the current store."""

        def look() -> Store:
            catch_up(self._cloud)
            return self._cloud.store.view()

        self._host.do_what_is_due(self._cloud)
        return self._host.atomically(look)

    @property
    def faults(self) -> Faults:
        """Planned faults (FT-1)."""
        return self._cloud.faults

    @property
    def replies(self) -> Replies:
        """Scripted replies (RP-1)."""
        return self._cloud.replies

    @property
    def clauses_used(self) -> tuple[Clause, ...]:
        """The clauses that replies have depended on so far."""
        return self._cloud.ledger.used()

    @property
    def assumptions_used(self) -> tuple[Clause, ...]:
        """Those of them that are neither documented nor relied on by a client."""
        return tuple(c for c in self.clauses_used if c.evidence is Evidence.ASSUMED)

    @property
    def crashes(self) -> tuple[Crash, ...]:
        """Unexpected exceptions in handlers: bugs in the fake (SV-4)."""
        return tuple(self._cloud.crashes)

    def check(self) -> None:
        """Raise if a handler crashed, a planned fault never fired or a strict fake objects.

        The pytest fixtures do this after each test.

        Raises:
            HandlerCrashError: A handler crashed.
            UnfiredFaultError: A planned fault never fired; the message names it and the reason.
            StrictError: Calls used something that a strict fake does not support; the message
                lists them with a remedy (ST-3).
        """
        if self._cloud.crashes:
            text = "; ".join(f"{crash.rpc}: {crash.error!r}" for crash in self._cloud.crashes)
            message = f"fakeviam has a bug; please report it with this message: {text}"
            raise HandlerCrashError(message) from self._cloud.crashes[0].error
        unfired = explain_unfired(self._cloud.faults, self._cloud.journal)
        if unfired:
            raise UnfiredFaultError(unfired)
        objections = self._cloud.strict.objections
        if objections:
            raise StrictError(report(objections))

    @property
    def api_keys(self) -> tuple[ApiKey, ...]:
        """All API keys, the default account's first."""
        return self._cloud.accounts.keys

    def add_api_key(
        self,
        *,
        organizations: Named = (),
        locations: Named = (),
        machines: Named = (),
        role: Role = "owner",
        expires: datetime | str | None = None,
        expires_in: timedelta | None = None,
    ) -> ApiKey:
        """Create an API key for organizations, locations or machines (auth="keys").

        It gives access to the data there, and to the datasets of the organizations (AC-8).

        Args:
            organizations: Their ids, or one of them.
            locations: Ids of locations, or one.
            machines: Parts, or ids of machines or of their parts, or one.
            role: An `owner` may do everything, an `operator` may read data (AC-1).
            expires: When it expires by the fake's clock (AC-4); may be in the past.
            expires_in: How long it is valid from now.

        Raises:
            UsageError: None or several of the three are given, one of them does not exist, or
                another argument is invalid.
        """
        reach = reach_of(
            self.fleet, organizations=organizations, locations=locations, machines=machines
        )
        end = expiry(expires, expires_in, now=self.clock.now())
        accounts, rights = self._cloud.accounts, role_of(role)
        return self._host.atomically(
            lambda: accounts.add_key(**reach._asdict(), role=rights, expires=end)
        )

    def revoke_api_key(self, key: str | ApiKey) -> None:
        """Revoke an API key and all its access tokens (AC-4).

        Args:
            key: The key, or its id.

        Raises:
            UsageError: There is no such key.
        """
        if not isinstance(key, str | ApiKey):
            raise UsageError(f"key must be an ApiKey or its id, got {short(key)}")
        key_id = key if isinstance(key, str) else key.id
        self._host.atomically(lambda: self._cloud.accounts.revoke(key_id))

    def dial_options(self) -> Any:
        """DialOptions of the installed viam-sdk for the default account.

        Raises:
            UsageError: viam-sdk is not installed.
        """
        try:
            from viam.rpc.dial import DialOptions  # noqa: PLC0415 - optional, and slow to import
        except ImportError as error:
            message = "dial_options() requires the official SDK: pip install viam-sdk"
            raise UsageError(message) from error
        options = DialOptions.with_api_key(self.api_key, self.api_key_id)
        options.insecure = not self._host.has_tls
        return options

    def env(self) -> dict[str, str]:
        """The environment variables that point another program to this cloud.

        Start it with `env={**os.environ, **cloud.env()}`. `fakeviam env` prints the same.

        Raises:
            UsageError: The fake is not running.
        """
        return self._host.environment(self, self._cloud.name)

    def database_uri(
        self,
        organization_id: str | None = None,
        *,
        password: str = "fakeviam",  # noqa: S107 - of a double
    ) -> str:
        """Create an organization's database user, or reset its password, and give the URI (DB-7).

            MongoClient(cloud.database_uri()).sensorData.readings.find_one()

        Args:
            organization_id: Whose readings; by default those of the default part's organization.
            password: The user's password.

        Raises:
            UsageError: There is no such organization, or the fake is not running.
        """
        return self._host.database_uri(self._cloud, organization_id, password)

    def pause(self) -> None:
        """Stop here until Enter is pressed; meanwhile the page shows the cloud as it is (PA-5).

        Raises:
            UsageError: The fake is not running, has no port or no control API, or runs in the
                event loop of this thread, which would block it; or stdin is not a terminal.
        """
        self._host.pause(self._cloud.name)

    # State -------------------------------------------------------------------------------

    def reset(self) -> ResetSummary:
        """Delete all data, datasets, database users, calls, faults and scripted replies (SN-3).

        The fleet, API keys, tokens, the clock and open sessions stay. Takes constant time. A call
        in progress finishes on the old data.

        Returns:
            The number of things deleted, by kind.
        """
        return self._host.atomically(lambda: reset(self._cloud, self._host.empty_store))

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Take a snapshot of the state: data, fleet, API keys, clock, ids (SN-1).

        It is copy-on-write and costs next to nothing. As a context manager, it is restored at the
        end.

        Args:
            name: A name to restore it by, here and with `fakeviam snapshot restore`.

        Raises:
            UsageError: The name is taken, or the store cannot be forked.
        """
        if name is not None:
            self._shelf.check_free(name)
        state = self._host.atomically(lambda: take_snapshot(self._cloud))
        result = Snapshot(self._shelf, state, name=name or "", taken=self.clock.moment())
        return result if name is None else result.keep()

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The snapshots that have a name or were taken over HTTP, oldest first."""
        return tuple(self._shelf.kept.values())

    def restore(self, snapshot: Snapshot | str) -> None:
        """Restore a snapshot, as often as you like (SN-1, SN-2).

        The journal, faults, scripted replies and access tokens stay as they are.

        Args:
            snapshot: A snapshot, or its name or id.

        Raises:
            UsageError: There is no such snapshot of this cloud.
        """
        if isinstance(snapshot, str):
            snapshot = self._shelf.find(snapshot)
        if not isinstance(snapshot, Snapshot):
            raise UsageError(f"snapshot must be a snapshot or its name, got {short(snapshot)}")
        snapshot.restore()

    def load(self, source: object, **options: object) -> AppliedSeed | None:
        """Fill the cloud from a file or folder, whose format is detected, or from a dict.

            print(cloud.load("coco/val.json", dataset="dogs", clip=True))
            cloud.load({"version": 1, "datasets": [{"name": "dogs"}]})

        A seed file (YAML or JSON), a COCO file or a folder of them, a `dataset.jsonl`, a folder
        exported by the `viam` command line, and CSV add to the state; an archive replaces it.

        Args:
            source: The path of a file or folder, a dict in the form of a seed file, or a Seed.
            options: What the file does not specify, as fields of `ReadOptions`: images, dataset,
                part, clip, delimiter, time_format, time_unit.

        Returns:
            The new ids, by name, and what was left out and why; None for an archive.

        Raises:
            UsageError: The contents are invalid, or an option does not apply; the message says
                where, and nothing was changed.
        """
        read_options = ReadOptions.of(options)
        return self._host.atomically(
            lambda: self._host.load_into(self._cloud, source, read_options)
        )

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write an archive of the state: a folder that diffs well (AR-1, AR-3).

        Raises:
            UsageError: Something else is at `path`, or it cannot be written.
        """
        check_path("path", path)
        contents = self._host.atomically(lambda: contents_of(self._cloud))
        archive.write(path, contents)
