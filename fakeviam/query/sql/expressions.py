"""Translates SQL expressions to aggregation expressions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlglot import exp

from fakeviam.query.errors import QueryError
from fakeviam.query.operators.dates import date_of
from fakeviam.query.sql.errors import (
    SqlError,
    UnservedSqlError,
    brief,
    incomparable,
    unexpected,
    wrong_kind,
    wrong_syntax,
)
from fakeviam.query.sql.functions import (
    AGGREGATES,
    DATES,
    SCALARS,
    check_count,
    literal,
    part_of,
    trim,
    unit_of,
)
from fakeviam.query.sql.names import identifier, is_path, names_of, path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST = 1 << 63

#: Kinds of values by the type that CAST names; only values of the same kind are comparable.
_KINDS = {
    **dict.fromkeys(("double", "int", "long", "decimal"), "number"),
    **{kind: kind for kind in ("bool", "date", "string", "objectId", "object", "array")},
}
_CONVERTIBLE = frozenset({"bool", "date", "decimal", "double", "int", "long", "objectId", "string"})


class Term(NamedTuple):
    """A translated expression.

    Attributes:
        spec: The aggregation expression.
        kind: The kind of its values, such as number or date; None if it depends on the rows.
    """

    spec: object
    kind: str | None = None


class TableSource(NamedTuple):
    """The source of a statement's rows.

    Attributes:
        names: The valid qualifiers of its columns.
        kinds: The kinds of its columns, by name.
        derived: Whether it is a derived table, which has no other columns.
    """

    names: frozenset[str]
    kinds: Mapping[str, str | None]
    derived: bool = False


class Expressions:
    """Translates the expressions of one statement.

    Attributes:
        source: The source of the columns.
        unknown: Names that are not columns of the source.
        text_dates: Whether a string literal was interpreted as a date.
        compares: Whether it compares values whose kinds depend on the rows.
    """

    def __init__(self, source: TableSource) -> None:
        """Translate expressions over the columns of a source."""
        self.source = source
        self.unknown: dict[str, None] = {}
        self.text_dates = False
        self.compares = False

    def term(self, node: exp.Expr) -> Term:
        """Translate an expression.

        Raises:
            SqlError: It is invalid.
            UnservedSqlError: The fake does not support it.
        """
        translate = _NODES.get(type(node))
        if translate is None:
            raise _refused(node)
        known = _ARGUMENTS.get(type(node), _OPERANDS)
        for name, value in node.args.items():
            if value and name not in known:
                word = name.strip("_").upper()
                raise unexpected(word, f"{type(node).__name__.upper()} has no {word}")
        return translate(self, node)

    def spec(self, node: exp.Expr) -> Any:
        """The aggregation expression for an expression."""
        return self.term(node).spec

    # Columns and literals ---------------------------------------------------------------------

    def column(self, names: tuple[str, ...]) -> Term:
        """A column or a path into one, with or without a qualifier; `names` is not empty."""
        if len(names) > 1 and names[0] in self.source.names:
            names = names[1:]
        first = next(iter(names))
        if not self.source.names:
            raise SqlError(3008, f"Field `{brief(first)}` not found: there is no FROM")
        if first not in self.source.kinds:
            if self.source.derived:
                raise SqlError(3008, f"Field `{brief(first)}` not found in the statement in FROM")
            self.unknown[first] = None
        return Term(path(names), self.source.kinds.get(first) if len(names) == 1 else None)

    def _column(self, node: exp.Expr) -> Term:
        return self.column(names_of(node))

    def _dot(self, node: exp.Dot) -> Term:
        if is_path(node):
            return self.column(names_of(node))
        field = identifier(node.expression)
        return Term({"$sqlField": [self.spec(node.this), literal(field)]})

    def _bracket(self, node: exp.Bracket) -> Term:
        if len(node.expressions) != 1:
            raise unexpected(",", "[…] takes one index")
        return Term({"$sqlItem": [self.spec(node.this), self.spec(node.expressions[0])]})

    def _literal(self, node: exp.Literal) -> Term:
        text = str(node.this)
        if node.is_string:
            return Term(literal(text), "string")
        if not text.isdigit():
            return Term(float(text), "number")
        if len(text) > 19 or int(text) >= _LONGEST:
            raise wrong_syntax(f"failed to parse integer {brief(text)}; write {text[:1]}.0e…")
        return Term(int(text), "number")

    def _struct(self, node: exp.Struct) -> Term:
        pairs = []
        for each in node.expressions:
            if not isinstance(each, exp.PropertyEQ):
                raise unexpected("{", "a document has pairs of a text and a value")
            pairs.append([each.this.name, self.spec(each.expression)])
        if len({name for name, _ in pairs}) < len(pairs):
            raise SqlError(3023, "found duplicate document key")
        return Term({"$sqlRow": pairs}, "object")

    # Logic ------------------------------------------------------------------------------------

    def truth(self, node: exp.Expr, what: str) -> object:
        """Translate a condition.

        Raises:
            SqlError: It is known not to be boolean.
        """
        term = self.term(node)
        if term.kind not in {None, "bool"}:
            raise wrong_kind(what, "nullable boolean type", term.kind)
        return term.spec

    def _connected(self, node: exp.Connector) -> Term:
        name = "And" if isinstance(node, exp.And) else "Or"
        return Term({f"$sql{name}": [self.truth(each, name) for each in node.flatten()]}, "bool")

    def _not(self, node: exp.Not) -> Term:
        return Term({"$sqlNot": self.truth(node.this, "Not")}, "bool")

    def _compared(self, node: exp.Binary) -> Term:
        name = _COMPARISONS[type(node)]
        left, right = self.comparable(name, node.this, node.expression)
        return Term({f"$sql{name}": [left.spec, right.spec]}, "bool")

    def comparable(self, name: str, one: exp.Expr, other: exp.Expr) -> tuple[Term, Term]:
        """Translate the two sides of a comparison; a literal beside a date becomes a date (SL-8).

        Raises:
            SqlError: They are known to be of different kinds.
        """
        left, right = self.term(one), self.term(other)
        _check_extended_json(one)
        _check_extended_json(other)
        if left.kind == "date":
            right = self._dated(other, right)
        elif right.kind == "date":
            left = self._dated(one, left)
        if left.kind and right.kind and left.kind != right.kind:
            raise incomparable(name, left.kind, right.kind)
        self.compares |= left.kind is None or right.kind is None
        return left, right

    def _dated(self, node: exp.Expr, term: Term) -> Term:
        text = node.unnest()
        if not isinstance(text, exp.Literal) or not text.is_string:
            return term
        try:
            moment = date_of(text.this)
        except QueryError:
            return term
        self.text_dates = True
        return Term(moment, "date")

    def _between(self, node: exp.Between) -> Term:
        low = self.comparable("Between", node.this, node.args["low"])
        high = self.comparable("Between", node.this, node.args["high"])
        bounds = [{"$sqlGte": [each.spec for each in low]}, {"$sqlLte": [x.spec for x in high]}]
        return Term({"$sqlAnd": bounds}, "bool")

    def _in(self, node: exp.In) -> Term:
        if node.args.get("query") is not None:
            raise UnservedSqlError("a subquery", "send it on its own")
        if not node.expressions:
            raise unexpected(")", "IN needs values, as in x IN ('a', 'b')")
        pairs = [self.comparable("In", node.this, each) for each in node.expressions]
        return Term({"$sqlIn": [pairs[0][0].spec, [right.spec for _, right in pairs]]}, "bool")

    def _like(self, node: exp.Like, escape: str = "\\") -> Term:
        value, pattern = self.term(node.this), self.term(node.expression)
        for term in (value, pattern):
            if term.kind not in {None, "string"}:
                raise wrong_kind("Like", "nullable string", term.kind)
        spec = {"$sqlLike": [value.spec, pattern.spec, escape]}
        return Term({"$sqlNot": spec} if node.args.get("negate") else spec, "bool")

    def _escaped(self, node: exp.Escape) -> Term:
        mark = node.expression
        if not isinstance(node.this, exp.Like) or not isinstance(mark, exp.Literal):
            raise unexpected("ESCAPE", "it follows a LIKE and takes a text")
        if len(mark.this) != 1:
            raise wrong_syntax("Escape character must be a string of length 1")
        return self._like(node.this, str(mark.this))

    def _is(self, node: exp.Is) -> Term:
        return Term({"$sqlIs": [self.spec(node.this), node.expression.name]}, "bool")

    def _case(self, node: exp.Case) -> Term:
        branches = []
        for each in node.args["ifs"]:
            if node.this is None:
                test = self.truth(each.this, "Case")
            else:
                pair = self.comparable("Case", node.this, each.this)
                test = {"$sqlEq": [term.spec for term in pair]}
            branches.append({"case": test, "then": self.spec(each.args["true"])})
        default = node.args.get("default")
        otherwise = None if default is None else self.spec(default)
        return Term({"$switch": {"branches": branches, "default": otherwise}})

    # Numbers and texts ------------------------------------------------------------------------

    def _number(self, name: str, node: exp.Expr) -> object:
        term = self.term(node)
        if term.kind not in {None, "number"}:
            raise wrong_kind(name, "nullable numeric type", term.kind)
        return term.spec

    def _calculated(self, node: exp.Binary) -> Term:
        name, operator = _ARITHMETIC[type(node)]
        operands = [self._number(name, node.this), self._number(name, node.expression)]
        return Term({operator: operands}, "number")

    def _negated(self, node: exp.Neg) -> Term:
        spec = self._number("Neg", node.this)
        if isinstance(spec, (int, float)) and not isinstance(spec, bool):
            return Term(-spec, "number")
        return Term({"$multiply": [-1, spec]}, "number")

    def _concatenated(self, node: exp.DPipe) -> Term:
        terms = [self.term(each) for each in node.flatten()]
        for term in terms:
            if term.kind not in {None, "string"}:
                raise wrong_kind("Concat", "nullable string", term.kind)
        return Term({"$concat": [term.spec for term in terms]}, "string")

    # Functions --------------------------------------------------------------------------------

    def _function(self, node: exp.Anonymous) -> Term:
        name = str(node.name).upper()
        arguments = node.expressions
        if name == "CAST":
            value, kind, on_null, on_error = arguments
            return self._converted(value, kind.name, on_null, on_error)
        if name == "EXTRACT":
            return Term(part_of(arguments[0].name, self.spec(arguments[1])), "number")
        if name == "TRIM":
            return Term(trim(arguments[0].name, *map(self.spec, arguments[1:])), "string")
        if name in AGGREGATES:
            raise SqlError(3011, f"aggregation function {name} used in scalar position")
        if name in DATES:
            return self._of_dates(name, arguments)
        if name not in SCALARS:
            raise wrong_syntax(
                f"unknown function {brief(name)}; expected one of {', '.join(SCALARS)}"
            )
        if any(isinstance(each, exp.Distinct) for each in arguments):
            raise SqlError(3015, "scalar functions don't support DISTINCT")
        if any(isinstance(each, exp.Star) for each in arguments):
            raise SqlError(3010, "* argument only valid in COUNT function")
        scalar = SCALARS[name]
        check_count(name, scalar, len(arguments))
        return Term(scalar.build(*map(self.spec, arguments)), scalar.gives)

    def _of_dates(self, name: str, arguments: list[exp.Expr]) -> Term:
        scalar = DATES[name]
        check_count(name, scalar, len(arguments))
        unit, *rest = arguments
        if not isinstance(unit, exp.Column) or len(unit.parts) != 1:
            raise wrong_syntax(f"{name} takes a date part first, as in {name}(HOUR, …)")
        return Term(scalar.build(unit_of(unit.name), *map(self.spec, rest)), scalar.gives)

    def _shorthand(self, node: exp.Cast) -> Term:
        if not isinstance(node.args["to"], exp.Var):  # sqlglot's form of TIMESTAMP '…'
            raise unexpected(node.this.name, "write CAST('…' AS TIMESTAMP)")
        kind = str(node.args["to"].name)
        # `::!` asserts the type, so that later checks know it.
        if kind.startswith("!"):
            return Term(self.spec(node.this), _KINDS.get(kind[1:]))
        return self._converted(node.this, kind, exp.null(), exp.null())

    def _converted(self, node: exp.Expr, kind: str, on_null: exp.Expr, on_error: exp.Expr) -> Term:
        value, null, error = self.spec(node), self.spec(on_null), self.spec(on_error)
        if kind in _CONVERTIBLE:
            operands = {"input": value, "to": kind, "onNull": null, "onError": error}
            return Term({"$convert": operands}, _KINDS[kind])
        if kind not in {"object", "array"}:
            raise SqlError(3030, f"invalid CAST target type '{kind}'")
        # $convert has no such targets: the value must already have the type.
        otherwise = {"$cond": [{"$sqlIs": [value, "null"]}, null, error]}
        return Term({"$cond": [{"$sqlIs": [value, kind]}, value, otherwise]}, kind)


def _refused(node: exp.Expr) -> Exception:
    name = type(node).__name__.upper()
    if isinstance(node, (exp.Query, exp.Exists, exp.Any, exp.All)):
        return UnservedSqlError("a subquery", "send it on its own")
    if isinstance(node, exp.Star):
        return SqlError(3010, "* argument only valid in COUNT function")
    return wrong_syntax(f"the dialect has no {name}")


def _check_extended_json(node: exp.Expr) -> None:
    if isinstance(node, exp.Literal) and node.is_string and node.this.startswith("{"):
        try:
            value = json.loads(node.this)
        except ValueError:
            return
        if isinstance(value, dict) and next(iter(value), "").startswith("$"):
            text = f"Extended JSON detected in comparison operation: {brief(node.this)}"
            raise SqlError(1017, f"{text}; write CAST('…' AS TIMESTAMP) or … AS OBJECTID)")


_COMPARISONS: dict[type[exp.Binary], str] = {
    exp.EQ: "Eq",
    exp.NEQ: "Ne",
    exp.LT: "Lt",
    exp.LTE: "Lte",
    exp.GT: "Gt",
    exp.GTE: "Gte",
}
_ARITHMETIC: dict[type[exp.Binary], tuple[str, str]] = {
    exp.Add: ("Add", "$add"),
    exp.Sub: ("Sub", "$subtract"),
    exp.Mul: ("Mul", "$multiply"),
    exp.Div: ("Div", "$sqlDivide"),
}

_OPERANDS = frozenset({"this", "expression"})
#: Arguments of nodes that may be ignored: hints for other dialects, and those handled elsewhere.
_ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Array: frozenset({"expressions", "bracket_notation"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Bracket: frozenset({"this", "expressions", "offset", "safe"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.Cast: frozenset({"this", "to", "_type"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.DPipe: _OPERANDS | {"safe"},
    exp.Div: _OPERANDS | {"typed", "safe"},
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Like: _OPERANDS | {"negate"},
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Struct: frozenset({"expressions"}),
}

# Handlers by sqlglot's node classes: private methods of this module's own class.
_NODES: dict[type[exp.Expr], Callable[[Expressions, Any], Term]] = {
    **dict.fromkeys(_COMPARISONS, Expressions._compared),  # noqa: SLF001
    **dict.fromkeys(_ARITHMETIC, Expressions._calculated),  # noqa: SLF001
    exp.And: Expressions._connected,  # noqa: SLF001
    exp.Anonymous: Expressions._function,  # noqa: SLF001
    exp.Array: lambda self, node: Term([self.spec(each) for each in node.expressions], "array"),
    exp.Between: Expressions._between,  # noqa: SLF001
    exp.Boolean: lambda _, node: Term(bool(node.this), "bool"),
    exp.Bracket: Expressions._bracket,  # noqa: SLF001
    exp.Case: Expressions._case,  # noqa: SLF001
    exp.Cast: Expressions._shorthand,  # noqa: SLF001
    exp.Column: Expressions._column,  # noqa: SLF001
    exp.CurrentTimestamp: lambda _, __: Term("$$NOW", "date"),
    exp.Dot: Expressions._dot,  # noqa: SLF001
    exp.DPipe: Expressions._concatenated,  # noqa: SLF001
    exp.Escape: Expressions._escaped,  # noqa: SLF001
    exp.In: Expressions._in,  # noqa: SLF001
    exp.Is: Expressions._is,  # noqa: SLF001
    exp.Like: Expressions._like,  # noqa: SLF001
    exp.Literal: Expressions._literal,  # noqa: SLF001
    exp.Neg: Expressions._negated,  # noqa: SLF001
    exp.Not: Expressions._not,  # noqa: SLF001
    exp.Null: lambda _, __: Term(None),
    exp.Or: Expressions._connected,  # noqa: SLF001
    exp.Paren: lambda self, node: self.term(node.this),
    exp.Struct: Expressions._struct,  # noqa: SLF001
}
