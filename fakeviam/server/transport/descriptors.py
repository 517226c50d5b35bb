"""File descriptors that are reserved for the calls of connected clients.

A server whose descriptors are all used by connections could no longer open a file or import a
module: clients that only connect would break the calls of others.
"""

from __future__ import annotations

#: How many are reserved, or a quarter if there are few.
_KEPT = 16


def is_kept(descriptor: int) -> bool:
    """Whether this descriptor is reserved; the system assigns the lowest free number first."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return False
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most != resource.RLIM_INFINITY and descriptor >= most - min(_KEPT, most // 4)
