"""Everything besides contents in uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync, well_known
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.session import Ground, permission
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

RPC = "DataCaptureUpload"


@check("CU-1", "A23")
def several_contents(session: Session) -> None:
    """Each content becomes a file with its own times; the reply has the id of the first."""
    contents = [
        datasync.SensorData(metadata=raw.sensor(BASE + at, BASE + 9 - at), binary=b"x" * at)
        for at in range(3)
    ]
    request = raw.capture(raw.metadata(session, raw.BINARY), *contents)
    answer = session.wire.call(RPC, request)
    reply = session.outcome("CU-1", RPC, answer, [permission("A23")])
    if reply is None:
        return
    page = raw.page(session, "BF-1", "BinaryDataByFilter", raw.mine(session))
    if not session.expect("A23", "files of three contents", 3, len(page.data)):
        return
    observed = [
        (nanos_from(m.time_requested) - BASE, m.file_size_bytes)
        for m in (entry.metadata for entry in page.data)
    ]
    session.expect("CU-1", "times and sizes", [(at, at) for at in range(3)], observed)
    received = [nanos_from(entry.metadata.time_received) - BASE for entry in page.data]
    session.expect("A32", "times received", [9, 8, 7], received, legal=True)
    first = page.data[0].metadata.binary_data_id
    session.expect("A23", "the id answered", first, reply.binary_data_id)


def _box() -> data.Annotations:
    box = data.BoundingBox(label="dog", x_max_normalized=0.5, y_max_normalized=1, confidence=0.25)
    mark = data.Classification(label="outdoors")
    return data.Annotations(bboxes=[box], classifications=[mark])


@check("CU-6", "CU-9", "CU-12", "FI-10", "BU-1", "BR-1", "BL-1")
def annotations_of_an_upload(session: Session) -> None:
    """Annotations are stored with an image, even without a label; readings have none."""
    sensor_metadata = datasync.SensorMetadata(annotations=_box())
    content = datasync.SensorData(metadata=sensor_metadata, struct=raw.reading().struct)
    request = raw.capture(raw.metadata(session, raw.TABULAR), content)
    raw.refuse(session, "CU-9", "INVALID_ARGUMENT", RPC, request)
    upload = raw.metadata(session, raw.BINARY, file_extension=".png")
    nameless = data.Annotations(classifications=[data.Classification()])
    content = datasync.SensorData(
        metadata=datasync.SensorMetadata(annotations=nameless), binary=b"y"
    )
    whole = raw.call(session, "CU-12", RPC, raw.capture(upload, content)).binary_data_id
    session.expect("CU-12", "there is an id of the upload", expected=True, observed=bool(whole))
    content = datasync.SensorData(metadata=sensor_metadata, binary=b"x")
    whole = raw.call(session, "CU-6", RPC, raw.capture(upload, content)).binary_data_id
    opening = datasync.DataCaptureUploadMetadata(
        upload_metadata=upload, sensor_metadata=sensor_metadata
    )
    stream = (
        datasync.StreamingDataCaptureUploadRequest(metadata=opening),
        datasync.StreamingDataCaptureUploadRequest(data=b"x"),
    )
    other = raw.stream(session, "SU-1", "StreamingDataCaptureUpload", stream).binary_data_id
    for file in raw.files(session, whole, other):
        labels = [(b.label, b.x_max_normalized, b.confidence) for b in file.annotations.bboxes]
        if not session.expect("CU-6", "boxes of the upload", [("dog", 0.5, 0.25)], labels):
            return
        marks = [mark.label for mark in file.annotations.classifications]
        session.expect("CU-6", "classifications of the upload", ["outdoors"], marks)
    _change_boxes_of_uploads(session, whole, other)


def _change_boxes_of_uploads(session: Session, whole: str, other: str) -> None:
    """Boxes that came along are boxes like others: found, updated and removed."""
    filter_ = raw.mine(session, bbox_labels=["dog"])
    found = raw.page(session, "FI-10", "BinaryDataByFilter", filter_).data
    ids = {entry.metadata.binary_data_id for entry in found}
    session.expect("FI-10", "files by labels of their uploads", {whole, other}, ids)
    of_marks = raw.mine(session, bbox_labels=["outdoors"])
    marked = raw.page(session, "FI-10", "BinaryDataByFilter", of_marks).data
    session.expect("FI-10", "files by labels of their classifications", 0, len(marked))
    one, two = (file.annotations.bboxes[0].id for file in raw.files(session, whole, other))
    updating = data.UpdateBoundingBoxRequest(binary_data_id=whole, bbox_id=one, label="cat")
    raw.call(session, "BU-1", "UpdateBoundingBox", updating)
    removing = data.RemoveBoundingBoxFromImageByIDRequest(binary_data_id=other, bbox_id=two)
    raw.call(session, "BR-1", "RemoveBoundingBoxFromImageByID", removing)
    updated, bare = (
        [box.label for box in file.annotations.bboxes] for file in raw.files(session, whole, other)
    )
    session.expect("BU-1", "boxes of an upload after an update", ["cat"], updated)
    session.expect("BR-1", "boxes of an upload after a removal", [], bare)
    asked = data.BoundingBoxLabelsByFilterRequest(filter=raw.mine(session))
    labels = raw.call(session, "BL-1", "BoundingBoxLabelsByFilter", asked).labels
    session.expect("BL-1", "labels of boxes of uploads", ["cat"], list(labels))


@check("CU-7", "CU-8", "FU-5")
def uploads_of_nothing(session: Session) -> None:
    """Uploads without contents, contents without data, and empty messages."""
    upload = raw.metadata(session, raw.BINARY)
    opening = datasync.FileUploadRequest(metadata=raw.metadata(session, datasync.DATA_TYPE_FILE))
    nothing, empty = datasync.FileUploadRequest(), datasync.SensorData()
    refused = [
        raw.refuse(session, "CU-7", "INVALID_ARGUMENT", RPC, raw.capture(upload)),
        raw.refuse(session, "CU-8", "INVALID_ARGUMENT", RPC, raw.capture(upload, empty)),
        raw.refuse(session, "FU-5", "INVALID_ARGUMENT", "FileUpload", opening, nothing),
    ]
    if all(refused):
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
    """Parameters of methods are returned as uploaded, for files and readings."""
    expected = {key: (packed.type_url, packed.value) for key, packed in _parameters().items()}
    for kind, content in (
        (raw.BINARY, datasync.SensorData(binary=b"x")),
        (raw.TABULAR, raw.reading()),
    ):
        upload = raw.metadata(session, kind)
        for key, packed in _parameters().items():
            upload.method_parameters[key].CopyFrom(packed)
        raw.call(session, "UP-8", RPC, raw.capture(upload, content))
    files = raw.page(session, "UP-8", "BinaryDataByFilter", raw.mine(session)).data
    rows = raw.page(session, "UP-8", "TabularDataByFilter", raw.mine(session)).metadata
    file = raw.first(session, "UP-8", "files", files)
    row = raw.first(session, "UP-8", "readings", rows)
    session.expect("UP-8", "an upload with parameters is stored", 1, len(files))
    for metadata in (file.metadata.capture_metadata, row):
        actual = {key: (p.type_url, p.value) for key, p in metadata.method_parameters.items()}
        session.expect("A31", "parameters", expected, actual)


@check("UP-7", "UP-8", "TD-2")
def readings_that_differ_in_their_metadata(session: Session) -> None:
    """Readings on one page share metadata only if these are equal, parameters too."""
    for tag, value in (("a", b"1"), ("a", b"2"), ("b", b"2")):
        upload = raw.metadata(session, raw.TABULAR, tags=[tag])
        packed = upload.method_parameters["n"]
        packed.CopyFrom(_parameters()["url"])
        packed.value = b"\n\x01" + value
        raw.call(session, "UP-7", RPC, raw.capture(upload, raw.reading()))
    page = raw.page(session, "UP-7", "TabularDataByFilter", raw.mine(session))
    told = [page.metadata[entry.metadata_index] for entry in page.data]
    tags = sorted(tag for one in told for tag in one.tags)
    session.expect("UP-7", "tags of readings on one page", ["a", "a", "b"], tags)
    # Parameters are no longer in use: a server may forget all of them (A31), but not mix them up.
    clause = "UP-8" if any(one.method_parameters for one in told) else "A31"
    own = {(*one.tags, one.method_parameters["n"].value) for one in told}
    session.expect(clause, "readings that have parameters of their own", 3, len(own))
    _differ_in_one_field(session)


def _differ_in_one_field(session: Session) -> None:
    parts = session.place.parts
    names = {} if session.place.component else {"component_name": "other"}
    every: tuple[dict[str, str], ...] = (
        {},
        {"method_name": "Other"},
        {"component_type": "other"},
        names,
    )
    for changes in every:
        upload = raw.metadata(session, raw.TABULAR, tags=["one"])
        for field, value in changes.items():
            setattr(upload, field, value)
        raw.call(session, "UP-7", RPC, raw.capture(upload, raw.reading()))
    upload = raw.metadata(session, raw.TABULAR, parts[-1], tags=["one"])
    raw.call(session, "UP-7", RPC, raw.capture(upload, raw.reading()))
    filter_ = raw.mine(session, tags_filter=data.TagsFilter(tags=["one"]))
    page = raw.page(session, "TD-1", "TabularDataByFilter", filter_)
    told = [page.metadata[entry.metadata_index] for entry in page.data]
    origins = sorted((m.part_id, m.component_type, m.component_name, m.method_name) for m in told)
    here, name = parts[0].part_id, session.place.component
    named = names.get("component_name", name)
    expected = sorted([
        (here, "", name, ""), (here, "", name, "Other"), (here, "other", name, ""),
        (here, "", named, ""), (parts[-1].part_id, "", name, "")])  # fmt: skip
    session.expect("TD-2", "metadata of readings that differ in one field", expected, origins)


@check("UP-11", "A18", "A27")
def readings_in_datasets(session: Session) -> None:
    """Readings cannot be members, but the datasets that their upload names must exist."""
    writes.create_dataset(session, "pets")
    content = datasync.SensorData(metadata=raw.sensor(BASE, BASE), struct=raw.reading().struct)
    unknown = raw.metadata(session, raw.TABULAR, dataset_ids=[raw.NOBODY])
    refusing = "" if session.interpretation.unknown_dataset == "skip" else "refuse"
    answer = session.wire.call(RPC, raw.capture(unknown, content))
    ground = Ground("UP-11", "NOT_FOUND", refusing=refusing)
    if session.outcome("UP-11", RPC, answer, [ground]) is not None:
        return
    metadata = raw.metadata(session, raw.TABULAR, dataset_ids=session.handles.datasets)
    raw.call(session, "UP-11", RPC, raw.capture(metadata, content))
    for dataset_id, count in (("", 1), (session.handles.datasets[0], 0)):
        filter_ = raw.mine(session, dataset_id=dataset_id)
        reply = raw.page(session, "UP-11", "TabularDataByFilter", filter_)
        clause = "A18" if dataset_id else "UP-11"
        session.expect(clause, "count of TabularDataByFilter", count, reply.count)


@check("UP-12", "UP-5")
def types_of_a_sensor(session: Session) -> None:
    """The older enumeration is used if the newer one is absent."""
    for mime_type, expected in (("", "image/png"), ("x/y", "x/y")):
        sensor = datasync.SensorMetadata(mime_type=datasync.MIME_TYPE_IMAGE_PNG)
        upload = raw.metadata(session, raw.BINARY, mime_type=mime_type, file_extension=".txt")
        request = raw.capture(upload, datasync.SensorData(metadata=sensor, binary=b"x"))
        whole = raw.call(session, "UP-12", RPC, request).binary_data_id
        (file,) = raw.files(session, whole)
        got = file.capture_metadata.mime_type
        clause = "UP-5" if mime_type else "UP-12"
        session.expect(clause, "MIME type of the upload", expected, got)


@check("FU-4")
def times_of_a_file(session: Session) -> None:
    """The creation time of a file is its capture time if there is no other."""
    upload = raw.metadata(
        session,
        datasync.DATA_TYPE_FILE,
        file_create_time=timestamp_from(BASE),
        file_modify_time=timestamp_from(BASE + SECOND),
        tags=["a"],
    )
    opening = datasync.FileUploadRequest(metadata=upload)
    whole = raw.stream(session, "FU-4", "FileUpload", [opening]).binary_data_id
    (file,) = raw.files(session, whole)
    times = [nanos_from(file.time_requested), nanos_from(file.time_received)]
    session.expect("FU-4", "times of the file", [BASE, BASE], times)


@check("A28", "TM-2")
def uploads_without_times(session: Session) -> None:
    """Uploads without times get the time of arrival, however the absence is encoded."""
    for way in ("DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload"):
        handle = writes.upload(session, way=way, part=0, chunks=[b"x"])
        if handle is None:
            continue  # refusing is an open point (A28)
        requested = session.model.files[handle].requested
        # If the clock cannot be read, the time must at least not be 1970.
        session.expect("TM-2", "an upload without times gets some", True, requested > 0)  # noqa: FBT003
        if session.place.now is not None:
            close = abs(session.place.now() - requested) <= session.place.skew
            session.expect("A28", "that is the moment of the upload", expected=True, observed=close)
    writes.create_dataset(session, "pets")
    request = dataset.ListDatasetsByIDsRequest(ids=session.handles.datasets)
    listed = raw.call(session, "TM-2", "ListDatasetsByIDs", request).datasets
    datasets = raw.first(session, "TM-2", "datasets", listed)
    is_set = datasets.time_created.seconds > 0
    session.expect("TM-2", "a dataset has a time of creation", expected=True, observed=is_set)


@check("SU-2")
def empty_sensor_metadata(session: Session) -> None:
    """Empty metadata is like none: the server's time for both, or a refusal; this is open (A28)."""
    none = _streamed(session)
    empty = _streamed(session, sensor_metadata=datasync.SensorMetadata())
    session.expect("SU-2", "a stream with empty sensor metadata", none, empty)


def _streamed(session: Session, **fields: datasync.SensorMetadata) -> str:
    """The result of a stream without times."""
    opening = datasync.DataCaptureUploadMetadata(
        upload_metadata=raw.metadata(session, raw.BINARY), **fields
    )
    messages = (
        datasync.StreamingDataCaptureUploadRequest(metadata=opening),
        datasync.StreamingDataCaptureUploadRequest(data=b"x"),
    )
    answer: Any = session.wire.stream("StreamingDataCaptureUpload", messages)
    if isinstance(answer, Refused):
        return "is refused"
    (file,) = raw.files(session, answer.binary_data_id)
    has_times = nanos_from(file.time_requested) > 0 and nanos_from(file.time_received) > 0
    return "gets times" if has_times else "gets no times"


#: More than a server would send in one reply.
LARGE = 5 * 1024 * 1024


@check("BI-6")
def large_files(session: Session) -> None:
    """Large files are returned completely, or refused with an explanation; never truncated."""
    piece = datasync.FileUploadRequest(file_contents=datasync.FileData(data=bytes(LARGE // 5)))
    opening = datasync.FileUploadRequest(metadata=raw.metadata(session, datasync.DATA_TYPE_FILE))
    whole = raw.stream(session, "FU-1", "FileUpload", [opening, *[piece] * 5]).binary_data_id
    request = data.BinaryDataByIDsRequest(binary_data_ids=[whole], include_binary=True)
    answer = session.wire.call("BinaryDataByIDs", request)
    if isinstance(answer, Refused):
        plain = "INCLUDE_BINARY_TOO_LARGE" in answer.text
        is_legal = plain or answer.status in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
        session.expect("BI-6", "said that it is too large", expected=True, observed=is_legal)
        session.comparisons["A53"] += 1
    else:
        sizes = [len(entry.binary) for entry in answer.data]
        session.expect("BI-6", "bytes of a large file", [LARGE], sizes)


CHECKS = (
    several_contents,
    annotations_of_an_upload,
    uploads_of_nothing,
    parameters_of_a_method,
    readings_that_differ_in_their_metadata,
    readings_in_datasets,
    types_of_a_sensor,
    times_of_a_file,
    uploads_without_times,
    empty_sensor_metadata,
    large_files,
)
