"""The request messages of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fakeviam.model.errors import InvalidArgumentError, UnimplementedError
from fakeviam.server.instruments.faults.injection import FaultInjector

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from grpclib.server import Stream

    from fakeviam.model.matching import Leaf
    from fakeviam.server.state.call import Call
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.wire import Method

AUTH_SERVICE = "proto.rpc.v1.AuthService"


class CloudDirectory(Protocol):
    """Tells which cloud of a server a call is for."""

    def cloud_of(self, metadata: Any) -> CloudState:
        """The cloud that a call is for."""

    def check(self, cloud: CloudState, metadata: Any) -> None:
        """Refuse a call for a session that is not open (SS-2, SS-3)."""

    def cloud_of_key(self, key_id: str, asked: CloudState) -> CloudState:
        """The cloud that a login with this API key is for (SS-4)."""


class RequestStream:
    """The request messages of one call, recorded in the journal and met by its fault."""

    def __init__(
        self, call: Call, method: Method, stream: Stream[Any, Any], clouds: CloudDirectory
    ) -> None:
        """Read `stream` for `call`, which may turn out to be for another of `clouds`."""
        self.metadata = stream.metadata
        self._clouds = clouds
        self.injector: FaultInjector | None = None
        self._call, self._stream, self._streams = call, stream, method.client_streaming
        self._waiting: list[Message | None] = []
        self._leaves: list[Leaf] | None = None
        self._chosen = False  # whether the planned faults were asked about this call

    def check_session(self) -> None:
        """Refuse a call for a session that is not open (SS-2, SS-3)."""
        self._clouds.check(self._call.cloud, self.metadata)

    async def peek(self) -> Message | None:
        """The next message, which stays the next one."""
        message = await self.recv_message()
        self._waiting.append(message)
        return message

    async def recv_message(self) -> Message | None:
        """The next message; None at the end of the stream.

        Raises:
            Refusal: It is not a valid message.
            FaultTriggered: The call's fault ends it here.
        """
        if self._waiting:
            return self._waiting.pop()
        message = await _receive(self._stream)
        record = self._call.record
        if message is not None:
            self._call.cloud.journal.received(record, message)
            if record.service == AUTH_SERVICE:
                self._switch_cloud(message)
            self._call.cloud.strict.check(record, message)
        if self._call.cloud.faults or self.injector is not None:
            await self._meet_fault(ended=message is None or not self._streams)
        return message

    def _switch_cloud(self, request: Any) -> None:
        """Let a login be a call of the session whose API key it brings, if it is one's (SS-4)."""
        cloud = self._clouds.cloud_of_key(request.entity, asked=self._call.cloud)
        if cloud is not self._call.cloud:
            self._call.move_to(cloud)

    def leaves(self) -> list[Leaf]:
        """The fields of the first message."""
        if self._leaves is None:
            self._leaves = self._call.record.leaves
        return self._leaves

    async def _meet_fault(self, *, ended: bool) -> None:
        call, record = self._call, self._call.record
        if self.injector is None and not self._chosen:
            planned = call.cloud.faults.choose(record.rpc, self.leaves)
            if planned is not None:
                self.injector = FaultInjector(call, planned.fault, planned)
        self._chosen = True
        if self.injector is not None:
            await self.injector.received(record.messages_received, record.bytes_received)
            if ended:
                await self.injector.before_commit()


async def _receive(stream: Stream[Any, Any]) -> Message | None:
    try:
        message: Message | None = await stream.recv_message()
    except NotImplementedError as error:  # how grpclib refuses a compressed message
        raise UnimplementedError("compressed messages are not supported", clause="SV-3") from error
    except AssertionError as error:  # how grpclib says that a message was cut short
        text = "the stream ended in the middle of a message"
        raise InvalidArgumentError(text, clause="SV-3") from error
    return message
