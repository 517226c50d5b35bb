"""Operators for conditions and comparison, and those without a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError, wrong_type
from fakeviam.query.expressions import Function
from fakeviam.query.values import MISSING, compare, equal, is_number, number, truth

if TYPE_CHECKING:
    from fakeviam.query.expressions import Compiler, Evaluate, Scope


NO_BRANCH = "could not find a matching branch for an input, and no default was specified."


def _all_of(compiler: Compiler, operands: object) -> Evaluate:
    evaluates = _each(compiler, operands)
    return lambda scope: all(truth(evaluate(scope)) for evaluate in evaluates)


def _any_of(compiler: Compiler, operands: object) -> Evaluate:
    evaluates = _each(compiler, operands)
    return lambda scope: any(truth(evaluate(scope)) for evaluate in evaluates)


def _each(compiler: Compiler, operands: object) -> list[Evaluate]:
    return [
        compiler.expression(each)
        for each in (operands if isinstance(operands, list) else [operands])
    ]


def _condition(compiler: Compiler, operands: object) -> Evaluate:
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


def _if_null(compiler: Compiler, operands: object) -> Evaluate:
    evaluates = _each(compiler, operands)
    if len(evaluates) < 2:
        raise QueryError(1257300, f"$ifNull needs at least two arguments, had: {len(evaluates)}")

    def evaluate(scope: Scope) -> object:
        value: object = MISSING
        for each in evaluates:
            value = each(scope)
            if value is not None and value is not MISSING:
                break
        return value

    return evaluate


def _switch(compiler: Compiler, operands: object) -> Evaluate:
    if not isinstance(operands, dict):
        raise QueryError(40060, "$switch requires an object as an argument")
    unknown = set(operands) - {"branches", "default"}
    if unknown:
        raise QueryError(40067, f"$switch found an unknown argument: {min(unknown)}")
    branches = operands.get("branches", [])
    if not isinstance(branches, list):
        raise QueryError(40061, "$switch expected an array for 'branches'")
    if not branches:
        raise QueryError(40068, "$switch requires at least one branch")
    for branch in branches:
        _check_branch(branch)
    cases = [(compiler.expression(b["case"]), compiler.expression(b["then"])) for b in branches]
    default = compiler.expression(operands["default"]) if "default" in operands else None

    def evaluate(scope: Scope) -> object:
        for case, then in cases:
            if truth(case(scope)):
                return then(scope)
        if default is None:
            raise QueryError(40066, f"$switch {NO_BRANCH}")
        return default(scope)

    return evaluate


def _check_branch(branch: object) -> None:
    if not isinstance(branch, dict):
        raise QueryError(40062, "$switch expected each branch to be an object")
    unknown = set(branch) - {"case", "then"}
    if unknown:
        raise QueryError(40063, f"$switch found an unknown argument to a branch: {min(unknown)}")
    for code, key in ((40064, "case"), (40065, "then")):
        if key not in branch:
            raise QueryError(code, f"$switch requires each branch have a '{key}' expression")


def _literal(compiler: Compiler, operands: object) -> Evaluate:
    del compiler
    return lambda _: operands


def _random(compiler: Compiler, operands: object) -> Evaluate:
    del operands
    return lambda _: compiler.random.random()


def _sample_rate(compiler: Compiler, operands: object) -> Evaluate:
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
