"""Refusals: every way in which the fake says no.

A refusal carries the gRPC status, a text that starts with what is wrong and names
the field and the value, and the id of the clause it rests on. The server maps it to
the wire in one place. Anything else that escapes a handler is a bug of the fake.
"""

from __future__ import annotations

import enum

# gRPC carries the text in a header: a byte that is not printable ASCII takes three there. A server
# may send some 64 KiB, but C++, Python and C# fail a call with more than 8 KiB of headers.
_LONGEST_TEXT = 2000
_LARGEST_HEADER = 4000


def shortened(text: str) -> str:
    """`text`, cut if it would not fit into an answer that every client takes."""
    short = text[:_LONGEST_TEXT]
    while (size := _size_in_header(short)) > _LARGEST_HEADER:
        short = short[: len(short) * _LARGEST_HEADER // size]
    return text if len(short) == len(text) else f"{short}… ({len(text)} characters)"


def _size_in_header(text: str) -> int:
    plain = sum(" " <= each <= "~" and each != "%" for each in text)
    return plain + 3 * (len(text.encode("utf-8", "surrogatepass")) - plain)


class StatusCode(enum.IntEnum):
    """The gRPC status codes the fake uses; the numbers are those of the wire."""

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
    """Root of every error that fakeviam raises on purpose."""


class UsageError(FakeViamError, ValueError):
    """A Python caller or a command line asked for something that cannot be done."""


class Refusal(FakeViamError):  # noqa: N818 - an answer of the service, not an error of ours
    """A request that the service refuses; nothing was stored, changed or lost.

    Attributes:
        status: gRPC status of the answer.
        clause: id of the clause or decision the refusal rests on.
        text: what the client reads; ends with the clause id in brackets.
    """

    status = StatusCode.UNKNOWN

    def __init__(self, what: str, *, clause: str, bare: bool = False) -> None:
        """Refuse because of `what`.

        Args:
            what: What is wrong, which field, which value.
            clause: Id of the clause it rests on.
            bare: Leave the id out of the text, for texts seen in public word for word.
        """
        self.clause = clause
        self.text = what if bare else f"{shortened(what)} [{clause}]"
        super().__init__(self.text)


class InvalidArgumentError(Refusal):
    """The request can never succeed as it is."""

    status = StatusCode.INVALID_ARGUMENT


class NotFoundError(Refusal):
    """The request names something that does not exist."""

    status = StatusCode.NOT_FOUND


class AlreadyExistsError(Refusal):
    """The request would create something whose name is taken."""

    status = StatusCode.ALREADY_EXISTS


class FailedPreconditionError(Refusal):
    """The request does not fit the state or the kind of the thing it names."""

    status = StatusCode.FAILED_PRECONDITION


class PermissionDeniedError(Refusal):
    """The API key may not see the organization that the request names."""

    status = StatusCode.PERMISSION_DENIED


class UnauthenticatedError(Refusal):
    """The credentials are missing, wrong or expired."""

    status = StatusCode.UNAUTHENTICATED


class ResourceExhaustedError(Refusal):
    """There is no room: the message is too large, or what it writes cannot be kept."""

    status = StatusCode.RESOURCE_EXHAUSTED


class DeadlineExceededError(Refusal):
    """It would take longer than the service lets it."""

    status = StatusCode.DEADLINE_EXCEEDED


class UnavailableError(Refusal):
    """What the service needs cannot be used at present."""

    status = StatusCode.UNAVAILABLE


class UnimplementedError(Refusal):
    """The fake has no handler for this RPC yet."""

    status = StatusCode.UNIMPLEMENTED


class UnknownStatusError(Refusal):
    """Refused with the status UNKNOWN, where the real service was seen to do so."""

    status = StatusCode.UNKNOWN


class InsufficientEvidenceError(FailedPreconditionError):
    """The answer would rest on weaker evidence than the test accepts."""


def check_count(value: object, name: str) -> None:
    """Refuse what is not a whole number from 1.

    Raises:
        UsageError: The message names the parameter.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name} must be a whole number from 1, got {value!r}")
