"""Process-wide optimizations, which a server process may apply but a library may not."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

#: Seconds that a garbage collection may take before what it looked at is left alone.
_STALL = 0.02

#: Of glibc's malloc.h.
_M_MMAP_THRESHOLD = -3

#: Bytes; pieces of uploads are as large.
_LARGE = 2**20


def collect_briefly(stall: float = _STALL) -> Callable[[], None]:
    """Keep full garbage collections short, however much is stored; what is returned stops that.

    A full collection looks at every record, and nobody is served meanwhile: one and a half
    seconds with a million of them. What lived through a long one is frozen: freed as ever when
    nothing refers to it, and not looked at again. Cycles among it stay; those are few, since
    records are in none.
    """
    began = 0.0

    def watch(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if info["generation"] != 2:
            return
        if phase == "start":
            began = time.thread_time()
        elif time.thread_time() - began >= stall:
            gc.freeze()

    gc.callbacks.append(watch)
    return lambda: gc.callbacks.remove(watch)


def return_large_blocks() -> None:
    """Let glibc give memory of large blocks back to the system as soon as they are freed.

    By itself it does so only until the first was freed: from then on blocks up to 32 MiB come
    from its heap, where those that stay keep the holes between them from being returned.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


async def give_back_until(stop: asyncio.Event, *, every: float = 10) -> None:
    """Until it is time to stop, let glibc give back what was freed in small blocks, too.

    Threads that compute replies have heaps of their own, which otherwise stay as large as they
    ever were. It takes a millisecond if there is nothing to give.
    """
    trim = _of_glibc("malloc_trim")
    stopping = asyncio.ensure_future(stop.wait())
    while not (await asyncio.wait([stopping], timeout=every if trim else None))[0]:
        await asyncio.to_thread(partial(trim, 0))


def _of_glibc(name: str) -> Any:
    return getattr(ctypes.CDLL(None) if sys.platform == "linux" else None, name, None)


def runner_of(*, with_uvloop: bool) -> Callable[[Coroutine[Any, Any, None]], None]:
    """What runs a coroutine in an event loop of its own.

    Raises:
        UsageError: uvloop is wanted and not installed.
    """
    if not with_uvloop:
        return asyncio.run
    try:
        import uvloop  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise UsageError("--uvloop needs uvloop: pip install 'fakeviam[uvloop]'") from error
    return uvloop.run
