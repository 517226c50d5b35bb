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
    from fakeviam.pytest_plugin.report import Told
    from fakeviam.server.lifecycle.session import Session

# Values that are names. A test holds them against those that the fake knows.
POLICIES = ("documented", "observed", "strict")
EVIDENCE = ("documented", "relied-on", "observed", "assumed")
JOURNALS = ("short", "full", "off")

_NAMES = (
    ("policy", POLICIES, "how disputed points are decided"),
    ("min_evidence", EVIDENCE, "refuse answers that rest on less"),
    ("journal", JOURNALS, "how much of its calls a failing test shows (short)"),
)
_HELP_STRICT = "refuse requests with fields that the fake does not know or read"
_HELP_LOAD = "what every cloud begins with: a seed file, an archive, an exported folder"
_MARKER = (
    "fakeviam(policy=..., seed=..., auth=..., clock=..., ...): what the test's cloud is made of; "
    "the arguments of FakeViam. The closest marker wins, argument by argument."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and the same for the ini file."""
    group = parser.getgroup("fakeviam", "fakeviam: a fake Viam data cloud")
    group.addoption(
        "--fakeviam-seed",
        type=_seed,
        metavar="N|random",
        help="the seed of every cloud; by default each test has its own, made of its name",
    )
    for name, choices, text in _NAMES:
        group.addoption(f"--fakeviam-{name.replace('_', '-')}", choices=choices, help=text)
        parser.addini(f"fakeviam_{name}", f"{text}: {', '.join(choices)}")
    group.addoption("--fakeviam-strict", action="store_true", default=None, help=_HELP_STRICT)
    parser.addini("fakeviam_strict", _HELP_STRICT, type="bool", default=None)
    group.addoption("--fakeviam-load", metavar="PATH", help=_HELP_LOAD)
    parser.addini("fakeviam_load", f"{_HELP_LOAD}; relative to the ini file")
    group.addoption(
        "--fakeviam-assumptions",
        action="store_true",
        help="list the assumptions that the answers of this run rested on",
    )


def _seed(text: str) -> int:
    if text != "random":
        return int(text)
    from secrets import randbits  # noqa: PLC0415 - few runs need it

    return randbits(32)  # each worker of pytest-xdist draws its own, and reports say which


def pytest_configure(config: pytest.Config) -> None:
    """Add the asynchronous fixtures, in a form that the plugins of this run can serve."""
    config.addinivalue_line("markers", _MARKER)
    for name, choices, _ in _NAMES:
        value = config.getini(f"fakeviam_{name}")
        if value and value not in choices:
            told = f"fakeviam_{name} must be one of {', '.join(choices)}, got {value!r}"
            raise pytest.UsageError(f"{config.inipath}: {told}")
    # Only here it is known whether pytest-asyncio is active, which has to make such fixtures.
    asynchronous = sys.modules.get("pytest_asyncio.plugin")
    if asynchronous is not None and config.pluginmanager.is_registered(asynchronous):
        from fakeviam.pytest_plugin import sdk as fixtures  # noqa: PLC0415 - needs pytest-asyncio
    else:
        from fakeviam.pytest_plugin import sdk_absent as fixtures  # type: ignore[no-redef] # noqa: PLC0415
    config.pluginmanager.register(fixtures, "fakeviam-sdk")
    config.pluginmanager.register(_Summary(), "fakeviam-summary")


class _Summary:
    """Collects what the reports of tests tell, and sums it up at the end.

    Reports come from the workers of pytest-xdist just as from this process.
    """

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = getattr(report, "fakeviam", None)
        if told is not None:
            self._told[report.nodeid] = told

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._told:
            from fakeviam.pytest_plugin.report import summarize  # noqa: PLC0415 - few runs need it

            summarize(terminalreporter, self._told)


@pytest.fixture(scope="session")
def fakeviam_options() -> Mapping[str, Any]:
    """Arguments for `FakeViam` in the fixtures below; none, unless you override this one.

        @pytest.fixture(scope="session")
        def fakeviam_options():
            return {"policy": "strict", "interceptors": [slow_down]}

    In a conftest.py it holds for the tests below it, in a test module for that module. The
    command line and `@pytest.mark.fakeviam(...)` overrule it, argument by argument. Each cloud
    gets a clock of its own that starts as the one in here; all else is handed over as it is.
    """
    return {}


@pytest.fixture
def fakeviam(
    request: pytest.FixtureRequest, fakeviam_options: Mapping[str, Any]
) -> Iterator[FakeViam]:
    """A fresh Viam data cloud, which no other test sees.

    It runs in a thread of its own, so synchronous and asynchronous tests use it alike. The
    test fails if the fake itself went wrong, or if a fault it planned did not happen. For other
    settings see `@pytest.mark.fakeviam(...)` and `fakeviam_options`; to do more, for example to
    fill every cloud first, build on this fixture in a conftest.py:

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
    pytestconfig: pytest.Config, fakeviam_options: Mapping[str, Any]
) -> Iterator[FakeViam]:
    """One Viam data cloud for the whole run (under pytest-xdist, for each worker).

    What one test writes, the next one reads, and the clock stays where it was moved; call its
    `reset()` to forget all data, or use `fakeviam_session`. At the end of the run it fails if
    the fake went wrong.
    """
    from fakeviam.pytest_plugin.fixtures import shared_cloud  # noqa: PLC0415 - slow; see above

    with shared_cloud(pytestconfig, fakeviam_options) as cloud:
        yield cloud


@pytest.fixture
def fakeviam_session(
    request: pytest.FixtureRequest, fakeviam_server: FakeViam
) -> Iterator[Session]:
    """A session of this test on `fakeviam_server`: as isolated as `fakeviam`, and faster.

    It starts with what the server holds, so a fixture with scope="session" can fill the server
    once for all tests. To let the clients connect to it, override `fakeviam`:

        @pytest.fixture
        def fakeviam(fakeviam_session):
            return fakeviam_session
    """
    from fakeviam.pytest_plugin.fixtures import session_of_test  # noqa: PLC0415 - slow; see above

    with session_of_test(request.node, fakeviam_server) as session:
        yield session
