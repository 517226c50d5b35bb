"""What is text."""

from __future__ import annotations


def is_text(value: object) -> bool:
    """Whether a value is text that UTF-8 can encode, without lone surrogates."""
    try:
        return isinstance(value, str) and (value.isascii() or value.encode() is not None)
    except UnicodeEncodeError:
        return False
