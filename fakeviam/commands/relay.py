"""A child process that receives its parent's signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from typing_extensions import Self

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")

# What shells answer for a command that cannot be run.
NOT_FOUND = 127
NOT_EXECUTABLE = 126


class Relay:
    """Passes signals on to a child process, including those that arrive before it exists.

    Python runs signal handlers in the main thread, between two instructions. A signal that arrives
    just before the main thread blocks in a system call, or that the kernel delivers to another
    thread, interrupts nothing: its handler would wait until the child ends. So the main thread
    waits for bytes that the interpreter writes for each signal, whichever thread received it.
    """

    def __init__(self) -> None:
        """Create a relay; it is active once entered."""
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1
        self._waiting: list[int] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._wakeups, self._waker = socket.socketpair()
        self._waker.settimeout(0)  # a signal handler must never block

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for name in _NAMES:
            number = getattr(signal, name, None)
            # Who started us under nohup wants the child to be spared too.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup_before)
        self._wakeups.close()
        self._waker.close()

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run a command and return the exit status that a shell would report.

        Raises:
            OSError: It cannot be run.
        """
        with subprocess.Popen(list(command), env=dict(environment)) as child:  # noqa: S603
            self._child = child
            while self._waiting:
                child.send_signal(self._waiting.pop(0))
            while (status := child.poll()) is None:
                self._wakeups.recv(4096)
        return status if status >= 0 else 128 - status

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._waiting.append(number)
        elif not (number in _FROM_KEYS and _in_foreground()):
            self._child.send_signal(number)


_FROM_KEYS = frozenset({signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT)})


def _in_foreground() -> bool:
    """Whether the terminal also sends this signal to the child."""
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
