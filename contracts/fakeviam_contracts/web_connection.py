"""A connection that speaks gRPC-Web or Connect over HTTP/1.1, one call at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
from grpclib.exceptions import StreamTerminatedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method
    from fakeviam_contracts.web_speech import Speech

_AT_A_TIME = 65_536


class WebConnection:
    """A connection to a server that browsers call, too."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, speech: Speech) -> None:
        """Connect to that port when the first call is made."""
        self._speech = speech
        self._host, self._port, self._tls = host, port, tls
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def call(
        self,
        method: Method,
        requests: Sequence[Message],
        metadata: Mapping[str, str],
        timeout: float | None = None,
    ) -> Any:
        """The answer of one call; of one that is answered by a stream, all its messages.

        Raises:
            GRPCError: It was refused.
            StreamTerminatedError: The answer is not of the protocol, or breaks off.
            MalformedAnswerError: It is, but no client understands it.
            asyncio.TimeoutError: It did not come in time.
        """
        try:
            exchange = self._exchange(method, requests, metadata)
            head, body = await asyncio.wait_for(exchange, timeout)
        except BaseException:
            # What comes later would be taken for the answer of the next call.
            self.close()
            raise
        return self._speech.answer(method, head, body)

    def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _exchange(
        self, method: Method, requests: Sequence[Message], metadata: Mapping[str, str]
    ) -> tuple[dict[str, str], bytes]:
        writer = await self._connected()
        body = self._speech.body(method, requests)
        headers = {
            "host": f"{self._host}:{self._port}",
            **self._speech.headers(method),
            "content-length": str(len(body)),
            **metadata,
        }
        request = h11.Request(method="POST", target=method.path, headers=list(headers.items()))
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(self._http.send(event) or b"")
        await writer.drain()
        return await self._response()

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is None or await self._hung_up():
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._tls
            )
            self._http = h11.Connection(h11.CLIENT)
        else:
            self._http.start_next_cycle()
        return self._writer

    async def _hung_up(self) -> bool:
        """Whether the server has ended the connection after an answer, as it may."""
        if self._writer is not None:
            # Between calls nobody listens.
            await asyncio.sleep(0)
            if self._reader.at_eof() or self._http.their_state is not h11.DONE:
                self.close()
        return self._writer is None

    async def _response(self) -> tuple[dict[str, str], bytes]:
        head: dict[str, str] = {}
        body = bytearray()
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise StreamTerminatedError(f"the answer is no HTTP: {error}") from error
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_AT_A_TIME))
            elif isinstance(event, h11.Response):
                head = _decoded(event.headers)
                head[":status"] = str(event.status_code)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return head, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise StreamTerminatedError("Connection lost")


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
