"""Synchronous code, and dialling that blocks: the fake has a thread of its own for both.

Looking for TLS, viam-sdk blocks the event loop it runs in; a fake in the same loop could not
answer before the handshake times out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from viam.app.viam_client import ViamClient
from viam.errors import InsecureConnectionError
from viam.rpc.dial import Credentials, DialOptions

from fakeviam import FakeViam

from .official import RELEASE, Camera, binaries

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIALS = Credentials("api-key", FakeViam.api_key)
ENTITY = FakeViam.api_key_id


@pytest.fixture
def threaded() -> Iterator[FakeViam]:
    with FakeViam() as cloud:
        yield cloud
        cloud.check()


async def upload(cloud: FakeViam, contents: bytes, options: DialOptions, url: str) -> list[bytes]:
    viam = await ViamClient.create_from_dial_options(options, app_url=url)
    async with viam:
        await Camera(viam.data_client, cloud.default_part).picture(contents)
        return sorted(await binaries(viam.data_client))


def test_synchronous_code_uses_it_from_any_loop(threaded: FakeViam) -> None:
    """Clients come and go in loops of their own (SV-4)."""
    options = threaded.dial_options()
    for n in range(3):
        found = asyncio.run(upload(threaded, b"%d" % n, options, threaded.unix_socket))
        assert found == [b"%d" % m for m in range(n + 1)]


def test_plain_tcp_works_from_0_78_1_on(threaded: FakeViam) -> None:
    """Earlier releases ignore the option and look for TLS; 0.77.0 and 0.78.0 trip (AU-1)."""
    options = threaded.dial_options()
    assert options.insecure
    if RELEASE >= (0, 78, 1):
        assert asyncio.run(upload(threaded, b"1", options, threaded.target)) == [b"1"]
    else:
        with pytest.raises((InsecureConnectionError, ValueError)):
            asyncio.run(upload(threaded, b"1", options, threaded.target))


def test_downgrade_to_plain_tcp_works_from_0_78_1_on(threaded: FakeViam) -> None:
    """The client must be able to tell that the port speaks no TLS (AU-1)."""
    options = DialOptions(
        credentials=CREDENTIALS, auth_entity=ENTITY, allow_insecure_downgrade=True
    )
    if RELEASE >= (0, 78, 1):
        assert asyncio.run(upload(threaded, b"1", options, threaded.target)) == [b"1"]
    else:
        with pytest.raises(InsecureConnectionError):
            asyncio.run(upload(threaded, b"1", options, threaded.target))


def test_tls_is_not_dropped_silently(threaded: FakeViam) -> None:
    """Without an option that allows it no release sends a key in the clear (AU-1)."""
    options = DialOptions(credentials=CREDENTIALS, auth_entity=ENTITY)
    with pytest.raises(InsecureConnectionError):
        asyncio.run(upload(threaded, b"1", options, threaded.target))
