"""Unknown outcomes: a call that is cut, and the retry of a client that cannot know.

A call may be cut before the server did anything, after it did everything, or in the middle of
a stream. The client sees the same error each time and tries again. `OUTCOMES` says, for each RPC
that changes something, which states are legal then; any other means that something was done
by halves, or lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam_contracts import writes
from fakeviam_contracts.assertions import AnyOf
from fakeviam_contracts.checks.base import BASE
from fakeviam_contracts.descriptions import origin_of
from fakeviam_contracts.wirelog import ConnectionLostError, Refused

from fakeviam.wire import data, dataset, datasync

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam_contracts.session import Session
    from google.protobuf.message import Message

#: When a call is cut.
BEFORE, AFTER, MIDDLE = "before", "after", "middle"

STREAMS = frozenset({"FileUpload", "StreamingDataCaptureUpload"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CutOutcome:
    """One RPC that changes something.

    Attributes:
        rpc: Its name.
        clause: What the legal states rest on.
        requests: Its request, or the messages of its stream, for a session with one image
            (file 0, tagged "old", with box 0) in dataset 0, and dataset 1 empty.
        state: What to look at afterwards.
        once: The state if it was done once.
        twice: The state if it was done twice, where that differs: a retry may do it again.
        again: The statuses that the retry may get if the first try was done.
    """

    rpc: str
    clause: str
    requests: Callable[[Session], Sequence[Message]]
    state: Callable[[Session], object]
    once: object
    twice: object = None
    again: tuple[str, ...] = ("OK",)

    def legal(self, when: str) -> AnyOf:
        """The states that are legal after a cut and a retry."""
        done_twice = when == AFTER and self.twice is not None
        return AnyOf(self.once, *((self.twice,) if done_twice else ()))


def prepare(session: Session) -> None:
    """Make what `CutOutcome.requests` speaks of."""
    writes.upload(
        session, way="DataCaptureUpload", part=0, chunks=[b"x"], times=(BASE, BASE),
        extension=".jpg", tags=["old"],
    )  # fmt: skip
    writes.box(session, 0, "dog", (0.0, 0.0, 1.0, 1.0))
    for name in ("first", "second"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0])
    writes.upload_rows(session, part=0, rows=[{"readings": {"n": 1.0}}], times=[(BASE, BASE)])


def check_outcome(session: Session, outcome: CutOutcome, when: str) -> None:
    """Call, be cut, try again as a client would, and look at the state.

    The subject must cut the next call of the RPC at that moment, once.
    """
    requests = outcome.requests(session)
    first = _try(session, outcome, requests)
    session.expect(outcome.clause, f"{outcome.rpc} is cut {when}", "CUT", _status(first))
    second = _status(_try(session, outcome, requests))
    legal = outcome.again if when == AFTER else ("OK",)
    what = f"retry of {outcome.rpc} after a cut {when}"
    session.expect(outcome.clause, what, AnyOf(*legal), second)
    session.expect(
        outcome.clause,
        f"state after {outcome.rpc} was cut {when} and tried again",
        outcome.legal(when),
        outcome.state(session),
    )


def _try(session: Session, outcome: CutOutcome, requests: Sequence[Message]) -> object:
    try:
        if outcome.rpc in STREAMS:
            return session.wire.stream(outcome.rpc, requests)
        return session.wire.call(outcome.rpc, requests[0])
    except ConnectionLostError as error:
        return Refused("CUT", str(error))


def _status(answer: object) -> str:
    return answer.status if isinstance(answer, Refused) else "OK"


# What to look at ---------------------------------------------------------------------------


def _files(session: Session) -> list[data.BinaryData]:
    request = data.BinaryDataByFilterRequest(include_binary=True)
    return list(session.wire.call("BinaryDataByFilter", request).data)


def _contents(session: Session) -> list[bytes]:
    """The bytes of all files of component `new`."""
    return [f.binary for f in _files(session)
            if origin_of(f.metadata.capture_metadata).component_name == "new"]  # fmt: skip


def _rows(session: Session) -> int:
    request = data.TabularDataByFilterRequest(count_only=True)
    count: int = session.wire.call("TabularDataByFilter", request).count
    return count


def _image(session: Session) -> data.BinaryMetadata | None:
    return next((f.metadata for f in _files(session) if f.binary == b"x"), None)


def _tags(session: Session) -> list[str]:
    image = _image(session)
    tags = image.capture_metadata.tags if image else []
    return [tag for tag in tags if not tag.startswith("VIAM_DATASET_")]


def _labels(session: Session) -> list[str]:
    image = _image(session)
    return sorted(box.label for box in image.annotations.bboxes) if image else []


def _members(session: Session) -> list[str | int]:
    image = _image(session)
    return sorted((session.handles.dataset(d) for d in image.dataset_ids), key=str) if image else []


def _names(session: Session) -> list[str]:
    request = dataset.ListDatasetsByOrganizationIDRequest(
        organization_id=session.place.organization_id
    )
    listed = session.wire.call("ListDatasetsByOrganizationID", request).datasets
    return sorted(entry.name for entry in listed)


# The table ---------------------------------------------------------------------------------


def _upload_metadata(session: Session, kind: datasync.DataTypeValue) -> datasync.UploadMetadata:
    return datasync.UploadMetadata(
        part_id=session.place.parts[0].part_id, type=kind, component_name="new"
    )


def _capture(session: Session) -> list[Message]:
    metadata = _upload_metadata(session, datasync.DATA_TYPE_BINARY_SENSOR)
    contents = [datasync.SensorData(binary=b"ab")]
    return [datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)]


def _file(session: Session) -> list[Message]:
    metadata = _upload_metadata(session, datasync.DATA_TYPE_FILE)
    pieces = [datasync.FileData(data=piece) for piece in (b"a", b"b")]
    return [
        datasync.FileUploadRequest(metadata=metadata),
        *(datasync.FileUploadRequest(file_contents=piece) for piece in pieces),
    ]


def _streaming(session: Session) -> list[Message]:
    metadata = datasync.DataCaptureUploadMetadata(
        upload_metadata=_upload_metadata(session, datasync.DATA_TYPE_BINARY_SENSOR)
    )
    return [
        datasync.StreamingDataCaptureUploadRequest(metadata=metadata),
        *(datasync.StreamingDataCaptureUploadRequest(data=piece) for piece in (b"a", b"b")),
    ]


def _one(make: Callable[[Session], Message]) -> Callable[[Session], Sequence[Message]]:
    return lambda session: [make(session)]


_TWO = [b"ab", b"ab"]

OUTCOMES: tuple[CutOutcome, ...] = (
    CutOutcome(rpc="DataCaptureUpload", clause="UP-9", requests=_capture,
            state=_contents, once=[b"ab"], twice=_TWO),
    CutOutcome(rpc="FileUpload", clause="UP-9", requests=_file,
            state=_contents, once=[b"ab"], twice=_TWO),
    CutOutcome(rpc="StreamingDataCaptureUpload", clause="UP-9", requests=_streaming,
            state=_contents, once=[b"ab"], twice=_TWO),
    CutOutcome(rpc="AddTagsToBinaryDataByIDs", clause="TA-1", requests=_one(
            lambda s: data.AddTagsToBinaryDataByIDsRequest(
                binary_data_ids=s.handles.files, tags=["new"])),
            state=_tags, once=["old", "new"]),
    CutOutcome(rpc="AddTagsToBinaryDataByFilter", clause="TA-1", requests=_one(
            lambda _: data.AddTagsToBinaryDataByFilterRequest(tags=["new"])),
            state=_tags, once=["old", "new"]),
    CutOutcome(rpc="RemoveTagsFromBinaryDataByIDs", clause="TR-1", requests=_one(
            lambda s: data.RemoveTagsFromBinaryDataByIDsRequest(
                binary_data_ids=s.handles.files, tags=["old"])),
            state=_tags, once=[]),
    CutOutcome(rpc="RemoveTagsFromBinaryDataByFilter", clause="TR-1", requests=_one(
            lambda _: data.RemoveTagsFromBinaryDataByFilterRequest(tags=["old"])),
            state=_tags, once=[]),
    CutOutcome(rpc="AddBoundingBoxToImageByID", clause="BX-1", requests=_one(
            lambda s: data.AddBoundingBoxToImageByIDRequest(
                binary_data_id=s.handles.files[0], label="new", x_max_normalized=1.0,
                y_max_normalized=1.0)),
            state=_labels, once=["dog", "new"], twice=["dog", "new", "new"]),
    CutOutcome(rpc="UpdateBoundingBox", clause="BU-1", requests=_one(
            lambda s: data.UpdateBoundingBoxRequest(
                binary_data_id=s.handles.files[0], bbox_id=s.handles.boxes[0], label="wolf")),
            state=_labels, once=["wolf"]),
    CutOutcome(rpc="RemoveBoundingBoxFromImageByID", clause="BR-1", requests=_one(
            lambda s: data.RemoveBoundingBoxFromImageByIDRequest(
                binary_data_id=s.handles.files[0], bbox_id=s.handles.boxes[0])),
            state=_labels, once=[], again=("OK", "NOT_FOUND")),
    CutOutcome(rpc="CreateDataset", clause="DS-1", requests=_one(
            lambda s: dataset.CreateDatasetRequest(
                name="new", organization_id=s.place.organization_id)),
            state=_names, once=["first", "new", "second"], again=("ALREADY_EXISTS",)),
    CutOutcome(rpc="RenameDataset", clause="DS-3", requests=_one(
            lambda s: dataset.RenameDatasetRequest(id=s.handles.datasets[0], name="new")),
            state=_names, once=["new", "second"]),
    CutOutcome(rpc="DeleteDataset", clause="DS-2", requests=_one(
            lambda s: dataset.DeleteDatasetRequest(id=s.handles.datasets[0])),
            state=lambda s: (_names(s), _members(s)), once=(["second"], []),
            again=("OK", "NOT_FOUND")),
    CutOutcome(rpc="MergeDatasets", clause="DS-10", requests=_one(
            lambda s: dataset.MergeDatasetsRequest(
                dataset_ids=s.handles.datasets, name="new",
                organization_id=s.place.organization_id)),
            state=_names, once=["first", "new", "second"], again=("ALREADY_EXISTS",)),
    CutOutcome(rpc="AddBinaryDataToDatasetByIDs", clause="DM-1", requests=_one(
            lambda s: data.AddBinaryDataToDatasetByIDsRequest(
                dataset_id=s.handles.datasets[1], binary_data_ids=s.handles.files)),
            state=_members, once=[0, 1]),
    CutOutcome(rpc="RemoveBinaryDataFromDatasetByIDs", clause="DM-1", requests=_one(
            lambda s: data.RemoveBinaryDataFromDatasetByIDsRequest(
                dataset_id=s.handles.datasets[0], binary_data_ids=s.handles.files)),
            state=_members, once=[]),
    CutOutcome(rpc="DeleteBinaryDataByIDs", clause="DI-1", requests=_one(
            lambda s: data.DeleteBinaryDataByIDsRequest(binary_data_ids=s.handles.files)),
            state=lambda s: len(_files(s)), once=0),
    CutOutcome(rpc="DeleteBinaryDataByFilter", clause="DF-1", requests=_one(
            lambda s: data.DeleteBinaryDataByFilterRequest(
                filter=data.Filter(organization_ids=[s.place.organization_id]))),
            state=lambda s: len(_files(s)), once=0),
    CutOutcome(rpc="DeleteTabularData", clause="DT-1", requests=_one(
            lambda s: data.DeleteTabularDataRequest(organization_id=s.place.organization_id)),
            state=_rows, once=0),
)  # fmt: skip
