"""How far a run is, and how long the rest of it will take."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from fakeviam_contracts.profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.results import Result
    from fakeviam_contracts.run_config import RunConfig

#: Checks after which is said how long the rest will take, or seconds if those come first.
SEEN_ENOUGH, _SOON = 30, 10
#: Calls of a random program, about.
CALLS_OF_A_PROGRAM = 280
#: Seconds that are not worth a word.
_SHORT = 90


class Progress:
    """Tells how far a run is."""

    def __init__(
        self, config: RunConfig, result: Result, tell: Callable[[str], None], started: float
    ) -> None:
        """Tell about `result`, which grows since `started`."""
        self._config, self._result, self._progress = config, result, tell
        self._started, self._told, self._is_estimated = started, started, False

    def say(self, what: str) -> None:
        """Tell something at once."""
        self._progress(what)

    def tell(self, what: str, *, more: int = 0) -> None:
        """Tell how far it is, at most once a second; `more` calls are not counted yet."""
        now = time.monotonic()
        if now - self._told < 1:
            return
        self._told = now
        broken = len(self._result.findings)
        calls = self._result.rpcs + more
        self._progress(f"{what}, {calls} calls, {broken} broken, {now - self._started:.0f} s")

    def after_check(self, number: int, of: int) -> None:
        """Tell that so many of all checks are done, and once how long the rest will take."""
        self.tell(f"{number} of {of} checks")
        is_late = time.monotonic() - self._started >= _SOON
        if not self._is_estimated and (is_late or number == min(SEEN_ENOUGH, of)):
            self._is_estimated = True
            self.estimate()

    @property
    def _wanted(self) -> float:
        """About how many calls the whole run makes."""
        profile = PROFILES[self._config.profile]
        programs = CALLS_OF_A_PROGRAM * (self._config.wanted - profile.programs)
        most = self._config.max_calls or math.inf
        return min(profile.calls + programs, most)

    def estimate(self) -> None:
        """Say how long the rest will take where that is long."""
        if not self._result.rpcs or self._config.clauses != "*" or self._config.read_only:
            return
        each = (time.monotonic() - self._started) / self._result.rpcs
        left = self._wanted - self._result.rpcs
        if each * left > _SHORT:
            self._progress(
                f"a call takes {each * 1000:.0f} ms, so that the {left:,} calls that are left "
                f"of the profile {self._config.profile} will take about {each * left / 60:.0f} "
                "minutes"
            )
