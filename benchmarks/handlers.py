"""What the fake itself takes for a call: its handlers, driven by streams that are no streams.

Without network, HTTP/2 and event loop the figures are quiet enough to compare changes with.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fakeviam.server.transport.routes import Routes
from fakeviam.wire import methods
from fakeviam.wire.encoded import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from fakeviam import FakeViam

_METHODS = {method.name: method for method in methods()}


class Stream:
    """What a handler sees of a call, over messages that are there already."""

    peer = "127.0.0.1:50000"
    timeout = refusal = None
    is_late = False
    malformed = cut_text = address = ""

    def __init__(self, messages: Sequence[Message], metadata: dict[str, str]) -> None:
        """Bring these messages."""
        self.metadata = metadata
        self._left = list(reversed(messages))
        self.reply: Any = None

    async def recv_message(self, policy_limit: int | None = None) -> Message | None:
        """The next message."""
        del policy_limit
        return self._left.pop() if self._left else None

    async def send_trailing_metadata(self, *, replies: Sequence[Any] = (), **_: Any) -> None:
        """Keep the reply."""
        self.reply = replies[0] if replies else None


class Handlers:
    """The handlers of one fake."""

    def __init__(self, fake: FakeViam) -> None:
        """Drive the handlers of `fake`."""
        self._routes = Routes(fake._hosting._registry)  # noqa: SLF001 - it has no other door
        len(fake.readings)  # does what the first call of a day does, which waits

    def call(self, name: str, *messages: Message) -> bytes:
        """The encoded reply of an RPC; none of these handlers ever waits."""
        stream: Any = Stream(messages, {"user-agent": "benchmark"})
        running: Any = self._routes[_METHODS[name].path].handle(stream)
        try:
            running.send(None)
        except StopIteration:
            return encoded(stream.reply)
        raise AssertionError(f"{name} waits")

    def cost(self, name: str, *messages: Message, calls: int = 20, rounds: int = 300) -> float:
        """Microseconds of CPU a call, at its best."""
        best = float("inf")
        for _ in range(rounds):
            start = time.process_time()
            for _ in range(calls):
                self.call(name, *messages)
            best = min(best, time.process_time() - start)
        return best / calls * 1e6
