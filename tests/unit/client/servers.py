"""A server that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam_client import DataClient
from grpclib.const import Cardinality, Handler
from grpclib.server import Server
from grpclib.testing import ChannelFor
from hypothesis import HealthCheck, settings

from fakeviam import wire
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from google.protobuf.message import Message
    from grpclib.config import Configuration

    from fakeviam.wire import Method

    #: Gets the messages of a call, and returns the answer or raises; it may be a coroutine.
    Answer = Callable[[list[Any]], Any]


def law(percent: int) -> settings:
    """So many of the usual number of examples of a property, however slow the machine is."""
    examples = max(1, settings().max_examples * percent // 100)
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


METHODS = MappingProxyType({method.name: method for method in wire.methods()})


class Asked(NamedTuple):
    """One call that arrived."""

    name: str
    messages: list[Any]
    headers: dict[str, Any]


class Script:
    """Answers by the RPC's name; what has no answer is answered with an empty message."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.asked: list[Asked] = []

    def requests(self, name: str) -> list[Any]:
        """The messages of all calls of one RPC, streams joined."""
        return [message for asked in self.asked if asked.name == name for message in asked.messages]

    def __mapping__(self) -> dict[str, Handler]:
        return {method.path: self._handler(method) for method in METHODS.values()}

    def _handler(self, method: Method) -> Handler:
        async def handle(stream: Any) -> None:
            messages = [message async for message in stream]
            self.asked.append(Asked(method.name, messages, dict(stream.metadata)))
            scripted = self.answers.get(method.name)
            answer = scripted(messages) if scripted else method.response()
            await stream.send_message(await answer if inspect.isawaitable(answer) else answer)

        return Handler(handle, cardinality(method), method.request, method.response)


class Raw:
    """One RPC with a handler that gets grpclib's stream itself."""

    def __init__(self, name: str, handle: Callable[[Any], Any]) -> None:
        self._method = METHODS[name]
        self._handle = handle

    def __mapping__(self) -> dict[str, Handler]:
        method = self._method
        handler = Handler(self._handle, cardinality(method), method.request, method.response)
        return {method.path: handler}


def cardinality(method: Method) -> Cardinality:
    return Cardinality.STREAM_UNARY if method.client_streaming else Cardinality.UNARY_UNARY


@asynccontextmanager
async def scripted(**answers: Answer) -> AsyncIterator[tuple[DataClient, Script]]:
    """A client of a scripted server, without a network between them."""
    script = Script(answers)
    async with ChannelFor([script]) as channel:
        yield DataClient(channel, {}), script


@asynccontextmanager
async def listening(*services: Any, config: Configuration | None = None) -> AsyncIterator[str]:
    """Serve on a real socket, whose path it gives."""
    with TemporaryDirectory(prefix="fv-") as folder:
        path = str(Path(folder, "s"))
        server = Server(services, config=config)
        await server.start(path=path)
        try:
            yield path
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0)  # connections close in the loop's next round


# Pages ------------------------------------------------------------------------------------


def tabular_page(numbers: Iterable[int], last: str) -> data.TabularDataByFilterResponse:
    """A page of readings `{"n": number}`."""
    page = data.TabularDataByFilterResponse(last=last, metadata=[data.CaptureMetadata()])
    for number in numbers:
        page.data.add().data.fields["n"].number_value = number
    return page


def binary_page(
    names: Iterable[str], last: str, payload: bytes = b"bytes"
) -> data.BinaryDataByFilterResponse:
    """A page of files of these names."""
    page = data.BinaryDataByFilterResponse(last=last)
    for name in names:
        entry = page.data.add(binary=payload)
        entry.metadata.file_name = name
        entry.metadata.file_size_bytes = len(payload)
    return page


def by_token(pages: Sequence[tuple[str, Message]]) -> Answer:
    """Answer with the page of the request's `last`; unknown tokens end the paging."""
    known = dict(pages)

    def answer(messages: list[Any]) -> Any:
        (request,) = messages
        asked = request.data_request.last
        if asked in known:
            return known[asked]
        response = type(next(iter(known.values())))
        return response()

    return answer
