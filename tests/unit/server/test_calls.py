"""What tests ask of `cloud.calls`, and what they read when it is not there."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.metadata import Deadline

from fakeviam import CallsError, Clock, FakeViam, UsageError
from fakeviam.wire import data, dataset

from .driver import RefusedError, Viam, file_parts, refused, until

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from fakeviam import Calls


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    """A fake in a thread of its own."""
    with FakeViam(seed=1, clock=Clock.frozen("2026-03-10")) as cloud:
        yield cloud


def called(cloud: FakeViam, *names: str) -> None:
    """List datasets of these ids over a connection of their own."""

    async def call() -> None:
        channel = Channel(path=cloud.unix_socket)
        viam = Viam(cloud, channel)
        for name in names:
            await viam.rpc("TagsByFilter", data.TagsByFilterRequest(filter=_named(name)))
        channel.close()

    asyncio.run(call())


def _named(name: str) -> data.Filter:
    return data.Filter(component_name=name, tags_filter=data.TagsFilter(tags=["a", "b"]))


def aside(work: Coroutine[Any, Any, None]) -> threading.Thread:
    """Run it in another thread and another loop."""
    thread = threading.Thread(target=lambda: asyncio.run(work))
    thread.start()
    return thread


def words(calls: Calls) -> str:
    with pytest.raises(CallsError) as caught:
        calls.one()
    return str(caught.value)


# Choosing ------------------------------------------------------------------------------------


def test_calls_are_a_sequence(cloud: FakeViam) -> None:
    """And a view: it goes on with the journal (JR-1, JR-3)."""
    tags = cloud.calls.where("TagsByFilter")
    assert (len(tags), bool(tags), list(tags)) == (0, False, [])
    called(cloud, "one", "two", "three")
    assert [call.number for call in tags] == [1, 2, 3]
    assert tags[-1] is tags.last() is list(tags)[2]
    assert [call.number for call in tags[1:]] == [2, 3]
    assert tags[0] in tags
    assert repr(tags) == "<3 TagsByFilter calls>"
    assert repr(cloud.calls.where(component="two")) == "<1 call with component='two'>"


def test_calls_are_chosen_by_fields(cloud: FakeViam) -> None:
    """By name, short name, path, list, enum name and status (JR-3)."""
    called(cloud, "one", "two")
    calls = cloud.calls
    assert calls.where(component_name="two").one().number == 2
    assert calls.where("Tags*", component="one").one().number == 1
    assert calls.where(**{"filter.component_name": "one"}).one().number == 1
    assert len(calls.where(tag="a")) == len(calls.where(tags=["a", "b"])) == 2
    assert len(calls.where(part="")) == 2  # unset
    assert len(calls.where(status="OK")) == 2
    assert len(calls.where("TagsByFilter").where(component="one").where(status="NOT_FOUND")) == 0
    assert len(calls.where(type="TAGS_FILTER_TYPE_MATCH_BY_OR")) == 0


@pytest.mark.asyncio
async def test_enums_are_asked_for_by_name_or_number(viam: Viam) -> None:
    """And told by name (JR-3)."""
    await viam.rpc("FileUpload", *file_parts(b"x"))
    calls = viam.cloud.calls
    assert len(calls.where(type="DATA_TYPE_FILE")) == len(calls.where(type=3)) == 1
    assert "differs in type: DATA_TYPE_FILE ≠ 1" in words(calls.where("FileUpload", type=1))


@pytest.mark.asyncio
async def test_logins_are_left_out_unless_asked_for(viam: Viam) -> None:
    """They serve the test (JR-3)."""
    from fakeviam.wire import auth  # noqa: PLC0415 - for this test

    await viam.rpc("Authenticate", auth.AuthenticateRequest(entity="key-id"))
    calls = viam.cloud.calls
    assert len(calls) == len(calls.where(status="OK")) == 0
    assert "No call was made at all" in words(calls)
    assert calls.where("Authenticate").one().rpc == calls.where("Auth*").one().rpc
    assert len(calls.where("Authenticate", entity="key-id")) == 1


@pytest.mark.parametrize(
    ("rpc", "fields", "text"),
    [
        ("FielUpload", {}, "no RPC is named 'FielUpload'; did you mean 'FileUpload'?"),
        (7, {}, "rpc must be the name of an RPC, such as 'FileUpload', got 7"),
        (
            "FileUpload",
            {"component_nane": "x"},
            "requests of FileUpload have no field 'component_nane'; did you mean 'component_name'?",
        ),
        ("*", {"zzz": 1}, "requests of * have no field 'zzz'"),
    ],
)
def test_what_no_call_can_be_is_a_mistake(
    cloud: FakeViam, rpc: Any, fields: dict[str, Any], text: str
) -> None:
    """With the name that was probably meant (JR-3)."""
    with pytest.raises(UsageError) as caught:
        cloud.calls.where(rpc, **fields)
    assert str(caught.value) == text


# Assertions and their texts ------------------------------------------------------------------


def test_the_near_miss(cloud: FakeViam) -> None:
    """The text says what is different in the nearest call (JR-3)."""
    called(cloud, "cam1", "arm")
    wanted = cloud.calls.where("TagsByFilter", component_name="cam-1", tag="a")
    assert words(wanted) == (
        "wanted exactly one TagsByFilter call with component_name='cam-1', tag='a', "
        "but there was none.\n"
        "2 other TagsByFilter calls; the nearest, number 2, differs in "
        "component_name: 'arm' ≠ 'cam-1'"
    )
    assert words(cloud.calls.where(component="cam1", dataset="x")).splitlines()[-1] == (
        "2 other TagsByFilter calls; the nearest, number 1, differs in "
        "dataset is not set, wanted 'x'"
    )
    assert words(cloud.calls.where("TagsByFilter", status="NOT_FOUND")).splitlines()[-1] == (
        "2 other TagsByFilter calls; the nearest, number 2, differs in status: 'OK' ≠ 'NOT_FOUND'"
    )


def test_no_such_call_at_all(cloud: FakeViam) -> None:
    """Then it lists those that were made (JR-3)."""
    assert words(cloud.calls.where("FileUpload")) == (
        "wanted exactly one FileUpload call, but there was none.\n"
        "No call was made at all; does the code under test use this cloud's address?"
    )
    called(cloud, "cam-1", *["x" * 90] * 6)
    assert words(cloud.calls.where("FileUpload")).splitlines() == [
        "wanted exactly one FileUpload call, but there was none.",
        "These calls were made:",
        "  … 2 earlier",
        *(
            f"  {number} TagsByFilter(component_name='{'x' * 57}…', tags='a', tags='b') → OK"
            for number in range(3, 8)
        ),
    ]


def test_several_calls_where_one_was_wanted(cloud: FakeViam) -> None:
    """All of them are shown (JR-3)."""
    called(cloud, "a", "b", "b")
    assert words(cloud.calls.where(component="b")) == (
        "wanted exactly one call with component='b', but there were 2:\n"
        "  2 TagsByFilter(component_name='b', tags='a', tags='b') → OK\n"
        "  3 TagsByFilter(component_name='b', tags='a', tags='b') → OK\n"
        "1 other TagsByFilter call; the nearest, number 1, differs in component: 'a' ≠ 'b'"
    )


def test_assertions(cloud: FakeViam) -> None:
    """They pass if they hold, and explain themselves if not (JR-3)."""
    called(cloud, "a", "b")
    calls = cloud.calls
    calls.assert_called("TagsByFilter")
    calls.assert_called("TagsByFilter", times=1, component="a")
    calls.where("TagsByFilter").assert_called(times=2)
    calls.assert_called(status="OK", times=2)
    calls.assert_not_called("FileUpload")
    for fails, text in (
        (lambda: calls.assert_called("FileUpload"), "wanted a FileUpload call, but there was none"),
        (
            lambda: calls.assert_called("TagsByFilter", times=3),
            "wanted exactly 3 TagsByFilter calls, but there were 2",
        ),
        (
            lambda: calls.assert_not_called("TagsByFilter", component="a"),
            "wanted exactly 0 TagsByFilter calls with component='a', but there was one",
        ),
        (lambda: calls.where("FileUpload").last(), "wanted a FileUpload call, but there was none"),
    ):
        with pytest.raises(CallsError) as caught:
            fails()
        assert str(caught.value).startswith(text)


@pytest.mark.asyncio
async def test_refused_calls_and_dropped_ones_in_the_text(viam: Viam) -> None:
    """With status and text; and that some were forgotten (JR-2, JR-3)."""
    with refused(Status.NOT_FOUND, "A40"):
        await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id="5"))
    told = words(viam.cloud.calls.where("FileUpload"))
    assert told.endswith("1 DeleteDataset(id='5') → NOT_FOUND: no dataset '5' [A40]")
    viam.cloud._cloud.journal.dropped = 7
    last = words(viam.cloud.calls.where("FileUpload")).splitlines()[-1]
    assert last == "The journal was full and dropped 7 older calls."


# Waiting -------------------------------------------------------------------------------------


def test_waiting_in_a_synchronous_test(cloud: FakeViam) -> None:
    """For a client in another thread (JR-3)."""
    thread = aside(_calls_later(cloud, "one", "two"))
    call = cloud.calls.wait_for("TagsByFilter", component="two")
    assert (call.number, call.status) == (2, "OK")
    assert cloud.calls.wait_for("TagsByFilter", count=2) is call
    thread.join()
    with pytest.raises(CallsError, match=r"waited 0 s for 3 TagsByFilter calls, but there were 2"):
        cloud.calls.wait_for("TagsByFilter", count=3, timeout=0)


async def _calls_later(cloud: FakeViam, *names: str) -> None:
    channel = Channel(path=cloud.unix_socket)
    for name in names:
        await Viam(cloud, channel).rpc(
            "TagsByFilter", data.TagsByFilterRequest(filter=_named(name))
        )
    channel.close()


@pytest.mark.asyncio
async def test_waiting_in_the_same_loop(viam: Viam) -> None:
    """Without blocking it; the synchronous form says what to write (JR-3)."""
    waiting = asyncio.ensure_future(viam.cloud.calls.wait_for_async("TagsByFilter", count=2))
    await viam.tags_by_filter()
    assert not waiting.done()
    await viam.tags_by_filter()
    assert (await waiting).number == 2
    with pytest.raises(CallsError, match="waited 0 s for 1 FileUpload call"):
        await viam.cloud.calls.wait_for_async("FileUpload", timeout=0)
    with pytest.raises(UsageError, match=r"await calls\.wait_for_async"):
        viam.cloud.calls.wait_for("FileUpload")
    assert not viam.cloud._cloud.journal._waiters


def test_waiting_in_another_loop(cloud: FakeViam) -> None:
    """While the fake runs in its own thread (JR-3)."""
    thread = aside(_calls_later(cloud, "one"))
    call = asyncio.run(cloud.calls.wait_for_async("TagsByFilter", component="one"))
    assert call.status == "OK"
    thread.join()


def test_a_loop_that_was_closed_hurts_no_call(cloud: FakeViam) -> None:
    """Whoever waited there is gone (JR-3)."""
    loop = asyncio.new_event_loop()
    waiting = cloud.calls.wait_for_async("FileUpload")

    task = loop.create_task(waiting)
    loop.run_until_complete(asyncio.sleep(0))
    journal = cloud._cloud.journal
    (wake,) = journal._waiters.values()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    wake()  # as the server's thread may, when both happen at once
    called(cloud, "one")
    assert cloud.crashes == ()


def test_a_reply_never_comes_before_its_end_in_the_journal(cloud: FakeViam) -> None:
    """Also in another thread: who has the answer finds the call (JR-1)."""

    async def many() -> None:
        channel = Channel(path=cloud.unix_socket)
        viam = Viam(cloud, channel)
        for number in range(1, 101):
            await viam.rpc("TagsByFilter", data.TagsByFilterRequest())
            last = cloud.calls[-1]
            assert (last.number, last.status) == (2 * number - 1, "OK")
            with pytest.raises(RefusedError):
                await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id="5"))
            assert cloud.calls.last().status == "NOT_FOUND"
        channel.close()

    asyncio.run(many())


def test_reading_while_calls_run(cloud: FakeViam) -> None:
    """Iterating in one thread, calling in another (JR-1)."""
    thread = aside(_calls_later(cloud, *["x"] * 100))
    seen = 0
    while thread.is_alive():
        numbers = [call.number for call in cloud.calls.where(component="x")]
        assert numbers == sorted(numbers)
        assert len(numbers) >= seen
        seen = len(numbers)
        str(list(cloud.calls))
        [call.to_json() for call in cloud.calls]
    thread.join()
    assert len(cloud.calls) == 100


class ToldToTheServer(Deadline):
    """A deadline that the server measures; the client itself waits for the answer."""

    def time_remaining(self) -> float:
        return 0.01


@pytest.mark.asyncio
async def test_calls_that_were_given_up(viam: Viam) -> None:
    """CANCELLED if the client left, DEADLINE_EXCEEDED if its time was over (JR-1)."""
    calls = viam.cloud.calls
    async with viam.calling("FileUpload") as stream:
        await stream.send_message(file_parts()[0])
        await until(lambda: len(calls) == 1)
        assert calls.one().in_progress
        assert repr(calls.one()) == "<FileUpload #1 in progress>"
        assert calls.one().to_json()["duration"] is None
        assert calls.one().time_ended is None
        await stream.cancel()
    assert (await calls.wait_for_async()).status == "CANCELLED"
    viam.cloud.faults.on("TagsByFilter").stall()
    with pytest.raises(RefusedError):  # noqa: PT012 - one call
        async with viam.calling("TagsByFilter") as stream:
            stream._deadline = ToldToTheServer(_timestamp=0)
            await stream.send_message(data.TagsByFilterRequest(), end=True)
            await stream.recv_message()
    late = await calls.wait_for_async("TagsByFilter")
    assert late.status == "DEADLINE_EXCEEDED"


def test_once_counts_and_with_is_about_the_latest(cloud: FakeViam) -> None:
    """Both show what came nearest (JR-3)."""
    with pytest.raises(CallsError, match="No call was made at all"):
        cloud.calls.assert_called_with("TagsByFilter", component="one")
    called(cloud, "one", "two")
    cloud.calls.assert_called_once("TagsByFilter", component="one")
    cloud.calls.assert_called_with("TagsByFilter", component="two")
    cloud.calls.where("TagsByFilter").assert_called_with(component="two")
    with pytest.raises(CallsError) as caught:
        cloud.calls.assert_called_with("TagsByFilter", component="one")
    first, latest, *earlier = str(caught.value).splitlines()
    assert first == (
        "wanted the latest to be a TagsByFilter call with component='one', "
        "but it differs in component: 'two' ≠ 'one'"
    )
    assert latest.startswith("  2 TagsByFilter(")
    assert [line[:18] for line in earlier] == ["Earlier calls look", "  1 TagsByFilter(c"]
    with pytest.raises(CallsError, match=r"wanted exactly 1 TagsByFilter call.*but there were 2"):
        cloud.calls.assert_called_once("TagsByFilter")
    with pytest.raises(CallsError, match="nearest, number 2, differs in component: 'two' ≠ 'tow'"):
        cloud.calls.assert_called_once("TagsByFilter", component="tow")


def test_a_secret_can_be_compared_and_does_not_show(cloud: FakeViam) -> None:
    """In `where`, in an assertion and for a fault (JR-4, JR-8)."""
    organization = cloud.default_part.organization_id
    unlucky = {"password": "unlucky-1"}
    cloud.faults.on("ConfigureDatabaseUser", **unlucky).status("UNAVAILABLE")

    async def configure(password: str) -> None:
        channel = Channel(path=cloud.unix_socket)
        request = data.ConfigureDatabaseUserRequest(organization_id=organization, password=password)
        try:
            await Viam(cloud, channel).rpc("ConfigureDatabaseUser", request)
        finally:
            channel.close()

    asyncio.run(configure("correct-horse-1"))
    with pytest.raises(RefusedError, match="UNAVAILABLE"):
        asyncio.run(configure("unlucky-1"))
    right = cloud.calls.where("ConfigureDatabaseUser", password="correct-horse-1")  # noqa: S106
    assert right.one().status == "OK"
    assert len(cloud.calls.where(password="(secret)")) == 2  # noqa: S106
    with pytest.raises(CallsError) as caught:
        cloud.calls.assert_called("ConfigureDatabaseUser", password="wrong")  # noqa: S106
    assert "differs in password, which is another secret" in str(caught.value)
    assert "correct" not in f"{caught.value}{right!r}{right.one()}{right.one().leaves}".replace(
        "password='correct-horse-1'", ""
    )
