"""Refusals: all errors that the service returns.

A refusal has a gRPC status, a message that starts with what is wrong and names the field and the
value, and the id of the clause it depends on. The server encodes it in one place. Any other
exception that escapes a handler is a bug in the fake.
"""

from __future__ import annotations

import enum

from fakeviam.model.text import short

# gRPC sends the text in a header, where each byte that is not printable ASCII takes three. A server
# may send about 64 KiB, but C++, Python and C# clients fail with more than 8 KiB of headers.
_LONGEST_TEXT = 2000
_LARGEST_HEADER = 4000


def shortened(text: str) -> str:
    """`text`, truncated if clients would reject it because of its size."""
    short = text[:_LONGEST_TEXT]
    while (size := _size_in_header(short)) > _LARGEST_HEADER:
        short = short[: len(short) * _LARGEST_HEADER // size]
    return text if len(short) == len(text) else f"{short}… ({len(text)} characters)"


def _size_in_header(text: str) -> int:
    plain = sum(" " <= each <= "~" and each != "%" for each in text)
    return plain + 3 * (len(text.encode("utf-8", "surrogatepass")) - plain)


class StatusCode(enum.IntEnum):
    """The gRPC status codes that the fake uses; the numbers are those of the protocol."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class FakeViamError(Exception):
    """The base class of all errors that fakeviam raises deliberately."""


class UsageError(FakeViamError, ValueError):
    """Invalid use of the Python API or the command line; the message explains it."""


class Refusal(FakeViamError):  # noqa: N818 - a reply of the service rather than an error of ours
    """A request that the service refuses; nothing was changed.

    Attributes:
        status: The gRPC status.
        clause: The id of the clause it depends on.
        text: The message for the client, which ends with the clause id in brackets.
    """

    status = StatusCode.UNKNOWN

    def __init__(self, what: str, *, clause: str, bare: bool = False) -> None:
        """Create a refusal.

        Args:
            what: What is wrong, which field, which value.
            clause: The id of the clause it depends on.
            bare: Whether to omit the id, for messages that are publicly known word for word.
        """
        self.clause = clause
        self.text = what if bare else f"{shortened(what)} [{clause}]"
        super().__init__(self.text)


class InvalidArgumentError(Refusal):
    """The request is invalid regardless of the state."""

    status = StatusCode.INVALID_ARGUMENT


class NotFoundError(Refusal):
    """The request refers to something that does not exist."""

    status = StatusCode.NOT_FOUND


class AlreadyExistsError(Refusal):
    """The request would create something whose name is taken."""

    status = StatusCode.ALREADY_EXISTS


class FailedPreconditionError(Refusal):
    """The request does not fit the state or the kind of its object."""

    status = StatusCode.FAILED_PRECONDITION


class PermissionDeniedError(Refusal):
    """The API key may not see the organization that the request names."""

    status = StatusCode.PERMISSION_DENIED


class UnauthenticatedError(Refusal):
    """The credentials are missing, wrong or expired."""

    status = StatusCode.UNAUTHENTICATED


class ResourceExhaustedError(Refusal):
    """A limit is exceeded: the message is too large, or there is no space to store it."""

    status = StatusCode.RESOURCE_EXHAUSTED


class DeadlineExceededError(Refusal):
    """It would take longer than the service permits."""

    status = StatusCode.DEADLINE_EXCEEDED


class UnavailableError(Refusal):
    """Something that the service needs is currently unavailable."""

    status = StatusCode.UNAVAILABLE


class UnimplementedError(Refusal):
    """The fake has no handler for this RPC."""

    status = StatusCode.UNIMPLEMENTED


class UnknownStatusError(Refusal):
    """Refused with the status UNKNOWN, as observed in the real service."""

    status = StatusCode.UNKNOWN


class InsufficientEvidenceError(FailedPreconditionError):
    """The reply would depend on weaker evidence than the test accepts."""


def check_count(value: object, name: str) -> None:
    """Check that a value is a whole number from 1, of 64 bits.

    Raises:
        UsageError: It is not; the message names the parameter.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**63:
        raise UsageError(f"{name} must be a whole number from 1, got {short(value)}")
