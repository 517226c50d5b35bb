"""Commands that look at many readings, beside others (SV-18)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from fakeviam import FakeViam
from fakeviam.query.budget import Budget, Limits
from fakeviam.server.services import turns
from fakeviam.server.services.data.queries import run_pipeline

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


def test_a_server_that_stops_waits_for_no_query_of_a_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SV-19."""
    monkeypatch.setattr(turns, "_FEW", 10)
    began, ended = Event(), Event()

    def endless(*_asked: object) -> None:
        began.set()
        try:
            for _ in Budget(Limits(steps=10**15)).metered(repeat(None)):
                pass
        finally:
            ended.set()

    monkeypatch.setattr("fakeviam.database.queries.run_pipeline", endless)
    with ThreadPoolExecutor(1) as threads:
        with FakeViam(load=SEED) as cloud:
            client = MongoClient[dict[str, Any]](cloud.database_uri(), retryReads=False)
            finding = threads.submit(client.sensorData.readings.find_one)
            assert began.wait(30)
        assert ended.wait(30)
        assert cloud.crashes == ()
        assert isinstance(finding.exception(30), AutoReconnect)
        client.close()
