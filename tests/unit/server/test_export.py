"""ExportTabularData: every reading of a resource, as a stream."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam import Policy
from fakeviam.model.records import Source, TabularRecord
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data
from fakeviam.wire.values import mapping_from, struct_from

from .driver import (
    DEFAULT_PART,
    NOW,
    RefusedError,
    Viam,
    at,
    connect,
    interval,
    reading,
    refused,
    signed_in,
    until,
)
from .test_queries import parameter

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from .conftest import Start

pytestmark = pytest.mark.asyncio

OF = {"component_name": "a", "component_type": "rdk:component:sensor", "method_name": "Readings"}


def wanted(**fields: Any) -> data.ExportTabularDataRequest:
    names = {"resource_name": "a", "resource_subtype": OF["component_type"]}
    return data.ExportTabularDataRequest(
        **{"part_id": DEFAULT_PART.id, "method_name": "Readings", **names, **fields}
    )


async def export(viam: Viam, **fields: Any) -> list[data.ExportTabularDataResponse]:
    return await replies_to(viam, wanted(**fields))


async def replies_to(viam: Viam, request: Message) -> list[data.ExportTabularDataResponse]:
    async with viam.calling("ExportTabularData") as stream:
        await stream.send_message(request, end=True)
        return [reply async for reply in stream]


async def note_of(viam: Viam, **fields: Any) -> str:
    """What the trailers of an empty export say."""
    async with viam.calling("ExportTabularData") as stream:
        await stream.send_message(wanted(**fields), end=True)
        assert [reply async for reply in stream] == []
    trailers: Any = stream.trailing_metadata
    return str(trailers.get("fakeviam-note", ""))


def fill(viam: Viam, count: int, payload: bytes = b"") -> None:
    """Store that many readings of the resource, one each millisecond."""
    source = Source(
        component_name=OF["component_name"],
        component_type=OF["component_type"],
        method_name=OF["method_name"],
        organization_id=DEFAULT_PART.organization_id,
        location_id=DEFAULT_PART.location_id,
        robot_id=DEFAULT_PART.robot_id,
        robot_name=DEFAULT_PART.robot_name,
        part_id=DEFAULT_PART.id,
        part_name=DEFAULT_PART.name,
    )
    viam.cloud._cloud.store.add_tabular(
        [
            TabularRecord(
                id=f"{number:024x}",
                file_id="f",
                source=source,
                time_requested=NOW + number * 1_000_000,
                time_received=NOW,
                time_synced=NOW,
                payload=payload,
            )
            for number in range(count)
        ]
    )


async def test_a_message_says_all_of_a_reading(viam: Viam) -> None:
    """EX-1, EX-4, EX-5: what was uploaded, whose it is, and the parameters as a Struct."""
    packed = parameter("fast")
    await viam.upload_readings(
        reading({"k": 1.5}, at(0, 7), at(3)), tags=["x", "y"], method_parameters={"m": packed}, **OF
    )
    (message,) = await export(viam)
    assert message == data.ExportTabularDataResponse(
        part_id=DEFAULT_PART.id,
        resource_name="a",
        resource_subtype="rdk:component:sensor",
        method_name="Readings",
        time_captured=at(0, 7),
        organization_id=DEFAULT_PART.organization_id,
        location_id=DEFAULT_PART.location_id,
        robot_name=DEFAULT_PART.robot_name,
        robot_id=DEFAULT_PART.robot_id,
        part_name=DEFAULT_PART.name,
        method_parameters=struct_from({"m": "fast"}),
        tags=["x", "y"],
        payload=struct_from({"k": 1.5}),
    )


async def test_structs_are_always_there(viam: Viam) -> None:
    """EX-7: an empty payload and no parameters too."""
    await viam.upload_readings(reading(), **OF)
    (message,) = await export(viam)
    assert message.HasField("payload")
    assert message.HasField("method_parameters")


async def test_readings_come_oldest_first_within_the_interval(viam: Viam) -> None:
    """EX-6, EX-2: an interval without bounds constrains nothing."""
    for second in (2, 0, 1):
        await viam.upload_readings(reading({"k": second}, at(second)), **OF)
    await viam.upload_readings(reading({"k": 9}, at(0)), **{**OF, "component_name": "b"})
    found = [
        [mapping_from(message.payload)["k"] for message in await export(viam, interval=asked)]
        for asked in (None, interval(), interval(at(1)), interval(at(1), at(1)))
    ]
    assert found == [[0, 1, 2], [0, 1, 2], [1, 2], [1]]


async def test_parameters_choose(start: Start) -> None:
    """EX-3, A34, as for the latest reading."""
    for empty, count in (("constraint", 1), ("absent", 2)):
        viam = await start(policy=Policy(empty_parameters=empty))  # type: ignore[arg-type]
        await viam.upload_readings(reading({"k": 1}, at(1)), **OF)
        packed = parameter("fast")
        await viam.upload_readings(reading({"k": 2}, at(2)), method_parameters={"m": packed}, **OF)
        assert len(await export(viam, additional_parameters=struct_from({}))) == count
        (fast,) = await export(viam, additional_parameters=struct_from({"m": "fast"}))
        assert mapping_from(fast.payload) == {"k": 2}
        assert await export(viam, additional_parameters=struct_from({"m": "slow"})) == []


@pytest.mark.parametrize("name", ["part_id", "resource_name", "resource_subtype", "method_name"])
async def test_a_resource_is_named_in_full(viam: Viam, name: str) -> None:
    """EX-8."""
    with refused(Status.INVALID_ARGUMENT, "EX-8", f"{name} must not be empty"):
        await export(viam, **{name: ""})


async def test_bad_times_are_refused(viam: Viam) -> None:
    """TM-3, before anything is sent."""
    bad = interval(at())
    bad.start.nanos = -1
    with refused(Status.INVALID_ARGUMENT, "TM-3", "interval.start"):
        await export(viam, interval=bad)


async def test_an_empty_stream_says_what_was_mistaken(viam: Viam) -> None:
    """EX-9: by name and value, in a trailer; nothing is said where nothing is known."""
    await viam.upload_readings(reading({"k": 1}, at(1)), **OF)
    mistaken = {
        "resource_subtype": ("sensor", "rdk:component:sensor"),
        "method_name": ("readings", "Readings"),
        "resource_name": ("A", "a"),
        "part_id": ("p", DEFAULT_PART.id),
    }
    for name, (wrong, right) in mistaken.items():
        told = f"no reading has the {name} {wrong!r}; one that fits otherwise has {right!r}"
        assert await note_of(viam, **{name: wrong}) == told
    assert await note_of(viam, part_id="p", method_name="q") == ""
    assert "A34" in await note_of(viam, additional_parameters=struct_from({"m": 1}))
    note = "no reading has the method_name 'x'; one that fits otherwise has 'Readings'"
    latest = data.GetLatestTabularDataRequest(
        part_id=DEFAULT_PART.id,
        resource_name="a",
        resource_subtype=OF["component_type"],
        method_name="x",
    )
    async with viam.calling("GetLatestTabularData") as stream:
        await stream.send_message(latest, end=True)
        await stream.recv_message()
    assert stream.trailing_metadata["fakeviam-note"] == note


async def test_a_key_sees_its_own_readings(start: Start) -> None:
    """A51, AC-5: another organization's resource is as empty as one that does not exist."""
    viam = await start(auth="keys")
    other = viam.cloud.fleet.add_part("theirs", organization="theirs")
    ours = await signed_in(viam)
    await ours.upload_readings(reading({"k": 1}, at(1)), **OF)
    key = viam.cloud.add_api_key(organizations=other.organization_id)
    theirs = await signed_in(viam, key.id, key.key)
    headers = {"authorization": f"Bearer {theirs.token}"}
    for asked in (wanted(), wanted(method_name="x")):
        async with viam.calling("ExportTabularData", metadata=headers) as stream:
            await stream.send_message(asked, end=True)
            assert await stream.recv_message() is None
        assert "fakeviam-note" not in (stream.trailing_metadata or {})


async def test_explain_tells_each_reading(viam: Viam) -> None:
    """WY-1."""
    await viam.upload_readings(reading({"k": 1}, at(1)), **OF)
    await viam.upload_readings(reading({"k": 2}, at(1)), **{**OF, "method_name": "Other"})
    packed = parameter("fast")
    await viam.upload_readings(reading({"k": 3}, at(1)), method_parameters={"m": packed}, **OF)
    await export(viam, additional_parameters=struct_from({}))
    outcomes = [verdict.outcome for verdict in viam.cloud.explain().verdicts]
    assert outcomes == ["included", "excluded", "excluded"]
    told = str(viam.cloud.explain())
    assert "method: wanted 'Readings', it has 'Other'" in told
    assert "additional_parameters: wanted {}, it has {'m': 'fast'}" in told


# The stream -------------------------------------------------------------------------------------


async def test_the_journal_counts_all_and_keeps_some(viam: Viam) -> None:
    """JR-1, JR-2."""
    fill(viam, 3000)
    assert len(await export(viam)) == 3000
    call = viam.cloud.calls.where("ExportTabularData").one()
    assert (call.status, call.messages_sent) == ("OK", 3000)
    assert 0 < len(call.kept.replies) < 3000


async def test_the_stream_goes_as_fast_as_it_is_read(viam: Viam) -> None:
    """A client that does not read gets no more than fits on the way; then it gets the rest."""
    fill(viam, 20_000, payload=struct_from({"text": "x" * 100}).SerializeToString())
    async with viam.calling("ExportTabularData") as stream:
        await stream.send_message(wanted(), end=True)
        assert await stream.recv_message() is not None
        call = viam.cloud.calls.where("ExportTabularData").one()
        before = -1
        while call.messages_sent > before:
            before = call.messages_sent
            for _ in range(100):  # as long as more comes, it was not stopped yet
                await asyncio.sleep(0)
        # Others are served meanwhile, and what they add later is in the stream.
        with connect(viam.cloud) as channel:
            await Viam(viam.cloud, channel).upload_readings(reading({"k": 1}, at(3600)), **OF)
        last = [reply async for reply in stream][-1]
    assert before < 15_000
    assert mapping_from(last.payload) == {"k": 1}


async def test_it_stops_when_the_client_goes(viam: Viam) -> None:
    fill(viam, 20_000, payload=struct_from({"text": "x" * 100}).SerializeToString())
    async with viam.calling("ExportTabularData") as stream:
        await stream.send_message(wanted(), end=True)
        await stream.recv_message()
        await stream.cancel()
    call = viam.cloud.calls.where("ExportTabularData").one()
    await until(lambda: not call.in_progress)
    assert call.status == "CANCELLED"
    assert call.messages_sent < 20_000


async def test_a_fault_after_some_replies(viam: Viam) -> None:
    """FT-4: so many messages arrive, then the fault; a second call is whole."""
    fill(viam, 10)
    fault = viam.cloud.faults.on("ExportTabularData").call(1).after_commit()
    fault.after_messages(4).status("UNAVAILABLE")
    with pytest.raises(RefusedError) as caught:
        await export(viam)
    assert caught.value.status is Status.UNAVAILABLE
    whole = await export(viam)
    assert len(whole) == 10
    assert viam.cloud.calls.where("ExportTabularData")[0].messages_sent == 4


async def test_a_fault_at_a_byte_of_the_stream(viam: Viam) -> None:
    """FT-4: in the middle of a message."""
    fill(viam, 10)
    await export(viam)
    size = viam.cloud.calls[-1].bytes_sent // 10 + 5
    fault = viam.cloud.faults.on("ExportTabularData").after_commit()
    fault.after_bytes(3 * size + 2).reset_stream()
    with pytest.raises(StreamTerminatedError):
        await export(viam)
    assert viam.cloud.calls.where("ExportTabularData")[-1].messages_sent == 4


async def test_interceptors_see_each_reply(start: Start) -> None:
    class Renaming(Interceptor):
        def reply(self, rpc: str, request: Any, message: Any) -> Any:
            del rpc
            message.robot_name = request.resource_name * 2
            return message

    viam = await start(interceptors=[Renaming()])
    fill(viam, 3)
    assert [message.robot_name for message in await export(viam)] == ["aa"] * 3


async def test_what_fails_on_the_way_is_a_crash(start: Start) -> None:
    """SV-4: INTERNAL after the messages that were made, and the test is told."""

    class Breaking(Interceptor):
        def reply(self, rpc: str, request: Any, message: Any) -> Any:
            del rpc, request
            if message.time_captured == at(0, 2_000_000):
                raise RuntimeError("a bug")
            return message

    viam = await start(interceptors=[Breaking()])
    fill(viam, 5)
    with pytest.raises((RefusedError, GRPCError), match="a bug"):
        await export(viam)
    (crash,) = viam.cloud.crashes
    assert crash.rpc == "ExportTabularData"
    viam.cloud._cloud.crashes.clear()


async def test_an_interceptor_may_refuse_on_the_way(start: Start) -> None:
    """As it may refuse before: its status ends the stream, and nothing has crashed."""

    class Refusing(Interceptor):
        def reply(self, rpc: str, request: Any, message: Any) -> Any:
            del rpc, request
            if message.time_captured == at(0, 2_000_000):
                raise GRPCError(Status.RESOURCE_EXHAUSTED, "two are enough")
            return message

    viam = await start(interceptors=[Refusing()])
    fill(viam, 5)
    with pytest.raises((RefusedError, GRPCError), match="two are enough"):
        await export(viam)
    assert not viam.cloud.crashes


@pytest.mark.slow
async def test_memory_is_bounded_at_60_000_points(viam: Viam) -> None:
    """What is held beside the data is a page."""
    fill(viam, 60_000)
    tracemalloc.start()
    count = 0
    async with viam.calling("ExportTabularData") as stream:
        await stream.send_message(wanted(), end=True)
        async for _ in stream:
            count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 8 * 1024 * 1024
