"""What was acknowledged before a restart is there afterwards, and what is new is new.

What a server forgets is told by the clause that reads it; the checks are for DD-1 alone, which is
skipped where nothing may be restarted, so that no other clause counts as skipped for that.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import newer, reads, writes
from fakeviam_contracts.checks import raw, sequences
from fakeviam_contracts.checks.base import BASE, SECOND, Need, check, small_world
from fakeviam_contracts.checks.sequence_datasets import MEMBERS, join, new_dataset
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.wirelog import NotServedError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.session import Session

_STAGES: list[dict[str, Any]] = [{"$match": {"component_name": "sensor"}}, {"$limit": 3}]


def _annotate(session: Session) -> None:
    """Boxes, tags and datasets, some of each changed and some removed again."""
    writes.box(session, 0, "dog", (0.1, 0.1, 0.5, 0.5), confidence=0.5)
    writes.box(session, 0, "cat", (0.2, 0.2, 0.6, 0.6), confidence=None)
    writes.box(session, 1, "dog", (0.3, 0.3, 0.7, 0.7), confidence=None)
    writes.update_box(session, 0, 0, {"label": "bird", "x_max_normalized": 0.75})
    writes.remove_box(session, 0, 1)
    writes.tag(session, [1, 5], ["late", " Late "], form="string")
    writes.tag(session, [0], ["cat"], form="string", remove=True)
    for name in ("pets", "cars", "gone"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0, 1, 2], form="string")
    writes.change_members(session, 1, [2], form="string")
    writes.change_members(session, 0, [1], form="string", remove=True)
    writes.rename_dataset(session, 1, "boats")
    writes.delete_dataset(session, 2)


def _look(session: Session) -> None:
    """Compare all that there is, by several ways to ask."""
    for spec in (FilterSpec(), FilterSpec(tags=("late",)), FilterSpec(box_labels=("dog",)),
                 FilterSpec(dataset=0), FilterSpec(start=BASE + SECOND)):  # fmt: skip
        reads.check_files(session, spec)
    for spec in (FilterSpec(), FilterSpec(component_name="sensor")):
        reads.check_rows(session, spec)
    reads.check_counts(session, FilterSpec())
    reads.check_by_ids(session, [file.handle for file in session.model.files])
    reads.check_tags(session, FilterSpec())
    reads.check_labels(session, FilterSpec())
    writes.check_datasets(session)


@check("DD-1", needs=(Need.RESTART,))
def what_was_acknowledged_stays(session: Session) -> None:
    """Files, readings, annotations and datasets outlive the server, and so do deletes."""
    small_world(session)
    _annotate(session)
    writes.delete_files(session, [3])
    session.restart()
    _look(session)
    # A second start reads what the first one wrote.
    writes.tag(session, [0], ["later"], form="string")
    writes.delete_files(session, [4])
    session.restart()
    _look(session)
    session.comparisons["DD-1"] += 1


@check("DD-1", needs=(Need.RESTART,))
def ids_are_handed_out_once(session: Session) -> None:
    """After a restart new things do not get the ids of old ones, not even of deleted ones."""
    given: list[set[str]] = []
    for _ in range(2):
        ids = session.handles
        made = (len(ids.files), len(ids.datasets), len(ids.boxes))
        for at in range(2):
            writes.upload(session, way="FileUpload", part=0, chunks=[b"%d" % at], extension=".png")
            writes.create_dataset(session, f"of {made[1] + at}")
            writes.box(session, made[0] + at, "dog", (0.1, 0.1, 0.5, 0.5), confidence=None)
        given.append({*ids.files[made[0] :], *ids.datasets[made[1] :], *ids.boxes[made[2] :]})
        # The last of each kind is what a server that counts anew would make once more.
        writes.remove_box(session, made[0] + 1, made[2] + 1)
        writes.delete_dataset(session, made[1] + 1)
        writes.delete_files(session, [made[0] + 1])
        session.restart()
    again = sorted(given[0] & given[1])
    session.expect("ID-1", "ids that were handed out again after a restart", [], again)
    reads.check_files(session, FilterSpec())
    writes.check_datasets(session)
    session.comparisons["DD-1"] += 1


def _save(session: Session) -> None:
    newer.save_query(session, "first", _STAGES)


def _cut(session: Session) -> None:
    resources = [("sensor", "Readings")]
    newer.create_sequence(session, part=0, resources=resources, start=BASE, end=BASE + SECOND)


def _plan(session: Session) -> None:
    newer.create_pipeline(session, "yearly", _STAGES)
    newer.create_pipeline(session, "off", _STAGES)
    newer.toggle_pipeline(session, 1, enable=False)


@check("DD-1", needs=(Need.RESTART,))
def newer_things_stay(session: Session) -> None:
    """Saved queries, sequences and pipelines outlive the server, those of them that it serves."""
    made = []
    for make, look in (
        (_save, newer.check_saved_queries),
        (_cut, newer.check_sequences),
        (_plan, newer.check_pipelines),
    ):
        with contextlib.suppress(NotServedError):
            make(session)
            made.append(look)
    session.restart()
    for look in made:
        look(session)
    session.comparisons["DD-1"] += bool(made)


def _second_pages(session: Session) -> Iterator[tuple[str, str, Any, Callable[[Any], list[Any]]]]:
    """The requests for second pages of lists, and what the pages are known by."""
    asked = data.DataRequest(filter=raw.mine(session), limit=2, sort_order=data.ORDER_ASCENDING)
    for rpc, known in (
        ("BinaryDataByFilter", lambda page: [e.metadata.binary_data_id for e in page.data]),
        ("TabularDataByFilter", lambda page: [nanos_from(e.time_requested) for e in page.data]),
    ):
        request = getattr(data, f"{rpc}Request")(data_request=asked)
        request.data_request.last = raw.call(session, "PG-3", rpc, request).last
        yield "PG-3", rpc, request, known
    with contextlib.suppress(NotServedError):
        drives = new_dataset(session, "drives")
        join(session, drives, *(sequences.create(session) for _ in range(3)))
        request = data.SequencesByDatasetIDRequest(dataset_id=drives, page_size=2)
        request.page_token = raw.call(session, "SQ-5", MEMBERS, request).next_page_token
        yield "SQ-5", MEMBERS, request, lambda page: [each.id for each in page.sequences]


@check("DD-1", needs=(Need.RESTART,))
def lists_go_on(session: Session) -> None:
    """A token of before a restart continues afterwards, or is refused; it restarts no list."""
    small_world(session, files=4)
    lists = [
        (*each, each[3](raw.call(session, each[0], *each[1:3]))) for each in _second_pages(session)
    ]
    session.restart()
    for clause, rpc, request, known, expected in lists:
        answer = session.wire.call(rpc, request)
        if isinstance(answer, Refused):
            what = f"status of {rpc} with a token of before a restart"
            session.expect(clause, what, "OK", answer.status, legal=True)
            continue
        what = f"the second page of {rpc} after a restart"
        session.expect(clause, what, expected, known(answer))
    session.comparisons["DD-1"] += 1


CHECKS = (what_was_acknowledged_stays, ids_are_handed_out_once, newer_things_stay, lists_go_on)
