"""Connections to servers by address: TLS, logging in, and no more calls a second than allowed."""

from __future__ import annotations

import asyncio
import selectors
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from grpclib.client import Channel
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from fakeviam import wire
from fakeviam.wire import auth, data
from fakeviam_contracts.addresses import SPOKEN, parsed, taken_apart
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connect_speech import Connect
from fakeviam_contracts.interrupts import complete
from fakeviam_contracts.pacing import Pace
from fakeviam_contracts.unreachable import why_unreachable
from fakeviam_contracts.web_connection import WebConnection
from fakeviam_contracts.web_speech import GrpcWeb, Speech
from fakeviam_contracts.wirelog import (
    ConnectionLostError,
    Refused,
    SenselessAnswerError,
    Tally,
    Wire,
)

if TYPE_CHECKING:
    from fakeviam.target import Target
    from fakeviam_contracts.wirelog import Edge, Trace

#: Seconds until a call that nobody answers counts as refused; while setting up, sooner.
TIMEOUT, FIRST_TIMEOUT = 30.0, 10.0


#: Seconds until a server that was restarted must answer, and between two questions.
BACK, _LOOK = 60.0, 0.05

#: How long to wait at most for connections to be closed, in looks and in seconds between them.
_GOODBYES, _BETWEEN = 200, 0.005

#: What a server is asked that may hang.
_PING = wire.method("TagsByFilter")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server is, and who asks.

    Attributes:
        target: An address in any of the forms that `fakeviam.target` reads.
        api_key_id: Id of an API key; with none the server is called without login.
        api_key: The key.
        ca_file: Certificates to trust instead of those of the system.
        max_rps: Calls a second at most.
        trace: Gets each call before it is made.
        tally: Counts the calls of all connections, and spaces them.
    """

    target: str
    api_key_id: str = ""
    api_key: str = ""
    ca_file: str = ""
    max_rps: float | None = None
    trace: Trace | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def parsed(self) -> Target:
        """Its parts.

        Raises:
            CannotRunError: It is not an address.
        """
        try:
            return parsed(self.target)
        except ValueError as error:
            raise CannotRunError(f"the target {error}") from error

    def connect(self) -> Channel | WebConnection:
        """A channel to it, inside a running loop; what it speaks is what the address says.

        Raises:
            CannotRunError: It is not an address.
        """
        where = self.parsed
        tls = self._tls() if where.tls else None
        prefix, _ = taken_apart(self.target)
        if prefix:
            return WebConnection(where.host, where.port, tls, _SPEECHES[prefix])
        return Channel(path=where.path) if where.path else Channel(where.host, where.port, ssl=tls)

    def _tls(self) -> ssl.SSLContext:
        if self.ca_file and not Path(self.ca_file).is_file():
            why = "is no file" if Path(self.ca_file).exists() else "does not exist"
            raise CannotRunError(f"--ca-file {self.ca_file} {why}")
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except ssl.SSLError as error:
            raise CannotRunError(f"--ca-file {self.ca_file} contains no certificates") from error
        except OSError as error:
            raise CannotRunError(f"--ca-file {self.ca_file}: {error.strerror}") from error
        context.set_alpn_protocols(["http/1.1" if taken_apart(self.target)[0] else "h2"])
        return context


_SPEECHES: dict[str, Speech] = {"web+": GrpcWeb(), "connect+": Connect()}


class RemoteConnection:
    """A connection to a server: an event loop, a channel, and a login."""

    def __init__(self, address: Address) -> None:
        """Connect and log in.

        Raises:
            CannotRunError: Nobody answers there, or not to this key.
        """
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._address = address
        self._more: list[Channel | WebConnection] = []
        self._metadata: dict[str, str] = {}
        self._may: set[str] = set()
        if address.max_rps and address.tally.pace is None:
            address.tally.pace = Pace(address.max_rps)
        #: Seconds until a call counts as refused.
        self.timeout = FIRST_TIMEOUT
        try:
            self._channel = complete(self._loop, _connected(address))
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
        wire = Wire(
            self._channel,
            self._loop,
            self._metadata,
            edge=edge,
            timeout=self.timeout,
            connect=self._another,
            alive=self._is_alive,
        )
        wire.may = self._may if self.is_keyed else None
        wire.trace, wire.tally = self._address.trace, self._address.tally
        return wire

    @property
    def where(self) -> Target:
        """The address of the server."""
        return self._address.parsed

    @property
    def is_keyed(self) -> bool:
        """Whether it came with a key, which may not be allowed everything."""
        return bool(self._metadata)

    def connect_again(self) -> None:
        """Connect to a server that was restarted, when it answers, and log in.

        Raises:
            ConnectionLostError: It does not within a minute.
            CannotRunError: It no longer knows the API key.
        """
        for channel in (self._channel, *self._more):
            # The next call connects again.
            channel.close()
        if not complete(self._loop, self._is_back()):
            raise ConnectionLostError(f"restart: no answer within {BACK:g} s")
        self._log_in(self._address)

    async def _is_back(self) -> bool:
        until = time.monotonic() + BACK
        while not await self._is_alive():
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_LOOK)
        return True

    def close(self) -> None:
        """Hang up."""
        for channel in (self._channel, *self._more):
            channel.close()
        complete(self._loop, self._hung_up())
        self._loop.close()

    async def _hung_up(self) -> None:
        """Wait until all connections are closed: TLS says goodbye first."""
        for _ in range(_GOODBYES):
            await asyncio.sleep(0)
            # What the loop listens to for itself stays.
            if len(self._selector.get_map()) <= 1:
                return
            await asyncio.sleep(_BETWEEN)

    async def _another(self, number: int) -> Channel | WebConnection:
        """The n-th further connection."""
        while len(self._more) <= number:
            self._more.append(self._address.connect())
        return self._more[number]

    async def _is_alive(self) -> bool:
        """Whether anything is answered, in whatever way."""
        request = data.TagsByFilterRequest(filter=data.Filter(component_name="nobody"))
        wire = Wire(self._channel, self._loop, self._metadata, timeout=FIRST_TIMEOUT)
        wire.tally = self._address.tally
        try:
            await wire.ask(_PING, (request,))
        except (GRPCError, SenselessAnswerError):
            return True
        except (asyncio.TimeoutError, OSError, ProtocolError, StreamTerminatedError):
            return False
        return True

    def _log_in(self, address: Address) -> None:
        request = auth.AuthenticateRequest(
            entity=address.api_key_id,
            credentials=auth.Credentials(type="api-key", payload=address.api_key),
        )
        call = self.wire().call
        try:
            if not address.api_key_id:
                # Any reply shows that a server is there.
                answer = call("TagsByFilter", data.TagsByFilterRequest(filter=data.Filter()))
            else:
                answer = call("Authenticate", request)
        except ConnectionLostError as error:
            spoken = SPOKEN.get(taken_apart(address.target)[0], "gRPC")
            why = why_unreachable(error, address.parsed, spoken=spoken)
            raise CannotRunError(f"cannot reach {address.target}: {why}") from error
        except SenselessAnswerError as error:
            why = f"{error}, which makes no sense; is it the right port?"
            raise CannotRunError(f"cannot reach {address.target}: {why}") from error
        if not address.api_key_id:
            return
        if isinstance(answer, Refused):
            raise CannotRunError(f"{address.target} refuses the API key: {answer}")
        # Wires that are in use go on with it after a restart.
        self._metadata["authorization"] = f"Bearer {answer.access_token}"


async def _connected(address: Address) -> Channel | WebConnection:
    return address.connect()
