"""What only a store in a database has: chunks, a format, orphans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from bson import ObjectId

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.datasets import Dataset
from fakeviam.model.errors import UsageError
from fakeviam.model.filters import Interval, Query, TagRule
from fakeviam.model.records import Parameter
from fakeviam.store.memory import MemoryStore
from fakeviam.store.mongo import blobs, writing
from fakeviam.store.mongo.database import Database
from fakeviam.store.mongo.store import MongoStore
from fakeviam.store.opening import opener

from .databases import DATABASES, URL, clients, databases
from .test_against_model import YEAR_1, YEAR_9999, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALL = Query(include_internal=True)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest) -> Iterator[MongoStore]:
    with databases() as make:
        yield make(request.param)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bytes fill a chunk, and few make a body long."""
    monkeypatch.setattr(blobs, "CHUNK", 10)
    monkeypatch.setattr(writing, "_LONG", 400)


def box(number: int) -> BoundingBox:
    return BoundingBox(
        id=f"b{number}",
        label=f"label {number % 3}",
        x_min_normalized=0,
        y_min_normalized=0,
        x_max_normalized=1,
        y_max_normalized=1,
        confidence=0.5,
    )


def everything(store: MongoStore) -> list[Any]:
    return store.binary_page(ALL, after=None, limit=100, descending=False).records


def chunks(store: MongoStore) -> int:
    return store._database.chunks.count_documents({})


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 1003])
def test_bytes_in_chunks(store: MongoStore, binary: Callable[..., Any], size: int) -> None:
    """MG-5."""
    data = bytes(range(256)) * 4
    store.add_binary([(binary("a", 1), data[:size]), (binary("b", 2), b"other")])
    assert store.read("a") == data[:size]
    assert store.delete_binary(["a"]) == 1
    assert [row.data for row in store.binary_rows()] == [b"other"]
    assert chunks(store) == 1


def test_a_file_beyond_what_a_document_holds(store: MongoStore, binary: Callable[..., Any]) -> None:
    data = bytes(17 * 2**20)
    store.add_binary([(binary("a", 1), data)])
    assert store.read("a") == data


@pytest.mark.usefixtures("small")
def test_long_bodies_go_to_the_chunks(store: MongoStore, binary: Callable[..., Any]) -> None:
    """MG-1, MG-5: their record keeps answering filters, and nothing of them stays behind."""
    store.add_binary([(binary("a", 1), b"data")])
    for number in range(6):
        assert store.add_box("a", box(number))
    assert everything(store)[0].boxes == tuple(map(box, range(6)))
    assert store.box_labels(ALL) == {"label 0", "label 1", "label 2"}
    assert store.replace_box("a", "b1", lambda one: replace(one, label="other"))
    assert store.binary_totals(Query(box_labels=frozenset({"other"}))).records == 1
    for number in range(1, 6):
        assert store.remove_box("a", f"b{number}")
    assert everything(store)[0].boxes == (box(0),)
    assert chunks(store) == 1
    store.clear()
    assert chunks(store) == 0


@pytest.mark.usefixtures("small")
def test_long_readings(store: MongoStore, tabular: Callable[..., Any]) -> None:
    added = [tabular("t", 1, payload=bytes(1000)), tabular("u", 2)]
    store.add_tabular(added)
    page = store.tabular_page(ALL, after=None, limit=9, descending=False)
    assert page.records == added
    assert store.tabular_totals(ALL) == (2, 1003)
    assert store.delete_tabular_matching(ALL) == 2
    assert chunks(store) == 0


@pytest.mark.parametrize("text", ["", "\x00", "a\x00b", "$set", "a.b", "$", "Ä", "a ", "🤖"])
def test_any_text_is_a_value(store: MongoStore, binary: Callable[..., Any], text: str) -> None:
    """FI-1: also what means something in the keys of a database."""
    record = binary(
        "a",
        component_name=text,
        mime_type=text,
        file_name=text,
        boxes=(replace(box(1), label=text),),
        method_parameters=(Parameter(key=text, type_url=text, value=b"\x00"),),
    )
    store.add_binary([(record, b"")])
    assert store.add_tags(["a"], [text]) == 1
    assert everything(store) == [replace(record, tags=(text,))]
    listed = Query(tag_rule=TagRule.LISTED, tags=frozenset({text}), box_labels=frozenset({text}))
    assert store.binary_totals(listed).records == 1
    dataset = Dataset(id="d", name=text, organization_id=text, time_created=YEAR_9999)
    assert store.add_dataset(dataset)
    assert not store.add_dataset(replace(dataset, id="e"))
    assert store.add_dataset(replace(dataset, id="e", name=f"{text} "))
    assert store.datasets(text)[0] == dataset
    store.set_database_password(text, text)
    assert store.database_passwords() == {text: text}


@pytest.mark.parametrize("time", [YEAR_1, -1, 0, 2**63 - 1, 2**63, YEAR_9999])
def test_intervals_are_exact(store: MongoStore, binary: Callable[..., Any], time: int) -> None:
    """A2: to the nanosecond, also where the integers of a database end."""
    store.add_binary([(binary(str(step), time + step), b"") for step in (-1, 0, 1)])
    for start, end, inside, expected in (
        (time, time, True, "0"),
        (time, time, False, ""),
        (time, None, True, "01"),
        (None, time, True, "-10"),
        (None, time, False, "-1"),
    ):
        query = Query(interval=Interval(start=start, end=end, end_inside=inside))
        page = store.binary_page(query, after=None, limit=9, descending=False)
        assert "".join(record.file_id for record in page.records) == expected


def test_a_server_killed_between_bytes_and_record(
    store: MongoStore, binary: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-5: its bytes go once they are old; those of records stay."""
    store.add_binary([(binary("a", 1), b"kept")])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store._writer, "_shortened", killed)
    with pytest.raises(KeyboardInterrupt):
        store.add_binary([(binary("b", 2), b"lost")])
    assert [record.file_id for record in everything(store)] == ["a"]
    database = store._database
    assert chunks(store) == 2
    assert database.blobs.sweep(database._referenced, before=blobs.a_day_ago()) == 0
    later = ObjectId(b"\xff" * 12)
    assert database.blobs.sweep(database._referenced, before=later) == 1
    assert store.read("a") == b"kept"
    assert chunks(store) == 1


def test_a_whole_store_moves_in(
    store: MongoStore, binary: Callable[..., Any], tabular: Callable[..., Any]
) -> None:
    """AR-1, PG-7: down to the arrivals, which never go back."""
    other = MemoryStore()
    other.add_binary([(binary(name, 5 - at), name.encode()) for at, name in enumerate("abc")])
    other.delete_binary(["c"])
    other.add_tabular([tabular("t", 1)])
    other.add_dataset(Dataset(id="d", name="n", organization_id="org", time_created=1))
    other.add_members("d", ["a"])
    other.set_database_password("org", "secret")
    store.add_binary([(binary("z", 1), b"")])
    store.replaced_by(other)
    assert state(store) == state(other)
    store.replaced_by(MemoryStore())
    assert store.stats() == MemoryStore().stats()
    assert store.arrivals == other.arrivals


@pytest.mark.parametrize("kind", DATABASES)
def test_another_format_is_refused(kind: str) -> None:
    """MG-6."""
    with clients() as connect:
        client = connect(kind)
        name = "fakeviam_test_format"
        client.drop_database(name)
        client[name]["others"].insert_one({"_id": 1})
        made = Database(client[name], seed=1, private=False, close=client.close)
        assert made.fresh
        again = Database(client[name], seed=2, private=False, close=client.close)
        assert (again.fresh, again.seed, made.server, again.server) == (False, 1, 1, 2)
        MongoStore(again).clear()
        assert client[name]["others"].count_documents({}) == 1
        again.state.update_one({"_id": "format"}, {"$set": {"version": 2}})
        with pytest.raises(
            UsageError, match="has the format 2 of fakeviam, and this version knows 1"
        ):
            Database(client[name], seed=1, private=False, close=client.close)
        client.drop_database(name)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "store must be memory:, mongomock: or mongodb://host/database"),
        ("mongodb://", "cannot use the database mongodb://: "),
        ("mongodb://me:secret@127.0.0.1:1/x?serverSelectionTimeoutMS=50", "Connection refused"),
    ],
)
def test_urls_that_are_no_good(url: str, text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        opener(url, seed=1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "missing", "extra"),
    [("mongomock:", "mongomock", "mongomock"), ("mongodb://localhost", "pymongo", "mongo")],
)
def test_what_must_be_installed(
    monkeypatch: pytest.MonkeyPatch, url: str, missing: str, extra: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    with pytest.raises(UsageError, match=rf"pip install 'fakeviam\[{extra}\]'"):
        opener(url, seed=1)


@pytest.mark.parametrize("url", ["mongomock:", *([f"{URL}/fakeviam_test_url"] if URL else [])])
def test_a_url_gives_stores_on_one_database(url: str, binary: Callable[..., Any]) -> None:
    make = opener(url, seed=5)
    one, two = make(), make()
    assert isinstance(one, MongoStore)
    assert one.ledgers is not None
    assert one.ledgers.seed == 5
    one.clear()
    one.add_binary([(binary("a", 1), b"")])
    assert two.binary_totals(ALL).records == 1
    with pytest.raises(UsageError, match="cannot be forked"):
        one.fork()
    one.close()
