"""Databases for the tests: embedded, and on the server that FAKEVIAM_MONGO_URL names."""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pymongo

from fakeviam.store.mongo.database import Database
from fakeviam.store.mongo.embedded import Embedded
from fakeviam.store.mongo.store import MongoStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A MongoDB that tests may make databases in; `make test-mongo` gives one.
URL = os.environ.get("FAKEVIAM_MONGO_URL")

EMBEDDED = "mongomock"
DATABASES = [EMBEDDED, *(["mongodb"] if URL else [])]

#: All kinds of stores that there are here.
KINDS = ["memory", *DATABASES]


@contextmanager
def clients() -> Iterator[Callable[[str], Any]]:
    """Connect to databases of a kind, each time over a connection of its own."""
    with ExitStack() as stack:
        embedded: Any = Embedded()

        def connect(kind: str) -> Any:
            if kind == EMBEDDED:
                return embedded
            client: Any = pymongo.MongoClient(URL)
            stack.callback(client.close)
            return client

        yield connect


@contextmanager
def databases() -> Iterator[Callable[..., MongoStore]]:
    """Make stores of a kind; those of one name share a database. At the end all go."""
    with clients() as connect, ExitStack() as stack:
        made: set[str] = set()
        here = uuid.uuid4().hex

        def make(kind: str, name: str = "") -> MongoStore:
            client = connect(kind)
            full = f"fakeviam_test_{here}_{name or len(made)}"
            if full not in made:
                made.add(full)
                stack.callback(client.drop_database, full)
            database = Database(client[full], seed=1, private=False, close=client.close)
            return MongoStore(database)

        yield make
