"""What a fault must be: each attribute by itself, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from grpclib.const import Status
from h2.errors import ErrorCodes

from fakeviam.model.errors import UsageError
from fakeviam.server.instruments.faults.values import Detail, FaultKind, seconds_of
from fakeviam.server.instruments.message_fields import methods_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.instruments.faults.fault import Fault


def is_count(value: object) -> bool:
    """Whether it is a whole number from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _optional_count(value: object) -> str:
    return "" if value is None or is_count(value) else "a whole number from 1"


def _some_counts(value: object) -> str:
    if value is None or (isinstance(value, frozenset) and value and all(map(is_count, value))):
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


def _code(value: object) -> str:
    names = [code.name for code in ErrorCodes]
    return "" if value == "" or value in names else f"one of {', '.join(names)}"


def _moment(value: object) -> str:
    return "" if value in ("before-commit", "after-commit") else "before-commit or after-commit"


def _effect(value: object) -> str:
    fine = value is None or isinstance(value, FaultKind)
    return "" if fine else f"one of {', '.join(effect.value for effect in FaultKind)}"


def _details(value: object) -> str:
    fine = isinstance(value, tuple) and all(isinstance(each, Detail) for each in value)
    return "" if fine else "details"


def _duration(value: object) -> str:
    try:
        if value is not None:
            seconds_of(value)
    except UsageError:
        return "seconds, from 0 to a hundred years"
    return "" if value is None or isinstance(value, (int, float)) else "seconds"


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "a text"


def _where(value: object) -> str:
    fine = isinstance(value, Mapping) and all(isinstance(name, str) for name in value)
    return "" if fine else "an object with the names of fields"


#: What each attribute must be; an empty answer means that it is.
_CHECKS: Mapping[str, Callable[[object], str]] = MappingProxyType(
    {
        "rpc": _text,
        "where": _where,
        "calls": _some_counts,
        "times": _optional_count,
        "probability": _chance,
        "when": _moment,
        "after_messages": _optional_count,
        "after_bytes": lambda value: "" if value is None else _size(value),
        "delay": lambda value: "seconds" if value is None else _duration(value),
        "real_time": _flag,
        "effect": _effect,
        "status": _status,
        "text": _text,
        "details": _details,
        "code": _code,
        "size": _size,
        "seconds": _duration,
        "optional": _flag,
    }
)

# Attributes that say more about one effect, and make no sense with another.
_BELONGS: Mapping[str, tuple[FaultKind, ...]] = MappingProxyType(
    {
        "status": (FaultKind.STATUS,),
        "text": (FaultKind.STATUS,),
        "details": (FaultKind.STATUS,),
        "code": (FaultKind.RESET_STREAM,),
        "size": (FaultKind.OVERSIZE_REPLY,),
        "seconds": (FaultKind.STALL, FaultKind.HIDE),
    }
)

# What an effect cannot do without.
_NEEDS: Mapping[FaultKind, tuple[str, str]] = MappingProxyType(
    {
        FaultKind.STATUS: ("status", "name one, such as 'UNAVAILABLE'"),
        FaultKind.OVERSIZE_REPLY: ("size", "say how many bytes are added"),
        FaultKind.HIDE: ("seconds", "say how long, such as '40s'"),
    }
)


def check(fault: Fault) -> None:
    """Refuse a fault that cannot be or that makes no sense.

    Raises:
        UsageError: The text says which attribute, and why.
    """
    for name, problem_of in _CHECKS.items():
        problem = problem_of(getattr(fault, name))
        if problem:
            raise UsageError(f"fault: {name} must be {problem}, got {getattr(fault, name)!r}")
    if fault.effect is None:
        return
    _check_effect(fault, fault.effect)
    problem = _contradiction(fault)
    if problem:
        raise UsageError(f"fault: {problem}")


def _check_effect(fault: Fault, effect: FaultKind) -> None:
    for name, effects in _BELONGS.items():
        if getattr(fault, name) and effect not in effects:
            raise UsageError(f"fault: {name} says nothing with the effect {effect.value}")
    needed, hint = _NEEDS.get(effect, ("rpc", ""))
    if not getattr(fault, needed):
        raise UsageError(f"fault: {needed} is missing; {hint}")


def _contradiction(fault: Fault) -> str:
    after = fault.when == "after-commit"
    if fault.after_messages is not None and fault.after_bytes is not None:
        return "give after_messages or after_bytes, not both"
    if fault.after_messages is not None and after:
        return "after commit all messages have come; leave out after_messages"
    if fault.effect is FaultKind.OVERSIZE_REPLY and (fault.after_messages or fault.after_bytes):
        return "oversize-reply is about the whole reply; leave out after_messages and after_bytes"
    if fault.effect is FaultKind.HIDE:
        if after:
            return "hide must come before commit: afterwards the upload is visible"
        if not any(method.name in UPLOADS for method in methods_named(fault.rpc)):
            return f"hide is for uploads: {', '.join(sorted(UPLOADS))}; got {fault.rpc!r}"
    return ""


#: The RPCs whose records can be hidden.
UPLOADS = frozenset({"DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload"})
