"""What counts as text, and numbers with their nouns."""

from __future__ import annotations


def is_text(value: object) -> bool:
    """Whether a value is text that UTF-8 can encode, without lone surrogates."""
    try:
        return isinstance(value, str) and (value.isascii() or value.encode() is not None)
    except UnicodeEncodeError:
        return False


def counted(count: int, one: str, several: str = "") -> str:
    """`1 fault`, `2 faults`."""
    return f"{count} {one if count == 1 else several or f'{one}s'}"
