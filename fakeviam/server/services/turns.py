"""Long work, split so that other calls are handled in between.

Such work is a generator: it yields to let other calls run. What a store learns during a scan is
cached in its blocks, so that interrupted work is repeated and soon reaches the same point; long
computations on immutable data are yielded as functions, and run in a thread.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from fakeviam.query.computation import Computation
from fakeviam.store.values import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor

    from fakeviam.server.state.call import Call
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store

T = TypeVar("T")

#: Work in steps: None lets other calls run; a function is executed in a thread, and its result
#: or exception is sent back.
Steps: TypeAlias = Generator[Callable[[], Any] | None, Any, T]

#: Turns of one piece of work before it runs to its end: concurrent writes may discard its progress.
_MOST = 1000

#: How many readings are processed without a thread, which takes longer to start.
_FEW = 500

#: Computations that share time; further ones wait until one is done.
_MOST_THREADS = 32


@dataclass(frozen=True, slots=True)
class InTurns(Generic[T]):
    """A reply that takes long to compute."""

    steps: Steps[T]


def turns(store: Store, work: Callable[[], T]) -> Generator[None, None, T]:
    """Repeat work on a store until it is not interrupted; yield after each interruption.

    A turn that has written something must be the last one, so it is not interrupted afterwards.
    """
    for _ in range(_MOST if store.is_large else 0):
        store.begin_turn()
        try:
            return work()
        except UnfinishedError:
            pass
        finally:
            store.end_turn()
        yield
    return work()


async def in_turns(store: Store, work: Callable[[], T]) -> T:
    """Work that looks at a large store; most needs one turn."""
    store.begin_turn()
    try:
        return work()
    except UnfinishedError:
        pass
    finally:
        store.end_turn()
    await asyncio.sleep(0)
    return await done(turns(store, work))


def computed(call: Call, make: Callable[[Call], T]) -> T | InTurns[T]:
    """A query's result on the call's store; with many readings, computed in a thread on a fork."""
    return InTurns(aside(still(call, make))) if has_many(call.store) else make(call)


def has_many(store: Store) -> bool:
    """Whether computing something over all readings takes long."""
    return store.ledgers is not None or store.stats().tabular.records > _FEW


def still(call: Call, make: Callable[[Call], T]) -> Callable[[], T]:
    """Work on an immutable copy of a call's store."""
    return partial(make, replace(call, store=call.store.view()))


def with_modules(names: Sequence[str], answer: Callable[[], T | InTurns[T]]) -> T | InTurns[T]:
    """A reply that needs modules which are slow to import: their first import is in a thread."""
    if sys.modules.keys() >= {*names}:
        return answer()
    return InTurns(_with_modules(names, answer))


def _with_modules(names: Iterable[str], answer: Callable[[], T | InTurns[T]]) -> Steps[T]:
    for name in names:
        yield partial(import_module, name)
    reply = answer()
    if not isinstance(reply, InTurns):
        return reply
    result: T = yield from reply.steps
    return result


def aside(work: Callable[[], T]) -> Steps[T]:
    """Work that is a single step in another thread."""
    result: T = yield work
    return result


async def done(steps: Steps[T]) -> T:
    """Run all steps, and return the result; cancelling this ends a computation in progress."""
    step: Callable[[], Callable[[], Any] | None] = partial(next, steps)
    try:
        while True:
            work = step()
            if work is None:
                await asyncio.sleep(0)  # let other calls run
                step = partial(next, steps)
                continue
            try:
                step = partial(steps.send, await in_thread(work))
            except Exception as error:  # noqa: BLE001 - raised in the generator that yielded the function
                step = partial(steps.throw, error)
    except StopIteration as end:
        result: T = end.value
        return result


def in_thread(work: Callable[[], T], *, takes_turns: bool = True) -> asyncio.Future[T]:
    """The result of work in a thread, in turns with others; cancelling it ends the work."""
    computation = Computation(takes_turns=takes_turns)
    future = asyncio.get_running_loop().run_in_executor(_threads(), computation.do, work)
    future.add_done_callback(lambda _: computation.abandon())
    return future


@cache
def _threads() -> Executor:
    """Threads for computations, apart from those of the event loop, which do what is short."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - with the first thread

    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="fakeviam-computes")


if hasattr(os, "register_at_fork"):  # a child process has none of these threads
    os.register_at_fork(after_in_child=_threads.cache_clear)


def begin(cloud: CloudState, steps: Steps[None]) -> asyncio.Task[None]:
    """Run the steps of a cloud's jobs; only the end of the server, or session, cancels them."""

    def end(task: asyncio.Task[None]) -> None:
        cloud.catching_up = None
        if not task.cancelled():
            task.exception()  # for the waiting calls; without any, the next call raises it again

    task = cloud.catching_up = asyncio.get_running_loop().create_task(done(steps))
    task.add_done_callback(end)
    return task


def done_at_once(reply: T | InTurns[T]) -> T:
    """The reply, for callers that may block; not for the event loop."""
    return all_at_once(reply.steps) if isinstance(reply, InTurns) else reply


def all_at_once(steps: Steps[T]) -> T:
    """Run all steps in this thread, and return the result."""
    step: Callable[[], Callable[[], Any] | None] = partial(next, steps)
    try:
        while True:
            work = step()
            try:
                step = partial(steps.send, None if work is None else work())
            except Exception as error:  # noqa: BLE001 - raised in the generator that yielded the function
                step = partial(steps.throw, error)
    except StopIteration as end:
        result: T = end.value
        return result
