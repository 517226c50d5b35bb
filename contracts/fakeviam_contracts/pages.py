"""Following pages, each checked as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from fakeviam_contracts.model import FilterSpec
    from fakeviam_contracts.session import Session

ORDERS = {
    None: data.ORDER_UNSPECIFIED,
    True: data.ORDER_DESCENDING,
    False: data.ORDER_ASCENDING,
}

#: What clients ask for at most; whether more is served is open (A6, A57).
LARGEST_SURE = 100


def follow(
    session: Session,
    rpc: str,
    spec: FilterSpec,
    expected: int,
    limit: int,
    *,
    descending: bool | None,
    with_bytes: bool = False,
) -> Iterator[Any]:
    """The pages, checked one by one; ends when the subject's pages do not."""
    data_request = data.DataRequest(
        filter=session.filter(spec), limit=limit, sort_order=ORDERS[descending]
    )
    request = getattr(data, f"{rpc}Request")(data_request=data_request)
    if with_bytes:
        request.include_binary = True
    reply, most = _first(session, rpc, request, expected, with_bytes=with_bytes)
    is_open = _is_open(limit, with_bytes=with_bytes)
    short = False
    for _ in range(len(session.model.files) + len(session.model.rows) + 2):
        size = len(reply.data)
        if not size:
            if session.model.files or session.model.rows:
                session.expect("PG-5", "last past the end", "", reply.last)
                if rpc == "TabularDataByFilter":
                    session.expect("PG-5", "metadata past the end", 0, len(reply.metadata))
            return
        bounded = size <= most
        session.expect("PG-1", "page no larger than asked", expected=True, observed=bounded)
        session.require("PG-4", "a page with data has a last", True, bool(reply.last))  # noqa: FBT003
        if not is_open:
            session.expect("PG-2", "only the last page is short", expected=False, observed=short)
        short = size < most
        _check_count(session, rpc, reply, expected)
        yield reply
        request.data_request.last = reply.last
        reply = session.answered("PG-3", rpc, session.wire.call(rpc, request))
    session.require("PG-3", "pages end", expected=True, observed=False)


def _is_open(limit: int, *, with_bytes: bool) -> bool:
    return limit > LARGEST_SURE or (with_bytes and limit != 1)


def _first(
    session: Session, rpc: str, request: Any, expected: int, *, with_bytes: bool
) -> tuple[Any, int]:
    """The first page, and how large pages may be."""
    answer = session.wire.call(rpc, request)
    point, clause = ("binary_page", "A57") if with_bytes else ("max_page", "A6")
    largest = getattr(session.interpretation, point)
    if isinstance(answer, Refused) and _is_open(request.data_request.limit, with_bytes=with_bytes):
        answer = _within_what_is_sure(session, rpc, request, answer, clause, largest)
    limit = request.data_request.limit
    reply = _answered(session, rpc, answer, expected, is_one=with_bytes and limit == 1)
    most, size = limit or 50, len(reply.data)
    if _is_open(limit, with_bytes=with_bytes) and expected > (1 if with_bytes else LARGEST_SURE):
        clamped = min(most, largest or most)
        if session.expect(clause, "size of a page", min(clamped, expected), size):
            return reply, clamped
        return reply, max(size, 1) if size < most else most
    if not limit and expected > 50:
        session.expect("PG-1", "size of a page without a limit", 50, size)
    return reply, most


def _answered(session: Session, rpc: str, answer: object, expected: int, *, is_one: bool) -> Any:
    reply = session.answered("BF-4" if is_one else "PG-1" if expected else "FI-15", rpc, answer)
    if is_one and expected:
        session.expect("BF-4", "files of a page of one", 1, len(reply.data))
    return reply


def _within_what_is_sure(
    session: Session, rpc: str, request: Any, refused: Refused, clause: str, largest: int
) -> Any:
    """A limit may be refused as too large: the answer to one that may not."""
    limit = request.data_request.limit
    beyond = session.interpretation.beyond_max_page == "refuse" and largest and limit > largest
    status = "INVALID_ARGUMENT" if beyond else "OK"
    session.expect(clause, f"status of {rpc} with a large limit", status, refused.status)
    request.data_request.limit = 1 if clause == "A57" else LARGEST_SURE
    return session.wire.call(rpc, request)


def _check_count(session: Session, rpc: str, reply: Any, expected: int) -> None:
    candidates = {"page": len(reply.data), "total": expected}
    session.choose("count", "count of a page", candidates, reply.count, "PG-9")
    if rpc == "BinaryDataByFilter":
        size = sum(entry.metadata.file_size_bytes for entry in reply.data)
        observed = reply.total_size_bytes
        session.expect("A4", "total_size_bytes of a page", size, observed, legal=True)


# Without checks, to find what is to blame --------------------------------------------------


def all_pages(session: Session, rpc: str, spec: FilterSpec) -> list[Any]:
    """All pages, as far as they go on."""
    data_request = data.DataRequest(
        filter=session.filter(spec), limit=LARGEST_SURE, sort_order=data.ORDER_ASCENDING
    )
    request: Message = getattr(data, f"{rpc}Request")(data_request=data_request)
    pages: list[object] = []
    tokens = {""}
    while True:
        reply: Any = session.wire.call(rpc, request)
        if isinstance(reply, Refused) or not reply.data:
            return pages
        pages.append(reply)
        if reply.last in tokens:
            return pages
        tokens.add(reply.last)
        request.data_request.last = reply.last  # type: ignore[attr-defined]


def all_entries(session: Session, rpc: str, spec: FilterSpec) -> list[Any]:
    """The records of all pages."""
    return [entry for page in all_pages(session, rpc, spec) for entry in page.data]
