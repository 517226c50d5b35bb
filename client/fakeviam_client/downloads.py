"""Files by HTTP: to disk, and where they are too large for a reply."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.target import default_ca_file
from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._destination import check_file
from fakeviam_client._downloading import (
    FileLink,
    PartInMemory,
    PartOnDisk,
    Transfer,
    finish,
    forget,
    part_of,
)
from fakeviam_client._http import DownloadError
from fakeviam_client._progress import Meter
from fakeviam_client._records import BinaryData, files_of
from fakeviam_client._service import LOGGER, Service, rpc_of

if TYPE_CHECKING:
    import os

    from google.protobuf.message import Message

    from fakeviam_client._progress import Progress

F = TypeVar("F", wire.BinaryDataByFilterResponse, wire.BinaryDataByIDsResponse)

#: How servers say that they sign no links, or not these.
_NO_LINKS = (Status.UNIMPLEMENTED, Status.FAILED_PRECONDITION, Status.PERMISSION_DENIED)

#: What the service says of bytes that are too many for a reply.
_TOO_LARGE = "INCLUDE_BINARY_TOO_LARGE"


class DownloadMethods(Service):
    """Downloading files by their links."""

    #: Certificates to trust instead of the system's; `connect` sets it.
    _ca_file: str | None = None

    async def download(
        self,
        binary_id: Message | str,
        dest: str | os.PathLike[str],
        *,
        resume: bool = True,
        progress: Progress | None = None,
    ) -> BinaryData:
        """Download one file to disk, of any size, with no more than a piece of it in memory.

        What comes stands in a hidden file next to `dest`, `.….part`, until all of it is there; then
        that takes the place of `dest`. Where the connection breaks, it goes on (DL-2), and if it
        cannot, the same call does so later, unless the file has changed meanwhile. A link that has
        expired on the way is replaced. Nothing is left of a file that is gone, or that is refused.

        Args:
            binary_id: A `BinaryID` or string id.
            dest: The file to write; an existing one is replaced.
            resume: Go on with what an earlier call has left, and leave what has come.
            progress: Called with the bytes that are there, and how many there will be.

        Returns:
            What is known about the file; its `data` is empty.

        Raises:
            TypeError: An argument has the wrong type.
            FileExistsError: `dest` is a directory, or another thing that is no file.
            FileNotFoundError: The directory that `dest` is to be in does not exist.
            ConnectionError: The connection breaks again and again.
            DownloadError: There is no such file, its link is refused, what came is not what the
                metadata says, or another download is writing the same.
            GRPCError: What the server refuses, unchanged.
        """
        path = check_file(dest)
        one, going_on = arguments.binary_id(binary_id), arguments.flag("resume", resume)
        meter = Meter(progress)
        record = await self._metadata_of(one)
        metadata = record.metadata
        meter.total = metadata.file_size_bytes or None
        part: PartOnDisk | None = None
        try:
            with part_of(path, metadata.binary_data_id, resume=going_on) as part:
                await self._fill(part, metadata, meter)
        except BaseException as error:
            if part is not None and not (going_on and part.size and _may_go_on(error)):
                forget(part.path)
            raise
        finish(part.path, path)
        meter.finish()
        return record

    async def _metadata_of(self, one: arguments.OneId) -> BinaryData:
        request = wire.BinaryDataByIDsRequest(
            binary_ids=[one["binary_id"]] if one["binary_id"] is not None else [],
            binary_data_ids=[one["binary_data_id"]] if one["binary_id"] is None else [],
        )
        reply = await self._call(wire.BinaryDataByIDsResponse, request)
        records, _ = files_of(reply)
        if not records:
            named = one["binary_data_id"] or one["binary_id"]
            raise DownloadError(f"no file has the id {str(named).strip()!r}", 404)
        return records[0]

    async def _fill(self, part: Any, metadata: wire.BinaryMetadata, meter: Meter) -> None:
        """Bring what is missing of a file: by HTTP, or in a reply where nobody serves that."""
        link = await self._link(metadata)
        if link is None:
            part.clear()
            part.add(await self._bytes_in_reply(metadata))
            return
        transfer = Transfer(
            part,
            link,
            partial(self._link, metadata),
            size=metadata.file_size_bytes,
            meter=meter,
            ca_file=default_ca_file() if self._ca_file is None else self._ca_file,
        )
        await transfer.run()

    async def _link(self, metadata: wire.BinaryMetadata) -> FileLink | None:
        """Where a file is: signed, so that no token leaves for another server; None if nowhere."""
        request = wire.CreateBinaryDataSignedURLRequest(binary_data_id=metadata.binary_data_id)
        try:
            reply = await self._call(wire.CreateBinaryDataSignedURLResponse, request)
        except GRPCError as error:
            if error.status not in _NO_LINKS:
                raise
        else:
            return FileLink(url=reply.signed_url)
        if not metadata.uri:
            return None
        shown = {n: v for n, v in self._metadata.items() if n.lower() == "authorization"}
        return FileLink(url=metadata.uri, headers=shown)

    async def _bytes_in_reply(self, metadata: wire.BinaryMetadata) -> bytes:
        request = wire.BinaryDataByIDsRequest(
            binary_data_ids=[metadata.binary_data_id], include_binary=True
        )
        reply = await self._call(wire.BinaryDataByIDsResponse, request)
        if not reply.data:
            raise DownloadError("the file was deleted meanwhile", 404)
        return reply.data[0].binary

    async def _call_for_bytes(
        self,
        kind: type[F],
        request: wire.BinaryDataByFilterRequest | wire.BinaryDataByIDsRequest,
    ) -> F:
        """Call for files with their bytes; those that are too large for a reply come by HTTP."""
        try:
            return await self._call(kind, request)
        except GRPCError as error:
            if not (request.include_binary and _is_too_large(error)):
                raise
            refusal = error
        without = deepcopy(request)
        without.include_binary = False
        try:
            reply = await self._call(kind, without)
        except GRPCError:
            raise refusal from None
        LOGGER.debug("%s: %s; the bytes come by HTTP", rpc_of(kind), refusal.message)
        for entry in reply.data:
            part = PartInMemory()
            await self._fill(part, entry.metadata, Meter(None))
            entry.binary = bytes(part.contents)
        return reply


def _may_go_on(error: BaseException) -> bool:
    """Whether a later call may find the same file."""
    if isinstance(error, GRPCError):
        return error.status is not Status.NOT_FOUND
    return not isinstance(error, DownloadError)


def _is_too_large(error: GRPCError) -> bool:
    return error.status is Status.RESOURCE_EXHAUSTED or _TOO_LARGE in (error.message or "")
