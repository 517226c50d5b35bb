"""How much a run does."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Profile(NamedTuple):
    """How much to do after the fixed checks, and about how many calls all of it takes."""

    programs: int
    calls: int
    #: Whether it only touches what nobody needs, and how many calls a second it makes at most.
    is_careful: bool = False
    max_rps: float | None = None


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "quick": Profile(90, 34_000),
        "full": Profile(600, 177_000),
        "real-cloud": Profile(10, 12_000, is_careful=True, max_rps=5.0),
    }
)
