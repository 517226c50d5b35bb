"""The clock of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.model.errors import UsageError
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.schema import flag, number, shape, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.web.endpoint import Ask

T = TypeVar("T")

_CLOCK = shape(
    {
        "now": text("The time of the fake, ISO 8601 in UTC.", format="date-time"),
        "frozen": flag("Whether it stands still unless it is moved."),
    }
)

_UNITS = ("days", "hours", "minutes", "seconds")

_MOVE = shape(
    optional={
        "set": text("Show this time now; ISO 8601, without an offset it is UTC."),
        "advance": shape(
            optional={unit: number() for unit in _UNITS}, description="Move by this much."
        ),
        "freeze": flag("Stand still from now on, or run again."),
    },
    description="What to do, in this order: set, advance, freeze.",
)


def _show(ask: Ask) -> dict[str, Any]:
    clock = ask.world.clock
    return {"now": clock.moment().isoformat(), "frozen": clock.is_frozen}


def _move(ask: Ask) -> dict[str, Any]:
    if not ask.body:
        raise Problem(422, "nothing to do: set, advance or freeze the clock")
    if "set" in ask.body and "advance" in ask.body:
        raise Problem(422, "either set or advance, not both", field="advance")
    clock = ask.world.clock
    if "set" in ask.body:
        with_field("set", ask.body["set"], lambda: clock.set(ask.body["set"]))
    if "advance" in ask.body:
        with_field("advance", ask.body["advance"], lambda: clock.advance(**ask.body["advance"]))
    if "freeze" in ask.body:
        clock.freeze() if ask.body["freeze"] else clock.run()
    return _show(ask)


def with_field(field: str, value: Any, act: Callable[[], T]) -> T:
    """Do something; what is wrong with it is wrong with this field.

    Raises:
        Problem: 422, it cannot be done.
    """
    try:
        return act()
    except UsageError as error:
        raise Problem(422, str(error), field=field, value=value) from error


ENDPOINTS = (
    Endpoint(method="GET", path="/clock", title="Show the clock", act=_show, answer=_CLOCK),
    Endpoint(
        method="POST",
        path="/clock",
        title="Set, advance, freeze or release the clock",
        act=_move,
        body=_MOVE,
        answer=_CLOCK,
    ),
)
