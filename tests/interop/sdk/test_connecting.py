"""How the official client finds the fake and logs in."""

from __future__ import annotations

import asyncio
import gc

import pytest
from grpclib.client import Channel
from grpclib.const import Status
from viam.app.billing_client import BillingClient
from viam.app.data_client import DataClient
from viam.app.viam_client import ViamClient
from viam.rpc.dial import DialOptions

from fakeviam import FakeViam
from fakeviam.wire import data

from .official import Camera, binaries, refused

pytestmark = pytest.mark.asyncio

WRONG_KEY = "not the key"


async def test_all_ways_lead_to_the_same_cloud(cloud: FakeViam) -> None:
    """What one uploads the other sees (A55)."""
    viam = await ViamClient.create_from_dial_options(
        cloud.dial_options(), app_url=cloud.unix_socket
    )
    async with viam, Channel(cloud.host, cloud.port) as tcp, Channel(path=cloud.unix_socket) as own:
        clients = [viam.data_client, DataClient(tcp, {}), DataClient(own, {})]
        for n, client in enumerate(clients):
            await Camera(client, cloud.default_part, taken=n).picture(b"%d" % n)
        for client in clients:
            assert await binaries(client) == [b"2", b"1", b"0"]


async def test_login_with_a_key_is_checked() -> None:
    """ViamClient logs in by itself; a DataClient of its own needs the token (AU-1, AU-2, AU-4)."""
    async with FakeViam(auth="keys") as cloud:
        options = DialOptions.with_api_key(cloud.api_key, cloud.api_key_id)
        viam = await ViamClient.create_from_dial_options(options, app_url=cloud.unix_socket)
        async with viam:
            assert await viam.data_client.tags_by_filter() == []
        async with Channel(cloud.host, cloud.port) as channel:
            with refused(Status.UNAUTHENTICATED, "[AU-4]"):
                await DataClient(channel, {}).tags_by_filter()
            with refused(Status.UNAUTHENTICATED, "[AU-4]"):
                await DataClient(channel, {"authorization": "Bearer guess"}).tags_by_filter()


# viam-sdk leaves the channel open whose login failed, with the socket and the loop below it.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")
async def test_wrong_key_is_refused_at_once() -> None:
    """Before the first data call (AU-4)."""
    async with FakeViam(auth="keys") as cloud:
        options = DialOptions.with_api_key(WRONG_KEY, cloud.api_key_id)
        with refused(Status.UNAUTHENTICATED, "[AU-4]"):
            await ViamClient.create_from_dial_options(options, app_url=cloud.unix_socket)
    gc.collect()


async def test_a_key_sees_its_own_organization_only() -> None:
    """Lists leave others out, naming another is refused (A51)."""
    async with FakeViam(auth="keys") as cloud:
        part = cloud.fleet.add_part("p", organization="another")
        key = cloud.add_api_key(organizations=[part.organization_id])
        default = await ViamClient.create_from_dial_options(
            cloud.dial_options(), app_url=cloud.unix_socket
        )
        options = DialOptions.with_api_key(key.key, key.id)
        another = await ViamClient.create_from_dial_options(options, app_url=cloud.unix_socket)
        async with default, another:
            mine = default.data_client
            named = await Camera(mine, cloud.default_part).picture(b"mine")
            theirs = another.data_client
            await Camera(theirs, part).picture(b"theirs")
            assert await binaries(mine) == [b"mine"]
            assert await binaries(theirs) == [b"theirs"]
            with refused(Status.PERMISSION_DENIED, "[A51]"):
                await theirs.binary_data_by_ids([named])
            with refused(Status.UNKNOWN, "no robot part found"):
                await Camera(theirs, cloud.default_part).picture()


async def test_login_from_the_environment(cloud: FakeViam, monkeypatch: pytest.MonkeyPatch) -> None:
    """VIAM_API_KEY and VIAM_API_KEY_ID (AU-1)."""
    monkeypatch.setenv("VIAM_API_KEY", cloud.api_key)
    monkeypatch.setenv("VIAM_API_KEY_ID", cloud.api_key_id)
    viam = await ViamClient.create_from_env_vars(app_url=cloud.unix_socket)
    async with viam:
        assert await viam.data_client.tags_by_filter() == []


async def test_call_that_is_not_built_yet_says_so(cloud: FakeViam) -> None:
    """By its name (SV-1)."""
    async with Channel(cloud.host, cloud.port) as channel:
        with refused(Status.UNIMPLEMENTED, "GetCurrentMonthUsage"):
            await BillingClient(channel, {}).get_current_month_usage("organization")


async def test_messages_of_both_pools_live_in_one_process(cloud: FakeViam) -> None:
    """The fake's classes are not the SDK's, and their bytes are the same."""
    async with Channel(cloud.host, cloud.port) as channel:
        client = DataClient(channel, {})
        await Camera(client, cloud.default_part).picture()
        ((found,), _, _) = await client.binary_data_by_filter()
    ours = data.BinaryMetadata.FromString(found.metadata.SerializeToString())
    assert ours.binary_data_id == found.metadata.binary_data_id
    assert ours.DESCRIPTOR.full_name == found.metadata.DESCRIPTOR.full_name
    assert ours.DESCRIPTOR.file.pool is not found.metadata.DESCRIPTOR.file.pool


async def test_two_clouds_know_nothing_of_each_other() -> None:
    """In one process, with one SDK."""
    async with (
        FakeViam(seed=1) as first,
        FakeViam(seed=1) as second,
        Channel(first.host, first.port) as to_first,
        Channel(second.host, second.port) as to_second,
    ):
        part = first.default_part
        await Camera(DataClient(to_first, {}), part).picture(b"first")
        await Camera(DataClient(to_second, {}), part).picture(b"second")
        assert await binaries(DataClient(to_first, {})) == [b"first"]
        assert await binaries(DataClient(to_second, {})) == [b"second"]


async def test_clients_at_the_same_time(cloud: FakeViam) -> None:
    """Forty uploads over four connections, half of them streams (A55, UP-9)."""
    viam = [
        await ViamClient.create_from_dial_options(cloud.dial_options(), app_url=cloud.unix_socket)
        for _ in range(4)
    ]
    part_id = cloud.default_part.id
    uploads = [
        viam[n % 4].data_client.file_upload(part_id=part_id, data=b"%d" % n)
        if n % 2
        else Camera(viam[n % 4].data_client, cloud.default_part).picture(b"%d" % n)
        for n in range(40)
    ]
    ids = await asyncio.gather(*uploads)
    assert len(set(ids)) == 40
    found = await viam[0].data_client.binary_data_by_ids(list(ids))
    assert [one.binary for one in found] == [b"%d" % n for n in range(40)]
    for client in viam:
        client.close()
