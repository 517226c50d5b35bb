"""One RPC in progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.model.errors import UnauthenticatedError
from fakeviam.server.instruments.journal.record import RecordedCall
from fakeviam.server.state.accounts import ANYONE, Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.clock import Clock
    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.journal.redaction import Metadata
    from fakeviam.server.instruments.timers import Timers
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store
    from fakeviam.wire import Method


@dataclass(kw_only=True, slots=True)
class Call:
    """What a handler knows of the call it answers.

    Attributes:
        record: Its entry in the journal.
        store: Where the data is. Taken when the call begins, so that a reset does not split it.
        cite: Records the clauses that the answer rests on, before anything is written. Raises
            InsufficientEvidenceError for less than the test accepts (SV-5).
        metadata: What came with it, with its secrets.
        address: Where the caller reaches it over HTTP, `http://host:port`; empty if nowhere.
        hidden_for: Nanoseconds for which what it stores is not visible (FT-7).
        note: What the reply cannot tell, such as that no id matched; goes into its trailers.
    """

    cloud: CloudState
    record: RecordedCall
    store: Store
    policy: Policy
    cite: Callable[[Iterable[str]], None]
    metadata: Metadata | None = None
    principal: Principal = ANYONE
    address: str = ""
    hidden_for: int = 0
    note: str = ""

    @classmethod
    def detached(cls, cloud: CloudState, method: Method) -> Call:
        """A call that no client made and no journal holds: seeds obey the rules of uploads too."""
        record = RecordedCall(number=0, method=method, arrived=cloud.clock.now(), started=0)
        return cls(
            cloud=cloud,
            record=record,
            store=cloud.store,
            policy=cloud.policy,
            cite=cloud.ledger.collector(record.cited),
        )

    @property
    def clock(self) -> Clock:
        """The clock of its cloud."""
        return self.cloud.clock

    @property
    def timers(self) -> Timers:
        """Who waits by that clock."""
        return self.cloud.timers

    def hide(self, duration: int) -> None:
        """Let what the call stores be visible only after so many nanoseconds (FT-7)."""
        self.hidden_for = duration
        self.cloud.hiding = True

    def visible_until(self) -> int | None:
        """Records stored later than this are not visible yet (A55), ns; None is no limit."""
        if self.policy.visibility_lag:
            self.cite(["A55"])
        return self.cloud.visible_until(self.clock.now())

    def authenticate(self) -> None:
        """Find out who calls, and whether it may (AU-2, A51, AC-1).

        Raises:
            UnauthenticatedError: The access token is missing, unknown or has expired.
            PermissionDeniedError: Its role gives no right to this call.
        """
        if self.cloud.accounts.mode == "keys":
            self.cite(["AU-4", "A51"])
        self.principal = self.cloud.accounts.principal(_authorization(self.metadata))
        self.record.scope = self.principal.scope
        if self.principal.scope is not None:
            self.cite(self.principal.check_right(self.record.rpc, self.policy))

    def move_to(self, cloud: CloudState) -> None:
        """Become a call of another cloud, in whose journal it stands from now on (SS-4)."""
        self.cloud.journal.transfer(self.record, cloud.journal)
        self.cloud.timers.calls -= 1
        cloud.timers.calls += 1
        self.cloud, self.store, self.policy = cloud, cloud.store, cloud.policy
        self.cite = cloud.ledger.collector(self.record.cited)

    def new_token(self) -> str:
        """Another access token of the caller."""
        return self.cloud.accounts.renew(_authorization(self.metadata))

    def expire_token(self) -> None:
        """Let the access token of this call expire now.

        Raises:
            UnauthenticatedError: It has expired.
        """
        authorization = _authorization(self.metadata)
        if authorization is None:  # then there is no token that others would share
            raise UnauthenticatedError("the call has no access token", clause="AU-4")
        self.cloud.accounts.expire(authorization)
        self.authenticate()


def _authorization(metadata: Metadata | None) -> str | None:
    header = metadata.get("authorization") if metadata else None
    return None if header is None else str(header)
