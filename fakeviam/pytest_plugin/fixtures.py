"""The clouds behind the fixtures: started, observed, checked and closed."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.fake import FakeViam
from fakeviam.pytest_plugin import report
from fakeviam.pytest_plugin.settings import (
    arguments_of,
    create_fake,
    node_id,
    session_name,
    settings_of_server,
    settings_of_session,
    settings_of_test,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.session import Session


@contextmanager
def cloud_of_test(item: pytest.Item, options: Mapping[str, object]) -> Iterator[FakeViam]:
    """A cloud for one test."""
    _register_reports(item.config)
    settings = settings_of_test(item, options)
    with create_fake(node_id(item), settings) as cloud:
        origin = f"seed {cloud.seed}, from {settings['seed'].origin}"
        report.observe(item, report.ObservedCloud("fakeviam", cloud, origin))
        yield cloud
        _check_after(item, cloud)


@contextmanager
def session_of_test(item: pytest.Item, server: FakeViam) -> Iterator[Session]:
    """A session for one test."""
    _register_reports(item.config)
    settings = settings_of_session(item)
    with server.session(session_name(item), **arguments_of(settings)) as session:
        origin = f"session {session.name!r} of fakeviam_server, seed {server.seed}"
        report.observe(item, report.ObservedCloud("fakeviam_session", session, origin))
        yield session
        _check_after(item, session)


@contextmanager
def shared_cloud(config: pytest.Config, options: Mapping[str, object]) -> Iterator[FakeViam]:
    """The cloud that all tests share."""
    _register_reports(config)
    settings = settings_of_server(config, options)
    with create_fake("fakeviam_server", settings) as cloud:
        origin = f"seed {cloud.seed}, from {settings['seed'].origin}"
        report.observe_server(config, report.ObservedCloud("fakeviam_server", cloud, origin))
        yield cloud
        report.observe_server(config, None)
        _check(cloud)


def cloud_of_clients(request: pytest.FixtureRequest) -> Any:
    """The cloud that the clients of a test connect to: the one that the test itself uses (PT-7).

    Without any, it is `fakeviam`, which a user may have overridden.
    """
    used = request.fixturenames
    if "fakeviam" in used or not {"fakeviam_session", "fakeviam_server"}.intersection(used):
        cloud = request.getfixturevalue("fakeviam")
        if "fakeviam_session" in used and isinstance(cloud, FakeViam):
            pytest.fail(
                f"{node_id(request.node)}: the test uses fakeviam and fakeviam_session, which are "
                "two clouds, and a client is connected to one: leave one of them out, or override "
                "the fixture fakeviam to return fakeviam_session.",
                pytrace=False,
            )
        return cloud
    if "fakeviam_session" in used:
        return request.getfixturevalue("fakeviam_session")
    # A fixture that fills the server is no reason to connect to it, the test's own argument is.
    own = inspect.signature(request.function).parameters
    return request.getfixturevalue("fakeviam_server" if "fakeviam_server" in own else "fakeviam")


def _register_reports(config: pytest.Config) -> None:
    """Let tests report their calls; only now, so that runs without a cloud pay nothing."""
    if not config.pluginmanager.has_plugin("fakeviam-report"):
        config.pluginmanager.register(report, "fakeviam-report")


def _check_after(item: pytest.Item, cloud: CloudHandle) -> None:
    """Fail the test for problems of the fake, unless it has failed already (PT-4).

    A second error would hide the first, and the first explains why a fault did not happen: the
    test did not get that far. The report of the first names both.
    """
    outcome = report.outcome_of(item)
    if outcome == "passed" or (outcome == "skipped" and cloud.crashes):
        _check(cloud)


def _check(cloud: CloudHandle) -> None:
    problems = report.problems_of(cloud)
    if problems:
        pytest.fail(problems, pytrace=False)
