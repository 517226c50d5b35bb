"""`import fakeviam` is cheap, complete and honest."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from importlib.metadata import version

import pytest
from fakeviam_client import connect

import fakeviam
from fakeviam import FakeViam, UsageError

NEW_MODULES = """
import importlib, sys
import {known}
before = set(sys.modules)
import {module}
print(*sorted(set(sys.modules) - before))
"""


def new_modules(module: str, *, known: str) -> list[str]:
    """What importing `module` imports besides, in a process that has imported `known`."""
    code = NEW_MODULES.format(module=module, known=known)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_the_package_imports_nothing_else() -> None:
    assert new_modules("fakeviam", known="__future__, types, typing") == ["fakeviam"]


def test_importing_the_pytest_plugin_imports_nothing_else() -> None:
    loaded = new_modules("fakeviam.pytest_plugin", known="pytest")
    assert loaded == ["fakeviam", "fakeviam.pytest_plugin"]


def test_help_and_mistakes_need_no_server() -> None:
    loaded = new_modules("fakeviam.cli", known="click")
    assert not [name for name in loaded if name.startswith(("fakeviam.server", "grpclib"))]
    assert "asyncio" not in loaded


@pytest.mark.parametrize("name", fakeviam.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(fakeviam, name)
    assert value.__name__ == name
    assert name in dir(fakeviam)
    assert vars(fakeviam)[name] is value  # the second time it costs nothing


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'fakeviam' has no attribute 'FakeVian'"):
        _ = fakeviam.FakeVian  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'FakeVian' from 'fakeviam'"):
        from fakeviam import FakeVian  # type: ignore[attr-defined] # noqa: F401, PLC0415


def test_the_version_is_the_distribution_s() -> None:
    assert fakeviam.__version__ == version("fakeviam")


def test_real_time_is_what_the_process_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a library replaces it later, as freezegun does (CK-1)."""
    cloud = FakeViam()
    monkeypatch.setattr(time, "time_ns", lambda: 1_577_934_245 * 10**9)
    assert cloud.clock.moment().isoformat() == "2020-01-02T03:04:05+00:00"


def test_a_unix_socket_alone() -> None:
    """For tests that may open no other (SV-1)."""

    async def tags(cloud: FakeViam) -> list[str]:
        async with connect(cloud.target, api_key=cloud.api_key, api_key_id=cloud.api_key_id) as one:
            return await one.tags_by_filter()

    with FakeViam(port=None) as cloud:
        assert cloud.target == f"unix:{cloud.unix_socket}"
        assert cloud.target in repr(cloud)
        assert asyncio.run(tags(cloud)) == []
        for name in ("port", "url"):
            with pytest.raises(UsageError, match="no TCP port, for port=None; use cloud"):
                getattr(cloud, name)
