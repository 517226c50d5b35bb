"""What the official client makes of planned faults, and that it can go on afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from .official import Camera, count

if TYPE_CHECKING:
    from collections.abc import Callable

    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part
    from fakeviam.server.instruments.faults.plan import PlannedFault

pytestmark = pytest.mark.asyncio

BREAKS: dict[str, Callable[[PlannedFault], PlannedFault]] = {
    "reset stream": lambda planned: planned.reset_stream(),
    "goaway": lambda planned: planned.goaway(),
    "reset connection": lambda planned: planned.reset_connection(),
    "part of the reply": lambda planned: planned.after_commit().after_bytes(9).reset_stream(),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_broken_upload(client: DataClient, cloud: FakeViam, part: Part, name: str) -> None:
    """An exception of grpclib; the same client can try again (FT-6)."""
    planned = BREAKS[name](cloud.faults.on("FileUpload").call(1))
    with pytest.raises((StreamTerminatedError, ConnectionError)):
        await client.file_upload(part_id=part.id, data=b"x" * 100_000)
    assert await client.file_upload(part_id=part.id, data=b"x" * 100_000)
    (wish,) = cloud.calls.attempts()
    assert [attempt.status for attempt in wish.attempts] == ["CANCELLED", "OK"]
    assert await count(client) == (2 if planned.fault.when == "after-commit" else 1)


async def test_a_status(client: DataClient, cloud: FakeViam, camera: Camera) -> None:
    """With its text (FT-2)."""
    cloud.faults.on("DataCaptureUpload", component="eye").once().status("UNAVAILABLE", "later")
    with pytest.raises(GRPCError) as caught:
        await camera.picture()
    assert (caught.value.status, caught.value.message) == (Status.UNAVAILABLE, "later")
    await camera.picture()
    assert await count(client) == 1


async def test_a_reply_beyond_usual_ceilings(
    client: DataClient, cloud: FakeViam, camera: Camera
) -> None:
    """This client has none, and reads the same reply (FT-6)."""
    cloud.faults.on("BinaryDataByFilter").oversize_reply(5_000_000)
    await camera.picture()
    assert await count(client) == 1
    assert cloud.calls.last().bytes_sent > 5_000_000


async def test_a_slow_upload_is_seen_later(
    client: DataClient, cloud: FakeViam, camera: Camera
) -> None:
    """By the fake's clock (FT-7)."""
    cloud.faults.on("DataCaptureUpload").hide("30s")
    await camera.picture()
    assert await count(client) == 0
    cloud.clock.advance(seconds=30)
    assert await count(client) == 1


async def test_an_expired_token(client: DataClient, cloud: FakeViam, camera: Camera) -> None:
    """The client does not log in again by itself: a new one has to be made (FT-1)."""
    if not cloud.calls.where("Authenticate"):
        # This way of connecting has no token that could expire: that call fails, no other.
        cloud.faults.on("DataCaptureUpload").call(1).expire_token()
        with pytest.raises(GRPCError, match="UNAUTHENTICATED"):
            await camera.picture()
        await camera.picture()
        assert await count(client) == 1
        return
    cloud.faults.on("DataCaptureUpload").call(2).expire_token()
    await camera.picture()
    for _ in range(2):
        with pytest.raises(GRPCError) as caught:
            await camera.picture()
        assert caught.value.status is Status.UNAUTHENTICATED
    with pytest.raises(GRPCError):
        await count(client)
