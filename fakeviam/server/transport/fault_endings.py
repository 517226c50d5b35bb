"""How a planned fault ends a call on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib.const import Status

from fakeviam.server.instruments.faults.values import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

    from fakeviam.server.instruments.fault_injection import FaultInjector, FaultTriggered
    from fakeviam.server.transport.call_stream import CallStream
    from fakeviam.wire.encoded import Encoded


async def end_by_fault(triggered: FaultTriggered, stream: CallStream) -> None:
    """End a call as its fault specifies."""
    fault = triggered.fault
    if triggered.status:
        await stream.send_trailing_metadata(
            status=Status[triggered.status],
            status_message=triggered.text,
            status_details=fault.details or None,
            metadata={"fakeviam-fault": str(fault)},
        )
    elif fault.effect is FaultKind.GOAWAY:
        stream.send_goaway(processed=fault.when == "after-commit")
    elif fault.effect is FaultKind.RESET_CONNECTION:
        stream.reset_connection()
    else:
        stream.reset(fault.code or "INTERNAL_ERROR")


async def send_cut(
    injector: FaultInjector,
    replies: Sequence[Message | Encoded],
    stream: CallStream,
    *,
    end: Callable[[], None],
) -> None:
    """Send replies until the fault's byte; `end` is called if the fault lets the call continue."""
    body = stream.framed(replies)
    cut = injector.reply_byte
    await stream.send_framed(body[:cut])
    await injector.fire()
    end()
    await stream.send_framed(body[cut:])


async def send_replies(
    batch: Sequence[bytes], done: int, injector: FaultInjector | None, stream: CallStream
) -> int:
    """Send the next replies of a stream, with the fault at its message or byte.

    `done` is how much was sent before, in the unit of the fault; returns the new value. With a
    fault, replies come one at a time.
    """
    sent = b"".join(batch)
    if injector is None:
        await stream.send_framed(sent)
        return 0
    if injector.reply_byte is not None:
        cut = injector.reply_byte - done
        if cut <= len(sent):
            await stream.send_framed(sent[:cut])
            await injector.fire()
            sent, done = sent[cut:], done + cut
        await stream.send_framed(sent)
        return done + len(sent)
    await stream.send_framed(sent)
    done += len(batch)
    if injector.reply_number is not None and done >= injector.reply_number:
        await injector.fire()
    return done
