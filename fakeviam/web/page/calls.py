"""The view of the journal: calls, replies, and the clauses that they depended on."""

from __future__ import annotations

import asyncio
from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from fakeviam.server.instruments.journal.attempts import logical_calls
from fakeviam.server.services.explain import SELECTING, explain_call
from fakeviam.web.page import code
from fakeviam.web.page.disputed import points_by_clause
from fakeviam.web.page.forms import whole
from fakeviam.web.page.rendering import show_json, side_by_side
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.responses import Response

    from fakeviam.server.instruments.explain.explanation import RecordVerdict
    from fakeviam.server.instruments.journal.calls import Calls
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.web.page.visit import Visit

#: How many logical calls are on one page.
PAGE = 100

#: How many records of each outcome are shown; others can be looked up by id.
_OF_EACH = 100

#: How many calls are grouped into attempts at a time, since comparing them takes time.
_LOOKED_AT = 500

#: Seconds during which several calls cause a single refresh of the list.
_TOGETHER = 0.1

#: Seconds after which a message is sent even if there is no news.
_SILENT = 15.0

_NAMED = ("part", "component")


def show_list(visit: Visit) -> tuple[str, dict[str, object]]:
    """Calls, latest first, grouped by attempts."""
    clause, before = visit.query.get("clause", ""), visit.query.get("before", "")
    end = whole("before", before) if before else inf
    chosen = [
        call
        for call in _chosen(visit)
        if call.number < end and (not clause or clause in call.cited)
    ]
    groups = logical_calls(chosen[-_LOOKED_AT:])[::-1]
    shown = groups[:PAGE]
    part = visit.request.headers.get("hx-target") == "calls"
    return "_calls.html" if part else "calls.html", {
        "groups": shown,
        "older": shown[-1].attempts[0].call.number if len(chosen) > PAGE else None,
        "total": len(chosen),
        "dropped": visit.handle.calls.dropped,
        "rpcs": sorted({call.rpc for call in visit.handle.calls}),
        "asked": {name: visit.query.get(name, "") for name in FILTERS},
    }


FILTERS = ("rpc", "status", *_NAMED, "field", "value", "clause")


def _chosen(visit: Visit) -> Calls:
    query = visit.query
    fields: dict[str, Any] = {name: query[name] for name in _NAMED if query.get(name)}
    if query.get("field"):
        fields[query["field"]] = query.get("value", "")
    return visit.handle.calls.where(
        query.get("rpc") or "*", status=query.get("status") or None, **fields
    )


def show_call(visit: Visit) -> tuple[str, dict[str, object]]:
    """One call: request and reply, times, faults, evidence."""
    call = _numbered(visit, visit.path)
    told = call.to_json()
    attempts = next(
        (group for group in logical_calls(visit.handle.calls) if call in _calls_of(group)), None
    )
    missing = call.messages_received - len(call.kept.requests)
    return "call.html", {
        "call": call,
        "told": told,
        "attempts": attempts,
        "requests_not_kept": max(0, missing),
        "replies_not_kept": max(0, call.messages_sent - len(call.kept.replies)),
        "selects": call.rpc in SELECTING,
        "points": points_by_clause(),
        "snippets": code.snippets(visit, call),
    }


def _calls_of(group: Any) -> list[RecordedCall]:
    return [attempt.call for attempt in group.attempts]


def show_why(visit: Visit) -> tuple[str, dict[str, object]]:
    """Why the reply to a call includes each record or not."""
    call = _numbered(visit, visit.path)
    record = visit.query.get("record") or None
    explanation = explain_call(visit.cloud, call, record)
    counts, shown = _first_of_each(explanation.verdicts)
    return "why.html", {
        "call": call,
        "notes": explanation.notes,
        "counts": counts,
        "verdicts": shown,
        "left_out": len(explanation.verdicts) - len(shown),
    }


def _first_of_each(verdicts: Sequence[RecordVerdict]) -> tuple[Counter[str], list[RecordVerdict]]:
    """The number of verdicts per outcome, and the first of each, so that none is hidden."""
    counts: Counter[str] = Counter()
    shown = []
    for verdict in verdicts:
        counts[verdict.outcome] += 1
        if counts[verdict.outcome] <= _OF_EACH:
            shown.append(verdict)
    return counts, shown


def compare(visit: Visit) -> tuple[str, dict[str, object]]:
    """Two calls side by side."""
    first = _numbered(visit, visit.query.get("a", ""))
    second = _numbered(visit, visit.query.get("b", ""))
    left, right = (show_json(each.to_json()) for each in (first, second))
    return "compare.html", {
        "first": first,
        "second": second,
        "lines": list(side_by_side(left, right)),
    }


def _numbered(visit: Visit, number: str) -> RecordedCall:
    call = visit.handle.calls.numbered(number)
    if call is None:
        what = f"there is no call {number or '(none given)'}"
        raise HttpProblem(404, what, hint="see the list of calls")
    return call


async def events(visit: Visit) -> Response:
    """Server-sent events: notify the browser of new calls while it is connected."""
    return StreamingResponse(_news(visit), media_type="text/event-stream")


async def _news(visit: Visit) -> AsyncIterator[str]:
    happened = asyncio.Event()
    stop = visit.handle.calls.watch(happened.set)  # calls end in this thread
    try:
        yield "retry: 1000\n\n"
        while True:
            try:
                await asyncio.wait_for(happened.wait(), _SILENT)
            except asyncio.TimeoutError:
                yield ":\n\n"  # only sending something detects a closed browser
                continue
            await asyncio.sleep(_TOGETHER)  # combine calls that end at nearly the same time
            happened.clear()
            yield "event: calls\ndata: more\n\n"
    finally:
        stop()
