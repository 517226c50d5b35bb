"""The record of one call in the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.clock import SECOND, moment_of
from fakeviam.model.errors import UsageError
from fakeviam.model.evidence import Evidence
from fakeviam.model.offered import offers
from fakeviam.server.instruments.journal.redaction import (
    redacted,
    redacted_leaves,
    redacted_metadata,
)
from fakeviam.server.instruments.message_json import message_json
from fakeviam.server.instruments.request_fields import (
    deprecated_fields,
    unknown_fields,
    unread_fields,
)
from fakeviam.wire.encoded import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from google.protobuf.message import Message

    from fakeviam.model.evidence import Clause
    from fakeviam.model.filters import DataScope
    from fakeviam.model.matching import Leaf
    from fakeviam.server.instruments.faults.fault import Fault
    from fakeviam.server.instruments.journal.redaction import Metadata
    from fakeviam.wire import Method
    from fakeviam.wire.encoded import Encoded

#: Messages of one call are kept up to this size; the others are only counted.
KEPT_BYTES = 64 * 1024

# The overhead of a record without its messages, measured with tracemalloc and rounded up.
_OVERHEAD = 2048


@dataclass(slots=True)
class KeptMessages:
    """The messages that the journal has kept of a call.

    Attributes:
        first: The first request message.
        requests: Request messages, in order.
        replies: Replies, in order.
        size: Their size in bytes.
    """

    first: Message | None = None
    requests: list[Message] = field(default_factory=list)
    replies: list[Message | Encoded] = field(default_factory=list)
    size: int = 0


@offers(
    "assumptions",
    "bytes_received",
    "bytes_sent",
    "clauses",
    "deadline",
    "deadline_by_clock",
    "deprecated_fields",
    "duration",
    "fault",
    "in_progress",
    "messages_received",
    "messages_sent",
    "metadata",
    "number",
    "peer",
    "plan",
    "replies",
    "reply",
    "request",
    "requests",
    "rpc",
    "scripted",
    "service",
    "status",
    "text",
    "time",
    "time_ended",
    "to_json",
    "unknown_fields",
    "unread_fields",
)
@dataclass(kw_only=True, slots=True, eq=False)
class RecordedCall:
    """One call: the request, the reply, and the clauses behind it (JR-1).

    Attributes:
        number: Its number in this cloud, from 1.
        method: The RPC, with its path and message classes.
        arrived: When it arrived by the fake's clock, ns since the epoch.
        started: The same by the stopwatch; only differences are meaningful.
        peer: Address of the client; empty on a Unix socket.
        deadline: The client's timeout in seconds when the call arrived; None for no deadline.
        status: Name of the gRPC status that was sent, None while the call is in progress;
            CANCELLED if the client went away or the stream was cut.
        text: The status message.
        messages_received: Number of request messages.
        bytes_received: Their bytes.
        messages_sent: Number of reply messages.
        bytes_sent: Their bytes.
        fault: The fault that hit it, if any.
        scripted: Whether a scripted reply answered it.
        sent_metadata: The request's metadata, with its secrets.
        plan: Which part of a query the store executed, and the remaining stages; empty if none.
        scope: What the caller may see; None is everything.
        dropped: Whether the journal dropped it because it was full.
        stopped: When it ended, by the stopwatch.
        ended_at: The same by the fake's clock.
        weight: Approximate size in memory, in bytes.
        cited: Ids of the clauses that the reply depends on.
    """

    number: int
    method: Method
    arrived: int
    started: int
    peer: str = ""
    sent_metadata: Metadata | None = None
    deadline: float | None = None
    status: str | None = None
    text: str = ""
    messages_received: int = 0
    bytes_received: int = 0
    messages_sent: int = 0
    bytes_sent: int = 0
    fault: Fault | None = None
    scripted: bool = False
    plan: str = ""
    scope: DataScope | None = None
    dropped: bool = False
    stopped: int | None = None
    ended_at: int = 0
    weight: int = _OVERHEAD
    kept: KeptMessages = field(default_factory=KeptMessages)
    cited: set[str] = field(default_factory=set)

    @property
    def rpc(self) -> str:
        """Name of the RPC."""
        return self.method.name

    @property
    def service(self) -> str:
        """Full name of its service."""
        return self.method.service

    @property
    def deadline_by_clock(self) -> int | None:
        """The deadline by the fake's clock, ns since the epoch."""
        return None if self.deadline is None else self.arrived + round(self.deadline * SECOND)

    # For display -------------------------------------------------------------------------

    @property
    def time(self) -> datetime:
        """When it arrived, by the fake's clock; aware, UTC."""
        return moment_of(self.arrived)

    @property
    def time_ended(self) -> datetime | None:
        """When it ended, by the fake's clock; None while it is in progress."""
        return None if self.stopped is None else moment_of(self.ended_at)

    @property
    def duration(self) -> timedelta | None:
        """How long the fake took in real time; None while the call is in progress."""
        if self.stopped is None:
            return None
        return timedelta(microseconds=(self.stopped - self.started) / 1000)

    @property
    def span(self) -> tuple[int, int | None]:
        """Start and end by the stopwatch, in ns; only differences are meaningful."""
        return self.started, self.stopped

    @property
    def metadata(self) -> Mapping[str, str]:
        """The request's metadata, secrets redacted; the last of several equal keys."""
        return MappingProxyType(redacted_metadata(self.sent_metadata or {}))

    @property
    def request(self) -> Message | None:
        """The request; of an upload's stream the first message. Secrets are redacted.

        Large ones are truncated; see `bytes_received`. None if none was received.
        """
        return None if self.kept.first is None else redacted(self.kept.first)

    @property
    def requests(self) -> tuple[Message, ...]:
        """The request messages that were kept (64 KiB of each call)."""
        return tuple(map(redacted, self.kept.requests))

    @property
    def leaves(self) -> list[Leaf]:
        """The fields that the request sets, by dotted path."""
        return [] if self.kept.first is None else redacted_leaves(self.kept.first)

    @property
    def unknown_fields(self) -> tuple[str, ...]:
        """Fields missing from our protos, by path and number: `filter.#17` (ST-4)."""
        return self._each(unknown_fields)

    @property
    def unread_fields(self) -> tuple[str, ...]:
        """Set fields that no handler reads (ST-4)."""
        return self._each(lambda message: unread_fields(self.rpc, message))

    @property
    def deprecated_fields(self) -> tuple[str, ...]:
        """Set fields that Viam's protos mark as deprecated (ST-4)."""
        return self._each(deprecated_fields)

    def _each(self, fields: Callable[[Message], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(path for message in self.kept.requests for path in fields(message))
        )

    @property
    def reply(self) -> Message | None:
        """The reply, secrets redacted; None if the call was refused or is in progress.

        Raises:
            UsageError: It was too large to be kept.
        """
        replies = self.replies
        return replies[0] if replies else None

    @property
    def replies(self) -> tuple[Message, ...]:
        """All replies; more than one only where the RPC streams them.

        Raises:
            UsageError: They were too large to be kept.
        """
        if self.messages_sent > len(self.kept.replies):
            raise UsageError(
                f"the reply of {self} was not kept: it has {self.bytes_sent} bytes, and the "
                f"journal keeps {KEPT_BYTES} of each call"
            )
        kind = self.method.response
        return tuple(redacted(decoded(reply, kind)) for reply in self.kept.replies)

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """The clauses that the reply depends on, in the order of the catalogue."""
        return tuple(clause for name, clause in CATALOGUE.items() if name in self.cited)

    @property
    def assumptions(self) -> tuple[Clause, ...]:
        """Those of them that are neither documented nor relied on by a client."""
        return tuple(c for c in self.clauses if c.evidence is Evidence.ASSUMED)

    @property
    def in_progress(self) -> bool:
        """Whether the call has not ended yet."""
        return self.status is None

    def __str__(self) -> str:
        return f"call {self.number} ({self.rpc})"

    def __repr__(self) -> str:
        state = "in progress" if self.status is None else self.status
        return f"<{self.rpc} #{self.number} {state}>"

    def to_json(self) -> dict[str, Any]:
        """The record as JSON-able values; snake_case names, times in ISO 8601, seconds."""
        duration = self.duration
        return {
            "number": self.number,
            "rpc": self.rpc,
            "service": self.service,
            "time": self.time.isoformat(),
            "peer": self.peer,
            "metadata": dict(self.metadata),
            "requests": [message_json(message) for message in self.requests],
            "replies": [
                message_json(redacted(decoded(reply, self.method.response)))
                for reply in self.kept.replies
            ],
            "messages_received": self.messages_received,
            "bytes_received": self.bytes_received,
            "bytes_sent": self.bytes_sent,
            "status": self.status,
            "text": self.text,
            "duration": None if duration is None else duration.total_seconds(),
            "deadline": self.deadline,
            "clauses": [clause.id for clause in self.clauses],
            "assumptions": [clause.id for clause in self.assumptions],
            "fault": None if self.fault is None else self.fault.to_json(),
            "scripted": self.scripted,
            "plan": self.plan,
            "unknown_fields": list(self.unknown_fields),
            "unread_fields": list(self.unread_fields),
            "deprecated_fields": list(self.deprecated_fields),
        }
