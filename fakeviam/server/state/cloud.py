"""Everything that one isolated cloud consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.server.instruments.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.clock import Clock
    from fakeviam.model.fleet import Fleet
    from fakeviam.model.ids import Ids
    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.evidence_ledger import EvidenceLedger
    from fakeviam.server.instruments.faults.plan import Faults
    from fakeviam.server.instruments.interceptors import Interceptor
    from fakeviam.server.instruments.journal.journal import Journal
    from fakeviam.server.instruments.replies import Replies
    from fakeviam.server.instruments.strict import StrictMode
    from fakeviam.server.state.accounts import Accounts
    from fakeviam.store.base import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Crash:
    """An unexpected exception in a handler: a bug of the fake (SV-4)."""

    rpc: str
    error: BaseException


@dataclass(kw_only=True, slots=True)
class CloudState:
    """The state of one isolated cloud; two of them share nothing.

    Attributes:
        name: Name of its session; empty for the one that a fake starts with.
        hiding: Some uploads are hidden until a later time.
    """

    store: Store
    fleet: Fleet
    policy: Policy
    clock: Clock
    ids: Ids
    accounts: Accounts
    ledger: EvidenceLedger
    journal: Journal
    faults: Faults
    replies: Replies
    strict: StrictMode
    name: str = ""
    timers: Timers = field(init=False)
    crashes: list[Crash] = field(default_factory=list)
    interceptors: tuple[Interceptor, ...] = ()
    hiding: bool = False
    _by_policy: dict[Callable[[Policy], Any], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.timers = Timers(self.clock)

    def apply(self, policy: Policy) -> None:
        """Decide disputed points like this from now on."""
        self.policy = policy
        self._by_policy.clear()

    def for_policy(self, make: Callable[[Policy], T]) -> T:
        """What `make` makes of the policy; made once, and kept until the policy changes."""
        made: T | None = self._by_policy.get(make)
        if made is None:
            made = self._by_policy[make] = make(self.policy)
        return made
