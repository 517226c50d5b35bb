"""The adapter of `fakeviam_client`: `python -m fakeviam_contracts.clients.adapters.own`."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel
from grpclib.exceptions import GRPCError

from fakeviam_contracts.clients.protocol import Asked, Id, decoded, encoded, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = ("binary_data_by_filter", "binary_data_by_ids")
QUIET = ("get_latest_tabular_data", "export_tabular_data")
KINDS: dict[type, str] = {
    NotImplementedError: "not_implemented",
    FileNotFoundError: "not_found",
    asyncio.TimeoutError: "timeout",
    ValueError: "value",
    TypeError: "type",
}


class UnsupportedMethodError(Exception):
    """The client has no such method or argument."""


@dataclass(frozen=True)
class Adapter:
    """Connects a client with the interface of the light client to the protocol.

    Attributes:
        client: The class, made with a channel and metadata; None is `fakeviam_client.DataClient`.
        connect: Logs in; None is `fakeviam_client.connect`.
        paging: Whether the `client` or its `caller` follows pages.
    """

    client: Any = None
    connect: Any = None
    paging: str = "client"

    async def answer(self, request: Mapping[str, object]) -> dict[str, object]:
        """The response to a request, without its id."""
        try:
            return {"ok": True, "result": encoded(await self._done(request))}
        except GRPCError as error:
            return _failed("grpc", error.message or "", error.status.name)
        except UnsupportedMethodError as error:
            return _failed("unsupported", str(error))
        except Exception as error:  # noqa: BLE001 - every error of a client is reported
            return _failed(_kind(type(error)), f"{type(error).__name__}: {error}")

    async def _done(self, request: Mapping[str, Any]) -> object:
        name, args = request["method"], decoded(request["args"])
        if name == "describe":
            released = version("fakeviam")
            return {"name": "fakeviam_client", "version": released, "paging": self.paging}
        path = request["target"].removeprefix("unix:")
        if name == "log_in":
            return await self._logged_in(path, args)
        channel = Channel(path=path)
        try:
            client = (self.client or _ours().DataClient)(channel, request["metadata"])
            method = _method(client, name, args)
            converted = {key: _argument(client, value) for key, value in args.items()}
            return _result(name, await method(**converted))
        finally:
            channel.close()
            await asyncio.sleep(0)  # the transport closes in the next iteration of the loop

    async def _logged_in(self, path: str, args: Mapping[str, object]) -> object:
        async with (self.connect or _ours().connect)(path, **args) as client:
            return await client.tags_by_filter()


def _ours() -> Any:
    return import_module("fakeviam_client")


def _method(client: object, name: str, args: Mapping[str, object]) -> Any:
    method = getattr(client, name, None)
    if method is None:
        raise UnsupportedMethodError(f"{name} does not exist")
    for arg in args:
        if arg not in inspect.signature(method).parameters:
            raise UnsupportedMethodError(f"{name} has no {arg}")
    return method


def _argument(client: object, value: object) -> object:
    if isinstance(value, Id):
        return _ours().BinaryID(**value._asdict())
    if isinstance(value, Asked):
        return _method(client, "create_filter", value)(**value)
    if isinstance(value, list):
        return [_argument(client, item) for item in value]
    return value


def _result(name: str, value: Any) -> object:
    if name == "tabular_data_by_filter":
        return _download([_reading(one) for one in value], value)
    if name in FILES:
        return _download([_file(one) for one in value], value)
    if name.startswith("list_dataset"):
        return [{"id": one.id, "name": one.name} for one in value]
    return None if name in QUIET else value


def _download(records: list[dict[str, object]], value: object) -> dict[str, object]:
    attributes = {"last": getattr(value, "last", None), "count": getattr(value, "total", None)}
    return {
        "records": records,
        **{key: item for key, item in attributes.items() if item is not None},
    }


def _reading(one: Any) -> dict[str, object]:
    return {
        "data": dict(one.data),
        "time_requested": one.time_requested,
        "time_received": one.time_received,
        "component_name": one.metadata.component_name,
        "tags": list(one.metadata.tags),
    }


def _file(one: Any) -> dict[str, object]:
    metadata = one.metadata
    return {
        "id": metadata.binary_data_id,
        "data": one.data,
        "file_name": metadata.file_name,
        "time_requested": metadata.time_requested.ToDatetime(),
        "time_received": metadata.time_received.ToDatetime(),
        "component_name": metadata.capture_metadata.component_name,
        "tags": list(metadata.capture_metadata.tags),
    }


def _kind(error: type[Exception]) -> str:
    kinds = [KINDS[one] for one in error.__mro__ if one in KINDS]
    return kinds[0] if kinds else "other"


def _failed(kind: str, text: str, status: str = "") -> dict[str, object]:
    return {"ok": False, "error": {"kind": kind, "status": status, "text": text}}


if __name__ == "__main__":
    asyncio.run(serve(Adapter().answer))
