"""Scripted replies: literal answers that never look like behaviour of the fake."""

from __future__ import annotations

from typing import Any

import pytest
from grpclib.const import Status
from hypothesis import given
from hypothesis import strategies as st
from viam.gen.app.dataset.v1 import dataset_pb2 as sdk

from fakeviam import UsageError
from fakeviam.server.instruments.replies import Replies
from fakeviam.wire import data, dataset, datasync

from .driver import ORGANIZATION, RefusedError, Viam, file_parts
from .frames import Frames

CREATE = dataset.CreateDatasetRequest(name="cats", organization_id=ORGANIZATION)


async def create(viam: Viam, name: str = "cats") -> str:
    return await viam.create_dataset(name)


@pytest.mark.asyncio
async def test_a_literal_answer(viam: Viam) -> None:
    """In place of the fake, which does nothing (RP-1)."""
    before = viam.contents()
    viam.cloud.replies.on("CreateDataset").respond({"id": "anything"})
    assert await create(viam) == await create(viam) == "anything"
    assert viam.contents() == before
    assert viam.cited() == frozenset()


@pytest.mark.asyncio
async def test_it_is_counted_apart(viam: Viam) -> None:
    """In the journal, in the trailers, and no clause is behind it (RP-1)."""
    script = viam.cloud.replies.on("CreateDataset", name="cats").respond({"id": "x"})
    await create(viam, "dogs")
    frames = await Frames.over_tcp(viam.cloud)
    seen = await frames.call("CreateDataset", CREATE)
    frames.close()
    assert seen.headers["fakeviam-scripted"] == "1"
    assert seen.headers["grpc-status"] == "0"
    real, scripted = viam.cloud.calls
    assert (real.scripted, scripted.scripted) == (False, True)
    assert scripted.clauses == ()
    assert scripted.request == CREATE
    assert scripted.reply == dataset.CreateDatasetResponse(id="x")
    assert script.used == [2]
    assert viam.cloud.replies.report() == [
        {
            "rpc": "CreateDataset",
            "where": {"name": "cats"},
            "replies": [{"id": "x"}],
            "times": None,
            "used": [2],
        }
    ]


@pytest.mark.asyncio
async def test_once_several_times_and_always(viam: Viam) -> None:
    """Of those that fit the latest answers, until it is used up; then the fake does (RP-1)."""
    replies = viam.cloud.replies
    replies.on("CreateDataset").respond({"id": "always"})
    replies.on("CreateDataset").respond({"id": "twice"}).times(2)
    replies.on("CreateDataset").respond({"id": "once"}).once()
    replies.on("CreateDataset")  # without an answer it answers nothing
    assert [await create(viam) for _ in range(5)] == ["once", "twice", "twice", "always", "always"]
    assert replies.clear() == 4
    assert len(await create(viam)) == 24


@pytest.mark.asyncio
async def test_streams(viam: Viam) -> None:
    """Of requests, which are read to their end, and of replies (RP-1)."""
    viam.cloud.replies.on("FileUpload").respond({"binary_data_id": "a/b/c"})
    reply = await viam.rpc("FileUpload", *file_parts(b"x", b"y"))
    assert reply == datasync.FileUploadResponse(binary_data_id="a/b/c")
    assert viam.cloud.calls.one().messages_received == 3
    script = viam.cloud.replies.on("ExportTabularData", part="p").respond(
        {"part_id": "1"}, data.ExportTabularDataResponse(part_id="2")
    )
    for wanted in (["1", "2"], []):
        async with viam.calling("ExportTabularData") as stream:
            await stream.send_message(data.ExportTabularDataRequest(part_id="p"), end=True)
            assert [each.part_id async for each in stream] == wanted
        script.respond()
    first, second = viam.cloud.calls.where("ExportTabularData")
    assert (first.messages_sent, second.messages_sent) == (2, 0)
    assert [each.status for each in (first, second)] == ["OK", "OK"]


@pytest.mark.asyncio
async def test_faults_hit_scripted_calls_too(viam: Viam) -> None:
    """Before and after the answer (RP-1, FT-2)."""
    script = viam.cloud.replies.on("CreateDataset").respond({"id": "x"})
    viam.cloud.faults.on("CreateDataset").call(1).status("UNAVAILABLE")
    viam.cloud.faults.on("CreateDataset").call(2).after_commit().status("INTERNAL")
    for status in (Status.UNAVAILABLE, Status.INTERNAL):
        with pytest.raises(RefusedError) as caught:
            await create(viam)
        assert caught.value.status is status
    assert await create(viam) == "x"
    assert script.used == [2, 3]


def test_messages_of_other_libraries() -> None:
    """viam-sdk's have the same bytes (RP-1)."""
    replies = Replies()
    script = replies.on("CreateDataset").respond(sdk.CreateDatasetResponse(id="x"))
    assert script.messages == (dataset.CreateDatasetResponse(id="x"),)


MISTAKES: list[tuple[Any, str]] = [
    (7, "scripted reply: the body must be an object, got a number"),
    ({"rpc": "CreateDataset", "replay": {}}, "scripted reply: there is no field 'replay'"),
    ({"rpc": "CreateDataest"}, "no RPC is named 'CreateDataest'; did you mean 'CreateDataset'?"),
    ({"rpc": "Create*"}, "a scripted reply must name one RPC, got 'Create*'"),
    ({"rpc": "CreateDataset", "where": 1}, "scripted reply: where must be an object, got a number"),
    ({"rpc": "CreateDataset", "where": {"nam": 1}}, "requests of CreateDataset have no field 'na"),
    ({"rpc": "CreateDataset", "replies": 1}, "scripted reply: replies must be a list"),
    ({"rpc": "CreateDataset", "replies": [{}, {}]}, "CreateDataset takes one reply, got 2"),
    ({"rpc": "CreateDataset", "reply": {"di": 1}}, "the reply of CreateDataset has no field 'di'"),
    ({"rpc": "CreateDataset", "reply": 1}, "scripted reply: reply must be an object, got a number"),
    ({"rpc": "CreateDataset", "times": 0}, "scripted reply: times must be at least 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "text"), MISTAKES, ids=lambda each: str(each)[:40])
def test_the_texts_of_mistakes(document: Any, text: str) -> None:
    """And nothing is scripted (RP-1)."""
    replies = Replies()
    with pytest.raises(UsageError) as caught:
        replies.add(document)
    assert str(caught.value).startswith(text)
    assert len(replies) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"rpc": st.sampled_from(["CreateDataset", "ListDatasetsByIDs", "ExportTabularData"])},
        optional={"where": JSON, "reply": JSON, "replies": JSON, "times": JSON},
    )
)
def test_json_is_a_script_or_a_mistake(document: dict[str, Any]) -> None:
    """Nothing else comes of it (RP-1)."""
    replies = Replies()
    try:
        made = replies.add(document)
    except UsageError:
        assert len(replies) == 0
    else:
        assert made.messages is not None
        assert replies.report() == [made.to_json()]


def test_a_message_of_another_rpc() -> None:
    """The text says which it should be (RP-1)."""
    wanted = (
        "the reply of CreateDataset must be viam.app.dataset.v1.CreateDatasetResponse, got viam"
    )
    with pytest.raises(UsageError, match=wanted):
        Replies().on("CreateDataset").respond(dataset.ListDatasetsByIDsResponse())
