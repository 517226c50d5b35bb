"""Pagination: limits, tokens, order (PG-1 … PG-12)."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.store.values import Position
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.policy import PageLimit, Policy
    from fakeviam.model.records import AnyRecord, BinaryRecord, TabularRecord
    from fakeviam.server.state.call import Call
    from fakeviam.store.values import Page

#: The kinds of lists; a token of one kind is invalid for the others.
Kind = Literal["files", "readings", "images"]

DEFAULT_LIMIT = 50

#: The largest page that clients request (PG-2); published programs request more (A6).
DEFAULT_LARGEST = 100

#: More records than any store holds; databases count with 64 bits.
_MOST = 10**9

_TIME, _SIZE = attrgetter("time_requested"), attrgetter("size")

# A token is two encrypted numbers; the offset makes times before 1970 positive.
_TIME_OFFSET = 2**66
_TIME_DIGITS, _ARRIVAL_DIGITS = 18, 12


class PageRequest(NamedTuple):
    """A requested page."""

    limit: int
    after: Position | None
    descending: bool


def page_request(
    call: Call, message: data.DataRequest, *, with_bytes: bool = False, of: Kind
) -> PageRequest:
    """Parse the limit, order and token of a request.

    Raises:
        InvalidArgumentError: The policy refuses the limit (A6) or the token (A56), or the
            order is unknown (PG-12).
    """
    limit = _limit(call, message.limit, with_bytes=with_bytes)
    descending = _descending(call.policy, message.sort_order)
    after = _after(call, message.last, of) if message.last else None
    return PageRequest(limit=limit, after=after, descending=descending)


def page_footer(
    call: Call,
    message: data.DataRequest,
    wanted: PageRequest,
    page: Page[BinaryRecord] | Page[TabularRecord],
    of: Kind,
) -> tuple[int, int, str]:
    """`count`, `total_size_bytes` and `last` of a page, citing their clauses (A4)."""
    records: Sequence[AnyRecord] = page.records
    # On a complete page, the counts of page and total are equal; one record has no order.
    whole = len(records) < wanted.limit and wanted.after is None
    if records and not (whole and len(records) == 1):
        if not whole:
            call.cite(["A4"])
        call.cite(["A1" if message.sort_order == data.ORDER_UNSPECIFIED else "PG-6"])
        if len(set(map(_TIME, records))) < len(records):
            call.cite(["PG-11"])
    return len(records), sum(map(_SIZE, records)), token_of(call, page.last, of)


def token_of(call: Call, position: Position | None, of: Kind) -> str:
    """The `last` of a page that ends at `position`; empty for an empty page (PG-4, PG-5).

    It is opaque, and invalid for callers who see other organizations, because arrival numbers
    reveal how many records everyone has (AC-5).
    """
    if position is None:
        return ""
    # A position, not an offset: records that are added or deleted between two pages neither
    # repeat nor hide others (PG-7).
    time = position.time + _TIME_OFFSET
    digits = f"{time:0{_TIME_DIGITS}x}{position.arrival:0{_ARRIVAL_DIGITS}x}"
    return call.cloud.ids.veil(digits, scope=f"{of} {caller_scope(call)}")


def caller_scope(call: Call) -> str:
    """What the caller may see, as text; only callers who see the same can share tokens."""
    scope = call.principal.scope
    if scope is None:
        return ""
    return f"{scope.level} {','.join(sorted(scope.ids))}"


def _limit(call: Call, limit: int, *, with_bytes: bool) -> int:
    policy = call.policy
    cap: PageLimit | None = policy.max_page
    if with_bytes and policy.binary_page is not None:
        cap = policy.binary_page
    # Only limits above the default depend on how a server treats large ones.
    clause = "A57" if with_bytes else "A6"
    call.cite(("PG-1", "PG-2") if limit > DEFAULT_LIMIT else ("PG-1",))
    if limit > DEFAULT_LARGEST:
        call.cite([clause])
    if cap is None:
        return min(limit or DEFAULT_LIMIT, _MOST)
    if limit == 0:
        return min(DEFAULT_LIMIT, cap.size)
    if limit > cap.size:
        if cap.beyond == "refuse":
            why = " when bytes are wanted" if cap is policy.binary_page else ""
            text = f"data_request.limit must be at most {cap.size}{why}, got {limit}"
            raise InvalidArgumentError(text, clause=clause)
        call.cite([clause])
        call.note = f"data_request.limit {limit} was reduced to {cap.size} by the policy [{clause}]"
    return min(limit, cap.size)


def _after(call: Call, token: str, of: Kind) -> Position | None:
    position = position_in(call, token, of)
    if position is not None:
        call.cite(["PG-3"])
        return position
    if call.policy.page_token == "refuse":  # noqa: S105 - a rule, not a secret
        text = f"last is not a page token of this server: {token!r}"
        raise InvalidArgumentError(text, clause="A56")
    call.cite(["A56"])
    return None


def position_in(call: Call, token: str, of: Kind) -> Position | None:
    """The position in a token; None if it was not issued for this caller and list."""
    digits = call.cloud.ids.unveil(token, scope=f"{of} {caller_scope(call)}")
    if digits is None or len(digits) != _TIME_DIGITS + _ARRIVAL_DIGITS:
        return None
    time, arrival = int(digits[:_TIME_DIGITS], 16), int(digits[_TIME_DIGITS:], 16)
    return Position(time - _TIME_OFFSET, arrival)


def _descending(policy: Policy, order: int) -> bool:
    if order == data.ORDER_UNSPECIFIED:
        return policy.default_order == "descending"
    if order not in (data.ORDER_ASCENDING, data.ORDER_DESCENDING):
        raise InvalidArgumentError(f"sort_order must be 0 to 2, got {order}", clause="PG-12")
    return order == data.ORDER_DESCENDING
