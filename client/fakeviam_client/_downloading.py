"""Downloads a file over HTTP, resuming when the connection breaks.

The received part is kept in a file next to the destination until it is complete, together with the
ETag of the whole. A later download of the same file resumes it: with `If-Range`, the server sends
the whole file instead if it has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Protocol

from fakeviam_client._http import DownloadError, get

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from fakeviam_client._http import Response
    from fakeviam_client._progress import Meter

#: Consecutive attempts without any progress, and the seconds between them.
_ATTEMPTS = 5
_PAUSES = (0, 0.2, 0.5, 1, 2)

#: Statuses of expired or revoked links, which can be renewed. Google's storage returns 400.
_LINK_ENDED = frozenset({400, 401, 403, 410})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLink:
    """The URL of a file, and the headers to send."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class PartialFile(Protocol):
    """The received part of a file.

    Attributes:
        size: Its size in bytes.
        etag: The ETag of the whole; empty if unknown, in which case it cannot be resumed.
    """

    size: int
    etag: str

    def clear(self, etag: str = "") -> None:
        """Start again, with the file of this ETag."""

    def add(self, piece: bytes) -> None:
        """Append received bytes."""


class PartInMemory:
    """A part in memory."""

    def __init__(self) -> None:
        self.contents = bytearray()
        self.etag = ""

    @property
    def size(self) -> int:
        """The received bytes."""
        return len(self.contents)

    def clear(self, etag: str = "") -> None:
        """Start again."""
        self.contents.clear()
        self.etag = etag

    def add(self, piece: bytes) -> None:
        """Append received bytes."""
        self.contents += piece


class PartOnDisk:
    """A part on disk, which later downloads can resume."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Continue with the contents of the file."""
        self._file, self.path = file, path
        self._note = _note_of(path)
        self.etag = _read(self._note)
        self.size = file.seek(0, 2)

    def clear(self, etag: str = "") -> None:
        """Start again."""
        self._file.truncate(0)
        self.size, self.etag = 0, etag
        self._note.write_text(etag, encoding="utf-8")

    def add(self, piece: bytes) -> None:
        """Append received bytes."""
        self._file.write(piece)
        self.size += len(piece)


@contextmanager
def part_of(dest: Path, name: str, *, resume: bool) -> Iterator[PartOnDisk]:
    """The part of a file for `dest`, which is kept unless it is completed.

    Raises:
        DownloadError: Another download is writing it.
    """
    digest = hashlib.sha256(json.dumps([name, dest.name]).encode()).hexdigest()[:16]
    path = dest.with_name(f".{digest}.part")
    if not resume:
        forget(path)
    with path.open("ab") as file:
        _lock(file, path)
        yield PartOnDisk(file, path)


def forget(path: Path) -> None:
    """Remove a part and its ETag."""
    path.unlink(missing_ok=True)
    _note_of(path).unlink(missing_ok=True)


def finish(part: Path, dest: Path) -> None:
    """Replace `dest` by a complete part."""
    part.replace(dest)
    _note_of(part).unlink(missing_ok=True)


class Transfer:
    """Downloads the rest of a part."""

    def __init__(
        self,
        part: PartialFile,
        link: FileLink,
        renew: Callable[[], Awaitable[FileLink | None]],
        *,
        size: int,
        meter: Meter,
        ca_file: str,
    ) -> None:
        """Fill `part`.

        Args:
            part: The part so far.
            link: The URL of the file.
            renew: Returns another link after one has expired.
            size: Size of the file in bytes, from its metadata; 0 is unknown.
            meter: Counts received bytes.
            ca_file: Certificates to trust instead of the system's.
        """
        self._part, self._link, self._renew = part, link, renew
        self._size, self._meter, self._ca_file = size, meter, ca_file
        self._is_complete = False
        self._told = 0

    async def run(self) -> None:
        """Download the rest.

        Raises:
            ConnectionError: The connection breaks repeatedly, or the server does not respond.
            DownloadError: The server refuses, or sends something other than the file.
        """
        failures = refusals = 0
        while not self._is_complete:
            before = self._part.size
            try:
                ended = await self._attempt(self._link)
            except ConnectionError as error:
                failures = 0 if self._part.size > before else failures + 1
                if failures == _ATTEMPTS:
                    raise self._interrupted(error) from error
                await asyncio.sleep(_PAUSES[failures])
                continue
            refusals = refusals + 1 if ended and self._part.size == before else 0
            if ended:
                link = None if refusals > 1 else await self._renew()
                if link is None:  # or the renewed link was refused, too
                    raise ended
                self._link = link
        self._check()

    def _interrupted(self, error: ConnectionError) -> ConnectionError:
        of = f" of {self._size}" if self._size else ""
        return ConnectionError(
            f"the download was interrupted after {self._part.size}{of} bytes: {error}; the same "
            "call goes on from there"
        )

    async def _attempt(self, link: FileLink) -> DownloadError | None:
        """Append one response; returns the refusal if the link has expired."""
        part, headers = self._part, dict(link.headers)
        if part.size and not part.etag:
            part.clear()
        if part.size:
            headers |= {"range": f"bytes={part.size}-", "if-range": part.etag}
        async with get(link.url, headers, ca_file=self._ca_file) as response:
            if response.status in _PASSING:
                raise ConnectionError(f"the server said {_said(response)}")
            if response.status == 416 and part.size:
                self._take_unsatisfied(response)
            elif response.status == 206 and part.size and self._goes_on(response):
                await self._take(response)
            elif response.status == 206:
                part.clear()  # the wrong range; request the whole file next time
                raise ConnectionError("the server sent another range than was asked for")
            elif response.status == 200:
                part.clear(_strong(response.headers.get("etag", "")))
                await self._take(response)
            else:
                refusal = DownloadError(await _why(response), response.status)
                if response.status not in _LINK_ENDED:
                    raise refusal
                return refusal
        return None

    def _goes_on(self, response: Response) -> bool:
        """Whether the response continues the part."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        same = response.headers.get("etag", self._part.etag) == self._part.etag
        return found is not None and found[1] == str(self._part.size) and same

    def _take_unsatisfied(self, response: Response) -> None:
        """Handle status 416: the part is complete, or longer than the file."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if found is not None and int(found[3]) == self._part.size:
            self._is_complete = True
        else:
            self._part.clear()
            raise ConnectionError("the part on disk is longer than the file; it was dropped")

    async def _take(self, response: Response) -> None:
        async for piece in response.pieces():
            self._part.add(piece)
            self._meter.add(max(self._part.size - self._told, 0))
            self._told = max(self._told, self._part.size)
        self._is_complete = True

    def _check(self) -> None:
        if self._size and self._part.size != self._size:
            got = self._part.size
            self._part.clear()
            raise DownloadError(f"{got} bytes came, but the file's metadata says {self._size}")


def _strong(etag: str) -> str:
    """An ETag for range requests; with a weak one, the bytes may differ."""
    return "" if etag.startswith("W/") else etag


async def _why(response: Response) -> str:
    """The reason for a refusal: the message of a fake, or the status."""
    body = b""
    with suppress(OSError):
        async for piece in response.pieces():
            body += piece
            if len(body) > 4096:
                break
    with suppress(ValueError, LookupError, TypeError):
        return f"{json.loads(body)['error']['what']}"
    return f"the server said {_said(response)}"


def _said(response: Response) -> str:
    with suppress(ValueError):
        return f"{response.status} {HTTPStatus(response.status).phrase}"
    return str(response.status)


def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DownloadError(f"another download of the same file is writing {path}") from error
