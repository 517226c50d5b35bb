"""Pages: limits, tokens, order (PG-1 … PG-12)."""

from __future__ import annotations

import hmac
import re
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.store.values import Position, Totals
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.policy import PageLimit
    from fakeviam.model.records import AnyRecord
    from fakeviam.server.state.call import Call

DEFAULT_LIMIT = 50

_HEX = re.compile(r"[0-9a-f]+")

_TIME, _SIZE = attrgetter("time_requested"), attrgetter("size")

# A token is two veiled numbers of fixed width and a seal; the offset keeps times before 1970
# positive.
_TIME_OFFSET = 2**66
_TIME_DIGITS, _ARRIVAL_DIGITS, _SEAL_DIGITS = 18, 12, 8


class PageRequest(NamedTuple):
    """Which page is asked for."""

    limit: int
    after: Position | None
    descending: bool


def page_request(call: Call, message: data.DataRequest, *, with_bytes: bool) -> PageRequest:
    """Read limit, order and token of a request.

    Raises:
        InvalidArgumentError: The policy refuses the limit (A6) or the token (A56), or the
            order has no meaning (PG-12).
    """
    return PageRequest(
        limit=_limit(call, message.limit, with_bytes=with_bytes),
        after=_after(call, message.last),
        descending=_descending(call, message.sort_order),
    )


def cite_page(
    call: Call, message: data.DataRequest, page: PageRequest, records: Sequence[AnyRecord]
) -> None:
    """Cite what the order and the counts of these records rest on.

    If the page is all there is, page and total are the same; a lone record has no order.
    """
    whole = len(records) < page.limit and page.after is None
    if not records or (whole and len(records) == 1):
        return
    if not whole:
        call.cite("A4")
    call.cite("A1" if message.sort_order == data.ORDER_UNSPECIFIED else "PG-6")
    if len(set(map(_TIME, records))) < len(records):
        call.cite("PG-11")


def totals_of(records: Sequence[AnyRecord]) -> Totals:
    """Count and bytes of a page (A4)."""
    return Totals(len(records), sum(map(_SIZE, records)))


def token_of(call: Call, position: Position | None) -> str:
    """The `last` of a page that ends at `position`; empty for an empty page (PG-4, PG-5).

    It is opaque, and foreign to callers who see other organizations: arrivals count
    everybody's records (AC-5).
    """
    if position is None:
        return ""
    time = position.time + _TIME_OFFSET
    text = f"{time:0{_TIME_DIGITS}x}{position.arrival:0{_ARRIVAL_DIGITS}x}"
    seal = call.cloud.ids.seal(_scope(call) + text)
    return _veiled(call, text, seal) + seal


def _scope(call: Call) -> str:
    seen = call.principal.organization_ids
    return "" if seen is None else ",".join(sorted(seen))


def _veiled(call: Call, text: str, seal: str) -> str:
    """The digits under a veil that only this server can make, and lift by doing it again."""
    veil = call.cloud.ids.digest(seal)[: len(text) // 2]
    veiled = int(text, 16) ^ int.from_bytes(veil, "big")
    return f"{veiled:0{len(text)}x}"


def _limit(call: Call, asked: int, *, with_bytes: bool) -> int:
    policy = call.policy
    cap: PageLimit = policy.max_page
    if with_bytes and policy.binary_page is not None:
        cap = policy.binary_page
    call.cite("PG-1", *(("PG-2",) if asked > DEFAULT_LIMIT else ()))
    if asked == 0:
        return min(DEFAULT_LIMIT, cap.size)
    if asked > cap.size:
        if cap.beyond == "refuse":
            why = " when bytes are wanted" if cap is policy.binary_page else ""
            text = f"limit must be at most {cap.size}{why}, got {asked}"
            raise InvalidArgumentError(text, clause="A6")
        call.cite("A6")
    return min(asked, cap.size)


def _after(call: Call, token: str) -> Position | None:
    if not token:
        return None
    position = _position_in(call, token)
    if position is not None:
        call.cite("PG-3")
        return position
    if call.policy.page_token == "refuse":  # noqa: S105 - a rule, not a secret
        text = f"last is not a token of this server: {token!r}"
        raise InvalidArgumentError(text, clause="A56")
    call.cite("A56")
    return None


def _position_in(call: Call, token: str) -> Position | None:
    veiled, seal = token[:-_SEAL_DIGITS], token[-_SEAL_DIGITS:]
    if len(veiled) != _TIME_DIGITS + _ARRIVAL_DIGITS or not _HEX.fullmatch(veiled):
        return None
    text = _veiled(call, veiled, seal)
    sealed = call.cloud.ids.seal(_scope(call) + text)
    if not hmac.compare_digest(sealed.encode(), seal.encode()):
        return None
    time, arrival = int(text[:_TIME_DIGITS], 16), int(text[_TIME_DIGITS:], 16)
    return Position(time - _TIME_OFFSET, arrival)


def _descending(call: Call, order: int) -> bool:
    if order == data.ORDER_UNSPECIFIED:
        return call.policy.default_order == "descending"
    if order not in (data.ORDER_ASCENDING, data.ORDER_DESCENDING):
        raise InvalidArgumentError(f"sort_order must be 0 to 2, got {order}", clause="PG-12")
    return order == data.ORDER_DESCENDING
