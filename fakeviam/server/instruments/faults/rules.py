"""The data model of a fault, and which fields may be combined."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from grpclib.const import Status
from h2.errors import ErrorCodes
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from fakeviam.model.durations import seconds_from
from fakeviam.model.finding import nearest
from fakeviam.model.text import short
from fakeviam.server.instruments.faults.values import DETAILS, DURATION, Detail, FaultKind
from fakeviam.server.instruments.message_fields import conditions_on, methods_named
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import (
    Count,
    Expected,
    Flag,
    JsonObject,
    Many,
    OneOrMore,
    Parsed,
    Size,
    Text,
    invalid,
    refusable,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

#: RPCs whose uploads can be hidden.
UPLOADS = frozenset({"DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload"})

_STATUSES = [status.name for status in Status if status is not Status.OK]
_CODES = [code.name for code in ErrorCodes]

# Fields that apply to one kind of fault only.
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

# Fields that a kind of fault requires.
_NEEDS: Mapping[FaultKind, tuple[str, str]] = MappingProxyType(
    {
        FaultKind.STATUS: ("status", "name one, such as 'UNAVAILABLE'"),
        FaultKind.OVERSIZE_REPLY: ("size", "give the number of bytes to add"),
        FaultKind.HIDE: ("seconds", "give a duration, such as '40s'"),
    }
)


def _one_of(names: list[str], kind: str) -> AfterValidator:
    def check(value: str) -> str:
        if value and value not in names:
            known = nearest(value.upper(), names) or f"; expected one of {', '.join(names)}"
            raise invalid(f"must be the name of {kind}, got {short(value)}{known}")
        return value

    return AfterValidator(check)


def _kind(value: object) -> FaultKind | None:
    return next((kind for kind in FaultKind if value in (kind, kind.value)), None)


def _unpacked(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) and value else value


_Duration = Annotated[
    float,
    Parsed(
        seconds_from,
        DURATION,
        {"type": ["number", "string"], "minimum": 0, "examples": ["250ms", 40]},
    ),
]
_Detail = Annotated[
    Detail,
    Parsed(
        Detail.parsed,
        DETAILS,
        {
            "type": "object",
            "properties": {"@type": {"type": "string"}, "value": {"type": "string"}},
            "required": ["@type", "value"],
        },
    ),
]


class FaultDocument(Model):
    """A planned fault as JSON. A `status` alone makes it a status, a `delay` alone a delay."""

    rpc: Text = field("The RPC; may contain the wildcards * and ?.", "FileUpload", default="*")
    where: Annotated[JsonObject, Expected("an object with the names of fields")] = field(
        "The request fields that must match.", {"component": "cam-1"}, default={}
    )
    calls: Annotated[
        OneOrMore[Count] | None, BeforeValidator(_unpacked), Expected("whole numbers from 1")
    ] = field("Only these matching calls, counted from 1; by default any.", [1, 3], default=None)
    times: Annotated[Count | None, Expected("a whole number from 1")] = field(
        "At most this many calls; by default all.", 2, default=None
    )
    probability: Annotated[float, Field(gt=0, le=1), Expected("above 0 and at most 1")] = field(
        "The probability per matching call; determined by the seed.", 0.5, default=1.0
    )
    when: Annotated[
        Literal["before-commit", "after-commit"], Expected("before-commit or after-commit")
    ] = field(
        "Whether it fires before or after the call is committed.",
        "after-commit",
        default="before-commit",
    )
    after_messages: Annotated[Count | None, Expected("a whole number from 1")] = field(
        "Fire after this many request messages, or, after commit, replies of a stream.",
        3,
        default=None,
    )
    after_bytes: Annotated[Size | None, Expected("a number of bytes")] = field(
        "Fire at this byte of the request, or, after commit, of the reply.", 100, default=None
    )
    delay: _Duration = field("Wait first: seconds, or text such as 40s.", "250ms", default=0.0)
    real_time: Flag = field("Wait in real seconds, not by the fake's clock.", True, default=False)
    effect: (
        Annotated[
            FaultKind,
            Parsed(
                _kind,
                f"one of {', '.join(kind.value for kind in FaultKind)}",
                {"type": "string", "enum": [kind.value for kind in FaultKind]},
            ),
        ]
        | None
    ) = field("The effect.", "stall", default=None)
    status: Annotated[Text, _one_of(_STATUSES, "a gRPC status")] = field(
        "For status: the name of the gRPC status.", "UNAVAILABLE", default=""
    )
    text: Text = field("For status: its message.", "try again", default="")
    details: Many[_Detail] = field(
        "For status: entries of google.rpc.Status.details.",
        [{"@type": "type.googleapis.com/google.protobuf.Empty", "value": ""}],
        default=(),
    )
    code: Annotated[Text, _one_of(_CODES, "an HTTP/2 error code")] = field(
        "For reset-stream: name of the HTTP/2 error code.", "REFUSED_STREAM", default=""
    )
    size: Annotated[Size, Expected("a number of bytes")] = field(
        "For oversize-reply: bytes added to the reply.", 8388608, default=0
    )
    seconds: _Duration | None = field("For stall and hide: the duration.", "40s", default=None)
    optional: Flag = field("Do not fail if it never fires.", True, default=False)

    @model_validator(mode="after")
    @refusable
    def _consistent(self) -> Self:
        vars(self)["where"] = dict(conditions_on(self.rpc, self.where).fields)
        if self.effect is not None:
            _check_kind(self, self.effect)
            contradiction = _contradiction(self, self.effect)
            if contradiction:
                raise refused(contradiction)
        return self


def _plan_entry(value: object) -> object:
    return value if isinstance(value, dict | str) else None


#: A fault of a plan: an object, or text that is short for its status.
PlanEntry = Annotated[
    Any,
    Parsed(
        _plan_entry,
        "an object or the name of a status",
        {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/FaultDocument"}]},
    ),
]


def _check_kind(fault: FaultDocument, kind: FaultKind) -> None:
    for name, kinds in _BELONGS.items():
        if getattr(fault, name) and kind not in kinds:
            raise refused(f"{name} does not apply to the effect {kind.value}")
    needed, hint = _NEEDS.get(kind, ("rpc", ""))
    if not getattr(fault, needed):
        raise refused(f"{needed} is missing; {hint}")


def _contradiction(fault: FaultDocument, kind: FaultKind) -> str:
    after = fault.when == "after-commit"
    if fault.after_messages is not None and fault.after_bytes is not None:
        return "after_messages and after_bytes cannot be combined"
    streams = any(method.server_streaming for method in methods_named(fault.rpc))
    if fault.after_messages is not None and after and not streams:
        return "after commit all messages have arrived; remove after_messages"
    if kind is FaultKind.OVERSIZE_REPLY and (fault.after_messages or fault.after_bytes):
        return "oversize-reply applies to the whole reply; remove after_messages and after_bytes"
    if kind is FaultKind.HIDE:
        if after:
            return "hide must come before commit: afterwards the upload is visible"
        if not any(method.name in UPLOADS for method in methods_named(fault.rpc)):
            return f"hide is for uploads: {', '.join(sorted(UPLOADS))}; got {short(fault.rpc)}"
    return ""
