"""How all these programs connect: by the environment, as `fakeviam env` sets it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from viam.app.viam_client import ViamClient
from viam.rpc.dial import DialOptions


@asynccontextmanager
async def connected() -> AsyncIterator[ViamClient]:
    """A ViamClient: of the fake where FAKEVIAM_UNIX_SOCKET says, else of app.viam.com."""
    options = DialOptions.with_api_key(os.environ["VIAM_API_KEY"], os.environ["VIAM_API_KEY_ID"])
    where = os.environ.get("FAKEVIAM_UNIX_SOCKET")
    client = await ViamClient.create_from_dial_options(options, app_url=where)
    try:
        yield client
    finally:
        client.close()


def organization() -> str:
    """The id of the organization."""
    return os.environ["FAKEVIAM_ORGANIZATION_ID"]


def part() -> str:
    """The id of the part."""
    return os.environ["FAKEVIAM_PART_ID"]
