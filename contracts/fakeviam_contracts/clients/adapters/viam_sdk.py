"""The adapter of viam-sdk: `python -m fakeviam_contracts.clients.adapters.viam_sdk`.

A single file that only needs viam-sdk, so that it runs in an environment with any release (0.19 and
later, tested with 0.72.0 and 0.85.1), also by its path. It is an example for adapters in other
languages; `clients/protocol.py` describes the protocol.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import os
import struct
import sys
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from grpclib.client import Channel
from grpclib.exceptions import GRPCError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = ("binary_data_by_filter", "binary_data_by_ids")
QUIET = ("get_latest_tabular_data", "export_tabular_data")

#: Names that 0.15.0 had differently.
RENAMED = {"include_file_data": "include_binary_data"}

KINDS: dict[type, str] = {
    NotImplementedError: "not_implemented",
    FileNotFoundError: "not_found",
    asyncio.TimeoutError: "timeout",
    ValueError: "value",
    TypeError: "type",
}


class UnsupportedError(Exception):
    """This release does not have the method or argument."""


# Imported by name at run time: the kit itself must not depend on the SDK.
def _sdk(module: str, name: str) -> Any:
    return getattr(import_module(f"viam.{module}"), name)


async def answer(request: Mapping[str, object]) -> dict[str, object]:
    """The response to a request, without its id."""
    try:
        return {"ok": True, "result": await _done(request)}
    except GRPCError as error:
        return _failed("grpc", error.message or "", error.status.name)
    except UnsupportedError as error:
        return _failed("unsupported", str(error))
    except Exception as error:  # noqa: BLE001 - every error of the SDK is reported
        return _failed(_kind(type(error)), f"{type(error).__name__}: {error}")


async def _done(request: Mapping[str, Any]) -> object:
    name, args = request["method"], request.get("args", {})
    if name == "describe":
        return {"name": "viam-sdk", "version": version("viam-sdk"), "paging": "caller"}
    path = request["target"].removeprefix("unix:")
    if name == "log_in":
        return await _logged_in(path, **args)
    channel = Channel(path=path)
    try:
        client = _sdk("app.data_client", "DataClient")(channel, request.get("metadata", {}))
        method = _method(client, name)
        converted = {_parameter(method, name, key): _value(args[key], client) for key in args}
        return _result(name, await method(**converted))
    finally:
        channel.close()
        await asyncio.sleep(0)


async def _logged_in(path: str, api_key_id: str, api_key: str, ca_file: str = "") -> object:
    if ca_file:
        os.environ["SSL_CERT_FILE"] = ca_file  # the only way; OpenSSL reads it for each context
    options = _sdk("rpc.dial", "DialOptions").with_api_key(api_key, api_key_id)
    connect = _sdk("app.viam_client", "ViamClient").create_from_dial_options
    client = await connect(options, path.removeprefix("https://"))
    try:
        return list(await client.data_client.tags_by_filter())
    finally:
        client.close()


def _method(client: object, name: str) -> Any:
    method = getattr(client, name, None)
    if method is None:
        raise UnsupportedError(f"{name} does not exist")
    return method


def _parameter(method: Any, name: str, arg: str) -> str:
    parameters = inspect.signature(method).parameters
    for candidate in (arg, RENAMED.get(arg, arg)):
        if candidate in parameters:
            return candidate
    raise UnsupportedError(f"{name} has no {arg}")


def _value(value: object, client: object) -> object:
    """Convert an argument to Python."""
    if isinstance(value, list):
        return [_value(item, client) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if not isinstance(value, dict):
        return value
    plain = {key: _value(item, client) for key, item in value.items()}
    makers: dict[str, Any] = {
        "$bytes": base64.b64decode,
        "$time": datetime.fromisoformat,
        "$id": lambda parts: _sdk("proto.app.data", "BinaryID")(**parts),
        "$filter": lambda parts: _filter(client, parts),
    }
    for key, item in plain.items():
        if key in makers and len(plain) == 1:
            return makers[key](item)
    return plain


def _filter(client: Any, args: Mapping[str, Any]) -> object:
    for arg in args:
        _parameter(client.create_filter, "create_filter", arg)
    return client.create_filter(**args)


def _result(name: str, value: Any) -> object:
    if name == "tabular_data_by_filter":
        return _download(value, _reading)
    if name in FILES:
        return _download(value, _file)
    if name.startswith("list_dataset"):
        return [{"id": one.id, "name": one.name} for one in value]
    if name in QUIET:
        return None
    return list(value) if isinstance(value, (list, tuple)) else value


def _download(value: Any, record: Any) -> dict[str, object]:
    if isinstance(value, tuple):  # a page: records, their number, and the token
        records, count, last = value
        return {"records": [record(one) for one in records], "count": count, "last": last}
    return {"records": [record(one) for one in value]}


def _reading(one: Any) -> dict[str, object]:
    return {
        "data": dict(one.data),
        "time_requested": {"$time": one.time_requested.isoformat()},
        "time_received": {"$time": one.time_received.isoformat()},
        "component_name": one.metadata.component_name,
        "tags": list(one.metadata.tags),
    }


def _file(one: Any) -> dict[str, object]:
    data = getattr(one, "binary", b"") or getattr(one, "data", b"")
    metadata = one.metadata
    return {
        "id": metadata.binary_data_id,
        "data": {"$bytes": base64.b64encode(data).decode()},
        "file_name": metadata.file_name,
        "time_requested": {"$time": metadata.time_requested.ToDatetime().isoformat()},
        "time_received": {"$time": metadata.time_received.ToDatetime().isoformat()},
        "component_name": metadata.capture_metadata.component_name,
        "tags": list(metadata.capture_metadata.tags),
    }


def _kind(error: type[Exception]) -> str:
    kinds = [KINDS[one] for one in error.__mro__ if one in KINDS]
    return kinds[0] if kinds else "other"


def _failed(kind: str, text: str, status: str = "") -> dict[str, object]:
    return {"ok": False, "error": {"kind": kind, "status": status, "text": text}}


def _framed(values: Mapping[str, Any]) -> bytes:
    message = Struct()
    message.update(values)
    body = message.SerializeToString()
    return struct.pack(">I", len(body)) + body


async def _serve() -> None:
    # The SDK logs to standard output, which belongs to the protocol: redirect it to standard error.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = sys.stdin.buffer
    while header := source.read(4):
        body = source.read(struct.unpack(">I", header)[0])
        request = MessageToDict(Struct.FromString(body))
        response = await answer(request)
        sink.write(_framed({"id": request["id"], **response}))
        sink.flush()


if __name__ == "__main__":
    asyncio.run(_serve())
