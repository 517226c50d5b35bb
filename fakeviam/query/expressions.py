"""Aggregation expressions, compiled to closures of the document at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.query.budget import Budget, Limits
from fakeviam.query.errors import QueryError
from fakeviam.query.paths import Constant, FieldPath, split
from fakeviam.query.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from random import Random

    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document

    Evaluate = Callable[["Scope"], Any]
    Build = Callable[["Compiler", Any], Evaluate]


_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})


class Scope(NamedTuple):
    """What an expression sees.

    Attributes:
        root: The document.
        variables: The values of variables, by name.
    """

    root: Any
    variables: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """An operator that is a function of its operands.

    Attributes:
        apply: Answers for the operands' values.
        fewest: How many operands there must be.
        most: How many there may be; None is any number.
        null_in_null_out: Null or a missing field among the operands gives null.
    """

    apply: Callable[..., Any]
    fewest: int = 1
    most: int | None = 1
    null_in_null_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFunction:
    """An operator whose operands have names.

    Attributes:
        apply: Answers for the operands' values by name, without those that are absent.
        required: Names that must be there.
        optional: Names that may be.
        nulls: Operands that are null or missing and so give null.
    """

    apply: Callable[..., Any]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Operators:
    """All operators there are, by name.

    Attributes:
        functions: Those that are functions of their operands.
        named: Those whose operands have names.
        special: Those that compile their operands in their own way.
    """

    functions: Mapping[str, Function]
    named: Mapping[str, NamedFunction]
    special: Mapping[str, Build]


class Compiler:
    """Compiles the expressions of one query.

    Attributes:
        limits: Ceilings of the query.
        budget: What is left of its work.
        random: What `$rand` and `$sample` draw from.
    """

    def __init__(
        self, operators: Operators, *, limits: Limits, now: datetime, random: Random
    ) -> None:
        """Compile for a query that is asked now."""
        self._operators = operators
        self.limits = limits
        self.budget = Budget(limits)
        self.random = random
        self._known = frozenset({"ROOT", "CURRENT"})
        self._constants: Mapping[str, Any] = {"NOW": now, "REMOVE": MISSING}

    def of_document(self, spec: Any) -> Of:
        """Compile an expression as a function of the document alone.

        Paths and constants, which most of them are, then need no scope.

        Raises:
            QueryError: It makes no sense.
        """
        if isinstance(spec, str) and spec.startswith("$") and not spec.startswith("$$"):
            return FieldPath(split(spec[1:]))
        if not isinstance(spec, (str, list, dict)):
            return Constant(spec)
        evaluate = self.expression(spec)
        return lambda document: evaluate(Scope(document, _NO_VARIABLES))

    def knowing(self, *names: str) -> Compiler:
        """The same compiler inside an expression that defines variables."""
        inner = object.__new__(Compiler)
        inner.__dict__.update(self.__dict__, _known=self._known | set(names))
        return inner

    def with_constants(self, constants: Mapping[str, Any]) -> Compiler:
        """The same compiler, with more variables that always have the same value."""
        inner = object.__new__(Compiler)
        inner.__dict__.update(self.__dict__, _constants={**self._constants, **constants})
        return inner

    def expression(self, spec: Any) -> Evaluate:
        """Compile an expression.

        Raises:
            QueryError: It makes no sense.
        """
        if isinstance(spec, str) and spec.startswith("$"):
            return self._path(spec)
        if isinstance(spec, list):
            return self._list([self.expression(each) for each in spec])
        if isinstance(spec, dict):
            return self._document(spec)
        return lambda _: spec

    def _path(self, spec: str) -> Evaluate:
        if not spec.startswith("$$"):
            path = FieldPath(split(spec[1:]))
            return lambda scope: path(scope.root)
        name, _, rest = spec[2:].partition(".")
        if name not in self._known and name not in self._constants:
            raise QueryError(17276, f"Use of undefined variable: {name}")
        get: Callable[[Any], Any] = FieldPath(split(rest)) if rest else lambda value: value
        if name in {"ROOT", "CURRENT"}:
            return lambda scope: get(scope.root)
        if name in self._constants:
            constant = get(self._constants[name])
            return lambda _: constant
        return lambda scope: get(scope.variables[name])

    @staticmethod
    def _list(evaluates: list[Evaluate]) -> Evaluate:
        def make(scope: Scope) -> list[Any]:
            values = (evaluate(scope) for evaluate in evaluates)
            return [None if value is MISSING else value for value in values]

        return make

    def _document(self, spec: Document) -> Evaluate:
        first = next(iter(spec), "")
        if not first.startswith("$"):
            return self._object(spec)
        if len(spec) != 1:
            text = "An object representing an expression must have exactly one field"
            raise QueryError(15983, f"{text}: {_brief(spec)}")
        return self.operator(first, spec[first])

    def _object(self, spec: Document) -> Evaluate:
        fields = []
        for name, inner in spec.items():
            if name.startswith("$"):
                raise QueryError(16410, f"FieldPath field names may not start with '$': {name}")
            if "." in name:
                text = f"FieldPath field names may not contain '.', got {name!r}"
                raise QueryError(16412, text)
            fields.append((name, self.expression(inner)))

        def make(scope: Scope) -> Document:
            values = ((name, evaluate(scope)) for name, evaluate in fields)
            return {name: value for name, value in values if value is not MISSING}

        return make

    def operator(self, name: str, operands: Any) -> Evaluate:
        """Compile an operator with its operands."""
        known = self._operators
        if name in known.special:
            return known.special[name](self, operands)
        if name in known.functions:
            return self._function(name, known.functions[name], operands)
        if name in known.named:
            return self._named(name, known.named[name], operands)
        raise QueryError(168, f"Unrecognized expression '{name}'")

    def _function(self, name: str, function: Function, operands: Any) -> Evaluate:
        given = operands if isinstance(operands, list) else [operands]
        if len(given) < function.fewest or (
            function.most is not None and len(given) > function.most
        ):
            raise QueryError(
                16020, f"Expression {name} {_arity(function)}. {len(given)} were passed in."
            )
        apply = partial(function.apply, self) if _wants_compiler(function.apply) else function.apply
        evaluates = [self.expression(each) for each in given]
        if function.null_in_null_out:
            apply = _null_in_null_out(apply)
        if len(evaluates) == 1:
            (only,) = evaluates
            return lambda scope: apply(only(scope))
        if len(evaluates) == 2:
            one, other = evaluates
            return lambda scope: apply(one(scope), other(scope))
        return lambda scope: apply(*[evaluate(scope) for evaluate in evaluates])

    def _named(self, name: str, function: NamedFunction, operands: Any) -> Evaluate:
        evaluates = self.named(name, operands, function.required, function.optional)
        apply = function.apply

        def call(scope: Scope) -> Any:
            values = {key: evaluate(scope) for key, evaluate in evaluates.items()}
            for key in function.nulls:
                if key in values and (values[key] is None or values[key] is MISSING):
                    return None
            return apply(**values)

        return call

    def named(
        self, name: str, operands: Any, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, Evaluate]:
        """Compile operands that have names; `from`, a word of Python's, becomes `from_`.

        Raises:
            QueryError: One is missing, or unknown.
        """
        check_names(name, operands, required, optional)
        return {_safe(key): self.expression(value) for key, value in operands.items()}


def check_names(
    name: str, operands: Any, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    """Refuse operands without the names that they must have, or with others.

    Raises:
        QueryError: They have.
    """
    if not isinstance(operands, dict):
        raise QueryError(9, f"{name} only supports an object as its argument")
    for key in operands:
        if key not in required and key not in optional:
            raise QueryError(9, f"Unrecognized argument to {name}: {key}")
    for key in required:
        if key not in operands:
            raise QueryError(9, f"Missing '{key}' parameter to {name}")


def _safe(key: str) -> str:
    return "as_" if key == "as" else "from_" if key == "from" else "in_" if key == "in" else key


def _wants_compiler(apply: Callable[..., Any]) -> bool:
    code = getattr(apply, "__code__", None)
    return code is not None and code.co_varnames[:1] == ("compiler",)


def _null_in_null_out(apply: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*values: Any) -> Any:
        for value in values:
            if value is None or value is MISSING:
                return None
        return apply(*values)

    return applied


def _arity(function: Function) -> str:
    if function.most is None:
        return f"takes at least {function.fewest} arguments"
    if function.fewest == function.most:
        return f"takes exactly {function.fewest} arguments"
    return f"takes at least {function.fewest} arguments, and at most {function.most}"


def _brief(spec: Any) -> str:
    text = repr(spec)
    return text if len(text) <= 100 else f"{text[:100]}…"
