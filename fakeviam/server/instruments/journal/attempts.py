"""Retries as the server saw them: which calls were attempts at the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.server.instruments.journal.record import RecordedCall


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt.

    Attributes:
        call: The recorded call.
        waited: Real seconds between the end of the previous attempt and this one; 0 for the
            first.
        waited_by_clock: The same by the fake's clock.
    """

    call: RecordedCall
    waited: float
    waited_by_clock: float

    @property
    def deadline(self) -> float | None:
        """The timeout of this attempt in seconds; None for no deadline."""
        return self.call.deadline

    @property
    def status(self) -> str | None:
        """The status it ended with."""
        return self.call.status

    def __str__(self) -> str:
        waited = f"after {self.waited_by_clock or self.waited:.3g} s " if self.waited else ""
        deadline = "" if self.deadline is None else f" (deadline {self.deadline:.3g} s)"
        return f"{waited}{self.status}{deadline}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogicalCall:
    """One logical call and its attempts (JR-5).

    A call that repeats the request of a failed call is another attempt at it; after a success it
    starts a new logical call. Uploads are compared by their first message.
    """

    attempts: tuple[Attempt, ...]

    @property
    def rpc(self) -> str:
        """Name of the RPC."""
        return self.attempts[0].call.rpc

    @property
    def status(self) -> str | None:
        """The status of the last attempt."""
        return self.attempts[-1].status

    @property
    def waits(self) -> tuple[float, ...]:
        """Real seconds before each attempt but the first."""
        return tuple(attempt.waited for attempt in self.attempts[1:])

    def __len__(self) -> int:
        return len(self.attempts)

    def __str__(self) -> str:
        return f"{self.rpc}: {', '.join(map(str, self.attempts))}"


def logical_calls(calls: Iterable[RecordedCall]) -> list[LogicalCall]:
    """Group calls, oldest first, into logical ones."""
    groups: list[list[Attempt]] = []
    open_groups: dict[tuple[str, bytes], list[Attempt]] = {}
    for call in calls:
        key = _wish(call)
        group = open_groups.get(key)
        if group is None:
            group = open_groups[key] = []
            groups.append(group)
        group.append(_attempt(call, group[-1].call if group else None))
        if call.status == "OK":
            del open_groups[key]
    return [LogicalCall(attempts=tuple(group)) for group in groups]


def _wish(call: RecordedCall) -> tuple[str, bytes]:
    request = call.request
    content = b"" if request is None else request.SerializeToString(deterministic=True)
    return call.method.path, content


def _attempt(call: RecordedCall, before: RecordedCall | None) -> Attempt:
    if before is None:
        return Attempt(call=call, waited=0.0, waited_by_clock=0.0)
    ended = before.span[1] or before.span[0]
    by_clock = call.time - (before.time_ended or before.time)
    return Attempt(
        call=call,
        waited=max(0, call.span[0] - ended) / 1e9,
        waited_by_clock=by_clock.total_seconds(),
    )
