"""Explains to a test why no recorded call matches its expectation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.matching import Mismatch, short, wanted_text
from fakeviam.model.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.matching import Conditions
    from fakeviam.server.instruments.journal.record import RecordedCall

_SHOWN = 5

# How many fields of a call are shown, and fields that rarely distinguish calls.
_FIELDS = 4
_DULL = frozenset({"part_id", "type", "organization_id", "include_binary", "limit"})


class Wanted(NamedTuple):
    """The expected call."""

    choices: Sequence[Conditions]
    status: str | None

    def __str__(self) -> str:
        return f"{self._rpc}call{self._conditions}"

    def counted(self, count: int) -> str:
        """`2 FileUpload calls with component_name='cam-1'`."""
        return f"{counted(count, f'{self._rpc}call')}{self._conditions}"

    @property
    def _rpc(self) -> str:
        rpcs = [choice.rpc for choice in self.choices if choice.rpc != "*"]
        return f"{rpcs[-1]} " if rpcs else ""

    @property
    def _conditions(self) -> str:
        texts = [
            f"{k}={wanted_text(k, v)}" for choice in self.choices for k, v in choice.fields.items()
        ]
        texts += [f"status={self.status}"] if self.status else []
        return f" with {', '.join(texts)}" if texts else ""

    def of_rpc(self, call: RecordedCall) -> bool:
        """Whether a call is of the expected RPC."""
        return all(choice.fits_rpc(call.rpc) for choice in self.choices)

    def mismatches(self, call: RecordedCall) -> list[Mismatch]:
        """The differences between a call and the expectation."""
        leaves = call.leaves
        all_mismatches = [each for choice in self.choices for each in choice.mismatches(leaves)]
        if self.status is not None and call.status != self.status:
            all_mismatches.append(Mismatch("status", (call.status,), self.status))
        return all_mismatches


def explain_miss(
    wanted: str,
    asked: Wanted,
    chosen: Sequence[RecordedCall],
    records: Sequence[RecordedCall],
    dropped: int,
) -> str:
    """Explain what was expected, what was recorded, and how the nearest call differs."""
    lines = [f"{wanted}, but there {_were(len(chosen))}"]
    lines += _call_lines(chosen)
    fitting = {id(call) for call in chosen}
    near = [call for call in records if asked.of_rpc(call) and id(call) not in fitting]
    if near:
        lines.append(told_nearest(near, asked))
    elif not chosen:
        lines += _others(records)
    if dropped:
        lines.append(f"The journal was full and dropped {dropped} older calls.")
    return "\n".join(lines)


def _were(count: int) -> str:
    if not count:
        return "was none."
    return "was one:" if count == 1 else f"were {count}:"


def told_nearest(near: Sequence[RecordedCall], asked: Wanted) -> str:
    """How the nearest of these calls differs."""
    call, mismatches = min(
        ((call, asked.mismatches(call)) for call in reversed(near)), key=lambda it: len(it[1])
    )
    rpcs = {call.rpc for call in near}
    rpc = f"{rpcs.pop()} " if len(rpcs) == 1 else ""
    others = counted(len(near), f"other {rpc}call")
    told_apart = "; ".join(map(str, mismatches))
    return f"{others}; the nearest, number {call.number}, differs in {told_apart}"


def _call_lines(calls: Sequence[RecordedCall]) -> list[str]:
    last_calls = Lines(calls[-_SHOWN:])
    lines = [f"  {last_calls.of(call)}" for call in calls[-_SHOWN:]]
    more = len(calls) - len(lines)
    return [f"  … {more} earlier", *lines] if more else lines


def _others(records: Sequence[RecordedCall]) -> list[str]:
    if not records:
        return ["No call was made at all; does the code under test use this cloud's address?"]
    return ["These calls were made:", *_call_lines(records)]


def line_of(call: RecordedCall) -> str:
    """A call on one line: `3 FileUpload part_id='…' → OK`."""
    return Lines([call]).of(call)


class Lines:
    """A line for each of several calls, with the fields that distinguish them."""

    def __init__(self, calls: Sequence[RecordedCall]) -> None:
        """Compare these calls."""
        self._calls = Counter(call.rpc for call in calls)
        self._alike = Counter(
            (call.rpc, path, repr(value)) for call in calls for path, value in call.leaves
        )

    def of(self, call: RecordedCall) -> str:
        """The line of a call."""
        leaves = call.leaves
        # Drop fields that other calls share first, then those that rarely distinguish calls.
        ranked = sorted(range(len(leaves)), key=lambda number: self._rank(call, *leaves[number]))
        selected = [leaves[number] for number in sorted(ranked[:_FIELDS])]
        fields = ", ".join(f"{_last(path)}={_value_text(value)}" for path, value in selected)
        more = ", …" if len(leaves) > len(selected) else ""
        status = call.status or "in progress"
        text = f": {call.text}" if call.text else ""
        fault = " (fault)" if call.fault is not None else ""
        scripted = " (scripted)" if call.scripted else ""
        return f"{call.number} {call.rpc}({fields}{more}) → {status}{text}{fault}{scripted}"

    def _rank(self, call: RecordedCall, path: str, value: object) -> tuple[bool, bool]:
        number = self._calls[call.rpc]
        is_common = number > 1 and self._alike[call.rpc, path, repr(value)] >= number
        return is_common, _last(path) in _DULL


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _value_text(value: object) -> str:
    """A short form of a value; the end of a long id, which is where ids differ."""
    text = short(value)
    if isinstance(value, str) and text.endswith("…'") and value.count("/") == 2:
        return f"'…/{value.rpartition('/')[2][:40]}'"
    return text
