"""What a fault does to a call: the frames any client meets, and what grpclib makes of them."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from google.protobuf.wrappers_pb2 import StringValue
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam import Clock, FakeViam
from fakeviam.wire import auth, data, dataset

from .driver import ORGANIZATION, RefusedError, Viam, file_parts, refused
from .frames import Frames

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fakeviam.server.instruments.faults.plan import Faults, PlannedFault

    from .conftest import Start

pytestmark = pytest.mark.asyncio

CREATE = dataset.CreateDatasetRequest(name="cats", organization_id=ORGANIZATION)
ASK = data.TagsByFilterRequest()


@pytest_asyncio.fixture
async def frames(viam: Viam) -> AsyncIterator[Frames]:
    """A raw connection over TCP."""
    made = await Frames.over_tcp(viam.cloud)
    yield made
    made.close()


async def names(viam: Viam) -> list[str]:
    """The datasets there are, looked up over another connection."""
    channel = Channel(path=viam.cloud.unix_socket)
    listed = await Viam(viam.cloud, channel).rpc(
        "ListDatasetsByOrganizationID",
        dataset.ListDatasetsByOrganizationIDRequest(organization_id=ORGANIZATION),
    )
    channel.close()
    return [each.name for each in listed.datasets]


# A status ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "status", "text"),
    [
        ("query_timeout", Status.DEADLINE_EXCEEDED, "query timed out"),
        ("result_too_large", Status.RESOURCE_EXHAUSTED, "try adding limits to your query using"),
    ],
)
async def test_guards_of_queries(viam: Viam, preset: str, status: Status, text: str) -> None:
    """In the words that were seen (QG-1, QG-2, QG-3)."""
    getattr(viam.cloud.faults.on("TabularDataByFilter"), preset)().once()
    with pytest.raises(RefusedError, match=text) as caught:
        await viam.tabular()
    assert caught.value.status is status
    await viam.tabular()


async def test_a_status_with_text_and_details(viam: Viam, frames: Frames) -> None:
    """In the trailers that gRPC has for them, and one that tells of the fault (FT-2)."""
    detail = StringValue(value="come back later")
    viam.cloud.faults.on("CreateDataset", name="cats").status(
        "UNAVAILABLE", "try ägain", details=[detail]
    )
    seen = await frames.call("CreateDataset", CREATE)
    assert seen.headers["grpc-status"] == "14"
    assert seen.headers["fakeviam-fault"] == (
        "CreateDataset(name='cats'): UNAVAILABLE, before commit"
    )
    assert seen.messages == []
    with pytest.raises(RefusedError) as caught:
        await viam.rpc("CreateDataset", CREATE)
    assert (caught.value.status, caught.value.text) == (Status.UNAVAILABLE, "try ägain")
    error = caught.value.__cause__
    assert isinstance(error, GRPCError)
    assert error.details == [detail]  # as googleapis-common-protos reads them
    call = viam.cloud.calls.last()
    assert (call.status, call.text) == ("UNAVAILABLE", "try ägain")
    assert call.fault is not None
    assert call.fault.status == "UNAVAILABLE"
    assert await names(viam) == []


async def test_a_status_without_a_text_tells_of_the_fault(viam: Viam) -> None:
    """So that nobody looks for a bug elsewhere; any letters are fine (FT-2)."""
    viam.cloud.faults.on("CreateDataset", name="kätze\n").status("INTERNAL")
    with pytest.raises(RefusedError) as caught:
        await viam.rpc(
            "CreateDataset",
            dataset.CreateDatasetRequest(name="kätze\n", organization_id=ORGANIZATION),
        )
    assert caught.value.text == (
        "a planned fault: CreateDataset(name='kätze\\n'): INTERNAL, before commit"
    )


# What the network shows ----------------------------------------------------------------------


@pytest.mark.parametrize(("code", "number"), [("INTERNAL_ERROR", 2), ("REFUSED_STREAM", 7)])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_rst_stream(viam: Viam, frames: Frames, code: str, number: int, when: str) -> None:
    """No status; the connection lives on (FT-6, FT-2)."""
    planned = viam.cloud.faults.on("CreateDataset").once()
    (planned.after_commit() if when == "after" else planned).reset_stream(code)
    seen = await frames.call("CreateDataset", CREATE)
    assert (seen.reset, seen.headers, seen.lost) == (number, {}, "")
    assert viam.cloud.calls.one().status == "CANCELLED"
    assert await names(viam) == (["cats"] if when == "after" else [])
    again = await frames.call("TagsByFilter", ASK)
    assert again.headers["grpc-status"] == "0"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_goaway(viam: Viam, frames: Frames, when: str) -> None:
    """It says whether the call was processed, then the connection ends in order (FT-6, FT-2)."""
    await frames.call("TagsByFilter", ASK)
    planned = viam.cloud.faults.on("CreateDataset")
    (planned.after_commit() if when == "after" else planned).goaway()
    seen = await frames.call("CreateDataset", CREATE)
    assert seen.goaway == (3 if when == "after" else 1, 0)
    assert (seen.lost, seen.headers, seen.reset) == ("closed", {}, None)
    assert await names(viam) == (["cats"] if when == "after" else [])


async def test_a_connection_that_is_reset(viam: Viam, frames: Frames) -> None:
    """TCP RST, nothing before it (FT-6)."""
    viam.cloud.faults.on("CreateDataset").after_commit().reset_connection()
    seen = await frames.call("CreateDataset", CREATE)
    assert (seen.lost, seen.headers, seen.goaway) == ("reset", {}, None)
    assert await names(viam) == ["cats"]


@pytest.mark.parametrize("cut", [0, 3, 5, 12, 10_000])
async def test_part_of_a_reply(viam: Viam, frames: Frames, cut: int) -> None:
    """So many bytes of the framed reply, then what was planned (FT-4)."""
    viam.cloud.faults.on("CreateDataset").after_commit().after_bytes(cut).reset_stream()
    seen = await frames.call("CreateDataset", CREATE)
    assert viam.cloud.calls.one().bytes_sent == 26
    whole = 26 + 5
    assert len(seen.body) == min(cut, whole)
    assert seen.reset == 2
    assert "grpc-status" not in seen.headers
    assert await names(viam) == ["cats"]


async def test_a_status_behind_part_of_a_reply(viam: Viam, frames: Frames) -> None:
    """In the trailers (FT-4)."""
    viam.cloud.faults.on("CreateDataset").after_commit().after_bytes(9).status("DATA_LOSS")
    seen = await frames.call("CreateDataset", CREATE)
    assert len(seen.body) == 9
    assert seen.headers["grpc-status"] == "15"
    assert viam.cloud.calls.one().status == "DATA_LOSS"


async def test_a_pause_in_a_reply(start: Start) -> None:
    """Stalls there, and then the rest comes (FT-4, FT-5)."""
    viam = await start(clock=Clock.frozen("2026-03-10", autojump=True))
    viam.cloud.faults.on("CreateDataset").after_commit().after_bytes(9).stall("1h")
    frames = await Frames.over_tcp(viam.cloud)
    seen = await frames.call("CreateDataset", CREATE)
    frames.close()
    (message,) = seen.messages
    reply = dataset.CreateDatasetResponse.FromString(message)
    assert viam.cloud.calls.where("CreateDataset").one().reply == reply
    assert seen.headers["grpc-status"] == "0"
    assert viam.cloud.clock.moment().hour == 1


async def test_replies_beyond_a_ceiling(viam: Viam, frames: Frames) -> None:
    """The same reply, larger: a client that accepts it reads the same (FT-6)."""
    viam.cloud.faults.on("CreateDataset").oversize_reply(5 * 1024 * 1024)
    seen = await frames.call("CreateDataset", CREATE)
    (message,) = seen.messages
    call = viam.cloud.calls.one()
    assert len(message) > 5 * 1024 * 1024
    assert call.bytes_sent == len(message)
    reply = dataset.CreateDatasetResponse.FromString(message)
    listed = viam.cloud._cloud.store.datasets(ORGANIZATION)
    assert reply.id == listed[0].id
    assert len(viam.cloud.faults.report()[0]["fired"]) == 1


# Before the request is complete --------------------------------------------------------------

POINTS: dict[str, tuple[Callable[[PlannedFault], PlannedFault], int]] = {
    "the first message": (lambda it: it.after_messages(1), 1),
    "the third message": (lambda it: it.after_messages(3), 3),
    "byte 0": (lambda it: it.after_bytes(0), 1),
    "byte 1000": (lambda it: it.after_bytes(1000), 2),
    "the end": (lambda it: it, 4),
}


@pytest.mark.parametrize(("point", "messages"), POINTS.values(), ids=POINTS.keys())
async def test_in_the_middle_of_an_upload(
    viam: Viam, point: Callable[[PlannedFault], PlannedFault], messages: int
) -> None:
    """At that message or byte, and nothing is stored (FT-4, FT-2)."""
    point(viam.cloud.faults.on("FileUpload")).status("UNAVAILABLE")
    parts = file_parts(bytes(990), bytes(990), b"end")

    async def upload() -> None:
        async with viam.calling("FileUpload") as stream:
            for number, part in enumerate(parts[:messages], 1):
                await stream.send_message(part, end=number == len(parts))
            await stream.recv_message()

    with pytest.raises(RefusedError):
        await upload()
    call = viam.cloud.calls.one()
    assert (call.status, call.messages_received) == ("UNAVAILABLE", messages)
    assert viam.contents().binary == []


async def test_a_moment_that_never_comes_does_not_count(viam: Viam) -> None:
    """A stream may end before it, a call may be refused before it (FT-3, FT-4)."""
    faults = viam.cloud.faults
    at_nine = faults.on("FileUpload").after_messages(9).reset_stream()
    late = faults.on("DeleteDataset").after_commit().once().status("INTERNAL")
    await viam.rpc("FileUpload", *file_parts(b"x"))
    with refused(Status.NOT_FOUND, "A40"):
        await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id="5"))
    assert viam.cloud.calls[0].fault is viam.cloud.calls[1].fault is None
    for planned in (at_nine, late):
        assert planned.fired == []
        assert planned.missing == (
            "never fired: 1 call matched, 1 of them ended before it could fire"
        )
    existing = await viam.create_dataset("x")
    with pytest.raises(RefusedError):
        await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id=existing))
    assert late.fired == [4]


@pytest.mark.parametrize("messages", [0, 1, 2])
async def test_a_stream_counts_once(viam: Viam, messages: int) -> None:
    """However many messages it has (FT-1)."""
    planned = viam.cloud.faults.on("FileUpload").call(2).status("DATA_LOSS")
    for _ in range(2):
        with suppress(RefusedError):
            await viam.rpc("FileUpload", *file_parts(b"x")[:messages])
    assert (planned.seen, planned.fired) == (2, [2])


# What grpclib makes of it --------------------------------------------------------------------

BREAKS: dict[str, Callable[[Faults], object]] = {
    "reset stream": lambda faults: faults.on("CreateDataset").once().reset_stream(),
    "goaway": lambda faults: faults.on("CreateDataset").once().goaway(),
    "reset connection": lambda faults: faults.on("CreateDataset").once().reset_connection(),
    "part of a reply": lambda faults: (
        faults.on("CreateDataset", name="cats").once().after_commit().after_bytes(7).reset_stream()
    ),
    "reset in a reply": lambda faults: (
        faults.on("CreateDataset").once().after_commit().after_bytes(7).reset_connection()
    ),
}


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize("plan", BREAKS.values(), ids=BREAKS.keys())
async def test_a_client_sees_a_broken_call_and_can_go_on(
    viam: Viam, plan: Callable[[Faults], object], transport: str
) -> None:
    """StreamTerminatedError or a lost connection; its next call is answered (FT-6)."""
    cloud = viam.cloud
    plan(cloud.faults)
    tcp = transport == "tcp"
    channel = Channel(cloud.host, cloud.port) if tcp else Channel(path=cloud.unix_socket)
    client = Viam(cloud, channel)
    with pytest.raises((StreamTerminatedError, ConnectionError)):
        await client.rpc("CreateDataset", CREATE)
    assert cloud.calls.one().status == "CANCELLED"
    await client.rpc("TagsByFilter", ASK)
    channel.close()
    cloud.check()


async def test_the_neighbours_of_a_call_that_resets_the_connection(viam: Viam) -> None:
    """They are lost with it, and CANCELLED (FT-6)."""
    viam.cloud.faults.on("CreateDataset").reset_connection()
    async with viam.calling("FileUpload") as stream:
        await stream.send_message(file_parts()[0])
        with pytest.raises((StreamTerminatedError, ConnectionError)):
            await viam.rpc("CreateDataset", CREATE)
        with pytest.raises((StreamTerminatedError, ConnectionError)):
            await stream.recv_message()
    upload = await viam.cloud.calls.wait_for_async("FileUpload")
    assert upload.status == "CANCELLED"


# Connections ---------------------------------------------------------------------------------


async def test_refused_connections(start: Start) -> None:
    """So many gRPC connections in a row are reset; HTTP is none of them (FT-8)."""
    viam = await start()
    cloud = viam.cloud
    cloud.faults.refuse_connections(2)
    assert cloud.faults.unfired == ["refuse_connections: 2 of 2 connections were never made"]
    frames = await Frames.over_tcp(cloud)
    assert (await frames.call("TagsByFilter", ASK)).lost == "reset"
    frames.close()
    assert cloud.faults.unfired == ["refuse_connections: 1 of 2 connections were never made"]
    await asyncio.get_running_loop().run_in_executor(None, _ask_http, cloud)
    with pytest.raises((StreamTerminatedError, ConnectionError)):
        await viam.rpc("TagsByFilter", ASK)
    cloud.check()
    await viam.rpc("TagsByFilter", ASK)
    assert len(cloud.calls) == 1
    assert (cloud.faults.refusing, cloud.faults.refused) == (0, 2)


def _ask_http(cloud: FakeViam) -> None:
    with socket.create_connection((cloud.host, cloud.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 ")


# Logins and tokens ---------------------------------------------------------------------------


async def _log_in(viam: Viam) -> dict[str, str]:
    credentials = auth.Credentials(type="api-key", payload=FakeViam.api_key)
    reply = await viam.rpc(
        "Authenticate",
        auth.AuthenticateRequest(entity=FakeViam.api_key_id, credentials=credentials),
    )
    return {"authorization": f"Bearer {reply.access_token}"}


@pytest.mark.parametrize("mode", ["any", "keys"])
async def test_a_token_expires_in_the_middle_of_a_run(start: Start, mode: str) -> None:
    """That call and later ones with it are UNAUTHENTICATED; a new token is good (FT-1)."""
    viam = await start(auth=mode)
    old, other = await _log_in(viam), await _log_in(viam)
    viam.cloud.faults.on("CreateDataset").call(2).expire_token()
    await viam.rpc("CreateDataset", CREATE, metadata=old)
    request = dataset.CreateDatasetRequest(name="dogs", organization_id=ORGANIZATION)
    for _ in range(2):
        with refused(Status.UNAUTHENTICATED, "AU-4", "expired"):
            await viam.rpc("CreateDataset", request, metadata=old)
    await viam.rpc("TagsByFilter", ASK, metadata=other)
    await viam.rpc("CreateDataset", request, metadata=await _log_in(viam))
    assert await names_with(viam, other) == ["cats", "dogs"]
    assert [call.status for call in viam.cloud.calls.where("CreateDataset")] == [
        "OK", "UNAUTHENTICATED", "UNAUTHENTICATED", "OK",
    ]  # fmt: skip


async def names_with(viam: Viam, metadata: dict[str, str]) -> list[str]:
    request = dataset.ListDatasetsByOrganizationIDRequest(organization_id=ORGANIZATION)
    listed = await viam.rpc("ListDatasetsByOrganizationID", request, metadata=metadata)
    return [each.name for each in listed.datasets]


async def test_a_call_without_a_token_has_none_that_others_share(viam: Viam) -> None:
    """Only that call is refused (FT-1)."""
    viam.cloud.faults.on("TagsByFilter").once().expire_token()
    with refused(Status.UNAUTHENTICATED, "AU-4"):
        await viam.rpc("TagsByFilter", ASK)
    await viam.rpc("TagsByFilter", ASK)


async def test_logins_can_fail_too(viam: Viam) -> None:
    """By entity or by a secret, which no text shows (FT-1, JR-4, JR-8)."""
    faults = viam.cloud.faults
    faults.on("Authenticate", payload=FakeViam.api_key).once().status("INTERNAL")
    faults.on("Authenticate", entity=FakeViam.api_key_id).once().status("UNAVAILABLE")
    with pytest.raises(RefusedError, match="INTERNAL") as failed:
        await _log_in(viam)
    assert FakeViam.api_key not in str(failed.value)
    with pytest.raises(RefusedError, match="UNAVAILABLE"):
        await _log_in(viam)
    assert await _log_in(viam)


async def test_what_is_not_built_can_fail_too(viam: Viam) -> None:
    """Faults need no handler (FT-1)."""
    viam.cloud.faults.on("ExportTabularData", part="p-1").status("UNAVAILABLE")
    with pytest.raises(RefusedError, match="UNAVAILABLE"):
        await viam.rpc("ExportTabularData", data.ExportTabularDataRequest(part_id="p-1"))


# Slow visibility -----------------------------------------------------------------------------


async def test_uploads_are_hidden_for_a_while(start: Start) -> None:
    """By filter and by id, for data and readings, then they are there (FT-7)."""
    viam = await start(clock=Clock.frozen("2026-03-10"))
    viam.cloud.faults.on("*Upload", component="slow").hide("30s")
    fast = await viam.upload("fast", component_name="fast")
    slow = await viam.upload("slow", component_name="slow")
    for passed, shown in ((0, ["fast"]), (29, ["fast"]), (1, ["fast", "slow"])):
        viam.cloud.clock.advance(seconds=passed)
        assert sorted(await viam.names()) == shown
        ids = await viam.by_ids(fast, slow)
        assert len(ids.data) == len(shown)
    viam.cloud.check()


# A fault that a call brings along ------------------------------------------------------------


async def test_a_call_brings_its_own_fault(viam: Viam, frames: Frames) -> None:
    """A status name or JSON; it hits no other call and fails no test (FT-9)."""
    with pytest.raises(RefusedError) as caught:
        await viam.rpc("TagsByFilter", ASK, metadata={"fakeviam-fault": "UNAVAILABLE"})
    assert caught.value.status is Status.UNAVAILABLE
    later = '{"status": "INTERNAL", "text": "oh", "when": "after-commit"}'
    with pytest.raises(RefusedError, match="INTERNAL: oh"):
        await viam.rpc("CreateDataset", CREATE, metadata={"fakeviam-fault": later})
    assert await names(viam) == ["cats"]
    seen = await frames.call(
        "TagsByFilter", ASK, metadata={"fakeviam-fault": '{"effect": "goaway"}'}
    )
    assert seen.goaway is not None
    await viam.rpc("TagsByFilter", ASK)
    faulty = [call.fault for call in viam.cloud.calls if call.fault is not None]
    assert len(faulty) == 3
    viam.cloud.check()


BAD = {
    "NICE": "status must be the name of a gRPC status, got 'NICE'; expected one of CANCELLED",
    "{": "Expecting property name",
    "{}": "a fault requires an effect, a status or a delay",
    '{"status": "INTERNAL", "calls": [1]}': "applies to the call that carries it; remove 'calls'",
    '{"status": "INTERNAL", "wen": 1}': "there is no field 'wen'; did you mean when?",
    '{"delay": "soon"}': "delay must be seconds",
    '{"details": ' + "[" * 5000: "",
}


@pytest.mark.parametrize("text", BAD)
async def test_metadata_that_is_no_fault(viam: Viam, text: str) -> None:
    """INVALID_ARGUMENT; the text says why, and the fake lives on (FT-9)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "FT-9", BAD[text]):
        await viam.rpc("CreateDataset", CREATE, metadata={"fakeviam-fault": text})
    assert viam.cloud.crashes == ()
