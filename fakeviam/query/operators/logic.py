"""Operators that compare and decide, and those that fit nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError, wrong_type
from fakeviam.query.expressions import Function
from fakeviam.query.values import MISSING, compare, equal, is_number, number, truth

if TYPE_CHECKING:
    from fakeviam.query.expressions import Compiler, Evaluate, Scope


NO_BRANCH = "could not find a matching branch for an input, and no default was specified."


def _all_of(compiler: Compiler, operands: Any) -> Evaluate:
    evaluates = _each(compiler, operands)
    return lambda scope: all(truth(evaluate(scope)) for evaluate in evaluates)


def _any_of(compiler: Compiler, operands: Any) -> Evaluate:
    evaluates = _each(compiler, operands)
    return lambda scope: any(truth(evaluate(scope)) for evaluate in evaluates)


def _each(compiler: Compiler, operands: Any) -> list[Evaluate]:
    return [
        compiler.expression(each)
        for each in (operands if isinstance(operands, list) else [operands])
    ]


def _condition(compiler: Compiler, operands: Any) -> Evaluate:
    if isinstance(operands, dict):
        unknown = set(operands) - {"if", "then", "else"}
        if unknown:
            raise QueryError(17083, f"Unrecognized parameter to $cond: {min(unknown)}")
        for code, key in ((17080, "if"), (17081, "then"), (17082, "else")):
            if key not in operands:
                raise QueryError(code, f"Missing '{key}' parameter to $cond")
        operands = [operands["if"], operands["then"], operands["else"]]
    if not isinstance(operands, list) or len(operands) != 3:
        count = len(operands) if isinstance(operands, list) else 1
        raise QueryError(
            16020, f"Expression $cond takes exactly 3 arguments. {count} were passed in."
        )
    test, yes, no = (compiler.expression(each) for each in operands)
    return lambda scope: yes(scope) if truth(test(scope)) else no(scope)


def _if_null(compiler: Compiler, operands: Any) -> Evaluate:
    evaluates = _each(compiler, operands)
    if len(evaluates) < 2:
        raise QueryError(1257300, f"$ifNull needs at least two arguments, had: {len(evaluates)}")

    def evaluate(scope: Scope) -> Any:
        value: Any = MISSING
        for each in evaluates:
            value = each(scope)
            if value is not None and value is not MISSING:
                break
        return value

    return evaluate


def _switch(compiler: Compiler, operands: Any) -> Evaluate:
    if not isinstance(operands, dict):
        raise QueryError(40060, "$switch requires an object as an argument")
    branches = operands.get("branches")
    if not isinstance(branches, list) or not branches:
        raise QueryError(40068, "$switch requires at least one branch")
    cases: list[tuple[Evaluate, Evaluate]] = []
    for branch in branches:
        if not isinstance(branch, dict) or set(branch) != {"case", "then"}:
            raise QueryError(
                40067, "$switch requires each branch to have a 'case' and a 'then' expression"
            )
        cases.append((compiler.expression(branch["case"]), compiler.expression(branch["then"])))
    default = compiler.expression(operands["default"]) if "default" in operands else None

    def evaluate(scope: Scope) -> Any:
        for case, then in cases:
            if truth(case(scope)):
                return then(scope)
        if default is None:
            raise QueryError(40066, f"$switch {NO_BRANCH}")
        return default(scope)

    return evaluate


def _literal(compiler: Compiler, operands: Any) -> Evaluate:
    del compiler
    return lambda _: operands


def _random(compiler: Compiler, operands: Any) -> Evaluate:
    del operands
    return lambda _: compiler.random.random()


def _sample_rate(compiler: Compiler, operands: Any) -> Evaluate:
    if not is_number(operands) or not 0 <= float(number(operands)) <= 1:
        raise wrong_type(f"$sampleRate must be a number between 0 and 1, got {operands!r}")
    return lambda _: compiler.random.random() < number(operands)


def _pair(apply: Any) -> Function:
    return Function(apply=apply, fewest=2, most=2)


FUNCTIONS = {
    "$cmp": _pair(compare),
    "$eq": _pair(equal),
    "$ne": _pair(lambda left, right: not equal(left, right)),
    "$gt": _pair(lambda left, right: compare(left, right) > 0),
    "$gte": _pair(lambda left, right: compare(left, right) >= 0),
    "$lt": _pair(lambda left, right: compare(left, right) < 0),
    "$lte": _pair(lambda left, right: compare(left, right) <= 0),
    "$not": Function(apply=lambda value: not truth(value)),
}
SPECIAL = {
    "$and": _all_of,
    "$cond": _condition,
    "$const": _literal,
    "$ifNull": _if_null,
    "$literal": _literal,
    "$or": _any_of,
    "$rand": _random,
    "$sampleRate": _sample_rate,
    "$switch": _switch,
}
