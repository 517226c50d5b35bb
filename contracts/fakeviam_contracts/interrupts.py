"""Ctrl-C during a run: the call under way is given up, whatever code happened to run."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator


@contextmanager
def between_steps() -> Iterator[None]:
    """Raise KeyboardInterrupt between the steps of an event loop, not inside one.

    Python raises it wherever it is: in a handler of a fake in this process, say, whose call would
    then crash and be reported.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # interrupts are ignored, or handled elsewhere
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def complete(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns; if it is interrupted, it is cancelled."""
    task = loop.create_task(work)
    try:
        return loop.run_until_complete(task)
    except KeyboardInterrupt:
        task.cancel()
        loop.call_soon(loop.stop)  # as the task itself may have done, had it ended just then
        loop.run_forever()
        if not task.done():
            loop.run_until_complete(asyncio.wait([task]))
        raise


def _interrupt(_number: int, _frame: object) -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _raise()
    loop.call_soon_threadsafe(_raise)


def _raise() -> NoReturn:
    raise KeyboardInterrupt
