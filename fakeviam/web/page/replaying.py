"""Replays recorded calls under another policy, to find replies that would change."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from fakeviam.model.errors import Refusal, UsageError
from fakeviam.server.instruments.message_json import message_json
from fakeviam.server.services.explain import READING
from fakeviam.server.state.accounts import Principal
from fakeviam.server.state.call import Call
from fakeviam.server.transport.routes import unary_handlers
from fakeviam.web.page.rendering import show_json, side_by_side
from fakeviam.wire.encoded import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.store.base import Store
    from fakeviam.web.page.visit import Visit

#: How many of the latest calls are replayed, and the time limit in seconds.
MOST: Final = 300
_SECONDS: Final = 3.0

#: Services whose calls change only the store, of which each call gets a copy.
_SERVICES: Final = (
    "viam.app.data.v1.DataService",
    "viam.app.dataset.v1.DatasetService",
    "viam.app.datapipelines.v1.DataPipelinesService",
)

#: Larger replies are compared but not shown, in bytes.
_LARGE: Final = 64 * 1024

#: How many lines of a difference are shown.
_LINES: Final = 6


class Change(NamedTuple):
    """A recorded call whose reply would change, and how."""

    call: RecordedCall
    lines: list[tuple[str, str]]


class ReplayedAnswer(NamedTuple):
    """The reply to a replayed call."""

    status: str
    text: str
    blob: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """The results of a replay.

    Attributes:
        changes: For each policy, the calls whose replies change, latest first.
        made: How many calls were replayed.
        left_out: How many were not.
        only_reads: Whether only reads were replayed, because the store cannot be forked.
    """

    changes: list[list[Change]]
    made: int
    left_out: int
    only_reads: bool


def replay(visit: Visit, policies: Sequence[Policy]) -> Replay:
    """Replay the latest calls on the current data, under the current policy and others.

    Each call gets a fork of the store and the same counters of ids, so that nothing is changed. If
    the store cannot be forked, only reads are replayed.
    """
    end = monotonic() + _SECONDS
    store, every = visit.store, list(visit.handle.calls)[::-1]
    only_reads = not _can_be_copied(store)
    calls = [
        call for call in every if _can_be_made(call) and (call.rpc in READING or not only_reads)
    ]
    changes: list[list[Change]] = [[] for _ in policies]
    made = 0
    for call in calls[:MOST]:
        if monotonic() > end:
            break
        now = _answer(visit, call, visit.handle.policy, store if only_reads else store.fork())
        for found, policy in zip(changes, policies, strict=True):
            then = _answer(visit, call, policy, store if only_reads else store.fork())
            if then != now:
                found.append(Change(call, _differences(call, now, then)))
        made += 1
    return Replay(changes=changes, made=made, left_out=len(every) - made, only_reads=only_reads)


def _can_be_copied(store: Store) -> bool:
    try:
        store.fork()
    except UsageError:
        return False
    return True


def _can_be_made(call: RecordedCall) -> bool:
    return (
        call.service in _SERVICES
        and call.rpc in unary_handlers(call.service)
        and not (call.in_progress or call.fault or call.scripted)
        and call.request is not None
    )


def _answer(visit: Visit, record: RecordedCall, policy: Policy, store: Store) -> ReplayedAnswer:
    ids = copy(visit.cloud.ids)
    ids.rewind(ids.counters)
    cloud = visit.cloud.detached(store=store, policy=policy, ids=ids)
    call = Call.detached(cloud, record.method)
    call.principal = Principal.within(record.scope)
    try:
        reply = unary_handlers(record.service)[record.rpc].handle(call, record.request)
    except Refusal as refusal:
        return ReplayedAnswer(refusal.status.name, refusal.text, b"")
    return ReplayedAnswer("OK", call.note, encoded(reply))


def _differences(
    call: RecordedCall, now: ReplayedAnswer, then: ReplayedAnswer
) -> list[tuple[str, str]]:
    """The first lines in which two replies differ."""
    if "OK" not in (now.status, then.status) or now.status != then.status:
        return [(_said(now), _said(then))]
    if max(len(now.blob), len(then.blob)) > _LARGE:
        return [(f"a reply of {len(now.blob)} bytes", f"one of {len(then.blob)} bytes")]
    left, right = (
        show_json(message_json(call.method.response.FromString(each.blob))) for each in (now, then)
    )
    lines = [
        (line.left.strip(), line.right.strip())
        for line in side_by_side(left, right)
        if line.differs
    ]
    more = [("…", f"and {len(lines) - _LINES} more lines")] if len(lines) > _LINES else []
    return [*lines[:_LINES], *more] or [(now.text, then.text)]


def _said(answer: ReplayedAnswer) -> str:
    return f"{answer.status}: {answer.text}" if answer.text else answer.status
