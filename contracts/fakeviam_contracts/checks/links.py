"""Links to files without a key, and uploads of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, datasync
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import SECOND, check
from fakeviam_contracts.session import permission
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

RPC = "CreateBinaryDataSignedURL"


@check("SG-1", "SG-2", "SG-3")
def links_to_files(session: Session) -> None:
    """Each file has its own link, which expires after 15 minutes or as requested."""
    for at in range(2):
        writes.upload(session, way="FileUpload", part=0, chunks=[b"%d" % at])
    (whole, _) = session.handles.files
    for minutes in (0, 10_081):
        raw.refuse(session, "SG-2", "INVALID_ARGUMENT", RPC, _request(whole, minutes))
    for wrong in (f"{whole}x", f"{whole.rpartition('/')[0]}/{raw.NOBODY}"):
        raw.refuse(session, "SG-3", "NOT_FOUND", RPC, _request(wrong))
    if session.place.by_socket and _leads_nowhere(session.wire.call(RPC, _request(whole))):
        session.left_out = "the server has a Unix socket alone, from which nobody can download"
        return
    urls = set()
    for whole in session.handles.files:
        for asked in (None, 1, 10_080):
            reply = raw.call(session, "SG-1", RPC, _request(whole, asked))
            is_url = reply.signed_url.startswith(("http://", "https://"))
            session.expect("SG-1", "a link is a URL", expected=True, observed=is_url)
            urls.add(reply.signed_url)
            _check_end(session, asked or 15, nanos_from(reply.expires_at))
    session.expect("SG-1", "different links", 6, len(urls))


def _request(whole: str, minutes: int | None = None) -> data.CreateBinaryDataSignedURLRequest:
    return data.CreateBinaryDataSignedURLRequest(binary_data_id=whole, expiration_minutes=minutes)


def _leads_nowhere(answer: object) -> bool:
    """Whether there are no links because the server has no port."""
    return isinstance(answer, Refused) and answer.status == "FAILED_PRECONDITION"


def _check_end(session: Session, minutes: int, end: int) -> None:
    if session.place.now is not None:
        off = abs(end - session.place.now() - minutes * 60 * SECOND)
        near = off <= session.place.skew + 5 * SECOND
        session.expect("SG-1", f"a link for {minutes} minutes ends then", True, near)  # noqa: FBT003


@check("A60", "FU-2", "SU-1")
def large_uploads(session: Session) -> None:
    """An upload in pieces may be larger than the limit of a message."""
    piece = bytes(range(256)) * 1024
    count = 20
    opening = datasync.DataCaptureUploadMetadata(upload_metadata=raw.metadata(session, raw.BINARY))
    capture = datasync.StreamingDataCaptureUploadRequest
    file = datasync.FileUploadRequest
    contents = datasync.FileData(data=piece)
    for clause, rpc, messages in (
        ("FU-2", "FileUpload",
         [file(metadata=raw.metadata(session, datasync.DATA_TYPE_FILE)),
          *[file(file_contents=contents)] * count]),
        ("SU-1", "StreamingDataCaptureUpload",
         [capture(metadata=opening), *[capture(data=piece)] * count]),
    ):  # fmt: skip
        answer = session.wire.stream(rpc, messages)
        reply = session.outcome(clause, rpc, answer, [permission("A60")])
        if reply is None:
            continue
        (known,) = raw.files(session, reply.binary_data_id)
        session.expect(clause, "bytes of a file", count * len(piece), known.file_size_bytes)


CHECKS = (links_to_files, large_uploads)
