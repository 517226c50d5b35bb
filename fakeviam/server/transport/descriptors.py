"""File descriptors that connections leave to the calls of those who are connected.

A server whose descriptors are all connections could no longer read a file, keep bytes or import
what a call needs: clients that only connect would break the calls of others.
"""

from __future__ import annotations

#: So many are left, or a quarter where there are few.
_KEPT = 16


def is_kept(descriptor: int) -> bool:
    """Whether it is one of the last, which no connection may have; the lowest are given first."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return False
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most != resource.RLIM_INFINITY and descriptor >= most - min(_KEPT, most // 4)
