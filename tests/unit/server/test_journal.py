"""What the journal keeps, for how long, and what it does not show."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.message_factory import GetMessageClass
from grpclib.const import Status
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import CallsError, Clock, FakeViam, UsageError, wire
from fakeviam.server.instruments.journal.journal import Journal
from fakeviam.server.instruments.journal.record import KEPT_BYTES
from fakeviam.server.instruments.journal.redaction import redacted
from fakeviam.server.instruments.journal.shortening import shortened
from fakeviam.wire import app, auth, data, dataset, datasync
from fakeviam.wire.encoded import Encoded
from fakeviam.wire.values import struct_from

from .driver import (
    DEFAULT_PART,
    METHODS,
    ORGANIZATION,
    RefusedError,
    Viam,
    file_parts,
    play,
    refused,
    until,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from .conftest import Start

SECRET = "swordfish-XYZZY"  # noqa: S105 - not really


def journal(budget: int) -> Journal:
    ticks = iter(range(10**9))
    return Journal(clock=Clock.frozen("2026-03-10"), stopwatch=lambda: next(ticks), budget=budget)


def capture(payload: bytes = b"", **fields: Any) -> datasync.DataCaptureUploadRequest:
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(part_id=DEFAULT_PART.id, **fields),
        sensor_contents=[datasync.SensorData(binary=payload)],
    )


# What is kept --------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_call_in_full(start: Start) -> None:
    """Time, RPC, peer, metadata, messages, status, bytes, duration, deadline, clauses (JR-1)."""
    viam = await start(clock=Clock.frozen("2026-03-10T12:00:00Z"))
    request = dataset.CreateDatasetRequest(name="cats", organization_id=ORGANIZATION)
    reply = await viam.rpc("CreateDataset", request, metadata={"x-trace": "7"}, timeout=30)
    call = viam.cloud.calls.one()
    told = call.to_json()
    assert call.duration is not None
    assert call.duration.total_seconds() >= 0
    assert call.deadline is not None
    assert 25 < call.deadline <= 30
    assert told.pop("duration") == call.duration.total_seconds()
    assert told.pop("deadline") == call.deadline
    assert told.pop("metadata")["x-trace"] == "7"
    expected = {
        "number": 1,
        "rpc": "CreateDataset",
        "service": "viam.app.dataset.v1.DatasetService",
        "time": "2026-03-10T12:00:00+00:00",
        "peer": "",
        "requests": [{"name": "cats", "organization_id": ORGANIZATION}],
        "replies": [{"id": reply.id}],
        "messages_received": 1,
        "bytes_received": request.ByteSize(),
        "bytes_sent": reply.ByteSize(),
        "status": "OK",
        "text": "",
        "clauses": [clause.id for clause in call.clauses],
        "assumptions": [clause.id for clause in call.assumptions],
        "fault": None,
        "scripted": False,
    }
    assert {key: told[key] for key in expected} == expected
    assert {"DS-1"} <= set(told["clauses"])
    assert repr(call) == "<CreateDataset #1 OK>"
    assert call.request == request
    assert call.reply == reply
    assert call.time_ended == call.time
    assert (call.messages_sent, call.in_progress) == (1, False)


@pytest.mark.asyncio
async def test_refusals_are_kept(viam: Viam) -> None:
    """With their text and the clause they rest on (JR-1)."""
    with refused(Status.NOT_FOUND, "A40"):
        await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id="65f1a2b3c4d5e6f708192a3b"))
    call = viam.cloud.calls.one()
    assert (call.status, call.reply, call.replies) == ("NOT_FOUND", None, ())
    assert call.text.endswith("[A40]")
    assert "A40" in {clause.id for clause in call.clauses}


@pytest.mark.asyncio
async def test_what_is_not_built_is_kept_with_its_request(viam: Viam) -> None:
    """UNIMPLEMENTED calls too (JR-1)."""
    request = METHODS["GetTrainingJob"].request(id="j-1")
    with refused(Status.UNIMPLEMENTED, "SV-1"):
        await viam.rpc("GetTrainingJob", request)
    assert viam.cloud.calls.where(id="j-1").one().request == request


@pytest.mark.asyncio
async def test_a_stream_keeps_its_messages(viam: Viam) -> None:
    """All of them while there is room (JR-1)."""
    parts = file_parts(b"one", b"two")
    await viam.rpc("FileUpload", *parts)
    call = viam.cloud.calls.one()
    assert call.requests == tuple(parts)
    assert call.request == parts[0]
    assert call.messages_received == 3


@pytest.mark.asyncio
async def test_peers_over_tcp(viam: Viam) -> None:
    """Host and port (JR-1)."""
    from grpclib.client import Channel  # noqa: PLC0415 - only here over TCP

    channel = Channel(viam.cloud.host, viam.cloud.port)
    await Viam(viam.cloud, channel).rpc("TagsByFilter", data.TagsByFilterRequest())
    channel.close()
    assert viam.cloud.calls.one().peer.startswith("127.0.0.1:")


# Bounds --------------------------------------------------------------------------------------

SIZES = st.lists(
    st.tuples(st.sampled_from(["begin", "receive", "reply", "end", "clear"]), st.integers(0, 9),
              st.integers(0, 3 * KEPT_BYTES)),
    max_size=40,
)  # fmt: skip


@given(SIZES, st.integers(1, 8 * KEPT_BYTES))
def test_the_budget_holds_whatever_calls_do(steps: list[tuple[str, int, int]], budget: int) -> None:
    """Also while they are in progress; only the latest call may be larger (JR-2)."""
    kept = journal(budget)
    method = METHODS["DataCaptureUpload"]
    records = [kept.begin(method)]
    began = 1
    for step, which, size in steps:
        record = records[which % len(records)]
        if step == "begin":
            records.append(kept.begin(method))
            began += 1
        elif step == "receive":
            kept.received(record, capture(bytes(size)))
        elif step == "reply":
            kept.replied(record, Encoded((bytes(size),)))
        elif step == "end":
            kept.end(record, status="OK")
        else:
            kept.clear()
            began = 0
        held = kept.records()
        weight = sum(each.weight for each in held)
        assert weight == kept._weight
        assert weight <= budget or len(held) == 1
        assert kept.dropped + len(held) == began
        assert [each.number for each in held] == sorted(each.number for each in held)


@pytest.mark.slow
def test_the_budget_is_about_memory() -> None:
    """What is counted is not less than what is taken (JR-2)."""
    kept = journal(4 * 1024 * 1024)
    method = METHODS["CreateDataset"]
    gc.collect()
    tracemalloc.start()
    for number in range(4000):
        record = kept.begin(method, metadata={"authorization": f"Bearer {number}"}, peer="x:1")
        request = dataset.CreateDatasetRequest(name=f"{number}", organization_id=ORGANIZATION)
        kept.received(record, request)
        kept.replied(record, dataset.CreateDatasetResponse(id=f"{number:024}"))
        record.cited.update(("DS-1", "A39", "CK-1"))
        kept.end(record, status="OK")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.dropped
    assert taken < kept.budget


@pytest.mark.parametrize("size", [KEPT_BYTES, 4 * 1024 * 1024])
def test_large_requests_are_shortened(size: int) -> None:
    """Names and numbers stay, so that they can still be asked for (JR-2)."""
    kept = journal(1024 * 1024)
    record = kept.begin(METHODS["DataCaptureUpload"])
    request = capture(bytes(size), component_name="cam-1", tags=["a", "b"])
    kept.received(record, request)
    assert record.bytes_received == request.ByteSize()
    (shown,) = record.requests
    assert isinstance(shown, datasync.DataCaptureUploadRequest)
    assert shown.metadata == request.metadata
    assert len(shown.sensor_contents[0].binary) == 64
    assert record.weight < KEPT_BYTES


WIDE: list[tuple[str, Message]] = [
    ("a large map", datasync.SensorData(struct=struct_from({f"k{i}": "v" for i in range(20_000)}))),
    ("deep lists", datasync.SensorData(struct=struct_from({"k": [[["x" * 9] * 99] * 99] * 9}))),
    ("long texts", datasync.UploadMetadata(tags=["x" * 500_000] * 3, part_id="p")),
    (
        "many messages",
        datasync.DataCaptureUploadRequest(
            sensor_contents=[datasync.SensorData(binary=b"x")] * 50_000
        ),
    ),
    ("any", datasync.UploadMetadata(part_id="p" * 1_000_000)),
]


@pytest.mark.parametrize("message", [each for _, each in WIDE], ids=[name for name, _ in WIDE])
def test_whatever_makes_a_message_large(message: Message) -> None:
    """It is cut to the room there is, always the same way (JR-2)."""
    short = shortened(message, KEPT_BYTES)
    assert short.ByteSize() <= KEPT_BYTES * 1.1
    assert short.ByteSize() < message.ByteSize() / 2
    again = shortened(type(message).FromString(message.SerializeToString()), KEPT_BYTES)
    assert again.SerializeToString(deterministic=True) == short.SerializeToString(
        deterministic=True
    )


@pytest.mark.asyncio
async def test_an_upload_of_many_chunks_is_not_kept(viam: Viam) -> None:
    """64 KiB of it are (JR-2)."""
    chunks = [bytes(60_000)] * 20
    await viam.rpc("FileUpload", *file_parts(*chunks))
    call = viam.cloud.calls.one()
    assert call.messages_received == 21
    assert call.bytes_received > 1_200_000
    assert len(call.requests) == 2
    assert call.weight < 2 * KEPT_BYTES


@pytest.mark.asyncio
async def test_a_reply_that_was_not_kept_says_so(viam: Viam) -> None:
    """Rather than seem empty (JR-2)."""
    await viam.upload(payload=bytes(100_000))
    await viam.binary(include_binary=True)
    call = viam.cloud.calls.last()
    with pytest.raises(UsageError, match=r"the reply of call 2 .* has 100\d+ bytes"):
        _ = call.reply
    assert call.to_json()["replies"] == []


@pytest.mark.asyncio
async def test_the_oldest_calls_go_first(start: Start) -> None:
    """And are counted (JR-2)."""
    viam = await start(journal_bytes=10_000)
    for _ in range(20):
        await viam.tags_by_filter()
    calls = viam.cloud.calls
    numbers = [call.number for call in calls]
    assert numbers == list(range(21 - len(numbers), 21))
    assert calls.dropped == 20 - len(numbers) > 0


@pytest.mark.asyncio
async def test_a_reset_forgets_calls_and_plans(viam: Viam) -> None:
    """Journal, faults, scripted replies; a call in progress is of the past (JR-2, FT-3, RP-1)."""
    cloud = viam.cloud
    cloud.faults.on("TagsByFilter").status("UNAVAILABLE")
    cloud.replies.on("ListDatasetsByIDs").respond({})
    async with viam.calling("FileUpload") as stream:
        await stream.send_message(file_parts()[0])
        await until(lambda: len(cloud.calls) == 1)
        cloud.faults.refuse_connections(2)
        cloud.reset()
        await stream.send_message(file_parts(b"x")[1], end=True)
        await stream.recv_message()
    assert (len(cloud.calls), len(cloud.faults), len(cloud.replies)) == (0, 0, 0)
    cloud.check()
    await viam.tags_by_filter()
    assert cloud.calls.one().number == 1
    assert cloud._cloud.journal._weight == cloud.calls.one().weight


# Secrets -------------------------------------------------------------------------------------

#: Fields whose names sound secret and are not.
HARMLESS = {
    "payload",  # of readings
    "page_token",
    "next_page_token",
    "type_url",
    "uri",
    "mongodb_uri",  # with a placeholder for the password
    # Of what anybody may know: registries, web applications, logos.
    *("url", "image_uri", "logo_url", "logout_uri", "origin_uris", "redirect_uris"),
    *("invite_redirect_uri", "billing_dashboard_url", "hosted_verification_page_url"),
    *("include_url", "security", "has_smart_machine_credentials"),
    *("secret_id", "tls_key_file", "maintenance_allowed_key", "url_validation"),
}
SOUNDS = ("password", "secret", "token", "payload", "key", "credential", "url", "uri", "psk")
CONTAINER = "viam.app.mltraining.v1.Container"  # its key is its name


def _secret_fields() -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    known: set[str] = set()

    def walk(descriptor: Any) -> None:
        if descriptor.full_name in known or descriptor.GetOptions().map_entry:
            return
        known.add(descriptor.full_name)
        for each in descriptor.fields:
            sounds = any(word in each.name for word in SOUNDS)
            secret = each.name not in HARMLESS or descriptor.name == "Credentials"
            if each.message_type is not None:
                walk(each.message_type)
            elif sounds and secret and descriptor.full_name != CONTAINER:
                found[descriptor.full_name, each.name] = None

    for method in wire.methods():
        walk(method.request.DESCRIPTOR)
        walk(method.response.DESCRIPTOR)
    return list(found)


@pytest.mark.parametrize(("message", "name"), _secret_fields())
def test_fields_that_sound_secret_are_redacted(message: str, name: str) -> None:
    """In every RPC there is, built or not (JR-4)."""
    made: Any = GetMessageClass(wire.pool().FindMessageTypeByName(message))()
    if isinstance(getattr(made, name), str):
        setattr(made, name, SECRET)
    else:
        getattr(made, name).append(SECRET)
    assert SECRET not in str(redacted(made))
    assert "(secret)" in str(redacted(made))
    assert SECRET in str(made)  # the call itself goes on with it


def test_secrets_inside_replies_are_redacted() -> None:
    """However deep, in lists too (JR-4)."""
    made = app.GetRobotPartsResponse(
        parts=[app.RobotPart(id="p", secret=SECRET, secrets=[app.SharedSecret(secret=SECRET)])]
    )
    assert SECRET not in str(redacted(made))
    assert '"p"' in str(redacted(made))


HEADERS = st.dictionaries(
    st.sampled_from(
        ["authorization", "key", "key_id", "x-api-key", "cookie", "access_token", "x-auth-request"]
    ),
    st.sampled_from([SECRET, f"Bearer {SECRET}", f"{SECRET} {SECRET}", f"Basic {SECRET}"]),
    min_size=1,
)


@given(headers=HEADERS, fails=st.booleans())
def test_no_secret_leaves_the_journal(headers: dict[str, str], *, fails: bool) -> None:
    """Nor in an error, a repr, a text or JSON (JR-4)."""

    async def story(viam: Viam) -> None:
        login = auth.AuthenticateRequest(
            entity=FakeViam.api_key_id,
            credentials=auth.Credentials(type="api-key", payload=SECRET),
        )
        password = data.ConfigureDatabaseUserRequest(
            organization_id="" if fails else ORGANIZATION, password=SECRET
        )
        for rpc, request in (("Authenticate", login), ("ConfigureDatabaseUser", password)):
            with suppress(RefusedError):
                await viam.rpc(rpc, request, metadata=headers)
        calls = viam.cloud.calls
        for chosen in (calls.where("Auth*"), calls.where("ConfigureDatabaseUser")):
            call = chosen.one()
            shown = (call.to_json(), call, call.text, call.requests, call.replies, call.metadata)
            assert SECRET not in repr((*shown, *map(str, shown), call.leaves))
            if not fails:
                assert str(call.metadata).count("(secret)") == len(headers)
            with pytest.raises(CallsError) as caught:
                chosen.assert_not_called()
            assert SECRET not in str(caught.value)

    play(story)


@pytest.mark.asyncio
async def test_how_a_secret_was_presented_stays_visible(viam: Viam) -> None:
    """The scheme is none (JR-4)."""
    token = (await viam.rpc("Authenticate", auth.AuthenticateRequest(entity="x"))).access_token
    await viam.rpc(
        "TagsByFilter",
        data.TagsByFilterRequest(),
        metadata={"authorization": f"Bearer {token}"},
    )
    assert viam.cloud.calls.one().metadata["authorization"] == "Bearer (secret)"
    login = viam.cloud.calls.where("Authenticate").one()
    assert isinstance(login.reply, auth.AuthenticateResponse)
    assert "access_token" in str(login.reply)
    assert token not in str(login.reply)
