"""What is wrong with a query, in MongoDB's words and with MongoDB's codes."""

from __future__ import annotations

from types import MappingProxyType

_NAMES = MappingProxyType(
    {
        2: "BadValue",
        9: "FailedToParse",
        14: "TypeMismatch",
        50: "MaxTimeMSExpired",
        146: "ExceededMemoryLimit",
        168: "InvalidPipelineOperator",
        241: "ConversionFailure",
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


def wrong_type(text: str) -> QueryError:
    """An operand has a type that the operator does not take."""
    return QueryError(14, text)


def bad_value(text: str) -> QueryError:
    """A value that makes no sense where it is."""
    return QueryError(2, text)


def unparsable(text: str) -> QueryError:
    """A specification that does not have the form it must have."""
    return QueryError(9, text)
