"""A fault leaves no trace before commit, and all of it after."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.exceptions import StreamTerminatedError

from fakeviam import Clock, FakeViam
from fakeviam.server.transport.routes import built
from fakeviam.wire import data
from tests.contract.outcomes import OUTCOMES

from .driver import DEFAULT_PART, ORGANIZATION, RefusedError, Viam, connect, reading
from .fleet_requests import fleet_requests
from .newest_requests import READS as NEWEST_READS
from .newest_requests import make_things, newest_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

    from fakeviam.server.instruments.faults.plan import PlannedFault

    from .driver import Contents

#: RPCs that look at data, and the login, which leaves only a token.
READS = {
    *(rpc for rpc in fleet_requests(DEFAULT_PART) if not rpc.startswith("Update")),
    "Authenticate",
    "BinaryDataByFilter",
    "BinaryDataByIDs",
    "BoundingBoxLabelsByFilter",
    "CreateBinaryDataSignedURL",
    *NEWEST_READS,
    "GetDatabaseConnection",
    "GetLatestTabularData",
    "ListDatasetsByIDs",
    "ListDatasetsByOrganizationID",
    "TabularDataByFilter",
    "TabularDataByMQL",
    "TabularDataBySQL",
    "TagsByFilter",
}

WRITES: dict[str, Callable[[Any], Sequence[Message]]] = {
    **{outcome.rpc: outcome.requests for outcome in OUTCOMES},
    **{
        rpc: lambda _, request=request: [request]  # type: ignore[misc]
        for rpc, request in fleet_requests(DEFAULT_PART).items()
        if rpc.startswith("Update")
    },
    **{
        rpc: lambda there, rpc=rpc: newest_requests(DEFAULT_PART, there.things)[rpc][:1]  # type: ignore[misc]
        for rpc in newest_requests(DEFAULT_PART).keys() - NEWEST_READS
    },
    "ConfigureDatabaseUser": lambda _: [
        data.ConfigureDatabaseUserRequest(organization_id=ORGANIZATION, password="new")  # noqa: S106
    ],
}

EFFECTS: dict[str, Callable[[PlannedFault], PlannedFault]] = {
    "status": lambda planned: planned.status("UNAVAILABLE"),
    "reset stream": lambda planned: planned.reset_stream(),
    "goaway": lambda planned: planned.goaway(),
    "reset connection": lambda planned: planned.reset_connection(),
    "deadline": lambda planned: planned.stall(),
}


def test_every_rpc_reads_or_writes() -> None:
    """Nothing is left out below (FT-2)."""
    assert built() == READS | set(WRITES)
    assert not READS & set(WRITES)


async def played(rpc: str, plan: Callable[[FakeViam], object]) -> tuple[Contents, Contents]:
    """What a fake holds before and after a call of `rpc` under that plan."""
    clock = Clock.frozen("2026-03-10T12:00:00Z", autojump=True)
    async with FakeViam(seed=1, clock=clock) as cloud:
        with connect(cloud) as channel:
            viam = Viam(cloud, channel)
            request = WRITES[rpc](await _prepared(viam))
            before = viam.contents()
            plan(cloud)
            with contextlib.suppress(RefusedError, StreamTerminatedError, ConnectionError):
                await viam.rpc(rpc, *request, timeout=60)
            after = viam.contents()
            cloud.check()  # it did happen
            return before, after


async def _prepared(viam: Viam) -> Any:
    """What the contract kit's requests speak of, made on this fake."""
    image = await viam.upload("image", b"x", tags=["old"])
    box = await viam.add_box(image, "dog")
    datasets = [await viam.create_dataset(name) for name in ("first", "second")]
    await viam.add_members(datasets[0], image)
    await viam.upload_readings(reading({"n": 1.0}))
    return SimpleNamespace(
        place=SimpleNamespace(
            organization_id=ORGANIZATION, parts=[SimpleNamespace(part_id=DEFAULT_PART.id)]
        ),
        things=await make_things(viam),
        handles=SimpleNamespace(files=[image], boxes=[box], datasets=datasets),
    )


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("rpc", sorted(WRITES))
@pytest.mark.thinned(4)
def test_before_commit_nothing_was_done(rpc: str, effect: str) -> None:
    """Whatever ends the call (FT-2)."""
    before, after = asyncio.run(played(rpc, lambda cloud: EFFECTS[effect](cloud.faults.on(rpc))))
    assert after == before


@pytest.mark.parametrize("rpc", sorted(WRITES))
@pytest.mark.thinned(4)
def test_after_commit_all_was_done(rpc: str) -> None:
    """The same as without a fault, whatever ends the call (FT-2)."""
    before, done = asyncio.run(played(rpc, lambda _: None))
    assert done != before
    for effect in ("status", "reset stream"):
        plan = EFFECTS[effect]
        _, after = asyncio.run(
            played(rpc, lambda cloud: plan(cloud.faults.on(rpc).after_commit()))  # noqa: B023 - used at once
        )
        assert after == done, effect
