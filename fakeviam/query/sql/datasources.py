"""FROM: the data source of a statement."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlglot import exp

from fakeviam.query.sql.errors import SqlError, UnservedSqlError, unexpected
from fakeviam.query.sql.expressions import TableSource
from fakeviam.query.sql.names import identifier, is_path, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.query.values import Document

    Derive = Callable[[exp.Expr], tuple[Mapping[str, str | None], list[Document]]]

DATABASE = "sensorData"
COLLECTION = "readings"

#: The columns of a reading.
COLUMNS = MappingProxyType(
    {
        "_id": "objectId",
        **dict.fromkeys(("organization_id", "location_id", "robot_id", "part_id"), "string"),
        **dict.fromkeys(("component_type", "component_name", "method_name"), "string"),
        **dict.fromkeys(("time_requested", "time_received", "capture_day"), "date"),
        "tags": "array",
        "additional_parameters": "object",
        "data": "object",
    }
)

_NOTHING = TableSource(frozenset(), {})


def source_of(clause: exp.From | None, derive: Derive) -> tuple[TableSource, list[Document]]:
    """Translate FROM to a source of columns and the stages that produce its rows.

    Args:
        clause: The FROM clause.
        derive: Translates a derived table to the kinds of its columns, and its stages.

    Raises:
        SqlError: The collection does not exist, or an UNWIND is invalid.
        UnservedSqlError: The fake does not support this kind of source.
    """
    return (_NOTHING, []) if clause is None else _source(clause.this, derive)


def _source(node: exp.Expr, derive: Derive) -> tuple[TableSource, list[Document]]:
    if isinstance(node, exp.Anonymous) and node.name == "UNWIND":
        return _unwound(node, derive)
    if isinstance(node, exp.Anonymous) and node.name == "FLATTEN":
        text = "Insufficient schema information: data may have any fields"
        raise SqlError(3025, f"{text}; name them, as in data.readings.x AS x")
    if isinstance(node, exp.Subquery):
        return _derived(node, derive)
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise UnservedSqlError("this FROM", f"select from {COLLECTION}")
    return TableSource(frozenset({_name(node)}), COLUMNS), []


def _name(node: exp.Table) -> str:
    """The qualifier of a collection's columns."""
    _check_parts(node)
    database = identifier(node.args["db"]) if node.args.get("db") else DATABASE
    collection = identifier(node.this)
    if (database, collection) != (DATABASE, COLLECTION):
        text = f"unknown collection '{collection}' in database '{database}'"
        raise SqlError(1016, f"{text}; there is {DATABASE}.{COLLECTION}")
    alias = node.args.get("alias")
    if alias and alias.args.get("columns"):
        raise unexpected("(", "columns are named in SELECT")
    return identifier(alias.this) if alias else COLLECTION


def _check_parts(node: exp.Table) -> None:
    for name, value in node.args.items():
        if value and name not in {"this", "db", "alias"}:
            if name == "joins":
                raise UnservedSqlError("JOIN", "there is one collection, readings")
            raise unexpected(name.upper(), "it can't stand in FROM")


def _derived(node: exp.Subquery, derive: Derive) -> tuple[TableSource, list[Document]]:
    """`(SELECT …) AS name`."""
    alias = node.args.get("alias")
    if alias is None:
        raise unexpected("(", "a statement in FROM needs a name, as in FROM (SELECT …) AS x")
    for name, value in node.args.items():
        if value and name not in {"this", "alias"}:
            raise unexpected(name.upper(), "it can't stand behind a statement in FROM")
    if alias.args.get("columns"):
        raise unexpected("(", "columns are named in SELECT")
    kinds, stages = derive(node.this)
    return TableSource(frozenset({identifier(alias.this)}), kinds, derived=True), stages


def _unwound(node: exp.Anonymous, derive: Derive) -> tuple[TableSource, list[Document]]:
    """`UNWIND(source WITH PATH => …, INDEX => …, OUTER => …)`."""
    inner, *options = node.expressions
    source, stages = _source(inner, derive)
    arguments: dict[str, exp.Expr] = {}
    for option in options:
        name = option.this.name
        if name not in {"PATH", "INDEX", "OUTER"}:
            raise unexpected(name, "UNWIND has the options PATH, INDEX and OUTER")
        if name in arguments:
            raise SqlError(3027, f"found duplicate UNWIND option {name}")
        arguments[name] = option.expression
    if "PATH" not in arguments:
        raise SqlError(3028, "UNWIND must specify a PATH option")
    names = _path(source, arguments["PATH"])
    kinds: dict[str, str | None] = dict(source.kinds)
    if len(names) == 1:
        kinds[names[0]] = None
    spec: dict[str, object] = {"path": f"${'.'.join(names)}"}
    if "INDEX" in arguments:
        (index,) = _path(source, arguments["INDEX"], most=1)
        if index in kinds:
            raise SqlError(1014, f"UNWIND INDEX name '{index}' conflicts with existing field name")
        spec["includeArrayIndex"] = index
        kinds[index] = "number"
    outer = arguments.get("OUTER")
    if outer is not None and not isinstance(outer, exp.Boolean):
        raise unexpected(outer.name, "OUTER takes true or false")
    spec["preserveNullAndEmptyArrays"] = outer is not None and bool(outer.this)
    return source._replace(kinds=kinds), [*stages, {"$unwind": spec}]


def _path(source: TableSource, node: exp.Expr, *, most: int = 100) -> tuple[str, ...]:
    if not is_path(node) or len(names_of(node)) > most:
        raise SqlError(3029, "UNWIND PATH option must be an identifier")
    names = names_of(node)
    if len(names) > 1 and names[0] in source.names:
        names = names[1:]
    if any("." in name or name[:1] in {"", "$"} for name in names):
        raise UnservedSqlError("UNWIND of a path with such names", "it takes plain names")
    return names
