"""Ids of files: their structure, their two forms, and invalid ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, datasync
from fakeviam_contracts import reads, writes
from fakeviam_contracts.assertions import ProgramEndedError
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, check
from fakeviam_contracts.descriptions import binary_id
from fakeviam_contracts.session import Ground, permission

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


def _handles_of(
    session: Session,
    clause: str,
    messages: Sequence[data.BinaryID],
    texts: Sequence[str],
    *,
    unknown: bool = False,
) -> list[int | str]:
    request = data.BinaryDataByIDsRequest(binary_ids=messages, binary_data_ids=texts)
    answer = session.wire.call(RPC, request)
    reply = session.outcome(clause, RPC, answer, _grounds(messages, unknown=unknown))
    if reply is None:
        session.left_out = "such ids are refused (A13, A14)"
        raise ProgramEndedError(RPC)
    return [session.handles.file(entry.metadata.binary_data_id) for entry in reply.data]


@check("ID-2", "ID-3")
def ids_are_told(session: Session) -> None:
    """A full id consists of organization, location and file id; replies have both forms."""
    for part in range(len(session.place.parts)):
        writes.upload(session, way="FileUpload", part=part, chunks=[b"x"])
        whole = session.handles.files[part]
        (file,) = raw.files(session, whole)
        origin = session.place.parts[part]
        expected = f"{origin.organization_id}/{origin.location_id}/{file.id}"
        session.expect("ID-2", "organization, location and file id", expected, whole)


def _by_message() -> list[Ground]:
    """The reason for which messages may be refused."""
    status = "FAILED_PRECONDITION"
    return [Ground("A14", status, point="deprecated_binary_id", accepting="accept")]


def _grounds(messages: Sequence[data.BinaryID], *, unknown: bool) -> list[Ground]:
    """The reasons for which well-formed ids may be refused."""
    grounds = _by_message() if messages else []
    if unknown:
        grounds.append(Ground("A13", "NOT_FOUND", point="unknown_ids", accepting="skip"))
    return grounds


@check("ID-1", "ID-4", "A14")
def ids_of_both_forms(session: Session) -> None:
    """Both forms are always accepted; together they are united without duplicates."""
    texts = []
    for at in range(3):
        content = datasync.SensorData(metadata=raw.sensor(BASE + at, BASE), binary=b"%d" % at)
        request = raw.capture(raw.metadata(session, raw.BINARY), content)
        texts.append(raw.call(session, "CU-1", "DataCaptureUpload", request).binary_data_id)
    session.handles.files += texts
    messages = [binary_id(text) for text in texts]
    # Messages first: a server might choose the form by the first one that it receives.
    session.expect("ID-1", "files by message", [0], _handles_of(session, "ID-1", messages[:1], []))
    for clause in ("ID-1", "ID-4"):
        session.expect(clause, "files by text", [0], _handles_of(session, clause, [], texts[:1]))
        files = _handles_of(session, clause, messages[1:2], [])
        session.expect(clause, "files by message", [1], files)
    files = _handles_of(session, "A14", messages[:2], [texts[2], texts[0]])
    session.expect("A14", "files by both forms", [0, 1, 2], files)


@check("ID-1", "BX-1", "BU-1", "BR-1")
def boxes_by_messages(session: Session) -> None:
    """Boxes are added, updated and removed on a file that a message names."""
    _images(session, 1)
    named = binary_id(session.handles.files[0])
    adding = data.AddBoundingBoxToImageByIDRequest(
        binary_id=named, label="dog", x_max_normalized=1, y_max_normalized=1
    )
    rpc = "AddBoundingBoxToImageByID"
    added = session.outcome("ID-1", rpc, session.wire.call(rpc, adding), _by_message())
    if added is None:
        session.left_out = "such ids are refused (A14)"
        return
    updating = data.UpdateBoundingBoxRequest(binary_id=named, bbox_id=added.bbox_id, label="cat")
    removing = data.RemoveBoundingBoxFromImageByIDRequest(binary_id=named, bbox_id=added.bbox_id)
    for rpc, request, labels in (
        ("UpdateBoundingBox", updating, ["cat"]),
        ("RemoveBoundingBoxFromImageByID", removing, []),
    ):
        raw.call(session, "ID-1", rpc, request)
        (file,) = raw.files(session, session.handles.files[0])
        told = [box.label for box in file.annotations.bboxes]
        session.expect("ID-1", f"labels after {rpc} by message", labels, told)


@check("ID-6", "ID-7", "A13")
def ids_that_name_nothing(session: Session) -> None:
    """Unknown ids of any shape are skipped, or refused as unknown."""
    _images(session, 1)
    (text,) = session.handles.files
    organization, location, file = text.split("/")
    unknown = Ground("A13", "NOT_FOUND", point="unknown_ids", accepting="skip")
    for wrong, ground in (
        ("a", permission("ID-7")),
        ("a/b", permission("ID-7")),
        ("a/b/c/d", permission("ID-7")),
        ("//", permission("ID-7")),
        (file, permission("ID-7")),
        (f"{organization}/{location}/{raw.NOBODY}", unknown),
        (f"{organization}/elsewhere/{file}", unknown),
        (f"{raw.NOBODY}/{location}/{file}", unknown),
        (f"{text}x", unknown),
        (text.swapcase(), unknown),
    ):
        request = data.BinaryDataByIDsRequest(binary_data_ids=[wrong, text])
        refuses = session.interpretation.unknown_ids == "refuse"
        grounds = [unknown] if refuses or ground is unknown else [ground, unknown]
        reply = session.outcome("ID-6", RPC, session.wire.call(RPC, request), grounds)
        if reply is None:
            session.left_out = "such ids are refused (A13)"
            continue
        handles = [session.handles.file(entry.metadata.binary_data_id) for entry in reply.data]
        clause = "ID-6" if ground is unknown else "ID-7"
        session.expect(clause, f"files of {wrong.count('/') + 1} segments, one wrong", [0], handles)


@check("A15")
def messages_of_three_parts(session: Session) -> None:
    """All fields of a BinaryID must match; empty fields match anything."""
    _images(session, 1)
    (text,) = session.handles.files
    whole = binary_id(text)
    for message, expected in (
        (data.BinaryID(file_id=whole.file_id), [0]),
        (_changed(whole, organization_id=raw.NOBODY), []),
        (_changed(whole, location_id="elsewhere"), []),
        (_changed(whole, file_id=raw.NOBODY), []),
    ):
        files = _handles_of(session, "A15", [message], [], unknown=not expected)
        session.expect("A15", "files by a part of their id", expected, files)


def _changed(message: data.BinaryID, **fields: str) -> data.BinaryID:
    copy = data.BinaryID(**fields)
    for name in ("organization_id", "location_id", "file_id"):
        setattr(copy, name, fields.get(name, getattr(message, name)))
    return copy


@check("ID-8", "BX-8")
def one_file_for_a_box(session: Session) -> None:
    """A box belongs to exactly one file, which must exist."""
    _images(session, 2)
    rpc, (one, other) = "AddBoundingBoxToImageByID", session.handles.files
    request = data.AddBoundingBoxToImageByIDRequest(
        binary_id=binary_id(one), label="dog", x_max_normalized=1, y_max_normalized=1
    )
    request.binary_data_id = other
    old = session.interpretation.deprecated_binary_id == "refuse"
    status = "FAILED_PRECONDITION" if old else "INVALID_ARGUMENT"
    if not raw.refuse(session, "ID-8", status, rpc, request):
        return
    writes.delete_files(session, [0])
    writes.box(session, 0, "dog", (0.0, 0.0, 1.0, 1.0))
    reads.check_by_ids(session, [1])


@check("BI-1", "BI-2", "BI-3", "BI-4")
def files_by_ids(session: Session) -> None:
    """Files are in the order of the request, without duplicates, with bytes if requested."""
    _images(session, 3)
    for with_bytes in (True, False):
        reads.check_by_ids(session, [2, 0, 1, 0], with_bytes=with_bytes)
        reads.check_by_ids(session, [1], with_bytes=with_bytes)


CHECKS: tuple[Check, ...] = (
    ids_are_told,
    ids_of_both_forms,
    boxes_by_messages,
    ids_that_name_nothing,
    messages_of_three_parts,
    one_file_for_a_box,
    files_by_ids,
)
