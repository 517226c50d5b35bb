"""An event loop in its own thread, for synchronous tests and for other event loops."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from fakeviam.server.transport.quiet_log import accept_quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

T = TypeVar("T")


class LoopThread:
    """A running event loop; close it when done."""

    def __init__(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        accept_quietly(self._loop)
        self._thread = threading.Thread(target=self._loop.run_forever, name="fakeviam", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, work: Callable[[], T]) -> T:
        """Call a function there, and return its result."""

        async def called() -> T:
            return work()

        return self.run(called())

    @property
    def is_current(self) -> bool:
        """Whether the caller is in that thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Stop the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
