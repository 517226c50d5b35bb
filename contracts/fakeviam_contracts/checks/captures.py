"""What an upload can say besides its contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, dataset, datasync, well_known
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

RPC = "DataCaptureUpload"


@check("CU-1", "A23")
def several_contents(session: Session) -> None:
    """Each is a file with times of its own; the first one's id is answered."""
    contents = [
        datasync.SensorData(metadata=raw.sensor(BASE + at, BASE + 9 - at), binary=b"x" * at)
        for at in range(3)
    ]
    request = raw.capture(raw.metadata(session, raw.BINARY), *contents)
    answered = raw.call(session, ("CU-1",), RPC, request).binary_data_id
    reply = raw.page(session, ("CU-1",), "BinaryDataByFilter", raw.mine(session))
    told = [
        (nanos_from(m.time_requested) - BASE, nanos_from(m.time_received) - BASE, m.file_size_bytes)
        for m in (entry.metadata for entry in reply.data)
    ]
    session.expect(("CU-1",), "times and sizes", [(at, 9 - at, at) for at in range(3)], told)
    session.expect(("A23",), "the id answered", reply.data[0].metadata.binary_data_id, answered)


def _box() -> data.Annotations:
    box = data.BoundingBox(label="dog", x_max_normalized=0.5, y_max_normalized=1, confidence=0.25)
    mark = data.Classification(label="outdoors")
    return data.Annotations(bboxes=[box], classifications=[mark])


@check("CU-6", "CU-9")
def annotations_of_an_upload(session: Session) -> None:
    """Are stored with an image; a reading has none."""
    marked = datasync.SensorMetadata(annotations=_box())
    content = datasync.SensorData(metadata=marked, binary=b"x")
    upload = raw.metadata(session, raw.BINARY, file_extension=".png")
    whole = raw.call(session, ("CU-6",), RPC, raw.capture(upload, content)).binary_data_id
    (found,) = raw.files(session, ("CU-6",), whole)
    told = [(box.label, box.x_max_normalized, box.confidence) for box in found.annotations.bboxes]
    session.expect(("CU-6",), "boxes of the upload", [("dog", 0.5, 0.25)], told)
    marks = [mark.label for mark in found.annotations.classifications]
    session.expect(("CU-6",), "classifications of the upload", ["outdoors"], marks)
    content = datasync.SensorData(metadata=marked, struct=well_known.Struct())
    request = raw.capture(raw.metadata(session, raw.TABULAR), content)
    raw.refuse(session, ("CU-9",), "INVALID_ARGUMENT", RPC, request)


@check("CU-7", "CU-8", "FU-5")
def uploads_of_nothing(session: Session) -> None:
    """A capture without contents, a content without data, a message that says nothing."""
    upload = raw.metadata(session, raw.BINARY)
    raw.refuse(session, ("CU-7",), "INVALID_ARGUMENT", RPC, raw.capture(upload))
    request = raw.capture(upload, datasync.SensorData())
    raw.refuse(session, ("CU-8",), "INVALID_ARGUMENT", RPC, request)
    opening = datasync.FileUploadRequest(metadata=raw.metadata(session, datasync.DATA_TYPE_FILE))
    nothing = datasync.FileUploadRequest()
    raw.refuse(session, ("FU-5",), "INVALID_ARGUMENT", "FileUpload", opening, nothing)
    reads.check_files(session, FilterSpec())


def _parameters() -> dict[str, well_known.Any]:
    return {
        "url": well_known.Any(
            type_url="type.googleapis.com/google.protobuf.StringValue", value=b"\n\x01x"
        ),
        "empty": well_known.Any(),
    }


@check("UP-8", "A31")
def parameters_of_a_method(session: Session) -> None:
    """Come back as they were uploaded, with files and with readings."""
    wanted = {key: (packed.type_url, packed.value) for key, packed in _parameters().items()}
    for kind, content in (
        (raw.BINARY, datasync.SensorData(binary=b"x")),
        (raw.TABULAR, datasync.SensorData(struct=well_known.Struct())),
    ):
        upload = raw.metadata(session, kind)
        for key, packed in _parameters().items():
            upload.method_parameters[key].CopyFrom(packed)
        raw.call(session, ("UP-8",), RPC, raw.capture(upload, content))
    files = raw.page(session, ("UP-8",), "BinaryDataByFilter", raw.mine(session)).data
    rows = raw.page(session, ("UP-8",), "TabularDataByFilter", raw.mine(session)).metadata
    file = raw.first(session, ("UP-8",), "files", files)
    row = raw.first(session, ("UP-8",), "readings", rows)
    for metadata in (file.metadata.capture_metadata, row):
        told = {key: (p.type_url, p.value) for key, p in metadata.method_parameters.items()}
        session.expect(("UP-8",), "names of parameters", set(wanted), set(told))
        session.expect(("A31",), "parameters", wanted, told)


@check("UP-11", "A18", "A27")
def readings_in_datasets(session: Session) -> None:
    """Readings are no members, though the datasets that their upload names must exist."""
    writes.create_dataset(session, "pets")
    content = datasync.SensorData(metadata=raw.sensor(BASE, BASE), struct=well_known.Struct())
    unknown = raw.metadata(session, raw.TABULAR, dataset_ids=[raw.NOBODY])
    raw.refuse(session, ("UP-11", "A27"), "NOT_FOUND", RPC, raw.capture(unknown, content))
    known = raw.metadata(session, raw.TABULAR, dataset_ids=session.handles.datasets)
    raw.call(session, ("UP-11",), RPC, raw.capture(known, content))
    for dataset_id, count in (("", 1), (session.handles.datasets[0], 0)):
        filter_ = raw.mine(session, dataset_id=dataset_id)
        reply = raw.page(session, ("UP-11",), "TabularDataByFilter", filter_)
        session.expect(("UP-11", "A18"), "count of TabularDataByFilter", count, reply.count)


@check("UP-12", "UP-5")
def types_of_a_sensor(session: Session) -> None:
    """The older enumeration counts where nothing newer was said."""
    for mime_type, wanted in (("", "image/png"), ("x/y", "x/y")):
        sensor = datasync.SensorMetadata(mime_type=datasync.MIME_TYPE_IMAGE_PNG)
        upload = raw.metadata(session, raw.BINARY, mime_type=mime_type, file_extension=".txt")
        request = raw.capture(upload, datasync.SensorData(metadata=sensor, binary=b"x"))
        whole = raw.call(session, ("UP-12",), RPC, request).binary_data_id
        (found,) = raw.files(session, ("UP-12",), whole)
        got = found.capture_metadata.mime_type
        session.expect(("UP-12", "UP-5"), "MIME type of the upload", wanted, got)


@check("FU-4")
def times_of_a_file(session: Session) -> None:
    """When a file was created is when it was captured, if nothing else says it."""
    upload = raw.metadata(
        session,
        datasync.DATA_TYPE_FILE,
        file_create_time=timestamp_from(BASE),
        file_modify_time=timestamp_from(BASE + SECOND),
    )
    opening = datasync.FileUploadRequest(metadata=upload)
    answer = session.wire.stream("FileUpload", [opening])
    whole = session.answered(("FU-4",), "FileUpload", answer).binary_data_id
    (found,) = raw.files(session, ("FU-4",), whole)
    told = [nanos_from(found.time_requested), nanos_from(found.time_received)]
    session.expect(("FU-4",), "times of the file", [BASE, BASE], told)


@check("A28", "SU-2", "TM-2")
def uploads_without_times(session: Session) -> None:
    """Get the moment they come in, however the lack of a time is said."""
    for way in ("DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload"):
        handle = writes.upload(session, way=way, part=0, chunks=[b"x"])
        told = session.model.files[handle or 0].requested
        # Where the clock cannot be read, it is at least not 1970.
        wanted = told if session.place.now is None else session.place.now()
        session.expect(("A28", "SU-2", "TM-2"), "time of an upload without", wanted or BASE, told)
    writes.create_dataset(session, "pets")
    request = dataset.ListDatasetsByIDsRequest(ids=session.handles.datasets)
    listed = raw.call(session, ("TM-2",), "ListDatasetsByIDs", request).datasets
    made = raw.first(session, ("TM-2",), "datasets", listed)
    is_set = made.time_created.seconds > 0
    session.expect(("TM-2",), "a dataset has a time of creation", expected=True, observed=is_set)


#: More than servers like to send in one reply.
LARGE = 5 * 1024 * 1024


@check("BI-6", "A53")
def large_files(session: Session) -> None:
    """Come whole, or are refused with words for it; never cut."""
    piece = datasync.FileUploadRequest(file_contents=datasync.FileData(data=bytes(LARGE // 5)))
    opening = datasync.FileUploadRequest(metadata=raw.metadata(session, datasync.DATA_TYPE_FILE))
    answer = session.wire.stream("FileUpload", [opening, *[piece] * 5])
    whole = session.answered(("FU-1",), "FileUpload", answer).binary_data_id
    request = data.BinaryDataByIDsRequest(binary_data_ids=[whole], include_binary=True)
    answer = session.wire.call("BinaryDataByIDs", request)
    if isinstance(answer, Refused):
        plain = "INCLUDE_BINARY_TOO_LARGE" in answer.text
        allowed = plain or answer.status in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
        session.expect(("BI-6",), "said that it is too large", expected=True, observed=allowed)
    else:
        sizes = [len(entry.binary) for entry in answer.data]
        session.expect(("A53", "BI-6"), "bytes of a large file", [LARGE], sizes)


CHECKS = (
    several_contents,
    annotations_of_an_upload,
    uploads_of_nothing,
    parameters_of_a_method,
    readings_in_datasets,
    types_of_a_sensor,
    times_of_a_file,
    uploads_without_times,
    large_files,
)
