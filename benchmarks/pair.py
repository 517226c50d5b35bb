"""A fake, and beside it a server that answers the same bytes from a constant.

Both in one event loop: what the fake adds to its transport is the difference. As a program it
prints where the two are, and ends with its stdin.
"""
# ruff: noqa: T201 - its parent reads what it prints

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.handlers import Handlers
from fakeviam import FakeViam, PageLimit, Policy, tuning
from fakeviam.server.transport.call_stream import Route
from fakeviam.server.transport.listeners import Listener
from fakeviam.wire import methods
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fakeviam.wire import Method

#: With this in its metadata, a call shows the constant server what to answer from then on.
LEARN = "learn"


class Constant:
    """Answers each RPC with the same bytes for ever."""

    def __init__(self, fake: FakeViam) -> None:
        """Answer what `fake` answers when it is asked once."""
        self._fake = Handlers(fake)
        self._replies: dict[str, Encoded] = {}
        self.routes = {method.path: self._route(method) for method in methods()}

    def _route(self, method: Method) -> Route:
        async def handle(stream: Any) -> None:
            if LEARN in stream.metadata:
                requests = [message async for message in stream]
                self._replies[method.path] = Encoded((self._fake.call(method.name, *requests),))
            else:
                while await stream.recv_message() is not None and method.client_streaming:
                    pass
            await stream.send_message(self._replies[method.path])

        return Route(method=method, handle=handle)


class Places(NamedTuple):
    """Where the two listen: TCP ports and Unix sockets."""

    fake_port: int
    fake_path: str
    constant_port: int
    constant_path: str
    pid: int = 0


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[FakeViam, Places]]:
    """Both, running."""
    # Pages of 1,000 are beyond what the default policy serves in one reply.
    policy = Policy(max_page=PageLimit(1000))
    with tempfile.TemporaryDirectory(prefix="fv-") as place:
        async with FakeViam(seed=1, policy=policy) as fake:
            constant = Constant(fake)
            tcp, unix = Listener(constant.routes), Listener(constant.routes)
            await tcp.start_tcp("127.0.0.1", 0)
            await unix.start_unix(f"{place}/s")
            yield fake, Places(fake.port, fake.unix_socket, tcp.port, f"{place}/s")
            await tcp.stop()
            await unix.stop()


async def _serve() -> None:
    async with pair() as (_, places):
        print(json.dumps(places), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    tuning.runner_of(with_uvloop=options.uvloop)(_serve())


if __name__ == "__main__":
    main()
