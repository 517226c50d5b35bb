"""Errors in statements, with the dialect's own numbers."""

from __future__ import annotations


class SqlError(Exception):
    """A statement that the dialect does not accept.

    Attributes:
        number: The dialect's error number: 1… schema, 2… syntax, 3… names and types.
        text: The error, and how to fix it.
    """

    def __init__(self, number: int, text: str) -> None:
        """Create an error."""
        super().__init__(f"Failed to translate SQL: Error {number}: {text}")
        self.number = number
        self.text = text


class UnservedSqlError(Exception):
    """A valid statement of the dialect that fakeviam does not support."""

    def __init__(self, what: str, instead: str = "") -> None:
        """Name the feature, and what to use instead."""
        super().__init__(f"fakeviam does not serve {what} in SQL{instead and f'; {instead}'}")


def wrong_syntax(text: str) -> SqlError:
    """The error for text that is not a statement."""
    return SqlError(2000, text)


def unexpected(token: str, text: str) -> SqlError:
    """The error for a token that is not valid at its position."""
    return SqlError(2001, f"Unrecognized token `{brief(token)}`: {text}")


def brief(text: str) -> str:
    """Shorten a text for a message."""
    return text if len(text) <= 60 else f"{text[:60]}…"


def incomparable(name: str, one: str, other: str) -> SqlError:
    """The error for two kinds of values that cannot be compared."""
    hints = {"date": "a date compares with CAST('…' AS TIMESTAMP)", "array": "see UNWIND"}
    hints["objectId"] = "an id compares with CAST('…' AS OBJECTID)"
    hint = next((hints[kind] for kind in (one, other) if kind in hints), "use CAST")
    text = f"incomparable types: `{one}` cannot be compared to `{other}`; {hint}"
    return SqlError(1005, f"Invalid use of `{name}` due to {text}")


def wrong_kind(name: str, wanted: str, kind: str | None) -> SqlError:
    """The error for an argument of a kind that `name` does not accept."""
    text = f"Incorrect argument type for `{name}`. Required: {wanted}. Found: {kind}."
    return SqlError(1002, text + (" See DATEDIFF and DATEADD." if kind == "date" else ""))
