"""Unwanted side effects: on other records, on other fields, and of refused requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check, small_world
from fakeviam_contracts.descriptions import LABEL, binary_id
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.session import Ground, permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session

WHOLE = (0.0, 0.0, 1.0, 1.0)
EVERY = FilterSpec()


def _upload_similar(session: Session) -> None:
    """Upload three similar images and a reading, and create two datasets."""
    for at in range(3):
        writes.upload(
            session, way="DataCaptureUpload", part=0, chunks=[b"same"], times=(BASE, BASE + 7),
            component="cam", component_type="camera", method="ReadImage", extension=".png",
            file_name="same", tags=["a", "b"],
        )  # fmt: skip
        writes.upload_rows(
            session, part=0, rows=[{"readings": {"n": float(at)}}], times=[(BASE, BASE + 7)],
            component="cam", component_type="camera", method="ReadImage", tags=["a", "b"],
        )  # fmt: skip
    for name in ("pets", "cars"):
        writes.create_dataset(session, name)


def _look(session: Session) -> None:
    reads.check_files(session, EVERY, descending=False, with_bytes=True)
    reads.check_rows(session, EVERY, descending=False)
    reads.check_tags(session, EVERY)
    reads.check_labels(session, EVERY)


@check("TA-1", "TR-1", "BX-5", "BR-1", "DM-1", "DI-1")
def one_of_several_alike(session: Session) -> None:
    """Changes of one record do not affect equal ones, or readings."""
    _upload_similar(session)
    # Labels are the tags, and the other way round: neither knows of the other.
    writes.box(session, 0, "a", WHOLE)
    writes.box(session, 1, "c", WHOLE)
    writes.box(session, 2, "a", WHOLE)
    writes.tag(session, [1], ["c"])
    _look(session)
    writes.tag(session, [2], ["a"], remove=True)
    _look(session)
    writes.update_box(session, 1, 1, {"label": "b", "x_max_normalized": 0.5})
    _look(session)
    writes.remove_box(session, 0, 0)
    _look(session)
    writes.change_members(session, 0, [0, 1])
    writes.change_members(session, 1, [1, 2])
    writes.change_members(session, 0, [1], remove=True)
    _look(session)
    writes.delete_files(session, [1])
    _look(session)


def _changes() -> tuple[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]], ...]:
    """Changes of similar files and readings, one by one."""
    new: dict[str, Any] = {"part": 0, "times": (BASE, BASE + 7), "tags": ["new"]}
    return (
        (_look, (), {}),
        (writes.tag_matching, (EVERY, ["c"]), {}),
        (writes.tag_matching, (EVERY, ["a", "c"]), {"remove": True}),
        (writes.box, (0, "dog", WHOLE), {}),
        (writes.update_box, (0, 0, {"label": "cat"}), {}),
        (writes.remove_box, (0, 0), {}),
        (writes.change_members, (0, [0, 1]), {}),
        (writes.change_members, (0, [1]), {"remove": True}),
        (writes.rename_dataset, (1, "trees"), {}),
        (writes.merge_datasets, ([0, 1], "both"), {}),
        (writes.change_members, (2, [2]), {}),
        (writes.delete_dataset, (0,), {}),
        (writes.box, (1, "bird", WHOLE), {}),
        (writes.upload, (), {**new, "way": "FileUpload", "chunks": [b"1"]}),
        (writes.upload, (), {**new, "way": "StreamingDataCaptureUpload", "chunks": [b"2"]}),
        (writes.delete_matching, (FilterSpec(tags=("b",)),), {}),
        (writes.delete_files, ([3],), {}),
        (writes.delete_rows, (0, EVERY), {}),
    )


def _changes_of_some() -> tuple[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]], ...]:
    """Changes after which others still have what one has lost, and that change what they select."""
    tagged, untagged = FilterSpec(tag_rule="tagged"), FilterSpec(tag_rule="untagged")
    return (
        (writes.tag, ([0], ["a", "b"]), {"remove": True}),
        (writes.box, (0, "dog", WHOLE), {}),
        (writes.box, (0, "dog", WHOLE), {}),
        (writes.box, (1, "cat", WHOLE), {}),
        (writes.update_box, (0, 1, {"label": "cat"}), {}),
        (writes.remove_box, (0, 0), {}),
        (writes.update_box, (0, 1, {"label": "bird"}), {}),
        (writes.update_box, (0, 1, {"label": "cat"}), {}),
        (writes.remove_box, (1, 2), {}),
        (writes.change_members, (0, [0, 1]), {}),
        (writes.tag_matching, (FilterSpec(tags=("b",)), ["a", "b"]), {"remove": True}),
        (writes.tag_matching, (untagged, ["n"]), {}),
        (writes.tag, ([1], ["n"]), {"remove": True}),
        (writes.delete_files, ([0],), {}),
        (writes.delete_dataset, (0,), {}),
        (writes.delete_matching, (tagged,), {}),
    )


@check("TA-3", "TR-1", "BL-1", "BU-1", "BR-1", "DM-1", "DS-2", "DS-3", "DS-10", "DF-1", "DT-1")
def answers_follow_changes(session: Session) -> None:
    """The same requests after each change, to find stale replies."""
    _upload_similar(session)
    for change, arguments, names in _changes():
        change(session, *arguments, **names)
        _look(session)
        reads.check_by_ids(session, [0, 1, 2])
        reads.check_counts(session, EVERY)
        writes.check_datasets(session)


@check("FI-6", "FI-7", "FI-10", "TG-1", "BL-1", "TR-1", "TA-3", "DF-1", "DS-2", "PG-8", "A54")
def filters_follow_changes(session: Session) -> None:
    """Filters and lists know at once what a file has lost, and what others still have."""
    _upload_similar(session)
    for change, arguments, names in _changes_of_some():
        change(session, *arguments, **names)
        _look(session)
        for spec in (
            FilterSpec(tag_rule="tagged"),
            FilterSpec(tag_rule="untagged"),
            FilterSpec(tags=("a", "b")),
            FilterSpec(box_labels=("dog",)),
            FilterSpec(box_labels=("dog", "cat")),
            FilterSpec(dataset=0),
        ):
            reads.check_files(session, spec, descending=False)
            reads.check_counts(session, spec)
        reads.check_tags(session, FilterSpec(dataset=0))
        reads.check_labels(session, FilterSpec(dataset=0))


@check("A23", "TA-1")
def files_of_one_capture(session: Session) -> None:
    """Files of one upload have the same metadata, but are changed independently."""
    upload = raw.metadata(session, raw.BINARY, tags=["a"], file_extension=".png")
    contents = [
        datasync.SensorData(metadata=raw.sensor(BASE + at, BASE), binary=b"%d" % at)
        for at in range(3)
    ]
    answer = session.wire.call("DataCaptureUpload", raw.capture(upload, *contents))
    if session.outcome("CU-1", "DataCaptureUpload", answer, [permission("A23")]) is None:
        return
    page = raw.page(session, "BF-1", "BinaryDataByFilter", raw.mine(session))
    ids = [entry.metadata.binary_data_id for entry in page.data]
    if not session.expect("A23", "files of three contents", 3, len(ids)):
        return
    tagging = data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=ids[:1], tags=["b"])
    raw.call(session, "TA-1", "AddTagsToBinaryDataByIDs", tagging)
    removing = data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=ids[1:2], tags=["a"])
    raw.call(session, "TR-1", "RemoveTagsFromBinaryDataByIDs", removing)
    boxing = data.AddBoundingBoxToImageByIDRequest(
        binary_data_id=ids[2], label="dog", x_max_normalized=1, y_max_normalized=1
    )
    raw.call(session, "BX-1", "AddBoundingBoxToImageByID", boxing)
    files = raw.files(session, *ids)
    tags = [sorted(one.capture_metadata.tags) for one in files]
    session.expect("TA-1", "tags of files of one capture", [["a", "b"], [], ["a"]], tags)
    boxes = [len(one.annotations.bboxes) for one in files]
    session.expect("BX-5", "boxes of files of one capture", [0, 0, 1], boxes)


@check("BU-3", "DS-8", "DM-3")
def refused_as_a_whole(session: Session) -> None:
    """A request that is refused has no partial effects."""
    _upload_similar(session)
    writes.box(session, 0, "dog", (0.1, 0.2, 0.3, 0.4), confidence=0.5)
    for changes in (
        {"label": "cat", "x_max_normalized": 1.5},
        {"x_min_normalized": 0.0, "y_max_normalized": -1.0},
        {"label": "cat", "confidence": 1.5},
        {"confidence": 0.9, "label": " "},
        {"y_min_normalized": 0.3, "x_min_normalized": 0.9},
    ):
        writes.update_box(session, 0, 0, changes)
    writes.delete_files(session, [2])
    for remove in (False, True):
        writes.tag(session, [0, 2, 1], ["b", "c"], remove=remove)
        writes.change_members(session, 0, [1, 2, 0], remove=remove)
    writes.rename_dataset(session, 1, "pets")
    writes.merge_datasets(session, [0, 1], "cars")
    writes.check_datasets(session)
    _look(session)


def _creation_times(session: Session) -> dict[str, tuple[int, int]]:
    """The creation times of datasets."""
    request = dataset.ListDatasetsByIDsRequest(ids=session.handles.datasets)
    listed = raw.call(session, "DS-5", "ListDatasetsByIDs", request).datasets
    return {d.id: (d.time_created.seconds, d.time_created.nanos) for d in listed}


@check("DS-3", "TM-1", "CU-1")
def times_stay(session: Session) -> None:
    """Capture times and creation times never change."""
    _upload_similar(session)
    before = _creation_times(session)
    if session.place.advance is not None:
        session.place.advance(3600 * SECOND)
    writes.rename_dataset(session, 0, "dogs")
    session.expect("DS-3", "times of creation after a new name", before, _creation_times(session))
    writes.change_members(session, 0, [0, 1])
    writes.tag(session, [0], ["c"])
    writes.box(session, 1, "dog", WHOLE)
    session.expect(
        "DS-3", "times of creation after changes of members", before, _creation_times(session)
    )
    _look(session)
    reads.check_files(session, FilterSpec(start=BASE, end=BASE), descending=False)


@check("A10", "A11", "DM-2", "DM-3")
def labels_are_no_tags(session: Session) -> None:
    """Labels cannot be removed or added as tags; only membership matters."""
    _upload_similar(session)
    writes.change_members(session, 0, [0, 1])
    one, other, third = session.handles.files
    mine, cars = (LABEL + dataset_id for dataset_id in session.handles.datasets)
    rpc = "RemoveTagsFromBinaryDataByIDs"
    request = data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=[one, other], tags=[mine])
    reply = session.outcome("TR-1", rpc, session.wire.call(rpc, request), [permission("A10")])
    if reply is not None:
        session.expect("A10", "labels removed as tags", 0, reply.deleted_count)
    reads.check_files(session, FilterSpec(dataset=0), descending=False)
    reads.check_files(session, EVERY, descending=False)
    adding = data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=[third], tags=[cars])
    rpc = "AddTagsToBinaryDataByIDs"
    if session.outcome("TA-1", rpc, session.wire.call(rpc, adding), [permission("A11")]) is None:
        return
    if reads.is_selected_rightly(session, session.within(FilterSpec(dataset=1))):
        reads.check_files(session, FilterSpec(dataset=1), descending=False)
    (file,) = raw.files(session, third)
    session.expect("DM-3", "datasets of a file with such a tag", [], list(file.dataset_ids))
    undo = data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=[third], tags=[cars])
    rpc = "RemoveTagsFromBinaryDataByIDs"
    session.outcome("TR-1", rpc, session.wire.call(rpc, undo), [permission("TR-3")])
    reads.check_by_ids(session, [0, 1, 2])


@check("DS-1", "DS-2", "UP-9", "TA-1")
def nothing_comes_back(session: Session) -> None:
    """New objects inherit nothing from deleted ones: no members, tags or boxes."""
    _upload_similar(session)
    writes.change_members(session, 0, [0, 1])
    writes.box(session, 0, "dog", WHOLE)
    writes.tag(session, [0], ["old"])
    writes.delete_dataset(session, 0)
    writes.create_dataset(session, "pets")
    reads.check_files(session, FilterSpec(dataset=2), descending=False)
    writes.delete_files(session, [0])
    writes.upload(
        session, way="DataCaptureUpload", part=0, chunks=[b"same"], times=(BASE, BASE + 7),
        component="cam", component_type="camera", method="ReadImage", extension=".png",
    )  # fmt: skip
    _look(session)
    writes.rename_dataset(session, 1, "free")
    writes.create_dataset(session, "cars")
    writes.check_datasets(session)
    writes.delete_matching(session, FilterSpec(tags=("a",)))
    writes.delete_rows(session, 0, FilterSpec(tags=("a",)))
    _look(session)


# Ids with one segment wrong ----------------------------------------------------------------


def _wrong(text: str) -> list[str]:
    organization, location, file = text.split("/")
    return [
        f"{raw.NOBODY}/{location}/{file}",
        f"{organization}/elsewhere/{file}",
        f"{organization}/{location}/{file[:-1]}",
        f"{location}/{organization}/{file}",
    ]


@check("ID-6", "A13")
def ids_with_a_wrong_segment(session: Session) -> None:
    """Ids with one wrong segment are unknown in every form; the files remain unchanged."""
    small_world(session)
    for name in ("pets", "cars"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0])
    text, (pets, cars) = session.handles.files[0], session.handles.datasets
    before = raw.files(session, text)[0].SerializeToString(deterministic=True)
    for rpc, more in (
        ("AddTagsToBinaryDataByIDs", {"tags": ["new"]}),
        ("RemoveTagsFromBinaryDataByIDs", {"tags": ["dog"]}),
        ("AddBinaryDataToDatasetByIDs", {"dataset_id": cars}),
        ("RemoveBinaryDataFromDatasetByIDs", {"dataset_id": pets}),
        ("DeleteBinaryDataByIDs", {}),
    ):
        for wrong in _wrong(text):
            for ids in ({"binary_data_ids": [wrong]}, {"binary_ids": [binary_id(wrong)]}):
                request: Message = getattr(data, f"{rpc}Request")(**ids, **more)
                _names_nothing(session, rpc, request, old="binary_ids" in ids)
        after = raw.files(session, text)[0].SerializeToString(deterministic=True)
        same = before == after
        session.expect("ID-6", f"a file stays as it is after {rpc}", expected=True, observed=same)


def _names_nothing(session: Session, rpc: str, request: Message, *, old: bool) -> None:
    grounds = [permission("ID-7")]
    if session.interpretation.unknown_ids == "refuse":
        grounds = [Ground("A13", "NOT_FOUND")]
    if old and session.interpretation.deprecated_binary_id == "refuse":
        grounds = [Ground("A14", "FAILED_PRECONDITION")]
    elif old:
        grounds.append(permission("A14"))
    grounds.append(permission("A13"))
    reply = session.outcome("ID-6", rpc, session.wire.call(rpc, request), grounds)
    if reply is not None and "deleted_count" in reply.DESCRIPTOR.fields_by_name:
        session.expect("ID-6", f"count of {rpc}", 0, reply.deleted_count)


@check("BX-8", "ID-6")
def boxes_of_a_wrong_segment(session: Session) -> None:
    """A box requires the full id of its image."""
    small_world(session)
    writes.box(session, 0, "dog", WHOLE)
    text, bbox_id = session.handles.files[0], session.handles.boxes[0]
    for wrong in _wrong(text):
        for rpc, request in (
            (
                "AddBoundingBoxToImageByID",
                data.AddBoundingBoxToImageByIDRequest(
                    binary_data_id=wrong, label="new", x_max_normalized=1, y_max_normalized=1
                ),
            ),
            (
                "UpdateBoundingBox",
                data.UpdateBoundingBoxRequest(binary_data_id=wrong, bbox_id=bbox_id, label="new"),
            ),
            (
                "RemoveBoundingBoxFromImageByID",
                data.RemoveBoundingBoxFromImageByIDRequest(binary_data_id=wrong, bbox_id=bbox_id),
            ),
        ):
            raw.refuse(session, "BX-8", "NOT_FOUND", rpc, request)
    labels = [box.label for box in raw.files(session, text)[0].annotations.bboxes]
    session.expect("ID-6", "boxes of the image whose id has the other segments", ["dog"], labels)


CHECKS = (
    one_of_several_alike,
    answers_follow_changes,
    filters_follow_changes,
    files_of_one_capture,
    refused_as_a_whole,
    times_stay,
    labels_are_no_tags,
    nothing_comes_back,
    ids_with_a_wrong_segment,
    boxes_of_a_wrong_segment,
)
