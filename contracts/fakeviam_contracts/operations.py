"""Operations: reads and writes that a session records as steps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.session import Session

P = ParamSpec("P")
R = TypeVar("R")


def operation(
    function: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Session, P], R]:
    """Let a session remember calls of `function`, unless another operation made them."""

    @functools.wraps(function)
    def remembered(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if session.inside:
            return function(session, *args, **kwargs)
        session.begin_step(function.__name__, args, kwargs)
        session.inside = True
        try:
            return function(session, *args, **kwargs)
        finally:
            session.inside = False

    return remembered
