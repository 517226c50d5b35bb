"""Uploads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fakeviam.wire import datasync as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from fakeviam.wire.well_known import Timestamp

    Progress = Callable[[int, int | None], None]
    Times = tuple[datetime, datetime]

#: How much of a file one message holds: what robots send.
CHUNK = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class _Described:
    """What every upload may say about its data, as it was passed in."""

    part_id: object
    component_type: object
    component_name: object
    method_name: object
    method_parameters: object
    tags: object
    dataset_ids: object
    mime_type: object

    def metadata(
        self, kind: wire.DataTypeValue, *, file_name: str = "", file_extension: str = ""
    ) -> wire.UploadMetadata:
        """Check it and make upload metadata of it."""
        metadata = wire.UploadMetadata(
            part_id=arguments.text("part_id", self.part_id),
            type=kind,
            component_type=arguments.optional_text("component_type", self.component_type),
            component_name=arguments.optional_text("component_name", self.component_name),
            method_name=arguments.optional_text("method_name", self.method_name),
            file_name=file_name,
            file_extension=file_extension,
            tags=arguments.texts("tags", self.tags),
            dataset_ids=arguments.texts("dataset_ids", self.dataset_ids),
            mime_type=arguments.optional_text("mime_type", self.mime_type),
        )
        packed = arguments.parameters("method_parameters", self.method_parameters)
        for key, value in packed.items():
            metadata.method_parameters[key].CopyFrom(value)
        return metadata


class UploadMethods(Service):
    """The ways of uploading."""

    async def binary_data_capture_upload(
        self,
        binary_data: bytes,
        part_id: str,
        component_type: str,
        component_name: str,
        method_name: str,
        file_extension: str,
        method_parameters: Mapping[str, Any] | None = None,
        tags: list[str] | None = None,
        data_request_times: Times | None = None,
        *,
        dataset_ids: list[str] | None = None,
        mime_type: str | None = None,
    ) -> str:
        """Upload one binary reading of a sensor, such as an image, in one message (CU-1).

        Args:
            binary_data: The bytes.
            part_id: The part that captured it (UP-1).
            component_type: Type of the component, for example `rdk:component:camera`.
            component_name: Its name.
            method_name: The method that captured it.
            file_extension: With or without its dot; decides the MIME type (UP-4).
            method_parameters: Kept with the data; no longer in active use (UP-8).
            tags: Tags to put on it (UP-7).
            data_request_times: When it was requested and received; naive is UTC.
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).

        Returns:
            The file id.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        described = _Described(
            part_id=part_id,
            component_type=arguments.text("component_type", component_type),
            component_name=arguments.text("component_name", component_name),
            method_name=arguments.text("method_name", method_name),
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
        )
        content = wire.SensorData(binary=bytes(arguments.payload("binary_data", binary_data)))
        _set_times(content.metadata, arguments.times("data_request_times", data_request_times))
        request = wire.DataCaptureUploadRequest(
            metadata=described.metadata(
                wire.DATA_TYPE_BINARY_SENSOR,
                file_extension=_dotted("file_extension", file_extension),
            ),
            sensor_contents=[content],
        )
        file_id: str = (await self._call("DataCaptureUpload", request)).file_id
        return file_id

    async def tabular_data_capture_upload(
        self,
        tabular_data: list[Mapping[str, Any]],
        part_id: str,
        component_type: str,
        component_name: str,
        method_name: str,
        method_parameters: Mapping[str, Any] | None = None,
        tags: list[str] | None = None,
        data_request_times: list[Times] | None = None,
    ) -> str:
        """Upload readings that share their metadata (CU-2).

        Args:
            tabular_data: The readings: mappings of JSON-like values. Numbers travel as doubles.
            part_id: The part that captured them (UP-1).
            component_type: Type of the component, for example `rdk:component:sensor`.
            component_name: Its name.
            method_name: The method that captured them.
            method_parameters: Kept with the data; no longer in active use (UP-8).
            tags: Tags to put on each of them (UP-7).
            data_request_times: For each reading when it was requested and received; naive is UTC.

        Returns:
            The file id of the upload.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: Times and readings differ in number, or a reading holds something that
                would not come back equal (an int beyond 2**53, NaN, a datetime, bytes, a key that
                is no string); the text names the path.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        described = _Described(
            part_id=part_id,
            component_type=arguments.text("component_type", component_type),
            component_name=arguments.text("component_name", component_name),
            method_name=arguments.text("method_name", method_name),
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=None,
            mime_type=None,
        )
        request = wire.DataCaptureUploadRequest(
            metadata=described.metadata(wire.DATA_TYPE_TABULAR_SENSOR),
            sensor_contents=_readings(tabular_data, data_request_times),
        )
        file_id: str = (await self._call("DataCaptureUpload", request)).file_id
        return file_id

    async def streaming_data_capture_upload(
        self,
        data: bytes,
        part_id: str,
        file_ext: str,
        component_type: str | None = None,
        component_name: str | None = None,
        method_name: str | None = None,
        method_parameters: Mapping[str, Any] | None = None,
        data_request_times: Times | None = None,
        tags: list[str] | None = None,
        *,
        dataset_ids: list[str] | None = None,
        mime_type: str | None = None,
    ) -> str:
        """Upload binary data of any size in messages of 64 KiB (SU-1).

        Args:
            data: The bytes.
            part_id: The part that captured it (UP-1).
            file_ext: Extension, with or without its dot; decides the MIME type (UP-4).
            component_type: Type of the component.
            component_name: Its name.
            method_name: The method that captured it.
            method_parameters: Kept with the data; no longer in active use (UP-8).
            data_request_times: When it was requested and received; naive is UTC.
            tags: Tags to put on it (UP-7).
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).

        Returns:
            The file id.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        described = _Described(
            part_id=part_id,
            component_type=component_type,
            component_name=component_name,
            method_name=method_name,
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
        )
        opening = wire.DataCaptureUploadMetadata(
            upload_metadata=described.metadata(
                wire.DATA_TYPE_BINARY_SENSOR, file_extension=_dotted("file_ext", file_ext)
            ),
            sensor_metadata=wire.SensorMetadata(),
        )
        pair = arguments.times("data_request_times", data_request_times)
        _set_times(opening.sensor_metadata, pair)
        contents = arguments.payload("data", data)

        def messages() -> Iterator[wire.StreamingDataCaptureUploadRequest]:
            yield wire.StreamingDataCaptureUploadRequest(metadata=opening)
            for chunk in _chunks(contents):
                yield wire.StreamingDataCaptureUploadRequest(data=chunk)

        file_id: str = (await self._stream("StreamingDataCaptureUpload", messages())).file_id
        return file_id

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
        tags: list[str] | None = None,
        *,
        dataset_ids: list[str] | None = None,
        mime_type: str | None = None,
    ) -> str:
        """Upload any bytes as a file (FU-1).

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
            The file id.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        described = _Described(
            part_id=part_id,
            component_type=component_type,
            component_name=component_name,
            method_name=method_name,
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
        )
        metadata = described.metadata(
            wire.DATA_TYPE_FILE,
            file_name=arguments.optional_text("file_name", file_name),
            file_extension=arguments.optional_text("file_extension", file_extension),
        )
        return await self._upload_file(metadata, _chunks(arguments.payload("data", data)))

    async def file_upload_from_path(
        self,
        filepath: str,
        part_id: str,
        component_type: str | None = None,
        component_name: str | None = None,
        method_name: str | None = None,
        method_parameters: Mapping[str, Any] | None = None,
        tags: list[str] | None = None,
        *,
        dataset_ids: list[str] | None = None,
        mime_type: str | None = None,
        progress: Progress | None = None,
    ) -> str:
        """Upload a file of any size from disk, holding no more than a few pieces in memory.

        Name and extension come from the path: `scans/a.tar.gz` is `a.tar` and `.gz`.

        Args:
            filepath: Where the file is.
            part_id: The part it belongs to (UP-1).
            component_type: Type of the component it belongs to.
            component_name: Its name.
            method_name: Name of the method.
            method_parameters: Kept with the data; no longer in active use (UP-8).
            tags: Tags to put on it (UP-7).
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).
            progress: Called after each piece with the bytes sent and all bytes there are.

        Returns:
            The file id.

        Raises:
            TypeError: An argument has the wrong type.
            FileNotFoundError: There is no such file.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        given = os.fspath(filepath) if isinstance(filepath, os.PathLike) else filepath
        path = Path(arguments.text("filepath", given))
        described = _Described(
            part_id=part_id,
            component_type=component_type,
            component_name=component_name,
            method_name=method_name,
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
        )
        metadata = described.metadata(
            wire.DATA_TYPE_FILE, file_name=path.stem, file_extension=path.suffix
        )
        # Local reads of 64 KiB are shorter than a turn of the event loop.
        with path.open("rb") as file:  # noqa: ASYNC230
            return await self._upload_file(metadata, _pieces(file, progress))

    async def _upload_file(self, metadata: wire.UploadMetadata, chunks: Iterator[bytes]) -> str:
        def messages() -> Iterator[wire.FileUploadRequest]:
            yield wire.FileUploadRequest(metadata=metadata)
            for chunk in chunks:
                yield wire.FileUploadRequest(file_contents=wire.FileData(data=chunk))

        file_id: str = (await self._stream("FileUpload", messages())).file_id
        return file_id


def _readings(tabular_data: object, data_request_times: object) -> list[wire.SensorData]:
    if not isinstance(tabular_data, list | tuple):
        raise arguments.wrong("tabular_data", "a list of mappings", tabular_data)
    pairs: list[tuple[Timestamp, Timestamp] | None] = [None] * len(tabular_data)
    if data_request_times is not None:
        if not isinstance(data_request_times, list | tuple):
            raise arguments.wrong("data_request_times", "a list of tuples", data_request_times)
        if len(data_request_times) != len(tabular_data):
            message = (
                f"data_request_times has {len(data_request_times)} entries for "
                f"{len(tabular_data)} readings; give one for each"
            )
            raise ValueError(message)
        pairs = [
            arguments.times(f"data_request_times[{at}]", pair)
            for at, pair in enumerate(data_request_times)
        ]
    contents = []
    for at, (row, pair) in enumerate(zip(tabular_data, pairs, strict=True)):
        content = wire.SensorData(struct=arguments.reading(f"tabular_data[{at}]", row))
        _set_times(content.metadata, pair)
        contents.append(content)
    return contents


def _set_times(sensor: wire.SensorMetadata, pair: tuple[Timestamp, Timestamp] | None) -> None:
    if pair is not None:
        sensor.time_requested.CopyFrom(pair[0])
        sensor.time_received.CopyFrom(pair[1])


def _dotted(name: str, extension: object) -> str:
    given = arguments.text(name, extension)
    return given if not given or given.startswith(".") else f".{given}"


def _chunks(contents: bytes | memoryview) -> Iterator[bytes]:
    """Pieces of contents; an empty piece for no contents, as the official SDK sends."""
    view = memoryview(contents)
    for start in range(0, max(len(view), 1), CHUNK):
        yield bytes(view[start : start + CHUNK])


def _pieces(file: BinaryIO, progress: Progress | None) -> Iterator[bytes]:
    """Pieces of a file, read when they are asked for."""
    size = os.fstat(file.fileno()).st_size
    done = 0
    while True:
        piece = file.read(CHUNK)
        if not piece and done:
            return
        yield piece
        done += len(piece)
        if progress is not None:
            progress(done, size)
        if not piece:
            return
