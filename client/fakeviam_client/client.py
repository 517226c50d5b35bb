"""DataClient: all of its methods in one class, and a way to get one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from grpclib.client import Channel, UnaryUnaryMethod

from fakeviam import wire
from fakeviam.wire import auth
from fakeviam_client import _filters
from fakeviam_client._records import BinaryData, TabularData
from fakeviam_client.annotations import AnnotationMethods
from fakeviam_client.binary import BinaryMethods
from fakeviam_client.datasets import DatasetMethods
from fakeviam_client.tabular import TabularMethods
from fakeviam_client.uploads import UploadMethods

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any


class DataClient(TabularMethods, BinaryMethods, AnnotationMethods, DatasetMethods, UploadMethods):
    """Upload to and download from Viam's data cloud, or a fake of it.

    The methods, their parameters and defaults are those of viam-sdk 0.15.0's `DataClient`
    documentation. What newer releases added is keyword-only. Ids of binary data are `BinaryID`
    messages or strings; messages of any installed viam-sdk are taken as well as those of
    `fakeviam.wire`.

        async with connect("localhost:8080") as data:
            await data.file_upload(part_id=part_id, data=b"hello")
    """

    TabularData = TabularData
    BinaryData = BinaryData
    create_filter = staticmethod(_filters.create_filter)


@asynccontextmanager
async def connect(
    target: str, *, api_key: str | None = None, api_key_id: str | None = None
) -> AsyncIterator[DataClient]:
    """Connect to a server without TLS, log in if a key is given, and close at the end.

    Args:
        target: `host:port`, or the path of a Unix socket (anything with a slash in it).
        api_key: The API key.
        api_key_id: Its id.

    Raises:
        ValueError: `target` is neither, or only one half of the key is given.
        GRPCError: The server refuses the key.
    """
    if (api_key is None) != (api_key_id is None):
        raise ValueError("api_key and api_key_id go together")
    channel = _channel(target)
    try:
        metadata = {}
        if api_key is not None and api_key_id is not None:
            token = await _log_in(channel, api_key_id, api_key)
            metadata["authorization"] = f"Bearer {token}"
        yield DataClient(channel, metadata)
    finally:
        channel.close()


def _channel(target: str) -> Channel:
    if "/" in target:
        return Channel(path=target)
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdecimal():
        message = f"target must be host:port or the path of a Unix socket, got {target!r}"
        raise ValueError(message)
    return Channel(host.strip("[]"), int(port))


async def _log_in(channel: Channel, api_key_id: str, api_key: str) -> str:
    method = next(method for method in wire.methods() if method.name == "Authenticate")
    stub: UnaryUnaryMethod[Any, Any] = UnaryUnaryMethod(
        channel, method.path, method.request, method.response
    )
    request = auth.AuthenticateRequest(
        entity=api_key_id, credentials=auth.Credentials(type="api-key", payload=api_key)
    )
    token: str = (await stub(request)).access_token
    return token
