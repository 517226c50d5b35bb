"""The fixtures, in runs of pytest like those of our users."""

from __future__ import annotations

import pytest

from .project import INI, run


def test_a_run_without_the_fixtures_loads_nothing_of_the_fake(user: pytest.Pytester) -> None:
    """PT-6."""
    user.makepyfile(
        """
        import sys

        def test_loaded(request):
            assert request.config.pluginmanager.hasplugin("fakeviam")
            heavy = ("grpclib", "google.protobuf", "viam", "fakeviam.server", "fakeviam.wire")
            heavy += ("fakeviam.model", "fakeviam.pytest_plugin.report")
            assert not [name for name in heavy if name in sys.modules]
        """
    )
    run(user, passed=1)


@pytest.mark.slow
def test_synchronous_tests(user: pytest.Pytester) -> None:
    user.makepyfile(
        """
        import socket
        import pytest
        from fakeviam import FakeViam

        def answers(cloud):
            with socket.create_connection((cloud.host, cloud.port)) as connection:
                connection.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
                return connection.recv(1) != b""

        @pytest.mark.parametrize("turn", [1, 2])
        def test_each_has_its_own(fakeviam, turn):
            assert isinstance(fakeviam, FakeViam)
            assert len(list(fakeviam.fleet)) == 1
            fakeviam.fleet.add_part("arm-main", robot="arm")
            assert answers(fakeviam)

        seen = []

        @pytest.mark.parametrize("turn", [1, 2])
        def test_all_have_the_same(fakeviam, fakeviam_server, turn):
            assert fakeviam_server is not fakeviam
            assert fakeviam_server.port != fakeviam.port
            seen.append(fakeviam_server)
            assert seen[0] is fakeviam_server
            assert answers(fakeviam_server)
        """
    )
    run(user, passed=4)


ASYNCHRONOUS = """
import pytest
from viam.app.data_client import DataClient
from viam.app.viam_client import ViamClient

{mark}
async def test_client(fakeviam, viam_client, viam_data_client):
    assert isinstance(viam_client, ViamClient)
    assert isinstance(viam_data_client, DataClient)
    part_id = fakeviam.default_part.id
    file_id = await viam_data_client.file_upload(part_id=part_id, data=b"hello")
    (found,) = await viam_client.data_client.binary_data_by_ids([file_id])
    assert found.binary == b"hello"

{mark}
async def test_fixture_of_the_user(lab):
    _, count, _ = await lab.binary_data_by_filter()
    assert count == 1

def test_synchronous(viam_client):
    assert isinstance(viam_client, ViamClient)
"""

USERS_FIXTURE = """
import {module}

@{module}.fixture
async def lab(fakeviam, viam_data_client):
    await viam_data_client.file_upload(part_id=fakeviam.default_part.id, data=b"of the lab")
    yield viam_data_client
    _, count, _ = await viam_data_client.binary_data_by_filter()
    assert count == 1
"""


@pytest.mark.slow
def test_strict_mode_in_the_loop_of_the_test(user: pytest.Pytester) -> None:
    pytest.importorskip("viam")
    files = {}
    for scope in ("function", "module", "session"):
        fixture = USERS_FIXTURE.format(module="pytest_asyncio")
        fixture = fixture.replace(".fixture", f".fixture(loop_scope={scope!r})")
        tests = ASYNCHRONOUS.format(mark=f"@pytest.mark.asyncio(loop_scope={scope!r})")
        files[f"test_{scope}"] = fixture + tests
    user.makepyfile(**files)
    run(user, "-o", "asyncio_mode=strict", passed=9)


@pytest.mark.slow
def test_auto_mode_in_the_loop_of_the_test(user: pytest.Pytester) -> None:
    pytest.importorskip("viam")
    user.makepyfile(USERS_FIXTURE.format(module="pytest") + ASYNCHRONOUS.format(mark=""))
    run(user, "-o", "asyncio_mode=auto", passed=3)


ONE_TEST = """
import pytest

{mark}
async def test_it({client}):
    assert await {client}.tags_by_filter() == []
"""


@pytest.mark.slow
def test_auto_mode_in_one_loop_for_all_tests(user: pytest.Pytester) -> None:
    """That asyncio_default_fixture_loop_scope names another loop does no harm."""
    pytest.importorskip("viam")
    user.makepyfile(ONE_TEST.format(mark="", client="viam_data_client"))
    scope = "asyncio_default_test_loop_scope=session"
    run(user, "-o", "asyncio_mode=auto", "-o", scope, passed=1)


@pytest.mark.slow
def test_our_own_client_in_the_loop_of_the_test(user: pytest.Pytester) -> None:
    for scope in ("function", "session"):
        mark = f"@pytest.mark.asyncio(loop_scope={scope!r})"
        user.makepyfile(**{f"test_{scope}": ONE_TEST.format(mark=mark, client="fakeviam_client")})
    run(user, passed=2)


@pytest.mark.slow
def test_workers_of_xdist_each_have_theirs(user: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    user.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("turn", range(6))
        def test_it(fakeviam, fakeviam_server, turn):
            assert len(list(fakeviam.fleet)) == 1
            assert fakeviam_server.port
        """
    )
    run(user, "-n", "2", passed=6)


SDK_TESTS = """
import pytest

def test_client(viam_client): ...

def test_data_client(viam_data_client): ...

def test_fake(fakeviam): ...
"""


@pytest.mark.slow
def test_without_viam_sdk_its_fixtures_fail(user: pytest.Pytester) -> None:
    """PT-7: a green run has run every test."""
    user.makeconftest("import sys\nsys.modules['viam'] = None\n")  # as if it were not there
    user.makepyfile(SDK_TESTS)
    result = run(user, passed=1, errors=2)
    needs = "viam_client needs the official SDK, which is not installed: pip install viam-sdk"
    assert result.outlines.count(needs) == 2


@pytest.mark.slow
def test_without_pytest_asyncio_its_fixtures_fail(user: pytest.Pytester) -> None:
    """PT-7."""
    user.makeini(INI.replace("asyncio_default_fixture_loop_scope = function", ""))
    user.makepyfile(SDK_TESTS + "\ndef test_our_own_client(fakeviam_client): ...\n")
    result = run(user, "-p", "no:asyncio", passed=1, errors=3)
    needs = "needs pytest-asyncio, which is not active in this run: pip install pytest-asyncio"
    for name in ("viam_client", "viam_data_client", "fakeviam_client"):
        assert f"{name} {needs}" in result.outlines


def test_the_fixture_can_be_built_upon(user: pytest.Pytester) -> None:
    pytest.importorskip("viam")
    user.makepyfile(
        """
        import pytest

        @pytest.fixture
        def fakeviam(fakeviam):
            fakeviam.arm = fakeviam.fleet.add_part("arm-main", robot="arm")
            return fakeviam

        async def test_it(fakeviam, viam_data_client):
            file_id = await viam_data_client.file_upload(part_id=fakeviam.arm.id, data=b"hello")
            (found,) = await viam_data_client.binary_data_by_ids([file_id])
            assert found.metadata.capture_metadata.robot_name == "arm"
        """
    )
    run(user, "-o", "asyncio_mode=auto", passed=1)


@pytest.mark.slow
def test_the_fixtures_are_explained(user: pytest.Pytester) -> None:
    result = user.runpytest_subprocess("--fixtures")
    names = ["fakeviam_options", "fakeviam", "fakeviam_server", "fakeviam_session"]
    names += ["viam_client", "viam_data_client", "fakeviam_client"]
    for name in names:
        (place,) = [n for n, line in enumerate(result.outlines) if line.split()[:1] == [name]]
        assert "no docstring" not in result.outlines[place + 1]


FOLLOWING = """
import pytest
import pytest_asyncio

async def upload(client, cloud):
    await client.file_upload(cloud.default_part.id, b"", file_extension=".txt", tags=["dog"])

async def test_session(fakeviam_client, fakeviam_session):
    await upload(fakeviam_client, fakeviam_session)
    assert "FileUpload" in fakeviam_session.calls

async def test_session_and_server(fakeviam_client, fakeviam_session, fakeviam_server):
    await upload(fakeviam_client, fakeviam_session)
    assert "FileUpload" in fakeviam_session.calls
    assert "FileUpload" not in fakeviam_server.calls

async def test_server(fakeviam_client, fakeviam_server):
    await upload(fakeviam_client, fakeviam_server)
    assert "FileUpload" in fakeviam_server.calls

async def test_fakeviam(fakeviam_client, fakeviam, fakeviam_server):
    await upload(fakeviam_client, fakeviam)
    assert "FileUpload" in fakeviam.calls

async def test_two_clouds(fakeviam_client, fakeviam_session, fakeviam): ...

@pytest.fixture
def filled(fakeviam_session):
    return fakeviam_session

async def test_by_way_of_a_fixture(fakeviam_client, filled):
    await upload(fakeviam_client, filled)
    assert "FileUpload" in filled.calls

class TestOverridden:
    @pytest_asyncio.fixture
    async def fakeviam(self, fakeviam_session):
        return fakeviam_session

    async def test_both(self, fakeviam_client, fakeviam, fakeviam_session):
        await upload(fakeviam_client, fakeviam)
        assert "FileUpload" in fakeviam_session.calls

    async def test_neither(self, fakeviam_client, request):
        await fakeviam_client.tags_by_filter()
        assert "TagsByFilter" in request.getfixturevalue("fakeviam_session").calls
"""


@pytest.mark.slow
def test_clients_follow_the_cloud_of_their_test(user: pytest.Pytester) -> None:
    """PT-7: never a second cloud in silence."""
    user.makepyfile(FOLLOWING)
    result = run(user, "-o", "asyncio_mode=auto", passed=7, errors=1)
    result.stdout.fnmatch_lines(
        ["*::test_two_clouds: the test uses fakeviam and fakeviam_session, which are two clouds*"]
    )


@pytest.mark.slow
def test_the_clients_can_connect_to_the_session(user: pytest.Pytester) -> None:
    """SS-1: what one test does, no other sees."""
    pytest.importorskip("viam")
    user.makepyfile(
        """
        import pytest

        @pytest.fixture
        def fakeviam(fakeviam_session):
            return fakeviam_session

        @pytest.mark.parametrize("turn", [1, 2])
        async def test_it(fakeviam, fakeviam_client, viam_data_client, turn):
            assert await fakeviam_client.tags_by_filter() == []
            part_id = fakeviam.default_part.id
            await fakeviam_client.file_upload(part_id, b"", file_extension=".txt", tags=["dog"])
            assert await viam_data_client.tags_by_filter() == ["dog"]
            assert len(fakeviam.calls) == 3
        """
    )
    run(user, "-o", "asyncio_mode=auto", passed=2)
