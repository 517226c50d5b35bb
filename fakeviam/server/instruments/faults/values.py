"""Value types of faults."""

from __future__ import annotations

import base64
import enum
from dataclasses import dataclass
from typing import Any, Literal

from fakeviam.model.durations import seconds_from
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

When = Literal["before-commit", "after-commit"]


#: Descriptions of durations and details, for error messages.
DURATION = (
    "seconds, a timedelta or a text such as '40s', '250ms' or '2m', from 0 to a hundred years"
)
DETAILS = "protobuf messages, or objects with '@type' and a base64 'value'"


class FaultKind(enum.Enum):
    """What a fault does to a call."""

    STATUS = "status"
    STALL = "stall"
    RESET_STREAM = "reset-stream"
    GOAWAY = "goaway"
    RESET_CONNECTION = "reset-connection"
    OVERSIZE_REPLY = "oversize-reply"
    EXPIRE_TOKEN = "expire-token"  # noqa: S105 - a name, not a secret
    HIDE = "hide"
    DELAY = "delay"  # only the delay


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One entry of `google.rpc.Status.details`: a packed protobuf Any."""

    type_url: str
    value: bytes

    @classmethod
    def of(cls, message: Any) -> Detail:
        """Pack a protobuf message, or parse JSON with `@type` and base64 `value`.

        Raises:
            UsageError: It is neither.
        """
        detail = cls.parsed(message)
        if detail is None:
            raise UsageError(f"details must be {DETAILS}, got {short(message)}")
        return detail

    @classmethod
    def parsed(cls, message: Any) -> Detail | None:
        """Like `of`, but None for anything else."""
        if isinstance(message, Detail):
            return message
        if hasattr(message, "DESCRIPTOR"):
            url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
            return cls(type_url=url, value=message.SerializeToString())
        try:
            value = base64.b64decode(message["value"], validate=True)
            type_url: str = message["@type"]
            type_url.encode()
        except (AttributeError, TypeError, KeyError, ValueError):
            return None
        return cls(type_url=type_url, value=value)

    def to_json(self) -> dict[str, str]:
        """The JSON form."""
        return {"@type": self.type_url, "value": base64.b64encode(self.value).decode()}


def seconds_of(duration: object, name: str = "delay") -> float:
    """Seconds from a number, a timedelta, or a text such as `40s`, `250ms`, `2m`, `1h`, `2d`.

    Raises:
        UsageError: It is invalid, negative, or more than a hundred years.
    """
    seconds = seconds_from(duration)
    if seconds is None:
        raise UsageError(f"{name} must be {DURATION}, got {short(duration)}")
    return seconds
