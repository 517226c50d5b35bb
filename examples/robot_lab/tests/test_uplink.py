from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpclib import GRPCError
from robot_lab.uplink import PATIENCE, Uplink

if TYPE_CHECKING:
    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part

pytestmark = pytest.mark.asyncio

REPORT = b"all screws are in place"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def uplink(viam_data_client: DataClient, part: Part, pauses: list[float]) -> Uplink:
    async def pass_the_time(seconds: float) -> None:
        pauses.append(seconds)

    return Uplink(viam_data_client, part.id, sleep=pass_the_time)


async def stored(data: DataClient) -> int:
    found, _, _ = await data.binary_data_by_filter(include_binary_data=False)
    return len(found)


async def test_a_bad_network_costs_time_and_nothing_else(
    fakeviam: FakeViam, uplink: Uplink, viam_data_client: DataClient, pauses: list[float]
) -> None:
    fakeviam.faults.on("FileUpload").call(1, 2).status("UNAVAILABLE", "no network")
    await uplink.send(REPORT)
    assert await stored(viam_data_client) == 1
    assert pauses == list(PATIENCE[:2])
    (upload,) = fakeviam.calls.where("FileUpload").attempts()
    assert [attempt.status for attempt in upload.attempts] == ["UNAVAILABLE"] * 2 + ["OK"]


async def test_a_lost_answer_does_not_store_the_file_twice(
    fakeviam: FakeViam, uplink: Uplink, viam_data_client: DataClient
) -> None:
    # The cloud has the file, but its answer never arrives.
    fakeviam.faults.on("FileUpload").call(1).after_commit().reset_stream()
    await uplink.send(REPORT)
    assert await stored(viam_data_client) == 1
    fakeviam.calls.assert_called("FileUpload", times=1)


async def test_an_upload_cut_in_the_middle_stores_nothing(
    fakeviam: FakeViam, uplink: Uplink, viam_data_client: DataClient
) -> None:
    fakeviam.faults.on("FileUpload").call(1).after_messages(1).reset_stream()
    await uplink.send(REPORT)
    assert await stored(viam_data_client) == 1
    fakeviam.calls.assert_called("FileUpload", times=2)


async def test_it_gives_up_at_last(
    fakeviam: FakeViam, uplink: Uplink, viam_data_client: DataClient, pauses: list[float]
) -> None:
    fakeviam.faults.on("FileUpload").status("UNAVAILABLE")
    with pytest.raises(GRPCError, match="UNAVAILABLE"):
        await uplink.send(REPORT)
    assert await stored(viam_data_client) == 0
    assert pauses == list(PATIENCE)


async def test_what_will_never_work_is_not_tried_again(fakeviam: FakeViam, uplink: Uplink) -> None:
    fakeviam.faults.on("FileUpload").once().status("PERMISSION_DENIED")
    with pytest.raises(GRPCError, match="PERMISSION_DENIED"):
        await uplink.send(REPORT)
    fakeviam.calls.assert_called("FileUpload", times=1)
