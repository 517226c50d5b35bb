"""Strict JSON parsing: none of the extensions of Python's parser."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from fakeviam.model.text import is_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Deeper than any real document, and well within the limits of parsers and renderers.
DEEPEST = 100

# Integers of 64 bits, signed or not. 20 characters hold all of them.
_SMALLEST, _LARGEST, _LONGEST = -(2**63), 2**64 - 1, 20

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)
# An unfinished string swallows the rest, so that its brackets do not count.
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class JsonError(ValueError):
    """Text that is not JSON.

    Attributes:
        reason: A predicate such as "is not JSON: Expecting value".
        line: From 1; 0 if unknown.
        column: From 1; 0 if unknown.
    """

    def __init__(self, reason: str, *, line: int = 0, column: int = 0) -> None:
        """Refuse text because of `reason`."""
        self.reason, self.line, self.column = reason, line, column
        super().__init__(f"{reason} at line {line}, column {column}" if line else reason)


class Token(NamedTuple):
    """A string, number, word, bracket, comma or colon of JSON text, and its line from 1."""

    text: str
    line: int


class _UnfitError(Exception):
    """A token outside of what JSON supports."""

    def __init__(self, token: str, reason: str) -> None:
        super().__init__(reason)
        self.token, self.reason = token, reason


def holds_many(text: bytes, most: int) -> bool:
    """Whether text in JSON may hold more than so many values: commas in strings count, too."""
    return len(text) > most and sum(map(text.count, (b",", b"[", b"{"))) > most


def parse_json(data: bytes | str, *, unique: bool = True, nan: bool = False) -> Any:
    """The value of JSON text.

    Args:
        data: The text; bytes may begin with a byte order mark.
        unique: Refuse repeated fields; otherwise the last one wins.
        nan: Accept NaN, which many programs write for an absent number, as a float.

    Raises:
        JsonError: It is not UTF-8 or not JSON, holds NaN, an infinity or a number beyond doubles or
            64 bits, gives a field twice, or is nested more than `DEEPEST` levels deep.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise JsonError("is not UTF-8", line=line, column=1) from error
    _check_depth(text)
    try:
        return json.loads(
            text,
            parse_constant=_nan if nan else _refuse_constant,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_unique if unique else None,
        )
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg}"
        raise JsonError(reason, line=error.lineno, column=error.colno) from error
    except _UnfitError as unfit:
        matches = (each for each in _TOKEN.finditer(text) if each[0].startswith(unfit.token))
        at = next(matches).start()
        raise _error_at(text, at, f"is not JSON: {unfit.reason}") from None


def unfit_part(value: object, where: str = "", depth: int = 0) -> str:
    """What JSON cannot represent in a value, and where: "inf at a.b[2]"; empty if nothing."""
    if depth > DEEPEST:
        return f"more than {DEEPEST} levels"
    unfit = _unfit(value)
    if unfit:
        return f"{unfit} at {where}" if where else unfit
    inner: Iterable[tuple[str, object]] = ()
    if isinstance(value, dict):
        for key in value:
            if not is_text(key):
                return f"the key {key!r}, which UTF-8 cannot encode"
        inner = ((f"{where}.{key}" if where else key, each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        inner = ((f"{where}[{number}]", each) for number, each in enumerate(value))
    return next(filter(None, (unfit_part(each, path, depth + 1) for path, each in inner)), "")


def _unfit(value: object) -> str:
    if isinstance(value, str):
        return "" if is_text(value) else "text that cannot be encoded as UTF-8"
    if isinstance(value, float) and not isfinite(value):
        return f"{value}, which is not a JSON number,"
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        return "an integer that does not fit in 64 bits"
    if value is None or isinstance(value, bool | int | float | dict | list | tuple):
        return ""
    return f"a value of type {type(value).__name__}"


def tokens(text: str) -> Iterator[Token]:
    """The tokens of JSON text, for callers that need the lines of values."""
    line, position = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        yield Token(match[0], line)


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise _UnfitError(text, f"{_short(text)} is beyond the range of a double")
    return value


def _int(text: str) -> int:
    if len(text) > _LONGEST or not _SMALLEST <= int(text) <= _LARGEST:
        raise _UnfitError(text, f"{_short(text)} does not fit in 64 bits")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise _UnfitError(name, f"there is no {name} in JSON")


def _nan(name: str) -> float:
    return float(name) if name == "NaN" else _refuse_constant(name)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"repeats the field {twice!r}")
    return fields


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEEPEST:
            raise _error_at(text, match.start(), f"is nested more than {DEEPEST} levels deep")


def _error_at(text: str, at: int, reason: str) -> JsonError:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return JsonError(reason, line=line, column=column)


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:30]}…"
