"""From a store URL to a factory of stores."""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.text import short
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.store.base import Store

#: The database name if the URL has none.
DATABASE = "fakeviam"

#: Timeouts in milliseconds, to find a server and to get its reply. Short, since all other calls
#: wait meanwhile; options in the URL override them.
_PATIENCE = {"serverSelectionTimeoutMS": 5000, "connectTimeoutMS": 5000, "socketTimeoutMS": 15_000}

_PASSWORD = re.compile(r"//.*@")


def opener(url: str, *, seed: int) -> Callable[[], Store]:
    """The store factory of a URL: memory:, mongomock: or mongodb://host/database.

    Args:
        url: Where the records are kept.
        seed: The seed of a new database.

    Raises:
        UsageError: The URL is of an unknown kind, a package is missing, or the database cannot be
            opened.
    """
    if url == "memory:":
        return MemoryStore
    if url == "mongomock:":
        return _embedded(seed)
    if url.startswith(("mongodb://", "mongodb+srv://")):
        return _connected(url, seed)
    raise UsageError(
        f"store must be memory:, mongomock: or mongodb://host/database, got {short(_hidden(url))}"
    )


def _embedded(seed: int) -> Callable[[], Store]:
    try:
        import mongomock  # noqa: F401, PLC0415 - of an extra
        import pymongo  # noqa: F401, PLC0415 - mongomock raises its errors if it is there
    except ImportError as error:
        raise _lacks("mongomock:", "mongomock", error) from error
    from fakeviam.store.mongo.database import Database  # noqa: PLC0415
    from fakeviam.store.mongo.embedded import Embedded  # noqa: PLC0415
    from fakeviam.store.mongo.store import MongoStore  # noqa: PLC0415

    client: Any = Embedded()
    database = Database(client[DATABASE], seed=seed, private=True, close=_nothing)
    return lambda: MongoStore(database)


def _connected(url: str, seed: int) -> Callable[[], Store]:
    try:
        from pymongo import MongoClient  # noqa: PLC0415 - of an extra
        from pymongo.errors import PyMongoError  # noqa: PLC0415
    except ImportError as error:
        raise _lacks("mongodb:", "mongo", error) from error
    from fakeviam.store.mongo.database import Database  # noqa: PLC0415
    from fakeviam.store.mongo.store import MongoStore  # noqa: PLC0415

    client: MongoClient[Any] | None = None
    try:
        # Options in the URL take precedence over these.
        client = MongoClient(url, appname="fakeviam", **_patience(url))
        client.admin.command("ping")
        default = client.get_default_database(DATABASE)
        database = Database(default, seed=seed, private=False, close=client.close)
        # A fake that was never entered is never closed either.
        weakref.finalize(database, client.close)
    except (PyMongoError, Refusal) as error:
        if client is not None:
            client.close()
        raise UsageError(
            f"cannot use the database {_hidden(url)}: {_first_sentence(error)}"
        ) from error
    except BaseException:
        if client is not None:
            client.close()
        raise
    return lambda: MongoStore(database)


def _patience(url: str) -> dict[str, Any]:
    lowered = url.lower()
    return {name: value for name, value in _PATIENCE.items() if f"{name.lower()}=" not in lowered}


def _lacks(url: str, extra: str, error: ImportError) -> UsageError:
    return UsageError(f"the store {url} requires {error.name}: pip install 'fakeviam[{extra}]'")


def _hidden(url: str) -> str:
    """The URL without its credentials."""
    return _PASSWORD.sub("//***@", url)


def _first_sentence(error: Exception) -> str:
    """The first sentence; the rest is the driver's view of its topology."""
    return str(error).partition(", Timeout:")[0]


def _nothing() -> None:
    pass
