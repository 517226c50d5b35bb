"""Requests to the HTTP side of a fake, and what comes back."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, UnaryUnaryMethod

from fakeviam import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam import FakeViam

ROOT = "/control/v1"
METHODS = {method.name: method for method in wire.methods()}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        assert self.status >= 400, self.body
        (name,) = self.json
        assert name == "error"
        return self.json["error"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("anything")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class Browser:
    """Sends requests to one fake, each on a connection of its own."""

    def __init__(self, cloud: FakeViam, **headers: str) -> None:
        self.cloud = cloud
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def on(self, session: str) -> Browser:
        """One whose requests are about a session."""
        return Browser(self.cloud, **self.headers, fakeviam_session=session)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        unix: bool = False,
    ) -> Reply:
        """Send it as it is."""
        connection = (
            UnixConnection(self.cloud.unix_socket)
            if unix
            else http.client.HTTPConnection(self.cloud.host, self.cloud.port, timeout=30)
        )
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            found = connection.getresponse()
            told = {name.lower(): value for name, value in found.getheaders()}
            return Reply(status=found.status, headers=told, body=found.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON at a path of the control API."""
        reply = self.request("GET", f"{ROOT}{path}")
        assert reply.status == 200, reply.body
        return reply.json

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """Send JSON to a path of the control API."""
        if body is None:
            return self.request(method, f"{ROOT}{path}")
        told = {"content-type": "application/json"}
        return self.request(method, f"{ROOT}{path}", json.dumps(body), told)


def call(cloud: FakeViam, rpc: str, told: Mapping[str, str] | None = None, /, **fields: Any) -> Any:
    """Call an RPC over TCP with this metadata; the reply."""
    return asyncio.run(_call(cloud, rpc, told, fields))


async def _call(
    cloud: FakeViam, rpc: str, told: Mapping[str, str] | None, fields: Mapping[str, Any]
) -> Any:
    channel = Channel(cloud.host, cloud.port)
    method = METHODS[rpc]
    stub: Any = UnaryUnaryMethod(channel, method.path, method.request, method.response)
    try:
        return await stub(method.request(**fields), metadata=told)
    finally:
        channel.close()
