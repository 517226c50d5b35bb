"""Work that takes long, so done that other calls are answered in between.

It is a generator: where it yields, others have their turn. What stores find out is kept with their
blocks, so work that was broken off is begun anew and soon is where it was; what computes for long
over what nobody changes is yielded, and done in another thread.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from fakeviam.store.values import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.server.state.call import Call
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store

T = TypeVar("T")

#: Work in steps: None lets others have their turn; a function is done aside, and what it makes or
#: raises comes back.
Steps: TypeAlias = Generator[Callable[[], Any] | None, Any, T]

#: Turns of one piece of work, before it has its way: writes of others may undo what it found out.
_MOST = 1000

#: Readings that are computed over at once: a thread takes longer to begin.
_FEW = 500


@dataclass(frozen=True, slots=True)
class InTurns(Generic[T]):
    """The reply of an RPC that is a while in the making."""

    steps: Steps[T]


def turns(store: Store, work: Callable[[], T]) -> Generator[None, None, T]:
    """Work that looks at a store until it is done, and yields when it was broken off.

    A turn that has written something is the last one: what it looks at then takes as long as it
    does.
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


def turns_of(cloud: CloudState, store: Store, work: Callable[[], T]) -> Generator[None, None, T]:
    """As `turns`, for work that gives away ids: what was broken off has given away none."""

    def once() -> T:
        counters = cloud.ids.counters
        try:
            return work()
        except UnfinishedError:
            cloud.ids.rewind(counters)
            raise

    return turns(store, once)


def computed(call: Call, make: Callable[[Call], T]) -> T | InTurns[T]:
    """What a query makes of the store of its call: of many readings aside, as they are now."""
    return InTurns(aside(still(call, make))) if has_many(call.store) else make(call)


def has_many(store: Store) -> bool:
    """Whether to compute something over all readings takes long."""
    return store.ledgers is not None or store.stats().tabular.records > _FEW


def still(call: Call, make: Callable[[Call], T]) -> Callable[[], T]:
    """Work over the store of a call as it is now."""
    return partial(make, replace(call, store=call.store.view()))


def with_modules(names: Sequence[str], answer: Callable[[], T | InTurns[T]]) -> T | InTurns[T]:
    """An answer that needs modules which are slow to import: the first time, that is done aside."""
    if sys.modules.keys() >= {*names}:
        return answer()
    return InTurns(_with_modules(names, answer))


def _with_modules(names: Iterable[str], answer: Callable[[], T | InTurns[T]]) -> Steps[T]:
    for name in names:
        yield partial(import_module, name)
    reply = answer()
    return (yield from reply.steps) if isinstance(reply, InTurns) else reply


def aside(work: Callable[[], T]) -> Steps[T]:
    """Work that is done in one step, in another thread."""
    made: T = yield work
    return made


async def done(steps: Steps[T]) -> T:
    """Do all steps, and answer what they make."""
    step: Callable[[], Callable[[], Any] | None] = partial(next, steps)
    try:
        while True:
            work = step()
            if work is None:
                await asyncio.sleep(0)  # others get their turn
                step = partial(next, steps)
                continue
            try:
                step = partial(steps.send, await asyncio.to_thread(work))
            except Exception as error:  # noqa: BLE001 - it is for whoever has asked for the work
                step = partial(steps.throw, error)
    except StopIteration as end:
        made: T = end.value
        return made


def begin(steps: Steps[None], end: Callable[[Exception | None], None]) -> None:
    """Do all steps in the running event loop, unless it stops; `end` is told what was raised."""
    loop = asyncio.get_running_loop()

    def go_on(step: Callable[[], Callable[[], Any] | None]) -> None:
        try:
            work = step()
        except StopIteration:
            end(None)
        except Exception as error:  # noqa: BLE001 - it is for `end`
            end(error)
        else:
            if work is None:
                loop.call_soon(go_on, partial(next, steps))
            else:
                loop.run_in_executor(None, work).add_done_callback(come_back)

    def come_back(made: asyncio.Future[Any]) -> None:
        error = made.exception()
        go_on(partial(steps.send, made.result()) if error is None else partial(steps.throw, error))

    go_on(partial(next, steps))


def done_at_once(reply: T | InTurns[T]) -> T:
    """A reply, for whoever may wait: not for the event loop."""
    return all_at_once(reply.steps) if isinstance(reply, InTurns) else reply


def all_at_once(steps: Steps[T]) -> T:
    """Do all steps here and now, and answer what they make."""
    result: Any = None
    try:
        while True:
            work = steps.send(result)
            result = None if work is None else work()
    except StopIteration as end:
        made: T = end.value
        return made
