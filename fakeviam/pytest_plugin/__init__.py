"""pytest fixtures, there as soon as fakeviam is installed.

    def test_upload(fakeviam):                        # a fresh cloud for this test
        station = Station(fakeviam.target)

    @pytest.mark.fakeviam(policy="strict")            # for this test, class or module
    def test_careful(fakeviam): ...

    @pytest.mark.asyncio
    async def test_tags(viam_data_client): ...        # the official SDK, connected to it

    @pytest.mark.asyncio
    async def test_boxes(fakeviam_client): ...        # our own light client

pytest loads this module in every run, so it imports what a fixture needs inside the fixture.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fakeviam import FakeViam
    from fakeviam.pytest_plugin.report import Usage
    from fakeviam.server.lifecycle.session import Session

# Written down here too, because importing the fake would take too long; a test compares them.
POLICIES = ("documented", "observed", "strict")
EVIDENCE = ("documented", "relied-on", "observed", "assumed")
JOURNALS = ("short", "full", "off")

_NAMES = (
    ("policy", POLICIES, "how to decide disputed points"),
    ("min_evidence", EVIDENCE, "refuse replies that depend on weaker evidence"),
    ("journal", JOURNALS, "how much to show of the calls of a failing test (short)"),
)
_HELP_STRICT = "refuse requests with fields that are unknown or that no handler reads"
_HELP_TLS = "encrypt the TCP port of every cloud; requires fakeviam[tls]"
_HELP_PAUSE = "stop at each failing test with its cloud on the page until Enter is pressed"
_HELP_LOAD = "initial contents of every cloud: a seed file, an archive or an exported folder"
_MARKER = (
    "fakeviam(policy=..., seed=..., auth=..., clock=..., ...): the arguments of FakeViam for the "
    "cloud of the test. The closest marker wins, argument by argument."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and of the ini file."""
    group = parser.getgroup("fakeviam", "fakeviam: a fake Viam data cloud")
    group.addoption(
        "--fakeviam-seed",
        type=_seed,
        metavar="N|random",
        help="the seed of every cloud; by default derived from the name of the test",
    )
    for name, choices, text in _NAMES:
        group.addoption(f"--fakeviam-{name.replace('_', '-')}", choices=choices, help=text)
        parser.addini(f"fakeviam_{name}", f"{text}: {', '.join(choices)}")
    group.addoption("--fakeviam-strict", action="store_true", default=None, help=_HELP_STRICT)
    parser.addini("fakeviam_strict", _HELP_STRICT, type="bool", default=None)
    group.addoption("--fakeviam-tls", action="store_true", default=None, help=_HELP_TLS)
    parser.addini("fakeviam_tls", _HELP_TLS, type="bool", default=None)
    group.addoption("--fakeviam-pause-on-failure", action="store_true", help=_HELP_PAUSE)
    group.addoption("--fakeviam-load", metavar="PATH", help=_HELP_LOAD)
    parser.addini("fakeviam_load", f"{_HELP_LOAD}; relative to the ini file")
    group.addoption(
        "--fakeviam-assumptions",
        action="store_true",
        help="list the assumptions that the replies in this run depended on",
    )


def _seed(text: str) -> int:
    if text == "random":
        from secrets import randbits  # noqa: PLC0415 - few runs need it

        return randbits(32)  # each worker of pytest-xdist draws its own; reports name it
    try:
        return int(text)
    except ValueError:
        from argparse import ArgumentTypeError  # noqa: PLC0415 - only for mistakes

        message = f"must be a whole number or random, got {text!r}; --fakeviam-load takes files"
        raise ArgumentTypeError(message) from None


def pytest_configure(config: pytest.Config) -> None:
    """Register the client fixtures that this run can serve."""
    config.addinivalue_line("markers", _MARKER)
    for name, choices, _ in _NAMES:
        value = config.getini(f"fakeviam_{name}")
        if value and value not in choices:
            text = f"fakeviam_{name} must be one of {', '.join(choices)}, got {value!r}"
            raise pytest.UsageError(f"{config.inipath}: {text}")
    # pytest-asyncio makes asynchronous fixtures; only now it is known whether it is active.
    asynchronous = sys.modules.get("pytest_asyncio.plugin")
    if asynchronous is not None and config.pluginmanager.is_registered(asynchronous):
        from fakeviam.pytest_plugin import sdk as fixtures  # noqa: PLC0415 - needs pytest-asyncio
    else:
        from fakeviam.pytest_plugin import sdk_absent as fixtures  # type: ignore[no-redef] # noqa: PLC0415
    config.pluginmanager.register(fixtures, "fakeviam-sdk")
    config.pluginmanager.register(_Summary(), "fakeviam-summary")


class _Summary:
    """Collects how tests used their clouds, and sums it up at the end of the run.

    The workers of pytest-xdist send their reports to this process.
    """

    def __init__(self) -> None:
        self._usages: dict[str, Usage] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        usage = getattr(report, "fakeviam", None)
        if usage is not None:
            self._usages[report.nodeid] = usage

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._usages:
            from fakeviam.pytest_plugin.report import summarize  # noqa: PLC0415 - few runs need it

            summarize(terminalreporter, self._usages)


@pytest.fixture(scope="session")
def fakeviam_options() -> Mapping[str, Any]:
    """Arguments of `FakeViam` for the clouds of tests; override it to give some.

        @pytest.fixture(scope="session")
        def fakeviam_options():
            return {"policy": "strict", "interceptors": [slow_down]}

    In a conftest.py it applies to the tests below, in a test module to that module. The command
    line and `@pytest.mark.fakeviam(...)` take precedence, argument by argument. Each cloud gets
    a copy of the clock; everything else is passed as it is.
    """
    return {}


@pytest.fixture
def fakeviam(
    request: pytest.FixtureRequest, fakeviam_options: Mapping[str, Any]
) -> Iterator[FakeViam]:
    """A fresh Viam data cloud for this test alone.

    It runs in its own thread, so synchronous and asynchronous tests can use it. The test fails
    if the fake itself crashed, or if a planned fault did not happen. For other settings see
    `@pytest.mark.fakeviam(...)` and `fakeviam_options`; to do more, for example to fill every
    cloud first, override this fixture in a conftest.py:

        @pytest.fixture
        def fakeviam(fakeviam):
            fakeviam.fleet.add_part("arm-main", robot="arm")
            return fakeviam
    """
    from fakeviam.pytest_plugin.fixtures import cloud_of_test  # noqa: PLC0415 - slow; see above

    with cloud_of_test(request.node, fakeviam_options) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def fakeviam_server(
    pytestconfig: pytest.Config, fakeviam_options: Mapping[str, object]
) -> Iterator[FakeViam]:
    """One Viam data cloud for the whole run (under pytest-xdist, one for each worker).

    Data and clock carry over from test to test; call its `reset()` to delete all data, or use
    `fakeviam_session`. At the end of the run it fails if the fake crashed.
    """
    from fakeviam.pytest_plugin.fixtures import shared_cloud  # noqa: PLC0415 - slow; see above

    with shared_cloud(pytestconfig, fakeviam_options) as cloud:
        yield cloud


@pytest.fixture
def fakeviam_session(
    request: pytest.FixtureRequest, fakeviam_server: FakeViam
) -> Iterator[Session]:
    """A session for this test on `fakeviam_server`: as isolated as `fakeviam`, and faster.

    It starts with what the server holds, so a fixture with scope="session" can fill the server
    once for all tests. The clients of a test that uses it connect to it. To use sessions in all
    tests, override `fakeviam`:

        @pytest.fixture
        def fakeviam(fakeviam_session):
            return fakeviam_session
    """
    from fakeviam.pytest_plugin.fixtures import session_of_test  # noqa: PLC0415 - slow; see above

    with session_of_test(request.node, fakeviam_server) as session:
        yield session
