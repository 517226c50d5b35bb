"""The limits of one connection, and the counters that enforce them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from fakeviam.model.checks import check_whole_number
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

#: In bytes. viam-sdk sends a whole captured image, point cloud or audio clip in one message, and
#: cameras produce tens of megabytes; no robot sends this much at once.
MAX_MESSAGE_BYTES = 128 * 1024 * 1024

#: Seconds, or frames in a second; event loops cannot wait for centuries.
_MOST = 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionLimits:
    """What one client connection may consume before it is refused or closed (SV-11 … SV-13).

    The defaults are those of common servers: nghttp2's for resets, Envoy's for control frames.

    Attributes:
        streams: Concurrent calls; further ones are refused with REFUSED_STREAM, and clients wait.
        header_list_bytes: Size of a request's headers, counted as in RFC 9113. A call with more
            is refused; four times as much closes the connection.
        continuations: CONTINUATION frames in one header block.
        resets: Consecutive calls that the client resets or that are malformed (CVE-2023-44487).
        resets_per_second: How fast that budget is refilled.
        control_frames: Consecutive PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA and
            unknown frames; each call and each DATA frame, in either direction, allows ten more.
        control_frames_per_second: How fast that budget is refilled.
        frames_per_turn: Frames of one connection that are processed before other connections.
        header_seconds: Timeout for the preface of a connection, and for each header block.
        idle_seconds: Silence without calls before the client is pinged.
        ping_seconds: Timeout for its response.
        stalled_seconds: Silence during calls before the connection is closed. Long, because a
            client that is stopped in a debugger is silent too.
        linger_seconds: Time for the client to read why its connection is closed.
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
                raise UsageError(f"{field.name} must be a number, got {short(value)}")
            elif not 0 < value <= _MOST:
                text = f"{field.name} must be more than 0, and at most {_MOST}, got {short(value)}"
                raise UsageError(text)


class TokenBucket:
    """A token bucket: a burst of `most`, and `per_second` in the long run."""

    def __init__(self, most: int, per_second: float, *, now: float) -> None:
        """Start with `most` tokens."""
        self._most, self._per_second = most, per_second
        self._left, self._then = float(most), now

    def spend(self, *, now: float) -> bool:
        """Take one token; False if there is none."""
        self._left = min(self._most, self._left + (now - self._then) * self._per_second)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def earn(self, count: int) -> None:
        """Return tokens, up to the initial number."""
        self._left = min(self._most, self._left + count)
