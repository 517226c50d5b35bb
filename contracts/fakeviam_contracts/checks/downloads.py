"""Downloads: following a link to a file, as a browser or a player would."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from fakeviam.wire import data, datasync
from fakeviam_contracts import writes
from fakeviam_contracts.assertions import AnyOf, ProgramEndedError
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, Need, check
from fakeviam_contracts.checks.roles import as_holder, keyed_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

    from fakeviam_contracts.session import Session

RPC = "CreateBinaryDataSignedURL"
CONTENT = bytes(range(48, 68))
NOT_FOR_YOU = AnyOf(401, 403)


class HttpReply(NamedTuple):
    """An HTTP response."""

    status: int
    headers: Message[str, str]
    body: bytes


def _answer(url: str, headers: Mapping[str, str], method: str) -> HttpReply:
    request = urllib.request.Request(url, headers=dict(headers), method=method)  # noqa: S310 - a link from the subject
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return HttpReply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return HttpReply(error.code, error.headers, error.read())


def fetched(
    session: Session, url: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> HttpReply:
    """Fetch a URL; if the server is unreachable, note that and end the program.

    Raises:
        ProgramEndedError: The server of the link cannot be reached from here.
    """
    try:
        answer: HttpReply = session.wire.run(asyncio.to_thread(_answer, url, headers or {}, method))
    except OSError as error:
        session.left_out = f"{urlsplit(url).netloc} cannot be reached from here: {error}"
        raise ProgramEndedError(session.left_out) from error
    return answer


def _uploaded(session: Session, content: bytes = CONTENT) -> str:
    """Upload a picture; returns its id, or "" if it need not be taken, and is not."""
    handle = writes.upload(
        session,
        way="FileUpload",
        part=0,
        chunks=[content],
        file_name="picture" if session.plain else "a picture",
        extension=".png",
    )
    return "" if handle is None else session.handles.files[handle]


def _link(session: Session, whole: str, minutes: int | None = None) -> str:
    """Request a link to a file.

    Raises:
        ProgramEndedError: The server only listens on a Unix socket, so downloads are impossible.
    """
    request = data.CreateBinaryDataSignedURLRequest(
        binary_data_id=whole, expiration_minutes=minutes
    )
    if session.place.by_socket:
        session.left_out = "the server has a Unix socket alone, from which nobody can download"
        raise ProgramEndedError(session.left_out)
    return str(raw.call(session, "SG-1", RPC, request).signed_url)


@check("SG-1", "DL-4")
def files_behind_links(session: Session) -> None:
    """Each link leads to the bytes of its file, with the right type and name."""
    for content in (CONTENT, b"", bytes(range(256)) * 2048):
        if not (whole := _uploaded(session, content)):
            continue
        answer = fetched(session, _link(session, whole))
        session.expect("SG-1", "status of a download", 200, answer.status)
        session.expect("SG-1", "bytes behind a link", content, answer.body)
        session.expect("DL-4", "type of a download", "image/png", answer.headers["content-type"])
        named = answer.headers.get("content-disposition", "")
        session.expect("DL-4", "a download is called .png", expected=True, observed=".png" in named)


#: The part of the file that each range selects; None if it cannot be satisfied.
_RANGES: tuple[tuple[str, bytes | None], ...] = (
    ("bytes=0-0", CONTENT[:1]),
    ("bytes=2-4", CONTENT[2:5]),
    ("bytes=7-", CONTENT[7:]),
    ("bytes=-3", CONTENT[-3:]),
    ("bytes=15-99", CONTENT[15:]),
    (f"bytes={len(CONTENT)}-", None),
)


@check("DL-2", "DL-3")
def ranges_of_files(session: Session) -> None:
    """Ranges return the requested part of a file, and HEAD only its headers."""
    link, size = _link(session, _uploaded(session)), len(CONTENT)
    for asked, part in _RANGES:
        answer = fetched(session, link, {"range": asked})
        if part is None:
            session.expect("DL-3", f"status of {asked}", 416, answer.status)
            continue
        session.expect("DL-2", f"status of {asked}", 206, answer.status)
        session.expect("DL-2", f"what {asked} is", part, answer.body)
        first = CONTENT.index(part)
        told = f"bytes {first}-{first + len(part) - 1}/{size}"
        session.expect("DL-2", f"where {asked} is", told, answer.headers["content-range"])
    answer = fetched(session, link, {"range": "bytes=0-0,2-3"})
    session.expect("DL-2", "bytes of several ranges", CONTENT, answer.body)
    answer = fetched(session, link, method="HEAD")
    told_size = (answer.status, answer.headers["content-length"], answer.body)
    session.expect("DL-2", "what HEAD tells", (200, str(size), b""), told_size)


@check("DL-2")
def files_that_are_known(session: Session) -> None:
    """ETags are unique; with a matching one, neither the file nor a part of another is sent."""
    mine, other = (_link(session, _uploaded(session)) for _ in range(2))
    tag, another = (fetched(session, link).headers.get("etag", "") for link in (mine, other))
    session.expect("DL-2", "a file has an ETag", expected=True, observed=bool(tag))
    session.expect("DL-2", "two files have two ETags", expected=True, observed=tag != another)
    for headers, status in (
        ({"if-none-match": tag}, 304),
        ({"if-none-match": f'"x", {tag}'}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-match": tag}, 200),
        ({"if-match": '"x"'}, 412),
        ({"if-range": tag, "range": "bytes=0-0"}, 206),
        ({"if-range": '"x"', "range": "bytes=0-0"}, 200),
    ):
        answer = fetched(session, mine, headers)
        asked = " and ".join(headers)
        what = f"status of {asked}, {'its own' if tag in headers.values() else 'other'}"
        session.expect("DL-2", what, status, answer.status)
        if status == 200:
            session.expect("DL-2", f"bytes of {asked}", CONTENT, answer.body)


@check("SG-1", "DL-3", needs=(Need.HOURS,))
def links_end(session: Session) -> None:
    """Links that are expired or manipulated, and links to deleted files, are refused."""
    whole = _uploaded(session)
    short, long = _link(session, whole, 1), _link(session, whole, 30)
    where = urlsplit(long)
    for query in (where.query[:-1] + ("0" if where.query[-1] != "0" else "1"), "signature=x"):
        answer = fetched(session, urlunsplit(where._replace(query=query)))
        _expect_nothing(session, "a link that was changed", answer)
        session.expect("DL-3", "status of a link that was changed", NOT_FOR_YOU, answer.status)
    _wait(session, 59)
    session.expect("SG-1", "bytes behind a link", CONTENT, fetched(session, short).body)
    _wait(session, 2)
    answer = fetched(session, short)
    _expect_nothing(session, "a link that has ended", answer)
    session.expect("DL-3", "status of a link that has ended", 410, answer.status)
    session.expect("SG-1", "bytes behind a link", CONTENT, fetched(session, long).body)
    writes.delete_files(session, [0])
    answer = fetched(session, long)
    _expect_nothing(session, "a link to a deleted file", answer)
    session.expect("DL-3", "status of a link to a deleted file", 410, answer.status)


def _wait(session: Session, seconds: int) -> None:
    assert session.place.advance is not None  # noqa: S101 - what the check needs
    session.place.advance(seconds * SECOND)


def _expect_nothing(session: Session, what: str, answer: HttpReply) -> None:
    session.expect("SG-1", f"{what} leads to the file", expected=False,
                   observed=answer.body == CONTENT)  # fmt: skip


@check("DL-1", "DL-3", needs=(Need.KEYS,))
def files_for_keys(session: Session) -> None:
    """The uri of a file requires the right to see it: a key or a token."""
    keyed = keyed_of(session)
    owner = as_holder(session, keyed, "owner")
    metadata = datasync.UploadMetadata(
        part_id=keyed.here.part_id, type=raw.BINARY, component_name="cam"
    )
    content = datasync.SensorData(metadata=raw.sensor(BASE, BASE), binary=CONTENT)
    answer = owner.call("DataCaptureUpload", raw.capture(metadata, content))
    whole = session.answered("CU-1", "DataCaptureUpload", answer).binary_data_id
    keyed.settle(session.interpretation.visibility)
    request = data.BinaryDataByIDsRequest(binary_data_ids=[whole])
    reply = session.answered("BI-1", "BinaryDataByIDs", owner.call("BinaryDataByIDs", request))
    uri = raw.first(session, "BI-1", "files", reply.data).metadata.uri
    for key, is_allowed in (("owner", True), ("operator", True), ("nobody", False)):
        entity, secret = keyed.keys[key]
        answer = fetched(session, uri, {"key_id": entity, "key": secret})
        if is_allowed:
            session.expect("DL-1", f"bytes for a key of {key}", CONTENT, answer.body)
        else:
            session.expect("DL-3", f"status for a key of {key}", NOT_FOR_YOU, answer.status)
    for key, status in (("location", 200), ("foreign", AnyOf(401, 403, 404))):
        entity, secret = keyed.keys[key]
        answer = fetched(session, uri, {"key_id": entity, "key": secret})
        session.expect("DL-3", f"status for a key of {key}", status, answer.status)
    answer = fetched(session, uri)
    session.expect("DL-3", "status for who has no key", NOT_FOR_YOU, answer.status)


CHECKS = (
    files_behind_links,
    ranges_of_files,
    files_that_are_known,
    links_end,
    files_for_keys,
)
