"""What all tests may use."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import defaultdict
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Runs pytest in pytest, for the tests of our own plugin. Only allowed here at the top.
pytest_plugins = ["pytester"]

# Images often set this; then each of the hundreds of programs that tests start would compile us
# anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


# What is collected stays: to look through it for garbage, again and again, is a fifth of what it
# takes to collect thousands of tests.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage again, among what tests make."""
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Let laws be tried by fewer examples where the quick tests are asked for."""
    # pytest in pytest forgets what was imported inside, and half of requests imported twice is a
    # requests whose cookies are none of its own.
    if find_spec("requests") is not None:
        import_module("requests")
    if find_spec("hypothesis") is None:  # in environments that only hold a client
        return
    from hypothesis import settings  # noqa: PLC0415

    # In CI there are no examples by chance; a busy machine must fail no law anywhere.
    quick = "not slow" in config.option.markexpr
    settings.register_profile(
        "fakeviam",
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        max_examples=20 if quick else 100,
    )
    settings.load_profile("fakeviam")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the cases of thinned tests as slow, and give slow tests the time they may need."""
    families: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("thinned"):
            families[item.nodeid.partition("[")[0]].append(item)
    for family in families.values():
        # As they are written: what comes here may have been shuffled.
        family.sort(key=lambda item: tuple(item.callspec.indices.values()))  # type: ignore[attr-defined]
        for number, item in enumerate(family):
            marker = item.get_closest_marker("thinned")
            if marker is not None and number % marker.args[0]:
                item.add_marker(pytest.mark.slow)
    if not config.pluginmanager.hasplugin("timeout"):
        return
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Programs started by this test react to signals, even if pytest runs in the background.

    A shell starts what is put in the background, and nohup what it runs, with some signals ignored,
    and child processes inherit that.
    """
    ignored = [each for each in signal.valid_signals() if signal.getsignal(each) is signal.SIG_IGN]
    reset = [each for each in ignored if each in _FROM_TERMINALS]
    for number in reset:
        python = number == signal.SIGINT  # which would have set a handler of its own
        signal.signal(number, signal.default_int_handler if python else signal.SIG_DFL)
    yield
    for number in reset:
        signal.signal(number, signal.SIG_IGN)


_FROM_TERMINALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP}
