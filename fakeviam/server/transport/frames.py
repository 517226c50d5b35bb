"""The frames of an HTTP/2 connection, parsed and checked before h2 sees them.

h2 closes the connection for many errors that concern a single call, and it limits nothing. This
module applies RFC 9113 where h2 is stricter, and enforces the limits of `ConnectionLimits`.
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

#: The client's connection preface.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9

#: Names of the frame types, by number.
NAMES = (
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION",
)  # fmt: skip

# Flags.
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8

#: Maximum payload size in bytes: the default of SETTINGS_MAX_FRAME_SIZE.
LARGEST = 16_384

#: How many control frames each call or DATA frame allows.
BOUGHT = 10

#: How many reset streams are remembered; older ones receive no more frames.
_RESETS_REMEMBERED = 1000

#: A frame header: length (3 bytes), type, flags and stream id.
_HEAD = struct.Struct(">HBBBL")


class ConnectionFailure(Exception):  # noqa: N818 - control flow rather than an error of ours
    """The connection must be closed; the GOAWAY gives the reason."""

    def __init__(self, code: ErrorCodes, text: str) -> None:
        """Close with this HTTP/2 error code, and a message for people."""
        super().__init__(text)
        self.code, self.text = code, text


class StreamFailure(ConnectionFailure):
    """Only the frame's call is reset; the message goes to the journal."""


class Frame(NamedTuple):
    """One received frame.

    Attributes:
        kind: The frame type.
        flags: The flags.
        stream_id: The stream id; 0 is the connection.
        size: Payload size in bytes.
        is_data: Whether this is non-empty DATA without flags other than END_STREAM.
        head: The nine bytes of the header.
        payload: The payload.
    """

    kind: int
    flags: int
    stream_id: int
    size: int
    is_data: bool
    head: bytes
    payload: bytes

    def with_flags(self, flags: int) -> Frame:
        """The same frame with different flags."""
        head = self.head[:4] + bytes([flags]) + self.head[5:]
        return self._replace(flags=flags, head=head)


class Stream(Protocol):
    """A call in progress, as the rules see it.

    Attributes:
        client_ended: Whether the client has sent the whole request.
    """

    client_ended: bool


class FrameCutter:
    """Splits received bytes into frames."""

    def __init__(self) -> None:
        """Start with an empty buffer."""
        self.received = bytearray()
        self._has_preface = False

    def cut(self, most: int) -> list[Frame]:
        """The next complete frames, at most `most`.

        Raises:
            ConnectionFailure: The next frame is too large, or the client does not speak HTTP/2.
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
                break  # process the frames before it first
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
        """Whether the buffer holds a complete frame, or one that is too large."""
        received = self.received
        return len(received) >= _HEAD.size and (
            len(received) >= _HEAD.size + (size := int.from_bytes(received[:3], "big"))
            or size > LARGEST
        )


class FrameRules:
    """The rules for one connection, and the state they need.

    Attributes:
        highest: The highest stream id that the client has opened.
        is_greeted: Whether the client's preface is complete.
        is_draining: Whether GOAWAY was sent or received: no new calls.
        unended: Streams whose trailers lacked END_STREAM, which was added for h2.
        resets: Reset streams that may still receive frames.
        unfinished: What the client has started and must complete in time; empty if nothing.
        now: When the current frames arrived, by the clock of the event loop.
        useful: Calls and DATA frames, in either direction, since the last control frame.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        streams: Mapping[int, Stream],
        *,
        now: float,
        answer: Callable[[bytes], None],
    ) -> None:
        """Start with full budgets; `answer` sends a serialized frame."""
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
        self._block: int | None = None  # the stream whose header block is incomplete
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
        """The frame to pass to h2; None if there is nothing to pass.

        Raises:
            ConnectionFailure: The connection must be closed.
            StreamFailure: The frame's call must be reset.
        """
        if not self.is_greeted:
            self._greeting(frame)
        if self._block is not None and (frame.kind, frame.stream_id) != (CONTINUATION, self._block):
            raise _violation(f"a frame in the middle of the headers of stream {self._block}")
        rule = self._rules.get(frame.kind)
        if rule is None:  # an unknown type: RFC 9113, 5.5 requires to ignore it
            self.spend_control()
            return None
        return rule(frame)

    def spend_control(self) -> None:
        """Count a frame that serves no call.

        Raises:
            ConnectionFailure: The budget is exhausted.
        """
        # Clients ping and open windows in proportion to their traffic; a flood has no traffic.
        self._control.earn(self.useful * BOUGHT)
        self.useful = 0
        if not self._control.spend(now=self.now):
            raise ConnectionFailure(
                ErrorCodes.ENHANCE_YOUR_CALM,
                f"more than {self._limits.control_frames} PING, SETTINGS, PRIORITY, "
                "WINDOW_UPDATE, empty or unknown frames without calls or data between them",
            )

    def spend_reset(self) -> None:
        """Count a call that was started and abandoned (CVE-2023-44487, CVE-2025-8671).

        Raises:
            ConnectionFailure: The budget is exhausted.
        """
        if not self._resets.spend(now=self.now):
            text = f"more than {self._limits.resets} calls in a row were reset or malformed"
            raise ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text)

    def remember_reset(self, number: int) -> None:
        """Remember a reset stream, which may still receive frames."""
        self.resets[number] = None
        if len(self.resets) > _RESETS_REMEMBERED:
            del self.resets[next(iter(self.resets))]

    # Kinds of frames -----------------------------------------------------------------------

    def _greeting(self, frame: Frame) -> None:
        # REFUSED_STREAM: a call before SETTINGS was not processed, so that the client may retry it.
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
        # A flood of empty DATA must not reach h2, which takes long for each frame.
        is_nothing = stream is not None and not (stream.client_ended or frame.size or frame.flags)
        if frame.stream_id not in self.resets:
            return None if is_nothing else frame
        # h2 does not see this frame, so the connection's window must be returned here.
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
            # h2 would close the connection for trailers without END_STREAM: add the flag, and let
            # `unended` reset only this call.
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
        """Check a deprecated frame, and ignore it."""
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
        """Answer directly: a ping flood is cheap to send, and h2 is slow."""
        self.spend_control()
        if frame.stream_id or frame.size != 8 or frame.flags & ACK:
            return frame
        self._answer(frame.with_flags(ACK).head + frame.payload)
        return None

    def _push(self, frame: Frame) -> None:
        raise _violation(f"PUSH_PROMISE of stream {frame.stream_id}, which is for servers")

    def _goaway(self, frame: Frame) -> None:
        """Stop accepting calls; those in progress continue, whereas h2 would end them."""
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
