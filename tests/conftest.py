"""What all tests may use."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Runs pytest in pytest, for the tests of our own plugin. Only allowed here at the top.
pytest_plugins = ["pytester"]

# Environments that only hold a client have no Hypothesis. In CI it loads a profile of its own,
# without deadlines and without chance; elsewhere a busy machine must not fail a law either.
if find_spec("hypothesis") is not None and not os.environ.get("CI"):
    from hypothesis import settings

    settings.register_profile("fakeviam", deadline=None)
    settings.load_profile("fakeviam")


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Programs started by this test react to signals, even if pytest runs in the background.

    A shell starts what is put in the background, and nohup what it runs, with some signals ignored,
    and child processes inherit that.
    """
    ignored = [each for each in signal.valid_signals() if signal.getsignal(each) is signal.SIG_IGN]
    reset = [each for each in ignored if each in _FROM_TERMINALS]
    for number in reset:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in reset:
        signal.signal(number, signal.SIG_IGN)


_FROM_TERMINALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP}
