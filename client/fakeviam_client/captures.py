"""Uploads of what sensors captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import datasync as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service
from fakeviam_client._uploading import dotted, id_of, pieces_of, sensor_metadata, upload_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from fakeviam.wire.well_known import Timestamp

    Times = tuple[datetime, datetime]


class CaptureMethods(Service):
    """Uploading readings, and binary data of sensors."""

    async def binary_data_capture_upload(
        self,
        binary_data: bytes,
        part_id: str,
        component_type: str,
        component_name: str,
        method_name: str,
        file_extension: str,
        method_parameters: Mapping[str, object] | None = None,
        tags: Sequence[str] | None = None,
        data_request_times: Times | None = None,
        *,
        dataset_ids: Sequence[str] | None = None,
        mime_type: str | None = None,
    ) -> str:
        """Upload one binary reading of a sensor, such as an image, in one message (CU-1).

        Args:
            binary_data: The bytes.
            part_id: The part that captured it (UP-1).
            component_type: Type of the component, for example `rdk:component:camera`.
            component_name: Its name.
            method_name: The method that captured it.
            file_extension: With or without its dot; decides the MIME type (UP-3, UP-4).
            method_parameters: Kept with the data; no longer in active use (UP-8).
            tags: Tags to put on it (UP-7).
            data_request_times: When it was requested and received; naive is UTC.
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).

        Returns:
            The `binary_data_id` of the new file, as `file_upload` answers it (CU-4).

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A value of `method_parameters` cannot travel unchanged.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        metadata = upload_metadata(
            wire.DATA_TYPE_BINARY_SENSOR,
            part_id=part_id,
            component_type=arguments.text("component_type", component_type),
            component_name=arguments.text("component_name", component_name),
            method_name=arguments.text("method_name", method_name),
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
            file_extension=dotted(arguments.text("file_extension", file_extension)),
        )
        pair = arguments.optional_times("data_request_times", data_request_times)
        content = wire.SensorData(
            metadata=sensor_metadata(pair),
            binary=bytes(arguments.payload("binary_data", binary_data)),
        )
        return await self._upload_capture(metadata, [content])

    async def tabular_data_capture_upload(
        self,
        tabular_data: Sequence[Mapping[str, object]],
        part_id: str,
        component_type: str,
        component_name: str,
        method_name: str,
        method_parameters: Mapping[str, object] | None = None,
        tags: Sequence[str] | None = None,
        data_request_times: Sequence[Times] | None = None,
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
            The `file_id` of the upload, one for all its readings (CU-4).

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: Times and readings differ in number, or a reading holds something that
                would not come back equal (an int beyond 2**53, NaN, a datetime, bytes, a key that
                is no string); the message names the path.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        metadata = upload_metadata(
            wire.DATA_TYPE_TABULAR_SENSOR,
            part_id=part_id,
            component_type=arguments.text("component_type", component_type),
            component_name=arguments.text("component_name", component_name),
            method_name=arguments.text("method_name", method_name),
            method_parameters=method_parameters,
            tags=tags,
        )
        return await self._upload_capture(metadata, _readings(tabular_data, data_request_times))

    async def streaming_data_capture_upload(
        self,
        data: bytes,
        part_id: str,
        file_ext: str,
        component_type: str | None = None,
        component_name: str | None = None,
        method_name: str | None = None,
        method_parameters: Mapping[str, object] | None = None,
        data_request_times: Times | None = None,
        tags: Sequence[str] | None = None,
        *,
        dataset_ids: Sequence[str] | None = None,
        mime_type: str | None = None,
    ) -> str:
        """Upload binary data of any size in messages of 64 KiB (SU-1, FU-3).

        Args:
            data: The bytes.
            part_id: The part that captured it (UP-1).
            file_ext: Extension, with or without its dot; decides the MIME type (UP-3, UP-4).
            component_type: Type of the component.
            component_name: Its name.
            method_name: The method that captured it.
            method_parameters: Kept with the data; no longer in active use (UP-8).
            data_request_times: When it was requested and received; naive is UTC.
            tags: Tags to put on it (UP-7).
            dataset_ids: Datasets to put it in (UP-7).
            mime_type: Wins over the extension (UP-5).

        Returns:
            The `binary_data_id` of the new file, as `file_upload` answers it (CU-4). "The file_id
            of the uploaded data" in the documentation of 0.15.0 is at its end.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A value of `method_parameters` cannot travel unchanged.
            GRPCError: The part is unknown, and what else the server refuses.
        """
        metadata = upload_metadata(
            wire.DATA_TYPE_BINARY_SENSOR,
            part_id=part_id,
            component_type=component_type,
            component_name=component_name,
            method_name=method_name,
            method_parameters=method_parameters,
            tags=tags,
            dataset_ids=dataset_ids,
            mime_type=mime_type,
            file_extension=dotted(arguments.text("file_ext", file_ext)),
        )
        pair = arguments.optional_times("data_request_times", data_request_times)
        opening = wire.DataCaptureUploadMetadata(
            upload_metadata=metadata,
            # Empty where there are no times, as the official SDK sends it (SU-2).
            sensor_metadata=sensor_metadata(pair) or wire.SensorMetadata(),
        )
        contents = arguments.payload("data", data)

        def messages() -> Iterator[wire.StreamingDataCaptureUploadRequest]:
            yield wire.StreamingDataCaptureUploadRequest(metadata=opening)
            for piece in pieces_of(contents):
                yield wire.StreamingDataCaptureUploadRequest(data=piece)

        return id_of(await self._stream(wire.StreamingDataCaptureUploadResponse, messages()))

    async def _upload_capture(
        self, metadata: wire.UploadMetadata, contents: list[wire.SensorData]
    ) -> str:
        request = wire.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
        return id_of(await self._call(wire.DataCaptureUploadResponse, request))


def _readings(tabular_data: object, data_request_times: object) -> list[wire.SensorData]:
    if not isinstance(tabular_data, list | tuple):
        raise arguments.wrong("tabular_data", "a list of mappings", tabular_data)
    pairs = _times(data_request_times, len(tabular_data))
    return [
        wire.SensorData(
            metadata=sensor_metadata(pair), struct=arguments.reading(f"tabular_data[{at}]", row)
        )
        for at, (row, pair) in enumerate(zip(tabular_data, pairs, strict=True))
    ]


def _times(value: object, readings: int) -> list[tuple[Timestamp, Timestamp] | None]:
    if value is None:
        return [None] * readings
    if not isinstance(value, list | tuple):
        raise arguments.wrong("data_request_times", "a list of tuples", value)
    if len(value) != readings:
        message = (
            f"data_request_times has {len(value)} entries for {readings} readings; "
            "give one for each"
        )
        raise ValueError(message)
    return [arguments.times(f"data_request_times[{at}]", pair) for at, pair in enumerate(value)]
