"""Aggregation expressions, compiled to closures over the current document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.query.budget import Budget, Limits
from fakeviam.query.errors import QueryError
from fakeviam.query.operand_codes import CODES, USUAL
from fakeviam.query.paths import Applied, Constant, FieldPath, Fields, split, split_reference
from fakeviam.query.values import MISSING, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from random import Random

    from typing_extensions import Self

    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document

    Evaluate = Callable[["Scope"], object]
    Build = Callable[["Compiler", object], Evaluate]


_NO_VARIABLES: Mapping[str, object] = MappingProxyType({})


class Scope(NamedTuple):
    """The input of an expression.

    Attributes:
        root: The document.
        variables: The values of variables, by name.
    """

    root: object
    variables: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """An operator that is a function of its operands' values.

    Attributes:
        apply: Computes the result from the values of the operands.
        fewest: The minimum number of operands.
        most: The maximum number of operands; None is unlimited.
        null_in_null_out: Whether the result is null if an operand is null or missing.
    """

    apply: Callable[..., Any]
    fewest: int = 1
    most: int | None = 1
    null_in_null_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFunction:
    """An operator with named operands.

    Attributes:
        apply: Computes the result from the values of the operands, without absent ones.
        required: The names of required operands.
        optional: The names of optional operands.
        nulls: The operands that make the result null if they are null or missing.
    """

    apply: Callable[..., object]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()

    @classmethod
    def of(cls, apply: Callable[..., object], *, nulls: tuple[str, ...] | None = None) -> Self:
        """Derive the operands from the parameters of `apply`; those with defaults are optional.

        By default, null in any operand makes the result null.
        """
        parameters = signature(apply).parameters
        optional = tuple(name for name, one in parameters.items() if one.default is not one.empty)
        return cls(
            apply=apply,
            required=tuple(name for name in parameters if name not in optional),
            optional=optional,
            nulls=tuple(parameters) if nulls is None else nulls,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Operators:
    """Operators by name.

    Attributes:
        functions: Functions of their operands' values.
        named: Functions with named operands.
        special: Operators that compile their own operands, such as conditions and loops.
    """

    functions: Mapping[str, Function]
    named: Mapping[str, NamedFunction]
    special: Mapping[str, Build]


#: The variables that are always defined, except for constants.
_ROOTS = frozenset({"ROOT", "CURRENT"})


class Compiler:
    """Compiles the expressions of one query.

    Attributes:
        limits: The limits of the query.
        budget: Its remaining work.
        random: The source of `$rand` and `$sample`.
    """

    def __init__(
        self, operators: Operators, *, limits: Limits, now: datetime, random: Random
    ) -> None:
        """Start a query; `now` is the value of `$$NOW`."""
        self._operators = operators
        self.limits = limits
        self.budget = Budget(limits)
        self.random = random
        self._known = _ROOTS
        self._constants: Mapping[str, object] = {"NOW": now, "REMOVE": MISSING}

    def of_document(self, spec: object) -> Of:
        """Compile an expression as a function of the document alone.

        Most expressions are paths, constants, or functions of these: they need no scope, and can be
        evaluated for many documents at once.

        Raises:
            QueryError: It is invalid.
        """
        # Fast paths first: these forms are evaluated for a whole batch of documents at once,
        # without a Scope per document.
        if isinstance(spec, str) and spec.startswith("$") and not spec.startswith("$$"):
            return FieldPath(split_reference(spec))
        if not isinstance(spec, (str, list, dict)):
            return Constant(spec)
        if isinstance(spec, dict):
            known = self._of_columns(spec)
            if known is not None:
                return known
        evaluate = self.expression(spec)
        return lambda document: evaluate(Scope(document, _NO_VARIABLES))

    def _of_columns(self, spec: Document) -> Of | None:
        """Compile a document or a function without a scope; None if it is another operator."""
        first = next(iter(spec), "")
        if not first.startswith("$"):
            return Fields([(name, self.of_document(inner)) for name, inner in _fields(spec)])
        if len(spec) != 1:
            return None
        function = self._operators.functions.get(first)
        if function is not None and first not in self._operators.special:
            apply, arguments = self._applied(first, function, spec[first])
            return (
                Applied(apply, [self.of_document(each) for each in arguments])
                if arguments
                else None
            )
        named_function = self._operators.named.get(first)
        if named_function is None or first in self._operators.special:
            return None
        operands = spec[first]
        check_names(first, operands, named_function.required, named_function.optional)
        if not operands:
            return None
        names = [_safe(key) for key in operands]
        return Applied(
            _of_names(named_function, names), [self.of_document(each) for each in operands.values()]
        )

    def knowing(self, *names: str) -> Compiler:
        """A copy of this compiler for expressions in the scope of these variables."""
        inner = object.__new__(Compiler)
        inner.__dict__.update(self.__dict__, _known=self._known | set(names))
        return inner

    def with_constants(self, constants: Mapping[str, object]) -> Compiler:
        """A copy of this compiler with additional constant variables."""
        inner = object.__new__(Compiler)
        inner.__dict__.update(self.__dict__, _constants={**self._constants, **constants})
        return inner

    def expression(self, spec: object) -> Evaluate:
        """Compile an expression.

        Raises:
            QueryError: It is invalid.
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
            path = FieldPath(split_reference(spec))
            return lambda scope: path(scope.root)
        name, _, rest = spec[2:].partition(".")
        if name not in self._known and name not in self._constants:
            raise QueryError(17276, f"Use of undefined variable: {name}")
        get: Callable[[object], object] = FieldPath(split(rest)) if rest else lambda value: value
        if name == "CURRENT":
            return lambda scope: get(scope.root)
        if name == "ROOT":  # inside `$redact`, it differs from the current subdocument
            return lambda scope: get(scope.variables.get("ROOT", scope.root))
        if name in self._constants:
            constant = get(self._constants[name])
            return lambda _: constant
        return lambda scope: get(scope.variables[name])

    @staticmethod
    def _list(evaluates: list[Evaluate]) -> Evaluate:
        def make(scope: Scope) -> list[object]:
            values = (evaluate(scope) for evaluate in evaluates)
            # MongoDB: arrays have no gaps, so a missing value becomes null; documents omit it.
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
        fields = [(name, self.expression(inner)) for name, inner in _fields(spec)]

        def make(scope: Scope) -> Document:
            values = ((name, evaluate(scope)) for name, evaluate in fields)
            return {name: value for name, value in values if value is not MISSING}

        return make

    def operator(self, name: str, operands: object) -> Evaluate:
        """Compile an operator."""
        operators = self._operators
        if name in operators.special:
            return operators.special[name](self, operands)
        if name in operators.functions:
            return self._function(name, operators.functions[name], operands)
        if name in operators.named:
            return self._named_function(name, operators.named[name], operands)
        raise QueryError(168, f"Unrecognized expression '{name}'")

    def _applied(
        self, name: str, function: Function, operands: object
    ) -> tuple[Callable[..., object], list[object]]:
        """The function to apply, and the list of its operands."""
        arguments = operands if isinstance(operands, list) else [operands]
        if len(arguments) < function.fewest or (
            function.most is not None and len(arguments) > function.most
        ):
            raise QueryError(
                16020, f"Expression {name} {_arity(function)}. {len(arguments)} were passed in."
            )
        apply = partial(function.apply, self) if _wants_compiler(function.apply) else function.apply
        # Inside $map, $let and the like, the operands may be variables with long values.
        if len(self._known) > len(_ROOTS):
            apply = self.budget.weighing(apply)
        return _null_in_null_out(apply) if function.null_in_null_out else apply, arguments

    def _function(self, name: str, function: Function, operands: object) -> Evaluate:
        apply, arguments = self._applied(name, function, operands)
        evaluates = [self.expression(each) for each in arguments]
        if len(evaluates) == 1:
            (only,) = evaluates
            return lambda scope: apply(only(scope))
        if len(evaluates) == 2:
            one, other = evaluates
            return lambda scope: apply(one(scope), other(scope))
        return lambda scope: apply(*[evaluate(scope) for evaluate in evaluates])

    def _named_function(self, name: str, function: NamedFunction, operands: object) -> Evaluate:
        parts = self.named(name, operands, function.required, function.optional)
        evaluates, apply = list(parts.values()), _of_names(function, list(parts))
        return lambda scope: apply(*[evaluate(scope) for evaluate in evaluates])

    def named(
        self, name: str, operands: Any, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, Evaluate]:
        """Compile named operands; Python keywords get an underscore, such as `from_`.

        Raises:
            QueryError: One is missing or unknown.
        """
        check_names(name, operands, required, optional)
        return {_safe(key): self.expression(value) for key, value in operands.items()}


def check_names(
    name: str, operands: object, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    """Check the names of operands.

    Raises:
        QueryError: One is missing or unknown.
    """
    codes = CODES.get(name, USUAL)
    if not isinstance(operands, dict):
        text = f"{name} only supports an object as its argument"
        raise QueryError(codes.no_object, text)
    for key in operands:
        if key not in required and key not in optional:
            raise QueryError(codes.unknown, f"Unrecognized argument to {name}: {key}")
    for key in required:
        if key not in operands:
            text = f"Missing '{key}' parameter to {name}"
            raise QueryError(codes.missing.get(key, codes.unknown), text)


def check_fields(
    name: str, spec: object, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    """Check the names of a document's fields.

    Raises:
        QueryError: One is missing or unknown, or it is not a document.
    """
    if not isinstance(spec, dict):
        text = f"BSON field '{name}' is the wrong type '{type_name(spec)}', expected 'object'"
        raise QueryError(14, text)
    for key in spec:
        if key not in required and key not in optional:
            raise QueryError(40415, f"BSON field '{name}.{key}' is an unknown field.")
    for key in required:
        if key not in spec:
            raise QueryError(40414, f"BSON field '{name}.{key}' is missing but a required field")


def _fields(spec: Document) -> Iterable[tuple[str, object]]:
    """The fields of a document expression.

    Raises:
        QueryError: A name is invalid.
    """
    for name in spec:
        if name.startswith("$"):
            raise QueryError(16410, f"FieldPath field names may not start with '$': {name}")
        if "." in name:
            raise QueryError(16412, f"FieldPath field names may not contain '.', got {name!r}")
    return spec.items()


def _of_names(function: NamedFunction, names: list[str]) -> Callable[..., object]:
    """A function that takes its operands by position, in the order of `names`."""
    apply, places = function.apply, [names.index(key) for key in function.nulls if key in names]

    def applied(*values: object) -> object:
        for place in places:
            if values[place] is None or values[place] is MISSING:
                return None
        return apply(**dict(zip(names, values, strict=True)))

    return applied


def _safe(key: str) -> str:
    return "as_" if key == "as" else "from_" if key == "from" else "in_" if key == "in" else key


def _wants_compiler(apply: Callable[..., object]) -> bool:
    code = getattr(apply, "__code__", None)
    return code is not None and code.co_varnames[:1] == ("compiler",)


def _null_in_null_out(apply: Callable[..., object]) -> Callable[..., object]:
    def applied(*values: object) -> object:
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


def _brief(spec: object) -> str:
    text = repr(spec)
    return text if len(text) <= 100 else f"{text[:100]}…"
