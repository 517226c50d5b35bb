"""`cloud.calls`: the journal as tests ask it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, overload

from fakeviam.model.errors import FakeViamError, UsageError
from fakeviam.server.instruments.journal.attempts import LogicalCall, logical_calls
from fakeviam.server.instruments.journal.nearmiss import Wanted, explain_miss, told_nearest
from fakeviam.server.instruments.message_fields import conditions_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.model.matching import Conditions
    from fakeviam.server.instruments.journal.journal import Journal
    from fakeviam.server.instruments.journal.record import RecordedCall

#: Calls that serve tests rather than being what they test.
_LOGIN = "Authenticate"


class CallsError(FakeViamError, AssertionError):
    """The calls that were made are not those that the test expected."""


class Calls(Sequence["RecordedCall"]):
    """Calls in the order they arrived: all of a cloud, or those of a choice (JR-1, JR-3).

        uploads = cloud.calls.where("FileUpload", component_name="cam-1")
        assert uploads.one().status == "OK"

    A view, not a copy: it holds calls that are made later as well. Logins are left out
    unless `Authenticate` is asked for by name.
    """

    def __init__(
        self, journal: Journal, choices: tuple[Conditions, ...] = (), status: str | None = None
    ) -> None:
        """Look at a journal."""
        self._journal = journal
        self._choices = choices
        self._status = status

    def __iter__(self) -> Iterator[RecordedCall]:
        return iter(self._chosen())

    def __len__(self) -> int:
        return len(self._chosen())

    @overload
    def __getitem__(self, at: int) -> RecordedCall: ...
    @overload
    def __getitem__(self, at: slice) -> list[RecordedCall]: ...
    def __getitem__(self, at: int | slice) -> RecordedCall | list[RecordedCall]:
        return self._chosen()[at]

    def __repr__(self) -> str:
        return f"<{self._asked.counted(len(self))}>"

    @property
    def dropped(self) -> int:
        """How many calls the journal forgot, because its budget of bytes was used up."""
        return self._journal.dropped

    def where(self, rpc: str = "*", *, status: str | None = None, **fields: Any) -> Calls:
        """Those of these calls that look like this.

        Args:
            rpc: Name of the RPC; may hold `*` and `?`.
            status: Name of the gRPC status, such as `UNAVAILABLE`.
            fields: Wanted values by the name of a request field, however deep it is:
                `part_id="…"`, or its short name `part`, `component`, `tag`, `dataset`. A path
                goes in as `**{"metadata.file_name": "a.jpg"}`. An empty value means unset.

        Raises:
            UsageError: There is no such RPC or field.
        """
        return Calls(
            self._journal,
            (*self._choices, conditions_on(rpc, fields)),
            self._status if status is None else status,
        )

    def one(self) -> RecordedCall:
        """The only call.

        Raises:
            CallsError: There are none or several; the text shows those that come near.
        """
        chosen = self._chosen()
        if len(chosen) != 1:
            raise CallsError(self._miss(f"wanted exactly one {self._asked}"))
        return chosen[0]

    def last(self) -> RecordedCall:
        """The latest call.

        Raises:
            CallsError: There is none; the text shows those that come near.
        """
        chosen = self._chosen()
        if not chosen:
            raise CallsError(self._miss(f"wanted a {self._asked}"))
        return chosen[-1]

    def assert_called(self, rpc: str = "*", *, times: int | None = None, **fields: Any) -> None:
        """Fail unless such a call was made, or exactly `times` of them.

        Raises:
            CallsError: With the number of calls, and what is different in the nearest.
        """
        chosen = self.where(rpc, **fields) if rpc != "*" or fields else self
        count = len(chosen)
        if (times is None and not count) or (times is not None and count != times):
            wanted = "a" if times is None else f"exactly {times}"
            raise CallsError(chosen._miss(f"wanted {wanted} {chosen._asked}"))  # noqa: SLF001

    def assert_not_called(self, rpc: str = "*", **fields: Any) -> None:
        """Fail if such a call was made.

        Raises:
            CallsError: With the calls that were.
        """
        self.assert_called(rpc, times=0, **fields)

    def attempts(self) -> list[LogicalCall]:
        """These calls grouped into logical ones: a call and its retries (JR-5)."""
        return logical_calls([call for call in self._chosen() if not call.in_progress])

    def wait_for(
        self, rpc: str = "*", *, count: int = 1, timeout: float = 5.0, **fields: Any
    ) -> RecordedCall:
        """Wait until such calls were answered, and return the one that made it `count`.

        Args:
            rpc: As in `where`.
            count: How many must have been answered, those before the wait included.
            timeout: Real seconds to wait at most.
            fields: As in `where`.

        Raises:
            CallsError: They were not made in time.
            UsageError: Called inside an event loop, which it would block; there write
                `await cloud.calls.wait_for_async(...)`.
        """
        if _in_event_loop():
            raise UsageError(
                "wait_for would block the event loop; write `await calls.wait_for_async(...)`"
            )
        chosen = self.where(rpc, **fields)
        changed = threading.Condition()

        def wake() -> None:
            with changed:
                changed.notify_all()

        stop = self._journal.subscribe(wake)
        try:
            with changed:
                changed.wait_for(lambda: len(chosen._answered()) >= count, timeout)  # noqa: SLF001
        finally:
            stop()
        return chosen._waited(count, timeout)  # noqa: SLF001

    async def wait_for_async(
        self, rpc: str = "*", *, count: int = 1, timeout: float = 5.0, **fields: Any
    ) -> RecordedCall:
        """Do as `wait_for`, without blocking the event loop.

        Raises:
            CallsError: They were not made in time.
        """
        chosen = self.where(rpc, **fields)
        loop = asyncio.get_running_loop()
        enough = asyncio.Event()

        def look() -> None:
            if len(chosen._answered()) >= count:  # noqa: SLF001
                enough.set()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(look)

        stop = self._journal.subscribe(wake)
        try:
            look()
            await asyncio.wait_for(enough.wait(), timeout)
        except asyncio.TimeoutError:
            pass  # the text below says more
        finally:
            stop()
        return chosen._waited(count, timeout)  # noqa: SLF001

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each call that is answered; what is returned stops that."""
        return self._journal.subscribe(wake)

    def nearest(self) -> str:
        """What is different in the nearest other call of that RPC, in words; empty without one."""
        asked = self._asked
        near = [call for call in self._journal.records() if asked.of_rpc(call)]
        others = [call for call in near if not self._is_aside(call) and not self._fits(call)]
        return told_nearest(others, asked) if others else ""

    # Inside ------------------------------------------------------------------------------

    def _chosen(self) -> list[RecordedCall]:
        return [call for call in self._journal.records() if self._fits(call)]

    def _fits(self, call: RecordedCall) -> bool:
        if self._status is not None and call.status != self._status:
            return False
        if self._is_aside(call) or not self._asked.of_rpc(call):
            return False
        if not any(choice.fields for choice in self._choices):
            return True
        leaves = call.leaves
        return all(choice.fits(call.rpc, leaves) for choice in self._choices)

    def _is_aside(self, call: RecordedCall) -> bool:
        return call.rpc == _LOGIN and all(choice.rpc == "*" for choice in self._choices)

    def _answered(self) -> list[RecordedCall]:
        return [call for call in self._chosen() if not call.in_progress]

    def _waited(self, count: int, timeout: float) -> RecordedCall:
        answered = self._answered()
        if len(answered) < count:
            wanted = f"waited {timeout:g} s for {self._asked.counted(count)}"
            raise CallsError(self._miss(wanted))
        return answered[count - 1]

    @property
    def _asked(self) -> Wanted:
        return Wanted(self._choices, self._status)

    def _miss(self, wanted: str) -> str:
        records = [call for call in self._journal.records() if not self._is_aside(call)]
        chosen = [call for call in records if self._fits(call)]
        return explain_miss(wanted, self._asked, chosen, records, self.dropped)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
