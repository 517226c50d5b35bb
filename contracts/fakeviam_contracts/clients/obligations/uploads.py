"""Obligations about uploads: order, contents and metadata."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
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
from fakeviam_contracts.clients.obligations.values import (
    DISTANT,
    MOMENT_NANOS,
    MOMENTS,
    ROWS,
    awkward,
    many,
    nanos_of,
    typed,
)

FILE = "FileUpload"
STREAM = "StreamingDataCaptureUpload"
CAPTURE = "DataCaptureUpload"

#: Needs several messages of any usual size, all of them different, the last one short; not all is
#: UTF-8.
BIG = b"".join(at.to_bytes(3, "big") for at in range(70_000)) + b"\x00\r\n"

SENSOR: dict[str, Any] = {
    "part_id": PART,
    "component_type": "rdk:component:Camera",
    "component_name": "Cam 1 ",
    "method_name": " ReadImage",
}
NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - naive on purpose
EXTENSIONS = ("png", ".png", ".tar.gz", "JPG", "jpeg", "pcd.gz", f"p n\u0301g{'x' * 300} ")
MIME = " Image/WebP; q=A "
#: Times for obligations about other things: some clients require them.
TIMED: dict[str, Any] = {"data_request_times": [NAIVE, NAIVE]}


async def _file(scenario: Scenario, contents: bytes, **more: object) -> list[Any]:
    await scenario.do("file_upload", **{"part_id": PART, "data": contents, **more})
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
    await scenario.do("tabular_data_capture_upload", **{**SENSOR, "tabular_data": rows, **more})
    return scenario.server.sent(CAPTURE)[-1]


#: Names of files on disk, and how they are split.
PATHS = {
    "scan.tar.gz": ("scan.tar", ".gz"),
    " Cafe\u0301  %20 Photo.JPG": (" Cafe\u0301  %20 Photo", ".JPG"),
    "README": ("README", ""),
    ".hidden": (".hidden", ""),
}

# Streams ---------------------------------------------------------------------------------


@obligation("metadata-first", "FU-1", "SU-1", "FU-5", "A30", "CL-30")
async def metadata_first(scenario: Scenario) -> None:
    """A stream starts with its metadata, has it once, and then contents alone."""
    for rpc, contents, messages in (
        (FILE, "file_contents", await _file(scenario, BIG)),
        (STREAM, "data", await _streamed(scenario, BIG)),
    ):
        kinds = [one.WhichOneof("upload_packet") for one in messages]
        same(f"kinds of messages in {rpc}", ["metadata", contents], list(dict.fromkeys(kinds)))
        same(f"metadata in {rpc}", 1, kinds.count("metadata"))


@obligation("bytes-intact-up", "FU-3", "SU-1", "CU-1", "CL-25")
async def bytes_intact_up(scenario: Scenario) -> str:
    """Contents arrive whole and in order, in however many messages."""
    pieces = [one.file_contents.data for one in await _file(scenario, BIG)]
    same(f"bytes of {FILE}", BIG, b"".join(pieces))
    same(f"bytes of {STREAM}", BIG, b"".join([p.data for p in await _streamed(scenario, BIG)]))
    # More than a message may hold elsewhere, of pieces that differ, the same in each run.
    # Then equal pieces, of zeros, which no client may leave out.
    large = Random(1).randbytes(4 * 2**20) + bytes(2 * 2**20) + b"end\x00"  # noqa: S311
    scenario.server.reset()
    whole = b"".join(one.file_contents.data for one in await _file(scenario, large))
    same(f"bytes of a large {FILE}", large, whole)
    whole = b"".join(one.data for one in await _streamed(scenario, large))
    same(f"bytes of a large {STREAM}", large, whole)
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
    for name, expected in PATHS.items():
        path = scenario.folder / name
        path.write_bytes(BIG)
        scenario.server.reset()
        await scenario.do("file_upload_from_path", filepath=str(path), part_id=PART)
        messages = scenario.server.sent(FILE)
        metadata = messages[0].metadata
        same("name and extension", expected, (metadata.file_name, metadata.file_extension))
        same("bytes", BIG, b"".join(one.file_contents.data for one in messages))


# Metadata --------------------------------------------------------------------------------


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
    for given in EXTENSIONS:
        dotted = f".{given.removeprefix('.')}"
        captured = (await _captured(scenario, file_extension=given, **TIMED)).metadata
        same(f"{given} of captures", dotted, captured.file_extension)
        scenario.server.reset()
        file = (await _file(scenario, b"x", file_extension=given))[0].metadata
        same(f"{given} of files", given, file.file_extension)
    for given in EXTENSIONS:
        scenario.server.reset()
        streamed = (await _streamed(scenario, b"x", file_ext=given))[0].metadata.upload_metadata
        same(f"{given} of streams", f".{given.removeprefix('.')}", streamed.file_extension)


@obligation("mime-type-of-captures", "UP-5")
async def mime_type_of_captures(scenario: Scenario) -> None:
    """An explicit MIME type is sent by the sensor uploads."""
    captured = (await _captured(scenario, mime_type=MIME)).metadata
    same(CAPTURE, MIME, captured.mime_type)
    streamed = (await _streamed(scenario, b"x", mime_type=MIME))[0].metadata
    same(STREAM, MIME, streamed.upload_metadata.mime_type)


@obligation("mime-type-of-files", "UP-5")
async def mime_type_of_files(scenario: Scenario) -> None:
    """An explicit MIME type is sent by `file_upload`."""
    for given in (MIME, "image/png"):
        scenario.server.reset()
        metadata = (await _file(scenario, b"x", mime_type=given))[0].metadata
        same("mime_type", given, metadata.mime_type)
        same("extension", "", metadata.file_extension)


@obligation("tags-and-datasets", "UP-7", "CL-25")
async def tags_and_datasets(scenario: Scenario) -> None:
    """Tags and datasets of an upload are sent as given."""
    more: dict[str, Any] = {"tags": many("tag"), "dataset_ids": many("dataset")}

    def expect(metadata: datasync.UploadMetadata) -> None:
        same("tags", more["tags"], list(metadata.tags))
        same("dataset_ids", more["dataset_ids"], list(metadata.dataset_ids))

    expect((await _captured(scenario, **TIMED, **more)).metadata)
    expect((await _file(scenario, b"x", **more))[0].metadata)
    expect((await _streamed(scenario, b"x", **more))[0].metadata.upload_metadata)


@obligation("uploads-described", "UP-6", "UP-7", "CL-25")
async def uploads_described(scenario: Scenario) -> None:
    """Each upload says its part, component, method, names and tags as given, and nothing else."""
    names = {key: awkward(key) for key in SENSOR}
    described: dict[str, Any] = {**names, "tags": many("tag")}
    filed: dict[str, Any] = {**described, "file_name": awkward("file"), "file_extension": ".png"}
    binary, tabular = datasync.DATA_TYPE_BINARY_SENSOR, datasync.DATA_TYPE_TABULAR_SENSOR
    expected = datasync.UploadMetadata(type=tabular, **described)
    timed: dict[str, Any] = {"data_request_times": [[NAIVE, NAIVE]]}
    same("readings", expected, (await _rows(scenario, [{"n": 1}], **timed, **described)).metadata)
    expected = datasync.UploadMetadata(type=binary, file_extension=".png", **described)
    same("captures", expected, (await _captured(scenario, **TIMED, **described)).metadata)
    expected = datasync.UploadMetadata(type=datasync.DATA_TYPE_FILE, **filed)
    same("files", expected, (await _file(scenario, b"x", **filed))[0].metadata)
    path = scenario.folder / "a.png"
    path.write_bytes(b"x")
    expected.file_name = "a"
    scenario.server.reset()
    if await scenario.can("file_upload_from_path", filepath=str(path), **described):
        same("files of a disk", expected, scenario.server.sent(FILE)[0].metadata)
    expected = datasync.UploadMetadata(type=binary, file_extension=".png", **described)
    if await scenario.can("streaming_data_capture_upload", data=b"x", file_ext=".png", **described):
        same("streams", expected, scenario.server.sent(STREAM)[0].metadata.upload_metadata)


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
    # Readings may need times; a client that takes them without invents none.
    if (await scenario.try_to("tabular_data_capture_upload", **SENSOR, tabular_data=[{}])).ok:
        reading = scenario.server.sent(CAPTURE)[-1].sensor_contents[0]
        same("times of readings", datasync.SensorMetadata(), reading.metadata)


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
    many_rows: list[dict[str, object]] = [{"n": at % 100} for at in range(130)]
    rows = [*ROWS, *many_rows, many_rows[-1]]  # the last two have the same times, too
    seconds = [timedelta(seconds=at * 53 % (len(rows) - 1)) for at in range(len(rows) - 1)]
    seconds.append(seconds[-1])
    # Some were received before they were requested, by another clock.
    times = [[NAIVE + at, NAIVE + timedelta(minutes=1) + at / 2] for at in seconds]
    contents = (await _rows(scenario, rows, data_request_times=times)).sensor_contents
    values = [typed(mapping_from(one.struct)) for one in contents]
    same("number of readings", len(rows), len(values))
    for row, value in zip(rows, values, strict=True):
        same("reading", typed(row), value)
    moments = [
        (timestamp_from(_nanos(at)), timestamp_from(_nanos(timedelta(minutes=1) + at / 2)))
        for at in seconds
    ]
    got = [(one.metadata.time_requested, one.metadata.time_received) for one in contents]
    same("times", moments, got)


def _nanos(since: timedelta) -> int:
    return replies.BASE + since // timedelta(microseconds=1) * 1000


@obligation("upload-times", "TM-1", "CU-1", "CU-2", "CL-27", "CL-39")
async def upload_times(scenario: Scenario) -> None:
    """Times of an upload travel as UTC: naive ones as they are, others converted."""
    moments = [
        *((one, MOMENT_NANOS) for one in MOMENTS),
        *((one, nanos_of(one)) for one in DISTANT),
    ]
    for first, nanos in moments:
        pair = [first, first + timedelta(seconds=1, microseconds=1)]
        expected = datasync.SensorMetadata(
            time_requested=timestamp_from(nanos),
            time_received=timestamp_from(nanos + 1_000_001_000),
        )
        captured = await _captured(scenario, data_request_times=pair)
        same(f"{CAPTURE} at {first}", expected, captured.sensor_contents[0].metadata)
        tabular = await _rows(scenario, [{"n": 1}], data_request_times=[pair])
        same(f"readings at {first}", expected, tabular.sensor_contents[0].metadata)
        scenario.server.reset()
        streamed = (await _streamed(scenario, b"x", data_request_times=pair))[0].metadata
        same(f"{STREAM} at {first}", expected, streamed.sensor_metadata)


@obligation("upload-ids", "CU-4", "CL-34")
async def upload_ids(scenario: Scenario) -> str:
    """An upload gives the id that the server answered."""
    both: Any = {"file_id": "F7a", "binary_data_id": "O/l/F7a"}
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
    return "file_id" if ids[0] == both["file_id"] else "binary_data_id"


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
    uploads_described,
    nothing_invented,
    parameters_absent,
    readings_intact,
    upload_times,
    upload_ids,
)
