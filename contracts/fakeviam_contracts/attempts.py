"""Runs a check or another program in a fresh session, and evaluates the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fakeviam_contracts.assertions import (
    Assertion,
    ContractBrokenError,
    MayNotError,
    ProgramEndedError,
)
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.foreign_data import ForeignDataError
from fakeviam_contracts.visibility import measure_lag
from fakeviam_contracts.wirelog import ConnectionLostError, NotServedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import Subject


class AttemptOutcome(NamedTuple):
    """The result of a program.

    Attributes:
        session: The session, closed.
        assertion: The claim that broke, if there is one.
        leftovers: Whether uploaded data could not be deleted.
    """

    session: Session
    assertion: Assertion | None
    leftovers: bool


def attempt(subject: Subject, program: Callable[[Session], None], clause: str) -> AttemptOutcome:
    """Run a program in its own session.

    Args:
        subject: The subject.
        program: The program.
        clause: The clause that unintelligible replies break.

    Raises:
        ConnectionLostError: The connection broke.
        CannotRunError: The subject lacks what the program needs.
    """
    first = _attempt(subject, program, clause)
    session = first.session
    if not session.is_strict or first.leftovers:
        return first
    # Some values were not taken, so that more is missing: again, with such as every server takes.
    again = _attempt(subject, program, clause, plain=True)
    again.session.comparisons.update(session.comparisons)
    again.session.differences = {**session.differences, **again.session.differences}
    return again


def learn_lag(subject: Subject) -> None:
    """Learn how long it takes until uploads are seen, which later sessions wait for."""
    attempt(subject, measure_lag, "A55")


def _attempt(
    subject: Subject, program: Callable[[Session], None], clause: str, *, plain: bool = False
) -> AttemptOutcome:
    session = subject.open_session()
    session.plain = plain
    assertion = None
    try:
        program(session)
    except ContractBrokenError as error:
        assertion = error.assertion
    except (ConnectionLostError, CannotRunError):
        raise
    except MayNotError as reason:
        session.may_not = str(reason)
    except ProgramEndedError as reason:
        session.ended_by = str(reason)
    except (ForeignDataError, NotServedError) as reason:
        session.left_out = str(reason)
    except Exception as error:  # noqa: BLE001 - the reply is unintelligible
        # After a known failure, or without what was not taken, later results may be meaningless.
        if session.not_taken:
            session.ended_by = session.not_taken
        elif not subject.muted & set(session.differences):
            assertion = _senseless(clause, error)
    at_end, leftovers = _close(subject, session)
    return AttemptOutcome(session, at_end or assertion, leftovers)


def _close(subject: Subject, session: Session) -> tuple[Assertion | None, bool]:
    """Close a session; a crash of an in-process fake is a broken clause."""
    try:
        subject.close_session(session)
    except ContractBrokenError as error:
        return error.assertion, True
    except AssertionError as error:
        return _senseless("SV-4", error), False
    return None, False


def _senseless(clause: str, error: Exception) -> Assertion:
    what = "the subject's answers make sense"
    return Assertion(clause, what, "they do", f"{type(error).__name__}: {error}")
