"""Files over HTTP: what `uri` and signed URLs lead to (DL-1 … DL-4)."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fakeviam import wire
from fakeviam.model.clock import SECOND
from fakeviam.model.errors import Refusal, StatusCode
from fakeviam.server.services.arguments import record_seen
from fakeviam.server.services.links import is_signed
from fakeviam.server.state.call import Call
from fakeviam.server.state.retention import enforce_retention
from fakeviam.web.problems import Problem
from fakeviam.web.ranges import wanted_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.state.cloud import CloudState

#: Sent at once; the next piece goes out when the client has taken this one.
_PIECE = 256 * 1024

#: A MIME type that a header can carry; clients may have uploaded anything.
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;[ -~]*)?", re.ASCII)
_BYTES = "application/octet-stream"

_STATUS = {
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
}
_RPC = "BinaryDataByIDs"


class Downloads:
    """The files of one fake. Starlette takes a class for an ASGI application."""

    def __init__(self, fake: Host, refusal: Callable[[Problem], Response]) -> None:
        """Serve the files of `fake`; `refusal` makes answers of problems."""
        self._fake = fake
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._answer(Request(scope, receive))
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        try:
            _check_method(request.method)
            cloud = self._cloud(request)
            record = _record(cloud, request)
            return _file(cloud, record, request)
        except Problem as problem:
            return self._refusal(problem)
        except Refusal as refusal:
            status = _STATUS.get(refusal.status, 400)
            headers = {"www-authenticate": 'Bearer realm="fakeviam"'} if status == 401 else {}
            return self._refusal(Problem(status, refusal.text, headers=headers))

    def _cloud(self, request: Request) -> CloudState:
        """The cloud that the link is of, or that the caller's token is of (SS-1)."""
        chosen = dict(request.headers)
        if (session := request.query_params.get("session")) is not None:
            chosen["fakeviam-session"] = session
        cloud, refusal = self._fake.clouds.cloud_of(chosen)
        if refusal is not None:
            raise Problem(410, refusal.text)
        return self._fake.clouds.cloud_of_key(request.headers.get("key_id", ""), cloud)


def _check_method(method: str) -> None:
    if method not in ("GET", "HEAD"):
        raise Problem(405, f"a file does not take {method}", headers={"allow": "GET, HEAD"})


def _record(cloud: CloudState, request: Request) -> BinaryRecord:
    """The record that a request may have.

    Raises:
        Problem: There is none, or the link does not lead to it any more.
        Refusal: The caller may not have it.
    """
    name, query = request.path_params["file"], request.query_params
    call = Call.detached(cloud, next(each for each in wire.methods() if each.name == _RPC))
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
    if signed:  # it was there when the link was made
        raise Problem(410, f"the file {name!r} was deleted [DL-3]")
    raise Problem(
        404, f"there is no file {name!r} [DL-3]", hint="a file is organization/location/file id"
    )


def _check_signature(cloud: CloudState, name: str, query: Mapping[str, str]) -> None:
    expires = query.get("expires", "")
    if not is_signed(cloud.ids, name, expires, query["signature"]):
        raise Problem(
            403,
            "the signature of this link is not of this server [DL-3]",
            hint="take the link as CreateBinaryDataSignedURL gave it",
        )
    if cloud.clock.now() >= int(expires):
        raise Problem(
            410,
            "this link has expired [DL-3]",
            hint="ask CreateBinaryDataSignedURL for another one, or move the fake's clock back",
        )


def _file(cloud: CloudState, record: BinaryRecord, request: Request) -> Response:
    """The file, a range of it, or that the caller has it already (DL-2)."""
    asked: Mapping[str, str] = request.headers
    stored = record.time_synced // SECOND
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": _disposition(record),
        # A file is data: what it may contain must not run with the rights of this address.
        "content-security-policy": "sandbox",
        "content-type": record.mime_type if _TYPE.fullmatch(record.mime_type) else _BYTES,
        "etag": f'"{record.file_id}"',
        "last-modified": formatdate(max(stored, 0), usegmt=True),
        "x-content-type-options": "nosniff",
    }
    if _is_known(asked, headers, stored):
        return Response(status_code=304, headers=headers)
    start, end, status = 0, record.size, 200
    is_part = request.method == "GET" and "range" in asked
    if is_part and _still_holds(asked.get("if-range"), headers):
        found = wanted_range(asked["range"], record.size)
        if found is not None:
            (start, end), status = found, 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{record.size}"
    headers["content-length"] = str(end - start)
    try:
        content = memoryview(cloud.store.read(record.file_id))[start:end]
    except KeyError:  # another server on the same database has just deleted it (MG-1)
        raise Problem(404, f"there is no file {record.binary_data_id!r} [DL-3]") from None
    return StreamingResponse(_pieces(content), status_code=status, headers=headers)


async def _pieces(content: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield bytes(content[start : start + _PIECE])


def _is_known(asked: Mapping[str, str], headers: Mapping[str, str], stored: int) -> bool:
    """Whether the caller has the file already (RFC 9110, 13.1)."""
    tags = asked.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or headers["etag"] in known
    since = _seconds(asked.get("if-modified-since"))
    return since is not None and stored <= since


def _still_holds(condition: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a range is still one of the file that the caller has begun with (If-Range)."""
    return condition is None or condition in (headers["etag"], headers["last-modified"])


def _seconds(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except ValueError:  # then it says nothing
        return None


def _disposition(record: BinaryRecord) -> str:
    """The file's name, in ASCII for old clients and as it is for all others (RFC 6266)."""
    name = record.file_name.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable()) or record.file_id
    if record.file_ext and not name.lower().endswith(record.file_ext.lower()):
        name += record.file_ext
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    quoted = plain.replace("%", "_").replace('"', "_")
    return f"inline; filename=\"{quoted}\"; filename*=UTF-8''{quote(name, safe='')}"
