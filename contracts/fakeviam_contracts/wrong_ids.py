"""Ids that are nearly those of a file: one segment is another, in either form of an id."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_contracts.descriptions import binary_id
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import check_by_ids
from fakeviam_contracts.session import Ground

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam_contracts.session import Session

#: What a segment becomes.
WRONG: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "nobody": lambda _: "0" * 24,
        "longer": lambda segment: f"{segment}0",
        "shorter": lambda segment: segment[:-1],
        "case": str.swapcase,
        "escaped": lambda segment: f"%{ord(segment[0]):02x}{segment[1:]}",
    }
)

#: Calls by ids: what else they need, the clause by which such an id is nobody's, and what counts.
BY_IDS: Mapping[str, tuple[dict[str, object], str, str]] = MappingProxyType(
    {
        "BinaryDataByIDs": ({}, "ID-6", "count"),
        "DeleteBinaryDataByIDs": ({}, "DI-1", "deleted_count"),
        "AddTagsToBinaryDataByIDs": ({"tags": ["wrong"]}, "TA-1", ""),
        "RemoveTagsFromBinaryDataByIDs": ({"tags": ["dog"]}, "TR-1", "deleted_count"),
    }
)


@operation
def check_wrong_id(
    session: Session, file: int, *, segment: int, how: str, form: str, rpc: str
) -> None:
    """Ask by an id with one segment wrong: nothing is found, and nothing changed (ID-6, A13)."""
    segments = session.handles.files[file].split("/")
    segments[segment] = WRONG[how](segments[segment])
    wrong = "/".join(segments)
    if wrong in session.handles.files or not all(segments):
        return
    more, clause, count = BY_IDS[rpc]
    by = {"binary_ids": [binary_id(wrong)]} if form == "message" else {"binary_data_ids": [wrong]}
    answer = session.wire.call(rpc, getattr(data, f"{rpc}Request")(**by, **more))
    grounds = [Ground("A13", "NOT_FOUND", point="unknown_ids", accepting="skip")]
    if form == "message":
        forms = Ground(
            "A14", "FAILED_PRECONDITION", point="deprecated_binary_id", accepting="accept"
        )
        grounds.insert(0, forms)
    reply = session.outcome(clause, rpc, answer, grounds)
    if reply is not None and count:
        what = f"what {rpc} finds by an id whose segment {segment + 1} is another"
        session.expect(clause, what, 0, getattr(reply, count))
    if rpc == "BinaryDataByIDs":
        return
    if session.model.file(file) is not None:
        check_by_ids(session, [file], clause=clause)
