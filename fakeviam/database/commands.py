"""The commands of the database: their handlers, fields and permissions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from fakeviam.database import reading
from fakeviam.database.context import (
    COLLECTION,
    DATABASE,
    Context,
    Reply,
)
from fakeviam.query.errors import QueryError, bad_value, wrong_type
from fakeviam.query.values import as_long, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.values import Document


#: The version that Viam's federated databases run.
SERVER_VERSION: Final = "7.0.0"


def _list_databases(context: Context, command: Document) -> Reply:
    database = {"name": DATABASE, "sizeOnDisk": 0, "empty": False}
    filter_ = reading.document_of(command, "filter")
    databases = context.transform([database], [{"$match": filter_}])
    if command.get("nameOnly"):
        return {"databases": [{"name": each["name"]} for each in databases], "ok": 1.0}
    return {"databases": databases, "totalSize": 0, "totalSizeMb": 0, "ok": 1.0}


def _list_collections(context: Context, command: Document) -> Reply:
    collections: list[Document] = []
    if context.database == DATABASE:
        collection: Document = {"name": COLLECTION, "type": "collection"}
        if not command.get("nameOnly"):
            collection.update(options={}, info={"readOnly": True})
        collections = [collection]
    filter_ = reading.document_of(command, "filter")
    return context.cursor(context.transform(collections, [{"$match": filter_}]), size=None)


def _list_indexes(context: Context, command: Document) -> Reply:
    if (context.database, command["listIndexes"]) != (DATABASE, COLLECTION):
        raise QueryError(26, f"ns does not exist: {context.database}.{command['listIndexes']}")
    return context.cursor([{"v": 2, "key": {"_id": 1}, "name": "_id_"}], size=None)


def _statistics(context: Context, command: Document) -> Reply:
    del command
    count = len(context.run([])) if context.database == DATABASE else 0
    return {
        "db": context.database,
        "collections": int(context.database == DATABASE),
        "objects": count,
        "ok": 1.0,
    }


def _build_info(context: Context, command: Document) -> Reply:
    del context, command
    return {
        "version": SERVER_VERSION,
        "versionArray": [*map(int, SERVER_VERSION.split(".")), 0],
        "modules": [],
        "bits": 64,
        "maxBsonObjectSize": 16 * 1024 * 1024,
        "ok": 1.0,
    }


def _connection_status(context: Context, command: Document) -> Reply:
    known = bool(context.user)
    info: Document = {
        "authenticatedUsers": [{"user": context.user, "db": "admin"}] if known else [],
        "authenticatedUserRoles": [{"role": "read", "db": DATABASE}] if known else [],
    }
    if command.get("showPrivileges"):
        info["authenticatedUserPrivileges"] = []
    return {"authInfo": info, "ok": 1.0}


def _own_address(context: Context, command: Document) -> Reply:
    del command
    return {"you": context.peer, "ok": 1.0}


def _parameters(context: Context, command: Document) -> Reply:
    del context
    if command.get("featureCompatibilityVersion"):
        version = SERVER_VERSION.rpartition(".")[0]
        return {"featureCompatibilityVersion": {"version": version}, "ok": 1.0}
    raise QueryError(72, "no such parameter is served, but featureCompatibilityVersion")


def _fine(context: Context, command: Document) -> Reply:
    del context, command
    return {"ok": 1.0}


def _refuse_write(context: Context, command: Document) -> Reply:
    raise context.unauthorized(command)


class Command(NamedTuple):
    """A command.

    Attributes:
        answer: The handler.
        fields: The fields of this command, besides common ones.
        before_login: Whether it is permitted without a login.
        may_be_long: Whether it reads readings, and therefore may take long.
    """

    answer: Callable[[Context, Document], Reply]
    fields: frozenset[str] = frozenset()
    before_login: bool = False
    may_be_long: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Fields that every command may have. Most, such as sessions and read concern, have no effect on a
#: single read-only server; those of transactions are refused.
_COMMON = _words(
    "$clusterTime $configTime $db $readPreference allowDiskUse apiDeprecationErrors apiStrict "
    "apiVersion autocommit comment hint lsid maxTimeMS readConcern startTransaction txnNumber "
    "writeConcern"
)

_WRITES = _words(
    "abortTransaction bulkWrite cloneCollectionAsCapped collMod commitTransaction compact "
    "convertToCapped create createIndexes createRole createUser delete drop dropDatabase "
    "dropIndexes dropRole dropUser findAndModify findandmodify grantRolesToUser insert killOp "
    "mapReduce mapreduce reIndex renameCollection revokeRolesFromUser setParameter shutdown "
    "update updateUser"
)


COMMANDS: Final = MappingProxyType(
    {
        **{name: Command(_refuse_write) for name in _WRITES},
        "find": Command(
            reading.find,
            _words(
                "allowPartialResults awaitData batchSize collation filter let limit "
                "noCursorTimeout oplogReplay projection singleBatch skip sort tailable"
            ),
            may_be_long=True,
        ),
        "aggregate": Command(
            reading.aggregate,
            _words("bypassDocumentValidation collation cursor explain let pipeline"),
            may_be_long=True,
        ),
        "count": Command(
            reading.count, _words("collation fields limit query skip"), may_be_long=True
        ),
        "distinct": Command(reading.distinct, _words("collation key query"), may_be_long=True),
        "getMore": Command(reading.get_more, _words("batchSize collection term"), may_be_long=True),
        "killCursors": Command(reading.kill_cursors, _words("cursors")),
        "listDatabases": Command(_list_databases, _words("authorizedDatabases filter nameOnly")),
        "listCollections": Command(
            _list_collections, _words("authorizedCollections cursor filter nameOnly")
        ),
        "listIndexes": Command(_list_indexes, _words("cursor")),
        "dbStats": Command(_statistics, _words("freeStorage scale"), may_be_long=True),
        "dbstats": Command(_statistics, _words("freeStorage scale"), may_be_long=True),
        "getParameter": Command(_parameters, _words("featureCompatibilityVersion allParameters")),
        "whatsmyuri": Command(_own_address, before_login=True),
        "connectionStatus": Command(
            _connection_status, _words("showPrivileges"), before_login=True
        ),
        "buildInfo": Command(_build_info, before_login=True),
        "buildinfo": Command(_build_info, before_login=True),
        "ping": Command(_fine, before_login=True),
        "endSessions": Command(_fine, before_login=True),
        "refreshSessions": Command(_fine),
        "startSession": Command(_fine),
    }
)


def find_command(document: Document) -> Command:
    """The command that a document names.

    Raises:
        QueryError: It does not exist, or does not have one of the fields.
    """
    name = next(iter(document), "")
    command = COMMANDS.get(name)
    if command is None:
        raise QueryError(59, f"no such command: '{name:.80}'")
    if command.answer is not _refuse_write:
        for field in document:  # only the first unknown field is reported
            if field not in {name, *command.fields, *_COMMON}:
                raise QueryError(40415, f"BSON field '{name}.{field}' is an unknown field.")
    _check_common(document)
    return command


def _check_common(document: Document) -> None:
    """Refuse transactions, like a server that is not a member of a replica set (DB-7)."""
    if not isinstance(document.get("lsid", {}), dict):
        raise wrong_type("BSON field 'lsid' must be an object with the id of a session")
    limit = document.get("maxTimeMS")
    if limit is not None and (as_long(limit) is None or not 0 <= number(limit) < 1 << 31):
        raise bad_value(f"maxTimeMS must be a whole number of 31 bits, got {limit!r:.80}")
    if document.get("txnNumber") is not None:
        if "lsid" not in document:
            raise QueryError(72, "Transaction number requires a session ID to also be specified")
        text = "Transaction numbers are only allowed on a replica set member or mongos"
        raise QueryError(20, f"{text}: the federated database has no transactions")
    for field in ("autocommit", "startTransaction"):
        if document.get(field) is not None:
            text = f"'{field}' field requires a transaction number to also be specified"
            raise QueryError(72, text)
    if (name := next(iter(document))) in {"abortTransaction", "commitTransaction"}:
        raise QueryError(125, f"{name} must be run within a transaction")
