"""The clock of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fakeviam.model.errors import UsageError
from fakeviam.validation.models import Model, field
from fakeviam.validation.problems import InvalidError
from fakeviam.validation.types import Flag, Number, Omittable, Time
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import TimeText
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.web.endpoint import ControlRequest

T = TypeVar("T")


class ClockModel(Model):
    """A clock."""

    now: TimeText = field("The fake's time, ISO 8601 in UTC.", "2026-01-31T12:00:00+00:00")
    frozen: bool = field("Whether it is frozen.", True)


class ClockStep(Model):
    """How far to move a clock; negative amounts move it back."""

    days: Number = field("Days.", 2, default=0)
    hours: Number = field("Hours.", 1.5, default=0)
    minutes: Number = field("Minutes.", 1, default=0)
    seconds: Number = field("Seconds.", 30, default=0)


class Move(Model):
    """What to do, in this order: set, advance, freeze."""

    set: Omittable[Time] = field(
        "Set it to this time; UTC unless it has an offset.", "2026-01-31T12:00:00Z", default=None
    )
    advance: Omittable[ClockStep] = field("Advance it by this much.", {"days": 2}, default=None)
    freeze: Omittable[Flag] = field("Freeze it, or let it run again.", True, default=None)


def _show(request: ControlRequest) -> dict[str, object]:
    clock = request.handle.clock
    return {"now": clock.moment().isoformat(), "frozen": clock.is_frozen}


def _move(request: ControlRequest) -> dict[str, object]:
    move: Move = request.body
    if not move.model_fields_set:
        raise HttpProblem(422, "the request is empty: give set, advance or freeze")
    if move.set is not None and move.advance is not None:
        raise HttpProblem(422, "set and advance cannot be combined", field="advance")
    clock = request.handle.clock
    if move.freeze is False and not clock.can_run:
        what = "a clock that was created frozen cannot run; advance or set it"
        raise HttpProblem(422, what, field="freeze", value=False)
    if move.set is not None:
        if move.freeze:  # first, so that it shows exactly the time that it is set to
            clock.freeze()
        clock.jump_to(move.set)
    if move.advance is not None:
        step = move.advance.model_dump()
        with_field("advance", step, lambda: clock.advance(**step))
    if move.freeze is not None:
        clock.freeze() if move.freeze else clock.run()
    return _show(request)


def with_field(field: str, value: object, act: Callable[[], T]) -> T:
    """Do something; what is wrong with it is wrong with this field.

    Raises:
        Problem: 422, it cannot be done.
    """
    try:
        return act()
    except InvalidError as error:
        problem = error.problems[0]
        inner = problem.field
        raise HttpProblem(
            422,
            str(error),
            field=f"{field}.{inner}" if inner else field,
            value=problem.value if inner else value,
            hint=problem.hint or None,
        ) from error
    except UsageError as error:
        raise HttpProblem(422, str(error), field=field, value=value) from error


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/clock",
        title="Show the clock",
        tag="clock",
        handler=_show,
        response=ClockModel,
    ),
    Endpoint(
        method="POST",
        path="/clock",
        title="Set, advance, freeze or release the clock",
        tag="clock",
        handler=_move,
        body=Move,
        response=ClockModel,
    ),
)
