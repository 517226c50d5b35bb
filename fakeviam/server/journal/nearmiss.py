"""What a test reads when the calls are not those it expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.matching import Conditions, Mismatch
    from fakeviam.server.journal.record import RecordedCall

_SHOWN = 5


def told(choices: Sequence[Conditions], status: str | None) -> str:
    """What was asked for: `FileUpload call with component_name='cam-1'`."""
    rpcs = [choice.rpc for choice in choices if choice.rpc != "*"]
    fields = [f"{k}={v!r}" for choice in choices for k, v in choice.fields.items()]
    fields += [f"status={status}"] if status else []
    rpc = f"{rpcs[-1]} call" if rpcs else "call"
    return f"{rpc} with {', '.join(fields)}" if fields else rpc


def counted(count: int, what: str) -> str:
    """`2 FileUpload calls`."""
    noun, space, rest = what.partition(" call")
    if not space:  # the bare "call"
        return f"{count} {what}{'s' if count != 1 else ''}"
    return f"{count} {noun} call{'s' if count != 1 else ''}{rest}"


def explain_miss(
    wanted: str,
    chosen: Sequence[RecordedCall],
    records: Sequence[RecordedCall],
    choices: Sequence[Conditions],
    dropped: int,
) -> str:
    """Say what was wanted, what there was, and what is different in the nearest call."""
    if chosen:
        lines = [f"{wanted}, but there were {len(chosen)}:", *_listed(chosen)]
        return "\n".join(lines)
    near = [call for call in records if all(choice.fits_rpc(call.rpc) for choice in choices)]
    if not near:
        return "\n".join([f"{wanted}, but there was none.", *_others(records)])
    nearest, mismatches = min(
        ((call, _mismatches(call, choices)) for call in reversed(near)), key=lambda it: len(it[1])
    )
    rpc = near[0].rpc if len({call.rpc for call in near}) == 1 else ""
    count = counted(len(near), f"{rpc} call".strip())
    told_apart = "; ".join(map(str, mismatches)) or f"its status, {nearest.status}"
    lines = [
        f"{wanted}, but there was none.",
        f"{count}; the nearest, number {nearest.number}, differs in {told_apart}",
    ]
    if dropped:
        lines.append(f"{dropped} older calls were dropped for lack of room.")
    return "\n".join(lines)


def _mismatches(call: RecordedCall, choices: Sequence[Conditions]) -> list[Mismatch]:
    leaves = call.leaves
    return [mismatch for choice in choices for mismatch in choice.mismatches(leaves)]


def _listed(calls: Sequence[RecordedCall]) -> list[str]:
    lines = [f"  {line_of(call)}" for call in calls[-_SHOWN:]]
    more = len(calls) - len(lines)
    return [f"  … {more} earlier", *lines] if more else lines


def _others(records: Sequence[RecordedCall]) -> list[str]:
    if not records:
        return ["No call was made at all; does the code under test use this cloud's address?"]
    return ["These calls were made:", *_listed(records)]


def line_of(call: RecordedCall) -> str:
    """One call on one line: `3 FileUpload part_id='…' → OK`."""
    named = [(path.rpartition(".")[2], value) for path, value in call.leaves[:4]]
    fields = ", ".join(f"{name}={_short(value)}" for name, value in named)
    status = call.status or "in progress"
    marks = "".join(
        [" (fault)" if call.fault is not None else "", " (scripted)" if call.scripted else ""]
    )
    text = f": {call.text}" if call.text else ""
    return f"{call.number} {call.rpc}({fields}) → {status}{text}{marks}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}…'"
