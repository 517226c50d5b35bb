"""A cloud, and the official client on it, once for each way to connect."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from fakeviam.server.instruments.journal.journal import Journal

from .official import FORMS, TRANSPORTS, Camera, Recorder, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part
    from fakeviam.wire import Method

    from .official import Exercised


@pytest.fixture(scope="session")
def exercised() -> set[Exercised]:
    """What the tests have called so far."""
    return set()


@pytest.fixture(scope="session", autouse=True)
def driven() -> Iterator[set[str]]:
    """The RPCs that the tests have called so far, on whatever fake."""
    found: set[str] = set()
    begin = Journal.begin

    def note(journal: Journal, method: Method, **more: Any) -> Any:
        found.add(f"{method.service}/{method.name}")
        return begin(journal, method, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "begin", note)
        yield found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests their transports, and those that ask for it each form of ids."""
    if "transport" in metafunc.fixturenames:
        every_way = metafunc.definition.get_closest_marker("every_way") is not None
        metafunc.parametrize("transport", TRANSPORTS if every_way else TRANSPORTS[:2])
    if "form" in metafunc.fixturenames:
        metafunc.parametrize("form", FORMS)


@pytest_asyncio.fixture
async def client(
    cloud: FakeViam, transport: str, exercised: set[Exercised]
) -> AsyncIterator[DataClient]:
    async with asynccontextmanager(connect)(cloud, transport) as client:
        yield cast("DataClient", Recorder(client, transport, exercised))


@pytest.fixture
def part(cloud: FakeViam) -> Part:
    return cloud.default_part


@pytest.fixture
def camera(client: DataClient, part: Part) -> Camera:
    return Camera(client, part)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the test that looks back on all others behind them, in a random order too."""
    items.sort(key=lambda item: "looks_back" in item.keywords)


def pytest_configure(config: Any) -> None:
    config.addinivalue_line("markers", "looks_back: runs after all other tests")
    config.addinivalue_line(
        "markers", "every_way: runs over all transports that the release has, not just two"
    )
