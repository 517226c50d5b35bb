"""Signals on their way to a child process, at every moment they may arrive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.commands import relay as relaying
from fakeviam.commands.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIGNAL = signal.SIGUSR1

#: Tells by a file that it is ready, and exits with the number of the signal it gets.
WAIT = """
import pathlib, signal, sys
awaited = {signal.SIGUSR1, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
with open(sys.argv[1], "w"):
    pass
sys.exit(signal.sigwait(awaited))
"""


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Path]:
    """A named pipe: opening it for reading returns once the child is ready."""
    path = tmp_path / "ready"
    os.mkfifo(path)
    yield path
    # Whatever happened, the child is not left waiting for a reader.
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def run(relay: Relay, told: Path) -> int:
    return relay.run([sys.executable, "-c", WAIT, str(told)], os.environ)


def in_a_thread(told: Path, act: Callable[[], object]) -> threading.Thread:
    """A thread that acts once the child is ready."""

    def wait_and_act() -> None:
        with told.open(encoding="utf-8"):
            pass
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_a_signal_that_another_thread_received(told: Path) -> None:
    """The kernel may choose any thread; that interrupts nothing in the main one.

    The main thread sees the same if the signal arrives right before it blocks.
    """
    with Relay() as relay:
        thread = in_a_thread(told, lambda: signal.pthread_kill(threading.get_ident(), SIGNAL))
        assert run(relay, told) == SIGNAL
    thread.join()


def test_a_signal_for_the_process(told: Path) -> None:
    with Relay() as relay:
        thread = in_a_thread(told, lambda: os.kill(os.getpid(), SIGNAL))
        assert run(relay, told) == SIGNAL
    thread.join()


def test_a_signal_before_there_is_a_child() -> None:
    with Relay() as relay:
        os.kill(os.getpid(), SIGNAL)
        status = relay.run(["sh", "-c", "sleep 60"], os.environ)
    assert status == 128 + SIGNAL


def test_a_signal_while_the_child_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child exists, and its parent does not know it yet."""

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            os.kill(os.getpid(), SIGNAL)

    monkeypatch.setattr(relaying.subprocess, "Popen", Interrupted)  # type: ignore[attr-defined]
    with Relay() as relay:
        assert relay.run(["sh", "-c", "sleep 60"], os.environ) == 128 + SIGNAL


def test_a_signal_after_the_child_has_ended() -> None:
    with Relay() as relay:
        assert relay.run(["sh", "-c", "exit 7"], os.environ) == 7
        os.kill(os.getpid(), SIGNAL)


@pytest.mark.usefixtures("default_signals")
def test_handlers_are_those_from_before() -> None:
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    with Relay():
        assert signal.getsignal(SIGNAL) is not before[SIGNAL]
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before
    assert signal.set_wakeup_fd(-1) == -1


def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup makes it, for the child as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Relay() as relay:
            os.kill(os.getpid(), signal.SIGHUP)
            assert relay.run(["sh", "-c", "kill -HUP $$; exit 7"], os.environ) == 7
    finally:
        signal.signal(signal.SIGHUP, before)
