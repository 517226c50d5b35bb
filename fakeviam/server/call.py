"""One cloud's state, and one RPC in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UnauthenticatedError
from fakeviam.server.accounts import ANYONE, Principal
from fakeviam.server.encoding import MetadataEncoder
from fakeviam.server.filters import FilterReader
from fakeviam.server.journal.record import RecordedCall
from fakeviam.server.roles import grounds
from fakeviam.server.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.model.clock import Clock
    from fakeviam.model.fleet import Fleet
    from fakeviam.model.ids import Ids
    from fakeviam.model.policy import Policy
    from fakeviam.server.accounts import Accounts
    from fakeviam.server.faults.plan import Faults
    from fakeviam.server.interceptors import Interceptor
    from fakeviam.server.journal.journal import Journal
    from fakeviam.server.ledger import Ledger
    from fakeviam.server.replies import Replies
    from fakeviam.server.sessions import Sessions
    from fakeviam.server.strict import Objection
    from fakeviam.store.protocol import Store
    from fakeviam.wire import Method

    #: RPC name → handler. Each takes the call and its request, and answers a message.
    Handlers = Mapping[str, Callable[..., Any]]


@dataclass(kw_only=True, slots=True)
class Cloud:
    """Everything that one isolated cloud consists of; two of them share nothing.

    Attributes:
        name: Name of its session; empty for the one that a fake starts with.
        strict: What asks the fake in vain is refused, and fails the test (ST-3).
        objections: What did so.
        hiding: Some uploads are hidden until a time to come.
    """

    store: Store
    fleet: Fleet
    policy: Policy
    clock: Clock
    ids: Ids
    accounts: Accounts
    ledger: Ledger
    journal: Journal
    faults: Faults
    replies: Replies
    name: str = ""
    strict: bool = False
    encoder: MetadataEncoder = field(init=False)
    filters: FilterReader = field(init=False)
    timers: Timers = field(init=False)
    crashes: list[Crash] = field(default_factory=list)
    objections: list[Objection] = field(default_factory=list)
    interceptors: tuple[Interceptor, ...] = ()
    hiding: bool = False

    def __post_init__(self) -> None:
        self.apply(self.policy)
        self.timers = Timers(self.clock)

    def apply(self, policy: Policy) -> None:
        """Decide disputed points like this from now on."""
        self.policy = policy
        self.filters = FilterReader(policy)
        self.encoder = MetadataEncoder(show_labels=policy.dataset_label == "shown")


@dataclass(frozen=True, slots=True)
class Crash:
    """An unexpected exception in a handler: a bug of the fake (SV-4)."""

    rpc: str
    error: BaseException


@dataclass(kw_only=True, slots=True)
class Call:
    """What a handler knows of the call it answers.

    Attributes:
        record: Its entry in the journal.
        metadata: What came with it, with its secrets.
        sessions: The clouds of the server it came to.
        hidden_for: Nanoseconds for which what it stores is not visible (FT-7).
    """

    cloud: Cloud
    rpc: str
    record: RecordedCall
    metadata: Any = None
    sessions: Sessions | None = None
    principal: Principal = ANYONE
    hidden_for: int = 0
    #: Where the data is. Taken when the call begins, so that a reset does not split a call.
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.cloud.store

    @classmethod
    def aside(cls, cloud: Cloud, method: Method) -> Call:
        """A call that nobody made and no journal holds: seeds obey the rules of uploads too."""
        record = RecordedCall(number=0, method=method, time=cloud.clock.now(), started=0)
        return cls(cloud=cloud, rpc=method.name, record=record)

    @property
    def policy(self) -> Policy:
        """How disputed points are decided."""
        return self.cloud.policy

    @property
    def sync_time(self) -> int:
        """When what the call stores counts as synced, ns (UP-9)."""
        if self.hidden_for:
            self.cloud.hiding = True
        return self.cloud.clock.now() + self.hidden_for

    def cite(self, *clauses: str) -> None:
        """Note what the answer rests on, before anything is written.

        Raises:
            InsufficientEvidenceError: It is less than the test accepts (SV-5).
        """
        self.record.cited.update(clauses)
        self.cloud.ledger.cite(*clauses)

    def authenticate(self, metadata: Any) -> None:
        """Find out who calls, and whether it may (AU-2, A51, AC-1).

        Raises:
            UnauthenticatedError: The access token is missing, unknown or has expired.
            PermissionDeniedError: Its role gives no right to this call.
        """
        if self.cloud.accounts.mode == "keys":
            self.cite("AU-4", "A51")
        self.principal = self.cloud.accounts.principal(_authorization(metadata))
        self.record.scope = self.principal.organization_ids
        if self.principal.role != "owner":
            self.cite(*grounds(self.rpc))
            self.principal.check_right(self.rpc)

    def log_in(self, request: Any) -> None:
        """Become a call of the session whose API key `request` brings, if it is one's (SS-4).

        Raises:
            FailedPreconditionError: The session was closed (SS-3).
        """
        if self.sessions is None:
            return
        cloud = self.sessions.cloud_of_key(request.entity, asked=self.cloud)
        if cloud is not self.cloud:
            self.cloud.journal.give(self.record, cloud.journal)
            self.cloud.timers.call_ended()
            cloud.timers.call_began()
            self.cloud, self.store = cloud, cloud.store

    def expire_token(self) -> None:
        """Let the access token of this call expire now.

        Raises:
            UnauthenticatedError: It has expired.
        """
        authorization = _authorization(self.metadata)
        if authorization is None:  # then there is no token that others would share
            raise UnauthenticatedError("the call brings no access token", clause="AU-4")
        self.cloud.accounts.expire(authorization)
        self.authenticate(self.metadata)


def _authorization(metadata: Any) -> str | None:
    header = metadata.get("authorization") if metadata else None
    return None if header is None else str(header)
