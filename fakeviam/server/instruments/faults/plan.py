"""`cloud.faults`: planning faults, and reporting which ones fired."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fakeviam.model.checks import check_list
from fakeviam.model.errors import FakeViamError, UsageError, check_count
from fakeviam.model.offered import offers
from fakeviam.model.text import counted
from fakeviam.server.instruments.faults.fault import Fault
from fakeviam.server.instruments.faults.values import Detail, FaultKind, seconds_of
from fakeviam.server.instruments.wanted_values import ids_of_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from fakeviam.model.fleet import Fleet
    from fakeviam.model.matching import Leaf

    #: A pseudorandom number in [0, 1), determined by the seed and some labels.
    Fraction = Callable[..., float]
    Duration = float | str | timedelta


class UnfiredFaultError(FakeViamError, AssertionError):
    """A planned fault never fired, so the test did not exercise what it set out to."""


@offers(
    "after_bytes",
    "after_commit",
    "after_messages",
    "before_commit",
    "call",
    "delay",
    "expire_token",
    "expired",
    "fault",
    "fired",
    "goaway",
    "hide",
    "missing",
    "number",
    "once",
    "optional",
    "oversize_reply",
    "reset_connection",
    "reset_stream",
    "stall",
    "status",
    "times",
    "to_json",
    "unfired",
    "with_probability",
)
@dataclass(kw_only=True, slots=True)
class PlannedFault:
    """A planned fault and its history. Its methods refine it.

        cloud.faults.on("FileUpload", component="cam-1").call(1).after_messages(3).status(
            "UNAVAILABLE"
        )

    Attributes:
        fault: The fault.
        number: Its number, from 1.
        seen: How many calls matched.
        claimed: How many of them it will fire on.
        missed: How many of those ended before it could fire.
        fired: Numbers of the calls that it fired on.
    """

    fault: Fault
    number: int
    seen: int = 0
    claimed: int = 0
    missed: int = 0
    fired: list[int] = field(default_factory=list)

    # Which calls -------------------------------------------------------------------------

    def call(self, *numbers: int) -> PlannedFault:
        """Hit only these of the matching calls, counted from 1 since now."""
        if not numbers:
            raise UsageError("call() requires the number of a call, counted from 1")
        return self._with(calls=frozenset(numbers))

    def times(self, count: int) -> PlannedFault:
        """Hit at most this many calls."""
        return self._with(times=count)

    def once(self) -> PlannedFault:
        """Hit one call."""
        return self._with(times=1)

    def with_probability(self, probability: float) -> PlannedFault:
        """Hit a matching call with this probability, determined by the seed."""
        return self._with(probability=probability)

    def optional(self) -> PlannedFault:
        """Do not fail if it never fires."""
        return self._with(optional=True)

    # When --------------------------------------------------------------------------------

    def before_commit(self) -> PlannedFault:
        """Fire before the call is committed; the default."""
        return self._with(when="before-commit")

    def after_commit(self) -> PlannedFault:
        """Fire after the call is committed: the client cannot tell."""
        return self._with(when="after-commit")

    def after_messages(self, count: int) -> PlannedFault:
        """Fire after this many request messages, or, after commit, replies of a stream."""
        return self._with(after_messages=count)

    def after_bytes(self, count: int) -> PlannedFault:
        """Fire at this byte of the request, or, after commit, of the reply."""
        return self._with(after_bytes=count)

    # What --------------------------------------------------------------------------------

    def delay(self, duration: Duration, *, real_time: bool = False) -> PlannedFault:
        """Wait first, by the fake's clock or in real time; alone, nothing else happens.

        By the fake's clock, a call whose deadline comes first ends with DEADLINE_EXCEEDED.
        """
        effect = FaultKind.DELAY if self.fault.effect is None else self.fault.effect
        return self._with(delay=seconds_of(duration), real_time=real_time, effect=effect)

    def status(self, status: str, text: str = "", *, details: Any = ()) -> PlannedFault:
        """Return this gRPC status instead of a reply.

        Args:
            status: Its name, such as `UNAVAILABLE`.
            text: Its message; by default it describes the fault.
            details: Protobuf messages for `grpc-status-details-bin`.
        """
        check_list("details", details, "messages")
        packed = tuple(map(Detail.of, details))
        return self._do(FaultKind.STATUS, status=status, text=text, details=packed)

    def query_timeout(self) -> PlannedFault:
        """Fail as the service was observed to fail when queries take too long (QG-2)."""
        return self.status("DEADLINE_EXCEEDED", "query timed out")

    def result_too_large(self) -> PlannedFault:
        """Fail as the service was observed to fail when queries match too much (QG-1).

        This takes precedence over the query's limit. The message is public, but the status is
        not: here it is RESOURCE_EXHAUSTED (QG-3).
        """
        return self.status(
            "RESOURCE_EXHAUSTED",
            "result set is too large; try adding limits to your query using $limit and $skip",
        )

    def stall(self, duration: Duration | None = None, *, real_time: bool = False) -> PlannedFault:
        """Go silent for this long; without a duration until the client gives up.

        Time goes by the fake's clock, also that of the client's deadline, or in real time.
        """
        seconds = None if duration is None else seconds_of(duration, "stall")
        return self._do(FaultKind.STALL, seconds=seconds, real_time=real_time)

    def reset_stream(self, code: str = "INTERNAL_ERROR") -> PlannedFault:
        """End the call with RST_STREAM, without a status.

        Args:
            code: Name of the HTTP/2 error code, such as `REFUSED_STREAM`.
        """
        return self._do(FaultKind.RESET_STREAM, code=code)

    def goaway(self) -> PlannedFault:
        """Send GOAWAY and close the connection, like a server that restarts."""
        return self._do(FaultKind.GOAWAY)

    def reset_connection(self) -> PlannedFault:
        """Reset the TCP connection, and every call on it."""
        return self._do(FaultKind.RESET_CONNECTION)

    def oversize_reply(self, size: int = 8 * 1024 * 1024) -> PlannedFault:
        """Pad the reply by this many bytes, in a field that readers skip.

        Most clients refuse messages above 4 MiB.
        """
        return self._do(FaultKind.OVERSIZE_REPLY, size=size)

    def expire_token(self) -> PlannedFault:
        """Expire the access token of the call: this call and later ones are UNAUTHENTICATED."""
        return self._do(FaultKind.EXPIRE_TOKEN)

    def hide(self, duration: Duration) -> PlannedFault:
        """Make the upload visible only after this time, by the fake's clock."""
        return self._do(FaultKind.HIDE, seconds=seconds_of(duration, "hide"))

    def _do(self, effect: FaultKind, **options: object) -> PlannedFault:
        has = self.fault.effect
        if has not in (None, FaultKind.DELAY, effect):
            raise UsageError(
                f"this fault already is a {has.value}; plan a second one for {effect.value}"
            )
        return self._with(effect=effect, **options)

    def _with(self, **changes: Any) -> PlannedFault:
        self.fault = replace(self.fault, **changes)
        return self

    # Accounting --------------------------------------------------------------------------

    def happened(self, call: int) -> None:
        """Record that it fired on this call."""
        self.claimed -= 1
        self.fired.append(call)

    def expired(self) -> None:
        """Record that a claimed call ended before it could fire."""
        self.claimed -= 1
        self.missed += 1

    @property
    def missing(self) -> str:
        """What was planned but did not happen; empty if everything did."""
        fault = self.fault
        if fault.effect is None:
            return "has no effect; end it with .status(…), .delay(…), .reset_stream() …"
        if fault.optional or fault.probability < 1:
            return ""
        planned = 1 if fault.calls is None else len(fault.calls)
        if fault.times is not None and fault.calls is not None:
            planned = min(planned, fault.times)
        if len(self.fired) >= planned:
            return ""
        fitting = f"{counted(self.seen, 'call')} matched"
        if self.missed:
            fitting += f", {self.missed} of them ended before it could fire"
        if not self.fired:
            return f"never fired: {fitting}"
        return f"fired {len(self.fired)} of {planned} times: {fitting}"

    @property
    def unfired(self) -> str:
        """The fault, and what did not happen."""
        return f"fault {self.number}, {self.fault}, {self.missing}"

    def to_json(self) -> dict[str, Any]:
        """The fault and its history."""
        return {
            "number": self.number,
            "fault": self.fault.to_json(),
            "fitting_calls": self.seen,
            "fired": list(self.fired),
            "missing": self.missing,
        }


@offers("add", "clear", "on", "planned", "refuse_connections", "refusing", "report", "unfired")
class Faults:
    """The planned faults of one cloud. The first one that matches fires on a call (FT-1).

    Attributes:
        planned: The faults, in the order they were added.
        refusing: How many of the next connections will be refused.
        refused: How many were refused.
    """

    def __init__(self, *, fraction: Fraction, fleet: Fleet | None = None) -> None:
        """Make an empty plan.

        Args:
            fraction: Returns pseudorandom numbers for probabilities.
            fleet: Resolves names to ids.
        """
        self._fraction = fraction
        self._fleet = fleet
        self.planned: list[PlannedFault] = []
        self._numbered = 0
        self.refusing = self.refused = 0

    def __iter__(self) -> Iterator[PlannedFault]:
        return iter(tuple(self.planned))

    def __len__(self) -> int:
        return len(self.planned)

    def on(self, rpc: str = "*", **where: object) -> PlannedFault:
        """Plan a fault for matching calls of `rpc`; its methods choose the effect.

        Raises:
            UsageError: There is no such RPC or field.
        """
        return self.add(Fault(rpc=rpc, where=where))

    def add(self, fault: Fault | object) -> PlannedFault:
        """Plan a fault that is given as a value or as JSON.

        Raises:
            UsageError: The fault is invalid.
        """
        checked = fault if isinstance(fault, Fault) else Fault.from_json(fault)
        if checked.where and self._fleet is not None:
            checked = replace(checked, where=ids_of_names(checked.where, self._fleet))
        self._numbered += 1
        planned = PlannedFault(fault=checked, number=self._numbered)
        self.planned.append(planned)
        return planned

    def refuse_connections(self, count: int = 1) -> None:
        """Reset the next `count` connections as soon as they open (FT-8).

        Raises:
            UsageError: `count` is not a whole number from 1.
        """
        check_count(count, "count")
        self.refusing += count

    def refuses_connection(self) -> bool:
        """Whether to refuse a new connection; counts it."""
        if not self.refusing:
            return False
        self.refusing -= 1
        self.refused += 1
        return True

    def choose(self, rpc: str, leaves: Callable[[], list[Leaf]]) -> PlannedFault | None:
        """The fault that claims this call, if any; all matching faults count it.

        The caller then reports the outcome: `happened` or `expired`.

        Args:
            rpc: The name of the RPC.
            leaves: Returns the fields of the request.
        """
        first: PlannedFault | None = None
        for planned in self.planned:
            fault = planned.fault
            if fault.effect is None or not _fits(fault, rpc, leaves):
                continue
            planned.seen += 1
            if first is None and self._due(planned):
                first = planned
                planned.claimed += 1
        return first

    def _due(self, planned: PlannedFault) -> bool:
        fault = planned.fault
        if fault.calls is not None and planned.seen not in fault.calls:
            return False
        if fault.times is not None and planned.claimed + len(planned.fired) >= fault.times:
            return False
        if fault.probability >= 1:
            return True
        return self._fraction("fault", planned.number, planned.seen) < fault.probability

    def clear(self) -> int:
        """Remove all faults; return how many there were."""
        count = len(self.planned)
        self.planned.clear()
        self.refusing = self.refused = 0
        return count

    def report(self) -> list[dict[str, Any]]:
        """The faults and their history, as a JSON array."""
        return [planned.to_json() for planned in self.planned]

    @property
    def unfired(self) -> list[str]:
        """What was planned but did not happen, one line each."""
        lines = [planned.unfired for planned in self.planned if planned.missing]
        return [*lines, self.unmade] if self.unmade else lines

    @property
    def unmade(self) -> str:
        """Connections that were to be refused but were never made."""
        if not self.refusing:
            return ""
        whole = self.refusing + self.refused
        return f"refuse_connections: {self.refusing} of {whole} connections were never made"


def _fits(fault: Fault, rpc: str, leaves: Callable[[], list[Leaf]]) -> bool:
    conditions = fault.conditions
    if not conditions.fits_rpc(rpc):
        return False
    return not conditions.fields or conditions.fits(rpc, leaves())
