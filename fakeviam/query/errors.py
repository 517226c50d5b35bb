"""What is wrong with a query, in MongoDB's words and with MongoDB's codes."""

from __future__ import annotations

from types import MappingProxyType

_NAMES = MappingProxyType(
    {
        2: "BadValue",
        9: "FailedToParse",
        10334: "BSONObjectTooLarge",
        13: "Unauthorized",
        14: "TypeMismatch",
        17: "ProtocolError",
        18: "AuthenticationFailed",
        20: "IllegalOperation",
        26: "NamespaceNotFound",
        43: "CursorNotFound",
        50: "MaxTimeMSExpired",
        59: "CommandNotFound",
        72: "InvalidOptions",
        73: "InvalidNamespace",
        125: "CommandFailed",
        146: "ExceededMemoryLimit",
        168: "InvalidPipelineOperator",
        241: "ConversionFailure",
        352: "UnsupportedOpQueryCommand",
    }
)


class QueryError(Exception):
    """A query that MongoDB refuses.

    Attributes:
        code: MongoDB's number for it.
        text: What is wrong.
    """

    def __init__(self, code: int, text: str) -> None:
        """Refuse a query."""
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def code_name(self) -> str:
        """MongoDB's name of the code; older codes have only a number."""
        return _NAMES.get(self.code, f"Location{self.code}")

    def __str__(self) -> str:
        return f"({self.code_name}) {self.text}"


class QueryTimeoutError(QueryError):
    """A query that takes more work than it may."""


class ResultTooLargeError(QueryError):
    """An answer of more documents than there may be."""


#: Bytes of a document, and so of any text in it; elements of an array, which have eight. Documents
#: and arrays in one are fewer: to walk through as many as would fit keeps others waiting.
LARGEST = 16 * 1024 * 1024
MOST_ELEMENTS = LARGEST // 8
MOST_INSIDE = LARGEST // 64


def too_large(what: str) -> QueryError:
    """The refusal of a value that fits into no document."""
    text = f"BSONObj size is invalid: {what}. Size must be between 0 and {LARGEST}"
    return QueryError(10334, text)


def wrong_type(text: str) -> QueryError:
    """An operand has a type that the operator does not take."""
    return QueryError(14, text)


def bad_value(text: str) -> QueryError:
    """A value that is invalid in its position."""
    return QueryError(2, text)


def unparsable(text: str) -> QueryError:
    """A specification that does not have the form it must have."""
    return QueryError(9, text)
