"""Ids of files: what they say, their two forms, and those that name nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, check
from fakeviam_contracts.session import binary_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.checks.base import Check
    from fakeviam_contracts.session import Session

RPC = "BinaryDataByIDs"


def _images(session: Session, count: int) -> None:
    for at in range(count):
        writes.upload(
            session,
            way="DataCaptureUpload",
            part=0,
            chunks=[b"%d" % at],
            times=(BASE + at, BASE),
            extension=".png",
        )


def _found(
    session: Session,
    clauses: tuple[str, ...],
    messages: Sequence[data.BinaryID],
    texts: Sequence[str],
) -> list[int | str]:
    request = data.BinaryDataByIDsRequest(binary_ids=messages, binary_data_ids=texts)
    reply = raw.call(session, clauses, RPC, request)
    return [session.handles.file(entry.metadata.binary_data_id) for entry in reply.data]


@check("ID-2", "ID-3")
def ids_are_told(session: Session) -> None:
    """The whole id is made of organization, location and the bare one; both are told."""
    for part in range(len(session.place.parts)):
        writes.upload(session, way="FileUpload", part=part, chunks=[b"x"])
        whole = session.handles.files[part]
        (found,) = raw.files(session, ("ID-2",), whole)
        origin = session.place.parts[part]
        made = f"{origin.organization_id}/{origin.location_id}/{found.id}"
        session.expect(("ID-2", "ID-3"), "organization, location and file id", made, whole)


@check("ID-1", "ID-4", "A14")
def ids_of_both_forms(session: Session) -> None:
    """Either form at any time; both at once are united, each file once."""
    _images(session, 3)
    texts = session.handles.files
    messages = [binary_id(text) for text in texts]
    if session.interpretation.deprecated_ids == "refused":
        request = data.BinaryDataByIDsRequest(binary_ids=messages)
        raw.refuse(session, ("A14",), "FAILED_PRECONDITION", RPC, request)
        return
    for _ in range(2):
        session.expect(
            ("ID-1", "ID-4"), "files by text", [0], _found(session, ("ID-1",), [], texts[:1])
        )
        found = _found(session, ("ID-1",), messages[1:2], [])
        session.expect(("ID-1", "ID-4"), "files by message", [1], found)
    found = _found(session, ("A14",), messages[:2], [texts[2], texts[0]])
    session.expect(("A14",), "files by both forms", [0, 1, 2], found)


@check("ID-6", "ID-7", "A13")
def ids_that_name_nothing(session: Session) -> None:
    """They are left out, whatever they look like, or refused as unknown."""
    _images(session, 1)
    (text,) = session.handles.files
    organization, location, _ = text.split("/")
    for unknown in ("a", "a/b", "a/b/c/d", "//", f"{organization}/{location}/{raw.NOBODY}"):
        if session.interpretation.unknown_ids == "refused":
            request = data.BinaryDataByIDsRequest(binary_data_ids=[unknown, text])
            raw.refuse(session, ("A13", "ID-7"), "NOT_FOUND", RPC, request)
        else:
            found = _found(session, ("ID-6", "ID-7", "A13"), [], [unknown, text])
            session.expect(("ID-6", "ID-7"), "files that are known", [0], found)


@check("A15")
def messages_of_three_parts(session: Session) -> None:
    """A BinaryID must fit as a whole; what it leaves empty fits any."""
    _images(session, 1)
    if "refused" in (session.interpretation.deprecated_ids, session.interpretation.unknown_ids):
        return
    (text,) = session.handles.files
    for change, wanted in (
        ({"organization_id": "", "location_id": ""}, [0]),
        ({"organization_id": raw.NOBODY}, []),
        ({"location_id": "elsewhere"}, []),
    ):
        message = binary_id(text)
        message.MergeFrom(data.BinaryID(**change))
        if "" in change.values():
            message = data.BinaryID(file_id=message.file_id)
        found = _found(session, ("A15",), [message], [])
        session.expect(("A15",), "files by a part of their id", wanted, found)


@check("ID-8", "BX-8")
def one_file_for_a_box(session: Session) -> None:
    """A box is for one file, which must exist."""
    _images(session, 2)
    rpc, (one, other) = "AddBoundingBoxToImageByID", session.handles.files
    request = data.AddBoundingBoxToImageByIDRequest(
        binary_id=binary_id(one), label="dog", x_max_normalized=1, y_max_normalized=1
    )
    request.binary_data_id = other
    old = session.interpretation.deprecated_ids == "refused"
    status = "FAILED_PRECONDITION" if old else "INVALID_ARGUMENT"
    raw.refuse(session, ("ID-8",), status, rpc, request)
    writes.delete_files(session, [0])
    writes.box(session, 0, "dog", (0.0, 0.0, 1.0, 1.0))
    reads.check_by_ids(session, [1])


@check("BI-1", "BI-2", "BI-3", "BI-4")
def files_by_ids(session: Session) -> None:
    """In the order of the request, each once, with their bytes if they are wanted."""
    _images(session, 3)
    for with_bytes in (True, False):
        reads.check_by_ids(session, [2, 0, 1, 0], with_bytes=with_bytes)
        reads.check_by_ids(session, [1], with_bytes=with_bytes)


CHECKS: tuple[Check, ...] = (
    ids_are_told,
    ids_of_both_forms,
    ids_that_name_nothing,
    messages_of_three_parts,
    one_file_for_a_box,
    files_by_ids,
)
