"""One fake's state, and one RPC in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakeviam.server.accounts import ANYONE, Principal
from fakeviam.server.encoding import MetadataEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.model.clock import Clock
    from fakeviam.model.fleet import Fleet
    from fakeviam.model.ids import Ids
    from fakeviam.model.policy import Policy
    from fakeviam.server.accounts import Accounts
    from fakeviam.server.interceptors import Interceptor
    from fakeviam.server.ledger import Ledger
    from fakeviam.store.protocol import Store

    #: RPC name → handler. Each takes the call and its request, and answers a message.
    Handlers = Mapping[str, Callable[..., Any]]


@dataclass(kw_only=True, slots=True)
class Cloud:
    """Everything that one fake consists of; two fakes share nothing."""

    store: Store
    fleet: Fleet
    policy: Policy
    clock: Clock
    ids: Ids
    accounts: Accounts
    ledger: Ledger
    encoder: MetadataEncoder = field(init=False)
    crashes: list[Crash] = field(default_factory=list)
    interceptors: tuple[Interceptor, ...] = ()

    def __post_init__(self) -> None:
        self.encoder = MetadataEncoder(show_labels=self.policy.dataset_label == "shown")


@dataclass(frozen=True, slots=True)
class Crash:
    """An unexpected exception in a handler: a bug of the fake (SV-4)."""

    rpc: str
    error: BaseException


@dataclass(kw_only=True, slots=True)
class Call:
    """What a handler knows of the call it answers."""

    cloud: Cloud
    rpc: str
    principal: Principal = ANYONE
    #: Where the data is. Taken when the call begins, so that a reset does not split a call.
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.cloud.store

    @property
    def policy(self) -> Policy:
        """How disputed points are decided."""
        return self.cloud.policy

    def cite(self, *clauses: str) -> None:
        """Note what the answer rests on, before anything is written."""
        self.cloud.ledger.cite(*clauses)
