"""Connections to servers by address: TLS, logging in, and no more calls a second than allowed."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grpclib.client import Channel

from fakeviam.target import Target
from fakeviam.wire import auth, data
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.wirelog import ConnectionLostError, Refused, Wire

if TYPE_CHECKING:
    from fakeviam_contracts.wirelog import Edge

#: Seconds until a call that nobody answers counts as refused; while setting up, sooner.
TIMEOUT, FIRST_TIMEOUT = 30.0, 10.0


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server is, and who asks.

    Attributes:
        target: An address in any of the forms that `fakeviam.target` reads.
        api_key_id: Id of an API key; with none the server is called without login.
        api_key: The key.
        ca_file: Certificates to trust instead of those of the system.
        max_rps: Calls a second at most.
    """

    target: str
    api_key_id: str = ""
    api_key: str = ""
    ca_file: str = ""
    max_rps: float | None = None

    def connect(self) -> Channel:
        """A channel to it, inside a running loop.

        Raises:
            CannotRunError: It is no address.
        """
        try:
            where = Target.parse(self.target)
        except ValueError as error:
            raise CannotRunError(f"the target {error}") from error
        if where.path:
            return Channel(path=where.path)
        return Channel(where.host, where.port, ssl=self._tls() if where.tls else None)

    def _tls(self) -> ssl.SSLContext:
        if self.ca_file and not Path(self.ca_file).is_file():
            raise CannotRunError(f"--ca-file {self.ca_file} does not exist")
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except ssl.SSLError as error:
            raise CannotRunError(f"--ca-file {self.ca_file} contains no certificates") from error
        context.set_alpn_protocols(["h2"])
        return context


class RemoteConnection:
    """A connection to a server: an event loop, a channel, and a login."""

    def __init__(self, address: Address) -> None:
        """Connect and log in.

        Raises:
            CannotRunError: Nobody answers there, or not to this key.
        """
        self._loop = asyncio.new_event_loop()
        self._address = address
        self._more: list[Channel] = []
        self._metadata: dict[str, str] = {}
        self._between = 1 / address.max_rps if address.max_rps else 0.0
        self._next = 0.0
        #: Seconds until a call counts as refused.
        self.timeout = FIRST_TIMEOUT
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
        return Wire(
            self._channel,
            self._loop,
            self._metadata,
            edge=edge,
            timeout=self.timeout,
            pace=self._wait_turn if self._between else None,
            connect=self._another,
        )

    def close(self) -> None:
        """Hang up."""
        for channel in (self._channel, *self._more):
            channel.close()
        # Lets the transport see that it was closed.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _another(self, number: int) -> Channel:
        """The n-th further connection."""
        while len(self._more) <= number:
            self._more.append(self._address.connect())
        return self._more[number]

    async def _wait_turn(self) -> None:
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + self._between
        if now < turn:
            await asyncio.sleep(turn - now)

    def _log_in(self, address: Address) -> None:
        request = auth.AuthenticateRequest(
            entity=address.api_key_id,
            credentials=auth.Credentials(type="api-key", payload=address.api_key),
        )
        wire = self.wire()
        try:
            if not address.api_key_id:
                # Any answer will do: somebody is there.
                answer = wire.call("TagsByFilter", data.TagsByFilterRequest(filter=data.Filter()))
            else:
                answer = wire.call("Authenticate", request)
        except ConnectionLostError as error:
            raise CannotRunError(
                f"cannot reach {address.target}: {_why(error)}{_advice(error)}"
            ) from error
        if isinstance(answer, Refused) and answer.status == "DEADLINE_EXCEEDED":
            raise CannotRunError(f"{address.target} did not answer within {self.timeout:.0f} s")
        if not address.api_key_id:
            return
        if isinstance(answer, Refused):
            raise CannotRunError(f"{address.target} refuses the API key: {answer}")
        self._metadata = {"authorization": f"Bearer {answer.access_token}"}


def _why(error: ConnectionLostError) -> str:
    """Why a connection did not come about, in the system's words."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return f"its TLS certificate is not trusted ({cause.reason or cause})"
    if isinstance(cause, socket.gaierror):
        return cause.strerror or str(cause)
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return str(cause) or "it does not speak gRPC"


def _advice(error: ConnectionLostError) -> str:
    if isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError):
        return "; start a fake with `fakeviam serve`, or use --self"
    return ""


async def _connected(address: Address) -> Channel:
    return address.connect()
