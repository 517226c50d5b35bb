"""Following pages to their end, holding one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fakeviam.wire import data
from fakeviam_client import _arguments as arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

T = TypeVar("T")

#: Records a request asks for; the most that every server gives (PG-2).
PAGE = 100


class PagingError(RuntimeError):
    """The server's pages go round in circles: following them would never end."""


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[T]):
    """What one request brought.

    Attributes:
        records: At least one; the consumer may remove them from the list.
        size: What they weigh, in bytes.
        last: Continues after them (PG-3); empty if a server gave more records than asked for, so
            that no token stands where this page was cut.
    """

    records: list[T]
    size: int
    last: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How far to follow the pages.

    Attributes:
        size: How many records to ask for at a time; 0 leaves it to the server (PG-1).
        wanted: How many are wanted at most; None is all of them.
        single: Stop after one page.
    """

    size: int = PAGE
    wanted: int | None = None
    single: bool = False

    @classmethod
    def of_limit(cls, limit: int) -> Extent:
        """One page of at most so many records; 0 is as many as the server likes to give."""
        return cls(size=limit, wanted=limit or None, single=True)


def data_request(filter_: object, sort_order: object, last: object) -> data.DataRequest:
    """What the by-filter requests have in common."""
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
    """Ask for page after page, each only when the one before it has been taken.

    Args:
        call: Sends a request and returns the reply.
        request: The request; its `data_request` is changed on the way.
        parse: Makes records of a reply, and says what they weigh. They must not refer to it.
        extent: How far to go.

    Raises:
        PagingError: The pages go round in circles.
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
        surplus = wanted is not None and len(reply.data) > wanted
        if wanted is not None:
            del reply.data[wanted:]
            wanted -= len(reply.data)
        page = FetchedPage(*parse(reply), "" if surplus else last)
        del reply  # or it would stay in memory until the next one has come
        yield page
        del page
        if extent.single:
            return
        if wanted != 0:
            cursor.advance(last)


async def one_by_one(pages: AsyncIterator[FetchedPage[T]]) -> AsyncIterator[T]:
    """The records of pages; each is let go of as soon as it was taken."""
    async for page in pages:
        page.records.reverse()
        while page.records:
            yield page.records.pop()


class Cursor:
    """The `last` of the pages so far; notices a token that comes again (PG-4).

    It compares with one remembered token and remembers another after 1, 2, 4, 8 … pages
    (Brent's way of finding cycles), so a cycle of any length is found in little memory.
    """

    def __init__(self, last: str) -> None:
        """Start after `last`."""
        self.last = last
        self._remembered = last
        self._steps = 0
        self._until = 1

    def advance(self, last: str) -> None:
        """Take the `last` of a page that held records.

        Raises:
            PagingError: It came before, or it is empty, which would start all over.
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
