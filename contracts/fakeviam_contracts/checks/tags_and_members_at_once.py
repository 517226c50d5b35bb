"""Tags and memberships that concurrent clients change: no lost updates, no stale reads.

Both are registers of a file, one for each tag and dataset, which are on or off. The history of a
register must be linearizable: a single client could have seen it, with each call at some moment
between its start and its end. In addition, lists of tags, which keep the order of adding (TA-6),
may only grow at their end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data
from fakeviam_contracts import writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.session import permission
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.wirelog import Timed

#: The number of files whose tags the clients change.
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


def answered(session: Session, clause: str, timed: Sequence[Timed]) -> list[Timed]:
    """The calls in the order of their starts; all must have succeeded."""
    for call in timed:
        session.answered(clause, call.rpc, call.answer)
    return sorted(timed, key=lambda call: call.began)


def _is_refused(call: Timed) -> bool:
    return call.rpc != "BinaryDataByIDs" and isinstance(call.answer, Refused)


def _tells_only(call: Timed) -> bool:
    """Whether a call shows a membership and changes none; a refusal shows one, too."""
    return call.rpc == "BinaryDataByIDs" or isinstance(call.answer, Refused)


def _is_member(text: str, call: Timed) -> bool:
    """Whether a file is a member by a call: it is shown, or refused since it is one already."""
    if isinstance(call.answer, Refused):
        return call.rpc.startswith("Add")
    return any(
        each.metadata.binary_data_id == text and each.metadata.dataset_ids
        for each in call.answer.data
    )


# Tags ----------------------------------------------------------------------------------------


def images(session: Session, count: int = FILES) -> list[str]:
    """Upload images; returns their ids."""
    writes.upload_many(session, count)
    return session.handles.files[-count:]


def _tagging(ids: Sequence[str], tag: str, *, remove: bool = False) -> list[Message]:
    if remove:
        return [data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=ids, tags=[tag])]
    return [data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=ids, tags=[tag])]


def reading(ids: Sequence[str]) -> list[Message]:
    """The request for files by their ids, as a script has it."""
    return [data.BinaryDataByIDsRequest(binary_data_ids=ids)]


def _tags(answer: Any) -> list[list[str]]:
    return [list(entry.metadata.capture_metadata.tags) for entry in answer.data]


def tags_at_once(session: Session, clients: int) -> None:
    """Clients add their own tags to the same files, remove some, and read them."""
    ids = images(session)
    scripts = []
    for client in range(clients):
        first, second = _tagging(ids, f"{client}-0"), _tagging(ids[::-1], f"{client}-1")
        away = _tagging(ids, f"{client}-0", remove=True)
        # Half of the clients remove while the others add.
        later = (away, second) if client % 2 else (second, away)
        scripts.append([first, reading(ids), later[0], reading(ids), later[1], reading(ids)])
    timed = answered(session, "TA-1", session.wire.at_once(scripts))
    _check_tags(session, ids, timed, [f"{c}-{n}" for c in range(clients) for n in (0, 1)])
    wanted = [{f"{client}-1" for client in range(clients)}] * FILES
    final = _tags(session.wire.call("BinaryDataByIDs", reading(ids)[0]))
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
    session.expect("TA-6", "lists of tags grow at their end alone", expected=True, observed=grow)
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
    ids = images(session, count)
    filter_ = session.filter(session.within(FilterSpec()))
    adding: list[list[Message]] = []
    for tag in ("one", "two"):
        adding.append([data.AddTagsToBinaryDataByFilterRequest(filter=filter_, tags=[tag])])
        adding.append(reading(ids))
    scripts = [adding, *[[reading(ids)] * 4 for _ in range(clients - 1)]]
    timed = answered(session, "TA-3", session.wire.at_once(scripts))
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
    ids = images(session)
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


# Members ------------------------------------------------------------------------------------


def members_at_once(session: Session, clients: int) -> None:
    """Clients add their own file and a common one to a dataset; some remove their own again."""
    *ids, member = images(session, clients + 2)
    writes.create_dataset(session, "pets")
    (dataset_id,) = session.handles.datasets
    writes.change_members(session, 0, [clients + 1])
    if not raw.files(session, member)[0].dataset_ids:
        return  # which is no matter of clients at once

    def joining(text: str, *, remove: bool = False) -> list[Message]:
        cls = (
            data.RemoveBinaryDataFromDatasetByIDsRequest
            if remove
            else data.AddBinaryDataToDatasetByIDsRequest
        )
        return [cls(dataset_id=dataset_id, binary_data_ids=[text])]

    scripts = [
        [
            joining(ids[client]),
            joining(ids[-1]),
            reading(ids),
            joining(ids[client], remove=client % 2 == 1),
            *([joining(ids[-1], remove=True)] if client % 2 else []),
            reading(ids),
        ]
        for client in range(clients)
    ]
    timed = session.wire.at_once(scripts)
    for call in timed:
        # Who adds a member again, or removes what is none, may be refused.
        session.outcome("DM-1", call.rpc, call.answer, [permission("DM-6")] * _is_refused(call))
    for text in ids:
        own = [
            call
            for call in timed
            if call.rpc == "BinaryDataByIDs" or text in call.requests[0].binary_data_ids  # type: ignore[attr-defined]
        ]
        history = _register(
            sorted(own, key=lambda call: call.began),
            lambda call: None if _tells_only(call) else call.rpc.startswith("Add"),
            lambda call, text=text: _is_member(text, call),  # type: ignore[misc]
        )
        what = "what clients at once see of a member is what one after the other could see"
        session.expect("DM-1", what, expected=True, observed=linearizable(history))
    wanted = [not at % 2 for at in range(clients)]
    found = raw.files(session, *ids[:clients])
    told = [bool(one.dataset_ids) for one in found]
    session.expect("DM-1", "members when all clients are done", wanted, told)
