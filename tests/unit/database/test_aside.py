"""Commands that look at many readings, beside others (SV-18)."""

from __future__ import annotations

import asyncio
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import bson
import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, NetworkTimeout, OperationFailure

from fakeviam import FakeViam
from fakeviam.database import endpoint
from fakeviam.database.endpoint import DatabaseConnection
from fakeviam.query.budget import Budget, Limits
from fakeviam.server.services import turns
from fakeviam.server.services.data.queries import run_pipeline
from fakeviam.server.transport.limits import ConnectionLimits

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = [{"time": f"2026-03-10T12:00:{second:02}Z", "n": second} for second in range(30)]
SEED = {"readings": [{"component": "c", "rows": ROWS}]}

COMMANDS: dict[str, tuple[Callable[[Any], object], object]] = {
    "find": (lambda readings: [each["data"]["n"] for each in readings.find()], [*range(30)]),
    "count": (lambda readings: readings.count_documents({"data.n": {"$lt": 7}}), 7),
    "distinct": (lambda readings: readings.distinct("data.n", {"data.n": {"$lt": 3}}), [0, 1, 2]),
    "aggregate": (lambda readings: len(list(readings.aggregate([{"$limit": 5}]))), 5),
    "dbStats": (lambda readings: readings.database.command("dbStats")["objects"], 30),
}


@pytest.mark.parametrize(("ask", "expected"), COMMANDS.values(), ids=COMMANDS)
def test_others_are_answered_meanwhile(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[Any], object], expected: object
) -> None:
    """And what they change, a command that has begun does not see (SV-18, DB-7)."""
    monkeypatch.setattr(turns, "_FEW", 10)
    began, answered = Event(), Event()

    def waiting(*args: Any) -> Any:
        began.set()
        assert answered.wait(30), "nobody was answered meanwhile"
        return run_pipeline(*args)

    monkeypatch.setattr("fakeviam.database.queries.run_pipeline", waiting)
    with FakeViam(seed=1, load=SEED) as cloud, ThreadPoolExecutor() as others:
        uri = cloud.database_uri(password="p")  # noqa: S106 - of a test
        with MongoClient[dict[str, Any]](uri) as one, MongoClient[dict[str, Any]](uri) as other:
            asking = others.submit(ask, one.get_default_database().readings)
            assert began.wait(30)
            assert other.admin.command("ping")["ok"] == 1
            cloud.reset()
            answered.set()
            assert asking.result() == expected
            assert ask(other.get_default_database().readings) in ([], 0)
        assert not cloud.crashes


def test_batches_and_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are those of small answers (DB-7, DB-8)."""
    monkeypatch.setattr(turns, "_FEW", 10)
    with FakeViam(seed=1, load=SEED) as cloud:
        uri = cloud.database_uri(password="p")  # noqa: S106 - of a test
        with MongoClient[dict[str, Any]](uri) as client:
            readings = client.get_default_database().readings
            assert [each["data"]["n"] for each in readings.find(batch_size=7)] == [*range(30)]
            with pytest.raises(OperationFailure, match="divide by zero"):
                list(readings.aggregate([{"$addFields": {"x": {"$divide": [1, 0]}}}]))


def test_a_client_that_leaves_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves no cursor behind (DB-8, SV-18)."""
    monkeypatch.setattr(turns, "_FEW", 10)
    began, left, ended = Event(), Event(), Event()

    def waiting(*args: Any) -> Any:
        began.set()
        assert left.wait(30)
        ended.set()
        return run_pipeline(*args)

    with FakeViam(seed=1, load=SEED) as cloud, ThreadPoolExecutor() as others:
        uri = cloud.database_uri(password="p")  # noqa: S106 - of a test
        client = MongoClient[dict[str, Any]](uri)
        readings = client.get_default_database().readings
        assert readings.find_one() is not None
        monkeypatch.setattr("fakeviam.database.queries.run_pipeline", waiting)
        asking = others.submit(lambda: list(readings.find(batch_size=2)))
        assert began.wait(30)
        client.close()
        left.set()
        assert ended.wait(30)
        assert asking.exception() is not None
        monkeypatch.undo()
        with MongoClient[dict[str, Any]](uri) as again:
            assert again.get_default_database().readings.estimated_document_count() == 30
        assert not cloud.crashes


class Endless:
    """A query that computes until it is stopped."""

    def __init__(self) -> None:
        self.began, self.ended = Event(), Event()

    def __call__(self, *_asked: object) -> None:
        self.began.set()
        try:
            for _ in Budget(Limits(steps=10**15)).metered(repeat(None)):
                pass
        finally:
            self.ended.set()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    monkeypatch.setattr(turns, "_FEW", 10)
    query = Endless()
    monkeypatch.setattr("fakeviam.database.queries.run_pipeline", query)
    return query


@pytest.mark.parametrize("tls", [False, True])
def test_a_query_ends_when_its_client_closes(endless: Endless, *, tls: bool) -> None:
    """Properly, too, which looks like a client that ends its side and waits (SV-19)."""
    with FakeViam(load=SEED, tls=tls) as cloud:
        options: dict[str, Any] = {"tlsCAFile": cloud.ca_file} if tls else {}
        uri = cloud.database_uri()
        with MongoClient[dict[str, Any]](
            uri, socketTimeoutMS=500, retryReads=False, **options
        ) as client:
            with pytest.raises(NetworkTimeout):  # which closes the connection
                client.sensorData.readings.find_one()
            assert endless.began.is_set()
            assert endless.ended.wait(30)
        assert cloud.crashes == ()


def test_a_query_whose_client_has_closed_does_not_begin() -> None:
    """SV-19."""
    asked = Mock(is_logged_in=True)
    asked.answer.return_value = lambda: pytest.fail("it began")

    async def come_and_go() -> Mock:
        transport = Mock()
        transport.is_closing.return_value = False
        connection = DatabaseConnection(asked, ConnectionLimits(), quiet_log=Mock())
        connection.connection_made(transport)
        body = bytes(5) + bson.encode({"find": "readings", "$db": "sensorData"})
        connection.data_received(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
        assert connection.eof_received()
        await asyncio.sleep(0)
        return transport

    asyncio.run(come_and_go()).close.assert_called_once_with()
    assert asked.answer.called


def test_a_client_that_asks_on_is_answered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it sends while a query computes waits, unread if it is much (SV-18)."""
    began, sent = Event(), Event()

    def slow() -> dict[str, object]:
        began.set()
        assert sent.wait(30)
        return {"n": 1}

    asked = Mock(is_logged_in=True)
    asked.answer.side_effect = [slow, {"n": 2}, {"n": 3}]
    monkeypatch.setattr(endpoint, "reply_to", lambda _, reply: b"%d" % reply["n"])

    async def ask() -> bytes:
        loop = asyncio.get_running_loop()
        make = partial(DatabaseConnection, asked, ConnectionLimits(), quiet_log=Mock())
        server = await loop.create_server(make, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        body = bytes(5) + bson.encode({"find": "readings", "$db": "sensorData"})
        message = struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body
        writer.write(message)
        assert await asyncio.to_thread(began.wait, 30)
        writer.write(message + message)
        await writer.drain()
        sent.set()
        answers = await reader.readexactly(3)
        writer.close()
        server.close()
        return answers

    assert asyncio.run(ask()) == b"123"


def test_a_server_that_stops_waits_for_no_query_of_a_database(endless: Endless) -> None:
    """SV-19."""
    with ThreadPoolExecutor(1) as threads:
        with FakeViam(load=SEED) as cloud:
            client = MongoClient[dict[str, Any]](cloud.database_uri(), retryReads=False)
            finding = threads.submit(client.sensorData.readings.find_one)
            assert endless.began.wait(30)
        assert endless.ended.wait(30)
        assert cloud.crashes == ()
        assert isinstance(finding.exception(30), AutoReconnect)
        client.close()
