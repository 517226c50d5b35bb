"""Reads all pages of a reply, with one page in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fakeviam.wire import data
from fakeviam_client import _arguments as arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

T = TypeVar("T")

#: The default page size, which is the largest that every server supports (PG-2).
PAGE = 100


class PagingError(RuntimeError):
    """The server's page tokens form a cycle, which would never end."""


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[T]):
    """The records of one reply.

    Attributes:
        records: At least one; the consumer may remove them from the list.
        size: Their size in bytes.
        last: The page token after them (PG-3); empty if the server sent more records than
            requested, because no token matches the end of the truncated page.
    """

    records: list[T]
    size: int
    last: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How much to read.

    Attributes:
        size: Page size; 0 leaves it to the server (PG-1).
        wanted: Maximum number of records; None is all.
        single: Whether to stop after one page.
    """

    size: int = PAGE
    wanted: int | None = None
    single: bool = False

    @classmethod
    def of_limit(cls, limit: int) -> Extent:
        """A single page of at most `limit` records; 0 leaves the size to the server."""
        return cls(size=limit, wanted=limit or None, single=True)


def data_request(filter_: object, sort_order: object, last: object) -> data.DataRequest:
    """The common part of all by-filter requests."""
    return data.DataRequest(
        filter=arguments.optional_filter(filter_),
        sort_order=arguments.order("sort_order", sort_order),
        last=arguments.optional_text("last", last),
    )


async def pages(
    call: Callable[[Any], Awaitable[Any]],
    request: Any,
    parse: Callable[[Any], tuple[list[T], int]],
    extent: Extent,
) -> AsyncIterator[FetchedPage[T]]:
    """Request pages, each only after the previous one was consumed.

    Args:
        call: Sends a request and returns the reply.
        request: The request; its `data_request` is modified.
        parse: Converts a reply to records, and returns their size. They must not refer to the
            reply.
        extent: How much to read.

    Raises:
        PagingError: The page tokens form a cycle.
    """
    data_request = request.data_request
    cursor = Cursor(data_request.last)
    wanted = extent.wanted
    while wanted is None or wanted > 0:
        data_request.limit = extent.size if wanted is None else min(extent.size, wanted)
        data_request.last = cursor.last
        reply = await call(request)
        last = reply.last
        if not reply.data:
            return
        # Servers may ignore the limit; the surplus is dropped, but then `last` does not match the
        # end.
        surplus = wanted is not None and len(reply.data) > wanted
        if wanted is not None:
            del reply.data[wanted:]
            wanted -= len(reply.data)
        page = FetchedPage(*parse(reply), "" if surplus else last)
        del reply  # otherwise it would stay in memory during the next request
        yield page
        del page
        if extent.single:
            return
        # Do not check the token after the last page: it will not be used.
        if wanted != 0:
            cursor.advance(last)


async def one_by_one(pages: AsyncIterator[FetchedPage[T]]) -> AsyncIterator[T]:
    """The records of pages; each is released once it was yielded."""
    async for page in pages:
        # Reversed, so that pop() releases each record in constant time.
        page.records.reverse()
        while page.records:
            yield page.records.pop()


class Cursor:
    """The current page token; detects tokens that repeat (PG-4).

    It compares with one remembered token, and remembers another one after 1, 2, 4, 8 … pages.
    This is Brent's algorithm, which detects cycles of any length in constant memory.
    """

    def __init__(self, last: str) -> None:
        """Start at a page token."""
        self.last = last
        self._remembered = last
        self._steps = 0
        self._until = 1

    def advance(self, last: str) -> None:
        """Set the token after a page with records.

        Raises:
            PagingError: It repeats, or it is empty, which would restart at the first page.
        """
        if not last:
            message = (
                "the server answered records with an empty `last`, which means the beginning: "
                "paging on would never end"
            )
            raise PagingError(message)
        if last in (self.last, self._remembered):
            message = (
                f"the server answered records with `last` {last!r}, which it had given before: "
                "paging on would never end"
            )
            raise PagingError(message)
        self.last = last
        self._steps += 1
        if self._steps == self._until:
            self._remembered, self._steps, self._until = last, 0, self._until * 2
