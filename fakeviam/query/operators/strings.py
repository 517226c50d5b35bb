"""Operators on strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Regex

from fakeviam.query.errors import LARGEST, QueryError, too_large
from fakeviam.query.expressions import Function, NamedFunction
from fakeviam.query.operators.types import text_of
from fakeviam.query.regexes import Pattern
from fakeviam.query.values import MISSING, as_long, is_number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.expressions import Compiler, Evaluate, Scope

#: The default characters of `$trim`: MongoDB's list of whitespace, and NUL.
_WHITE = (
    "\0 \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)


def _text(name: str, value: object, code: int = 14) -> str:
    if not isinstance(value, str):
        raise QueryError(code, f"{name} requires a string argument, found: {type_name(value)}")
    return value


def _concat(*values: Any) -> str:
    for value in values:
        if not isinstance(value, str):
            raise QueryError(16702, f"$concat only supports strings, not {type_name(value)}")
    return _made("$concat", sum(map(len, values)), lambda: "".join(values))


def _made(name: str, size: int, make: Callable[[], str]) -> str:
    """Build a string of a known size, if it fits into a document."""
    if size > LARGEST:
        raise too_large(f"{name} makes a text of {size} characters")
    return make()


def _coerced(value: object) -> str:
    return "" if value is None or value is MISSING else text_of(value)


def _index(name: str, what: str, value: object, code: int, fraction: int) -> int:
    """Convert an operand to an integer; `code` is for other types, `fraction` for other numbers.

    Raises:
        QueryError: It is invalid.
    """
    whole = as_long(value)
    if whole is None:
        text = f"{name}: {what} is not an integer: {value!r}"
        raise QueryError(fraction if is_number(value) else code, text)
    return whole


def _substring_bytes(value: object, start: object, length: object) -> str:
    data = _coerced(value).encode()
    first = _index("$substrBytes", "starting index", start, 16034, 16034)
    count = _index("$substrBytes", "length", length, 16035, 16035)
    if first < 0:
        raise QueryError(50752, "$substrBytes: starting index must be non-negative")
    piece = data[first:] if count < 0 else data[first : first + count]
    try:
        return piece.decode()
    except UnicodeDecodeError:
        text = "$substrBytes: Invalid range: an index is in the middle of a UTF-8 character."
        raise QueryError(28656, text) from None


def _substring(value: object, start: object, length: object) -> str:
    text = _coerced(value)
    first = _index("$substrCP", "starting index", start, 34450, 34451)
    count = _index("$substrCP", "length", length, 34452, 34453)
    if first < 0 or count < 0:
        text = "$substrCP: starting index and length must be non-negative"
        raise QueryError(34454 if count < 0 else 34455, text)
    return text[first : first + count]


def _split(value: object, separator: object) -> list[str]:
    text = _text("$split", value, 40085)
    between = _text("$split", separator, 40086)
    if not between:
        raise QueryError(40087, "$split requires a non-empty separator")
    return text.split(between)


def _found_at(name: str, *, by_bytes: bool) -> Function:
    def apply(value: object, needle: object, start: object = 0, end: object = None) -> object:
        if value is None or value is MISSING:
            return None
        codes = (40091, 40092) if by_bytes else (40093, 40094)
        text, part = _text(name, value, codes[0]), _text(name, needle, codes[1])
        first = _index(name, "starting index", start, 40096, 40096)
        last = None if end is None else _index(name, "ending index", end, 40096, 40096)
        if first < 0 or (last is not None and last < 0):
            raise QueryError(40097, f"{name} requires a nonnegative index")
        if by_bytes:
            return text.encode().find(part.encode(), first, last)
        return text.find(part, first, last)

    return Function(apply=apply, fewest=2, most=4)


def _case(change: Callable[[str], str]) -> Function:
    return Function(apply=lambda value: _cased(_coerced(value), change))


def _cased(text: str, change: Callable[[str], str]) -> str:
    """Change the case of ASCII letters only, as MongoDB does."""
    if text.isascii():
        return change(text)
    return "".join(change(letter) if letter.isascii() else letter for letter in text)


def _compare_without_case(left: object, right: object) -> int:
    one, other = (_cased(_coerced(value), str.upper) for value in (left, right))
    return (one > other) - (one < other)


def _trimmed(name: str, strip: Callable[[str, str], str]) -> NamedFunction:
    def apply(input: object, chars: object = _WHITE) -> str:  # noqa: A002
        return strip(_text(name, input, 50699), _text(name, chars, 50700))

    return NamedFunction.of(apply)


def _replaced(name: str, count: int) -> NamedFunction:
    def apply(input: object, find: object, replacement: object) -> str:  # noqa: A002
        text, old = _text(name, input, 51746), _text(name, find, 51745)
        new = _text(name, replacement, 51744)
        places = min(text.count(old), count % 2**63)  # a count of -1 replaces all
        size = len(text) + places * (len(new) - len(old))
        return _made(name, size, lambda: text.replace(old, new, count))

    return NamedFunction.of(apply)


def _regex(name: str, answer: Callable[[Pattern, str], object], empty: Callable[[], object]) -> Any:
    def build(compiler: Compiler, operands: object) -> Evaluate:
        parts = compiler.named(name, operands, ("input", "regex"), ("options",))

        def evaluate(scope: Scope) -> object:
            text, source = parts["input"](scope), parts["regex"](scope)
            if text in (None, MISSING) or source in (None, MISSING):
                return empty()
            if not isinstance(source, (str, Regex)):
                raise QueryError(51105, f"{name} needs 'regex' to be of type string or regex")
            options = parts["options"](scope) if "options" in parts else None
            if options not in (None, MISSING) and not isinstance(options, str):
                raise QueryError(51106, f"{name} needs 'options' to be of type string")
            if options and isinstance(source, Regex) and source.flags:
                raise QueryError(51107, f"{name}: options are in 'regex' and in 'options'")
            subject = _text(name, text, 51104)
            pattern = Pattern(
                source, options or "", seconds=compiler.limits.regex_seconds, invalid=51111
            )
            return answer(pattern, subject)

        return evaluate

    return build


def _match(match: Any) -> dict[str, object] | None:
    if match is None:
        return None
    return {"match": match[0], "idx": match.start(), "captures": list(match.groups())}


def _length(value: object) -> int:
    if not isinstance(value, str):
        raise QueryError(34471, f"$strLenCP requires a string argument, found: {type_name(value)}")
    return len(value)


def _length_in_bytes(value: object) -> int:
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
