"""A database that cannot be reached while a server uses it (MG-8)."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest

from campaigns.client import METHODS, Client, fill, known_of
from campaigns.crash.calls import outcome_of
from campaigns.crash.requests import MAKERS, There, good_requests
from campaigns.dice import Dice
from campaigns.messages import random_message
from campaigns.states import state_of
from fakeviam import Clock, FakeViam
from fakeviam.server.transport.routes import built
from fakeviam.store.mongo.embedded import Embedded

pymongo_errors = pytest.importorskip("pymongo.errors")
pytest.importorskip("mongomock")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ERRORS = {
    "hangs": pymongo_errors.NetworkTimeout("db:27017: timed out, Timeout: 15.0s, Topology"),
    "gone": pymongo_errors.ServerSelectionTimeoutError("No servers found yet, Timeout: 5.0s"),
    "restarted": pymongo_errors.AutoReconnect("db:27017: connection closed"),
}


class Line:
    """What leads to the database: each step along it fails while it is cut."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        for name in ("_call", "find", "aggregate"):
            patch.setattr(Embedded, name, self._along(getattr(Embedded, name)))

    def _along(self, step: Any) -> Any:
        def passed(*arguments: Any, **options: Any) -> Any:
            if self.error is not None:
                raise self.error
            return step(*arguments, **options)

        return passed


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


async def outcomes(
    cloud: FakeViam, client: Client, cut: Line, error: Exception
) -> AsyncIterator[tuple[str, str]]:
    """What becomes of a call of each RPC while the line is cut."""
    for rpc in sorted(built()):
        method, dice = METHODS[rpc], Dice(5, rpc)
        if rpc in MAKERS:
            requests = good_requests(rpc, There(cloud, dice))
        else:
            requests = [random_message(dice, method.request, known_of(cloud))]
        cut.error = error
        outcome = await outcome_of(client, method, requests)
        cut.error = None
        yield rpc, outcome or "nothing"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.thinned(3)
async def test_calls_are_refused_with_the_reason(line: Line, kind: str) -> None:
    """Each that needs it, as no bug of the fake; and all is well when it is back (MG-8)."""
    async with FakeViam(store="mongomock:", clock=Clock.frozen("2026-03-10T12:00:00Z")) as cloud:
        client = await Client.over(cloud.unix_socket)
        await fill(client)
        before = state_of(cloud)
        found = dict([each async for each in outcomes(cloud, client, line, ERRORS[kind])])
        assert not cloud.crashes
        assert {found[rpc] for rpc in MAKERS} == {"UNAVAILABLE MG-8"}
        assert not {out for out in found.values() if out.startswith(("INTERNAL", "UNKNOWN"))}
        assert state_of(cloud) == before
        upload = good_requests("FileUpload", There(cloud, Dice(1)))
        assert await outcome_of(client, METHODS["FileUpload"], upload) == "OK"
        client.close()


def test_http_says_so_too(line: Line) -> None:
    """The control API and the page (MG-8)."""
    with FakeViam(store="mongomock:") as cloud:
        line.error = ERRORS["gone"]
        for path in ("/control/v1/archive", "/ui/files"):
            connection = http.client.HTTPConnection(cloud.host, cloud.port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            assert (answer.status, b"the database does not answer: No servers" in text) == (
                503,
                True,
            )
        line.error = None
        assert not cloud.crashes
