"""File downloads over HTTP, by `uri` and by signed URLs (DL-1 … DL-4)."""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fakeviam import wire
from fakeviam.model.clock import SECOND
from fakeviam.model.entities import SequenceExport
from fakeviam.model.errors import Refusal, StatusCode
from fakeviam.server.services.arguments import record_seen
from fakeviam.server.services.links import EXPORTS, is_signed
from fakeviam.server.state.call import Call
from fakeviam.server.state.retention import enforce_retention
from fakeviam.web.problems import OF_THE_SERVER, HttpProblem
from fakeviam.web.ranges import wanted_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.state.cloud import CloudState

#: Bytes per piece; the next one is sent when the client has accepted this one.
_PIECE = 256 * 1024

#: A MIME type that is valid in a header; clients may have uploaded anything.
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;[ -~]*)?", re.ASCII)
_BYTES = "application/octet-stream"

#: Maximum length of a file name; clients reject headers much longer than file systems allow.
_LONGEST_NAME = 200

_STATUS = {
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    **OF_THE_SERVER,
}
_RPC = "BinaryDataByIDs"

_WHO = "a file is for an API key in both headers, key_id and key, for a token, or by a signed link"


class Downloads:
    """The files of one fake. Starlette treats an instance as an ASGI application."""

    def __init__(self, fake: Host, refusal: Callable[[HttpProblem], Response]) -> None:
        """Serve the files of `fake`; `refusal` creates responses for problems."""
        self._fake = fake
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._answer(Request(scope, receive))
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        try:
            _check_method(request.method)
            cloud = self._cloud(request)
            if request.path_params["file"].startswith(EXPORTS):
                return _export(cloud, request)
            record = _record(cloud, request)
            return file_response(cloud, record, request)
        except HttpProblem as problem:
            return self._refusal(problem)
        except Refusal as refusal:
            status = _STATUS.get(refusal.status, 400)
            if status != 401:
                return self._refusal(HttpProblem(status, refusal.text))
            told = {"www-authenticate": 'Bearer realm="fakeviam"'}
            return self._refusal(HttpProblem(status, refusal.text, hint=_WHO, headers=told))

    def _cloud(self, request: Request) -> CloudState:
        """The cloud of the link, or of the caller's token (SS-1)."""
        headers = dict(request.headers)
        if (session := request.query_params.get("session")) is not None:
            headers["fakeviam-session"] = session
        cloud, refusal = self._fake.clouds.cloud_of(headers)
        if refusal is not None:
            raise HttpProblem(410, refusal.text)
        return self._fake.clouds.cloud_of_key(request.headers.get("key_id", ""), cloud)


def _export(cloud: CloudState, request: Request) -> Response:
    """The file of an export, for anyone with its link (EJ-2)."""
    name, query = request.path_params["file"], request.query_params
    if "signature" not in query:
        raise HttpProblem(401, "the file of an export is for those who have its link [EJ-2]")
    _check_signature(cloud, name, query)
    job = cloud.store.entity(SequenceExport, name.removeprefix(EXPORTS))
    if job is None:
        raise HttpProblem(410, "this export was deleted [EJ-2]")
    return zipped(job.file, f"sequences-{job.dataset_id}")


def zipped(content: bytes, name: str) -> Response:
    """A zip archive for download, with any name."""
    saved = re.sub(r"[/\\]", "_", _printable(name)[:_LONGEST_NAME])
    headers = {"content-disposition": _named("attachment", saved, ".zip")}
    return Response(content, media_type="application/zip", headers=headers)


def _check_method(method: str) -> None:
    if method not in ("GET", "HEAD"):
        raise HttpProblem(405, f"a file does not take {method}", headers={"allow": "GET, HEAD"})


def _record(cloud: CloudState, request: Request) -> BinaryRecord:
    """The record, if the caller has access.

    Raises:
        Problem: There is none, or the link has expired.
        Refusal: The caller has no access.
    """
    name, query = request.path_params["file"], request.query_params
    call = Call.detached(cloud, wire.method(_RPC))
    signed = "signature" in query
    if signed:
        _check_signature(cloud, name, query)
    else:
        call.principal = cloud.accounts.caller(request.headers)
        if call.principal.role != "owner":
            call.principal.check_right(_RPC, call.policy)
    enforce_retention(cloud)
    record = record_seen(call, name)
    if record is not None:
        return record
    if signed:  # the record existed when the link was signed
        raise HttpProblem(410, f"the file {name!r} was deleted [DL-3]")
    raise HttpProblem(
        404, f"there is no file {name!r} [DL-3]", hint="a file is organization/location/file id"
    )


def _check_signature(cloud: CloudState, name: str, query: Mapping[str, str]) -> None:
    expires = query.get("expires", "")
    if not is_signed(cloud.ids, name, expires, query["signature"]):
        raise HttpProblem(
            403,
            "the signature of this link is not of this server [DL-3]",
            hint="take the link as CreateBinaryDataSignedURL gave it",
        )
    if cloud.clock.now() >= int(expires):
        raise HttpProblem(
            410,
            "this link has expired [DL-3]",
            hint="ask CreateBinaryDataSignedURL for another one, or move the fake's clock back",
        )


def file_response(cloud: CloudState, record: BinaryRecord, request: Request) -> Response:
    """The file, a range of it, or 304 if the caller has it already (DL-2)."""
    request_headers: Mapping[str, str] = request.headers
    stored = record.time_synced // SECOND
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": _disposition(record),
        # Files are untrusted: scripts in them must not run in the origin of this server.
        "content-security-policy": "sandbox",
        "content-type": record.mime_type if _TYPE.fullmatch(record.mime_type) else _BYTES,
        "etag": f'"{record.file_id}"',
        "last-modified": formatdate(max(stored, 0), usegmt=True),
        "x-content-type-options": "nosniff",
    }
    if _is_another(request_headers, headers, stored):
        raise HttpProblem(
            412,
            "this is not the file that If-Match or If-Unmodified-Since asks for [DL-2]",
            hint=f"its ETag is {headers['etag']}",
        )
    if _is_known(request_headers, headers, stored):
        return Response(status_code=304, headers=headers)
    start, end, status = 0, record.size, 200
    is_part = request.method == "GET" and "range" in request_headers
    if is_part and _still_holds(request_headers.get("if-range"), headers):
        span = wanted_range(request_headers["range"], record.size)
        if span is not None:
            (start, end), status = span, 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{record.size}"
    headers["content-length"] = str(end - start)
    try:
        content = memoryview(cloud.store.read(record.file_id))[start:end]
    except KeyError:  # another server on the same database has just deleted it (MG-1)
        raise HttpProblem(404, f"there is no file {record.binary_data_id!r} [DL-3]") from None
    return StreamingResponse(_pieces(content), status_code=status, headers=headers)


async def _pieces(content: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield bytes(content[start : start + _PIECE])
        # Let other calls run, and detect a disconnected client.
        await asyncio.sleep(0)


def _is_another(conditions: Mapping[str, str], headers: Mapping[str, str], stored: int) -> bool:
    """Whether the file does not meet the caller's preconditions (RFC 9110, 13.1.1 and 13.1.4)."""
    tags = conditions.get("if-match")
    if tags is not None:
        return not {tag.strip() for tag in tags.split(",")} & {"*", headers["etag"]}
    since = _seconds(conditions.get("if-unmodified-since"))
    return since is not None and stored > since


def _is_known(conditions: Mapping[str, str], headers: Mapping[str, str], stored: int) -> bool:
    """Whether the caller has the file already (RFC 9110, 13.1)."""
    tags = conditions.get("if-none-match")
    if tags is not None:
        tags_known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in tags_known or headers["etag"] in tags_known
    since = _seconds(conditions.get("if-modified-since"))
    return since is not None and stored <= since


def _still_holds(condition: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a range still refers to the version of the file that the caller has (If-Range)."""
    return condition is None or condition in (headers["etag"], headers["last-modified"])


def _seconds(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):  # an invalid condition is ignored
        return None


def _printable(text: str) -> str:
    """A text without characters that would end a header; clients may have uploaded anything."""
    return "".join(letter for letter in text if letter.isprintable())


def _disposition(record: BinaryRecord) -> str:
    """The Content-Disposition: whether a browser shows or saves the file, and its name."""
    name = _printable(record.file_name.replace("\\", "/").rpartition("/")[2])
    return _named(
        "inline", name[:_LONGEST_NAME] or record.file_id, _printable(record.file_ext)[:20]
    )


def _named(kind: str, name: str, ext: str) -> str:
    """A file name, in ASCII for old clients and unchanged for all others (RFC 6266)."""
    if not name.lower().endswith(ext.lower()):
        name += ext
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    quoted = plain.replace("%", "_").replace('"', "_")
    return f"{kind}; filename=\"{quoted}\"; filename*=UTF-8''{quote(name, safe='')}"
