"""Operations: reads and writes that a session records as steps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from fakeviam_contracts.assertions import MayNotError, NotTakenError, ProgramEndedError
from fakeviam_contracts.wirelog import NotServedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.session import Session

P = ParamSpec("P")
R = TypeVar("R")


def operation(
    function: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Session, P], R]:
    """Let a session record calls of `function`, unless another operation made them.

    In a random program nothing more is done once it cannot go on.
    """

    @functools.wraps(function)
    def recorded(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if session.inside:
            return function(session, *args, **kwargs)
        if session.ended_by:
            return None  # type: ignore[return-value]  # nobody uses it
        session.begin_step(function.__name__, args, kwargs)
        session.inside = True
        try:
            return function(session, *args, **kwargs)
        except NotTakenError:
            # Nothing was done, and nothing learned: the program goes on without.
            return None  # type: ignore[return-value]
        except ProgramEndedError as reason:
            if not session.tolerant:
                raise
            # What the key may not do was not done: the program goes on without.
            if isinstance(reason, MayNotError):
                session.may_not = str(reason)
            else:
                session.ended_by = str(reason)
            return None  # type: ignore[return-value]
        except NotServedError:
            if not session.tolerant:
                raise
            # A server need not have the newest RPCs; the checks tell that it has not.
            return None  # type: ignore[return-value]
        finally:
            session.inside = False

    return recorded
