"""JSON from bytes or text, without what only Python's parser accepts."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, NoReturn

#: Deeper than any document; parsers and renderers end somewhere beyond.
DEEPEST = 100

# Integers of 64 bits, signed or not. 20 characters hold all of them.
_SMALLEST, _LARGEST, _LONGEST = -(2**63), 2**64 - 1, 20


class JsonError(ValueError):
    """Text that is not JSON.

    Attributes:
        reason: What is wrong, as the end of a sentence: "is not JSON: Expecting value".
        line: Where, from 1; 0 if that is not known.
        column: Likewise.
    """

    def __init__(self, reason: str, *, line: int = 0, column: int = 0) -> None:
        """Refuse text because of `reason`."""
        self.reason, self.line, self.column = reason, line, column
        super().__init__(f"{reason} at line {line}, column {column}" if line else reason)


def parse_json(data: bytes | str) -> Any:
    """The value of JSON text.

    Raises:
        JsonError: It is not UTF-8 or not JSON, holds NaN, an infinity or a number beyond doubles or
            64 bits, gives a field twice, or is nested more than `DEEPEST` levels deep.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=parse_float,
            parse_int=parse_int,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise JsonError("is not UTF-8") from error
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg}"
        raise JsonError(reason, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise too_deep() from error
    _check_depth(value)
    return value


def parse_float(text: str) -> float:
    """A JSON number with a fraction or an exponent.

    Raises:
        JsonError: A double cannot hold it.
    """
    value = float(text)
    if not isfinite(value):
        raise JsonError(f"is not JSON: {_short(text)} is beyond the range of a double")
    return value


def parse_int(text: str) -> int:
    """A JSON number without a fraction.

    Raises:
        JsonError: It does not fit into 64 bits.
    """
    if len(text) > _LONGEST or not _SMALLEST <= int(text) <= _LARGEST:
        raise JsonError(f"is not JSON: {_short(text)} does not fit into 64 bits")
    return int(text)


def too_deep() -> JsonError:
    """The error for a document that is nested too deeply."""
    return JsonError(f"is nested more than {DEEPEST} levels deep")


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"is not JSON: there is no {name} in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"has the field {twice!r} twice")
    return found


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return
    raise too_deep()


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:30]}…"
