"""What replies say about one file, compared with the model."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.wire.times import nanos_from
from fakeviam_contracts.clauses import binding
from fakeviam_contracts.descriptions import described, observed, tags_of

if TYPE_CHECKING:
    from fakeviam.wire import data
    from fakeviam_contracts.model import Box, File, FilterSpec
    from fakeviam_contracts.session import Session

#: Tags of the letters that the documentation of capture names.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def check_file(
    session: Session, file: File, entry: data.BinaryData, *, bytes_clause: str, with_bytes: bool
) -> None:
    """Everything a reply says about one file."""
    name = f"file {file.handle}"
    _check_membership(session, file, entry.metadata)
    tags = tags_of(session.model, session.handles, entry.metadata, file.datasets)
    got = observed(session.handles, entry.metadata, tags)
    _check_confidences(session, file, got["boxes"])
    wanted = described(file)
    _check_ids(session, file, entry.metadata)
    if special := wanted["tags"] - set(filter(_PLAIN.fullmatch, file.tags)):
        session.expect("TA-5", f"special tags of {name}", special, special & got["tags"])
    if not session.expect_all(file.because, wanted, got, name):
        _adopt(session, file, got)
    are_set = entry.metadata.HasField("time_requested") and entry.metadata.HasField("time_received")
    session.expect("TM-2", f"both times of {name} are set", expected=True, observed=are_set)
    received = nanos_from(entry.metadata.time_received)
    if not session.expect("A32", f"received of {name}", file.received, received, legal=True):
        file.received = received
    shown = {tag for tag in tags if not isinstance(tag, str)}
    labels = {("label", d) for d in file.datasets}
    if shown or labels:
        candidates = {"shown": labels, "hidden": set()}
        session.choose("dataset_label", f"labels of {name}", candidates, shown, "DM-2")
    clause = file.because["size"]
    if not with_bytes or not entry.binary:
        clause = bytes_clause
    wanted_bytes = file.data if with_bytes else b""
    if len(wanted_bytes) > _LONG and wanted_bytes != entry.binary:
        session.expect(clause, f"bytes of {name}", _told(wanted_bytes), _told(entry.binary))
    session.expect(clause, f"bytes of {name}", wanted_bytes, entry.binary)


#: Longer contents are described by their size, digest and beginning.
_LONG = 64


def _told(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{len(content)} bytes, SHA-256 {digest}..., {content[:16].hex(' ')}..."


def _check_confidences(session: Session, file: File, got: dict[object, Box]) -> None:
    """The confidence of a new box, if that is all that differs (BX-4)."""
    wanted = {box.handle: box.confidence for box in file.boxes}
    told = {handle: box.confidence for handle, box in got.items()}
    if file.because["boxes"] != "BX-5" or wanted == told or wanted.keys() != told.keys():
        return
    if all(replace(got[b.handle], confidence=b.confidence) == b for b in file.boxes):
        session.expect("BX-4", f"confidence of boxes of file {file.handle}", wanted, told)
        file.boxes = [got[box.handle] for box in file.boxes]


def _check_membership(session: Session, file: File, metadata: data.BinaryMetadata) -> None:
    """Datasets in the metadata (DM-3)."""
    shown = {session.handles.dataset(dataset_id) for dataset_id in metadata.dataset_ids}
    if shown or file.datasets:
        clause = file.because.get("datasets", "UP-7") if shown else "DM-3"
        what = f"datasets of file {file.handle}"
        session.comparisons["DM-3"] += clause != "DM-3"
        session.expect(clause, what, set(file.datasets), shown)


def _adopt(session: Session, file: File, got: dict[str, Any]) -> None:
    """Go on with what a file was seen to be where no clause binds."""
    if file.because["tags"] == "TA-1" and len(set(got["tag order"])) < len(got["tag order"]):
        session.expect("TA-1", f"each tag of file {file.handle} once", True, False)  # noqa: FBT003
    for aspect in ("mime_type", "file_ext", "file_name"):
        if file.because[aspect] not in binding():
            setattr(file, aspect, got[aspect])
    if file.because["tag order"] not in binding() and set(file.tags) == got["tags"]:
        file.tags = list(dict.fromkeys(got["tag order"]))
    if file.because["boxes"] not in binding():
        ours = [box for box in got["boxes"].values() if isinstance(box.handle, int)]
        file.boxes = sorted(ours, key=lambda box: box.handle)


def _check_ids(session: Session, file: File, metadata: data.BinaryMetadata) -> None:
    """The bare id is the last segment of the whole one (ID-2, ID-3)."""
    whole = session.handles.files[file.handle]
    at = metadata.capture_metadata
    placed = bool(at.organization_id and at.location_id)
    session.expect("ID-3", "the metadata says where a file is", expected=True, observed=placed)
    session.expect("ID-3", "the whole id in the metadata", whole, metadata.binary_data_id)
    session.expect("ID-3", "the bare id in the metadata", whole.rpartition("/")[2], metadata.id)


def has_what_is_asked(
    session: Session, file: File, metadata: data.BinaryMetadata, spec: FilterSpec
) -> bool:
    """Whether a file has the tags, labels or datasets that a filter asks for, as in the model."""
    if spec.dataset is not None:
        shown = {session.handles.dataset(dataset_id) for dataset_id in metadata.dataset_ids}
        return shown == set(file.datasets)
    if spec.box_labels:
        labels = sorted(box.label for box in metadata.annotations.bboxes)
        return labels == sorted(box.label for box in file.boxes)
    tags = tags_of(session.model, session.handles, metadata, file.datasets)
    return {tag for tag in tags if isinstance(tag, str)} == set(file.tags)
