"""Applies a fault to one call."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from fakeviam.model.clock import SECOND
from fakeviam.model.errors import InvalidArgumentError, UsageError
from fakeviam.server.instruments.faults.fault import Fault
from fakeviam.server.instruments.faults.values import FaultKind
from fakeviam.validation.json_text import parse_json
from fakeviam.wire.encoded import Encoded, Streamed, padded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.model.clock import Clock
    from fakeviam.server.instruments.faults.plan import PlannedFault
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.instruments.timers import Timers

    #: The replies of a call.
    Replies = Sequence[Message | Encoded] | Streamed

#: Metadata key of a fault for the same call, as JSON or as a status name (FT-9).
METADATA_KEY = "fakeviam-fault"

#: Fields that select calls, and are meaningless for a fault in metadata.
_CHOOSING = ("calls", "optional", "probability", "rpc", "times", "where")


class FaultTriggered(Exception):  # noqa: N818 - control flow rather than an error
    """Ends a call according to its fault, with or without a status."""

    def __init__(self, fault: Fault, *, status: str = "", text: str = "") -> None:
        """Create the exception.

        Args:
            fault: The fault.
            status: The status to return, unless the fault has one; empty for none.
            text: The status message.
        """
        self.fault = fault
        self.status = status or fault.status
        self.text = text or fault.text or f"a planned fault: {fault}"
        super().__init__(str(fault))

    @property
    def journal_text(self) -> str:
        """The text for the journal: the status message, or the fault if no status is sent."""
        return self.text if self.status else str(self.fault)


class FaultTarget(Protocol):
    """A call, as faults need it."""

    record: RecordedCall

    @property
    def clock(self) -> Clock:
        """The clock of the call's cloud."""
        ...

    @property
    def timers(self) -> Timers:
        """The timers of that clock."""
        ...

    def expire_token(self) -> None:
        """Expire the call's access token now."""

    def hide(self, duration: int) -> None:
        """Make what the call stores visible only after this many nanoseconds."""


class FaultInjector:
    """The fault of one call; it is notified of the call's progress, and fires when it is due."""

    def __init__(
        self, call: FaultTarget, fault: Fault, planned: PlannedFault | None = None
    ) -> None:
        """Prepare to apply `fault` to `call`; the outcome is reported to `planned`."""
        self.fault = fault
        self._call = call
        self._planned = planned
        self._done = False

    @property
    def reply_byte(self) -> int | None:
        """The byte of the reply after which it fires, if it depends on bytes."""
        after = self.fault.when == "after-commit" and not self._done
        return self.fault.after_bytes if after else None

    @property
    def reply_number(self) -> int | None:
        """The streamed reply after which it fires, if it depends on replies."""
        after = self.fault.when == "after-commit" and not self._done
        return self.fault.after_messages if after else None

    async def received(self, messages: int, size: int) -> None:
        """Called after `messages` request messages with `size` bytes in total."""
        fault = self.fault
        if self._done or fault.when != "before-commit":
            return
        if fault.after_messages is not None:
            due = messages >= fault.after_messages
        elif fault.after_bytes is not None:
            due = size >= fault.after_bytes
        else:
            return
        if due:
            await self.fire()

    async def before_commit(self) -> None:
        """Called when the request is complete, and nothing has been done yet."""
        fault = self.fault
        at_a_point = fault.after_messages is not None or fault.after_bytes is not None
        early = fault.when == "before-commit" and fault.effect is not FaultKind.OVERSIZE_REPLY
        if not self._done and early and not at_a_point:
            await self.fire()

    async def after_commit(self, replies: Replies) -> Replies:
        """Called when everything is done but no reply was sent; returns the replies to send."""
        if self.fault.effect is FaultKind.OVERSIZE_REPLY:
            await self.fire()
            if isinstance(replies, Streamed):
                return Streamed(
                    reply and padded(reply, self.fault.size) for reply in replies.replies
                )
            return [padded(reply, self.fault.size) for reply in replies]
        at_a_point = self.reply_byte is not None or self.reply_number is not None
        if not self._done and self.fault.when == "after-commit" and not at_a_point:
            await self.fire()
        return replies

    async def fire(self) -> None:
        """Apply the fault."""
        self._done = True
        self._call.record.fault = self.fault
        if self._planned is not None:
            self._planned.happened(self._call.record.number)
        if self.fault.delay:
            await self._wait(self.fault.delay)
        if self.fault.effect is not None:
            await _DOING[self.fault.effect](self)

    def end(self) -> None:
        """Called when the call has ended."""
        if not self._done and self._planned is not None:
            self._planned.expired()
        self._done = True

    async def _wait(self, seconds: float | None) -> None:
        """Wait by the fake's clock; an earlier deadline ends the call. None waits for ever."""
        call, timers = self._call, self._call.timers
        if self.fault.real_time and seconds is not None:
            await timers.real_sleep(seconds)
            return
        until = None if seconds is None else call.clock.now() + round(seconds * SECOND)
        deadline = None if self.fault.real_time else call.record.deadline_by_clock
        if deadline is not None and (until is None or deadline < until):
            await timers.sleep_until(deadline)
            text = f"the deadline of {call.record.deadline:g} s came first: {self.fault}"
            raise FaultTriggered(self.fault, status="DEADLINE_EXCEEDED", text=text)
        await (timers.for_ever() if until is None else timers.sleep_until(until))

    async def _interrupt(self) -> None:
        raise FaultTriggered(self.fault)

    async def _stall(self) -> None:
        await self._wait(self.fault.seconds)

    async def _expire_token(self) -> None:
        self._call.expire_token()

    async def _hide(self) -> None:
        self._call.hide(int((self.fault.seconds or 0) * SECOND))

    async def _nothing(self) -> None:
        return


_DOING: Mapping[FaultKind, Callable[[FaultInjector], Awaitable[None]]] = MappingProxyType(
    {
        FaultKind.STATUS: FaultInjector._interrupt,  # noqa: SLF001 - this module's own
        FaultKind.STALL: FaultInjector._stall,  # noqa: SLF001
        FaultKind.RESET_STREAM: FaultInjector._interrupt,  # noqa: SLF001
        FaultKind.GOAWAY: FaultInjector._interrupt,  # noqa: SLF001
        FaultKind.RESET_CONNECTION: FaultInjector._interrupt,  # noqa: SLF001
        FaultKind.OVERSIZE_REPLY: FaultInjector._nothing,  # noqa: SLF001 - the reply is made larger
        FaultKind.EXPIRE_TOKEN: FaultInjector._expire_token,  # noqa: SLF001
        FaultKind.HIDE: FaultInjector._hide,  # noqa: SLF001
        FaultKind.DELAY: FaultInjector._nothing,  # noqa: SLF001 - the delay was all
    }
)


def fault_in(metadata: Mapping[str, object]) -> Fault:
    """The fault in the metadata of a call (FT-9).

    Raises:
        InvalidArgumentError: It is invalid.
    """
    try:
        return _own_fault(str(metadata[METADATA_KEY]))
    except (ValueError, RecursionError, UsageError) as error:
        what = f"metadata {METADATA_KEY} is not a valid fault: {error}"
        raise InvalidArgumentError(what, clause="FT-9") from error


def _own_fault(text: str) -> Fault:
    document = parse_json(text) if text.lstrip().startswith("{") else text
    for key in _CHOOSING if isinstance(document, dict) else ():
        if key in document:
            raise UsageError(f"it applies to the call that carries it; remove {key!r}")
    return Fault.from_json(document)
