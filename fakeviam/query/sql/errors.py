"""What is wrong with a statement, with the dialect's own numbers."""

from __future__ import annotations


class SqlError(Exception):
    """A statement that the dialect refuses.

    Attributes:
        number: The dialect's number of the error: 1… of schemas, 2… of syntax, 3… of names.
        text: What is wrong, and what to write instead.
    """

    def __init__(self, number: int, text: str) -> None:
        """Refuse a statement."""
        super().__init__(f"Failed to translate SQL: Error {number}: {text}")
        self.number = number
        self.text = text


class UnservedSqlError(Exception):
    """A statement of the dialect that fakeviam does not serve."""

    def __init__(self, what: str, instead: str = "") -> None:
        """Refuse to serve it."""
        super().__init__(f"fakeviam does not serve {what} in SQL{instead and f'; {instead}'}")


def wrong_syntax(text: str) -> SqlError:
    """A statement that is none."""
    return SqlError(2000, text)


def unexpected(token: str, text: str) -> SqlError:
    """A token where it can't stand."""
    return SqlError(2001, f"Unrecognized token `{brief(token)}`: {text}")


def brief(text: str) -> str:
    """A text that fits into a message."""
    return text if len(text) <= 60 else f"{text[:60]}…"


def incomparable(name: str, one: str, other: str) -> SqlError:
    """Kinds of values that no comparison orders."""
    hints = {"date": "a date compares with CAST('…' AS TIMESTAMP)", "array": "see UNWIND"}
    hints["objectId"] = "an id compares with CAST('…' AS OBJECTID)"
    hint = next((hints[kind] for kind in (one, other) if kind in hints), "use CAST")
    text = f"incomparable types: `{one}` cannot be compared to `{other}`; {hint}"
    return SqlError(1005, f"Invalid use of `{name}` due to {text}")


def wrong_kind(name: str, wanted: str, kind: str | None) -> SqlError:
    """An argument of a kind that `name` does not take."""
    text = f"Incorrect argument type for `{name}`. Required: {wanted}. Found: {kind}."
    return SqlError(1002, text + (" See DATEDIFF and DATEADD." if kind == "date" else ""))
