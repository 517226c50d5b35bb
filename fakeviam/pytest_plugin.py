"""pytest fixtures, there as soon as fakeviam is installed.

    def test_upload(fakeviam):                        # a fresh cloud for this test
        station = Station(fakeviam.target)

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


def pytest_configure(config: pytest.Config) -> None:
    """Add the asynchronous fixtures, in a form that the plugins of this run can serve."""
    # Only here it is known whether pytest-asyncio is active, which has to make such fixtures.
    asynchronous = sys.modules.get("pytest_asyncio.plugin")
    if asynchronous is not None and config.pluginmanager.is_registered(asynchronous):
        from fakeviam import pytest_sdk as fixtures  # noqa: PLC0415 - needs pytest-asyncio
    else:
        from fakeviam import pytest_sdk_absent as fixtures  # type: ignore[no-redef] # noqa: PLC0415
    config.pluginmanager.register(fixtures, "fakeviam-sdk")


@pytest.fixture(scope="session")
def fakeviam_options() -> Mapping[str, Any]:
    """Arguments for `FakeViam` in the fixtures below; none, unless you override this one.

        @pytest.fixture(scope="session")
        def fakeviam_options():
            return {"policy": "strict", "seed": 7}

    In a conftest.py it holds for the tests below it, in a test module for that module. Each
    cloud gets its own copy, so a clock in here starts anew for every test.
    """
    return {}


@pytest.fixture
def fakeviam(fakeviam_options: Mapping[str, Any]) -> Iterator[FakeViam]:
    """A fresh Viam data cloud, which no other test sees.

    It runs in a thread of its own, so synchronous and asynchronous tests use it alike. The
    test fails if the fake itself went wrong. For other settings override `fakeviam_options`;
    to do more, for example to fill every cloud first, build on this fixture in a conftest.py:

        @pytest.fixture
        def fakeviam(fakeviam):
            fakeviam.fleet.add_part("arm-main", robot="arm")
            return fakeviam
    """
    yield from _running(fakeviam_options)


@pytest.fixture(scope="session")
def fakeviam_server(fakeviam_options: Mapping[str, Any]) -> Iterator[FakeViam]:
    """One Viam data cloud for the whole run (under pytest-xdist, for each worker).

    It saves a test the millisecond that a fresh cloud takes, and costs isolation: what one
    test writes, the next one reads, and the clock stays where it was moved. Call its
    `reset()` to forget all data. At the end of the run it fails if the fake went wrong.
    """
    yield from _running(fakeviam_options)


def _running(options: Mapping[str, Any]) -> Iterator[FakeViam]:
    from copy import deepcopy  # noqa: PLC0415 - most runs of pytest never get here

    from fakeviam import FakeViam  # noqa: PLC0415

    with FakeViam(**deepcopy(dict(options))) as cloud:
        yield cloud
        cloud.check()
