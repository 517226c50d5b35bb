"""How a planned fault ends a call on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status

from fakeviam.server.instruments.faults.values import FaultKind
from fakeviam.server.transport.connection import (
    framed,
    reset_connection,
    reset_stream,
    send_framed,
    send_goaway,
)
from fakeviam.wire.encoded import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message
    from grpclib.server import Stream

    from fakeviam.server.instruments.faults.injection import FaultInjector, FaultTriggered
    from fakeviam.wire.encoded import Encoded


async def end_by_fault(triggered: FaultTriggered, stream: Stream[Any, Any]) -> None:
    """End a call as its fault says."""
    fault = triggered.fault
    if triggered.status:
        shown = str(fault).encode("ascii", "backslashreplace").decode()
        await stream.send_trailing_metadata(
            status=Status[triggered.status],
            status_message=triggered.text,
            status_details=fault.details or None,
            metadata={"fakeviam-fault": shown},
        )
    elif fault.effect is FaultKind.GOAWAY:
        send_goaway(stream, processed=fault.when == "after-commit")
    elif fault.effect is FaultKind.RESET_CONNECTION:
        reset_connection(stream)
    else:
        await reset_stream(stream, fault.code or "INTERNAL_ERROR")


async def send_cut(
    injector: FaultInjector,
    replies: Sequence[Message | Encoded],
    stream: Stream[Any, Any],
    *,
    end: Callable[[], None],
) -> None:
    """Send replies with the fault at its byte; `end` is called when it let the call go on."""
    sent = framed(map(encoded, replies))
    cut = injector.reply_byte
    await send_framed(stream, sent[:cut])
    await injector.fire()
    end()
    await send_framed(stream, sent[cut:])
