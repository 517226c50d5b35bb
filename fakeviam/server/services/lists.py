"""Lists of entities in pages, with page tokens that name a place and outlive what stood there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.server.services.paging import caller_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.server.state.call import Call

Entry = TypeVar("Entry")

#: How long a page is unless asked otherwise, and at most.
DEFAULT, MOST = 50, 1000

# A token is the time and the id behind which the next page begins, veiled.
_OFFSET, _TIME_DIGITS, _ID_DIGITS = 2**66, 18, 24


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Entry]):
    """Some entries, and the token of the next page; empty if there is none."""

    entries: Sequence[Entry]
    next_token: str


def list_page(
    call: Call,
    entries: Sequence[Entry],
    place_of: Callable[[Entry], tuple[int, str]],
    *,
    size: int,
    token: str,
    clause: str,
    newest_first: bool = False,
) -> ListPage[Entry]:
    """A page of entries by time, then id.

    Args:
        call: Who asks.
        entries: All of them.
        place_of: The time and the id of one, 24 hex digits.
        size: How many; 0 is the default.
        token: Where to go on; empty is the beginning.
        clause: Cited for a token that is none.
        newest_first: The order.

    Raises:
        InvalidArgumentError: The token is not one of this server's.
    """
    ordered = sorted(entries, key=place_of, reverse=newest_first)
    if token:
        after = _place_in(call, token, clause)
        ordered = [
            entry
            for entry in ordered
            if (place_of(entry) < after if newest_first else place_of(entry) > after)
        ]
    size = min(size or DEFAULT, MOST)
    page = ordered[:size]
    more = len(ordered) > size
    return ListPage(page, _token_of(call, place_of(page[-1])) if more else "")


def _token_of(call: Call, place: tuple[int, str]) -> str:
    time, entry_id = place
    digits = f"{time + _OFFSET:0{_TIME_DIGITS}x}{entry_id}"
    return call.cloud.ids.veil(digits, scope=f"list {caller_scope(call)}")


def _place_in(call: Call, token: str, clause: str) -> tuple[int, str]:
    digits = call.cloud.ids.unveil(token, scope=f"list {caller_scope(call)}")
    if digits is None or len(digits) != _TIME_DIGITS + _ID_DIGITS:
        text = f"page_token is not a page token of this server: {token!r}"
        raise InvalidArgumentError(text, clause=clause)
    return int(digits[:_TIME_DIGITS], 16) - _OFFSET, digits[_TIME_DIGITS:]
