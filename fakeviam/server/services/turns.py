"""Work that takes long, so done that other calls are answered in between.

What stores find out is kept with their blocks: work that was broken off is begun anew and soon
is where it was. What computes for long without the store goes to another thread.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from fakeviam.store.values import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store

T = TypeVar("T")

#: Turns of one piece of work, before it has its way: writes of others may undo what it found out.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class InTurns(Generic[T]):
    """The reply of an RPC that is a while in the making: others have their turn at each step."""

    steps: Generator[None, None, T]


@dataclass(frozen=True, slots=True)
class Aside(Generic[T]):
    """The reply of an RPC that another thread makes, of what nobody changes meanwhile."""

    make: Callable[[], T]


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


async def done(steps: Generator[None, None, T]) -> T:
    """Do all steps, and answer what they make."""
    try:
        while True:
            next(steps)
            await asyncio.sleep(0)  # others get their turn
    except StopIteration as end:
        made: T = end.value
        return made


def done_at_once(reply: T | InTurns[T] | Aside[T]) -> T:
    """A reply, for whoever may wait: not for the event loop."""
    if isinstance(reply, Aside):
        return reply.make()
    if not isinstance(reply, InTurns):
        return reply
    try:
        while True:
            next(reply.steps)
    except StopIteration as end:
        made: T = end.value
        return made
