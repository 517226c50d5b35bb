"""The client fixtures, in a run with pytest-asyncio."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Mapping

    from fakeviam_client import DataClient as LightClient
    from viam.app.data_client import DataClient
    from viam.app.viam_client import ViamClient

    from fakeviam import FakeViam

NO_SDK = "needs the official SDK, which is not installed: pip install viam-sdk"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Make a client in the event loop of its test.

    pytest-asyncio gives a fixture one loop scope for all tests, and a connection that was
    opened in another loop than the test's own hangs.
    """
    connecting = _CONNECTING.get(fixturedef.argname)
    if connecting is not None:
        # Read by pytest-asyncio; this is where its own decorator puts a loop scope.
        connecting._loop_scope = _loop_scope(request)  # noqa: SLF001
    return (yield)


def _loop_scope(request: pytest.FixtureRequest) -> str:
    marker = request.node.get_closest_marker("asyncio")
    if marker is not None and "loop_scope" in marker.kwargs:
        return str(marker.kwargs["loop_scope"])
    try:
        return str(request.config.getini("asyncio_default_test_loop_scope"))
    except ValueError:  # pytest-asyncio before 0.26 has no such option
        return "function"


@pytest.fixture
def _cloud_of_clients(request: pytest.FixtureRequest) -> FakeViam:
    # Not in the clients: a user's fixture may be asynchronous, and their loop is running.
    from fakeviam.pytest_plugin.fixtures import cloud_of_clients  # noqa: PLC0415 - slow

    cloud: FakeViam = cloud_of_clients(request)
    return cloud


async def _connect(_cloud_of_clients: FakeViam) -> AsyncIterator[ViamClient]:
    """The official SDK's ViamClient, connected to the cloud of the test.

    That is the test's `fakeviam_session` if it uses one, otherwise its `fakeviam`. The test
    fails if viam-sdk is not installed.
    """
    try:
        from viam.app.viam_client import ViamClient  # noqa: PLC0415 - optional, and slow
    except ImportError:
        pytest.fail(f"viam_client {NO_SDK}", pytrace=False)
    client = await ViamClient.create_from_dial_options(
        _cloud_of_clients.dial_options(), app_url=_cloud_of_clients.unix_socket
    )
    yield client
    client.close()
    await asyncio.sleep(0)  # the transport closes in the loop's next round


async def _open(_cloud_of_clients: FakeViam) -> AsyncIterator[LightClient]:
    """Our own light DataClient, connected to the cloud of the test, as `viam_client` is."""
    from fakeviam_client import connect  # noqa: PLC0415 - slow; few runs need it

    cloud = _cloud_of_clients
    async with connect(
        cloud.target,
        api_key=cloud.api_key,
        api_key_id=cloud.api_key_id,
        ca_file=cloud.ca_file or None,
    ) as client:
        yield client
    await asyncio.sleep(0)  # the transport closes in the loop's next round


viam_client = pytest_asyncio.fixture(_connect, name="viam_client")
fakeviam_client = pytest_asyncio.fixture(_open, name="fakeviam_client")

_CONNECTING: Mapping[str, Any] = MappingProxyType(
    {"viam_client": _connect, "fakeviam_client": _open}
)


@pytest.fixture
def viam_data_client(viam_client: ViamClient) -> DataClient:
    """The official SDK's DataClient, connected to the cloud of the test, as `viam_client` is."""
    return viam_client.data_client
