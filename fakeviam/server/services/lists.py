"""Paginated lists of entities; a page token names a position that survives deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.server.services.paging import caller_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.server.state.call import Call

Entry = TypeVar("Entry")

#: The default and maximum size of a page.
DEFAULT, MOST = 50, 1000

# A token contains the time and id after which the next page starts, encrypted.
_OFFSET, _TIME_DIGITS, _ID_DIGITS = 2**66, 18, 24


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Entry]):
    """Some entries, and the token of the next page; empty if this is the last page."""

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
    """A page of entries, sorted by time, then id.

    Args:
        call: The call.
        entries: All entries.
        place_of: Returns the time and the id of an entry, 24 hex digits.
        size: The number of entries; 0 is the default.
        token: The page token; empty is the first page.
        clause: The clause to cite for an invalid token.
        newest_first: The order.

    Raises:
        InvalidArgumentError: The token was not issued by this server.
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
