"""Concurrent clients: no lost updates, no stale reads, nothing counted twice.

The tags and memberships of a file are registers, one for each tag and dataset, which are on or
off. The history of a register must be linearizable: a single client could have seen it, with each
call at some moment between its start and its end. In addition, lists of tags, which keep the order
of adding (TA-5), may only grow at their end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts import pages, reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, Check, Need
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.session import permission
from fakeviam_contracts.visibility import settle
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.wirelog import Timed

#: The number of clients.
FEW, MANY = 2, 8
#: The number of files that the clients work on.
FILES = 4


# Histories -----------------------------------------------------------------------------------


class Moment(NamedTuple):
    """A call from the perspective of one register: it sets the register to `on`, or reads it."""

    began: int
    ended: int
    writes: bool
    on: bool


def linearizable(history: Sequence[Moment], *, initial: bool = False) -> bool:
    """Whether the history of a register is linearizable."""
    seen: set[tuple[frozenset[int], bool]] = set()

    def possible(left: frozenset[int], value: bool) -> bool:  # noqa: FBT001 - the register
        if not left:
            return True
        if (left, value) in seen:
            return False
        seen.add((left, value))
        first_end = min(history[at].ended for at in left)
        # Only calls that started before any other had ended can be next.
        for at in (at for at in left if history[at].began <= first_end):
            moment = history[at]
            fits = moment.writes or moment.on == value
            if fits and possible(left - {at}, moment.on if moment.writes else value):
                return True
        return False

    return possible(frozenset(range(len(history))), initial)


def _register(
    timed: Iterable[Timed], sets: Callable[[Timed], bool | None], shows: Callable[[Timed], bool]
) -> list[Moment]:
    """The history of a register; `sets` returns the value that a call sets, None for a read."""
    found = []
    for call in timed:
        value = sets(call)
        on = shows(call) if value is None else value
        found.append(Moment(call.began, call.ended, value is not None, on))
    return found


def _answered(session: Session, clause: str, timed: Sequence[Timed]) -> list[Timed]:
    for call in timed:
        session.answered(clause, call.rpc, call.answer)
    return sorted(timed, key=lambda call: call.began)


def _in_datasets(reply: data.BinaryDataByIDsResponse) -> set[str]:
    """The ids of the files of a reply that are members."""
    return {each.metadata.binary_data_id for each in reply.data if each.metadata.dataset_ids}


# Tags ----------------------------------------------------------------------------------------


def _images(session: Session, count: int = FILES) -> list[str]:
    writes.upload_many(session, count)
    return session.handles.files[-count:]


def _tagging(ids: Sequence[str], tag: str, *, remove: bool = False) -> list[Message]:
    if remove:
        return [data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=ids, tags=[tag])]
    return [data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=ids, tags=[tag])]


def _reading(ids: Sequence[str]) -> list[Message]:
    return [data.BinaryDataByIDsRequest(binary_data_ids=ids)]


def _tags(answer: Any) -> list[list[str]]:
    return [list(entry.metadata.capture_metadata.tags) for entry in answer.data]


def tags_at_once(session: Session, clients: int) -> None:
    """Clients add their own tags to the same files, remove some, and read them."""
    ids = _images(session)
    scripts = []
    for client in range(clients):
        first, second = _tagging(ids, f"{client}-0"), _tagging(ids[::-1], f"{client}-1")
        away = _tagging(ids, f"{client}-0", remove=True)
        # Half of the clients remove while the others add.
        later = (away, second) if client % 2 else (second, away)
        scripts.append([first, _reading(ids), later[0], _reading(ids), later[1], _reading(ids)])
    timed = _answered(session, "TA-1", session.wire.at_once(scripts))
    _check_tags(session, ids, timed, [f"{c}-{n}" for c in range(clients) for n in (0, 1)])
    wanted = [{f"{client}-1" for client in range(clients)}] * FILES
    final = _tags(session.wire.call("BinaryDataByIDs", _reading(ids)[0]))
    session.expect("TA-1", "tags when all clients are done", wanted, list(map(set, final)))


def _check_tags(session: Session, ids: Sequence[str], timed: list[Timed], tags: list[str]) -> None:
    for tag in tags:
        own = [
            call for call in timed if call.rpc == "BinaryDataByIDs" or tag in _sent(session, call)
        ]
        for at in range(len(ids)):
            history = _register(
                own,
                lambda call: None if call.rpc == "BinaryDataByIDs" else call.rpc.startswith("Add"),
                lambda call, at=at, tag=tag: tag in _tags(call.answer)[at],  # type: ignore[misc]
            )
            clause = "TR-1" if tag.endswith("-0") else "TA-1"
            what = "what clients at once see of a tag is what one after the other could see"
            session.expect(clause, what, expected=True, observed=linearizable(history))
    _check_looks(session, [call for call in timed if call.rpc == "BinaryDataByIDs"], tags)


def _check_looks(session: Session, looks: list[Timed], tags: list[str]) -> None:
    """Check what each read of all files shows, and that later reads agree."""
    lists = [[t for t in _tags(c.answer)[0] if t.endswith("-1")] for c in looks]
    lists.sort(key=len)
    grow = all(one == other[: len(one)] for one, other in pairwise(lists))
    session.expect("TA-5", "lists of tags grow at their end alone", expected=True, observed=grow)
    whole = all(len({tag in tags for tags in _tags(c.answer)}) == 1 for c in looks for tag in tags)
    session.expect("A71", "a look at several files sees a change of all of them, or of none",
                   expected=True, observed=whole)  # fmt: skip


def _sent(session: Session, call: Timed) -> list[str]:
    """The tags of a request without the session's prefix, which they have on a shared server."""
    shown = getattr(session.wire.edge, "shown", None)
    tags: list[str] = list(getattr(call.requests[0], "tags", ()))
    return [shown(tag) for tag in tags] if shown is not None else tags


def tags_by_filter_at_once(session: Session, clients: int) -> None:
    """While one client tags all files of a filter, the others see all of them tagged, or none."""
    count = 30
    ids = _images(session, count)
    filter_ = session.filter(session.within(FilterSpec()))
    adding: list[list[Message]] = []
    for tag in ("one", "two"):
        adding.append([data.AddTagsToBinaryDataByFilterRequest(filter=filter_, tags=[tag])])
        adding.append(_reading(ids))
    scripts = [adding, *[[_reading(ids)] * 4 for _ in range(clients - 1)]]
    timed = _answered(session, "TA-3", session.wire.at_once(scripts))
    for tag in ("one", "two"):
        own = [c for c in timed if c.rpc == "BinaryDataByIDs" or tag in _sent(session, c)]
        for at in (0, count // 2, count - 1):
            history = _register(
                own,
                lambda call: None if call.rpc == "BinaryDataByIDs" else True,
                lambda call, at=at, tag=tag: tag in _tags(call.answer)[at],  # type: ignore[misc]
            )
            what = "what is acknowledged is seen by every client"
            session.expect("TA-3", what, expected=True, observed=linearizable(history))
        shown = [{tag in tags for tags in _tags(c.answer)} for c in own if c.rpc[0] == "B"]
        whole = all(len(values) == 1 for values in shown)
        session.expect("A71", "a write by filter is seen whole or not at all",
                       expected=True, observed=whole)  # fmt: skip


def tags_removed_at_once(session: Session, clients: int) -> None:
    """A tag that all clients remove existed once, and is counted once."""
    ids = _images(session)
    raw.call(session, "TA-1", "AddTagsToBinaryDataByIDs", _tagging(ids, "old")[0])
    scripts = [[_tagging(ids, "old", remove=True)]] * clients
    timed = session.wire.at_once(scripts)
    first = next((call for call in timed if not isinstance(call.answer, Refused)), timed[0])
    # Who comes later removes what is not there any more.
    told = [
        session.outcome("TR-1", call.rpc, call.answer, [permission("TR-3")] * (call is not first))
        for call in timed
    ]
    counted = sum(reply.deleted_count for reply in told if reply is not None)
    session.expect("TR-2", "tags that all clients removed together", FILES, counted)


# Boxes, members, deletes ---------------------------------------------------------------------


def boxes_at_once(session: Session, clients: int) -> None:
    """Clients add boxes to the same image: all are stored, and have distinct ids."""
    (text,) = _images(session, 1)
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
    timed = _answered(session, "BX-1", session.wire.at_once(scripts))
    ids = {call.answer.bbox_id for call in timed}
    session.expect("BX-1", "ids of boxes of clients at once", len(timed), len(ids))
    (found,) = raw.files(session, text)
    labels = {f"{client}-{number}" for client in range(clients) for number in range(2)}
    told = {box.label for box in found.annotations.bboxes}
    session.expect("BX-5", "boxes when all clients are done", labels, told)


def members_at_once(session: Session, clients: int) -> None:
    """Clients add their own file and a common one to a dataset; some remove their own again."""
    *ids, member = _images(session, clients + 2)
    writes.create_dataset(session, "pets")
    (dataset_id,) = session.handles.datasets
    writes.change_members(session, 0, [clients + 1])
    if not raw.files(session, member)[0].dataset_ids:
        return  # which is no matter of clients at once

    def joining(*texts: str, remove: bool = False) -> list[Message]:
        cls = (
            data.RemoveBinaryDataFromDatasetByIDsRequest
            if remove
            else data.AddBinaryDataToDatasetByIDsRequest
        )
        return [cls(dataset_id=dataset_id, binary_data_ids=texts)]

    scripts = [
        [
            joining(ids[client], ids[-1]),
            _reading(ids),
            joining(ids[client], ids[-1], remove=True) if client % 2 else joining(ids[client]),
            _reading(ids),
        ]
        for client in range(clients)
    ]
    timed = _answered(session, "DM-1", session.wire.at_once(scripts))
    for text in ids:
        own = [
            call
            for call in timed
            if call.rpc == "BinaryDataByIDs" or text in call.requests[0].binary_data_ids  # type: ignore[attr-defined]
        ]
        history = _register(
            own,
            lambda call: None if call.rpc == "BinaryDataByIDs" else call.rpc.startswith("Add"),
            lambda call, text=text: text in _in_datasets(call.answer),  # type: ignore[misc]
        )
        what = "what clients at once see of a member is what one after the other could see"
        session.expect("DM-1", what, expected=True, observed=linearizable(history))
    wanted = [not at % 2 for at in range(clients)]
    found = raw.files(session, *ids[:clients])
    told = [bool(one.dataset_ids) for one in found]
    session.expect("DM-1", "members when all clients are done", wanted, told)


def deletes_at_once(session: Session, clients: int) -> None:
    """A file that all clients delete is deleted once, and counted once."""
    ids = _images(session)
    scripts: list[list[list[Message]]] = [
        [[data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids)]] for _ in range(clients)
    ]
    timed = session.wire.at_once(scripts)
    counted = sum(c.answer.deleted_count for c in timed if not isinstance(c.answer, Refused))
    session.expect("DI-1", "files that all clients deleted together", FILES, counted)
    session.model.delete_files(range(len(session.handles.files)))
    reads.check_files(session, FilterSpec())


# Uploads, names, pages -----------------------------------------------------------------------


def uploads_at_once(session: Session, clients: int) -> None:
    """Concurrent uploads create separate files with their own bytes."""
    scripts = [
        [_upload(session, client, number) for number in range(3)] for client in range(clients)
    ]
    timed = _answered(session, "UP-9", session.wire.at_once(scripts))
    settle(session)
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
    """Of concurrent creations or renamings to one name, exactly one succeeds."""
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


def pages_beside_uploads(session: Session, clients: int) -> None:
    """Pages are complete and without duplicates while others upload (PG-7)."""
    ids = _images(session, 2 * clients + 5)
    asked = data.DataRequest(
        filter=session.filter(session.within(FilterSpec())),
        limit=5,
        sort_order=data.ORDER_DESCENDING,
    )
    request = data.BinaryDataByFilterRequest(data_request=asked)
    seen: list[str] = []
    for turn in range(2 * clients + 5):
        uploads = [[_upload(session, client, 2 * turn)] for client in range(clients - 1)]
        timed = _answered(session, "PG-3", session.wire.at_once([[[request]], *uploads]))
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
        for call in _answered(session, "BF-1", timed):
            seen[call.client] += [
                session.handles.file(entry.metadata.binary_data_id) for entry in call.answer.data
            ]
            requests[call.client].data_request.last = call.answer.last
    wanted = [list(range(3 * client, 3 * client + 3)) for client in range(clients)]
    session.expect("PG-3", "files of the pages of clients at once", wanted, seen)
    scripts = [[_reading([session.handles.files[at] for at in own])] for own in wanted]
    timed = _answered(session, "BI-1", session.wire.at_once(scripts))
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
        (tags_at_once, ("TA-1", "TR-1", "TA-5", "A71")),
        (tags_by_filter_at_once, ("TA-3", "A71")),
        (tags_removed_at_once, ("TR-2",)),
        (boxes_at_once, ("BX-1", "BX-5")),
        (members_at_once, ("DM-1",)),
        (deletes_at_once, ("DI-1",)),
        (uploads_at_once, ("UP-9", "FU-3")),
        (names_at_once, ("DS-8",)),
        (pages_beside_uploads, ("PG-7",)),
        (questions_at_once, ("PG-3", "BI-1")),
    )
)
