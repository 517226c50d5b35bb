"""Steps, claims and calls as text for people."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from typing import TYPE_CHECKING

from fakeviam_contracts.shrinking import OPERATIONS, arguments
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam_contracts.steps import Step
    from fakeviam_contracts.wirelog import Recorded

#: Control characters but for tabs and ends of lines, and those that change the direction of text.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

#: Longer texts are cut in traces.
LONGEST = 2_000


def format_step(step: Step, *, subject: str = "") -> str:
    """A step as a call, of `subject` if one is named; defaults are left out."""
    parameters = inspect.signature(OPERATIONS[step.name]).parameters
    parts = [subject] if subject else []
    parts += [
        f"{name}={format_value(value)}"
        for name, value in arguments(step).items()
        if value != parameters[name].default
    ]
    return f"{step.name}({', '.join(parts)})"


def format_value(value: object) -> str:
    """A value; of dataclasses only the fields that are no defaults."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [
            f"{field.name}={format_value(getattr(value, field.name))}"
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        ]
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, tuple) and value:
        return f"({', '.join(map(format_value, value))},)"
    if isinstance(value, list):
        return f"[{', '.join(map(format_value, value))}]"
    return repr(value)


def visible(text: str) -> str:
    """A text whose characters that steer a terminal, or turn lines around, are seen and do nothing.

    Servers choose such texts, in names and in errors.
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(value: object, longest: int = LONGEST) -> str:
    """A value as text, cut where it is very long."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]} ..."


def format_call(call: Recorded) -> str:
    """A call: what was sent, and what came back."""
    lines = [f"{call.rpc}"]
    lines += [f"  → {format_message(request)}" for request in call.requests]
    answer = call.answer
    if isinstance(answer, Refused):
        lines.append(f"  ← {answer}")
    else:
        answers = answer if isinstance(answer, list) else [answer]
        lines += [f"  ← {format_message(each)}" for each in answers] or ["  ← (no message)"]
    return "\n".join(lines)


def format_message(message: Message) -> str:
    """A message on one line."""
    text = " ".join(str(message).split()) or "(empty)"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
