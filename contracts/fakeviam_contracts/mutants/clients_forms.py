"""Wrong clients that an outside review found unseen: forms of replies, broken calls, and TLS."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from fakeviam_client import DataClient, connect
from google.protobuf.unknown_fields import UnknownFieldSet
from grpclib.client import Channel, Stream
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.metadata import Deadline

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts.mutants.clients_base import ClientMutant, on_error, on_reply
from fakeviam_contracts.mutants.clients_transport import trusting

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from google.protobuf.message import Message
    from grpclib.protocol import H2Protocol

    from fakeviam_contracts.mutants.clients_base import M

Headers = dict[str, str]


# Forms of replies --------------------------------------------------------------------------


def on_stream_class(name: str, obligation: str, stream: type[Stream[Any, Any]]) -> ClientMutant:
    """A client whose calls are of another class."""

    class Reading(Channel):
        def request(self, *args: Any, **more: Any) -> Any:
            opened = super().request(*args, **more)
            opened.__class__ = stream
            return opened

    class Calling(DataClient):
        def __init__(self, channel: Channel, metadata: Any) -> None:
            channel.__class__ = Reading
            super().__init__(channel, metadata)

    @asynccontextmanager
    async def connected(target: str, **key: Any) -> AsyncIterator[DataClient]:
        with mock.patch("fakeviam_client.client.Channel", Reading):
            async with connect(target, **key) as client:
                yield client

    return ClientMutant(name=name, obligation=obligation, client=Calling, connect=connected)


def _on_status(name: str, obligation: str, edit: Callable[[Any, Headers], object]) -> ClientMutant:
    """A client that reads the headers with the status in its own way."""

    class Judging(Stream[Any, Any]):
        def _process_grpc_status(self, headers_map: Headers) -> Any:
            edit(self, headers_map)
            return super()._process_grpc_status(headers_map)

    return on_stream_class(name, obligation, Judging)


def _details_alone(_: object, headers: Headers) -> None:
    if "grpc-status-details-bin" in headers:
        headers["grpc-status"] = "13"


def _refused_alone(stream: Any, headers: Headers) -> None:
    if not stream._trailers_only and headers["grpc-status"] != "0":  # noqa: SLF001
        headers["grpc-status"] = "2"


def _message_counts(stream: Any, headers: Headers) -> None:
    if stream._messages_received and headers["grpc-status"] == "5":  # noqa: SLF001
        headers["grpc-status"] = "0"


def _text_needed(_: object, headers: Headers) -> None:
    if headers["grpc-status"] != "0" and "grpc-message" not in headers:
        raise KeyError("a refusal without a text")


def _known_alone(_: object, headers: Headers) -> None:
    if "x-served-by" in headers:
        raise ValueError("a trailer that is not known")


class _KnowsItsHeaders(Stream[Any, Any]):
    async def recv_initial_metadata(self) -> None:
        await super().recv_initial_metadata()
        if self.initial_metadata:
            raise ValueError("a header that is not known")


class _KnowsOneForm(Stream[Any, Any]):
    def _raise_for_content_type(self, headers_map: Headers) -> None:
        if headers_map["content-type"] != "application/grpc+proto":
            raise GRPCError(Status.UNKNOWN, "another content-type")


class _ReadsOneFrame(Stream[Any, Any]):
    """Looks for the length of a message in the first frame alone."""

    async def recv_message(self) -> Any:
        if not self._recv_initial_metadata_done:
            await self.recv_initial_metadata()
            frames = self._stream.buffer._unacked  # noqa: SLF001
            come = [await frames.get()]
            while not frames.empty():
                come.append(frames.get_nowait())
            for one in come:
                frames.put_nowait(one)
            if 0 < come[0].data_size < 5:
                raise ConnectionError("less than the length of a message")
        return await super().recv_message()


class _TakesNoMuch(Stream[Any, Any]):
    """Reads no message of more than one MiB."""

    async def recv_message(self) -> Any:
        message = await super().recv_message()
        if message is not None and message.ByteSize() > 2**20:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "a larger message than is taken")
        return message


class _LetsNobodyGoOn(Stream[Any, Any]):
    """Never tells the server that there is room again."""

    async def send_request(self, **more: Any) -> None:
        await super().send_request(**more)
        self._stream.connection.ack = lambda *_: None  # type: ignore[method-assign]


class _SeesNoFlag(Stream[Any, Any]):
    """Takes messages that are packed, and do not say how, for empty ones."""

    _packed = False

    async def recv_message(self) -> Any:
        if self._packed:
            return None
        try:
            return await super().recv_message()
        except NotImplementedError:
            if "grpc-encoding" in dict(self._stream.headers or ()):
                raise
            self._packed = True
            return self._recv_type()


class _Deaf(Channel):
    """Does not hear that the server takes no more calls."""

    def _protocol_factory(self) -> H2Protocol:
        protocol = super()._protocol_factory()
        hear = protocol.data_received
        protocol.data_received = lambda data: hear(_without_goodbye(data))  # type: ignore[method-assign]
        return protocol


def _without_goodbye(frames: bytes) -> bytes:
    kept, at = b"", 0
    while at < len(frames):
        end = at + 9 + int.from_bytes(frames[at : at + 3], "big")
        kept += b"" if frames[at + 3] == 7 else frames[at:end]
        at = end
    return kept


@asynccontextmanager
async def _connect_deaf(target: str, **key: Any) -> AsyncIterator[DataClient]:
    with mock.patch("fakeviam_client.client.Channel", _Deaf):
        async with connect(target, **key) as client:
            yield client


def _no_unknown_fields(_: object, reply: Any) -> None:
    if len(UnknownFieldSet(reply)):
        raise ValueError("a field that is not known")


FORMS = (
    on_stream_class("reads no headers that it does not know", "replies-in-any-form",
                    _KnowsItsHeaders),
    on_stream_class("reads one content-type", "replies-in-any-form", _KnowsOneForm),
    on_stream_class("reads one frame", "replies-in-any-form", _ReadsOneFrame),
    on_reply("reads no newer versions", "replies-in-any-form", _no_unknown_fields),
    on_stream_class("reads messages up to one MiB", "large-replies", _TakesNoMuch),
    on_stream_class("lets no server go on", "large-replies", _LetsNobodyGoOn),
    ClientMutant(name="hears no goodbye", obligation="goodbye-heard", connect=_connect_deaf),
    on_stream_class("ignores that a message is packed", "coding-refused", _SeesNoFlag),
    _on_status("calls refusals with details INTERNAL", "refusals-in-any-form", _details_alone),
    _on_status("calls refusals after headers UNKNOWN", "refusals-in-any-form", _refused_alone),
    _on_status("takes a message for success", "refusals-in-any-form", _message_counts),
    _on_status("fails at refusals without a text", "refusals-in-any-form", _text_needed),
    _on_status("fails at trailers that it does not know", "refusals-in-any-form", _known_alone),
)  # fmt: skip


# Calls that break off ----------------------------------------------------------------------


def _after_cut(of: type[Message]) -> Any:
    """Sends again what broke off."""

    async def react(
        _: object, kind: type[Message], again: Callable[[], Any], error: Exception
    ) -> Any:
        if kind is not of or not isinstance(error, ConnectionError):
            raise error
        return await again()

    return react


async def _cut_is_done(_: object, kind: type[Message], __: object, error: Exception) -> Any:
    if kind is not dataset.DeleteDatasetResponse or not isinstance(error, ConnectionError):
        raise error
    return kind()


async def _kind_reset_is_end(_: object, kind: type[Message], __: object, error: Exception) -> Any:
    if "error_code: 0" not in str(error):
        raise error
    return kind()


def _calls(one: Status, another: Status, *, of: type[Message] | None = None) -> Any:
    """Tells a status as another one."""

    async def react(_: object, kind: type[Message], __: object, error: Exception) -> Any:
        if isinstance(error, GRPCError) and error.status is one and of in (None, kind):
            raise GRPCError(another, error.message) from error
        raise error

    return react


class WaitsForTheRest(DataClient):
    """Sends a deadline, and keeps it until the reply begins."""

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        if timeout is None:
            return await super()._call(kind, request)
        channel_request = self._channel.request

        def opened(*args: Any, **more: Any) -> Any:
            stream = channel_request(*args, **more)
            stream._deadline = None  # noqa: SLF001 - its own
            return stream

        limit = Deadline.from_timeout(timeout)
        headers = {**self._metadata, "grpc-timeout": f"{int(timeout * 1000)}m"}
        with mock.patch.object(self._channel, "request", opened):
            async with self._open(kind) as stream:
                stream._metadata = headers  # type: ignore[assignment] # noqa: SLF001
                await stream.send_message(request, end=True)
                await asyncio.wait_for(stream.recv_initial_metadata(), limit.time_remaining())
                reply = await stream.recv_message()
        assert reply is not None  # noqa: S101 - for mypy
        return reply


class MistakesSeconds(DataClient):
    """Takes seconds for milliseconds."""

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        return await super()._call(kind, request, timeout and timeout / 1000)


class EndsWhereItIsUnavailable(DataClient):
    """Takes a later page that is UNAVAILABLE for the end."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        try:
            return await super()._call(kind, request, timeout)
        except GRPCError as error:
            later = hasattr(request, "data_request") and request.data_request.last
            if error.status is not Status.UNAVAILABLE or not later:
                raise
            return kind()


BROKEN_OFF = (
    *(
        on_error(f"sends {of.DESCRIPTOR.name} again after a cut", "writes-cut", _after_cut(of))
        for of in (
            dataset.CreateDatasetResponse,
            data.AddBoundingBoxToImageByIDResponse,
            datasync.DataCaptureUploadResponse,
            datasync.StreamingDataCaptureUploadResponse,
        )
    ),
    on_error("takes a cut deletion for done", "writes-cut", _cut_is_done),
    on_error("takes a kind reset for the end", "broken-replies", _kind_reset_is_end),
    on_error("calls what is UNAVAILABLE cancelled", "unavailable-while-writing",
             _calls(Status.UNAVAILABLE, Status.CANCELLED)),
    *(
        on_error(f"calls {status.name} UNKNOWN where it reads", "statuses-kept",
                 _calls(status, Status.UNKNOWN, of=data.TagsByFilterResponse))
        for status in (Status.UNAUTHENTICATED, Status.INTERNAL, Status.RESOURCE_EXHAUSTED)
    ),
    ClientMutant(name="waits for the rest of a reply for ever", obligation="deadline-passed",
                 client=WaitsForTheRest),
    ClientMutant(name="takes seconds for milliseconds", obligation="deadline-on-request",
                 client=MistakesSeconds),
    ClientMutant(name="ends where it is UNAVAILABLE", obligation="page-error-raised",
                 client=EndsWhereItIsUnavailable),
)  # fmt: skip


# TLS ---------------------------------------------------------------------------------------

#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python has no name for.
_NO_CHECK_TIME = 0x200000


def _any_time(context: ssl.SSLContext) -> None:
    context.verify_flags |= _NO_CHECK_TIME


def _no_alpn(context: ssl.SSLContext) -> None:
    context.set_alpn_protocols(["x-other"])


TLS = (
    ClientMutant(name="looks at no time in certificates", obligation="tls-expired",
                 connect=trusting(_any_time)),
    ClientMutant(name="offers no HTTP/2", obligation="tls-alpn", connect=trusting(_no_alpn)),
)  # fmt: skip

FORMED: tuple[ClientMutant, ...] = (*FORMS, *BROKEN_OFF, *TLS)
