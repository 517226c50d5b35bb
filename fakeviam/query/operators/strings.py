"""Operators on text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Regex

from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import Function, NamedFunction
from fakeviam.query.operators.types import text_of
from fakeviam.query.regexes import Pattern
from fakeviam.query.values import MISSING, is_number, number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.expressions import Compiler, Evaluate, Scope

#: What `$trim` takes away when it is not told.
_WHITE = (
    "\0 \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)


def _text(name: str, value: Any, code: int = 14) -> str:
    if not isinstance(value, str):
        raise QueryError(code, f"{name} requires a string argument, found: {type_name(value)}")
    return value


def _concat(*values: Any) -> str:
    for value in values:
        if not isinstance(value, str):
            raise QueryError(16702, f"$concat only supports strings, not {type_name(value)}")
    return "".join(values)


def _coerced(value: Any) -> str:
    return "" if value is None or value is MISSING else text_of(value)


def _index(name: str, what: str, value: Any) -> int:
    if not is_number(value) or number(value) % 1:
        raise QueryError(34450, f"{name}: {what} is not an integer: {value!r}")
    return int(number(value))


def _substring_bytes(value: Any, start: Any, length: Any) -> str:
    data = _coerced(value).encode()
    first, count = (
        _index("$substrBytes", "starting index", start),
        _index("$substrBytes", "length", length),
    )
    if first < 0:
        raise QueryError(50752, "$substrBytes: starting index must be non-negative")
    piece = data[first:] if count < 0 else data[first : first + count]
    try:
        return piece.decode()
    except UnicodeDecodeError:
        text = "$substrBytes: Invalid range: an index is in the middle of a UTF-8 character."
        raise QueryError(28656, text) from None


def _substring(value: Any, start: Any, length: Any) -> str:
    text = _coerced(value)
    first, count = (
        _index("$substrCP", "starting index", start),
        _index("$substrCP", "length", length),
    )
    if first < 0 or count < 0:
        raise QueryError(34452, "$substrCP: starting index and length must be non-negative")
    return text[first : first + count]


def _split(value: Any, separator: Any) -> list[str]:
    text = _text("$split", value, 40085)
    between = _text("$split", separator, 40086)
    if not between:
        raise QueryError(40087, "$split requires a non-empty separator")
    return text.split(between)


def _found_at(name: str, *, by_bytes: bool) -> Function:
    def apply(value: Any, wanted: Any, start: Any = 0, end: Any = None) -> Any:
        if value is None or value is MISSING:
            return None
        text, part = _text(name, value, 40091), _text(name, wanted, 40092)
        first = _index(name, "starting index", start)
        last = None if end is None else _index(name, "ending index", end)
        if first < 0 or (last is not None and last < 0):
            raise QueryError(40097, f"{name} requires a nonnegative index")
        if by_bytes:
            return text.encode().find(part.encode(), first, last)
        return text.find(part, first, last)

    return Function(apply=apply, fewest=2, most=4)


def _case(change: Callable[[str], str]) -> Function:
    # Only ASCII letters have cases for MongoDB.
    return Function(
        apply=lambda value: "".join(
            change(letter) if letter.isascii() else letter for letter in _coerced(value)
        )
    )


def _compare_without_case(left: Any, right: Any) -> int:
    one, other = _coerced(left).upper(), _coerced(right).upper()
    return (one > other) - (one < other)


def _trimmed(name: str, strip: Callable[[str, str], str]) -> NamedFunction:
    def apply(input: Any, chars: Any = _WHITE) -> str:  # noqa: A002
        return strip(_text(name, input, 50699), _text(name, chars, 50700))

    return NamedFunction(
        apply=apply, required=("input",), optional=("chars",), nulls=("input", "chars")
    )


def _replaced(name: str, count: int) -> NamedFunction:
    def apply(input: Any, find: Any, replacement: Any) -> str:  # noqa: A002
        return _text(name, input, 51746).replace(
            _text(name, find, 51745), _text(name, replacement, 51744), count
        )

    return NamedFunction(
        apply=apply,
        required=("input", "find", "replacement"),
        nulls=("input", "find", "replacement"),
    )


def _regex(name: str, answer: Callable[[Pattern, str], Any], empty: Callable[[], Any]) -> Any:
    def build(compiler: Compiler, operands: Any) -> Evaluate:
        parts = compiler.named(name, operands, ("input", "regex"), ("options",))

        def evaluate(scope: Scope) -> Any:
            text, source = parts["input"](scope), parts["regex"](scope)
            if text in (None, MISSING) or source in (None, MISSING):
                return empty()
            if not isinstance(source, (str, Regex)):
                raise QueryError(51105, f"{name} needs 'regex' to be of type string or regex")
            options = parts["options"](scope) if "options" in parts else ""
            pattern = Pattern(source, options or "", seconds=compiler.limits.regex_seconds)
            return answer(pattern, _text(name, text, 51104))

        return evaluate

    return build


def _match(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"match": found[0], "idx": found.start(), "captures": list(found.groups())}


def _length(value: Any) -> int:
    if not isinstance(value, str):
        raise QueryError(34471, f"$strLenCP requires a string argument, found: {type_name(value)}")
    return len(value)


def _length_in_bytes(value: Any) -> int:
    if not isinstance(value, str):
        raise QueryError(
            34473, f"$strLenBytes requires a string argument, found: {type_name(value)}"
        )
    return len(value.encode())


FUNCTIONS = {
    "$concat": Function(apply=_concat, fewest=0, most=None, null_in_null_out=True),
    "$indexOfBytes": _found_at("$indexOfBytes", by_bytes=True),
    "$indexOfCP": _found_at("$indexOfCP", by_bytes=False),
    "$split": Function(apply=_split, fewest=2, most=2, null_in_null_out=True),
    "$strcasecmp": Function(apply=_compare_without_case, fewest=2, most=2),
    "$strLenBytes": Function(apply=_length_in_bytes),
    "$strLenCP": Function(apply=_length),
    "$substr": Function(apply=_substring_bytes, fewest=3, most=3),
    "$substrBytes": Function(apply=_substring_bytes, fewest=3, most=3),
    "$substrCP": Function(apply=_substring, fewest=3, most=3),
    "$toLower": _case(str.lower),
    "$toUpper": _case(str.upper),
}
NAMED = {
    "$ltrim": _trimmed("$ltrim", str.lstrip),
    "$rtrim": _trimmed("$rtrim", str.rstrip),
    "$trim": _trimmed("$trim", str.strip),
    "$replaceOne": _replaced("$replaceOne", 1),
    "$replaceAll": _replaced("$replaceAll", -1),
}
SPECIAL = {
    "$regexFind": _regex(
        "$regexFind", lambda pattern, text: _match(pattern.search(text)), lambda: None
    ),
    "$regexFindAll": _regex(
        "$regexFindAll",
        lambda pattern, text: [_match(each) for each in pattern.finditer(text)],
        list,
    ),
    "$regexMatch": _regex(
        "$regexMatch", lambda pattern, text: pattern.search(text) is not None, lambda: False
    ),
}
