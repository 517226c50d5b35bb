"""What one connection may cost, and the counters that see to it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite

from fakeviam.model.checks import check_whole_number
from fakeviam.model.errors import UsageError

#: Bytes. viam-sdk sends a whole captured image, cloud of points or audio clip in one message, and
#: cameras make tens of megabytes; no robot sends this much at once.
MAX_MESSAGE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionLimits:
    """What one client connection may cost before it is refused or closed (SV-11 … SV-13).

    Numbers are those of widespread servers: nghttp2's for resets, Envoy's for control frames.

    Attributes:
        streams: Calls at a time; more are refused with REFUSED_STREAM, and clients wait.
        header_list_bytes: Names and values of a request's headers, counted as RFC 9113 does. A
            call with more is refused; with four times as many the connection ends.
        continuations: CONTINUATION frames in one block of headers.
        resets: Calls in a row that the client resets, or that are malformed (CVE-2023-44487).
        resets_per_second: How fast that many come back.
        control_frames: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA and unknown frames in
            a row; each call and each frame of data, either way, buys ten more.
        control_frames_per_second: How fast they come back by themselves.
        frames_per_turn: Frames of one connection before others get their turn.
        header_seconds: For the beginning of a connection, and for each block of headers.
        idle_seconds: Of silence without calls before the client is asked by PING whether it lives.
        ping_seconds: For the answer.
        stalled_seconds: Of silence in the middle of calls before the connection ends. Long: a
            client that stands still in a debugger is silent, too.
        linger_seconds: For the client to read why its connection ends.
    """

    streams: int = 100
    header_list_bytes: int = 64 * 1024
    continuations: int = 32
    resets: int = 500
    resets_per_second: float = 33
    control_frames: int = 1000
    control_frames_per_second: float = 100
    frames_per_turn: int = 16
    header_seconds: float = 10
    idle_seconds: float = 300
    ping_seconds: float = 20
    stalled_seconds: float = 3600
    linger_seconds: float = 2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int":
                check_whole_number(field.name, value, minimum=1)
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                raise UsageError(f"{field.name} must be a number, got {value!r}")
            elif not (isfinite(value) and value > 0):
                raise UsageError(f"{field.name} must be more than 0, got {value!r}")


class TokenBucket:
    """So many at once, and so many a second in the long run."""

    def __init__(self, most: int, per_second: float, *, now: float) -> None:
        """Begin with `most`."""
        self._most, self._per_second = most, per_second
        self._left, self._then = float(most), now

    def spend(self, *, now: float) -> bool:
        """Take one; whether there was one left."""
        self._left = min(self._most, self._left + (now - self._then) * self._per_second)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def earn(self, count: int) -> None:
        """Give some back, up to what there was at first."""
        self._left = min(self._most, self._left + count)
