"""Extracts archives that were dropped on the page, within limits."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from lzma import LZMAError
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from fakeviam.seeds import SourceLocation
from fakeviam.web.page.forms import LARGEST, SentFile

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZIP, _TAR = (".zip",), (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

#: The maximum number of files in an archive; their size is limited like that of a form.
_MOST: Final = 20_000

#: Files that operating systems add to archives.
_LITTER: Final = ("__MACOSX", ".DS_Store", "Thumbs.db")

#: Errors of the libraries for archives that are damaged or of an unsupported kind.
_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # encrypted, or an unknown compression
)


def is_archive(name: str) -> bool:
    """Whether a file is extracted, by its name."""
    return name.lower().endswith((*_ZIP, *_TAR))


def steps_of(name: str, at: SourceLocation) -> tuple[str, ...]:
    """The components of a relative path that does not leave its root.

    Raises:
        SeedError: It does.
    """
    steps = PurePosixPath(name).parts
    if not steps or steps[0] == "/" or ".." in steps or "\0" in name:
        raise at.error(f"{name!r} leads out of what was dropped")
    return steps


def contents_of(name: str, content: bytes) -> Iterator[SentFile]:
    """The files of an archive, without links and files that systems add.

    Raises:
        SeedError: It cannot be read, or is too large.
    """
    at, left = SourceLocation(file=name), LARGEST
    members = _zipped(content) if name.lower().endswith(_ZIP) else _tarred(content)
    try:
        for number, (path, stream) in enumerate(members):
            inside = stream.read(left + 1)
            left -= len(inside)
            if left < 0 or number >= _MOST:
                raise at.error(f"holds more than {_MOST} files or {LARGEST >> 20} MiB")
            if not {*_LITTER} & {*PurePosixPath(path).parts}:
                yield SentFile(path, inside)
    except _BROKEN as error:
        raise at.error(f"cannot be unpacked: {error}") from None


def _zipped(content: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as stream:
                    yield member.filename, stream


def _tarred(content: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if member.isfile() and (stream := archive.extractfile(member)):
                yield member.name, stream
            elif not member.isdir():
                raise ValueError(f"{member.name} is a link or a device")
