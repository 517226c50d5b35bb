"""The header Range (RFC 9110, 14)."""

from __future__ import annotations

import re

from fakeviam.web.problems import HttpProblem

_RANGE = re.compile(r"bytes=\s*(\d{0,99})-(\d{0,99})\s*", re.ASCII | re.IGNORECASE)


def wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of the requested range of `size` bytes.

    None for what may be ignored: another unit, several ranges, or no range.

    Raises:
        Problem: 416, it is beyond the end.
    """
    match = _RANGE.fullmatch(header)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:  # a suffix range
        start, end = max(size - int(last), 0), size
    else:
        start = int(first)
        end = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise HttpProblem(
            416,
            f"the range {header!r} lies beyond the {size} bytes of the file [DL-3]",
            headers={"content-range": f"bytes */{size}"},
        )
    return start, end
