"""`cloud.calls`: queries on the journal, for tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, overload

from grpclib.const import Status

from fakeviam.model.errors import FakeViamError, UsageError, check_count
from fakeviam.model.finding import nearest
from fakeviam.model.offered import offers
from fakeviam.model.text import short
from fakeviam.server.instruments.journal.attempts import LogicalCall, logical_calls
from fakeviam.server.instruments.journal.nearmiss import Wanted, explain_miss, line_of, told_nearest
from fakeviam.server.instruments.journal.record import RecordedCall
from fakeviam.server.instruments.message_fields import conditions_on
from fakeviam.server.instruments.timers import is_running_loop
from fakeviam.server.instruments.wanted_values import ids_of_names, plain_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.model.fleet import Fleet
    from fakeviam.model.matching import Conditions
    from fakeviam.server.instruments.journal.journal import Journal

#: Calls that prepare a test rather than being its subject.
_LOGIN = "Authenticate"


class CallsError(FakeViamError, AssertionError):
    """The recorded calls are not those that the test expected."""


@offers(
    "assert_called",
    "assert_called_once",
    "assert_called_once_with",
    "assert_called_with",
    "assert_not_called",
    "attempts",
    "count",
    "dropped",
    "first",
    "last",
    "one",
    "wait_for",
    "wait_for_async",
    "where",
)
class Calls(Sequence[RecordedCall]):
    """Calls in the order they arrived: all of a cloud, or a selection (JR-1, JR-3).

        uploads = cloud.calls.where("FileUpload", component_name="cam-1")
        assert uploads.one().status == "OK"

    A live view, not a copy. Logins are excluded unless `Authenticate` is requested by name.
    """

    def __init__(
        self,
        journal: Journal,
        choices: tuple[Conditions, ...] = (),
        status: str | None = None,
        *,
        fleet: Fleet | None = None,
    ) -> None:
        """A view of a journal; `fleet` resolves names to ids."""
        self._journal = journal
        self._choices = choices
        self._status = status
        self._fleet = fleet

    def __iter__(self) -> Iterator[RecordedCall]:
        return iter(self._matches())

    def __len__(self) -> int:
        return len(self._matches())

    @overload
    def __getitem__(self, at: int) -> RecordedCall: ...
    @overload
    def __getitem__(self, at: slice) -> list[RecordedCall]: ...
    def __getitem__(self, at: int | slice) -> RecordedCall | list[RecordedCall]:
        return self._matches()[at]

    def __contains__(self, call: object) -> bool:
        """Whether the selection contains a recorded call, or a call of an RPC by its name."""
        return self.count(call) > 0

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Calls, list, tuple)):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment] # it goes on with the journal

    def __repr__(self) -> str:
        return f"<{self._criteria.counted(len(self))}>"

    @property
    def dropped(self) -> int:
        """How many calls the journal dropped because it was full."""
        return self._journal.dropped

    def where(
        self, rpc: str = "*", *, status: str | Enum | int | None = None, **fields: object
    ) -> Calls:
        """The calls that match.

        Args:
            rpc: Name of the RPC; may contain the wildcards `*` and `?`.
            status: The gRPC status: its name, such as `UNAVAILABLE`, or `Status.UNAVAILABLE`.
            fields: Expected values by the name of a request field, at any depth:
                `part_id="…"`, or its short name `part`, `component`, `tag`, `dataset`. A path
                goes in as `**{"metadata.file_name": "a.jpg"}`; one that begins with a dot, as
                `".tags"`, means the field of the request itself. An empty value means unset.
                `part=` takes a Part or its name too.

        Raises:
            UsageError: There is no such RPC, field or status, or the field cannot hold that value.
        """
        conditions = plain_values(fields)
        if self._fleet is not None:
            conditions = ids_of_names(conditions, self._fleet, sent=self._was_sent)
        return Calls(
            self._journal,
            (*self._choices, conditions_on(rpc, conditions)),
            self._status if status is None else _status_name(status),
            fleet=self._fleet,
        )

    def count(self, rpc: Any = "*", **fields: Any) -> int:
        """How many calls match; takes the arguments of `where`."""
        if isinstance(rpc, RecordedCall) and not fields:
            return sum(rpc is call for call in self._matches())
        return len(self.where(rpc, **fields))  # pyright: ignore[reportArgumentType]

    def one(self) -> RecordedCall:
        """The only call.

        Raises:
            CallsError: There are none or several; the message shows the nearest.
        """
        matches = self._matches()
        if len(matches) != 1:
            raise CallsError(self._miss(f"wanted exactly one {self._criteria}"))
        return matches[0]

    def first(self) -> RecordedCall:
        """The earliest call.

        Raises:
            CallsError: There is none; the message shows the nearest.
        """
        return self._some()[0]

    def last(self) -> RecordedCall:
        """The latest call.

        Raises:
            CallsError: There is none; the message shows the nearest.
        """
        return self._some()[-1]

    def _some(self) -> Sequence[RecordedCall]:
        matches = self._matches()
        if not matches:
            raise CallsError(self._miss(f"wanted a {self._criteria}"))
        return matches

    def assert_called(self, rpc: str = "*", *, times: int | None = None, **fields: Any) -> None:
        """Fail unless such a call was made, or exactly `times` of them.

        Raises:
            CallsError: With the number of calls, and how the nearest one differs.
        """
        if times is not None and times != 0:
            check_count(times, "times")
        matches = self.where(rpc, **fields) if rpc != "*" or fields else self
        count = len(matches)
        if (times is None and not count) or (times is not None and count != times):
            wanted = matches._criteria  # noqa: SLF001
            expected = f"a {wanted}" if times is None else f"exactly {wanted.counted(times)}"
            raise CallsError(matches._miss(f"wanted {expected}"))  # noqa: SLF001

    def assert_called_once(self, rpc: str = "*", **fields: object) -> None:
        """Fail unless exactly one such call was made.

        Raises:
            CallsError: With the matching calls, or how the nearest one differs.
        """
        self.assert_called(rpc, times=1, **fields)

    def assert_called_once_with(self, rpc: str = "*", **fields: object) -> None:
        """Fail unless there is exactly one call, or one of the RPC, and it matches.

        Raises:
            CallsError: With the calls, or how the only one differs.
        """
        self.assert_called_once(rpc)
        self.assert_called_with(rpc, **fields)

    def assert_called_with(self, rpc: str = "*", **fields: Any) -> None:
        """Fail unless the latest call, or the latest of the RPC, matches.

        Raises:
            CallsError: With how it differs, and the earlier calls that match.
        """
        latest = (self if rpc == "*" else self.where(rpc)).last()
        matches = self.where(rpc, **fields)
        if matches._fits(latest):  # noqa: SLF001 - its own kind
            return
        differs = "; ".join(map(str, matches._criteria.mismatches(latest)))  # noqa: SLF001
        lines = [f"wanted the latest to be a {matches._criteria}, but it differs in {differs}"]  # noqa: SLF001
        lines += [f"  {line_of(latest)}"]
        if len(matches):
            lines += ["Earlier calls look like this:", *(f"  {line_of(each)}" for each in matches)]
        raise CallsError("\n".join(lines))

    def assert_not_called(self, rpc: str = "*", **fields: object) -> None:
        """Fail if such a call was made.

        Raises:
            CallsError: With the calls.
        """
        self.assert_called(rpc, times=0, **fields)

    def attempts(self) -> list[LogicalCall]:
        """These calls grouped into logical ones: a call and its retries (JR-5)."""
        return logical_calls([call for call in self._matches() if not call.in_progress])

    def wait_for(
        self, rpc: str = "*", *, count: int = 1, timeout: float | timedelta = 5.0, **fields: Any
    ) -> RecordedCall:
        """Wait until `count` matching calls have ended, and return the last of them.

        Args:
            rpc: As in `where`.
            count: How many must have ended, including those before the wait.
            timeout: Real seconds to wait at most; a timedelta too.
            fields: As in `where`.

        Raises:
            CallsError: They were not made in time.
            UsageError: Called inside an event loop, which it would block; there write
                `await cloud.calls.wait_for_async(...)`.
        """
        if is_running_loop():
            raise UsageError(
                "wait_for would block the event loop; write `await calls.wait_for_async(...)`"
            )
        check_count(count, "count")
        seconds, matches = _seconds(timeout), self.where(rpc, **fields)
        changed, ended = threading.Condition(), EndedCalls(matches)

        def wake() -> None:
            with changed:
                changed.notify_all()

        stop = self._journal.subscribe(wake)
        try:
            with changed:
                changed.wait_for(lambda: len(ended.now()) >= count, seconds)
        finally:
            stop()
        return matches._waited(count, seconds)  # noqa: SLF001

    async def wait_for_async(
        self, rpc: str = "*", *, count: int = 1, timeout: float | timedelta = 5.0, **fields: Any
    ) -> RecordedCall:
        """Like `wait_for`, without blocking the event loop.

        Raises:
            CallsError: They were not made in time.
        """
        check_count(count, "count")
        seconds, matches = _seconds(timeout), self.where(rpc, **fields)
        loop = asyncio.get_running_loop()
        enough, ended = asyncio.Event(), EndedCalls(matches)

        def look() -> None:
            if len(ended.now()) >= count:
                enough.set()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(look)

        stop = self._journal.subscribe(wake)
        try:
            look()
            await asyncio.wait_for(enough.wait(), seconds)
        except asyncio.TimeoutError:
            pass  # the message below explains more
        finally:
            stop()
        return matches._waited(count, seconds)  # noqa: SLF001

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each call that ends; returns a function that stops this."""
        return self._journal.subscribe(wake)

    def numbered(self, text: str) -> RecordedCall | None:
        """The call of the whole journal whose number is written like this, logins included."""
        return next((call for call in self._journal.records() if str(call.number) == text), None)

    def nearest(self) -> str:
        """How the nearest other call of the RPC differs; empty if there is none."""
        criteria = self._criteria
        near = [call for call in self._journal.records() if criteria.of_rpc(call)]
        others = [call for call in near if not self._is_aside(call) and not self._fits(call)]
        return told_nearest(others, criteria) if others else ""

    # Internal ----------------------------------------------------------------------------

    def _matches(self) -> list[RecordedCall]:
        records = self._journal.records()
        # Names first, once each: there may be a hundred thousand calls.
        known = {call.rpc: call for call in records}
        rpcs = {rpc for rpc, call in known.items() if self._fits_rpc(call)}
        named = [call for call in records if call.rpc in rpcs]
        return [call for call in named if self._fits_beside_rpc(call)] if self._is_choosy else named

    def _fits(self, call: RecordedCall) -> bool:
        return self._fits_rpc(call) and self._fits_beside_rpc(call)

    def _fits_rpc(self, call: RecordedCall) -> bool:
        return not self._is_aside(call) and self._criteria.of_rpc(call)

    @property
    def _is_choosy(self) -> bool:
        return self._status is not None or any(choice.fields for choice in self._choices)

    def _fits_beside_rpc(self, call: RecordedCall) -> bool:
        if self._status is not None and call.status != self._status:
            return False
        if not any(choice.fields for choice in self._choices):
            return True
        leaves = call.leaves
        return all(choice.fits(call.rpc, leaves) for choice in self._choices)

    def _is_aside(self, call: RecordedCall) -> bool:
        return call.rpc == _LOGIN and all(choice.rpc == "*" for choice in self._choices)

    def _was_sent(self, value: object) -> bool:
        return any(value == actual for call in self._journal.records() for _, actual in call.leaves)

    def _finished(self) -> list[RecordedCall]:
        return [call for call in self._matches() if not call.in_progress]

    def _waited(self, count: int, timeout: float) -> RecordedCall:
        finished = self._finished()
        if len(finished) < count:
            expectation = f"waited {timeout:g} s for {self._criteria.counted(count)}"
            raise CallsError(self._miss(expectation))
        return finished[count - 1]

    @property
    def _criteria(self) -> Wanted:
        return Wanted(self._choices, self._status)

    def _miss(self, expectation: str) -> str:
        records = [call for call in self._journal.records() if not self._is_aside(call)]
        matches = [call for call in records if self._fits(call)]
        return explain_miss(expectation, self._criteria, matches, records, self.dropped)


class EndedCalls:
    """The calls of a selection that have ended, looked at again and again while others end."""

    def __init__(self, calls: Calls) -> None:
        """Look at `calls`."""
        self._calls = calls
        # Each call is judged once: what has ended does not change.
        self._judged: dict[RecordedCall, bool] = {}

    def now(self) -> list[RecordedCall]:
        """Those that have ended by now."""
        judged, calls = self._judged, self._calls
        ended = [call for call in calls._journal.records() if not call.in_progress]  # noqa: SLF001 - its own kind
        fitting = {c: judged[c] if c in judged else calls._fits(c) for c in ended}  # noqa: SLF001 - as above
        self._judged = fitting
        return [call for call, fits in fitting.items() if fits]


def _status_name(status: object) -> str:
    if type(status) is int and status in Status._value2member_map_:
        return Status(status).name
    name = status.name if isinstance(status, Enum) else status
    names = [each.name for each in Status]
    if name not in names:
        near = nearest(short(name).upper(), names) or f"; expected one of {', '.join(names)}"
        raise UsageError(f"status must be the name of a gRPC status, got {short(status)}{near}")
    return str(name)


def _seconds(timeout: object) -> float:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if type(seconds) not in (int, float) or not 0 <= seconds < threading.TIMEOUT_MAX:  # type: ignore[operator] # a number
        raise UsageError(f"timeout must be a number of seconds from 0, got {short(timeout)}")
    return float(seconds)  # type: ignore[arg-type] # as above
