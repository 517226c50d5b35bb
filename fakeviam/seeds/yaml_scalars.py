"""Unquoted YAML scalars where no type is expected; ambiguous ones are refused."""

from __future__ import annotations

import re

from fakeviam.validation.scalars import Unquoted

# YAML 1.1, which many programs still use, and YAML 1.2 interpret these differently.
_AMBIGUOUS = (
    (re.compile(r"yes|no|on|off", re.IGNORECASE), "write true or false, or put it in quotes"),
    (
        re.compile(r"[-+]?0[0-9][0-9_]*|[-+]?0[box][0-9a-fA-F_]+"),
        "write a number without a leading zero, or put it in quotes",
    ),
    (
        re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"),
        "put it in quotes: YAML 1.1 reads a number in base 60",
    ),
    (re.compile(r"[-+]?[0-9]+_[0-9_]*"), "write the number without _, or put it in quotes"),
    (re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE), "readings can only hold finite numbers"),
)


def resolved(value: object) -> object:
    """Convert a value of a document to JSON types.

    Raises:
        ValueError: A scalar is ambiguous, or beyond the range of a double.
    """
    if isinstance(value, Unquoted):
        return _scalar(value)
    if isinstance(value, dict):
        return {key: resolved(inner) for key, inner in value.items()}
    return [resolved(inner) for inner in value] if isinstance(value, list) else value


def _scalar(text: Unquoted) -> object:
    if text.is_null:
        return None
    if text.flag is not None:
        return text.flag
    for form, advice in _AMBIGUOUS:
        if form.fullmatch(text):
            raise ValueError(f"{text} is read differently by different programs; {advice}")
    if text.is_number:
        if text.number is None:
            raise ValueError(f"{text:.30} is beyond the range of a double")
        return text.number
    return str(text)
