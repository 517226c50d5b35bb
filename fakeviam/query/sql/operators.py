"""Operators for translated statements: three-valued logic, and differences from `$` operators.

Their names start with `$sql`; they are unknown in the pipelines of clients.
"""

from __future__ import annotations

import operator
import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import Function, Operators
from fakeviam.query.operator_table import OPERATORS
from fakeviam.query.regexes import Pattern
from fakeviam.query.values import MISSING, is_finite, is_number, number, sort_key, truth, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.query.expressions import Build, Compiler, Evaluate, Scope
    from fakeviam.query.values import SortKey


def _is_nothing(value: object) -> bool:
    return value is None or value is MISSING


# Three-valued logic: True, False and None -----------------------------------------------------


def _truth(value: object) -> bool | None:
    return None if _is_nothing(value) else truth(value)


def _connected(*, by: bool) -> Build:
    """AND is decided by the first false operand, OR by the first true one."""

    def build(compiler: Compiler, operands: Any) -> Evaluate:
        evaluates = [compiler.expression(each) for each in operands]

        def evaluate(scope: Scope) -> bool | None:
            answer: bool | None = not by
            for each in evaluates:
                value = _truth(each(scope))
                if value is by:
                    return by
                if value is None:
                    answer = None
            return answer

        return evaluate

    return build


def _not(value: object) -> bool | None:
    known = _truth(value)
    return None if known is None else not known


# Comparison ------------------------------------------------------------------------------------


def _comparison(
    accepts: Callable[[SortKey, SortKey], bool], *, across_types: bool | None = None
) -> Function:
    def apply(left: object, right: object) -> bool | None:
        if _is_nothing(left) or _is_nothing(right):
            return None
        one, other = sort_key(left), sort_key(right)
        return accepts(one, other) if one[0] == other[0] else across_types

    return Function(apply=apply, fewest=2, most=2)


def _among(compiler: Compiler, operands: Any) -> Evaluate:
    """`x IN (…)`; constants are looked up in a set. Null is never in a list."""
    value, choices = operands
    of = compiler.expression(value)
    evaluates = [compiler.expression(each) for each in choices]
    constant = all(not isinstance(each, (str, list, dict)) or _is_literal(each) for each in choices)

    def of_choices(scope: Any) -> frozenset[object]:
        return frozenset(sort_key(each(scope)) for each in evaluates)

    known = of_choices(None) if constant else None

    def evaluate(scope: Scope) -> bool:
        found = of(scope)
        keys = of_choices(scope) if known is None else known
        return not _is_nothing(found) and sort_key(found) in keys

    return evaluate


def _is_literal(spec: object) -> bool:
    return isinstance(spec, dict) and spec.keys() == {"$literal"}


def _like(compiler: Compiler, operands: Any) -> Evaluate:
    """LIKE ignores case; a constant pattern is compiled once."""
    value, source, escape = operands
    of, of_source = compiler.expression(value), compiler.expression(source)
    seconds = compiler.limits.regex_seconds
    compiled: dict[str, Pattern | None] = {}

    def evaluate(scope: Scope) -> bool | None:
        text, pattern = of(scope), of_source(scope)
        if not isinstance(text, str) or not isinstance(pattern, str):
            return None
        if pattern not in compiled:
            translated = like_pattern(pattern, escape)
            compiled.clear()
            compiled[pattern] = (
                None if translated is None else Pattern(translated, "is", seconds=seconds)
            )
        regex = compiled[pattern]
        return None if regex is None else regex.search(text) is not None

    return evaluate


def like_pattern(text: str, escape: str) -> str | None:
    """Convert a LIKE pattern to a regular expression; None if its escape character ends it."""
    parts: list[str] = []
    letters = iter(text)
    for letter in letters:
        if letter == escape:
            escaped = next(letters, None)
            if escaped not in {escape, "_", "%"}:
                return None
            parts.append(re.escape(escaped))
        else:
            parts.append({"_": ".", "%": ".*"}.get(letter) or re.escape(letter))
    return rf"\A{''.join(parts)}\Z"


_NUMBERS = frozenset({"double", "int", "long", "decimal"})


def _is(compiler: Compiler, operands: Any) -> Evaluate:
    value, kind = operands
    of = compiler.expression(value)
    types = {"null": {"null", "missing"}, "number": _NUMBERS}.get(kind, {kind})
    return lambda scope: type_name(of(scope)) in types


# Rows and fields -------------------------------------------------------------------------------


def _row(compiler: Compiler, operands: Any) -> Evaluate:
    """A row, from pairs of a column's name and its expression."""
    columns = [(name, compiler.expression(spec)) for name, spec in operands]

    def evaluate(scope: Scope) -> dict[str, object]:
        row: dict[str, object] = {}
        for name, of in columns:
            value = of(scope)
            if value is not MISSING:
                row[name] = value
        return row

    return evaluate


def _field(compiler: Compiler, operands: Any) -> Evaluate:
    """A field by name, which may contain any characters; arrays are not traversed."""
    document, name = operands
    of, of_name = compiler.expression(document), compiler.expression(name)

    def evaluate(scope: Scope) -> object:
        value, key = of(scope), of_name(scope)
        return value.get(key, MISSING) if isinstance(value, dict) else MISSING

    return evaluate


def _item(value: object, key: object) -> object:
    """`x[y]`: an element of an array, or a field of a document."""
    if _is_nothing(key) or _is_nothing(value):
        return None
    if isinstance(value, dict):
        return value.get(key, MISSING) if isinstance(key, str) else MISSING
    if not isinstance(value, list) or not is_finite(key) or number(key) % 1:
        return MISSING
    place = int(number(key))
    return value[place] if -len(value) <= place < len(value) else MISSING


# Functions -------------------------------------------------------------------------------------


def _attempt(compiler: Compiler, operands: object) -> Evaluate:
    """The value of an expression, or null if its operands are outside the domain."""
    of = compiler.expression(operands)

    def evaluate(scope: Scope) -> object:
        try:
            return of(scope)
        except (QueryError, ArithmeticError, ValueError):
            return None

    return evaluate


def _strict(name: str) -> Function:
    """A `$` operator that is null if an operand is null or missing."""
    return replace(OPERATORS.functions[name], null_in_null_out=True)


def _whole(name: str, value: object) -> int:
    if not is_finite(value) or number(value) % 1:
        raise QueryError(34450, f"{name} takes whole numbers, found {type_name(value)}")
    return int(number(value))


def _divide(left: object, right: object) -> object:
    """Integer division for integers; null for a division by zero."""
    if is_number(right) and number(right) == 0:
        return None
    quotient = OPERATORS.functions["$divide"].apply(left, right)
    both_whole = isinstance(left, int) and isinstance(right, int)
    return int(quotient) if both_whole else quotient


def _substring(text: object, start: object, length: object = -1) -> object:
    """A substring, with indexes from 0; a negative length includes the rest."""
    if not isinstance(text, str):
        raise QueryError(16034, f"SUBSTRING takes a string, found {type_name(text)}")
    first, count = _whole("SUBSTRING", start), _whole("SUBSTRING", length)
    end = None if count < 0 else max(first, 0) + count
    return text[max(first, 0) : end]


def _token(text: object, delimiter: object, place: object) -> object:
    """`SPLIT`: the token at an index from 0, or from the end if it is negative."""
    if delimiter == "":
        return None
    tokens = OPERATORS.functions["$split"].apply(text, delimiter)
    index = _whole("SPLIT", place)
    return tokens[index] if -len(tokens) <= index < len(tokens) else ""


def _size(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


def _slice(value: object, *places: object) -> object:
    if not isinstance(value, list):
        return None
    whole = [_whole("SLICE", each) for each in places]
    if len(whole) == 1:
        (count,) = whole
        return value[:count] if count >= 0 else value[count:]
    start, length = whole
    if length <= 0:
        return None
    first = start if start >= 0 else max(len(value) + start, 0)
    return value[first : first + length]


def _distinct_count(values: Iterable[object]) -> int:
    return sum(1 for value in values if not _is_nothing(value))


_FUNCTIONS = {
    "$sqlCountDistinct": Function(apply=_distinct_count),
    "$sqlDivide": Function(apply=_divide, fewest=2, most=2, null_in_null_out=True),
    "$sqlEq": _comparison(operator.eq, across_types=False),
    "$sqlGt": _comparison(operator.gt),
    "$sqlGte": _comparison(operator.ge),
    "$sqlIndexOf": _strict("$indexOfCP"),
    "$sqlItem": Function(apply=_item, fewest=2, most=2),
    "$sqlLength": _strict("$strLenCP"),
    "$sqlLengthBytes": _strict("$strLenBytes"),
    "$sqlLower": _strict("$toLower"),
    "$sqlLt": _comparison(operator.lt),
    "$sqlLte": _comparison(operator.le),
    "$sqlNe": _comparison(operator.ne, across_types=True),
    "$sqlNot": Function(apply=_not),
    "$sqlSize": Function(apply=_size),
    "$sqlSlice": Function(apply=_slice, fewest=2, most=3, null_in_null_out=True),
    "$sqlSubstring": Function(apply=_substring, fewest=2, most=3, null_in_null_out=True),
    "$sqlToken": Function(apply=_token, fewest=3, most=3, null_in_null_out=True),
    "$sqlUpper": _strict("$toUpper"),
}
_SPECIAL = {
    "$sqlAnd": _connected(by=False),
    "$sqlAttempt": _attempt,
    "$sqlField": _field,
    "$sqlIn": _among,
    "$sqlIs": _is,
    "$sqlLike": _like,
    "$sqlOr": _connected(by=True),
    "$sqlRow": _row,
}

#: The operators of MongoDB and those of statements.
SQL_OPERATORS = Operators(
    functions=MappingProxyType({**OPERATORS.functions, **_FUNCTIONS}),
    named=OPERATORS.named,
    special=MappingProxyType({**OPERATORS.special, **_SPECIAL}),
)
