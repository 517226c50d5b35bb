"""Checks the clauses of a SELECT."""

from __future__ import annotations

from types import MappingProxyType

from sqlglot import exp

from fakeviam.query.sql.errors import SqlError, UnservedSqlError, unexpected

_SERVED_CLAUSES = frozenset(
    {
        *("expressions", "from", "from_", "where", "group", "having", "order", "limit", "offset"),
        "distinct",
    }
)
_UNSERVED_CLAUSES = MappingProxyType(
    {"joins": "JOIN", "with": "WITH", "with_": "WITH", "laterals": "LATERAL"}
)


def check_clauses(tree: exp.Select) -> None:
    """Check that the dialect has all clauses of a statement, and that they are supported.

    Raises:
        SqlError: The dialect does not have the clause.
        UnservedSqlError: The fake does not support it.
    """
    for name, value in tree.args.items():
        if not value or name in _SERVED_CLAUSES:
            continue
        if name == "joins":
            for join in value:
                _check_join(join)
        if name in _UNSERVED_CLAUSES:
            instead = "there is one collection, readings; join in your program"
            raise UnservedSqlError(_UNSERVED_CLAUSES[name], instead if name == "joins" else "")
        word = name.strip("_").upper()
        raise unexpected(word, f"the dialect's SELECT has no {word} here")
    distinct = tree.args.get("distinct")
    if isinstance(distinct, exp.Distinct) and distinct.args.get("on"):
        raise unexpected("ON", "DISTINCT looks at whole rows")
    if not tree.expressions:
        raise unexpected("SELECT", "nothing is selected; write SELECT * or name columns")


def _check_join(join: exp.Join) -> None:
    """Refuse JOIN: either the dialect lacks the form, or the fake does not support it (SL-12)."""
    if join.method or join.args.get("using") or join.side == "FULL":
        word = "USING" if join.args.get("using") else join.method or join.side
        raise unexpected(word, "the dialect has CROSS, INNER, LEFT and RIGHT JOIN … ON")
    if join.side and not join.args.get("on"):
        raise SqlError(3019, "OUTER JOINs must specify a JOIN condition")
