"""Translates a statement to the stages of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from fakeviam.query.budget import Limits
from fakeviam.query.expressions import Compiler
from fakeviam.query.pushdown import TEXTS
from fakeviam.query.sql.clauses import check_clauses
from fakeviam.query.sql.datasources import source_of
from fakeviam.query.sql.dialect import WHOLE_ROW, parse
from fakeviam.query.sql.errors import SqlError, UnservedSqlError, brief, unexpected, wrong_syntax
from fakeviam.query.sql.expressions import Expressions
from fakeviam.query.sql.grouping import Groups, has_aggregate
from fakeviam.query.sql.names import identifier, is_path, names_of
from fakeviam.query.sql.operators import SQL_OPERATORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fakeviam.query.values import Document

_LONGEST_COUNT = 1 << 32

#: Comparisons that the store can evaluate, by their names in filters.
_BOUNDS = MappingProxyType({"$sqlGt": "$gt", "$sqlGte": "$gte", "$sqlLt": "$lt", "$sqlLte": "$lte"})
_TURNED = MappingProxyType({"$gt": "$lt", "$gte": "$lte", "$lt": "$gt", "$lte": "$gte"})
_DATES = MappingProxyType({f"${name}": name for name in ("time_requested", "time_received")})
_COLUMNS = MappingProxyType({f"${name}": name for name in TEXTS})


_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)
_SET_NAMES = frozenset({"rollup", "cube", "grouping_sets", "totals", "all"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """A translated statement.

    Attributes:
        stages: The stages.
        columns: The columns of the result, with the kinds of their values if known.
        reads: Whether it reads readings; without FROM, there is one row without columns.
        sorted: Whether it has an ORDER BY.
        bounded: Whether its WHERE has a lower bound for `time_received` (APP-10891).
        text_dates: Whether a string literal was interpreted as a date.
        compares: Whether it compares values whose kinds depend on the rows.
        counts_rows: Whether it aggregates all rows to one group.
        unknown: Columns that it names but no reading has.
    """

    stages: Sequence[Document]
    columns: Mapping[str, str | None]
    reads: bool
    sorted: bool
    bounded: bool
    text_dates: bool
    compares: bool
    counts_rows: bool
    unknown: Sequence[str]


def translate(text: str, *, now: datetime) -> Translation:
    """Translate a statement.

    Raises:
        SqlError: It is not a statement, or is invalid.
        UnservedSqlError: The fake does not support it.
    """
    compiler = Compiler(SQL_OPERATORS, limits=Limits(), now=now, random=Random(0))  # noqa: S311 - not used
    try:
        return _Statement(parse(text), compiler).translation()
    except RecursionError:
        raise wrong_syntax("the statement is nested too deeply") from None


class _Statement:
    """Translates one SELECT."""

    def __init__(self, tree: exp.Select, compiler: Compiler) -> None:
        check_clauses(tree)
        _place_keys(tree)
        self._tree = tree
        self._compiler = compiler
        self._bounded = False
        self._inner: Translation | None = None
        clause = tree.args.get("from_") or tree.args.get("from")
        self._source, self._before = source_of(clause, self._derive)
        self._rows = Expressions(self._source)

    def _derive(self, tree: exp.Expr) -> tuple[Mapping[str, str | None], list[Document]]:
        """The columns and stages of the derived table in FROM."""
        if not isinstance(tree, exp.Select):
            raise UnservedSqlError(f"{type(tree).__name__.upper()} in FROM", "one SELECT is")
        inner = _Statement(tree, self._compiler)
        self._inner = inner.translation()
        self._bounded = self._inner.bounded
        return self._inner.columns, list(self._inner.stages)

    def translation(self) -> Translation:
        tree = self._tree
        pushed, where = self._conditions()
        group = tree.args.get("group")
        selected = [each.unalias() for each in tree.expressions]
        having = tree.args.get("having")
        grouped = group is not None or any(map(has_aggregate, [*selected, having]))
        rows = Groups(self._rows, self._keys(group)) if grouped else self._rows
        self._star = _stars(tree.expressions, grouped=grouped)
        columns = {} if self._star else self._columns(rows)
        condition = [] if having is None else [_matching(rows.truth(having.this, "Having"))]
        order = self._order(rows, columns)
        # The store's conditions must be the first stage, where the planner finds them.
        stages = [*pushed, *self._before, *where]
        if isinstance(rows, Groups):
            stages.append(rows.stage())
        stages += condition
        row = [] if self._star else [{"$replaceWith": {"$sqlRow": list(columns.items())}}]
        # DISTINCT applies to the result, so ORDER BY and LIMIT follow it. Otherwise they precede
        # SELECT, because ORDER BY may name columns of the source that the result does not have.
        if tree.args.get("distinct"):
            stages += [*row, {"$group": {"_id": "$$ROOT"}}, {"$replaceWith": "$_id"}]
            stages += [*order, *self._cut()]
        else:
            stages += [*order, *self._cut(), *row]
        inner = self._inner
        reads = bool(self._source.names) if inner is None else inner.reads
        known = (self._rows, rows) if inner is None else (self._rows, rows, inner)
        unknown = [*self._rows.unknown, *(() if inner is None else inner.unknown)]
        return Translation(
            stages=stages,
            columns=self._kinds(rows, columns),
            reads=reads,
            sorted=bool(order),
            bounded=self._bounded,
            text_dates=any(each.text_dates for each in known),
            compares=any(each.compares for each in known),
            counts_rows=(grouped and group is None) or bool(inner and inner.counts_rows),
            unknown=tuple(unknown) if reads else (),
        )

    def _kinds(self, rows: Expressions, columns: Mapping[str, object]) -> Mapping[str, str | None]:
        """The columns of the result, with the kinds of their values if known."""
        if self._star:
            return self._source.kinds
        kinds: dict[str, str | None] = dict.fromkeys(columns)
        for place, each in enumerate(self._tree.expressions, 1):
            if not _is_whole_row(each):
                kinds[_name_of(each, place)] = rows.term(each.unalias()).kind
        return kinds

    # WHERE ------------------------------------------------------------------------------------

    def _conditions(self) -> tuple[list[Document], list[Document]]:
        """The conditions that the store can evaluate, and the stages for the others."""
        where = self._tree.args.get("where")
        if where is None:
            return [], []
        whole = where.this.unnest()
        parts = list(whole.flatten()) if isinstance(whole, exp.And) else [whole]
        filters: Document = {}
        left: list[object] = []
        for part in parts:
            spec = self._rows.truth(part, "Where")
            left += [each for each in _conjuncts(spec) if not self._is_pushed(each, filters)]
        pushed: list[Document] = [{"$match": filters}] if filters else []
        if not left:
            return pushed, []
        return pushed, [_matching(left[0] if len(left) == 1 else {"$sqlAnd": left})]

    def _is_pushed(self, spec: object, filters: Document) -> bool:
        """Add a condition to the store's filters, if the store can evaluate it exactly."""
        if not self._source.names or self._source.derived or not isinstance(spec, dict):
            return False
        ((name, operands),) = spec.items()
        operator = "$eq" if name == "$sqlEq" else _BOUNDS.get(name)
        if operator is None:
            return False
        column, value = operands
        if not isinstance(column, str):
            # A constant on the left: 5 < x is x > 5.
            column, value, operator = value, column, _TURNED.get(operator, operator)
        if not isinstance(column, str):
            return False
        if column in _COLUMNS:
            return self._selects(_COLUMNS[column], operator, self._constant(value), filters)
        return column in _DATES and self._bounds(
            _DATES[column], operator, self._constant(value), filters
        )

    @staticmethod
    def _selects(field: str, operator: str, value: object, filters: Document) -> bool:
        if operator != "$eq" or not isinstance(value, str) or not value or field in filters:
            return False
        filters[field] = value
        return True

    def _bounds(self, field: str, operator: str, value: object, filters: Document) -> bool:
        if not isinstance(value, datetime):
            return False
        self._bounded |= field == "time_received" and operator in {"$gt", "$gte", "$eq"}
        bounds = filters.get(field, {})
        # An interval has one bound on each side; further conditions remain in the stages.
        if operator == "$eq" or operator in bounds:
            return False
        filters[field] = {**bounds, operator: value}
        return True

    def _constant(self, spec: object) -> object:
        """The value of an expression without columns; None if it has any."""
        if _reads_rows(spec):
            return None
        return self._compiler.of_document(spec)({})

    # GROUP BY, SELECT -------------------------------------------------------------------------

    def _keys(self, group: exp.Group | None) -> list[exp.Expr]:
        """The grouping keys: expressions, or aliases of selected ones."""
        if group is None:
            return []
        for each in [group, *group.expressions]:
            if isinstance(each, _SETS) or set(filter(each.args.get, each.args)) & _SET_NAMES:
                raise UnservedSqlError("GROUP BY with ROLLUP, CUBE or sets")
        aliases = {
            each.alias: each.this for each in self._tree.expressions if isinstance(each, exp.Alias)
        }
        keys = []
        for each in group.expressions:
            if has_aggregate(each):
                raise SqlError(3011, "aggregation function used in scalar position in GROUP BY")
            name = each.name if isinstance(each, exp.Column) and len(each.parts) == 1 else ""
            known = name in self._source.kinds
            keys.append(aliases[name] if name in aliases and not known else each)
        return keys

    def _columns(self, rows: Expressions) -> dict[str, object]:
        columns: dict[Any, Any] = {}
        (first, *_) = selected = self._tree.expressions
        if _is_whole_row(first) and len(selected) == 1:
            return dict(rows.spec(first.expressions[0])["$sqlRow"])
        for place, each in enumerate(selected, 1):
            name = _name_of(each, place)
            if name in columns:
                raise SqlError(3023, f'found duplicate document key "{brief(name)}"')
            columns[name] = rows.spec(each.unalias())
        return columns

    # ORDER BY, LIMIT --------------------------------------------------------------------------

    def _order(self, rows: Expressions, columns: dict[str, object]) -> list[Document]:
        order = self._tree.args.get("order")
        if order is None:
            return []
        keys = []
        for each in order.expressions:
            descends = bool(each.args.get("desc"))
            if each.args.get("nulls_first") is descends or each.args.get("with_fill"):
                raise unexpected("NULLS", "null is less than all other values")
            keys.append((self._sort_key(rows, columns, each.this), -1 if descends else 1))
        paths = [spec for spec, _ in keys]
        plain = all(isinstance(spec, str) and spec[:2] != "$$" for spec in paths)
        if plain and len(set(paths)) == len(paths):
            return [{"$sort": {spec[1:]: direction for spec, direction in keys}}]
        fields = [[f"k{place}", spec] for place, (spec, _) in enumerate(keys)]
        return [
            {"$replaceWith": {"$sqlRow": [["row", "$$ROOT"], *fields]}},
            {"$sort": {f"k{place}": direction for place, (_, direction) in enumerate(keys)}},
            {"$replaceWith": "$row"},
        ]

    def _sort_key(self, rows: Expressions, columns: dict[str, object], key: exp.Expr) -> Any:
        """The sort key: a column of the result by position or name, or a path in the source."""
        name = None
        if isinstance(key, exp.Literal) and not key.is_string and key.this.isdigit():
            if not 1 <= int(key.this[:9]) <= len(columns):
                count = len(columns)
                raise wrong_syntax(f"ORDER BY {brief(key.this)}: SELECT has {count} columns")
            name = list(columns)[int(key.this) - 1]
        elif not is_path(key):
            text = "ORDER BY sorts by columns, aliases and places; give the expression an alias"
            raise SqlError(3034, f"invalid sort key: {text}")
        elif names_of(key)[0] in columns and len(names_of(key)) == 1:
            name = names_of(key)[0]
        if self._tree.args.get("distinct") and not self._star:
            return self._of_distinct(name or names_of(key)[-1], columns)
        return rows.spec(key) if name is None else columns[name]

    @staticmethod
    def _of_distinct(name: str, columns: dict[str, object]) -> object:
        if name not in columns:
            raise SqlError(3008, f"Field `{name}` not found: DISTINCT sorts by selected columns")
        return {"$sqlField": ["$$ROOT", {"$literal": name}]}

    def _cut(self) -> list[Document]:
        tree = self._tree
        limit, offset = tree.args.get("limit"), tree.args.get("offset")
        stages: list[Document] = []
        if offset is not None:
            stages.append({"$skip": _count("OFFSET", offset.expression)})
        if limit is not None:
            is_fetch = isinstance(limit, exp.Fetch)
            most = _count("LIMIT", limit.args.get("count" if is_fetch else "expression"))
            stages.append({"$limit": most} if most else _matching(spec=False))
        return stages


def _place_keys(tree: exp.Select) -> None:
    """Replace the aliases of grouping keys (GROUP BY x AS y), which no other clause understands."""
    group = tree.args.get("group")
    keys = {} if group is None else _named_keys(group)
    if group is None or not keys:
        return
    group.set("expressions", [each.unalias() for each in group.expressions])
    selected = [
        exp.alias_(each, each.args["this"].copy()) if _key_of(each, keys) else each
        for each in tree.expressions
    ]
    tree.set("expressions", selected)
    names = {_name_of(each, place) for place, each in enumerate(selected, 1)}
    for clause in (*selected, tree.args.get("having"), tree.args.get("order")):
        for column in [] if clause is None else list(clause.find_all(exp.Column)):
            key = _key_of(column, keys)
            if key and not (isinstance(clause, exp.Order) and column.name in names):
                column.replace(key.copy() if is_path(key) else exp.paren(key.copy()))


def _named_keys(group: exp.Expr) -> dict[tuple[str, ...], exp.Expr]:
    """The grouping keys that have an alias."""
    keys: dict[tuple[str, ...], exp.Expr] = {}
    for each in group.expressions:
        if isinstance(each, exp.Alias):
            name = identifier(each.args["alias"])
            if (name,) in keys:
                raise SqlError(3023, f'found duplicate document key "{brief(name)}"')
            keys[name,] = each.this
    return keys


def _key_of(node: exp.Expr, keys: dict[tuple[str, ...], exp.Expr]) -> exp.Expr | None:
    return keys.get(names_of(node)) if isinstance(node, exp.Column) else None


def _stars(selected: list[exp.Expr], *, grouped: bool) -> bool:
    """Whether a statement selects all columns."""
    stars = [each for each in selected if each.is_star]
    if not stars:
        return False
    if len(selected) > 1 or any(value for value in stars[0].args.values() if value is True):
        raise SqlError(3002, "standard SELECT expressions can only contain *")
    if any(stars[0].args.get(name) for name in ("except", "except_", "replace", "rename")):
        raise unexpected("EXCEPT", "* stands alone")
    if grouped:
        raise UnservedSqlError("SELECT * of groups", "name the columns")
    return True


def _is_whole_row(node: exp.Expr) -> bool:
    """Whether a column is a whole row, `VALUE {…}`."""
    return isinstance(node, exp.Anonymous) and str(node.name) == WHOLE_ROW


def _name_of(node: exp.Expr, place: int) -> str:
    """The name of a column: its alias, the last name of its path, or its position."""
    if isinstance(node, exp.Alias):
        return identifier(node.args["alias"])
    inner = node.unnest()
    return names_of(inner)[-1] if is_path(inner) else f"_{place}"


def _count(what: str, node: exp.Expr | None) -> int:
    if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit():
        literal = "" if node is None else brief(node.sql())
        raise unexpected(literal, f"{what} takes a whole number")
    if len(node.this) > 10 or int(node.this) >= _LONGEST_COUNT:
        raise wrong_syntax(f"failed to convert number to u32: {what} {brief(node.this)}")
    return int(node.this)


def _matching(spec: object) -> Document:
    return {"$match": {"$expr": spec}}


def _conjuncts(spec: object) -> list[object]:
    if isinstance(spec, dict) and spec.keys() == {"$sqlAnd"}:
        return [inner for each in spec["$sqlAnd"] for inner in _conjuncts(each)]
    return [spec]


def _reads_rows(spec: object) -> bool:
    """Whether an expression refers to a column."""
    if isinstance(spec, str):
        return spec.startswith("$") and spec != "$$NOW"
    if isinstance(spec, dict):
        return spec.keys() != {"$literal"} and any(map(_reads_rows, spec.values()))
    return isinstance(spec, list) and any(map(_reads_rows, spec))
