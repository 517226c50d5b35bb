"""A planned fault as a value, and its JSON form for the control API and request metadata."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
from fakeviam.model.matching import Conditions
from fakeviam.model.text import short
from fakeviam.server.instruments.faults.values import Detail, FaultKind
from fakeviam.server.instruments.wanted_values import plain_values
from fakeviam.validation.problems import InvalidError, unknown_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.server.instruments.faults.values import When


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A planned fault (FT-1 … FT-9).

    Attributes:
        rpc: The name of the RPC; may contain `*` and `?`.
        where: Conditions on the request, as for `Calls.where`.
        calls: Which of the matching calls, from 1; None is any.
        times: At most how many of them; None is unlimited.
        probability: The probability for each matching call, determined by the seed.
        when: Before or after the call is committed; the client cannot tell the difference.
        after_messages: Before commit: after this many request messages. After commit: after this
            many replies of a stream.
        after_bytes: Before commit: after this many bytes of request messages. After commit:
            after this many bytes of the reply, counted with gRPC's framing.
        delay: Seconds to wait first.
        real_time: Whether to wait in real time instead of by the fake's clock.
        effect: The effect.
        status: For `status`: the name of the gRPC status.
        text: Its message.
        details: Its details, for the `grpc-status-details-bin` trailer.
        code: For `reset-stream`: name of the HTTP/2 error code; INTERNAL_ERROR unless given.
        size: For `oversize-reply`: the number of bytes to add to the reply.
        seconds: For `stall` and `hide`: how long, by the fake's clock; None is unlimited.
        optional: Whether it may never fire.
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
    effect: FaultKind | None = None
    status: str = ""
    text: str = ""
    details: tuple[Detail, ...] = ()
    code: str = ""
    size: int = 0
    seconds: float | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        # Imported here: the import takes longer than running a test without faults.
        from fakeviam.server.instruments.faults.rules import FaultDocument  # noqa: PLC0415
        from fakeviam.validation.models import validate  # noqa: PLC0415
        from fakeviam.validation.problems import PYTHON_WORDS  # noqa: PLC0415

        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if isinstance(self.where, dict):
            values["where"] = plain_values(self.where)
        checked = validate(FaultDocument, values, words=PYTHON_WORDS, subject="fault")
        for name in values:
            object.__setattr__(self, name, getattr(checked, name))
        if checked.calls is not None:
            object.__setattr__(self, "calls", frozenset(checked.calls))

    @property
    def conditions(self) -> Conditions:
        """The conditions on calls."""
        return Conditions(rpc=self.rpc, fields=self.where)

    @classmethod
    def from_json(cls, document: object) -> Fault:
        """Parse the JSON form: an object with the attributes as keys; `delay` may be "40s".

        Without `effect`, a `status` implies status, and a `delay` alone implies delay. A text is
        short for a status: `"UNAVAILABLE"`.

        Raises:
            UsageError: A field is invalid; the message names it.
        """
        if isinstance(document, str):
            document = {"status": document}
        if not isinstance(document, dict):
            raise UsageError(
                f"a fault must be a JSON object or a status name, got {short(document)}"
            )
        unknown = document.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise InvalidError(
                [
                    unknown_field((name,), [each.name for each in fields(cls)], None)
                    for name in sorted(n if isinstance(n, str) else short(n) for n in unknown)
                ],
                subject="fault",
            )
        fault = cls(**{"effect": _kind_of(document), **document})
        if fault.effect is None:
            raise UsageError("a fault requires an effect, a status or a delay")
        return fault

    def to_json(self) -> dict[str, Any]:
        """The JSON form, without default values."""
        document: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != each.default and value not in (None, (), {}):
                document[each.name] = _write(value)
        return document

    def __str__(self) -> str:
        return f"{self.conditions}: {self._effect_text()}{self._calls_text()}"

    def _effect_text(self) -> str:
        parts = [f"delay of {self.delay:g} s"] if self.delay else []
        if self.effect is not FaultKind.DELAY:
            parts.append(self._end_text())
        if self.effect not in (FaultKind.DELAY, FaultKind.HIDE, FaultKind.OVERSIZE_REPLY):
            parts.append(self.when.replace("-", " "))
        if self.after_messages is not None:
            parts.append(f"at message {self.after_messages}")
        if self.after_bytes is not None:
            parts.append(f"at byte {self.after_bytes}")
        return ", ".join(parts)

    def _end_text(self) -> str:
        if self.effect is None:
            return "no effect yet"
        duration = "" if self.seconds is None else f" for {self.seconds:g} s"
        size = f" by {self.size} bytes" if self.size else ""
        return f"{self.status or self.effect.value}{duration}{size}"

    def _calls_text(self) -> str:
        words = []
        if self.calls is not None:
            numbers = ", ".join(map(str, sorted(self.calls)))
            words.append(f"call{'s' if len(self.calls) > 1 else ''} {numbers}")
        if self.times is not None:
            words.append("once" if self.times == 1 else f"{self.times} times")
        return f" ({'; '.join(words)})" if words else ""


def _write(value: object) -> object:
    if isinstance(value, FaultKind):
        return value.value
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [detail.to_json() for detail in value]
    return value


def _kind_of(document: Mapping[str, object]) -> FaultKind | None:
    if document.get("status"):
        return FaultKind.STATUS
    return FaultKind.DELAY if document.get("delay") else None
