"""Writes by filter, which on a shared server must not touch the data of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts.foreign_data import TAG, ForeignDataError

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session


def write_by_filter(session: Session, clause: str, rpc: str, request: Any) -> object:
    """The answer of a write by filter, or None if it was left out to protect foreign data."""
    guard = session.place.guard
    try:
        answer = session.wire.call(rpc, request)
    except ForeignDataError as reason:
        session.left_out = str(reason)
        return None
    if guard is not None:
        untouched = {"there": True, "data": TAG.encode(), "tags": [TAG]}
        what = f"a file of another component after {rpc}"
        session.expect(clause, what, untouched, guard.bystander())
    return answer
