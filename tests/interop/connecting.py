"""Every way in which one release of viam-sdk connects to fakes; prints what became of each.

Runs in a process whose `viam` is that release. Each way ends with "ok" or with the error's type and
text; the wrong ways are here, too, since they must end soon and with a sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel
from viam.app.data_client import DataClient
from viam.app.viam_client import ViamClient
from viam.rpc.dial import DialOptions

from fakeviam import FakeViam, Tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

#: The name that programs call which know of no other server.
REAL_NAME = "app.viam.com"


async def ask(client: ViamClient) -> None:
    """Make a call with what was connected."""
    async with client:
        assert await client.data_client.tags_by_filter() == []


async def dial(cloud: FakeViam, address: str, **options: bool) -> None:
    """Connect as the documentation says."""
    chosen = DialOptions.with_api_key(cloud.api_key, cloud.api_key_id)
    for name, value in options.items():
        setattr(chosen, name, value)
    await ask(await ViamClient.create_from_dial_options(chosen, app_url=address))


async def dial_from_environment(cloud: FakeViam, address: str) -> None:
    os.environ.update(VIAM_API_KEY=cloud.api_key, VIAM_API_KEY_ID=cloud.api_key_id)
    await ask(await ViamClient.create_from_env_vars(app_url=address))


async def channel(cloud: FakeViam, **place: Any) -> None:
    """Use a channel of one's own, as test suites do."""
    del cloud
    async with Channel(**place) as opened:
        assert await DataClient(opened, {}).tags_by_filter() == []


async def dial_in_the_same_loop(tls: bool) -> None:  # noqa: FBT001 - with or without
    """Let the SDK look for TLS, in a call that blocks the loop of the fake (TL-7)."""
    async with FakeViam(tls=tls) as cloud:
        await dial(cloud, cloud.target)


@contextmanager
def resolved() -> Iterator[None]:
    """Let the real name be an address of this machine, as a line in /etc/hosts would."""
    real: Any = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host == REAL_NAME else host, *rest, **more)

    socket.getaddrinfo = look_up
    try:
        yield
    finally:
        socket.getaddrinfo = real


async def outcome(attempt: Callable[[], Awaitable[None]]) -> str:
    try:
        await attempt()
    except Exception as error:  # noqa: BLE001 - it is what we want to know
        return f"{type(error).__name__}: {error}"
    return "ok"


async def all_ways(cloud: FakeViam, plain: FakeViam) -> dict[str, str]:
    """What becomes of each way; `cloud` speaks TLS, `plain` does not."""
    os.environ["SSL_CERT_FILE"] = cloud.ca_file
    named = f"https://{REAL_NAME}:{cloud.port}"
    encrypted = f"https://localhost:{cloud.port}"
    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "Unix socket": lambda: dial(plain, plain.unix_socket),
        "environment, Unix socket": lambda: dial_from_environment(plain, plain.unix_socket),
        "environment, TLS": lambda: dial_from_environment(cloud, encrypted),
        "channel": lambda: channel(plain, host=plain.host, port=plain.port),
        "channel, Unix socket": lambda: channel(plain, path=plain.unix_socket),
        "TLS": lambda: dial(cloud, encrypted),
        "TLS, verified by name": lambda: dial(cloud, named),
        "TLS in the fake's own loop": lambda: dial_in_the_same_loop(tls=True),
        "insecure": lambda: dial(plain, plain.target, insecure=True),
        "downgrade": lambda: dial(plain, plain.target, allow_insecure_downgrade=True),
        "wrong: TLS without a server for it": lambda: dial(plain, plain.target),
        "wrong: the same in the fake's own loop": lambda: dial_in_the_same_loop(tls=False),
        "wrong: insecure at TLS": lambda: dial(cloud, encrypted, insecure=True),
    }
    with resolved():
        return {way: await outcome(attempt) for way, attempt in ways.items()}


def main() -> None:
    # In threads, so that the SDK may block its loop; but for two ways, which say so.
    with FakeViam(tls=Tls(names=[REAL_NAME])) as cloud, FakeViam() as plain:
        found = asyncio.run(all_ways(cloud, plain))
    told = {"release": version("viam-sdk"), "ways": found}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
