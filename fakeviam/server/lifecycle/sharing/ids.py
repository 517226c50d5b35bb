"""Ids of several servers that have one seed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from fakeviam.model.ids import Ids

if TYPE_CHECKING:
    from fakeviam.model.clock import Clock
    from fakeviam.model.ids import Counters

#: So many ids are one server's: more than anybody makes.
_LANE = 2**40


class ShardedIds(Ids):
    """The ids of one server among several: all seal alike, and no two make the same id (MG-2).

    What is sealed, such as a page token, depends on the seed alone; ids and secrets are counted,
    and each server counts in a lane of its own.
    """

    def __init__(self, *, seed: int | str, clock: Clock, server: int) -> None:
        """Start the lane of a server; the lane 0 is that of a server that is alone."""
        super().__init__(seed=seed, clock=clock)
        self._count = itertools.count(1 + server * _LANE)
        self._secrets = itertools.count(1 + server * _LANE)
        # ObjectIDs have few digits to count with; they name their machine instead.
        self._machine = self._digest()[:5].hex()

    def skip(self, counters: Counters) -> None:
        """Continue here: an archive's ids were counted in other lanes, or in lane 0."""
