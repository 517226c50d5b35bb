"""Servers by address: shared with others, the kit's alone, or only to be read."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel

from fakeviam.wire import auth, data, datasync
from fakeviam_contracts import cleanup
from fakeviam_contracts.checks.base import Need
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.foreign_data import ForeignDataGuard
from fakeviam_contracts.model import Origin
from fakeviam_contracts.scope import Scope
from fakeviam_contracts.session import Place, Session, origin_of
from fakeviam_contracts.wirelog import ConnectionLostError, Refused, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.wirelog import Edge

#: Seconds until a call that nobody answers counts as refused.
TIMEOUT = 30.0

NO_CLOCK = "the clock of a server elsewhere can be neither read nor moved"
NO_PART = "the parts that were named are of one organization, and not internal"
NO_LOGIN = "the keys that a server elsewhere takes are its own"
SHARED = "the organization is shared; --exclusive says that it is not"

#: What no server elsewhere has for the kit.
ELSEWHERE = {
    Need.CLOCK: NO_CLOCK,
    Need.INTERNAL: NO_PART,
    Need.FOREIGN: NO_PART,
    Need.LOGIN: NO_LOGIN,
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server is, and who asks.

    Attributes:
        target: `host:port`, `https://host:port` with TLS, or `unix:` and a path.
        api_key_id: Id of an API key; with none the server is called without login.
        api_key: The key.
    """

    target: str
    api_key_id: str = ""
    api_key: str = ""

    def connect(self) -> Channel:
        """A channel to it, inside a running loop.

        Raises:
            CannotRunError: It is no address.
        """
        if self.target.startswith("unix:"):
            return Channel(path=self.target.removeprefix("unix:"))
        tls = self.target.startswith("https://")
        host, _, port = self.target.removeprefix("https://").rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise CannotRunError(
                f"the target must be HOST:PORT, https://HOST:PORT or unix:PATH, got {self.target!r}"
            )
        return Channel(host.strip("[]"), int(port), ssl=True if tls else None)


class RemoteConnection:
    """A connection to a server: an event loop, a channel, and a login."""

    def __init__(self, address: Address) -> None:
        """Connect and log in.

        Raises:
            CannotRunError: Nobody answers there, or not to this key.
        """
        self._loop = asyncio.new_event_loop()
        self._metadata: dict[str, str] = {}
        try:
            self._channel = self._loop.run_until_complete(_connected(address))
        except BaseException:
            self._loop.close()
            raise
        try:
            self._log_in(address)
        except BaseException:
            self.close()
            raise

    def wire(self, edge: Edge | None = None) -> Wire:
        """A wire of its own log."""
        return Wire(self._channel, self._loop, self._metadata, edge=edge, timeout=TIMEOUT)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()
        # Lets the transport see that it was closed.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _log_in(self, address: Address) -> None:
        request = auth.AuthenticateRequest(
            entity=address.api_key_id,
            credentials=auth.Credentials(type="api-key", payload=address.api_key),
        )
        wire = self.wire()
        try:
            if not address.api_key_id:
                # Any answer will do: somebody is there.
                wire.call("TagsByFilter", data.TagsByFilterRequest(filter=data.Filter()))
                return
            answer = wire.call("Authenticate", request)
        except ConnectionLostError as error:
            raise CannotRunError(f"cannot reach {address.target}: {_why(error)}") from error
        if isinstance(answer, Refused):
            raise CannotRunError(f"{address.target} refuses the API key: {answer}")
        self._metadata = {"authorization": f"Bearer {answer.access_token}"}


def _why(error: ConnectionLostError) -> str:
    """Why a connection did not come about, in the system's words."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return f"no TLS that we trust ({cause.reason or cause})"
    if isinstance(cause, socket.gaierror):
        return cause.strerror or str(cause)
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return str(cause) or "it does not speak gRPC"


async def _connected(address: Address) -> Channel:
    return address.connect()


class RemoteSubject:
    """A server by address.

    Attributes:
        missing: What it lacks, and why.
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
            raise CannotRunError("a part is needed to upload for: --part ID")
        self.left: list[str] = []
        self._interpretation = interpretation
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
        self._open: dict[int, Scope | None] = {}
        self._guard = (
            None if exclusive else ForeignDataGuard(self.line.wire, name, self._origins[0])
        )

    @property
    def missing(self) -> Mapping[Need, str]:
        """What it lacks, and why."""
        shared = {} if self._exclusive else {Need.EXCLUSIVE: SHARED}
        return {**ELSEWHERE, **shared}

    def open_session(self) -> Session:
        """A session that sees nothing of what is there."""
        scope = Scope(next(self._names), self._guard.protect) if self._guard else None
        place = Place(parts=self._origins, component=scope.name if scope else "", guard=self._guard)
        session = Session(self.line.wire(scope), place, self._interpretation)
        self._open[id(session)] = scope
        return session

    def close_session(self, session: Session) -> None:
        """Remove what the session made."""
        scope = self._open.pop(id(session))
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

    def _learn(self, parts: tuple[str, ...], organization: str) -> tuple[Origin, ...]:
        scope = Scope(_new_name())
        try:
            origins = tuple(_learned(self.line.wire(scope), scope.name, part) for part in parts)
            cleanup.check_component_is_honoured(self.line.wire(), f"{scope.name}-nobody")
        finally:
            cleanup.remove_files(self.line.wire(), scope.name)
        found = {origin.organization_id for origin in origins}
        if len(found) > 1 or (organization and found != {organization}):
            wanted = f"not of {organization}" if organization else "of several organizations"
            raise CannotRunError(f"the parts are {wanted}: {', '.join(sorted(found))}")
        return origins


def _new_name() -> str:
    return f"contract-{secrets.token_hex(4)}"


def _learned(wire: Wire, component: str, part: str) -> Origin:
    """Where a part is, as the metadata of a file of it says."""
    metadata = datasync.UploadMetadata(
        part_id=part, component_name=component, type=datasync.DATA_TYPE_BINARY_SENSOR
    )
    request = datasync.DataCaptureUploadRequest(
        metadata=metadata, sensor_contents=[datasync.SensorData(binary=b"probe")]
    )
    reply = _answered(part, wire.call("DataCaptureUpload", request))
    ids = data.BinaryDataByIDsRequest(binary_data_ids=[reply.binary_data_id])
    files = _answered(part, wire.call("BinaryDataByIDs", ids)).data
    if len(files) != 1:
        raise CannotRunError(f"the file uploaded for part {part} is not found by its id")
    origin = origin_of(files[0].metadata.capture_metadata)
    return Origin(
        organization_id=origin.organization_id,
        location_id=origin.location_id,
        robot_id=origin.robot_id,
        robot_name=origin.robot_name,
        part_id=part,
        part_name=origin.part_name,
    )


def _answered(part: str, answer: Any) -> Any:
    if isinstance(answer, Refused):
        raise CannotRunError(f"part {part} takes no data: {answer}")
    return answer
