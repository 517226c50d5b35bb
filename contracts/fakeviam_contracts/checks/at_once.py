"""Concurrent clients: no lost updates, nothing counted twice, each its own replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts import pages, reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, Check, Need
from fakeviam_contracts.checks.tags_and_members_at_once import (
    answered,
    images,
    members_at_once,
    reading,
    tags_at_once,
    tags_by_filter_at_once,
    tags_removed_at_once,
)
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.wirelog import Timed

#: The number of clients.
FEW, MANY = 2, 8


# Boxes, deletes -------------------------------------------------------------------------------


def boxes_at_once(session: Session, clients: int) -> None:
    """Clients add boxes to the same image, and remove their first: all stands, ids differ."""
    (text,) = images(session, 1)
    scripts: list[list[list[Message]]] = [
        [
            [
                data.AddBoundingBoxToImageByIDRequest(
                    binary_data_id=text,
                    label=f"{client}-{number}",
                    x_max_normalized=1,
                    y_max_normalized=1,
                )
            ]
            for number in range(2)
        ]
        for client in range(clients)
    ]
    timed = answered(session, "BX-1", session.wire.at_once(scripts))
    ids = {call.answer.bbox_id for call in timed}
    session.expect("BX-1", "ids of boxes of clients at once", len(timed), len(ids))
    (found,) = raw.files(session, text)
    labels = {f"{client}-{number}" for client in range(clients) for number in range(2)}
    told = {box.label for box in found.annotations.bboxes}
    session.expect("BX-5", "boxes when all clients are done", labels, told)
    first = [box.id for box in found.annotations.bboxes if box.label.endswith("-0")]
    removing: list[list[list[Message]]] = [
        [[data.RemoveBoundingBoxFromImageByIDRequest(binary_data_id=text, bbox_id=one)]]
        for one in first
    ]
    answered(session, "BR-1", session.wire.at_once(removing))
    (found,) = raw.files(session, text)
    told = {box.label for box in found.annotations.bboxes}
    second = {label for label in labels if label.endswith("-1")}
    session.expect("BR-1", "boxes when all clients removed one", second, told)


def deletes_at_once(session: Session, clients: int) -> None:
    """A file that all clients delete is deleted once, and counted once."""
    ids = images(session)
    scripts: list[list[list[Message]]] = [
        [[data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids)]] for _ in range(clients)
    ]
    timed = session.wire.at_once(scripts)
    counted = sum(c.answer.deleted_count for c in timed if not isinstance(c.answer, Refused))
    session.expect("DI-1", "files that all clients deleted together", len(ids), counted)
    session.model.delete_files(range(len(session.handles.files)))
    reads.check_files(session, FilterSpec())


# Uploads, names, pages -----------------------------------------------------------------------


def uploads_at_once(session: Session, clients: int) -> None:
    """Concurrent uploads create separate files with their own bytes."""
    scripts = [
        [_upload(session, client, number) for number in range(3)] for client in range(clients)
    ]
    timed = answered(session, "UP-9", session.wire.at_once(scripts))
    ids = [call.answer.binary_data_id for call in timed]
    session.expect("UP-9", "ids of uploads at once", len(ids), len(set(ids)))
    request = data.BinaryDataByIDsRequest(binary_data_ids=ids, include_binary=True)
    found = raw.call(session, "BI-1", "BinaryDataByIDs", request).data
    told = {entry.metadata.binary_data_id: entry.binary for entry in found}
    wanted = {call.answer.binary_data_id: _content(call) for call in timed}
    session.expect("FU-3", "contents of uploads at once", wanted, told)


def _upload(session: Session, client: int, number: int) -> list[Message]:
    kind = datasync.DATA_TYPE_FILE if number % 2 else raw.BINARY
    metadata = raw.metadata(session, kind)
    content = b"%d of %d;" % (number, client)
    if kind == raw.BINARY:
        sensor = raw.sensor(BASE, BASE)
        return [raw.capture(metadata, datasync.SensorData(metadata=sensor, binary=content))]
    pieces = [datasync.FileData(data=content[at : at + 3]) for at in range(0, len(content), 3)]
    return [
        datasync.FileUploadRequest(metadata=metadata),
        *(datasync.FileUploadRequest(file_contents=piece) for piece in pieces),
    ]


def _content(call: Timed) -> bytes:
    if call.rpc == "FileUpload":
        pieces: list[Any] = list(call.requests[1:])
        return b"".join(piece.file_contents.data for piece in pieces)
    request: Any = call.requests[0]
    content: bytes = request.sensor_contents[0].binary
    return content


def names_at_once(session: Session, clients: int) -> None:
    """Of concurrent creations or renamings to one name, exactly one succeeds; deletes all do."""
    organization_id = session.place.organization_id
    creating: list[Message] = [
        dataset.CreateDatasetRequest(name="pets", organization_id=organization_id)
    ]
    timed = session.wire.at_once([[creating]] * clients)
    made = [call.answer.id for call in timed if not isinstance(call.answer, Refused)]
    session.expect("DS-8", "datasets of one name, created at once", 1, len(made))
    session.handles.datasets += made
    for number in range(clients):
        request = dataset.CreateDatasetRequest(
            name=f"own {number}", organization_id=organization_id
        )
        reply = raw.call(session, "DS-1", "CreateDataset", request)
        session.handles.datasets.append(reply.id)
    own = session.handles.datasets[len(made) :]
    scripts: list[list[list[Message]]] = [
        [[dataset.RenameDatasetRequest(id=one, name="cars")]] for one in own
    ]
    timed = session.wire.at_once(scripts)
    renamed = [call for call in timed if not isinstance(call.answer, Refused)]
    session.expect("DS-8", "datasets that got one name at once", 1, len(renamed))
    deleting: list[list[list[Message]]] = [[[dataset.DeleteDatasetRequest(id=one)]] for one in own]
    answered(session, "DS-2", session.wire.at_once(deleting))
    listing = dataset.ListDatasetsByIDsRequest(ids=own)
    left = raw.call(session, "DS-5", "ListDatasetsByIDs", listing).datasets
    session.expect("DS-2", "datasets that clients deleted at once", 0, len(left))


def pages_beside_uploads(session: Session, clients: int) -> None:
    """Pages are complete and without duplicates while others upload (PG-7)."""
    ids = images(session, 2 * clients + 5)
    asked = data.DataRequest(
        filter=session.filter(session.within(FilterSpec())),
        limit=5,
        sort_order=data.ORDER_DESCENDING,
    )
    request = data.BinaryDataByFilterRequest(data_request=asked)
    seen: list[str] = []
    for turn in range(2 * clients + 5):
        uploads = [[_upload(session, client, 2 * turn)] for client in range(clients - 1)]
        timed = answered(session, "PG-3", session.wire.at_once([[[request]], *uploads]))
        (page,) = (call.answer for call in timed if call.rpc == "BinaryDataByFilter")
        if not page.data:
            break
        seen += [entry.metadata.binary_data_id for entry in page.data]
        request.data_request.last = page.last
    mine = [one for one in seen if one in set(ids)]
    session.expect("PG-7", "files that were there, once each", sorted(ids), sorted(mine))


def questions_at_once(session: Session, clients: int) -> None:
    """Clients get the replies to their own requests, page by page."""
    for client in range(clients):
        for at in range(3):
            writes.upload(
                session, way="DataCaptureUpload", part=0, chunks=[b"%d" % at],
                times=(BASE + 10 * client + at, BASE), tags=[f"of {client}"],
            )  # fmt: skip
    requests = []
    for client in range(clients):
        spec = session.within(FilterSpec(tags=(f"of {client}",)))
        if not reads.is_selected_rightly(session, spec):
            return  # which is no matter of clients at once
        asked = data.DataRequest(
            filter=session.filter(spec), limit=1, sort_order=pages.ORDERS[False]
        )
        requests.append(data.BinaryDataByFilterRequest(data_request=asked))
    seen: list[list[int | str]] = [[] for _ in requests]
    for _ in range(3):
        timed = session.wire.at_once([[[request]] for request in requests])
        for call in answered(session, "BF-1", timed):
            seen[call.client] += [
                session.handles.file(entry.metadata.binary_data_id) for entry in call.answer.data
            ]
            requests[call.client].data_request.last = call.answer.last
    wanted = [list(range(3 * client, 3 * client + 3)) for client in range(clients)]
    session.expect("PG-3", "files of the pages of clients at once", wanted, seen)
    scripts = [[reading([session.handles.files[at] for at in own])] for own in wanted]
    timed = answered(session, "BI-1", session.wire.at_once(scripts))
    found = {
        c.client: {session.handles.file(e.metadata.binary_data_id) for e in c.answer.data}
        for c in timed
    }
    what = "files by ids of clients at once"
    session.expect("BI-1", what, [set(own) for own in wanted],
                   [found[at] for at in range(clients)])  # fmt: skip


def _check(program: Callable[[Session, int], None], clients: int, *clauses: str) -> Check:
    name = f"{program.__name__}: {clients}"
    # A write by filter could affect the data of other users.
    needs = frozenset({Need.EXCLUSIVE} if program is tags_by_filter_at_once else ())
    return Check(
        name=name, clauses=clauses, needs=needs, run=lambda session: program(session, clients)
    )


CHECKS = tuple(
    _check(program, clients, *clauses)
    for clients in (FEW, MANY)
    for program, clauses in (
        (tags_at_once, ("TA-1", "TR-1", "TA-6", "A71")),
        (tags_by_filter_at_once, ("TA-3", "A71")),
        (tags_removed_at_once, ("TR-2",)),
        (boxes_at_once, ("BX-1", "BX-5", "BR-1")),
        (members_at_once, ("DM-1",)),
        (deletes_at_once, ("DI-1",)),
        (uploads_at_once, ("UP-9", "FU-3")),
        (names_at_once, ("DS-8", "DS-2")),
        (pages_beside_uploads, ("PG-7",)),
        (questions_at_once, ("PG-3", "BI-1")),
    )
)
