"""Everything that one isolated cloud consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakeviam.server.instruments.timers import Timers

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Crash:
    """An unexpected exception in a handler: a bug of the fake (SV-4)."""

    rpc: str
    error: BaseException


class PolicyViews(dict[type, Any]):
    """What is made of a policy, such as the reader of filters: by its class, once, on first use."""

    def __init__(self, policy: Policy) -> None:
        """Make views of `policy`."""
        super().__init__()
        self._policy = policy

    def __missing__(self, view: type) -> Any:
        made = self[view] = view(self._policy)
        return made


@dataclass(kw_only=True, slots=True)
class CloudState:
    """The state of one isolated cloud; two of them share nothing.

    Attributes:
        name: Name of its session; empty for the one that a fake starts with.
        by_policy: What its services made of the policy.
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
    by_policy: PolicyViews = field(init=False)

    def __post_init__(self) -> None:
        self.timers = Timers(self.clock)
        self.by_policy = PolicyViews(self.policy)

    def apply(self, policy: Policy) -> None:
        """Decide disputed points like this from now on."""
        self.policy = policy
        self.by_policy = PolicyViews(policy)
