"""The federated database, as clients of MongoDB see it."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import struct
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import bson
import pytest
from bson import DBRef, Int64
from bson.datetime_ms import DatetimeMS
from grpclib.client import Channel, UnaryUnaryMethod
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import OperationFailure
from scramp import ScramClient  # type: ignore[import-untyped]

from fakeviam import ConnectionLimits, FakeViam, Session, UsageError
from fakeviam.database.conversation import Conversation
from fakeviam.database.cursors import Cursors
from fakeviam.database.endpoint import DatabaseConnection
from fakeviam.server.transport.quiet_log import QuietLog
from fakeviam.wire import methods

from .test_wire_messages import op_msg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PASSWORD = "g@heim/ß"  # noqa: S105 - of a test
ROWS = [
    {
        "time": f"2026-03-10T12:{minute:02}:00Z",
        "n": minute,
        "kind": "even" if minute % 2 == 0 else "odd",
    }
    for minute in range(25)
]


def configure(cloud: FakeViam | Session, fake: FakeViam, password: str = PASSWORD) -> str:
    """Set the database password of the default organization; answer the URI with it."""

    async def ask() -> str:
        with closing(Channel(fake.host, fake.port)) as channel:

            async def ask_for(rpc: str, **fields: str) -> Any:
                method = next(method for method in methods() if method.name == rpc)
                request: Any = method.request
                call = UnaryUnaryMethod[Any, Any](channel, method.path, request, method.response)
                metadata = {"fakeviam-session": cloud.name} if isinstance(cloud, Session) else {}
                return await call(request(**fields), metadata=metadata)

            organization = fake.default_part.organization_id
            await ask_for("ConfigureDatabaseUser", organization_id=organization, password=password)
            reply = await ask_for("GetDatabaseConnection", organization_id=organization)
            return str(reply.mongodb_uri)

    return asyncio.run(ask()).replace("<password>", quote_plus(password))


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeViam]:
    with FakeViam(seed=1, load={"readings": [{"component": "c", "rows": ROWS}]}) as fake:
        yield fake
        assert not fake.crashes


@pytest.fixture(scope="module")
def uri(fake: FakeViam) -> str:
    return configure(fake, fake)


@contextmanager
def opened(uri: str, **options: Any) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient(uri, **{"serverSelectionTimeoutMS": 5000, **options}) as client:
        yield client


@pytest.fixture(scope="module")
def database(uri: str) -> Iterator[Any]:
    with opened(uri) as client:
        yield client.get_default_database()


def test_readings_are_found(database: Any) -> None:
    """By the returned URI: filter, projection, sort, skip, limit (DB-1, DB-7, A46)."""
    assert database.list_collection_names() == ["readings"]
    assert database.client.list_database_names() == ["sensorData"]
    found = database.readings.find({"data.n": {"$gt": 3}}, {"_id": 0, "data.n": 1})
    assert [each["data"]["n"] for each in found.sort("data.n", -1).skip(1).limit(2)] == [23, 22]
    assert database.readings.count_documents({"data.kind": "odd"}) == 12
    assert database.readings.estimated_document_count() == 25
    assert database.readings.distinct("data.kind") == ["even", "odd"]
    groups = [{"$group": {"_id": "$data.kind", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    assert list(database.readings.aggregate(groups)) == [
        {"_id": "even", "n": 13},
        {"_id": "odd", "n": 12},
    ]


@pytest.mark.parametrize("size", [1, 2, 24, 25, 26, 1000])
def test_an_answer_comes_in_batches(database: Any, size: int) -> None:
    """All of it, in order, however it is cut; no cursor is left open (DB-7)."""
    cursor = database.readings.find({}, {"data.n": 1}).batch_size(size)
    assert [each["data"]["n"] for each in cursor] == list(range(25))
    assert cursor.cursor_id == 0


def test_a_negative_limit_asks_for_one_batch(database: Any) -> None:
    """As old clients do: so many documents, and no cursor (DB-7)."""
    reply = database.command({"find": "readings", "limit": -3})
    assert len(reply["cursor"]["firstBatch"]) == 3
    assert reply["cursor"]["id"] == 0
    reply = database.command({"find": "readings", "limit": 3, "batchSize": 2, "singleBatch": True})
    assert (len(reply["cursor"]["firstBatch"]), reply["cursor"]["id"]) == (2, 0)


def test_projections_of_find(database: Any) -> None:
    """Those that pipelines do not have: $slice; others are refused by name (DB-7)."""
    assert "data" in database.readings.find_one({}, {"tags": {"$slice": 1}})
    with pytest.raises(OperationFailure, match=r"'tags' \(\$elemMatch\) is not served"):
        database.readings.find_one({}, {"tags": {"$elemMatch": {"$eq": "x"}}})


def test_other_collections_are_empty(database: Any) -> None:
    """As in MongoDB; what makes no sense is refused all the same (DB-7)."""
    assert database.other.count_documents({}) == 0
    assert database.client.other.readings.find_one() is None
    with pytest.raises(OperationFailure, match="unknown top level operator"):
        database.other.find_one({"$no": 1})


WRITES: list[Callable[[Any], Any]] = [
    lambda database: database.readings.insert_one({"a": 1}),
    lambda database: database.readings.update_many({}, {"$set": {"a": 1}}),
    lambda database: database.readings.delete_many({}),
    lambda database: database.readings.find_one_and_delete({}),
    lambda database: database.readings.create_index("a"),
    lambda database: database.readings.drop(),
    lambda database: database.client.drop_database("sensorData"),
    lambda database: list(database.readings.aggregate([{"$out": "other"}])),
    lambda database: list(database.readings.aggregate([{"$merge": {"into": "other"}}])),
]


@pytest.mark.parametrize("write", WRITES)
def test_writes_are_refused(database: Any, write: Callable[[Any], Any]) -> None:
    """With MongoDB's code, and nothing changes (DB-9)."""
    with pytest.raises(OperationFailure, match="read-only") as caught:
        write(database)
    assert caught.value.code == 13
    assert database.readings.estimated_document_count() == 25


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ({"foo": 1}, 59, "no such command: 'foo'"),
        ({"find": "readings", "fliter": {}}, 40415, "'find.fliter' is an unknown field"),
        ({"find": "readings", "filter": []}, 14, "'find.filter' must be an object"),
        ({"find": "readings", "skip": -1}, 51024, "'skip' value must be >= 0"),
        ({"find": "readings", "limit": 0.5}, 14, "'limit' must be a whole number"),
        ({"find": 1}, 73, "collection name must be a text"),
        ({"find": "readings", "collation": {"locale": "de"}}, 2, "only the collation"),
        ({"aggregate": 1, "pipeline": [], "cursor": {}}, 9, "only pipelines over a collection"),
        ({"aggregate": "readings", "pipeline": {}, "cursor": {}}, 14, "must be an array"),
        ({"aggregate": "readings", "pipeline": []}, 9, "'cursor' option is required"),
        (
            {"aggregate": "readings", "pipeline": [{"$lookup": {}}], "cursor": {}},
            40324,
            "served are",
        ),
        ({"distinct": "readings", "key": 1}, 14, "must be a string"),
        ({"find": "readings", "skip": float("nan")}, 14, "'skip' must be a whole number"),
        ({"find": "readings", "limit": float("inf")}, 14, "'limit' must be a whole number"),
        ({"find": "readings", "limit": -(2**63)}, 2, "'limit' is out of range"),
        ({"aggregate": "readings", "pipeline": [1], "cursor": {}}, 40323, "exactly one field"),
        ({"find": "readings", "filter": {"a": DatetimeMS(2**62)}}, 22, "no BSON document"),
        ({"getMore": "x", "collection": "readings"}, 14, "must be a long"),
        ({"getMore": 77, "collection": "readings"}, 43, "cursor id 77 not found"),
        ({"killCursors": "readings", "cursors": 1}, 14, "must be an array of longs"),
        ({"getParameter": 1, "nothing": 1}, 40415, "unknown field"),
        ({"saslContinue": 1, "payload": b""}, 17, "No SASL session state found"),
        ({"getMore": True, "collection": "readings"}, 14, "must be a long"),
        ({"find": "readings", "zz": 1, "aa": 1}, 40415, "'find.zz' is an unknown field"),
        ({"find": "readings", "maxTimeMS": -1}, 2, "31 bits, got -1"),
        ({"find": "readings", "maxTimeMS": "1"}, 2, "31 bits, got '1'"),
        ({"find": "readings", "autocommit": False}, 72, "'autocommit' field requires"),
        ({"find": "readings", "startTransaction": True}, 72, "'startTransaction' field requires"),
        ({"commitTransaction": 1}, 125, "must be run within a transaction"),
    ],
)
def test_a_command_that_makes_no_sense(
    database: Any, command: dict[str, Any], code: int, says: str
) -> None:
    """MongoDB's code, and what is wrong (DB-7)."""
    with pytest.raises(OperationFailure, match=re.escape(says)) as caught:
        database.command(command)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("g%40heim", "wrong", "the password is not that of db-user-"),
        ("db-user-", "db-user-x", "there is no database user 'db-user-x"),
        ("&authSource=admin", "&authSource=other", "add authSource=admin to the URI"),
        ("&authSource=admin", "&authSource=admin&appName=fakeviam-session:no", "'no' is open"),
    ],
)
def test_who_may_not_log_in_is_told_why(uri: str, before: str, after: str, says: str) -> None:
    """MongoDB's code 18, and what to do (DB-7, DB-8)."""
    assert before in uri
    with (
        opened(uri.replace(before, after)) as client,
        pytest.raises(OperationFailure, match=says) as caught,
    ):
        client.sensorData.readings.find_one()
    assert caught.value.code == 18


def test_the_fake_gives_its_uri() -> None:
    """With the password set, over TCP or the Unix socket alone, in sessions too (DB-7, DB-8)."""
    with (
        FakeViam(port=None, load={"readings": [{"component": "c", "rows": ROWS}]}) as cloud,
        cloud.session("s&p") as session,
    ):
        handles: list[FakeViam | Session] = [cloud, session]
        for handle in handles:
            with opened(handle.database_uri(password="p@ss/ö")) as client:  # noqa: S106
                assert client.sensorData.readings.count_documents({}) == 25
        with pytest.raises(UsageError, match="there is no organization 'no'"):
            cloud.database_uri("no")
        with pytest.raises(UsageError, match="password must be text"):
            cloud.database_uri(password="")


def test_over_tls() -> None:
    """By the URI as it is, which names the CA (DB-7, TL-1)."""
    rows = {"readings": [{"component": "c", "rows": ROWS}]}
    with FakeViam(tls=True, load=rows) as cloud, opened(cloud.database_uri()) as client:
        assert client.sensorData.readings.count_documents({}) == 25


def test_a_client_without_tls_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """In its own protocol, so that its driver shows the sentence (TL-3)."""
    with (
        FakeViam(tls=True) as cloud,
        socket.create_connection((cloud.host, cloud.port), timeout=10) as peer,
    ):
        for name in ("hello", "find"):
            reply = command(peer, **{name: 1})
            assert (reply["ok"], reply["code"]) == (0, 13)
            assert "this port speaks TLS, and the client does not" in reply["errmsg"]
    assert "refused a client of the database" in caplog.text


def test_nobody_reads_without_login(fake: FakeViam) -> None:
    """Only what a driver needs for finding out is open (DB-7)."""
    with opened(f"mongodb://{fake.target}") as client:
        assert client.admin.command("ping") == {"ok": 1.0}
        assert client.server_info()["version"] == "7.0.0"
        with pytest.raises(
            OperationFailure, match="requires authentication; log in as db-user-"
        ) as caught:
            client.sensorData.readings.find_one()
    assert caught.value.code == 13


@pytest.mark.parametrize("more", ["&directConnection=true", "&authMechanism=SCRAM-SHA-1"])
def test_other_ways_to_connect(uri: str, more: str) -> None:
    """As dashboards write it (DB-7)."""
    with opened(uri + more) as client:
        assert client.sensorData.readings.count_documents({}) == 25


def test_there_are_no_transactions(uri: str) -> None:
    """MongoDB's code for them where no replica set is, in any command (DB-7)."""
    with opened(uri) as client, client.start_session() as session:
        readings = client.sensorData.readings
        assert readings.find_one({}, session=session)
        for _ in range(2):
            with (
                pytest.raises(OperationFailure, match="has no transactions") as caught,
                session.start_transaction(),
            ):
                readings.find_one({}, session=session)
            assert caught.value.code == 20
        assert readings.count_documents({}, session=session) == 25


def test_the_async_client(uri: str) -> None:
    """Several queries at once, on several connections (DB-7)."""

    async def ask() -> list[int]:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
        async with client:
            readings = client.sensorData.readings
            return await asyncio.gather(*(readings.count_documents({}) for _ in range(5)))

    assert asyncio.run(ask()) == [25] * 5


def test_a_session_has_a_database_of_its_own(fake: FakeViam, uri: str) -> None:
    """Told apart by the application name in its URI (DB-8, SS-1)."""
    with fake.session("mine") as session:
        inside = configure(session, fake, "other")
        assert "appName=fakeviam-session%3Amine" in inside
        session.load({"readings": [{"component": "d", "rows": ROWS[:3]}]})
        with opened(inside) as client:
            assert client.sensorData.readings.count_documents({}) == 28
        with opened(uri) as client:
            assert client.sensorData.readings.count_documents({}) == 25


def command(peer: socket.socket, **fields: Any) -> dict[str, Any]:
    """Send a command on a bare connection; the reply."""
    database = fields.pop("db", "admin")
    peer.sendall(op_msg({**fields, "$db": database}))
    received = b""
    while len(received) < 4 or len(received) < struct.unpack_from("<i", received)[0]:
        piece = peer.recv(100_000)
        assert piece
        received += piece
    return bson.decode(received[21:])


def hello(peer: socket.socket, session: str) -> None:
    name = {"application": {"name": f"fakeviam-session:{session}"}}
    assert command(peer, hello=1, client=name)["ok"] == 1


def logged_in(peer: socket.socket, organization: str, password: str) -> None:
    """Log in as drivers do."""
    user = f"db-user-{organization}"
    scram = ScramClient(["SCRAM-SHA-256"], user, password)
    start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256"}
    reply = command(peer, **start, payload=scram.get_client_first().encode())
    scram.set_server_first(reply["payload"].decode())
    final = scram.get_client_final().encode()
    reply = command(peer, saslContinue=1, conversationId=1, payload=final)
    scram.set_server_final(reply["payload"].decode())
    assert command(peer, saslContinue=1, conversationId=1, payload=b"")["done"]


def test_a_login_is_for_one_session(fake: FakeViam) -> None:
    """A later hello leads to no other; when it ends, so does the login (DB-8, SS-1, SS-3)."""
    organization = fake.default_part.organization_id
    with fake.session("mine") as mine, fake.session("other") as other:
        mine.reset()
        mine.database_uri(password="p")  # noqa: S106 - of a test
        assert len(other.readings) == 25
        with socket.create_connection((fake.host, fake.port), timeout=10) as peer:
            hello(peer, "mine")
            logged_in(peer, organization, "p")
            for name in ("other", ""):
                hello(peer, name)
                found = command(peer, find="readings", db="sensorData")
                assert found["cursor"]["firstBatch"] == []
            mine.close()
            reply = command(peer, find="readings", db="sensorData")
            assert (reply["code"], "SS-2" in reply["errmsg"]) == (18, True)
            with fake.session("mine"):
                reply = command(peer, find="readings", db="sensorData")
                assert (reply["code"], "SS-3" in reply["errmsg"]) == (18, True)


def test_cursors_are_their_owners(fake: FakeViam) -> None:
    """Nobody else of any session reads or ends them, and none by another name (DB-8, SS-1)."""
    with (
        fake.session("one") as one,
        fake.session("two") as two,
        opened(one.database_uri()) as mine,
        opened(two.database_uri()) as other,
    ):
        first = mine.sensorData.command({"find": "readings", "batchSize": 1})
        number = first["cursor"]["id"]
        more = {"getMore": number, "collection": "readings"}
        for client, wanted in ((other, more), (mine, {**more, "collection": "wrong"})):
            with pytest.raises(OperationFailure, match="not found") as caught:
                client.sensorData.command(wanted)
            assert caught.value.code == 43
        killed = other.sensorData.command({"killCursors": "readings", "cursors": [Int64(number)]})
        assert killed["cursorsKilled"] == []
        rest = mine.sensorData.command(more)["cursor"]
        assert (len(rest["nextBatch"]), rest["id"]) == (24, 0)


def test_references_are_documents(database: Any) -> None:
    """That no query takes, and that fail nothing (DB-7)."""
    with pytest.raises(OperationFailure, match=r"unknown operator: \$ref"):
        database.readings.find_one({"data": DBRef("a", "b")})


@pytest.mark.parametrize("mechanism", [{"a": 1}, [1], None, "PLAIN", 7])
def test_a_mechanism_that_is_none(fake: FakeViam, mechanism: Any) -> None:
    """From strangers too: a refusal, and no crash of the fake (DB-7)."""
    with (
        opened(f"mongodb://{fake.target}") as client,
        pytest.raises(OperationFailure, match="is not served"),
    ):
        client.admin.command({"saslStart": 1, "mechanism": mechanism, "payload": b""})
    assert not fake.crashes


def test_a_second_login_needs_the_password_too(fake: FakeViam) -> None:
    """On one connection, for one user (DB-7)."""
    organization = fake.default_part.organization_id
    with (
        fake.session("again") as session,
        socket.create_connection((fake.host, fake.port), timeout=10) as peer,
    ):
        session.database_uri(password="p")  # noqa: S106 - of a test
        hello(peer, "again")
        logged_in(peer, organization, "p")
        logged_in(peer, organization, "p")
        with pytest.raises(KeyError, match="payload"):
            logged_in(peer, organization, "q")


def test_organizations_are_apart(fake: FakeViam) -> None:
    """A user sees its organization alone (DB-7, A51)."""
    with fake.session() as session:
        part = session.fleet.add_part("p", organization="o")
        session.load({"readings": [{"component": "d", "rows": ROWS[:3], "part": part.id}]})
        inside = configure(session, fake)
        with opened(inside) as client:
            assert client.sensorData.readings.count_documents({}) == 25
            assert client.sensorData.readings.distinct("organization_id") == [
                fake.default_part.organization_id
            ]


def test_what_is_uploaded_later_is_there(fake: FakeViam) -> None:
    """A cursor answers from when it was opened (DB-7)."""
    with fake.session() as session, opened(configure(session, fake)) as client:
        readings = client.sensorData.readings
        cursor = readings.find().batch_size(2)
        next(cursor)
        session.load({"readings": [{"component": "d", "rows": ROWS[:3]}]})
        assert len(list(cursor)) == 24
        assert readings.count_documents({}) == 28


def test_a_name_that_documents_cannot_hold(fake: FakeViam) -> None:
    """A NUL is U+FFFD, as in the answers of queries (MQ-13)."""
    row = {"time": "2026-02-01T00:00:00Z", "a\0b": 1}
    with fake.session() as session, opened(configure(session, fake)) as client:
        session.load({"readings": [{"component": "nul", "rows": [row]}]})
        (found,) = client.sensorData.readings.find({"component_name": "nul"})
    assert found["data"] == {"a\ufffdb": 1.0}


def test_different_values_fit_into_one_document() -> None:
    """Names as documents can hold them, and MongoDB's end of what is too large (DB-7, MQ-13)."""
    rows = [
        {"time": "2026-03-10T12:00:00Z", "d": {"a\0b": n}, "text": "x" * 2_000_000 + str(n)}
        for n in range(9)
    ]
    with (
        FakeViam(load={"readings": [{"component": "c", "rows": rows}]}) as fake,
        opened(fake.database_uri()) as client,
    ):
        readings = client.sensorData.readings
        assert readings.distinct("data.d")[0] == {"a\ufffdb": 0}
        with pytest.raises(OperationFailure, match="distinct too big") as caught:
            readings.distinct("data.text")
        assert caught.value.code == 17217


def test_cursors_end_with_the_last_connection(fake: FakeViam) -> None:
    """Nobody is left to go on with them; while one is left, they stay (DB-8)."""
    more: dict[str, Any] = {"collection": "readings"}
    with fake.session("one") as session:
        uri = session.database_uri()
        with opened(uri) as one:
            one.sensorData.command("dbStats")  # clients connect when there is something to ask
            with opened(uri) as two:
                first = two.sensorData.command({"find": "readings", "batchSize": 1})
                more = {"getMore": first["cursor"]["id"], **more, "batchSize": 1}
            assert one.sensorData.command(more)["cursor"]["nextBatch"]
        with opened(uri) as three, pytest.raises(OperationFailure, match="not found"):
            three.sensorData.command(more)


def test_a_reply_that_comes_too_late_opens_no_cursor() -> None:
    """Its owner has disconnected while it was computed (DB-8)."""
    cursors = Cursors()
    cursors.enter("o")
    cursors.leave("o")
    reply = cursors.first_reply([{"n": 1}, {"n": 2}], namespace="n", owner="o", size=1)
    cursors.enter("o")
    assert cursors.next_reply(reply["cursor"]["id"], owner="o", namespace="n", size=1) is None


def test_documents_of_abandoned_cursors_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those left alone longest first; the newest is kept, however large it is (DB-8)."""
    monkeypatch.setattr("fakeviam.database.cursors._MOST_KEPT", 25)
    cursors = Cursors()
    cursors.enter("o")

    def begin(size: int) -> int:
        documents = [{"n": number} for number in range(size)]
        reply = cursors.first_reply(documents, namespace="n", owner="o", size=1)
        return int(reply["cursor"]["id"])

    def goes_on(number: int) -> bool:
        return cursors.next_reply(number, owner="o", namespace="n", size=1) is not None

    first, second = begin(12), begin(12)
    assert goes_on(first)
    third = begin(12)
    assert [goes_on(each) for each in (first, second, third)] == [True, False, True]
    large = begin(100)
    assert [goes_on(each) for each in (first, third, large)] == [False, False, True]


def test_a_message_that_is_never_complete(caplog: pytest.LogCaptureFixture) -> None:
    """Ends its connection after some silence, and the log says so (SV-13)."""
    message = op_msg({"ping": 1, "$db": "admin"})
    with (
        FakeViam(limits=ConnectionLimits(header_seconds=1)) as fake,
        socket.create_connection((fake.host, fake.port), timeout=30) as peer,
    ):
        peer.sendall(message + message[:-1])
        received = b"".join(iter(lambda: peer.recv(1000), b""))
    assert len(received) == 38
    assert "it said nothing more for 1 seconds in a message [SV-13]" in caplog.text


def test_long_messages_are_for_those_who_are_logged_in(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Others would take the memory of all (DB-7)."""
    with (
        FakeViam() as fake,
        socket.create_connection((fake.host, fake.port), timeout=30) as peer,
    ):
        peer.sendall(struct.pack("<iiii", 2_000_000, 1, 0, 2013))
        assert peer.recv(1000) == b""
    assert "a message of 2000000 bytes before login" in caplog.text
    assert database.command({"ping": 1, "comment": "x" * 2_000_000})


@pytest.mark.parametrize(
    "sent",
    [
        op_msg({"ping": 1, "$db": "x"})[:12] + struct.pack("<i", 2013) + b"\xff" * 40,
        struct.pack("<iiii", 20, 1, 0, 2013) + b"\xff\xff\xff\xff",
    ],
)
def test_a_malformed_message_ends_its_connection_alone(
    caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """With one line in the log, however often; others go on (DB-7, SV-11)."""
    ping = op_msg({"ping": 1, "$db": "admin"})
    with (
        caplog.at_level(logging.WARNING, "fakeviam"),
        FakeViam() as fake,
        socket.create_connection((fake.host, fake.port), timeout=5) as other,
    ):
        for _ in range(3):
            with socket.create_connection((fake.host, fake.port), timeout=5) as peer:
                peer.sendall(sent)
                while peer.recv(1000):
                    pass
        other.sendall(ping)
        assert other.recv(1000)
    assert caplog.text.count("closed a database connection") == 1


def test_a_client_that_does_not_read_is_not_answered_for_ever(fake: FakeViam) -> None:
    """What it sends waits until it has read; then every message has its reply (DB-7)."""
    ping = op_msg({"buildInfo": 1, "$db": "admin", "comment": "x" * 50_000})
    count = 1500

    async def work() -> int:
        reader, writer = await asyncio.open_connection(fake.host, fake.port, limit=2**16)
        writer.write(ping * count)
        sent = asyncio.ensure_future(writer.drain())
        replies = 0
        while replies < count:
            (size,) = struct.unpack("<i", await reader.readexactly(4))
            await reader.readexactly(size - 4)
            replies += 1
        await sent
        writer.close()
        await writer.wait_closed()
        return replies

    assert asyncio.run(work()) == count
    conversation, log = Conversation(fake._hosting.clouds, Cursors()), QuietLog(float)
    connection = DatabaseConnection(conversation, ConnectionLimits(), quiet_log=log)
    transport = Transport()
    loop = asyncio.new_event_loop()

    async def without_room() -> None:
        connection.connection_made(transport)  # type: ignore[arg-type]  # enough of one
        connection.pause_writing()
        connection.data_received(op_msg({"ping": 1, "$db": "admin"}))
        await asyncio.sleep(0)
        assert not transport.written
        connection.resume_writing()
        await asyncio.sleep(0)
        assert transport.written

    loop.run_until_complete(without_room())
    loop.close()


class Transport:
    """A place to write, and nothing else."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def get_extra_info(self, name: str) -> None:
        """Nothing is known."""

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Nothing comes anyway."""

    resume_reading = pause_reading


def test_messages_may_come_in_pieces(fake: FakeViam) -> None:
    """Byte by byte, and several at once; each has its reply, in order (DB-7)."""
    ping = op_msg({"ping": 1, "$db": "admin"})
    with socket.create_connection((fake.host, fake.port), timeout=5) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in ping:
            peer.sendall(bytes([byte]))
        peer.sendall(ping * 20)
        received = b""
        while len(received) < 21 * 38:
            piece = peer.recv(10_000)
            assert piece
            received += piece
    assert len(received) == 21 * 38
