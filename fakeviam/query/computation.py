"""Computations in threads: one runs at a time, and one that was abandoned ends."""

from __future__ import annotations

import os
from collections import deque
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class AbandonedError(BaseException):
    """The result of a computation is not needed any more. A cancellation, not an error."""


class _Turn:
    """Which thread runs. If all did, the event loop would wait for the interpreter behind each."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all threads, as a child process has none of them."""
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
        gate.acquire()  # `give` opens it

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


#: One for the process, because its threads share one interpreter.
_turn = _Turn()

if hasattr(os, "register_at_fork"):  # else a child would wait for a thread of its parent
    os.register_at_fork(after_in_child=_turn.reset)


class Computation:
    """A piece of work in a thread."""

    def __init__(self, *, takes_turns: bool = True) -> None:
        """Begin with a result that is needed.

        Args:
            takes_turns: Whether it runs in turns with others; what may not pause for seconds
                does not, or they would wait for it.
        """
        self._is_wanted = True
        self._takes_turns = takes_turns

    def abandon(self) -> None:
        """End it at its next pause; its result is not needed any more."""
        self._is_wanted = False

    def do(self, work: Callable[[], T]) -> T:
        """Do the work in this thread, once no other computation runs.

        Raises:
            AbandonedError: It was abandoned.
        """
        if self._takes_turns:
            _turn.take()
        token = _CURRENT.set(self)
        try:
            self.pause()
            return work()
        finally:
            _CURRENT.reset(token)
            if self._takes_turns:
                _turn.give()

    def pause(self) -> None:
        """Let others run, and go on if the result is needed.

        Raises:
            AbandonedError: It was abandoned.
        """
        if self._takes_turns:
            _turn.pass_on()
        if not self._is_wanted:
            raise AbandonedError


_CURRENT: ContextVar[Computation | None] = ContextVar("fakeviam_computation", default=None)


def pause() -> None:
    """Let other computations run; outside of a computation, do nothing.

    Raises:
        AbandonedError: The computation was abandoned.
    """
    computation = _CURRENT.get()
    if computation is not None:
        computation.pause()
