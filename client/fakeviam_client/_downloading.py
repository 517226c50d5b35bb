"""A file by HTTP to disk: piece by piece, again and again where a link breaks.

What has come stands in a file next to the destination until all of it is there, and so does the
ETag of what it is a part of. A later download of the same file goes on from it: `If-Range` lets the
server send everything instead, if the file is another one by now.
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

#: Attempts in a row that bring no byte, and the seconds between them.
_ATTEMPTS = 5
_PAUSES = (0, 0.2, 0.5, 1, 2)

#: A link that has expired or was revoked; another one may do. Google's storage says 400.
_LINK_ENDED = frozenset({400, 401, 403, 410})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLink:
    """Where a file is, and what to show there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class PartialFile(Protocol):
    """The part of a file that has come.

    Attributes:
        size: Its bytes.
        etag: Of what it is a part; empty if nobody knows, and then nothing can be added.
    """

    size: int
    etag: str

    def clear(self, etag: str = "") -> None:
        """Begin again, with the file of this ETag."""

    def add(self, piece: bytes) -> None:
        """Append what has come."""


class PartInMemory:
    """A part for those who want the bytes."""

    def __init__(self) -> None:
        self.contents = bytearray()
        self.etag = ""

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.contents)

    def clear(self, etag: str = "") -> None:
        """Begin again."""
        self.contents.clear()
        self.etag = etag

    def add(self, piece: bytes) -> None:
        """Append what has come."""
        self.contents += piece


class PartOnDisk:
    """A part for which later downloads look."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Go on with what is in the file."""
        self._file, self.path = file, path
        self._note = _note_of(path)
        self.etag = _read(self._note)
        self.size = file.seek(0, 2)

    def clear(self, etag: str = "") -> None:
        """Begin again."""
        self._file.truncate(0)
        self.size, self.etag = 0, etag
        self._note.write_text(etag, encoding="utf-8")

    def add(self, piece: bytes) -> None:
        """Append what has come."""
        self._file.write(piece)
        self.size += len(piece)


@contextmanager
def part_of(dest: Path, name: str, *, resume: bool) -> Iterator[PartOnDisk]:
    """The part of the file of that name that was to go to `dest`; kept where it is not finished.

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
    """Remove a part and what is noted of it."""
    path.unlink(missing_ok=True)
    _note_of(path).unlink(missing_ok=True)


def finish(part: Path, dest: Path) -> None:
    """Put a part that is complete in the place of `dest`."""
    part.replace(dest)
    _note_of(part).unlink(missing_ok=True)


class Transfer:
    """Brings the rest of a part."""

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
            part: What is there already.
            link: Where the file is.
            renew: Gets another link where that has ended.
            size: Bytes of the file, as its metadata says; 0 is unknown.
            meter: Told of what comes.
            ca_file: Certificates to trust instead of the system's.
        """
        self._part, self._link, self._renew = part, link, renew
        self._size, self._meter, self._ca_file = size, meter, ca_file
        self._is_complete = False
        self._told = 0

    async def run(self) -> None:
        """Bring it.

        Raises:
            ConnectionError: The link breaks again and again, or nobody answers.
            DownloadError: The server refuses, or sends something else than the file.
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
                if link is None:  # or the new link was refused, too
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
        """Bring what one answer has; the refusal if the link has ended."""
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
                part.clear()  # a range that was not asked for; all of it next time
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
        """Whether the answer begins where the part ends."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        same = response.headers.get("etag", self._part.etag) == self._part.etag
        return found is not None and found[1] == str(self._part.size) and same

    def _take_unsatisfied(self, response: Response) -> None:
        """Nothing lies beyond the part: it is all, or too much."""
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
    """An ETag by which a range can be asked for; of a weak one the bytes may differ."""
    return "" if etag.startswith("W/") else etag


async def _why(response: Response) -> str:
    """What a refusal says: the sentence of a fake's, or the status."""
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
