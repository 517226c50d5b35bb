"""GROUP BY and aggregates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from fakeviam.query.sql.errors import SqlError
from fakeviam.query.sql.expressions import Expressions, Term
from fakeviam.query.sql.functions import AGGREGATES
from fakeviam.query.sql.names import is_path, names_of

if TYPE_CHECKING:
    from typing import TypeGuard

#: Aggregates and their accumulators, which are also expressions over sets of distinct values.
_ACCUMULATORS = {
    "ADD_TO_ARRAY": "$push",
    "ADD_TO_SET": "$addToSet",
    "AVG": "$avg",
    "FIRST": "$first",
    "LAST": "$last",
    "MAX": "$max",
    "MERGE_DOCUMENTS": "$mergeObjects",
    "MIN": "$min",
    "STDDEV_POP": "$stdDevPop",
    "STDDEV_SAMP": "$stdDevSamp",
    "SUM": "$sum",
}
_OF_NUMBERS = frozenset({"AVG", "SUM", "STDDEV_POP", "STDDEV_SAMP"})


def is_aggregate(node: object) -> TypeGuard[exp.Anonymous]:
    """Whether a node is a call of an aggregate."""
    return isinstance(node, exp.Anonymous) and str(node.name).upper() in AGGREGATES


def has_aggregate(node: exp.Expr | None) -> bool:
    """Whether there is an aggregate anywhere in an expression."""
    return node is not None and any(map(is_aggregate, node.find_all(exp.Anonymous)))


class Groups(Expressions):
    """Translates expressions over groups, and collects the aggregates that they use."""

    def __init__(self, rows: Expressions, keys: list[exp.Expr]) -> None:
        """Group rows by the values of `keys`."""
        super().__init__(rows.source)
        self._rows = rows
        terms = [rows.term(key) for key in keys]
        self._keys = terms
        one = len(terms) == 1
        self._found = {
            repr(term.spec): Term("$_id" if one else f"$_id.k{place}", term.kind)
            for place, term in enumerate(terms)
        }
        self._outputs: dict[str, object] = {}
        self._known: dict[str, Term] = {}

    def stage(self) -> dict[str, object]:
        """The `$group` stage with all aggregates collected so far."""
        if len(self._keys) == 1:
            key = self._keys[0].spec
        elif self._keys:
            # MongoDB groups null and missing separately, SQL does not.
            specs = [{"$ifNull": [term.spec, None]} for term in self._keys]
            key = {f"k{place}": spec for place, spec in enumerate(specs)}
        else:
            key = None
        return {"$group": {"_id": key, **self._outputs}}

    def term(self, node: exp.Expr) -> Term:
        """Translate an expression: keys and aggregates are fields of the group."""
        if is_aggregate(node):
            return self._aggregate(node)
        if self._found and not has_aggregate(node) and not isinstance(node, exp.Literal):
            field = self._found.get(repr(self._rows.term(node).spec))
            if field is not None:
                return field
        if is_path(node):
            name = ".".join(names_of(node))
            text = f"Field `{name}` cannot be resolved to any datasource"
            raise SqlError(3008, f"{text}: beside groups it has to be in GROUP BY or an aggregate")
        return super().term(node)

    def _aggregate(self, node: exp.Anonymous) -> Term:
        name, arguments = str(node.name).upper(), node.expressions
        distinct = len(arguments) == 1 and isinstance(arguments[0], exp.Distinct)
        if distinct:
            arguments = arguments[0].expressions
        if any(map(has_aggregate, arguments)):
            raise SqlError(3011, f"aggregation function used in scalar position inside of {name}")
        if name == "COUNT":
            return self._count(arguments, distinct=distinct)
        if any(isinstance(each, exp.Star) for each in arguments):
            raise SqlError(3010, "* argument only valid in COUNT function")
        if len(arguments) != 1:
            raise SqlError(3014, "aggregation functions must have exactly one argument")
        term = self._rows.term(arguments[0])
        if name in _OF_NUMBERS and term.kind not in {None, "number"}:
            text = f"Incorrect argument type for `{name.title()}`. Required: nullable numeric type."
            raise SqlError(1002, f"{text} Found: {term.kind}.")
        accumulator = _ACCUMULATORS[name]
        kind = "number" if name in _OF_NUMBERS else term.kind if name in {"MIN", "MAX"} else None
        if not distinct or accumulator in {"$min", "$max", "$addToSet"}:
            return Term(self._output({accumulator: term.spec}), kind)
        gathered = self._output({"$addToSet": term.spec})
        return Term(gathered if accumulator == "$push" else {accumulator: gathered}, kind)

    def _count(self, arguments: list[exp.Expr], *, distinct: bool) -> Term:
        if not arguments:
            raise SqlError(1001, "incorrect argument count for Count: required at least 1, found 0")
        if isinstance(arguments[0], exp.Star):
            every = {"$addToSet": "$$ROOT"} if distinct else {"$sum": 1}
            field = self._output(every)
            return Term({"$size": field} if distinct else field, "number")
        specs = [self._rows.term(each).spec for each in arguments]
        nothing = {"$sqlAnd": [{"$sqlIs": [spec, "null"]} for spec in specs]}
        if not distinct:
            return Term(self._output({"$sum": {"$cond": [nothing, 0, 1]}}), "number")
        row = {"$sqlRow": [[f"_{place}", spec] for place, spec in enumerate(specs)]}
        value = specs[0] if len(specs) == 1 else {"$cond": [nothing, None, row]}
        return Term({"$sqlCountDistinct": self._output({"$addToSet": value})}, "number")

    def _output(self, accumulator: dict[str, Any]) -> str:
        """The field of the group that contains an aggregate; equal aggregates share one."""
        key = repr(accumulator)
        if key not in self._known:
            name = f"a{len(self._outputs)}"
            self._outputs[name] = accumulator
            self._known[key] = Term(f"${name}")
        return str(self._known[key].spec)
