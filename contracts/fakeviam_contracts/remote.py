"""Servers by address: shared with others, the kit's alone, or only to be read."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from typing import TYPE_CHECKING

from fakeviam_contracts import cleanup
from fakeviam_contracts.assertions import MayNotError
from fakeviam_contracts.careful import check_throw_away
from fakeviam_contracts.checks.base import Need
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import TIMEOUT, RemoteConnection
from fakeviam_contracts.foreign_data import ForeignDataGuard
from fakeviam_contracts.newest import remove_made
from fakeviam_contracts.parts_offered import check_named
from fakeviam_contracts.places import Place
from fakeviam_contracts.restarting import watched
from fakeviam_contracts.scope import OURS, PREFIX, NamesAlone, NameScope
from fakeviam_contracts.session import Session
from fakeviam_contracts.set_up import Probe
from fakeviam_contracts.wirelog import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam_contracts.connection import Address
    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.model import Origin

NO_CLOCK = "the clock of the server is not that of this machine, or it is nearly midnight (UTC)"
NO_PART = "the parts that were named are of one organization, and not internal"
NO_LOGIN = "the keys that a server elsewhere takes are its own"
NO_KEYS = "API keys of every kind exist on an in-process fake only"
NO_RESTART = "no --restart says how to restart the server"
NO_HOURS = "the clock of a server elsewhere cannot be moved"
SHARED = "the organization is shared; --exclusive says that it is not"

#: By how many ns the clock of a server may differ from ours; seconds around midnight.
SKEW = 60 * 1_000_000_000
NEAR_MIDNIGHT = 600

#: What no server elsewhere has for the kit.
ELSEWHERE = {
    Need.INTERNAL: NO_PART,
    Need.FOREIGN: NO_PART,
    Need.LOGIN: NO_LOGIN,
    Need.KEYS: NO_KEYS,
    Need.HOURS: NO_HOURS,
}


class RemoteSubject:
    """A server by address.

    Attributes:
        missing: What it lacks, and why.
        muted: Failures that are known already.
        interpretation: What it is expected to be, and was seen to be.
        left: What could not be removed from it.
        tally: How many calls it got.
        broken: What set-up found broken that is not in the way of a run.
        line: The connection to it.
    """

    def __init__(
        self,
        interpretation: Interpretation,
        address: Address,
        *,
        parts: tuple[str, ...],
        organization: str = "",
        exclusive: bool = False,
        throw_away: str = "",
        restart: Callable[[], None] | None = None,
    ) -> None:
        """Connect, and learn where the parts are.

        Args:
            interpretation: How disputed points are read.
            address: Where it is.
            parts: Ids of the parts to upload for, at least one.
            organization: The id of their organization, if you want it checked.
            exclusive: Whether the organization is the kit's alone.
            throw_away: The part, or the location of the parts, that nobody needs, if that matters.
            restart: Stops the server and starts it again, if that may be done.

        Raises:
            CannotRunError: Nobody answers, a part takes no data, or nothing can be isolated.
        """
        self.left: list[str] = []
        self.tally = address.tally
        self.interpretation = interpretation
        self.muted: frozenset[tuple[str, str]] = frozenset()
        self._has_clock = False
        self._exclusive = exclusive
        self._restart = restart
        self._by_socket = address.target.startswith("unix:")
        self._stuck = ""
        name = _new_name()
        self._names = (f"{name}-{number}" for number in itertools.count(1))
        self.line = RemoteConnection(address)
        probe = Probe(wire=self.line.wire(), name=f"{name}-probe")
        self.broken = probe.broken
        try:
            check_named(probe.wire, parts)
            if throw_away:
                check_throw_away(self.line.wire(), throw_away, parts)
            self._origins = self._learn(probe, parts, organization)
            if exclusive:
                probe.check_empty()
            self._readings_go = probe.readings_can_go(self._origins[0])
            if self.line.is_keyed:
                self._stuck = probe.datasets_left(self._origins[0].organization_id)
                self.left += [self._stuck] if self._stuck else []
        except BaseException:
            self.line.close()
            raise
        self.line.timeout = TIMEOUT
        self._open: dict[int, NameScope] = {}
        self._guard = (
            None if exclusive else ForeignDataGuard(self.line.wire, name, self._origins[0])
        )

    @property
    def missing(self) -> Mapping[Need, str]:
        """What it lacks, and why."""
        missing = dict(ELSEWHERE)
        if not self._exclusive:
            missing[Need.EXCLUSIVE] = SHARED
        if self._restart is None:
            missing[Need.RESTART] = NO_RESTART
        if not self._clock_is_ours():
            missing[Need.CLOCK] = NO_CLOCK
        return missing

    def open_session(self) -> Session:
        """A session that sees nothing of what is there."""
        name = next(self._names)
        scope = NameScope(name, self._spare) if self._guard else NamesAlone(name, self._spare)
        place = Place(
            parts=self._origins,
            component=scope.name if self._guard else "",
            guard=self._guard,
            now=time.time_ns if self._clock_is_ours() else None,
            skew=SKEW,
            sleep=lambda nanos: time.sleep(nanos / 1e9),
            restart=self.restart if self._restart is not None else None,
            by_socket=self._by_socket,
        )
        session = Session(self.line.wire(scope), place, self.interpretation, self.muted)
        self._open[id(session)] = scope
        return session

    def _spare(self, rpc: str) -> None:
        """Make sure that a call leaves nothing behind and harms nobody, before it is sent.

        Raises:
            MayNotError: What it makes could not be removed.
            ForeignDataError: It might change data that is not the kit's.
        """
        if self._stuck and rpc in ("CreateDataset", "MergeDatasets"):
            raise MayNotError(f"{rpc} would leave behind what it makes, as {self._stuck}")
        if self._guard is not None:
            self._guard.protect(rpc)

    def restart(self) -> None:
        """Restart the server, and connect again; without a way to, nothing happens.

        Raises:
            CannotRunError: It was not restarted.
            ConnectionLostError: It does not come back.
        """
        if self._restart is not None:
            with watched(self.line.where):
                self._restart()
            self.line.connect_again()

    def close_session(self, session: Session) -> None:
        """Remove what the session made."""
        # What is not seen yet would not be removed.
        session.wire.wait_for_uploads()
        scope = self._open.pop(id(session))
        self.interpretation = session.interpretation
        wire = self.line.wire()
        if self._guard is None:
            self.left += remove_made(wire, scope.removals, scope.indexes, OURS)
            cleanup.empty(wire, session.place.organization_id)
            return
        self.left += cleanup.remove(
            wire, scope, session.place.organization_id, readings=self._readings_go
        )

    def close(self) -> None:
        """Hang up; a bystander that was put there goes first."""
        if self._guard is not None:
            with contextlib.suppress(ConnectionLostError):
                self._guard.remove_bystander()
        self.line.close()

    def _clock_is_ours(self) -> bool:
        """Whether days can be counted: its clock is ours, and midnight (UTC) is not near."""
        seconds = time.time() % 86_400
        return self._has_clock and NEAR_MIDNIGHT < seconds < 86_400 - NEAR_MIDNIGHT

    def _learn(self, probe: Probe, parts: tuple[str, ...], organization: str) -> tuple[Origin, ...]:
        try:
            origins = tuple(probe.place_of(part) for part in parts)
            probe.check_files(len(parts))
            clock = probe.clock(parts[0])
        finally:
            # Report what ended the set-up, not what follows from it for the clean-up.
            with contextlib.suppress(ConnectionLostError):
                cleanup.remove_files(self.line.wire(), probe.name)
        self._has_clock = clock is not None and abs(time.time_ns() - clock) < SKEW
        found = {origin.organization_id for origin in origins}
        if len(found) > 1 or (organization and found != {organization}):
            wanted = f"not of {organization}" if organization else "of several organizations"
            raise CannotRunError(f"the parts are {wanted}: {', '.join(sorted(found))}")
        return origins


def _new_name() -> str:
    return f"{PREFIX}{secrets.token_hex(4)}"
