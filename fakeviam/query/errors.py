"""Query errors with MongoDB's texts and codes."""

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
        code: MongoDB's error code.
        text: The message.
    """

    def __init__(self, code: int, text: str) -> None:
        """Create an error."""
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def code_name(self) -> str:
        """MongoDB's name of the code; some older codes have only a number."""
        return _NAMES.get(self.code, f"Location{self.code}")

    def __str__(self) -> str:
        return f"({self.code_name}) {self.text}"


class QueryTimeoutError(QueryError):
    """A query that exceeds its budget."""


class ResultTooLargeError(QueryError):
    """A result with too many documents."""


#: The maximum size of a document in bytes, and thus of a text; an element of an array has eight.
#: The limit for nested values is lower, because traversing more would block the server.
LARGEST = 16 * 1024 * 1024
MOST_ELEMENTS = LARGEST // 8
MOST_INSIDE = LARGEST // 64


def too_large(what: str) -> QueryError:
    """The error for a value that does not fit into any document."""
    text = f"BSONObj size is invalid: {what}. Size must be between 0 and {LARGEST}"
    return QueryError(10334, text)


def wrong_type(text: str) -> QueryError:
    """The error for an operand of a type that the operator does not accept."""
    return QueryError(14, text)


def bad_value(text: str) -> QueryError:
    """The error for a value that is invalid in its position."""
    return QueryError(2, text)


def unparsable(text: str) -> QueryError:
    """The error for a malformed specification."""
    return QueryError(9, text)
