"""The state of one isolated cloud."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from fakeviam.model.checks import check_choice, check_type, check_whole_number
from fakeviam.model.clock import SECOND
from fakeviam.model.errors import UsageError
from fakeviam.model.evidence import Evidence
from fakeviam.model.text import short
from fakeviam.server.instruments.evidence_ledger import EvidenceLedger
from fakeviam.server.instruments.faults.plan import Faults
from fakeviam.server.instruments.journal.journal import Journal
from fakeviam.server.instruments.replies import Replies
from fakeviam.server.instruments.strict import StrictMode
from fakeviam.server.instruments.timers import Timers
from fakeviam.server.state.accounts import AuthMode

if TYPE_CHECKING:
    from asyncio import Task, TimerHandle
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from fakeviam.datadir import DataDir
    from fakeviam.model.clock import Clock
    from fakeviam.model.fleet import Fleet
    from fakeviam.model.ids import Ids
    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.interceptors import Interceptor
    from fakeviam.server.state.accounts import Accounts
    from fakeviam.store.base import Store

IdKind = Literal["real", "readable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudOptions:
    """The fixed options of a cloud, which its sessions share.

    `FakeViam` documents each of them.

    Attributes:
        stopwatch: Returns real time in ns, to measure how long calls take.
    """

    auth: AuthMode
    token_lifetime: timedelta | None
    ids: IdKind
    min_evidence: Evidence
    strict: bool
    journal_bytes: int
    interceptors: tuple[Interceptor, ...]
    stopwatch: Callable[[], int]

    def __post_init__(self) -> None:
        check_choice("auth", self.auth, get_args(AuthMode))
        check_choice("ids", self.ids, get_args(IdKind))
        check_type("strict", self.strict, bool)
        check_whole_number("journal_bytes", self.journal_bytes, minimum=0)
        lifetime: object = self.token_lifetime
        if lifetime is not None and not (
            isinstance(lifetime, timedelta) and lifetime > timedelta(0)
        ):
            raise UsageError(f"token_lifetime must be a timedelta above 0, got {short(lifetime)}")


@dataclass(frozen=True, slots=True)
class Crash:
    """An unexpected exception in a handler: a bug of the fake (SV-4)."""

    rpc: str
    error: BaseException


class PolicyViews(dict[type, Any]):
    """Objects derived from a policy, such as the filter reader: one per class, created lazily."""

    def __init__(self, policy: Policy) -> None:
        """Derive objects from `policy`."""
        super().__init__()
        self._policy = policy

    def __missing__(self, view: type) -> object:
        value = self[view] = view(self._policy)
        return value


class _Referable:
    """Allows weak references; Python 3.10 has no `weakref_slot` for dataclasses."""

    __slots__ = ("__weakref__",)


@dataclass(kw_only=True, slots=True)
class CloudState(_Referable):
    """The state of one isolated cloud, which shares nothing mutable with others.

    Attributes:
        name: The name of its session; empty for the fake's own cloud.
        by_policy: Objects that services have derived from the policy.
        hiding: Whether some uploads are hidden until a later time.
        retention_day: The UTC day of the last deletion by retention policies (RE-1).
        directory: Persists every write before it is applied; None if there is none.
        due: When the next job is due, in ns; 0 if that is unknown, None if there is none.
        alarm: The timer that wakes the server then, if the clock runs.
        catching_up: Set when everything due is done; None if nothing is in progress.
        runs_seen: When a run of another server on the database was first seen here.
    """

    store: Store
    fleet: Fleet
    policy: Policy
    clock: Clock
    ids: Ids
    accounts: Accounts
    options: CloudOptions
    name: str = ""
    hiding: bool = False
    retention_day: int | None = None
    due: int | None = 0
    ledger: EvidenceLedger = field(init=False)
    journal: Journal = field(init=False)
    faults: Faults = field(init=False)
    replies: Replies = field(init=False)
    strict: StrictMode = field(init=False)
    timers: Timers = field(init=False)
    crashes: list[Crash] = field(init=False, default_factory=list)
    by_policy: PolicyViews = field(init=False)
    directory: DataDir | None = field(init=False, default=None)
    alarm: TimerHandle | None = field(init=False, default=None)
    catching_up: Task[None] | None = field(init=False, default=None)
    runs_seen: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        options = self.options
        self.ledger = EvidenceLedger(options.min_evidence)
        self.journal = Journal(
            clock=self.clock, stopwatch=options.stopwatch, budget=options.journal_bytes
        )
        self.faults = Faults(fraction=self.ids.fraction, fleet=self.fleet)
        self.replies = Replies(fleet=self.fleet)
        self.strict = StrictMode(enabled=options.strict)
        self.timers = Timers(self.clock)
        self.by_policy = PolicyViews(self.policy)

    def detached(self, **parts: Any) -> CloudState:
        """A cloud with the same components, or with `parts`, that accepts all evidence.

        Its calls are not replies to anyone, so they leave no trace in the journal and ledger.
        """
        options = replace(self.options, min_evidence=Evidence.ASSUMED)
        return replace(self, options=options, **parts)

    def as_one_step(self) -> AbstractContextManager[None]:
        """Persist all writes in a block, or none (DD-4); none may depend on another."""
        return nullcontext() if self.directory is None else self.directory.transaction()

    def rest(self) -> None:
        """Stop all work that is done by the clock."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if self.catching_up is not None:
            self.catching_up.cancel()

    def visible_until(self, at: int) -> int | None:
        """Records stored later than this are not visible at that time (A55), ns; None: no limit."""
        lag = self.policy.visibility_lag
        if not (lag or self.hiding):  # uploads are hidden by a fault (FT-7)
            return None
        return at - int(lag.total_seconds() * SECOND)

    def apply(self, policy: Policy) -> None:
        """Use another policy from now on."""
        self.policy = policy
        self.by_policy = PolicyViews(policy)
