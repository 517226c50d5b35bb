"""Doing a planned fault to one call."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import SECOND
from fakeviam.model.errors import InvalidArgumentError, UsageError
from fakeviam.server.codec import encoded
from fakeviam.server.faults.fault import Effect, Fault
from fakeviam.server.interceptors import Cut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.server.call import Call
    from fakeviam.server.codec import Encoded

#: Request metadata with a fault for this very call, in its JSON form or a status name (FT-9).
METADATA_KEY = "fakeviam-fault"


class Interruption(Exception):  # noqa: N818 - an order, not an error
    """Ends a call as its fault says: with a status, or without a word."""

    def __init__(
        self, fault: Fault, *, status: str = "", text: str = "", reply: bytes = b""
    ) -> None:
        """End the call because of `fault`.

        Args:
            fault: The fault.
            status: The status to answer, unless the fault has its own.
            text: Its message.
            reply: The reply of which some bytes go out first.
        """
        self.fault = fault
        self.status = status or fault.status
        self.text = text or fault.text
        self.reply = reply
        super().__init__(str(fault))


class Injection:
    """The fault of one call: told what happens, it does its thing when the time has come."""

    def __init__(self, call: Call, fault: Fault) -> None:
        """Prepare to do `fault` to `call`."""
        self.fault = fault
        self._call = call
        self._done = False
        self._reply = b""

    async def received(self, messages: int, size: int) -> None:
        """A request message has come: the `messages`th, with it `size` bytes in all."""
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
            await self._do()

    async def before_commit(self) -> None:
        """The request is complete, and nothing was done yet."""
        fault = self.fault
        pointless = fault.after_messages is None and fault.after_bytes is None
        if not self._done and fault.when == "before-commit" and pointless:
            await self._do()

    async def after_commit(self, replies: Sequence[Message | Encoded]) -> None:
        """What was asked is done; the replies were not sent yet."""
        self._reply = encoded(replies[0]) if replies else b""
        if not self._done and self.fault.when == "after-commit":
            await self._do()

    async def _do(self) -> None:
        self._done = True
        if self.fault.delay:
            await self._delay(self.fault.delay)
        if self.fault.effect is not None:
            await _DOING[self.fault.effect](self)

    async def _delay(self, seconds: float) -> None:
        """Wait by the fake's clock; a deadline that comes first ends the call."""
        call, deadline = self._call, self._call.record.deadline
        if self.fault.real_time:
            await call.cloud.timers.real_sleep(seconds)
        elif deadline is not None and deadline < seconds:
            await call.cloud.timers.sleep(deadline)
            text = f"the deadline of {deadline:g} s came before the delay of {seconds:g} s was over"
            raise Interruption(self.fault, status="DEADLINE_EXCEEDED", text=text)
        else:
            await call.cloud.timers.sleep(seconds)

    async def _interrupt(self) -> None:
        raise Interruption(self.fault)

    async def _stall(self) -> None:
        if self.fault.seconds is None:
            await self._call.cloud.timers.for_ever()
        else:
            await self._delay(self.fault.seconds)

    async def _reset_stream(self) -> None:
        if self.fault.when == "after-commit" and self.fault.after_bytes is not None:
            raise Interruption(self.fault, reply=self._reply)
        raise Cut

    async def _expire_token(self) -> None:
        self._call.expire_token()

    async def _hide(self) -> None:
        self._call.hidden_for = int((self.fault.seconds or 0) * SECOND)

    async def _nothing(self) -> None:
        return


_DOING: Mapping[Effect, Callable[[Injection], Awaitable[None]]] = MappingProxyType(
    {
        Effect.STATUS: Injection._interrupt,  # noqa: SLF001 - this module's own
        Effect.STALL: Injection._stall,  # noqa: SLF001
        Effect.RESET_STREAM: Injection._reset_stream,  # noqa: SLF001
        Effect.GOAWAY: Injection._interrupt,  # noqa: SLF001
        Effect.RESET_CONNECTION: Injection._interrupt,  # noqa: SLF001
        Effect.OVERSIZE_REPLY: Injection._nothing,  # noqa: SLF001 - the reply is made larger
        Effect.EXPIRE_TOKEN: Injection._expire_token,  # noqa: SLF001
        Effect.HIDE: Injection._hide,  # noqa: SLF001
        Effect.DELAY: Injection._nothing,  # noqa: SLF001 - the delay was all
    }
)


def fault_in(metadata: Any) -> Fault | None:
    """The fault that a call brings along in its metadata (FT-9).

    Raises:
        InvalidArgumentError: It is no fault.
    """
    text = metadata.get(METADATA_KEY) if metadata else None
    if text is None:
        return None
    try:
        document = json.loads(text) if str(text).lstrip().startswith("{") else str(text)
        return Fault.from_json(document)
    except (ValueError, UsageError) as error:
        what = f"metadata {METADATA_KEY} holds no fault: {error}"
        raise InvalidArgumentError(what, clause="FT-9") from error
