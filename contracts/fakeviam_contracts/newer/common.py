"""Common parts of operations on stored objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts.assertions import ProgramEndedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam_contracts.kept import Pipeline, SavedQuery, Sequence_
    from fakeviam_contracts.session import Ground, Session


def new_handle(
    session: Session, clause: str, ids: list[str], id_: str, grounds: Sequence[Ground]
) -> int:
    """Register a created object; returns its handle.

    Raises:
        ProgramEndedError: The model would have refused it, so its state is unknown.
    """
    is_new = id_ not in ("", *ids)
    session.require(clause, "what was made has a new id", expected=True, observed=is_new)
    ids.append(id_)
    end_if_doubtful(grounds)
    return len(ids) - 1


def end_if_doubtful(grounds: Sequence[Ground]) -> None:
    """End the program if something was accepted that the model would have refused.

    Raises:
        ProgramEndedError: There are such grounds, so the state is unknown.
    """
    if any(ground.refusing for ground in grounds):
        raise ProgramEndedError(f"accepted against {grounds[0].clause}")


def check_created(
    session: Session, clause: str, entry: SavedQuery | Pipeline | Sequence_, created: int, of: str
) -> None:
    """Creation times never change; the first reply determines the expected value."""
    if entry.created is None:
        entry.created = created
    session.expect(clause, f"when {of} was made", entry.created, created)


def found(told: Callable[[Any], dict[str, Any]], listed: Sequence[Any], ids: Sequence[str]) -> Any:
    """The entries of a list with these ids, in the list's order."""
    return [told(each) for each in listed if each.id in ids]
