"""Wrong clients: deadlines, retries, compression and TLS."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from fakeviam_client import connect
from grpclib.exceptions import GRPCError

from fakeviam import wire
from fakeviam.target import client_context
from fakeviam.wire import data
from fakeviam_contracts.http2 import Http2Connection
from fakeviam_contracts.mutants.clients_base import ClientMutant, on_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fakeviam_client import DataClient
    from google.protobuf.message import Message

TAGS_BY_FILTER = wire.method("TagsByFilter")


# Deadlines and retries ---------------------------------------------------------------------


async def _ask_again(_: object, __: object, again: Callable[[], Any], error: Exception) -> Any:
    if not isinstance(error, asyncio.TimeoutError):
        raise error
    return await again()


async def _call_it_done(_: object, kind: type[Message], __: object, error: Exception) -> Any:
    if not isinstance(error, asyncio.TimeoutError):
        raise error
    return kind(job_id="later")


async def _blame_argument(_: object, __: object, ___: object, error: Exception) -> Any:
    if not isinstance(error, asyncio.TimeoutError):
        raise error
    raise ValueError("no such dataset") from error


async def _never_give_up(_: object, __: object, again: Callable[[], Any], error: Exception) -> Any:
    try:
        return await again()
    except GRPCError as another:
        if another.status is not getattr(error, "status", None):
            raise
        return await _never_give_up(_, __, again, error)


# Compression -------------------------------------------------------------------------------


class _Bare:
    """A client that only reads tags, with headers that grpclib refuses to send."""

    def __init__(self, connection: Http2Connection, headers: dict[str, str]) -> None:
        self._connection, self._headers = connection, headers

    async def tags_by_filter(self) -> list[str]:
        request = data.TagsByFilterRequest()
        reply = await self._connection.call(TAGS_BY_FILTER, [request], self._headers)
        return list(reply.tags)


def _saying(headers: dict[str, str]) -> Any:
    @asynccontextmanager
    async def connected(target: str, **_: Any) -> AsyncIterator[_Bare]:
        connection = await Http2Connection.connect(target)
        try:
            yield _Bare(connection, headers)
        finally:
            connection.close()

    return connected


class _Careless:
    """Ignores replies that it cannot decode."""

    def __init__(self, client: DataClient) -> None:
        self._client = client

    async def tags_by_filter(self) -> list[str]:
        try:
            return await self._client.tags_by_filter()
        except NotImplementedError:
            return []


@asynccontextmanager
async def _connect_carelessly(target: str, **key: Any) -> AsyncIterator[_Careless]:
    async with connect(target, **key) as client:
        yield _Careless(client)


# TLS ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _forget_ca(target: str, **key: Any) -> AsyncIterator[DataClient]:
    async with connect(target, **{**key, "ca_file": None}) as client:
        yield client


@asynccontextmanager
async def _plain_if_need_be(
    target: str, *, ca_file: str = "", **key: Any
) -> AsyncIterator[DataClient]:
    try:
        async with connect(target, ca_file=ca_file, **key) as client:
            yield client
    except ConnectionError:
        async with connect(target.replace("https:", "http:"), **key) as client:
            yield client


def trusting(change: Callable[[ssl.SSLContext], None]) -> Any:
    """Log in like the light client, with a less secure TLS context."""

    def careless(ca_file: str = "") -> ssl.SSLContext:
        context = client_context(ca_file)
        change(context)
        return context

    @asynccontextmanager
    async def connected(target: str, **key: Any) -> AsyncIterator[DataClient]:
        with mock.patch("fakeviam_client.client.client_context", careless):
            async with connect(target, **key) as client:
                yield client

    return connected


def _verify_nothing(context: ssl.SSLContext) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def _ignore_names(context: ssl.SSLContext) -> None:
    context.check_hostname = False


def _log_in(name: str, obligation: str, connected: object) -> ClientMutant:
    return ClientMutant(name=name, obligation=obligation, connect=connected)


TRANSPORT = (
    on_error("asks again when time is up", "deadline-passed", _ask_again),
    on_error("takes time that is up for success", "deadline-passed", _call_it_done),
    on_error("calls time that is up a wrong argument", "deadline-passed", _blame_argument),
    on_error("tries for ever", "retries-end", _never_give_up),
    _log_in("packs its requests", "requests-plain", _saying({"grpc-encoding": "gzip"})),
    _log_in(
        "accepts gzip and cannot read it", "gzip-read", _saying({"grpc-accept-encoding": "gzip"})
    ),
    _log_in("takes what it cannot read for nothing", "coding-refused", _connect_carelessly),
    _log_in("forgets the CA", "tls-by-name", _forget_ca),
    _log_in("trusts everybody", "tls-unknown-ca", trusting(_verify_nothing)),
    _log_in("looks at no name in certificates", "tls-wrong-name", trusting(_ignore_names)),
    _log_in("does without TLS if need be", "tls-or-nothing", _plain_if_need_be),
)
