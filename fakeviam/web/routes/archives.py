"""Archives: the complete state of a cloud, as a tar of a folder that diffs well.

They are streamed rather than named by a path: callers may be on another machine, and must not have
access to the server's files.
"""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from fakeviam import archive
from fakeviam.archive.files import NO_ROOM
from fakeviam.model.unpacking import UnpackedTooLargeError, unpacked
from fakeviam.server.lifecycle.snapshots import apply_contents, contents_of
from fakeviam.validation.models import Model, field
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import HttpProblem
from fakeviam.web.routes.keys import shown_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.archive import Contents
    from fakeviam.web.endpoint import ControlRequest

TAR_TYPE = "application/x-tar"

#: The folder in the tar.
_NAME = "fakeviam-archive"

_PIECE = 1024 * 1024

#: The magic numbers of compressed tars, and their readers.
_COMPRESSED: MappingProxyType[bytes, Any] = MappingProxyType(
    {b"\x1f\x8b\x08": gzip.open, b"BZh": bz2.open, b"\xfd7z": lzma.open}
)

# The last three are for names that the file system refuses, and for excessive sizes.
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)
_NO_TAR = (*_DAMAGED, OSError, ValueError, OverflowError)


class Imported(Model):
    """What an archive held."""

    binary_records: int = field("Files.", 3)
    readings: int = field("Readings.", 100)
    datasets: int = field("Datasets.", 1)


async def _export(request: ControlRequest) -> StreamingResponse:
    """Take the state atomically, and write it in a thread."""
    if shown_key(request, "key") is None:
        raise HttpProblem(
            403,
            "an archive holds API keys, which auth=keys shows only with the control token [HT-6]",
            hint="start the server with --control-token, FakeViam(control_token=...)",
        )
    contents = contents_of(request.cloud)
    packed = await asyncio.to_thread(_pack, contents)
    headers = {"content-disposition": f'attachment; filename="{_NAME}.tar"'}
    return StreamingResponse(_pieces(packed), media_type=TAR_TYPE, headers=headers)


async def _import(request: ControlRequest) -> dict[str, object]:
    """Read everything in a thread, and apply it atomically."""
    with tempfile.TemporaryDirectory(prefix="fakeviam-") as place:
        packed = Path(place) / "tar"
        with packed.open("wb") as file:
            async for piece in request.stream:
                file.write(piece)
        contents = await asyncio.to_thread(_unpack, packed, Path(place) / "unpacked")
    apply_contents(request.cloud, contents)
    stats = request.cloud.store.stats()
    return {
        "binary_records": stats.binary.records,
        "readings": stats.tabular.records,
        "datasets": stats.datasets,
    }


def _pack(contents: Contents) -> IO[bytes]:
    with tempfile.TemporaryDirectory(prefix="fakeviam-") as place:
        folder = Path(place) / _NAME
        archive.write(folder, contents)
        packed = tempfile.TemporaryFile()  # noqa: SIM115 - closed after sending
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.add(folder, arcname=_NAME)
    packed.seek(0)
    return packed


def _pieces(packed: IO[bytes]) -> Iterator[bytes]:
    with packed:
        yield from iter(lambda: packed.read(_PIECE), b"")


def _unpack(packed: Path, place: Path) -> Contents:
    """The contents of an archive in a tar, at the top level or in a folder.

    Raises:
        Problem: 400 or 422, it is none; 413, too much would become of it.
    """
    try:
        with tarfile.open(_plain(packed), mode="r:") as tar:
            for member in tar:
                _extract(tar, member, place)
    except UnpackedTooLargeError as error:
        raise HttpProblem(413, f"the tar is too large: {error}") from error
    except _NO_TAR as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        raise HttpProblem(400, f"the body is not a tar: {error}") from error
    folders = [place, *sorted(each for each in place.glob("*") if each.is_dir())]
    for folder in folders:
        if archive.is_archive(folder):
            return archive.read(folder)
    raise HttpProblem(422, "there is no fakeviam archive in the tar")


def _plain(packed: Path) -> Path:
    """Decompress the tar to disk, within limits: a small header could expand to fill the memory.

    Raises:
        UnpackedTooLargeError: It becomes too large.
    """
    with packed.open("rb") as file:
        unpack = _COMPRESSED.get(file.read(3))
    if unpack is None:
        return packed
    plain = packed.with_name("plain")
    with unpack(packed) as source, plain.open("wb") as target:
        target.writelines(unpacked(source, packed=packed.stat().st_size))
    return plain


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    """Extract one member into a folder, and nothing outside it."""
    path = Path(member.name)
    try:
        _write(tar, member, place, path)
    except OSError as error:
        if error.errno is None or error.errno in NO_ROOM:
            raise
        what = f"the tar has a member that cannot be a file, {error.strerror}: {member.name!r}"
        raise HttpProblem(422, what) from error


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path, path: Path) -> None:
    if path.is_absolute() or ".." in path.parts:
        raise HttpProblem(422, f"the tar has a member outside the archive: {member.name!r}")
    if member.isdir():
        (place / path).mkdir(parents=True, exist_ok=True)
        return
    # A sparse file can claim any size.
    is_file = member.isreg() and not member.issparse()
    member_file = tar.extractfile(member) if is_file else None
    if member_file is None:
        raise HttpProblem(422, f"the tar has a member that is not a regular file: {member.name!r}")
    (place / path).parent.mkdir(parents=True, exist_ok=True)
    with member_file, (place / path).open("wb") as file:
        shutil.copyfileobj(member_file, file)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/archive",
        title="Export the complete state of the cloud, as a tar",
        tag="data",
        handler=_export,
        response=None,
        response_type=TAR_TYPE,
    ),
    Endpoint(
        method="POST",
        path="/archive",
        title="Replace the complete state with an archive",
        tag="data",
        handler=_import,
        streams=(TAR_TYPE,),
        response=Imported,
    ),
)
