"""Servers by address: shared with others, the kit's alone, or only to be read."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import cleanup
from fakeviam_contracts.assertions import Assertion, ContractBrokenError
from fakeviam_contracts.checks.base import Need
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import TIMEOUT, RemoteConnection
from fakeviam_contracts.descriptions import origin_of
from fakeviam_contracts.foreign_data import ForeignDataGuard
from fakeviam_contracts.model import Origin
from fakeviam_contracts.places import Place
from fakeviam_contracts.scope import Scope
from fakeviam_contracts.session import Session
from fakeviam_contracts.wirelog import ConnectionLostError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam_contracts.connection import Address
    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.wirelog import Wire

NO_CLOCK = "the clock of the server is not that of this machine, or it is nearly midnight (UTC)"
NO_PART = "the parts that were named are of one organization, and not internal"
NO_LOGIN = "the keys that a server elsewhere takes are its own"
SHARED = "the organization is shared; --exclusive says that it is not"

#: By how many ns the clock of a server may differ from ours; seconds around midnight.
SKEW = 60 * 1_000_000_000
NEAR_MIDNIGHT = 600

#: What no server elsewhere has for the kit.
ELSEWHERE = {
    Need.INTERNAL: NO_PART,
    Need.FOREIGN: NO_PART,
    Need.LOGIN: NO_LOGIN,
}


class RemoteSubject:
    """A server by address.

    Attributes:
        missing: What it lacks, and why.
        muted: Failures that are known already.
        interpretation: What it is expected to be, and was seen to be.
        left: What could not be removed from it.
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
    ) -> None:
        """Connect, and learn where the parts are.

        Args:
            interpretation: How disputed points are read.
            address: Where it is.
            parts: Ids of the parts to upload for, at least one.
            organization: The id of their organization, if you want it checked.
            exclusive: Whether the organization is the kit's alone.

        Raises:
            CannotRunError: Nobody answers, a part takes no data, or nothing can be isolated.
        """
        if not parts:
            raise CannotRunError("--part ID is required, to upload to")
        self.left: list[str] = []
        self.interpretation = interpretation
        self.muted: frozenset[tuple[str, str]] = frozenset()
        self._has_clock = False
        self._exclusive = exclusive
        name = _new_name()
        self._names = (f"{name}-{number}" for number in itertools.count(1))
        self.line = RemoteConnection(address)
        try:
            self._origins = self._learn(parts, organization)
            if exclusive:
                cleanup.check_empty(self.line.wire())
            self._readings_go = exclusive or cleanup.readings_can_go(
                self.line.wire(), self._origins[0], _new_name()
            )
        except BaseException:
            self.line.close()
            raise
        self.line.timeout = TIMEOUT
        self._open: dict[int, Scope | None] = {}
        self._guard = (
            None if exclusive else ForeignDataGuard(self.line.wire, name, self._origins[0])
        )

    @property
    def missing(self) -> Mapping[Need, str]:
        """What it lacks, and why."""
        missing = dict(ELSEWHERE)
        if not self._exclusive:
            missing[Need.EXCLUSIVE] = SHARED
        if not self._clock_is_ours():
            missing[Need.CLOCK] = NO_CLOCK
        return missing

    def open_session(self) -> Session:
        """A session that sees nothing of what is there."""
        scope = Scope(next(self._names), self._guard.protect) if self._guard else None
        place = Place(
            parts=self._origins,
            component=scope.name if scope else "",
            guard=self._guard,
            now=time.time_ns if self._clock_is_ours() else None,
            skew=SKEW,
            sleep=lambda nanos: time.sleep(nanos / 1e9),
        )
        session = Session(self.line.wire(scope), place, self.interpretation, self.muted)
        self._open[id(session)] = scope
        return session

    def close_session(self, session: Session) -> None:
        """Remove what the session made."""
        scope = self._open.pop(id(session))
        self.interpretation = session.interpretation
        wire = self.line.wire()
        if scope is None:
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

    def _learn(self, parts: tuple[str, ...], organization: str) -> tuple[Origin, ...]:
        scope = Scope(_new_name())
        try:
            learned = [_learned(self.line.wire(scope), scope.name, part) for part in parts]
            origins = tuple(origin for origin, _ in learned)
            self._has_clock = all(abs(time.time_ns() - moment) < SKEW for _, moment in learned)
            cleanup.check_component_is_honoured(self.line.wire(), f"{scope.name}-nobody")
        finally:
            cleanup.remove_files(self.line.wire(), scope.name)
        cleanup.check_gone(self.line.wire(), scope.name)
        found = {origin.organization_id for origin in origins}
        if len(found) > 1 or (organization and found != {organization}):
            wanted = f"not of {organization}" if organization else "of several organizations"
            raise CannotRunError(f"the parts are {wanted}: {', '.join(sorted(found))}")
        return origins


def _new_name() -> str:
    return f"contract-{secrets.token_hex(4)}"


def _learned(wire: Wire, component: str, part: str) -> tuple[Origin, int]:
    """Where a part is, as the metadata of a file of it says, and when that was stored."""
    metadata = datasync.UploadMetadata(
        part_id=part, component_name=component, type=datasync.DATA_TYPE_BINARY_SENSOR
    )
    request = datasync.DataCaptureUploadRequest(
        metadata=metadata, sensor_contents=[datasync.SensorData(binary=b"probe")]
    )
    reply = _answered(part, wire.call("DataCaptureUpload", request))
    ids = data.BinaryDataByIDsRequest(binary_data_ids=[reply.binary_data_id])
    answer = wire.call("BinaryDataByIDs", ids)
    if isinstance(answer, Refused) and answer.status not in _NOT_OURS:
        what = "status of BinaryDataByIDs for the id of an upload"
        raise ContractBrokenError(Assertion("BI-1", what, "OK", str(answer)))
    files = _answered(part, answer).data
    if len(files) != 1:
        what = "files found by the id of an upload"
        raise ContractBrokenError(Assertion("BI-1", what, 1, len(files)))
    moment = nanos_from(files[0].metadata.time_requested)
    origin = origin_of(files[0].metadata.capture_metadata)
    place = Origin(
        organization_id=origin.organization_id,
        location_id=origin.location_id,
        robot_id=origin.robot_id,
        robot_name=origin.robot_name,
        part_id=part,
        part_name=origin.part_name,
    )
    return place, moment


#: Statuses that tell nothing about what a server does with an id.
_NOT_OURS = ("UNAUTHENTICATED", "PERMISSION_DENIED", "DEADLINE_EXCEEDED", "UNAVAILABLE")


def _answered(part: str, answer: Any) -> Any:
    if isinstance(answer, Refused):
        raise CannotRunError(f"part {part} does not accept data: {answer}")
    return answer
