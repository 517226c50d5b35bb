"""Connections of MongoDB clients: bytes to commands, and replies to bytes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from fakeviam.database.conversation import Conversation, Refusing
from fakeviam.database.cursors import Cursors
from fakeviam.database.wire_messages import (
    HEADER,
    MAX_MESSAGE_BYTES,
    MalformedMessageError,
    UnreadableDocumentError,
    parse,
    reply_to,
    unreadable,
)
from fakeviam.server.services.turns import in_thread
from fakeviam.server.transport.outgoing import Link
from fakeviam.server.transport.quiet_log import QuietLog
from fakeviam.server.transport.unread import UnreadAnswers

if TYPE_CHECKING:
    from fakeviam.database.context import Reply
    from fakeviam.database.wire_messages import CommandMessage
    from fakeviam.server.lifecycle.session_registry import SessionRegistry
    from fakeviam.server.transport.limits import ConnectionLimits

#: The maximum size of a message before the login; hello and login have some hundred bytes.
_BEFORE_LOGIN = 1024 * 1024


class DatabaseServer:
    """The database side of one fake's port."""

    def __init__(self, clouds: SessionRegistry, limits: ConnectionLimits) -> None:
        """Serve the readings of `clouds`; `limits` are those of each connection."""
        self._clouds, self._limits = clouds, limits
        self._cursors = Cursors()
        self._log = QuietLog(asyncio.get_running_loop().time)

    def protocol(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return self._connection(Conversation(self._clouds, self._cursors))

    def refusing(self, text: str) -> asyncio.Protocol:
        """A protocol that answers every command with one error."""
        return self._connection(Refusing(text))

    def _connection(self, conversation: Conversation | Refusing) -> asyncio.Protocol:
        return DatabaseConnection(conversation, self._limits, quiet_log=self._log)

    async def stop(self) -> None:
        """Do nothing: no work is pending between two messages."""


class DatabaseConnection(asyncio.Protocol):
    """One connection; messages are answered one at a time, in order."""

    def __init__(
        self,
        conversation: Conversation | Refusing,
        limits: ConnectionLimits,
        *,
        quiet_log: QuietLog,
    ) -> None:
        """Reply through `conversation`.

        Args:
            conversation: Answers the commands.
            limits: How long a message may remain incomplete, and replies unread.
            quiet_log: Logs connections that are closed because the client broke the rules.
        """
        self.transport: asyncio.Transport | None = None
        self._limits, self._log = limits, quiet_log
        self._patience = limits.header_seconds
        self._impatience: asyncio.TimerHandle | None = None
        self._conversation = conversation
        self._received = bytearray()
        self._scheduled = False
        self._writable = True
        self._is_at_end = False  # the client has sent EOF
        self._aside: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A transport of another event loop, such as uvloop's, is not an asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._conversation.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
        Link(transport).keep_alive()
        self._unread = UnreadAnswers(transport, self._limits)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.transport = None
        self._received.clear()
        self._stop_waiting()
        self._unread.stop()
        if self._aside is not None:
            self._aside.cancel()
        self._conversation.end()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._stop_waiting()
        if self._aside is not None and self.transport is not None:
            self.transport.pause_reading()  # what comes next may be long
        self._schedule()

    def eof_received(self) -> bool:
        """Handle EOF: complete requests are answered first (SV-16).

        What computes for long ends (SV-19), since a client that has closed looks the same: nothing
        harmless can be sent to find out, and in MongoDB's servers it ends, too.
        """
        self._is_at_end = True
        if self._aside is not None:
            return False
        self._schedule()
        return self.transport is not None and not self.transport.is_closing()

    def pause_writing(self) -> None:
        self._writable = False
        self._unread.watch()

    def resume_writing(self) -> None:
        self._writable = True
        self._unread.note_progress()
        self._schedule()

    def _schedule(self) -> None:
        """Answer one message per turn of the event loop, so that other connections are served."""
        if self.transport is None or self._scheduled or not self._writable:
            return
        if self._waits_for_bytes():
            if self._is_at_end:
                self.transport.close()
                return
            self.transport.resume_reading()
            if self._received:
                loop = asyncio.get_running_loop()
                self._impatience = loop.call_later(self._patience, self._give_up)
            return
        # There is enough buffered input: apply backpressure.
        self.transport.pause_reading()
        self._scheduled = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _waits_for_bytes(self) -> bool:
        if len(self._received) < HEADER.size:
            return True
        size: int = HEADER.unpack_from(self._received)[0]
        return HEADER.size <= size <= self._largest and len(self._received) < size

    @property
    def _largest(self) -> int:
        """The maximum size of a message, which is low before the login."""
        return MAX_MESSAGE_BYTES if self._conversation.is_logged_in else _BEFORE_LOGIN

    def _stop_waiting(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _give_up(self) -> None:
        self._close(f"it said nothing more for {self._patience:g} seconds in a message [SV-13]")

    def _close(self, why: str) -> None:
        if self.transport is not None:
            who = self._conversation.peer
            self._log.say("database", f"closed a database connection of {who}: {why}")
            self.transport.close()

    def _turn(self) -> None:
        self._scheduled = False
        if self.transport is None:
            return
        size, number, _, _ = HEADER.unpack_from(self._received)
        if self._largest < size <= MAX_MESSAGE_BYTES:
            self._close(f"a message of {size} bytes before login")
            return
        try:
            request = parse(bytes(self._received[: max(size, HEADER.size)]))
        except UnreadableDocumentError as error:
            del self._received[:size]
            self.transport.write(unreadable(number, error))
            self._schedule()
            return
        except MalformedMessageError as error:
            self._close(str(error))
            return
        del self._received[:size]
        reply = self._conversation.answer(request)
        if not callable(reply):
            self._reply(request, reply)
        elif self._is_at_end:
            self.transport.close()
        else:
            self._scheduled = True  # the next message of this connection has to wait
            self._aside = in_thread(reply)
            self._aside.add_done_callback(partial(self._answered, request))
            self.transport.resume_reading()  # to notice if the client disconnects

    def _answered(self, request: CommandMessage, made: asyncio.Future[Reply]) -> None:
        self._scheduled, self._aside = False, None
        if self.transport is not None:  # otherwise the connection was lost
            self._reply(request, made.result())

    def _reply(self, request: CommandMessage, reply: Reply) -> None:
        if request.wants_reply and self.transport is not None:
            self.transport.write(reply_to(request, reply))
        self._schedule()
