"""Uploads of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.wire import datasync as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._progress import Meter
from fakeviam_client._service import Service
from fakeviam_client._uploading import id_of, pieces_of, pieces_read, upload_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fakeviam_client._progress import Progress


class UploadMethods(Service):
    """Uploading files, from memory and from disk."""

    async def file_upload(
        self,
        part_id: str,
        data: bytes,
        component_type: str | None = None,
        component_name: str | None = None,
        method_name: str | None = None,
        file_name: str | None = None,
        method_parameters: Mapping[str, Any] | None = None,
        file_extension: str | None = None,
        tags: Sequence[str] | None = None,
        *,
        dataset_ids: Sequence[str] | None = None,
        mime_type: str | None = None,
    ) -> str:
        """Upload any bytes as a file, in messages of 64 KiB (FU-1, FU-3).

        Args:
            part_id: The part it belongs to (UP-1).
            data: The bytes.
            component_type: Type of the component it belongs to.
            component_name: Its name.
            method_name: Name of the method.
            file_name: Name of the file; empty if there is none (UP-6).
            method_parameters: Kept with the data; no longer in active use (UP-8).
            file_extension: Sent as it is; decides the MIME type (UP-4).
            tags: Tags to put on it (UP-7).
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).

        Returns:
            The id of the new file (CU-4), its `binary_data_id`: `organization/location/file_id`.
            Every call that takes ids takes it. Servers that do not answer it gave the bare
            `file_id` that is at its end.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A value of `method_parameters` cannot travel unchanged.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        metadata = upload_metadata(
            wire.DATA_TYPE_FILE,
            part_id=part_id,
            component_type=component_type,
            component_name=component_name,
            method_name=method_name,
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
            file_name=arguments.optional_text("file_name", file_name),
            file_extension=arguments.optional_text("file_extension", file_extension),
        )
        return await self._upload_file(metadata, pieces_of(arguments.payload("data", data)))

    async def file_upload_from_path(
        self,
        filepath: str,
        part_id: str,
        component_type: str | None = None,
        component_name: str | None = None,
        method_name: str | None = None,
        method_parameters: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        *,
        file_name: str | None = None,
        dataset_ids: Sequence[str] | None = None,
        mime_type: str | None = None,
        progress: Progress | None = None,
    ) -> str:
        """Upload a file of any size from disk, holding no more than a few pieces in memory.

        Name and extension come from the path: `scans/a.tar.gz` is `a.tar` and `.gz`. Stops reading
        as soon as the server refuses (FU-1, FU-3).

        Args:
            filepath: Where the file is.
            part_id: The part it belongs to (UP-1).
            component_type: Type of the component it belongs to.
            component_name: Its name.
            method_name: Name of the method.
            method_parameters: Kept with the data; no longer in active use (UP-8).
            tags: Tags to put on it (UP-7).
            file_name: Name of the file instead of that from the path (UP-6).
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).
            progress: Called after each piece with the bytes sent and all bytes there are.

        Returns:
            The id of the new file (CU-4), its `binary_data_id`: `organization/location/file_id`.
            Every call that takes ids takes it. Servers that do not answer it gave the bare
            `file_id` that is at its end.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A value of `method_parameters` cannot travel unchanged.
            FileNotFoundError: There is no such file; another OSError if it cannot be read.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        text = os.fspath(filepath) if isinstance(filepath, os.PathLike) else filepath
        path = Path(arguments.text("filepath", text))
        metadata = upload_metadata(
            wire.DATA_TYPE_FILE,
            part_id=part_id,
            component_type=component_type,
            component_name=component_name,
            method_name=method_name,
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
            file_name=path.stem if file_name is None else arguments.text("file_name", file_name),
            file_extension=path.suffix,
        )
        meter = Meter(progress)
        # Local reads of 64 KiB are shorter than a turn of the event loop.
        with path.open("rb") as file:  # noqa: ASYNC230
            binary_data_id = await self._upload_file(metadata, pieces_read(file, meter))
        meter.finish()
        return binary_data_id

    async def _upload_file(self, metadata: wire.UploadMetadata, pieces: Iterator[bytes]) -> str:
        def messages() -> Iterator[wire.FileUploadRequest]:
            yield wire.FileUploadRequest(metadata=metadata)
            for piece in pieces:
                yield wire.FileUploadRequest(file_contents=wire.FileData(data=piece))

        return id_of(await self._stream(wire.FileUploadResponse, messages()))
