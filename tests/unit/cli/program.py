"""The program, started and called."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from fakeviam import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Serve = Callable[..., "Served"]

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "fakeviam")
METHODS = {method.name: method for method in wire.methods()}


class Served:
    """A running `fakeviam serve`, ready for calls."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.line = process.stdout.readline()
        assert self.line, f"not ready; stderr: {process.communicate()[1]}"
        self.facts: dict[str, Any] = json.loads(self.line)
        self.socket = Path(self.facts["unix_socket"])

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit status, the rest of stdout, and stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate()
        return self.process.returncode, out, err

    def call(self, rpc: str, token: str = "", **fields: Any) -> Any:
        """Call over TCP; what the reply is."""
        place = {"host": self.facts["host"], "port": self.facts["port"]}
        return asyncio.run(call(place, rpc, token, fields))

    def call_on_socket(self, rpc: str, **fields: Any) -> Any:
        """Call over the Unix socket; what the reply is."""
        return asyncio.run(call({"path": str(self.socket)}, rpc, "", fields))

    def status(self, rpc: str, token: str = "", **fields: Any) -> str:
        """Call over TCP; the name of the status."""
        try:
            self.call(rpc, token, **fields)
        except GRPCError as error:
            return error.status.name
        return "OK"

    def login(self, key: str = "any key") -> str:
        """The access token for the default key id and this key."""
        entity = self.facts["api_key_id"]
        credentials = {"type": "api-key", "payload": key}
        return str(self.call("Authenticate", entity=entity, credentials=credentials).access_token)


async def call(place: Mapping[str, Any], rpc: str, token: str, fields: Mapping[str, Any]) -> Any:
    channel = Channel(**place)
    method = METHODS[rpc]
    stub: Any = UnaryUnaryMethod(channel, method.path, method.request, method.response)
    try:
        return await stub(method.request(**fields), metadata={"authorization": f"Bearer {token}"})
    finally:
        channel.close()


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    to = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([PROGRAM, *arguments], text=True, check=False, **to)
