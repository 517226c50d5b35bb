"""What to run, and against what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam_contracts.profiles import PROFILES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from fakeviam_contracts.wirelog import Trace


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What to run, and against what.

    Attributes:
        target: The address of a server, or "" for an in-process fake.
        policy: How open points are interpreted: the name of a policy, or a policy file.
        clauses: Only checks for clauses like this, and no random programs; "*" is all.
        profile: quick, full or real-cloud.
        programs: How many random programs, instead of those of the profile.
        max_calls: Stop after so many calls; what is left is not reached.
        max_time: Stop after so many seconds; what is left is not reached.
        min_evidence: What must be broken to fail the run: documented, relied-on or assumed.
        allow_not_reached: Clauses that need not be reached, as patterns.
        api_key_id: Id of an API key.
        api_key: The key.
        ca_file: Certificates to trust, or "" for those of the system.
        max_rps: Calls a second at most, instead of those of the profile.
        throw_away: The part, or the location of the parts, that nobody needs.
        trace: Gets each call before it is made.
        organization: The organization of the parts.
        parts: Ids of the parts to upload for.
        exclusive: The organization is the kit's alone.
        read_only: Nothing may be written.
        known_failing: A file of known failures, or "".
        restart: Stops the server and starts it again with what it has, if that may be done.
        seed: Of the random programs; None picks one.
        today: The day that known failures are judged by.
    """

    target: str = ""
    policy: str = "documented"
    clauses: str = "*"
    profile: str = "quick"
    programs: int | None = None
    max_calls: int | None = None
    max_time: float | None = None
    min_evidence: str = "relied-on"
    allow_not_reached: tuple[str, ...] = ()
    api_key_id: str = ""
    api_key: str = ""
    ca_file: str = ""
    max_rps: float | None = None
    throw_away: str = ""
    trace: Trace | None = None
    organization: str = ""
    parts: tuple[str, ...] = ()
    exclusive: bool = False
    read_only: bool = False
    known_failing: str = ""
    restart: Callable[[], None] | None = None
    seed: int | None = None
    today: dt.date | None = None

    @property
    def pace(self) -> float | None:
        """How many calls a second at most."""
        return self.max_rps or PROFILES[self.profile].max_rps

    @property
    def wanted(self) -> int:
        """How many random programs."""
        if self.clauses != "*" or self.read_only:
            return 0
        return PROFILES[self.profile].programs if self.programs is None else self.programs
