"""HTTP/1.1 on connections that the port hands over: uvicorn's protocol without its server.

uvicorn's server would own the socket, the signals and the loop; here the fake does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from fakeviam.version import __version__
from fakeviam.web.app import application
from fakeviam.web.openapi import API_VERSION
from fakeviam.web.problems import Problem

if TYPE_CHECKING:
    from fakeviam.server.lifecycle.host import Host

_NO_HTTP = Problem(
    400,
    "this is neither HTTP/1.1 nor gRPC",
    hint="for gRPC, use HTTP/2 without TLS, or gRPC-Web; the control API is at http://.../control/v1",
)

#: For the next request on a connection: longer than pages and Node leave between two.
_KEPT_SECONDS = 75


class HttpServer:
    """The HTTP side of one fake."""

    def __init__(self, fake: Host) -> None:
        """Serve `fake`; runs in its event loop."""
        self._config = Config(
            application(fake),
            http=Connection,
            ws="none",
            lifespan="off",
            timeout_keep_alive=_KEPT_SECONDS,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=[
                ("server", f"fakeviam/{__version__}"),
                ("fakeviam-control-api", API_VERSION),
            ],
        )
        self._config.load()
        self._patience = fake.limits.header_seconds
        self._state = ServerState()
        # uvicorn would also log a warning; the response to the client is enough.
        self._log = logging.Logger("fakeviam.http", logging.ERROR)  # noqa: LOG001 - ours alone
        self._log.parent = logging.getLogger("fakeviam")
        self._state.default_headers = self._config.encoded_headers

    def protocol(self) -> asyncio.Protocol:
        """Create the protocol of a new connection."""
        made = Connection(self._config, self._state, {})
        made.patience = self._patience
        made.logger = self._log
        return made

    async def stop(self) -> None:
        """Cancel the requests in progress; their connections are already closed."""
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class Connection(H11Protocol):
    """One HTTP connection.

    Attributes:
        patience: Seconds for the head of a request, once it has begun (SV-13).
    """

    patience = 10.0
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {"peer": _peer(transport), "hang_up": transport.abort}

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        is_waiting = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if is_waiting and self._waiting is None:
            self._waiting = self.loop.call_later(self.patience, self._lose_patience)
        elif not is_waiting:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _lose_patience(self) -> None:
        what = f"the head of the request was not complete after {self.patience:g} seconds"
        self._refuse(Problem(408, what))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says more
        """Describe the protocols of this port, and close the connection."""
        self._refuse(_NO_HTTP)

    def _refuse(self, problem: Problem) -> None:
        body = json.dumps(problem.to_json()).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        for event in (
            h11.Response(
                status_code=problem.status,
                headers=headers,
                reason=HTTPStatus(problem.status).phrase,
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _peer(transport: asyncio.Transport) -> str | None:
    """The caller's address; None on a Unix socket."""
    connected: Any = transport.get_extra_info("socket")
    if connected is not None and connected.family == getattr(socket, "AF_UNIX", None):
        return None
    name = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else "an unknown address"
