"""Uploads: order, bytes, and what is said about them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    PART,
    BrokenError,
    Scenario,
    obligation,
    same,
)

FILE = "FileUpload"
STREAM = "StreamingDataCaptureUpload"
CAPTURE = "DataCaptureUpload"

#: Needs several messages of any usual size, and an odd rest; not all of it is UTF-8.
BIG = bytes(range(256)) * 800 + b"\r\n\x00"

SENSOR: dict[str, Any] = {
    "part_id": PART,
    "component_type": "rdk:component:Camera",
    "component_name": "Cam 1 ",
    "method_name": " ReadImage",
}
NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - the point of it
AWARE = NAIVE.replace(tzinfo=timezone(timedelta(hours=-1))) - timedelta(hours=1)
SECOND, MICROSECONDS = timedelta(seconds=1), timedelta(microseconds=123_456)
#: Times for what is not about them: some clients cannot do without.
TIMED: dict[str, Any] = {"data_request_times": [NAIVE, NAIVE]}


async def _file(scenario: Scenario, contents: bytes, **more: object) -> list[Any]:
    await scenario.do("file_upload", part_id=PART, data=contents, **more)
    return scenario.server.sent(FILE)


async def _streamed(scenario: Scenario, contents: bytes, **more: object) -> list[Any]:
    args: dict[str, object] = {"part_id": PART, "data": contents, "file_ext": ".png", **more}
    await scenario.do("streaming_data_capture_upload", **args)
    return scenario.server.sent(STREAM)


async def _captured(scenario: Scenario, contents: bytes = b"x", **more: object) -> Any:
    args = {**SENSOR, "binary_data": contents, "file_extension": ".png", **more}
    await scenario.do("binary_data_capture_upload", **args)
    return scenario.server.sent(CAPTURE)[-1]


async def _rows(scenario: Scenario, rows: list[dict[str, object]], **more: object) -> Any:
    await scenario.do("tabular_data_capture_upload", **SENSOR, tabular_data=rows, **more)
    return scenario.server.sent(CAPTURE)[-1]


# Streams ---------------------------------------------------------------------------------


@obligation("metadata-first", "FU-1", "SU-1", "A30", "CL-30")
async def metadata_first(scenario: Scenario) -> None:
    """A stream starts with its metadata, and has it once."""
    kinds = [one.WhichOneof("upload_packet") for one in await _file(scenario, BIG)]
    same(f"first messages of {FILE}", ["metadata", "file_contents"], kinds[:2])
    same(f"metadata in {FILE}", 1, kinds.count("metadata"))
    kinds = [one.WhichOneof("upload_packet") for one in await _streamed(scenario, BIG)]
    same(f"first messages of {STREAM}", ["metadata", "data"], kinds[:2])
    same(f"metadata in {STREAM}", 1, kinds.count("metadata"))


@obligation("bytes-intact-up", "FU-3", "SU-1", "CU-1", "CL-25")
async def bytes_intact_up(scenario: Scenario) -> str:
    """Contents arrive whole and in order, in however many messages."""
    pieces = [one.file_contents.data for one in await _file(scenario, BIG)]
    same(f"bytes of {FILE}", BIG, b"".join(pieces))
    same(f"bytes of {STREAM}", BIG, b"".join([p.data for p in await _streamed(scenario, BIG)]))
    captured = await _captured(scenario, BIG)
    same(f"bytes of {CAPTURE}", [BIG], [one.binary for one in captured.sensor_contents])
    return f"{FILE} in messages of at most {max(map(len, pieces))} bytes"


@obligation("empty-file", "FU-2")
async def empty_file(scenario: Scenario) -> str:
    """A file without bytes can be uploaded."""
    messages = await _file(scenario, b"")
    same("bytes", b"", b"".join(one.file_contents.data for one in messages))
    return f"{len(messages) - 1} messages of contents"


@obligation("file-from-path", "UP-6", "UP-3", "FU-3", "CL-32", "CL-40")
async def file_from_path(scenario: Scenario) -> None:
    """A file from disk arrives whole, named after its path."""
    path = scenario.folder / "scan.tar.gz"
    path.write_bytes(BIG)
    await scenario.do("file_upload_from_path", filepath=str(path), part_id=PART)
    messages = scenario.server.sent(FILE)
    metadata = messages[0].metadata
    same("name and extension", ("scan.tar", ".gz"), (metadata.file_name, metadata.file_extension))
    same("bytes", BIG, b"".join(one.file_contents.data for one in messages))


# What is said ----------------------------------------------------------------------------


@obligation("type-of-upload", "UP-2")
async def type_of_upload(scenario: Scenario) -> None:
    """Each way to upload says what it uploads."""
    types = [
        (await _captured(scenario, **TIMED)).metadata.type,
        (await _rows(scenario, [{"n": 1}], data_request_times=[[NAIVE, NAIVE]])).metadata.type,
        (await _file(scenario, b"x"))[0].metadata.type,
    ]
    binary, tabular = datasync.DATA_TYPE_BINARY_SENSOR, datasync.DATA_TYPE_TABULAR_SENSOR
    same("types", [binary, tabular, datasync.DATA_TYPE_FILE], types)
    streamed = (await _streamed(scenario, b"x"))[0].metadata.upload_metadata
    same("type of streams", binary, streamed.type)


@obligation("extension", "UP-3", "CL-41")
async def extension(scenario: Scenario) -> None:
    """Sensor uploads send an extension with its dot, however it was given; files as given."""
    captured = [
        (await _captured(scenario, file_extension=file_ext, **TIMED)).metadata.file_extension
        for file_ext in ("png", ".png")
    ]
    same("of captures", [".png", ".png"], captured)
    file = (await _file(scenario, b"x", file_extension="png"))[0].metadata
    same("of files", "png", file.file_extension)
    streamed = (await _streamed(scenario, b"x", file_ext="png"))[0].metadata.upload_metadata
    same("of streams", ".png", streamed.file_extension)


@obligation("mime-type-of-captures", "UP-5")
async def mime_type_of_captures(scenario: Scenario) -> None:
    """An explicit MIME type is sent by the sensor uploads."""
    captured = (await _captured(scenario, mime_type="image/webp")).metadata
    same(CAPTURE, "image/webp", captured.mime_type)
    streamed = (await _streamed(scenario, b"x", mime_type="image/webp"))[0].metadata
    same(STREAM, "image/webp", streamed.upload_metadata.mime_type)


@obligation("mime-type-of-files", "UP-5")
async def mime_type_of_files(scenario: Scenario) -> None:
    """An explicit MIME type is sent by `file_upload`."""
    messages = await _file(scenario, b"x", mime_type="image/webp")
    same("mime_type", "image/webp", messages[0].metadata.mime_type)


@obligation("tags-and-datasets", "UP-7", "CL-25")
async def tags_and_datasets(scenario: Scenario) -> None:
    """Tags and datasets of an upload are sent as given."""
    tags = ["dog", "Dog ", " black cat", "cafe\u0301"]
    more: dict[str, Any] = {"tags": tags, "dataset_ids": ["D1 ", "d2"]}

    def expect(metadata: datasync.UploadMetadata) -> None:
        same("tags", more["tags"], list(metadata.tags))
        same("dataset_ids", more["dataset_ids"], list(metadata.dataset_ids))

    expect((await _captured(scenario, **TIMED, **more)).metadata)
    expect((await _file(scenario, b"x", **more))[0].metadata)
    expect((await _streamed(scenario, b"x", **more))[0].metadata.upload_metadata)


@obligation("nothing-invented", "UP-6", "UP-7", "UP-8", "A28", "CL-26", "CL-31")
async def nothing_invented(scenario: Scenario) -> None:
    """What was not given is not sent: no name, tags, datasets, parameters or times."""
    file = (await _file(scenario, b"x"))[0].metadata
    same("of files", datasync.UploadMetadata(part_id=PART, type=datasync.DATA_TYPE_FILE), file)
    captured = await _captured(scenario)
    expected = datasync.UploadMetadata(
        **SENSOR, type=datasync.DATA_TYPE_BINARY_SENSOR, file_extension=".png"
    )
    same("of captures", expected, captured.metadata)
    content = captured.sensor_contents[0]
    same("times of captures", datasync.SensorMetadata(), content.metadata)


@obligation("parameters-absent", "EX-3")
async def parameters_absent(scenario: Scenario) -> None:
    """Queries without additional parameters send none, not even an empty one."""
    source = {
        "part_id": PART,
        "resource_name": "cam",
        "resource_api": "rdk:component:camera",
        "method_name": "ReadImage",
    }
    scenario.server.script("GetLatestTabularData", data.GetLatestTabularDataResponse())
    await scenario.do("get_latest_tabular_data", **source)
    latest = scenario.one("GetLatestTabularData")
    same("in the latest", False, latest.HasField("additional_parameters"))  # noqa: FBT003
    row = data.ExportTabularDataResponse(
        time_captured=timestamp_from(replies.BASE),
        payload=struct_from({}),
        method_parameters=struct_from({}),
    )
    scenario.server.script("ExportTabularData", row)
    await scenario.do("export_tabular_data", **source)
    export = scenario.one("ExportTabularData")
    same("in an export", False, export.HasField("additional_parameters"))  # noqa: FBT003


@obligation("readings-intact", "CU-2", "TD-3", "CL-28")
async def readings_intact(scenario: Scenario) -> None:
    """Each reading is a content of its own, with its values and times, in order."""
    rows: list[dict[str, object]] = [
        {"a": {"b": [1.5, None, True, "ü"]}},
        {"x.y": -1, "": "x", "$set": " Text "},
        {"null": None, "zero": 0, "no": False, "empty": "", "list": [], "map": {}},
        {},
    ]
    times = [[NAIVE + SECOND * at, NAIVE + SECOND * (at + 1)] for at in range(len(rows))]
    contents = (await _rows(scenario, rows, data_request_times=times)).sensor_contents
    same("readings", rows, [mapping_from(one.struct) for one in contents])
    moments = [timestamp_from(replies.BASE + at * 1_000_000_000) for at in range(len(rows) + 1)]
    same("requested", moments[:-1], [one.metadata.time_requested for one in contents])
    same("received", moments[1:], [one.metadata.time_received for one in contents])


@obligation("upload-times", "TM-1", "CU-1", "CL-27", "CL-39")
async def upload_times(scenario: Scenario) -> None:
    """Times of an upload travel as UTC: naive ones as they are, others converted."""
    for first in (NAIVE, AWARE):
        pair = [first + MICROSECONDS, first + SECOND]
        expected = datasync.SensorMetadata(
            time_requested=timestamp_from(replies.BASE + 123_456_000),
            time_received=timestamp_from(replies.BASE + 1_000_000_000),
        )
        captured = await _captured(scenario, data_request_times=pair)
        same(f"{CAPTURE} at {pair[0]}", expected, captured.sensor_contents[0].metadata)
        scenario.server.reset()
        streamed = (await _streamed(scenario, b"x", data_request_times=pair))[0].metadata
        same(f"{STREAM} at {pair[0]}", expected, streamed.sensor_metadata)


@obligation("upload-ids", "CU-4", "CL-34")
async def upload_ids(scenario: Scenario) -> str:
    """An upload gives the id that the server answered."""
    both: Any = {"file_id": "f7", "binary_data_id": "o/l/f7"}
    scenario.server.script(FILE, datasync.FileUploadResponse(**both))
    scenario.server.script(STREAM, datasync.StreamingDataCaptureUploadResponse(**both))
    scenario.server.script(CAPTURE, datasync.DataCaptureUploadResponse(**both))
    ids = [
        await scenario.do("file_upload", part_id=PART, data=b"x"),
        await scenario.do(
            "binary_data_capture_upload", **SENSOR, **TIMED, binary_data=b"x", file_extension=".a"
        ),
        await scenario.do("streaming_data_capture_upload", part_id=PART, data=b"x", file_ext="a"),
    ]
    if len(set(ids)) != 1 or ids[0] not in both.values():
        raise BrokenError(f"expected one of {both}, got {ids}")
    return "file_id" if ids[0] == "f7" else "binary_data_id"


OBLIGATIONS = (
    metadata_first,
    bytes_intact_up,
    empty_file,
    file_from_path,
    type_of_upload,
    extension,
    mime_type_of_captures,
    mime_type_of_files,
    tags_and_datasets,
    nothing_invented,
    parameters_absent,
    readings_intact,
    upload_times,
    upload_ids,
)
