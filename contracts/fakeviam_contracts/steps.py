"""What a program did, step by step, so that it can be told, replayed and cut short."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.session import Session

P = ParamSpec("P")
R = TypeVar("R")


class Made(NamedTuple):
    """How many files, boxes and datasets there have been."""

    files: int
    boxes: int
    datasets: int


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a function of `reads` or `writes`, or a `wait`.

    Attributes:
        name: The function.
        args: Its arguments after the session.
        kwargs: Those with names.
        before: What had been made when it began; handles count from there.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    before: Made

    @classmethod
    def begun(
        cls, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], session: Session
    ) -> Step:
        """A step that begins now."""
        return cls(name, args, kwargs, made(session))


def made(session: Session) -> Made:
    """What has been made in a session so far."""
    handles = session.handles
    return Made(len(handles.files), len(handles.boxes), len(handles.datasets))


def operation(
    function: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Session, P], R]:
    """Let a session remember calls of `function`, unless another operation made them."""

    @functools.wraps(function)
    def remembered(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if session.inside:
            return function(session, *args, **kwargs)
        session.steps.append(Step.begun(function.__name__, args, kwargs, session))
        session.inside = True
        try:
            return function(session, *args, **kwargs)
        finally:
            session.inside = False

    return remembered
