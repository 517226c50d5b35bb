"""Queries in threads of their own: they compute in turns, and end when nobody waits for them."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class AbandonedError(BaseException):
    """Nobody waits any more for what is computed; like a cancellation, it is nobody's error."""


class _Turn:
    """Who computes: threads would take the interpreter from the event loop one after another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()

    def take(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            gate = Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()  # whoever gives the turn opens it

    def give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def pass_on(self) -> None:
        if self._waiting:
            self.give()
            self.take()


_turn = _Turn()


class Computation:
    """One piece of work in a thread, which others may abandon."""

    def __init__(self) -> None:
        """It is wanted, for now."""
        self._is_wanted = True

    def abandon(self) -> None:
        """Nobody waits for it any more: it ends where it pauses next."""
        self._is_wanted = False

    def do(self, work: Callable[[], T]) -> T:
        """Do it here, when it has its turn.

        Raises:
            AbandonedError: Nobody waits for it.
        """
        _turn.take()
        token = _CURRENT.set(self)
        try:
            self.check()
            return work()
        finally:
            _CURRENT.reset(token)
            _turn.give()

    def check(self) -> None:
        """Go on only if somebody waits.

        Raises:
            AbandonedError: Nobody does.
        """
        if not self._is_wanted:
            raise AbandonedError


_CURRENT: ContextVar[Computation | None] = ContextVar("fakeviam_computation", default=None)


def pause() -> None:
    """Let other computations have their turn; outside of one, nothing happens.

    Raises:
        AbandonedError: Nobody waits any more for what is computed here.
    """
    computation = _CURRENT.get()
    if computation is not None:
        _turn.pass_on()
        computation.check()
