"""What becomes of a frame before h2 sees it: RFC 9113 where h2 is too hard, and the budgets.

h2 ends the connection for many a mistake that is one call's, and counts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from fakeviam.server.transport import frames
from fakeviam.server.transport.frames import ConnectionFailure
from fakeviam.server.transport.limits import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from fakeviam.server.transport.frames import Frame
    from fakeviam.server.transport.limits import ConnectionLimits

#: How many control frames a call, or a frame of data, buys.
BOUGHT = 10


class StreamFailure(Exception):  # noqa: N818 - an order, not an error of ours
    """One call is reset; the others go on."""

    def __init__(self, stream_id: int, text: str, code: ErrorCodes) -> None:
        """Reset a stream with an error code of HTTP/2; the text is for the journal."""
        super().__init__(text)
        self.stream_id, self.text, self.code = stream_id, text, code


class FrameRules:
    """The rules for one connection, and what they must remember of it.

    Attributes:
        highest: The highest stream that the client has opened.
        is_greeted: Whether the client began as HTTP/2 begins.
        is_draining: Whether the client said that it opens no more calls.
        unended: Streams whose trailers did not end them, though they were taken as if.
    """

    def __init__(
        self, limits: ConnectionLimits, open_streams: Container[int], *, now: float
    ) -> None:
        """Rules with all of their budgets; `open_streams` are the calls in progress."""
        self.highest = 0
        self.is_greeted = self.is_draining = False
        self.unended: set[int] = set()
        self._limits, self._open, self._now = limits, open_streams, now
        self._resets = Budget(limits.resets, limits.resets_per_second, now=now)
        self._control = Budget(limits.control_frames, limits.control_frames_per_second, now=now)
        self._block: int | None = None  # whose headers go on in CONTINUATION frames
        self._block_frames = self._block_bytes = 0
        self._rules: dict[int, Callable[[Frame], Frame | None]] = {
            frames.DATA: self._data,
            frames.HEADERS: self._headers,
            frames.PRIORITY: self._priority,
            frames.RST_STREAM: self._reset,
            frames.SETTINGS: self._settings_or_ping,
            frames.PUSH_PROMISE: self._push,
            frames.PING: self._settings_or_ping,
            frames.GOAWAY: self._goaway,
            frames.WINDOW_UPDATE: self._window,
            frames.CONTINUATION: self._continuation,
        }

    @property
    def unfinished(self) -> str:
        """What the client has begun and must complete in time; empty if there is nothing."""
        if not self.is_greeted:
            return "the beginning of the connection"
        return "" if self._block is None else f"the headers of stream {self._block}"

    def apply(self, frame: Frame, *, now: float) -> Frame | None:
        """What h2 is to be given for this frame; None is nothing.

        Raises:
            ConnectionFailure: The connection cannot go on.
            StreamFailure: The frame's call cannot.
        """
        self._now = now
        if not self.is_greeted:
            self._greeting(frame)
        if self._block is not None and (frame.kind, frame.stream_id) != (
            frames.CONTINUATION,
            self._block,
        ):
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
        if not self._control.spend(now=self._now):
            raise ConnectionFailure(
                ErrorCodes.ENHANCE_YOUR_CALM,
                f"more than {self._limits.control_frames} PING, SETTINGS, PRIORITY, "
                "WINDOW_UPDATE, empty or unknown frames without calls or data between them",
            )

    def earn_control(self) -> None:
        """Let more of them come, since something useful happened."""
        self._control.earn(BOUGHT)

    def spend_reset(self) -> None:
        """Count a call that was begun in vain (CVE-2023-44487, CVE-2025-8671).

        Raises:
            ConnectionFailure: There were too many.
        """
        if not self._resets.spend(now=self._now):
            text = f"more than {self._limits.resets} calls in a row were reset or malformed"
            raise ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text)

    # Kinds of frames -----------------------------------------------------------------------

    def _greeting(self, frame: Frame) -> None:
        if frame.kind != frames.SETTINGS or frame.flags & frames.ACK:
            raise _violation("the connection did not begin with SETTINGS")
        self.is_greeted = True

    def _data(self, frame: Frame) -> Frame:
        self._check_is_not_idle(frame, "DATA")
        if frame.is_empty and not frame.flags & frames.END_STREAM:
            self.spend_control()
        else:
            self.earn_control()
        return frame

    def _headers(self, frame: Frame) -> Frame:
        self.earn_control()
        if not frame.flags & frames.END_HEADERS:
            self._block, self._block_frames, self._block_bytes = frame.stream_id, 0, frame.size
        if frame.stream_id not in self._open:
            self.highest = max(self.highest, frame.stream_id)
        elif not frame.flags & frames.END_STREAM:
            self.unended.add(frame.stream_id)
            return frame.with_flags(frame.flags | frames.END_STREAM)
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
        if frame.flags & frames.END_HEADERS:
            self._block = None
        return frame

    def _priority(self, frame: Frame) -> None:
        """Deprecated, and of no use here."""
        self.spend_control()
        if frame.stream_id == 0:
            raise _violation("PRIORITY of stream 0")
        if frame.size != 5:
            text = "PRIORITY of a wrong size"
            raise StreamFailure(frame.stream_id, text, ErrorCodes.FRAME_SIZE_ERROR)

    def _reset(self, frame: Frame) -> Frame:
        self._check_is_not_idle(frame, "RST_STREAM")
        if frame.stream_id in self._open:
            self.spend_reset()
        else:
            self.spend_control()
        return frame

    def _settings_or_ping(self, frame: Frame) -> Frame:
        self.spend_control()
        return frame

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
            raise StreamFailure(frame.stream_id, text, ErrorCodes.PROTOCOL_ERROR)
        return frame

    def _check_is_not_idle(self, frame: Frame, name: str) -> None:
        if frame.stream_id == 0 or frame.stream_id > self.highest:
            raise _violation(f"{name} of stream {frame.stream_id}, which was never opened")


def _violation(text: str) -> ConnectionFailure:
    return ConnectionFailure(ErrorCodes.PROTOCOL_ERROR, text)
