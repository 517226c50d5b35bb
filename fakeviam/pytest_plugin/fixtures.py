"""The clouds behind the fixtures: made, watched, checked and closed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.pytest_plugin import report
from fakeviam.pytest_plugin.settings import (
    made_of,
    node_id,
    session_name,
    settings_of_server,
    settings_of_session,
    settings_of_test,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fakeviam.fake import FakeViam
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.session import Session


@contextmanager
def cloud_of_test(item: pytest.Item, options: Mapping[str, Any]) -> Iterator[FakeViam]:
    """A cloud for one test."""
    _report(item.config)
    settings = settings_of_test(item, options)
    with made_of(node_id(item), settings) as cloud:
        told = f"seed {cloud.seed}, from {settings['seed'].origin}"
        report.watch(item, report.Watched("fakeviam", cloud, told))
        yield cloud
        _check_after(item, cloud)


@contextmanager
def session_of_test(item: pytest.Item, server: FakeViam) -> Iterator[Session]:
    """A session for one test."""
    _report(item.config)
    settings = settings_of_session(item)
    with server.session(session_name(item), **values_of(settings)) as session:
        told = f"session {session.name!r} of fakeviam_server, seed {server.seed}"
        report.watch(item, report.Watched("fakeviam_session", session, told))
        yield session
        _check_after(item, session)


@contextmanager
def shared_cloud(config: pytest.Config, options: Mapping[str, Any]) -> Iterator[FakeViam]:
    """The cloud that all tests share."""
    _report(config)
    settings = settings_of_server(config, options)
    with made_of("fakeviam_server", settings) as cloud:
        told = f"seed {cloud.seed}, from {settings['seed'].origin}"
        watched = report.Watched("fakeviam_server", cloud, told)
        report.watch_server(config, watched)
        yield cloud
        report.watch_server(config, None)
        _check(cloud)


def _report(config: pytest.Config) -> None:
    """Have tests report their calls; only now, so that runs without a cloud pay nothing."""
    if not config.pluginmanager.has_plugin("fakeviam-report"):
        config.pluginmanager.register(report, "fakeviam-report")


def _check_after(item: pytest.Item, cloud: CloudHandle) -> None:
    """Fail the test for what went wrong in the fake, unless it has failed already (PT-4).

    A second error would hide the first, and the first explains why a fault did not happen: the
    test did not get that far. The report of the first names both.
    """
    outcome = report.outcome_of(item)
    if outcome == "passed" or (outcome == "skipped" and cloud.crashes):
        _check(cloud)


def _check(cloud: CloudHandle) -> None:
    error = report.complaint_of(cloud)
    if error:
        pytest.fail(error, pytrace=False)
