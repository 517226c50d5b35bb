"""A planned fault as a value, and as the JSON that the control API and metadata carry."""

from __future__ import annotations

import base64
import binascii
import enum
from dataclasses import dataclass, field, fields
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from grpclib.const import Status

from fakeviam.model.errors import UsageError
from fakeviam.model.matching import Conditions
from fakeviam.server.fields import conditions_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

When = Literal["before-commit", "after-commit"]


class Effect(enum.Enum):
    """What a fault does to a call."""

    STATUS = "status"
    STALL = "stall"
    RESET_STREAM = "reset-stream"
    GOAWAY = "goaway"
    RESET_CONNECTION = "reset-connection"
    OVERSIZE_REPLY = "oversize-reply"
    EXPIRE_TOKEN = "expire-token"  # noqa: S105 - a name, not a secret
    HIDE = "hide"
    DELAY = "delay"  # nothing but its delay


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One entry of `google.rpc.Status.details`: a packed protobuf Any."""

    type_url: str
    value: bytes

    @classmethod
    def of(cls, message: Any) -> Detail:
        """Pack a protobuf message, or take JSON with `@type` and base64 `value`.

        Raises:
            UsageError: It is neither.
        """
        if isinstance(message, Detail):
            return message
        if hasattr(message, "DESCRIPTOR"):
            url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
            return cls(type_url=url, value=message.SerializeToString())
        try:
            value = base64.b64decode(message["value"], validate=True)
            return cls(type_url=str(message["@type"]), value=value)
        except (TypeError, KeyError, binascii.Error) as error:
            raise UsageError(
                "details must be protobuf messages, or objects with '@type' and a base64 "
                f"'value', got {message!r}"
            ) from error

    def to_json(self) -> dict[str, str]:
        """The form in JSON."""
        return {"@type": self.type_url, "value": base64.b64encode(self.value).decode()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that shall go wrong (FT-1 … FT-9).

    Attributes:
        rpc: Which RPC; may hold `*` and `?`.
        where: What the request must look like, as `Calls.where` takes it.
        calls: Which of the fitting calls, from 1; None is any of them.
        times: At most so many of them; None is all.
        probability: How likely it hits a call that fits; decided by the seed.
        when: Before the fake has done what was asked, or after; the client sees the same.
        after_messages: Do it once so many request messages have come.
        after_bytes: Before commit: once so many bytes of requests have come. After commit:
            cut the reply behind so many bytes.
        delay: Seconds to wait first.
        real_time: Wait in real seconds, not by the fake's clock.
        effect: What happens.
        status: For `status`: name of the gRPC status.
        text: Its message.
        details: Its details, for the `grpc-status-details-bin` trailer.
        size: For `oversize-reply`: bytes that are added to the reply.
        seconds: For `stall` and `hide`: how long, by the fake's clock; None is for ever.
        optional: A run in which it never happens is fine too.
    """

    rpc: str = "*"
    where: Mapping[str, object] = field(default_factory=dict)
    calls: frozenset[int] | None = None
    times: int | None = None
    probability: float = 1.0
    when: When = "before-commit"
    after_messages: int | None = None
    after_bytes: int | None = None
    delay: float = 0.0
    real_time: bool = False
    effect: Effect | None = None
    status: str = ""
    text: str = ""
    details: tuple[Detail, ...] = ()
    size: int = 0
    seconds: float | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            problem = check(getattr(self, name))
            if problem:
                raise UsageError(f"fault: {name} must be {problem}, got {getattr(self, name)!r}")
        conditions_on(self.rpc, self.where)
        if self.effect is Effect.STATUS and not self.status:
            raise UsageError("fault: status is missing; name one, such as 'UNAVAILABLE'")

    @property
    def conditions(self) -> Conditions:
        """Which calls it is meant for."""
        return Conditions(rpc=self.rpc, fields=self.where)

    @classmethod
    def from_json(cls, document: object) -> Fault:
        """Read the JSON form: an object with the attributes as keys, `delay` as "40s" too.

        Without `effect`, a `status` makes it a status and a `delay` alone a delay. A text
        is short for a status: `"UNAVAILABLE"`.

        Raises:
            UsageError: A key or a value is no good; the text says which and why.
        """
        if isinstance(document, str):
            document = {"status": document}
        if not isinstance(document, dict):
            raise UsageError(f"a fault must be a JSON object or a status name, got {document!r}")
        known = {each.name for each in fields(cls)}
        for key in document:
            if key not in known:
                raise UsageError(f"a fault has no {key!r}; it may have {', '.join(sorted(known))}")
        given = {key: _read(key, value) for key, value in document.items()}
        given.setdefault("effect", _effect_of(given))
        try:
            return cls(**given)
        except TypeError as error:
            raise UsageError(f"fault: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """The JSON form, without what has its default."""
        shown: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value not in (None, (), {}, each.default):
                shown[each.name] = _write(value)
        return shown

    def __str__(self) -> str:
        return f"{self.conditions}: {self._told_effect()}{self._told_calls()}"

    def _told_effect(self) -> str:
        effect = "no effect yet" if self.effect is None else self.effect.value
        told = self.status if self.effect is Effect.STATUS else effect
        parts = [told, self.when.replace("-", " ")] if self.effect is not Effect.DELAY else []
        if self.after_messages is not None:
            parts.append(f"at message {self.after_messages}")
        if self.after_bytes is not None:
            parts.append(f"at byte {self.after_bytes}")
        if self.delay:
            parts.insert(0, f"delay of {self.delay:g} s")
        return ", ".join(parts)

    def _told_calls(self) -> str:
        if self.calls is None:
            return ""
        numbers = ", ".join(map(str, sorted(self.calls)))
        return f" (call {numbers})"


def seconds_of(duration: float | str | timedelta, name: str = "delay") -> float:
    """Seconds from a number, a timedelta, or a text such as `40s`, `250ms`, `2m`, `1h`.

    Raises:
        UsageError: It is none of those, or negative.
    """
    seconds = _seconds(duration)
    if seconds is None or not 0 <= seconds < float("inf"):
        raise UsageError(
            f"{name} must be seconds, a timedelta or a text such as '40s', '250ms' or '2m', "
            f"got {duration!r}"
        )
    return seconds


_UNITS = MappingProxyType({"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0})


def _seconds(duration: object) -> float | None:
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, str):
        number = duration.rstrip("mshd")
        unit = _UNITS.get(duration[len(number) :] or "s")
        try:
            return None if unit is None else float(number) * unit
        except ValueError:
            return None
    if isinstance(duration, (int, float)) and not isinstance(duration, bool):
        return float(duration)
    return None


def _read(key: str, value: Any) -> Any:
    """A value of the JSON form as the attribute wants it."""
    try:
        return _READERS[key](value) if key in _READERS and value is not None else value
    except (TypeError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"fault: {key} cannot be {value!r}") from error


def _read_effect(value: object) -> Effect:
    for effect in Effect:
        if effect.value == value:
            return effect
    choices = ", ".join(effect.value for effect in Effect)
    raise UsageError(f"fault: effect must be one of {choices}, got {value!r}")


def _write(value: object) -> object:
    if isinstance(value, Effect):
        return value.value
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [detail.to_json() for detail in value]
    return value


def _effect_of(given: Mapping[str, Any]) -> Effect | None:
    if given.get("status"):
        return Effect.STATUS
    return Effect.DELAY if given.get("delay") else None


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "calls": lambda value: frozenset(value if isinstance(value, list) else [value]),
        "delay": lambda value: seconds_of(value, "delay"),
        "seconds": lambda value: seconds_of(value, "seconds"),
        "effect": _read_effect,
        "details": lambda value: tuple(map(Detail.of, value)),
    }
)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _optional_count(value: object) -> str:
    return "" if value is None or _is_count(value) else "a whole number from 1"


def _some_counts(value: object) -> str:
    if value is None or (isinstance(value, frozenset) and value and all(map(_is_count, value))):
        return ""
    return "whole numbers from 1"


def _chance(value: object) -> str:
    fine = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1
    return "" if fine else "above 0 and at most 1"


def _size(value: object) -> str:
    fine = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if fine else "a number of bytes"


def _status(value: object) -> str:
    names = [status.name for status in Status if status is not Status.OK]
    return "" if value == "" or value in names else f"one of {', '.join(names)}"


def _moment(value: object) -> str:
    return "" if value in ("before-commit", "after-commit") else "before-commit or after-commit"


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "a text"


#: What each attribute must be; an empty answer means that it is.
_CHECKS: Mapping[str, Callable[[object], str]] = MappingProxyType(
    {
        "rpc": _text,
        "calls": _some_counts,
        "times": _optional_count,
        "probability": _chance,
        "when": _moment,
        "after_messages": _optional_count,
        "after_bytes": lambda value: "" if value is None else _size(value),
        "real_time": _flag,
        "status": _status,
        "text": _text,
        "size": _size,
        "optional": _flag,
    }
)
