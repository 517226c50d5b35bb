"""The frames of an HTTP/2 connection: cut from its bytes, and judged before h2 sees them.

h2 ends the connection for many a mistake that is one call's, and counts nothing: here is RFC 9113
where h2 is too hard, and the budgets.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol

from h2.errors import ErrorCodes
from hyperframe.frame import RstStreamFrame, WindowUpdateFrame

from fakeviam.server.transport.limits import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.server.transport.limits import ConnectionLimits

#: What a client says first.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9

#: Names of the types, by number.
NAMES = (
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION",
)  # fmt: skip

# Flags.
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8

#: Bytes of the payload of a frame: what may be sent to those who announce nothing else.
LARGEST = 16_384

#: How many control frames a call, or a frame of data, buys.
BOUGHT = 10

#: Streams; of earlier ones nothing more comes.
_RESETS_REMEMBERED = 1000

#: The head of a frame: its length in three bytes, its type, its flags and its stream.
_HEAD = struct.Struct(">HBBBL")


class ConnectionFailure(Exception):  # noqa: N818 - an order, not an error of ours
    """The connection cannot go on; its client is told why in a GOAWAY."""

    def __init__(self, code: ErrorCodes, text: str) -> None:
        """End the connection with an error code of HTTP/2, and a text for people."""
        super().__init__(text)
        self.code, self.text = code, text


class StreamFailure(ConnectionFailure):
    """The call of the frame is reset, and the others go on; the text is for the journal."""


class Frame(NamedTuple):
    """One frame as it came.

    Attributes:
        kind: Its type.
        flags: Its flags.
        stream_id: The stream it is of; 0 is the connection.
        size: Bytes of payload.
        is_data: Whether it is DATA, and nothing else.
        head: The nine bytes that say so.
        payload: What follows them.
    """

    kind: int
    flags: int
    stream_id: int
    size: int
    is_data: bool
    head: bytes
    payload: bytes

    def with_flags(self, flags: int) -> Frame:
        """The same frame with other flags."""
        head = self.head[:4] + bytes([flags]) + self.head[5:]
        return self._replace(flags=flags, head=head)


class Stream(Protocol):
    """A call in progress.

    Attributes:
        client_ended: Whether the client has said all.
    """

    client_ended: bool


class FrameCutter:
    """What came of a connection and was not looked at yet."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.received = bytearray()
        self._has_preface = False

    def cut(self, most: int) -> list[Frame]:
        """The next complete frames, `most` at most.

        Raises:
            ConnectionFailure: The next one says that it is larger than it may be, or the client
                does not speak HTTP/2.
        """
        if not self._has_preface and not self._cut_preface():
            return []
        received, at, frames = self.received, 0, list[Frame]()
        while len(frames) < most and len(received) - at >= _HEAD.size:
            high, low, kind, flags, stream_id = _HEAD.unpack_from(received, at)
            size = high << 8 | low
            if size > LARGEST:
                if not frames:
                    text = f"a frame of {size} bytes; {LARGEST} at most"
                    raise ConnectionFailure(ErrorCodes.FRAME_SIZE_ERROR, text)
                break  # those before it count
            begin = at + _HEAD.size
            if len(received) < begin + size:
                break
            head, payload = bytes(received[at:begin]), bytes(received[begin : begin + size])
            is_data = kind == DATA and size > 0 and flags <= END_STREAM
            number = stream_id & 0x7FFFFFFF
            frames.append(Frame(kind, flags, number, size, is_data, head, payload))
            at = begin + size
        del received[:at]
        return frames

    def _cut_preface(self) -> bool:
        if not PREFACE.startswith(self.received[: len(PREFACE)]):
            raise ConnectionFailure(ErrorCodes.PROTOCOL_ERROR, "this is not HTTP/2")
        self._has_preface = len(self.received) >= len(PREFACE)
        if self._has_preface:
            del self.received[: len(PREFACE)]
        return self._has_preface

    @property
    def has_frame(self) -> bool:
        """Whether a frame is complete, or too large."""
        received = self.received
        return len(received) >= _HEAD.size and (
            len(received) >= _HEAD.size + (size := int.from_bytes(received[:3], "big"))
            or size > LARGEST
        )


class FrameRules:
    """The rules for one connection, and what they must remember of it.

    Attributes:
        highest: The highest stream that the client has opened.
        is_greeted: Whether the client began as HTTP/2 begins.
        is_draining: Whether the client said that it opens no more calls.
        unended: Streams whose trailers did not end them, though they were taken as if.
        resets: Streams that were reset, and of which more may come.
        unfinished: What the client has begun and must complete in time; empty if it is nothing.
        now: When the frames came that are judged, by the clock of the event loop.
        useful: Calls and frames of data, either way, that let more control frames come.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        streams: Mapping[int, Stream],
        *,
        now: float,
        answer: Callable[[bytes], None],
    ) -> None:
        """Rules with all of their budgets, for calls in progress; `answer` sends a frame."""
        self.highest = 0
        self.is_greeted = self.is_draining = False
        self.unended: set[int] = set()
        self.resets: dict[int, None] = {}
        self.unfinished = "the beginning of the connection"
        self.now, self.useful = now, 0
        self._limits, self._streams, self._answer = limits, streams, answer
        self._resets = TokenBucket(limits.resets, limits.resets_per_second, now=now)
        self._control = TokenBucket(
            limits.control_frames, limits.control_frames_per_second, now=now
        )
        self._block: int | None = None  # whose headers go on in CONTINUATION frames
        self._block_frames = self._block_bytes = 0
        self._rules: dict[int, Callable[[Frame], Frame | None]] = {
            DATA: self._data,
            HEADERS: self._headers,
            PRIORITY: self._priority,
            RST_STREAM: self._reset,
            SETTINGS: self._settings,
            PUSH_PROMISE: self._push,
            PING: self._ping,
            GOAWAY: self._goaway,
            WINDOW_UPDATE: self._window,
            CONTINUATION: self._continuation,
        }

    def apply(self, frame: Frame) -> Frame | None:
        """What h2 is to be given for this frame; None is nothing.

        Raises:
            ConnectionFailure: The connection cannot go on.
            StreamFailure: The frame's call cannot.
        """
        if not self.is_greeted:
            self._greeting(frame)
        if self._block is not None and (frame.kind, frame.stream_id) != (CONTINUATION, self._block):
            raise _violation(f"a frame in the middle of the headers of stream {self._block}")
        rule = self._rules.get(frame.kind)
        if rule is None:  # an extension, which is to be ignored
            self.spend_control()
            return None
        return rule(frame)

    def spend_control(self) -> None:
        """Count a frame that is of no use to any call.

        Raises:
            ConnectionFailure: There were too many.
        """
        self._control.earn(self.useful * BOUGHT)
        self.useful = 0
        if not self._control.spend(now=self.now):
            raise ConnectionFailure(
                ErrorCodes.ENHANCE_YOUR_CALM,
                f"more than {self._limits.control_frames} PING, SETTINGS, PRIORITY, "
                "WINDOW_UPDATE, empty or unknown frames without calls or data between them",
            )

    def spend_reset(self) -> None:
        """Count a call that was begun in vain (CVE-2023-44487, CVE-2025-8671).

        Raises:
            ConnectionFailure: There were too many.
        """
        if not self._resets.spend(now=self.now):
            text = f"more than {self._limits.resets} calls in a row were reset or malformed"
            raise ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text)

    def remember_reset(self, number: int) -> None:
        """A stream was reset, of which more may come."""
        self.resets[number] = None
        if len(self.resets) > _RESETS_REMEMBERED:
            del self.resets[next(iter(self.resets))]

    # Kinds of frames -----------------------------------------------------------------------

    def _greeting(self, frame: Frame) -> None:
        if frame.kind == HEADERS and frame.stream_id:
            code = ErrorCodes.REFUSED_STREAM
            self._answer(RstStreamFrame(frame.stream_id, error_code=code).serialize())
        if frame.kind != SETTINGS or frame.flags & ACK:
            raise _violation("the connection did not begin with SETTINGS")
        self.is_greeted = True
        self.unfinished = ""

    def _data(self, frame: Frame) -> Frame | None:
        self._check_is_not_idle(frame, "DATA")
        padding = frame.payload[0] + 1 if frame.flags & PADDED and frame.size else 0
        if frame.size <= padding and not frame.flags & END_STREAM:
            self.spend_control()
        else:
            self.useful += 1
        stream = self._streams.get(frame.stream_id)
        # A flood is made of nothing, too; h2 would take long for it.
        is_nothing = stream is not None and not (stream.client_ended or frame.size or frame.flags)
        if frame.stream_id not in self.resets:
            return None if is_nothing else frame
        # h2 does not get to know that the client sent it, so it does not return the window.
        if frame.size:
            self._answer(WindowUpdateFrame(0, window_increment=frame.size).serialize())
        return None

    def _headers(self, frame: Frame) -> Frame:
        self.useful += 1
        if not frame.flags & END_HEADERS:
            self._block, self._block_frames, self._block_bytes = frame.stream_id, 0, frame.size
            self.unfinished = f"the headers of stream {frame.stream_id}"
        if frame.stream_id not in self._streams:
            self.highest = max(self.highest, frame.stream_id)
        elif not frame.flags & END_STREAM:
            self.unended.add(frame.stream_id)
            return frame.with_flags(frame.flags | END_STREAM)
        return frame

    def _continuation(self, frame: Frame) -> Frame:
        if self._block is None:
            raise _violation("CONTINUATION without HEADERS before it")
        self._block_frames += 1
        self._block_bytes += frame.size
        most, most_bytes = self._limits.continuations, 4 * self._limits.header_list_bytes
        if self._block_frames > most or self._block_bytes > most_bytes:
            text = f"headers in more than {most} CONTINUATION frames or {most_bytes} bytes"
            raise ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text)
        if frame.flags & END_HEADERS:
            self._block, self.unfinished = None, ""
        return frame

    def _priority(self, frame: Frame) -> None:
        """Deprecated, and of no use here."""
        self.spend_control()
        if frame.stream_id == 0:
            raise _violation("PRIORITY of stream 0")
        if frame.size != 5:
            text = "PRIORITY of a wrong size"
            raise StreamFailure(ErrorCodes.FRAME_SIZE_ERROR, text)

    def _reset(self, frame: Frame) -> Frame:
        self._check_is_not_idle(frame, "RST_STREAM")
        if frame.stream_id in self._streams:
            self.spend_reset()
        else:
            self.spend_control()
        return frame

    def _settings(self, frame: Frame) -> Frame:
        self.spend_control()
        return frame

    def _ping(self, frame: Frame) -> Frame | None:
        """Answer it at once: a flood is cheaply made of them, and h2 would take long."""
        self.spend_control()
        if frame.stream_id or frame.size != 8 or frame.flags & ACK:
            return frame
        self._answer(frame.with_flags(ACK).head + frame.payload)
        return None

    def _push(self, frame: Frame) -> None:
        raise _violation(f"PUSH_PROMISE of stream {frame.stream_id}, which is for servers")

    def _goaway(self, frame: Frame) -> None:
        """Calls in progress go on; h2 would end them all."""
        if frame.stream_id != 0:
            raise _violation(f"GOAWAY of stream {frame.stream_id}")
        if frame.size < 8:
            raise ConnectionFailure(ErrorCodes.FRAME_SIZE_ERROR, "GOAWAY is too short")
        self.is_draining = True

    def _window(self, frame: Frame) -> Frame:
        self.spend_control()
        if frame.stream_id:
            self._check_is_not_idle(frame, "WINDOW_UPDATE")
        if frame.size == 4 and not int.from_bytes(frame.payload, "big") & 0x7FFFFFFF:
            text = "WINDOW_UPDATE by 0"
            if frame.stream_id == 0:
                raise _violation(text)
            raise StreamFailure(ErrorCodes.PROTOCOL_ERROR, text)
        return frame

    def _check_is_not_idle(self, frame: Frame, name: str) -> None:
        if frame.stream_id == 0 or frame.stream_id > self.highest:
            raise _violation(f"{name} of stream {frame.stream_id}, which was never opened")


def _violation(text: str) -> ConnectionFailure:
    return ConnectionFailure(ErrorCodes.PROTOCOL_ERROR, text)
