"""What the operations on things that are kept have in common."""

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
    """The handle of what was made.

    Raises:
        ProgramEndedError: We would have refused it; what was kept of it nobody knows.
    """
    is_new = id_ not in ("", *ids)
    session.require(clause, "what was made has a new id", expected=True, observed=is_new)
    ids.append(id_)
    end_if_doubtful(grounds)
    return len(ids) - 1


def end_if_doubtful(grounds: Sequence[Ground]) -> None:
    """Stop where something was accepted that we would have refused.

    Raises:
        ProgramEndedError: There are such grounds; what was kept of it nobody knows.
    """
    if any(ground.refusing for ground in grounds):
        raise ProgramEndedError(f"accepted against {grounds[0].clause}")


def check_created(
    session: Session, clause: str, entry: SavedQuery | Pipeline | Sequence_, created: int, of: str
) -> None:
    """When something was made does not change; what it is, the server says first."""
    if entry.created is None:
        entry.created = created
    session.expect(clause, f"when {of} was made", entry.created, created)


def found(told: Callable[[Any], dict[str, Any]], listed: Sequence[Any], ids: Sequence[str]) -> Any:
    """What a list says of those of some ids, in the list's order."""
    return [told(each) for each in listed if each.id in ids]
