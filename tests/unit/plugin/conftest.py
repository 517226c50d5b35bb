"""Projects of users, in which pytest runs as it does there."""

from __future__ import annotations

import pytest

from .project import INI


@pytest.fixture
def user(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's project, to which nothing of our own configuration leaks."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # that is what we are, not the user
    pytester.makeini(INI)
    return pytester
