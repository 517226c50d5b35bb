"""Pages: limits, order, tokens, and changes between two pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check, small_world
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.session import Ground, permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


@check("PG-1", "PG-3", "PG-4", "PG-5", "PG-9", "A4", "BF-1", "BF-2", "BF-4")
def small_pages(session: Session) -> None:
    """Pages of one, two and three records, with and without bytes, to the end."""
    small_world(session)
    writes.box(session, 1, "dog", (0.0, 0.0, 1.0, 1.0))
    for limit in (1, 2, 3):
        for descending in (True, False):
            reads.check_rows(session, FilterSpec(), limit=limit, descending=descending)
            reads.check_files(
                session, FilterSpec(), limit=limit, descending=descending, with_bytes=limit == 1
            )


@check("PG-6", "PG-11", "A1")
def orders(session: Session) -> None:
    """Both orders and the default; records with equal times are in order of arrival."""
    small_world(session)
    for descending in (None, True, False):
        reads.check_files(session, FilterSpec(), descending=descending)
        reads.check_rows(session, FilterSpec(), descending=descending)


@check("PG-1", "PG-2", "A6")
def large_pages(session: Session) -> None:
    """The default limit of 50, the maximum of 100, and larger ones."""
    rows = [{"readings": {"n": float(at)}} for at in range(120)]
    times = [(BASE + at * SECOND, BASE) for at in range(120)]
    writes.upload_rows(session, part=0, rows=rows, times=times)
    for limit in (0, 50, 100, 1000):
        reads.check_rows(session, FilterSpec(), limit=limit, descending=False)
    reads.check_rows(session, FilterSpec(start=BASE))


@check("PG-8", "A5")
def totals(session: Session) -> None:
    """count_only returns totals and nothing else."""
    small_world(session)
    reads.check_counts(session, FilterSpec())
    reads.check_counts(session, FilterSpec(tags=("dog",)))


@check("PG-7")
def deletion_between_pages(session: Session) -> None:
    """A token remains valid when its record is deleted; the remaining records appear once."""
    small_world(session, files=4)
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(
            filter=session.filter(session.within(FilterSpec())),
            limit=2,
            sort_order=data.ORDER_ASCENDING,
        )
    )
    handles: list[int | str] = []
    for _ in range(len(session.model.files) + 2):
        reply = session.answered(
            "PG-7", "BinaryDataByFilter", session.wire.call("BinaryDataByFilter", request)
        )
        page = [session.handles.file(entry.metadata.binary_data_id) for entry in reply.data]
        if not page:
            break
        handles += page
        session.expect("PG-7", "no file twice", len(set(map(str, handles))), len(handles))
        # Delete the record of `last`, as tools do that delete what they list.
        writes.delete_files(session, [handle for handle in page[-1:] if isinstance(handle, int)])
        request.data_request.last = reply.last
    session.expect("PG-7", "every file, once", ["0", "1", "2", "3"], sorted(map(str, handles)))
    _readings_go_between_pages(session)


def _readings_go_between_pages(session: Session) -> None:
    """A reading of the first page is deleted; the second page goes on where the first ended."""
    request = data.TabularDataByFilterRequest(
        data_request=data.DataRequest(
            filter=raw.mine(session), limit=2, sort_order=data.ORDER_ASCENDING
        )
    )
    for expected in ([0, 1], [2, 3]):
        reply = raw.call(session, "PG-7", "TabularDataByFilter", request)
        found = [(nanos_from(each.time_requested) - BASE) // SECOND for each in reply.data]
        session.expect("PG-7", "readings of a page, by their seconds", expected, found)
        writes.delete_rows(session, 0, FilterSpec(tags=("dog",)))
        request.data_request.last = reply.last


def _page(
    session: Session,
    *,
    last: str = "",
    spec: FilterSpec | None = None,
    order: data.OrderValue,
    limit: int = 2,
    grounds: Sequence[Ground] = (),
) -> tuple[list[int | str], str] | None:
    """A page of two records or `limit`, and its token; None if it may be refused, and is."""
    data_request = data.DataRequest(
        filter=session.filter(session.within(spec or FilterSpec())),
        limit=limit,
        last=last,
        sort_order=order,
    )
    request = data.BinaryDataByFilterRequest(data_request=data_request)
    answer = session.wire.call("BinaryDataByFilter", request)
    reply = session.outcome("PG-3", "BinaryDataByFilter", answer, grounds)
    if reply is None:
        return None
    return [session.handles.file(e.metadata.binary_data_id) for e in reply.data], reply.last


@check("A56", "PG-1", "PG-3")
def tokens_of_other_questions(session: Session) -> None:
    """A token is a position: with another filter or order, the list continues from there."""
    small_world(session, files=5, rows=0)
    up, down = data.ORDER_ASCENDING, data.ORDER_DESCENDING
    known = _page(session, order=up)
    if known is None:
        return
    first, last = known
    session.expect("PG-3", "the first page", [0, 1], sorted(first, key=str))
    for limit in (2, 2, 3, 1):  # repeated, as after a lost reply
        page = _page(session, last=last, order=up, limit=limit)
        again = [] if page is None else page[0]
        rest = [2, 3, 4]
        if len(again) != limit and again == rest[: len(again)]:
            session.expect("PG-1", "files of a page of another size", limit, len(again))
        wanted = rest[:limit]
        session.expect("PG-3", "the page after that, of any size", wanted, sorted(again, key=str))
    for spec, order, expected in (
        (FilterSpec(tags=("dog", "bird")), up, [3]),
        (FilterSpec(), down, [0]),
    ):
        other = [permission("A56")]
        page = _page(session, last=last, spec=spec, order=order, grounds=other)
        if page is not None:
            # Either of the files with equal times may be first (PG-11).
            place = expected if order == up else [first[0]]
            session.expect("A56", "the page after that", place, sorted(page[0], key=str))


@check("A56")
def tokens_of_nobody(session: Session) -> None:
    """A token that was not issued is refused, or ignored; it does not end the list."""
    small_world(session, files=2, rows=0)
    rpc = "BinaryDataByFilter"
    data_request = data.DataRequest(
        filter=session.filter(session.within(FilterSpec())),
        last="no token",
        sort_order=data.ORDER_ASCENDING,
    )
    answer = session.wire.call(rpc, data.BinaryDataByFilterRequest(data_request=data_request))
    reply = session.outcome(
        "A56", rpc, answer, [Ground("A56", point="page_token", accepting="ignore")]
    )
    if reply is not None:
        session.expect("A56", "files after an unknown token", 2, len(reply.data))


CHECKS = (
    small_pages,
    orders,
    large_pages,
    totals,
    deletion_between_pages,
    tokens_of_other_questions,
    tokens_of_nobody,
)
