"""The three ways of uploading."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from fakeviam.wire import datasync
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, check
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

WAYS = ("DataCaptureUpload", "StreamingDataCaptureUpload", "FileUpload")


@check(
    "UP-1",
    "UP-9",
    "CU-1",
    "CU-4",
    "FU-1",
    "FU-2",
    "FU-3",
    "FU-6",
    "UP-14",
    "SU-1",
    "A32",
    "A55",
    "BF-1",
)
def bytes_come_back(session: Session) -> None:
    """Bytes are stored unchanged, in any number of pieces; equal files are separate."""
    for way in WAYS:
        for chunks in ([b"abc"], [b"a", b"", b"bc", b"\x00\xff"], [b"abc"]):
            writes.upload(session, way=way, part=0, chunks=chunks, times=(BASE, BASE + 1))
        none, empty = (
            writes.upload(session, way=way, part=0, chunks=chunks, times=(BASE, BASE + 1))
            for chunks in ([], [b""])
        )
        # Clients send an empty file either way. One that takes an empty piece takes none, too; one
        # that wants a byte in each piece only differs (FU-6).
        if empty is not None:
            session.expect("FU-2", f"no piece is taken as an empty one is, by {way}", True,  # noqa: FBT003
                           none is not None)  # fmt: skip
        writes.upload(
            session,
            way=way,
            part=0,
            chunks=[b"now"],
            component="cam",
            component_type="camera",
            method="ReadImage",
        )
    page = raw.page(session, "BF-1", "BinaryDataByFilter", raw.mine(session))
    session.expect("A55", "files found at once", len(session.model.files), len(page.data))
    reads.check_files(session, FilterSpec(), descending=False, with_bytes=True)


@check("UP-3", "UP-4", "UP-5", "UP-6", "A24", "A26")
def names_and_types(session: Session) -> None:
    """MIME types are explicit or derived from extensions; names are unchanged."""
    for ext in (".jpg", "jpg", ".JPEG", ".png", ".pcd", ".txt", "", ".unknown", ".tar.gz"):
        writes.upload(
            session, way="FileUpload", part=0, chunks=[b"x"], extension=ext, file_name="a.b"
        )
    writes.upload(
        session, way="FileUpload", part=0, chunks=[b"%PDF"], extension=".jpg", mime_type="x/y"
    )
    writes.upload(session, way="FileUpload", part=0, chunks=[b"\x89PNG"], file_name="dir/../n")
    # Names with their extension, as robots send them (UP-6); and an empty image, which is one.
    for name, content in (("/data/a.png", b"x"), ("a.png", b"x"), ("a.png.png", b"x"), ("", b"")):
        writes.upload(
            session, way="FileUpload", part=0, chunks=[content], extension=".png", file_name=name
        )
    for ext in (".txt", ".jpg"):
        writes.upload(
            session,
            way="DataCaptureUpload",
            part=0,
            chunks=[b"\x89PNG\r\n"],
            extension=ext,
            times=(BASE, BASE),
        )


@check("UP-7", "A27", "DM-3")
def tags_and_datasets(session: Session) -> None:
    """Tags and datasets apply to the new file; an unknown dataset refuses the upload."""
    for name in ("pets", "cars", "dogs"):
        writes.create_dataset(session, name)
    for way, times in product(WAYS, (None, (BASE, BASE))):
        writes.upload(
            session,
            way=way,
            part=0,
            chunks=[b"x"],
            tags=["b", "a", "b"],
            datasets=[1, 0, 2],
            times=times,
        )
    filter_ = raw.mine(session, dataset_id=session.handles.datasets[0])
    members = raw.page(session, "FI-11", "BinaryDataByFilter", filter_).data
    session.expect("UP-7", "members by their uploads", len(session.model.files), len(members))
    writes.delete_dataset(session, 1)
    for way in WAYS:
        writes.upload(
            session,
            way=way,
            part=0,
            chunks=[b"x"],
            tags=["lost"],
            datasets=[0, 1],
            times=(BASE, BASE),
        )
    reads.check_files(session, FilterSpec(), descending=False)
    reads.check_tags(session, FilterSpec())


@check("CU-2", "TD-1", "TD-2", "TD-3", "TD-4", "TM-1", "A32")
def readings_come_back(session: Session) -> None:
    """N readings become N records with exact times."""
    rows: list[dict[str, object]] = [
        {"readings": {"a": 1.5, "b.c": [None, True, "é", {}]}},
        {"readings": {}},
        {"readings": {"": "empty key", "nested": {"x": {"y": [1.0, [2.0]]}}}},
    ]
    if session.plain:
        rows = [{"readings": {"n": float(at)}} for at in range(3)]
    times = [(BASE + 1, BASE + 999_999_999), (BASE + 1, BASE), (1, 1)]
    writes.upload_rows(session, part=0, rows=rows, times=times)
    page = raw.page(session, "TD-1", "TabularDataByFilter", raw.mine(session))
    session.expect("CU-2", "records of three readings", 3, len(page.data))
    for part in range(len(session.place.parts)):
        writes.upload_rows(session, part=part, rows=rows, times=times, component="s", tags=["t"])
    writes.upload_rows(session, part=0, rows=rows[:1], times=times[:1], tags=["b", "a"])
    reads.check_rows(session, FilterSpec(), limit=2, descending=False)
    reads.check_rows(session, FilterSpec(), descending=True)
    reply = raw.page(session, "TD-4", "TabularDataByFilter", raw.mine(session))
    parts = len(session.place.parts)
    session.expect("TD-4", "distinct metadata of readings", parts + 2, len(reply.metadata))
    # Without the key that sensors use, which a server may require (CU-10).
    writes.upload_rows(session, part=0, rows=[{}, {"": 1.5}], times=times[:2])
    reads.check_rows(session, FilterSpec(), descending=True)


def _metadata(session: Session, kind: datasync.DataTypeValue) -> datasync.UploadMetadata:
    part = session.place.parts[0]
    return datasync.UploadMetadata(
        part_id=part.part_id, type=kind, component_name=session.place.component
    )


@check("UP-1", "A22")
def unknown_parts(session: Session) -> None:
    """Unknown parts are refused in all uploads, and nothing is stored."""
    for part_id in ("", "no-such-part"):
        metadata = _metadata(session, datasync.DATA_TYPE_FILE)
        metadata.part_id = part_id
        answer = session.wire.stream(
            "FileUpload",
            [
                datasync.FileUploadRequest(metadata=metadata),
                datasync.FileUploadRequest(file_contents=datasync.FileData(data=b"x")),
            ],
        )
        raw.judge(session, "UP-1", "UNKNOWN", "FileUpload", answer)
        metadata.type = datasync.DATA_TYPE_TABULAR_SENSOR
        request = datasync.DataCaptureUploadRequest(
            metadata=metadata, sensor_contents=[raw.reading()]
        )
        answer = session.wire.call("DataCaptureUpload", request)
        raw.judge(session, "UP-1", "UNKNOWN", "DataCaptureUpload", answer)
    reads.check_files(session, FilterSpec(), descending=False)
    reads.check_rows(session, FilterSpec(), descending=False)


@check("A30")
def streams_out_of_order(session: Session) -> None:
    """Metadata must be first and unique; otherwise nothing is stored."""
    opening = datasync.FileUploadRequest(metadata=_metadata(session, datasync.DATA_TYPE_FILE))
    piece = datasync.FileUploadRequest(file_contents=datasync.FileData(data=b"x"))
    refused = [
        raw.refuse(session, "A30", "INVALID_ARGUMENT", "FileUpload", *messages)
        for messages in (
            [],
            [piece],
            [piece, opening],
            [opening, opening],
            [opening, piece, opening],
        )
    ]
    if all(refused):
        reads.check_files(session, FilterSpec(), descending=False)


@check("A29", "CU-3", "UP-2")
def types_against_contents(session: Session) -> None:
    """A missing type, or one that contradicts the contents, is refused; nothing is stored."""
    capture = raw.capture(_metadata(session, raw.BINARY), datasync.SensorData(binary=b"x"))
    raw.call(session, "UP-2", "DataCaptureUpload", capture)
    opening = datasync.FileUploadRequest(metadata=_metadata(session, datasync.DATA_TYPE_FILE))
    piece = datasync.FileUploadRequest(file_contents=datasync.FileData(data=b"x"))
    raw.stream(session, "UP-2", "FileUpload", [opening, piece])
    reading = raw.reading()
    capture = raw.capture(_metadata(session, raw.TABULAR), reading)
    raw.call(session, "UP-2", "DataCaptureUpload", capture)
    page = raw.page(session, "BF-1", "BinaryDataByFilter", raw.mine(session))
    session.expect("UP-2", "files of the two types for bytes", 2, len(page.data))
    session.expect(
        "UP-2",
        "readings",
        1,
        len(raw.page(session, "TD-1", "TabularDataByFilter", raw.mine(session)).data),
    )
    refused = []
    row, binary = raw.reading(), datasync.SensorData(binary=b"x")
    for kind, contents in (
        (datasync.DATA_TYPE_UNSPECIFIED, [row]),
        (datasync.DATA_TYPE_TABULAR_SENSOR, [binary]),
        (datasync.DATA_TYPE_BINARY_SENSOR, [row]),
        (datasync.DATA_TYPE_FILE, [binary]),
        (datasync.DATA_TYPE_BINARY_SENSOR, [binary, row]),
    ):
        request = datasync.DataCaptureUploadRequest(
            metadata=_metadata(session, kind), sensor_contents=contents
        )
        clause = "CU-3" if len(contents) > 1 else "A29"
        refused.append(
            raw.refuse(session, clause, "INVALID_ARGUMENT", "DataCaptureUpload", request)
        )
    if all(refused):
        again = raw.page(session, "BF-1", "BinaryDataByFilter", raw.mine(session))
        session.expect("A29", "files after refusals", len(page.data), len(again.data))


CHECKS = (
    bytes_come_back,
    names_and_types,
    tags_and_datasets,
    readings_come_back,
    unknown_parts,
    streams_out_of_order,
    types_against_contents,
)
