"""The data of sequences: the files that they select."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts import writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check
from fakeviam_contracts.checks.sequences import (
    DELETE,
    END,
    INSIDE,
    METHODS,
    START,
    camera,
    create,
    kept,
    pages_of,
    resource,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


def images(session: Session, *seconds: float, **changes: Any) -> None:
    """Upload images of the camera, captured at seconds after BASE."""
    known = {"component": "cam", "method": METHODS[0], "extension": ".jpg", "part": 0, **changes}
    for second in seconds:
        time = BASE + round(second * SECOND)
        writes.upload(
            session,
            way="DataCaptureUpload",
            chunks=[f"{second} {known}".encode()],
            times=(time, time + 5 * SECOND),
            component_type="camera",
            **known,
        )


def _expected(session: Session, methods: Sequence[str] = METHODS[:1]) -> list[str]:
    """The expected files: images of its part, resources and window."""
    inside = [
        file
        for file in session.model.files
        if file.origin.part_id == session.place.parts[0].part_id
        and file.origin.component_name == camera(session)
        and file.origin.method in methods
        and file.mime_type in ("image/jpeg", "image/png")
        and START * SECOND <= file.requested - BASE <= END * SECOND
    ]
    ordered = sorted(inside, key=lambda file: (file.requested, file.handle))
    return [session.handles.files[file.handle] for file in ordered]


def _inside(session: Session, sequence_id: str, size: int = 100) -> list[data.BinaryData]:
    request = data.GetSequenceBinaryDataRequest(sequence_id=sequence_id, page_size=size)
    return [entry for page in pages_of(session, INSIDE, request) for entry in page.data]


def _ids(entries: Sequence[data.BinaryData]) -> list[str]:
    return [entry.metadata.binary_data_id for entry in entries]


def _told(metadata: data.BinaryMetadata) -> dict[str, object]:
    """What metadata say, but for links, which may be made for each reply."""
    told = {field.name: str(value) for field, value in metadata.ListFields()}
    return {name: text for name, text in told.items() if text and name != "uri"}


def _expect_inside(session: Session, clause: str, made: str, expected: list[str], of: str) -> None:
    session.expect(clause, f"files inside a sequence {of}", set(expected),
                   set(_ids(_inside(session, made))))  # fmt: skip


@check("SQ-4")
def windows_of_sequences(session: Session) -> None:
    """Both ends of a window are inclusive."""
    made = create(session)
    images(session, START, END)
    _expect_inside(session, "SQ-4", made, _expected(session), "at the ends of its window")
    images(session, START - 0.001, END + 0.001)
    _expect_inside(session, "SQ-4", made, _expected(session), "and none beyond its window")


@check("SQ-7")
def resources_of_sequences(session: Session) -> None:
    """Files of another part, component or method are excluded."""
    made = create(session)
    images(session, 12)
    images(session, 14, method=METHODS[1])
    if len(session.place.parts) > 1:
        images(session, 13, part=1)
    if not session.place.component:
        images(session, 13.5, component="cam-2")
    _expect_inside(session, "SQ-7", made, _expected(session), "of one resource")


@check("SQ-7")
def sequences_of_two_resources(session: Session) -> None:
    """A sequence of two resources contains files of both."""
    made = create(session, resources=[resource(session, method) for method in METHODS])
    images(session, 12)
    images(session, 14, method=METHODS[1])
    _expect_inside(session, "SQ-7", made, _expected(session, METHODS), "of two resources")
    other = data.SequenceResourceFilter(resource_name="other", method_name=METHODS[1])
    crossed = create(session, resources=[resource(session), other])
    of = "of a component and a method that belong to different resources"
    _expect_inside(session, "SQ-7", crossed, _expected(session), of)


@check("SQ-8")
def kinds_of_files_in_sequences(session: Session) -> None:
    """Only files of type JPEG or PNG are included."""
    made = create(session)
    for second, extension in ((12, ".jpg"), (13, ".png"), (14, ".txt"), (15, ".gif")):
        kind = "image/gif" if extension == ".gif" else ""
        images(session, second, extension=extension, mime_type=kind)
    _expect_inside(session, "SQ-8", made, _expected(session), "that are JPEG or PNG")


@check("SQ-5", "SQ-7", "SQ-15")
def pages_of_a_sequence(session: Session) -> None:
    """Pages have the requested size, oldest first, with metadata and without bytes."""
    made = create(session)
    images(session, 15, 12, 13)
    expected = _expected(session)
    request = data.GetSequenceBinaryDataRequest(sequence_id=made, page_size=2)
    pages = [list(page.data) for page in pages_of(session, INSIDE, request)]
    entries = [entry for page in pages for entry in page]
    session.expect("SQ-5", "files in pages of two", sorted(expected), sorted(_ids(entries)))
    session.expect("SQ-7", "files on the first page of two", 2, len(pages[0]))
    session.expect("SQ-15", "files inside a sequence in their order", expected, _ids(entries))
    lengths = {len(entry.binary) for entry in entries}
    session.expect("SQ-15", "bytes of files inside a sequence", {0}, lengths)
    by_ids = [_told(metadata) for metadata in raw.files(session, *_ids(entries))]
    told = [_told(entry.metadata) for entry in entries]
    session.expect("SQ-7", "metadata of files as by their ids", by_ids, told)


@check("SQ-3")
def data_goes_and_comes(session: Session) -> None:
    """A sequence remains when its data is deleted; new data is included."""
    made = create(session)
    images(session, 12)
    session.expect("SQ-3", "files inside", 1, len(_inside(session, made)))
    writes.delete_files(session, [0])
    session.expect("SQ-3", "the sequence without data", made, kept(session, made, "SQ-3").id)
    _expect_inside(session, "SQ-3", made, [], "after all were deleted")
    images(session, 13)
    _expect_inside(session, "SQ-3", made, _expected(session), "after one came later")


@check("SQ-3")
def sequences_go_without_data(session: Session) -> None:
    """Deleting a sequence does not delete its files."""
    made = create(session)
    images(session, 12)
    raw.call(session, "SQ-3", DELETE, data.DeleteSequenceRequest(id=made))
    request = data.BinaryDataByIDsRequest(binary_data_ids=session.handles.files)
    reply = raw.call(session, "SQ-3", "BinaryDataByIDs", request)
    what = "the file after its sequence was deleted"
    session.expect("SQ-3", what, session.handles.files, _ids(reply.data))


CHECKS = (
    windows_of_sequences,
    resources_of_sequences,
    sequences_of_two_resources,
    kinds_of_files_in_sequences,
    pages_of_a_sequence,
    data_goes_and_comes,
    sequences_go_without_data,
)
