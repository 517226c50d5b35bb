"""DataClient: all of its methods in one class, and a way to get one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from grpclib.client import Channel

from fakeviam.target import Target, client_context, default_ca_file, default_target
from fakeviam.wire import auth
from fakeviam_client import _arguments as arguments
from fakeviam_client import _filters
from fakeviam_client._records import BinaryData, TabularData
from fakeviam_client._service import LOGGER, Service
from fakeviam_client.annotations import AnnotationMethods
from fakeviam_client.binary import BinaryMethods
from fakeviam_client.captures import CaptureMethods
from fakeviam_client.datasets import DatasetMethods
from fakeviam_client.indexes import IndexMethods
from fakeviam_client.pipelines import PipelineMethods
from fakeviam_client.queries import QueryMethods
from fakeviam_client.resources import ResourceMethods, TabularDataPoint
from fakeviam_client.sequences import SequenceMethods
from fakeviam_client.tabular import TabularMethods
from fakeviam_client.uploads import UploadMethods

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["LOGGER", "DataClient", "connect"]


class DataClient(
    TabularMethods,
    BinaryMethods,
    AnnotationMethods,
    DatasetMethods,
    CaptureMethods,
    UploadMethods,
    ResourceMethods,
    IndexMethods,
    PipelineMethods,
    SequenceMethods,
    QueryMethods,
):
    """Upload to and download from Viam's data cloud, or a fake of it.

    The methods, their parameters and defaults are those of viam-sdk 0.15.0's `DataClient`
    documentation. What newer releases added to them is keyword-only; methods that are newer
    themselves are as viam-sdk 0.85.1 has them. Ids of binary data are `BinaryID`
    messages or strings; messages of any installed viam-sdk are taken as well as those of
    `fakeviam.wire`. Nothing is sent before all arguments have been checked.

        async with connect("localhost:8080") as data:
            await data.file_upload(part_id=part_id, data=b"hello")

    What the server refuses is grpclib's GRPCError, unchanged. A server that cannot be reached or
    vanishes is a ConnectionError.
    """

    TabularData = TabularData
    TabularDataPoint = TabularDataPoint
    BinaryData = BinaryData
    create_filter = staticmethod(_filters.create_filter)


@asynccontextmanager
async def connect(
    target: str | None = None,
    *,
    api_key: str | None = None,
    api_key_id: str | None = None,
    metadata: Mapping[str, str] | None = None,
    ca_file: str | None = None,
) -> AsyncIterator[DataClient]:
    """Connect to a server, log in if a key is given (AU-1, AU-2), and close at the end.

    Args:
        target: `host`, `host:port` or `http://host:port` without TLS, `https://host` or
            `https://host:port` with TLS, `unix:path` or the path of a Unix socket (with a slash in
            it). None is what FAKEVIAM_TARGET says, and without it 127.0.0.1:8080.
        api_key: The API key.
        api_key_id: Its id.
        metadata: Sent with every call, such as a fake's `session.metadata`.
        ca_file: With TLS, certificates to trust instead of those of the system, such as a fake's
            `ca_file`. None is what FAKEVIAM_CA_FILE says.

    Raises:
        TypeError: An argument has another type.
        ValueError: `target` is none of these, or only one half of the key is given.
        ConnectionError: The server cannot be reached (with a key; without one, the first call
            says so).
        GRPCError: The server refuses the key.
    """
    if (api_key is None) != (api_key_id is None):
        raise ValueError("api_key and api_key_id must be used together")
    address = default_target() if target is None else target
    headers = arguments.metadata(metadata)
    channel = _channel(arguments.text("target", address), ca_file)
    try:
        if api_key is not None and api_key_id is not None:
            token = await _log_in(channel, api_key_id, api_key)
            headers["authorization"] = f"Bearer {token}"
        client = DataClient(channel, headers)
        client._ca_file = ca_file  # noqa: SLF001 - its own
        yield client
    finally:
        channel.close()
        await asyncio.sleep(0)  # the transport closes in the loop's next round


def _channel(address: str, ca_file: str | None) -> Channel:
    try:
        target = Target.parse(address)
    except ValueError as error:
        raise ValueError(f"target {error}") from error
    trusted = default_ca_file() if ca_file is None else arguments.text("ca_file", ca_file)
    if target.path:
        return Channel(path=target.path)
    if not target.tls:
        return Channel(host=target.host, port=target.port)
    try:
        context = client_context(trusted)
    except ValueError as error:
        raise ValueError(f"ca_file: {error}") from error
    return Channel(host=target.host, port=target.port, ssl=context)


async def _log_in(channel: Channel, api_key_id: str, api_key: str) -> str:
    request = auth.AuthenticateRequest(
        entity=arguments.text("api_key_id", api_key_id),
        credentials=auth.Credentials(type="api-key", payload=arguments.secret("api_key", api_key)),
    )
    service = Service(channel, {})
    return (await service._call(auth.AuthenticateResponse, request)).access_token  # noqa: SLF001 - its own
