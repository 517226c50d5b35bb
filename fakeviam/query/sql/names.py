"""Names in statements, and paths of them."""

from __future__ import annotations

import re

from sqlglot import exp

from fakeviam.query.sql.dialect import RESERVED
from fakeviam.query.sql.errors import SqlError, brief, unexpected, wrong_syntax
from fakeviam.query.sql.functions import literal

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def path(names: tuple[str, ...]) -> object:
    """The expression for a path whose names may contain any characters."""
    if all(name and name[0] != "$" and "." not in name for name in names):
        return f"${'.'.join(names)}"
    spec: object = "$$ROOT"
    for name in names:
        spec = {"$sqlField": [spec, literal(name)]}
    return spec


def is_path(node: exp.Expr) -> bool:
    """Whether an expression is a column, or a path into one."""
    while isinstance(node, exp.Dot):
        if not isinstance(node.expression, exp.Identifier):
            return False
        node = node.this
    return isinstance(node, exp.Column) and not isinstance(node.this, exp.Star)


def names_of(node: exp.Expr) -> tuple[str, ...]:
    """The names of a path.

    Raises:
        SqlError: A name is invalid.
    """
    behind: list[str] = []
    while isinstance(node, exp.Dot):
        behind.append(identifier(node.expression))
        node = node.this
    if isinstance(node.this, exp.Star):
        raise SqlError(3010, "* argument only valid in COUNT function")
    parts = node.parts if isinstance(node, exp.Column) else [node]
    return (*map(identifier, parts), *reversed(behind))


def identifier(node: exp.Expr) -> str:
    """Return a name.

    Raises:
        SqlError: It must be in backticks or double quotes.
    """
    name = str(node.name)
    if not isinstance(node, exp.Identifier):
        raise unexpected(name, "a name was expected")
    if not node.args.get("quoted"):
        if name.lower() in RESERVED:
            raise unexpected(name, f"it is a reserved word; as a name it is `{name}` in backticks")
        if not _NAME.fullmatch(name):
            raise wrong_syntax(f"InvalidToken {brief(name)}; as a name it stands in backticks")
    return name
