"""A request inside HTTP/2, and what comes back: prior knowledge, no TLS."""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import StreamClosedError

from .browser import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from fakeviam import FakeViam


class Http2:
    """One connection."""

    def __init__(self, cloud: FakeViam) -> None:
        self._socket = socket.create_connection((cloud.host, cloud.port), timeout=30)
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._authority = f"{cloud.host}:{cloud.port}"
        self._events: deque[Event] = deque()
        self.has_goaway = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def begin(self, method: str, path: str, headers: Mapping[str, str], *, end: bool) -> int:
        """Send the headers of a request; the number of its stream."""
        number = self._h2.get_next_available_stream_id()
        pseudo = {":method": method, ":scheme": "http", ":path": path}
        told = {**pseudo, ":authority": self._authority, **headers}
        self._h2.send_headers(number, list(told.items()), end_stream=end)
        self._flush()
        return number

    def send(self, number: int, data: bytes, *, end: bool) -> None:
        """Send data as the server takes it; it may answer, and want no more of it."""
        with suppress(StreamClosedError):
            self._send(number, data, end=end)
        self._flush()

    def _send(self, number: int, data: bytes, *, end: bool) -> None:
        rest = memoryview(data)
        while rest or end:
            room = min(self._h2.local_flow_control_window(number), 16_384)
            if rest and room <= 0:
                self._read()
                continue
            part, rest = rest[:room], rest[room:]
            self._h2.send_data(number, bytes(part), end_stream=end and not rest)
            if not rest:
                break

    def reset(self, number: int) -> None:
        """Go away from a request."""
        self._h2.reset_stream(number, 8)
        self._flush()

    def answer(self, number: int) -> Reply:
        """What comes back.

        Raises:
            ConnectionError: The stream was reset, or the connection ended.
        """
        headers: dict[str, str] = {}
        body = b""
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, ConnectionTerminated):
                    self.has_goaway = True
                if getattr(event, "stream_id", None) != number:
                    continue
                if isinstance(event, ResponseReceived):
                    headers = dict(cast("Any", event.headers))
                elif isinstance(event, DataReceived):
                    body += event.data
                    self._h2.acknowledge_received_data(event.flow_controlled_length, number)
                elif isinstance(event, StreamReset):
                    raise ConnectionResetError(f"reset with {event.error_code}")
                elif isinstance(event, StreamEnded):
                    status = int(headers.pop(":status"))
                    return Reply(status=status, headers=headers, body=body)
            self._read()

    def _read(self) -> None:
        self._flush()
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionAbortedError("the connection ended")
        self._events += self._h2.receive_data(data)

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        """Send a request, and see its answer."""
        number = self.begin(method, path, headers, end=body is None)
        if body is not None:
            self.send(number, body, end=True)
        return self.answer(number)

    def _flush(self) -> None:
        self._socket.sendall(self._h2.data_to_send())
