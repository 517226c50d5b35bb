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
    """A call, as its handler sees it.

    Attributes:
        record: The journal entry.
        store: The store, fixed at the start of the call, so that a reset does not split the call.
        cite: Records the clauses that the reply depends on, before anything is written. Raises
            InsufficientEvidenceError if their evidence is too weak for the test (SV-5).
        metadata: The request metadata, including secrets.
        address: The HTTP address for the caller, `http://host:port`; empty if there is none.
        hidden_for: Nanoseconds during which its uploads are not visible (FT-7).
        note: Remarks that the reply has no field for, such as unknown ids; sent as a trailer.
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
        """A call without client or journal, because seeds follow the rules of uploads too."""
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
        """The timers of that clock."""
        return self.cloud.timers

    def hide(self, duration: int) -> None:
        """Make uploads visible only after this many nanoseconds (FT-7)."""
        self.hidden_for = duration
        self.cloud.hiding = True

    def visible_until(self) -> int | None:
        """Records stored later than this are not visible (A55), ns; None is no limit."""
        if self.policy.visibility_lag:
            self.cite(["A55"])
        return self.cloud.visible_until(self.clock.now())

    def authenticate(self) -> None:
        """Identify the caller, and check its permission (AU-2, A51, AC-1).

        Raises:
            UnauthenticatedError: The access token is missing, unknown or has expired.
            PermissionDeniedError: Its role does not permit this RPC.
        """
        if self.cloud.accounts.mode == "keys":
            self.cite(["AU-4", "A51"])
        self.principal = self.cloud.accounts.principal(_authorization(self.metadata))
        self.record.scope = self.principal.scope
        if self.principal.scope is not None:
            self.cite(self.principal.check_right(self.record.rpc, self.policy))

    def move_to(self, cloud: CloudState) -> None:
        """Move to another cloud and its journal (SS-4)."""
        self.cloud.journal.transfer(self.record, cloud.journal)
        self.cloud.timers.calls -= 1
        cloud.timers.calls += 1
        self.cloud, self.store, self.policy = cloud, cloud.store, cloud.policy
        self.cite = cloud.ledger.collector(self.record.cited)

    def new_token(self) -> str:
        """Issue another access token for the caller."""
        return self.cloud.accounts.renew(_authorization(self.metadata))

    def expire_token(self) -> None:
        """Expire the access token of this call now.

        Raises:
            UnauthenticatedError: It has expired.
        """
        authorization = _authorization(self.metadata)
        if authorization is None:  # no token that other calls might share
            raise UnauthenticatedError("the call has no access token", clause="AU-4")
        self.cloud.accounts.expire(authorization)
        self.authenticate()


def _authorization(metadata: Metadata | None) -> str | None:
    header = metadata.get("authorization") if metadata else None
    return None if header is None else str(header)
