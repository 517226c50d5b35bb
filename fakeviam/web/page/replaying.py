"""Recorded calls made again under another policy: which of a run's answers would change."""

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

#: The latest calls that are made again, and seconds that it may take.
MOST: Final = 300
_SECONDS: Final = 3.0

#: Services whose calls change nothing but what is stored, of which each gets its own copy.
_SERVICES: Final = (
    "viam.app.data.v1.DataService",
    "viam.app.dataset.v1.DatasetService",
    "viam.app.datapipelines.v1.DataPipelinesService",
)

#: A reply of more bytes is compared, but not shown.
_LARGE: Final = 64 * 1024

#: Lines of a difference that are shown.
_LINES: Final = 6


class Change(NamedTuple):
    """A recorded call whose answer would be another one, and what of it."""

    call: RecordedCall
    lines: list[tuple[str, str]]


class ReplayedAnswer(NamedTuple):
    """What a call is answered with."""

    status: str
    text: str
    blob: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What calls would be answered under other policies.

    Attributes:
        changes: For each policy, the calls whose answers change, the latest first.
        made: How many calls were made again.
        left_out: How many were not.
        only_reads: The store cannot be copied, as databases cannot: only what reads was made.
    """

    changes: list[list[Change]]
    made: int
    left_out: int
    only_reads: bool


def replay(visit: Visit, policies: Sequence[Policy]) -> Replay:
    """Make the latest calls again, on what is stored now, under the policy of now and others.

    Each call gets a copy of what is stored, and counts on from the same ids: nothing is changed.
    Of a store that cannot be copied, only calls that read are made again.
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
    """The first lines in which two answers differ: of now, and of then."""
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
