"""Starting and stopping, in loops and outside them; clouds beside each other; clients at once."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.client import Channel
from grpclib.exceptions import StreamTerminatedError

from fakeviam import Clock, FakeViam, UsageError
from fakeviam.server.lifecycle.server import BLOCKING
from fakeviam.store.mongo.store import MongoStore
from fakeviam.wire import data

from .driver import (
    ORGANIZATION,
    RefusedError,
    Viam,
    at,
    connect,
    file_parts,
    play,
    reading,
    tagged,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .conftest import Start

    Threads = Callable[[], int]

asynchronous = pytest.mark.asyncio


def talk(cloud: FakeViam, story: Callable[[Viam], Awaitable[Any]]) -> Any:
    """Use a running fake from a loop of our own."""

    async def whole() -> Any:
        with connect(cloud) as channel:
            return await story(Viam(cloud, channel))

    return asyncio.run(whole())


@pytest.fixture
def threads() -> Callable[[], int]:
    """How many threads run that did not when the test began."""
    before = set(threading.enumerate())
    return lambda: len(set(threading.enumerate()) - before)


# Synchronous -----------------------------------------------------------------------------


def test_a_fake_serves_any_loop(threads: Threads) -> None:
    """In a thread of its own, for one loop after another (A51)."""
    with FakeViam() as cloud:
        for name in "ab":
            talk(cloud, lambda viam, name=name: viam.upload(name, requested=at()))  # type: ignore[misc]
        assert talk(cloud, lambda viam: viam.names()) == ["a", "b"]
        assert threads() == 1
    assert threads() == 0


def test_an_error_inside_stops_the_fake(threads: Threads) -> None:
    cloud = FakeViam()
    with pytest.raises(ZeroDivisionError) as error, cloud:
        raise ZeroDivisionError(cloud.unix_socket)
    assert not Path(str(error.value)).parent.exists()
    assert threads() == 0


def test_a_fake_can_be_started_again() -> None:
    """With its data, under another address."""
    cloud = FakeViam()
    for count in range(1, 4):
        with cloud:
            talk(cloud, lambda viam: viam.upload("a"))
            page = talk(cloud, lambda viam: viam.binary(count_only=True))
            assert page.count == count


def test_a_fake_that_runs_cannot_be_entered_again(threads: Threads) -> None:
    """And it goes on undisturbed, until its own end."""
    with FakeViam() as cloud:
        with pytest.raises(UsageError, match="already running; create another one"):
            cloud.__enter__()
        talk(cloud, lambda viam: viam.upload("a"))
        path = cloud.unix_socket
    assert not Path(path).exists()
    assert threads() == 0


def test_a_start_that_fails_leaves_nothing(threads: Threads) -> None:
    with FakeViam() as cloud:
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{cloud.port}: "):
            FakeViam(port=cloud.port).__enter__()
        assert threads() == 1
        talk(cloud, lambda viam: viam.names())


def test_stopping_what_does_not_run_is_harmless() -> None:
    cloud = FakeViam()
    cloud.__exit__(None, None, None)
    with cloud:
        pass
    cloud.__exit__(None, None, None)
    asyncio.run(cloud.stop())


def test_two_fakes_with_threads_do_not_see_each_other() -> None:
    with FakeViam(seed=1) as one, FakeViam(seed=1) as other:
        first = talk(one, lambda viam: viam.upload("a", tags=["x"]))
        assert talk(other, lambda viam: viam.names()) == []
        assert talk(other, lambda viam: viam.upload("b")) == first
        assert talk(other, lambda viam: viam.tags_by_filter()) == []
        assert talk(one, lambda viam: viam.names()) == ["a"]


# Asynchronous ----------------------------------------------------------------------------


@asynchronous
async def test_inside_a_loop_the_async_form_is_asked_for(threads: Threads) -> None:
    with pytest.raises(UsageError, match="inside an event loop, write `async with FakeViam"):
        FakeViam().__enter__()
    assert threads() == 0


@asynchronous
async def test_a_fake_in_this_loop_has_no_thread(
    threads: Threads, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless viam-sdk is there, which may block the loop (TL-7)."""
    monkeypatch.delitem(sys.modules, BLOCKING, raising=False)
    viam = await start()
    assert await viam.names() == []
    assert threads() == 0


@asynchronous
async def test_a_running_fake_cannot_be_started_again(viam: Viam) -> None:
    with pytest.raises(UsageError, match="already running"):
        await viam.cloud.start()
    assert await viam.names() == []


@asynchronous
async def test_starting_and_stopping_many_times() -> None:
    cloud = FakeViam()
    for _ in range(5):
        async with cloud:
            with connect(cloud) as channel:
                await Viam(cloud, channel).upload("a")
        await cloud.stop()
    async with cloud:
        with connect(cloud) as channel:
            assert (await Viam(cloud, channel).binary(count_only=True)).count == 5


@asynchronous
async def test_many_fakes_in_one_loop_do_not_see_each_other(start: Start) -> None:
    """Data, datasets, policies, clocks, ledgers, parts: each has its own (A51)."""
    viams = [await start(seed=n, policy="strict" if n else None) for n in range(3)]
    for number, viam in enumerate(viams):
        for _ in range(number):
            await viam.upload("a", tags=[str(number)])
        viam.cloud.clock.advance(days=number)
        viam.cloud.fleet.add_part(f"part {number}")
        await viam.create_dataset(f"set {number}")
    for number, viam in enumerate(viams):
        assert (await viam.binary(count_only=True)).count == number
        assert await viam.tags_by_filter() == [str(number)][:number]
        assert [part.name for part in viam.cloud.fleet][1:] == [f"part {number}"]
        assert [d.name for d in viam.contents().datasets[0]] == [f"set {number}"]
    assert len({viam.cloud.port for viam in viams}) == 3
    assert len({viam.cloud.unix_socket for viam in viams}) == 3


@asynchronous
async def test_stopping_ends_calls_and_connections(start: Start) -> None:
    """Clients, idle or in the middle of a call, are told and do not hold it up (A30, SV-17)."""
    cloud = FakeViam()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(cloud)
        channel = stack.enter_context(connect(cloud))
        viam = Viam(cloud, channel)
        idle = stack.enter_context(socket.socket(socket.AF_UNIX))
        idle.connect(cloud.unix_socket)
        beside = await start()  # another fake, which must not notice
        with pytest.raises(RefusedError, match="UNAVAILABLE: the server stopped"):  # noqa: PT012
            async with viam.calling("FileUpload") as stream:
                await stream.send_request()
                for message in file_parts(b"x" * 100_000):
                    await stream.send_message(message)
                await viam.names()
                before = time.monotonic()
                await cloud.stop()
                assert time.monotonic() - before < 30
                await stream.end()
                await stream.recv_message()
        assert viam.contents().binary == []
        assert cloud.crashes == ()
        assert await beside.names() == []


@asynchronous
async def test_a_client_that_reads_slowly_does_not_hold_up_the_end() -> None:
    """A reply of many megabytes is on its way when the fake stops (BF-2)."""
    cloud = FakeViam()
    async with cloud:
        with connect(cloud) as channel:
            record = await Viam(cloud, channel).upload("a", bytes(30_000_000))
            async with Viam(cloud, channel).calling("BinaryDataByIDs") as stream:
                await stream.send_message(
                    data.BinaryDataByIDsRequest(binary_data_ids=[record], include_binary=True),
                    end=True,
                )
                await stream.recv_initial_metadata()
                before = time.monotonic()
                await cloud.stop()
                assert time.monotonic() - before < 30
                with pytest.raises(StreamTerminatedError):
                    await stream.recv_message()


# Addresses -------------------------------------------------------------------------------


@asynchronous
async def test_tcp_and_unix_socket_serve_the_same_cloud(viam: Viam) -> None:
    cloud = viam.cloud
    assert cloud.host == "127.0.0.1"
    assert cloud.target == f"127.0.0.1:{cloud.port}"
    assert cloud.url == f"http://127.0.0.1:{cloud.port}"
    await viam.upload("a")
    channel = Channel(cloud.host, cloud.port)
    try:
        assert await Viam(cloud, channel).names() == ["a"]
    finally:
        channel.close()


@pytest.mark.parametrize("what", ["port", "target", "url", "unix_socket"])
def test_what_does_not_run_has_no_address(what: str) -> None:
    cloud = FakeViam()
    with pytest.raises(UsageError, match="not running; enter it first: `with FakeViam"):
        getattr(cloud, what)
    with cloud:
        assert getattr(cloud, what)
    with pytest.raises(UsageError, match="not running"):
        getattr(cloud, what)


def test_addresses_are_freed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Port and socket can be had again at once, also after clients were connected."""
    path = tmp_path / "s"
    with FakeViam() as cloud:
        port = cloud.port
        talk(cloud, lambda viam: viam.names())
    monkeypatch.chdir(tmp_path)  # a relative path is short enough on every system
    for _ in range(3):
        with FakeViam(port=port, unix_socket="s") as cloud:
            assert cloud.port == port
            talk(cloud, lambda viam: viam.names())
            assert path.is_socket()
        assert not path.exists()


def test_a_port_in_use_is_told(threads: Threads) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on 127.0.0.1:{port}: .*in use"):
            FakeViam(port=port).__enter__()
    assert threads() == 0


@pytest.mark.parametrize("port", [-1, 65_536, 2**40])
def test_a_port_that_cannot_be_is_told(port: int) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: "):
        FakeViam(port=port).__enter__()


def test_a_host_that_cannot_be_is_told() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:0: "):
        FakeViam(host="192.0.2.1").__enter__()


def test_a_socket_path_that_cannot_be_is_told(
    threads: Threads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too long, occupied by a file or by a server, in no directory."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="path is longer than 103 bytes"):
        FakeViam(unix_socket="x" * 104).__enter__()
    Path("file").write_text("precious")
    with pytest.raises(UsageError, match="the Unix socket file: a file is there already"):
        FakeViam(unix_socket="file").__enter__()
    assert Path("file").read_text() == "precious"
    with pytest.raises(UsageError, match="cannot listen on the Unix socket no/s: "):
        FakeViam(unix_socket="no/s").__enter__()
    with FakeViam(unix_socket="s") as cloud:
        with pytest.raises(UsageError, match="s: another server is using it"):
            FakeViam(unix_socket="s").__enter__()
        talk(cloud, lambda viam: viam.names())
    assert threads() == 0
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_a_tmpdir_that_cannot_hold_a_socket_is_told(
    threads: Threads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too long for a socket, or not there; with a path of one's own it does not matter."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / ("x" * 103)
    place.mkdir()
    excess = len(str(place)) + len("/fv-12345678/s.sock") - 103
    monkeypatch.setenv("TMPDIR", str(place))
    with pytest.raises(UsageError, match=rf"TMPDIR is {excess} bytes too long .*TMPDIR=/tmp"):
        FakeViam().__enter__()
    assert list(place.iterdir()) == []
    with FakeViam(unix_socket="s") as cloud:
        talk(cloud, lambda viam: viam.names())
    monkeypatch.setenv("TMPDIR", "gone")
    with pytest.raises(UsageError, match=r"cannot make a directory .* in gone: No such file"):
        FakeViam().__enter__()
    assert threads() == 0


def test_a_socket_that_a_dead_server_left_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("s")
    assert Path("s").is_socket()
    with FakeViam(unix_socket=Path("s")) as cloud:
        assert cloud.unix_socket == "s"
        talk(cloud, lambda viam: viam.names())
    assert not Path("s").exists()


# Arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"policy": "lenient"},
            "policy must be one of documented, observed, strict, got 'lenient'",
        ),
        ({"auth": "none"}, "auth must be one of 'any', 'keys', got 'none'"),
        ({"min_evidence": "sure"}, "min_evidence must be one of documented, .*, got 'sure'"),
        ({"max_message_bytes": 0}, "max_message_bytes must be at least 1, got 0"),
        ({"max_message_bytes": -5}, "max_message_bytes must be at least 1, got -5"),
        ({"policy": {"count": "total"}}, "policy must be a Policy or the name of a preset, got {"),
        ({"clock": "2026-01-31"}, r"clock must be a Clock, such as Clock.frozen\("),
        ({"clock": Clock.frozen("9999-12-31T23:00-02:00")}, "clock must show .* years 1 to 9999"),
        ({"token_lifetime": 300}, "token_lifetime must be a timedelta above 0, got 300"),
        ({"token_lifetime": timedelta(0)}, "token_lifetime must be a timedelta above 0"),
        ({"seed": "lab.yaml"}, "seed must be a whole number, got 'lab.yaml'; load= takes seed f"),
        ({"strict": 1}, "strict must be a bool, got 1"),
        ({"control": None}, "control must be a bool, got None"),
        ({"control_token": b"x"}, "control_token must be a str, got b'x'"),
        ({"host": 3}, "host must be a str, got 3"),
        ({"port": "8080"}, "port must be a whole number, got '8080'"),
        ({"unix_socket": 3}, "unix_socket must be a path, got 3"),
        ({"journal_bytes": -1}, "journal_bytes must be at least 0, got -1"),
        ({"max_message_bytes": 1.5}, "max_message_bytes must be a whole number, got 1.5"),
    ],
)
def test_bad_arguments_are_told(arguments: dict[str, Any], text: str) -> None:
    """At once, before anything listens."""
    with pytest.raises(UsageError, match=text):
        FakeViam(**arguments)
    with pytest.raises(ValueError, match=text):
        FakeViam(**arguments)


def test_a_key_must_see_something() -> None:
    """At least one organization, and one that exists (A51)."""
    cloud = FakeViam()
    with pytest.raises(UsageError, match="give organizations, locations or machines"):
        cloud.add_api_key(organizations=[])
    with pytest.raises(UsageError, match="no organization has the id 'acme'"):
        cloud.add_api_key(organizations=[ORGANIZATION, "acme"])
    with pytest.raises(UsageError, match="no organization has the id 'acme'"):
        cloud.add_api_key(organizations="acme")
    assert cloud.add_api_key(organizations=ORGANIZATION).organization_ids == {ORGANIZATION}


def test_dial_options_need_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "viam.rpc.dial", None)
    with pytest.raises(UsageError, match="pip install viam-sdk"):
        FakeViam().dial_options()


def test_one_seed_gives_the_same_ids() -> None:
    """For the same calls; another seed, and none, give others (ID-2)."""

    def made(**options: Any) -> list[str]:
        ids: list[str] = []

        async def story(viam: Viam) -> None:
            part = viam.cloud.fleet.add_part("p", robot="r", location="l", organization="o")
            ids.extend([part.id, part.robot_id, part.location_id, part.organization_id])
            image = await viam.upload("a")
            ids.append(image)
            ids.append(await viam.add_box(image))
            ids.append(await viam.create_dataset())
            ids.append(await viam.upload_readings(reading({"n": 1})))
            ids.append((await viam.binary()).last)

        play(story, **options)
        return ids

    assert made(seed=7) == made(seed=7)
    for other in ({"seed": 8}, {"seed": None}):
        assert not set(made(seed=7)) & set(made(**other))


def test_without_a_clock_the_real_time_is_followed() -> None:
    """Uploads without times are of now (A28)."""

    async def story(viam: Viam) -> None:
        before = time.time_ns()
        metadata = await viam.metadata_of(await viam.upload("a"))
        stamp = metadata.time_requested
        assert before <= stamp.seconds * 10**9 + stamp.nanos <= time.time_ns()

    play(story, clock=None)


@asynchronous
async def test_the_clock_that_is_given_is_used(start: Start) -> None:
    """And can be moved while the fake runs (A28)."""
    viam = await start(clock=Clock.frozen("2000-01-01T00:00:00Z"))
    metadata = await viam.metadata_of(await viam.upload("a"))
    assert metadata.time_requested.seconds == 946_684_800
    viam.cloud.clock.advance(days=1)
    metadata = await viam.metadata_of(await viam.upload("b"))
    assert metadata.time_requested.seconds == 946_684_800 + 86_400


# Reset -----------------------------------------------------------------------------------


@asynchronous
async def test_a_reset_forgets_data_and_keeps_the_fleet(viam: Viam) -> None:
    """Files, readings, datasets, users; parts and clients' connections stay (DB-4, TG-1)."""
    part = viam.cloud.fleet.add_part("p")
    dataset = await viam.create_dataset()
    image = await viam.upload("a", tags=["x"], dataset_ids=[dataset], part_id=part.id)
    await viam.add_box(image)
    await viam.upload_readings(reading({"n": 1}))
    request = data.ConfigureDatabaseUserRequest(organization_id=ORGANIZATION, password="p")  # noqa: S106
    await viam.rpc("ConfigureDatabaseUser", request)
    viam.cloud.reset()
    contents = viam.contents()
    assert not contents.binary
    assert not contents.tabular
    assert not any(contents.datasets)
    assert not any(contents.passwords)
    assert await viam.tags_by_filter() == []
    await viam.upload("b", part_id=part.id)
    await viam.create_dataset()


@asynchronous
async def test_ids_go_on_after_a_reset(viam: Viam) -> None:
    """An id from before names nothing that comes after (ID-6)."""
    before = await viam.upload("a")
    token = (await viam.binary()).last
    viam.cloud.reset()
    after = await viam.upload("a")
    assert after != before
    assert (await viam.by_ids(before)).count == 0
    assert len((await viam.binary(last=token)).data) in {0, 1}


# Clients at once -------------------------------------------------------------------------


@asynchronous
async def test_readings_of_one_upload_appear_together(viam: Viam) -> None:
    """Whoever reads meanwhile sees all of an upload or nothing of it (CU-2, PG-7)."""
    size, uploads = 7, 12
    running = True

    async def write() -> None:
        for _ in range(uploads // 2):
            await viam.upload_readings(*(reading({"n": n}, at()) for n in range(size)))

    async def read() -> int:
        looks = 0
        with connect(viam.cloud) as channel:
            client = Viam(viam.cloud, channel)
            while running:
                assert (await client.tabular(count_only=True)).count % size == 0
                assert len((await client.tabular(limit=100)).data) % size in {0, 100 % size}
                looks += 1
        return looks

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.gather(write(), write())
    running = False
    assert all(looks > 1 for looks in await asyncio.gather(*readers))
    assert (await viam.tabular(count_only=True)).count == size * uploads


@asynchronous
async def test_changes_of_many_records_appear_together(viam: Viam) -> None:
    """A tag is on all of a call's records or on none, by ids and by filter (TA-1, TR-1)."""
    ids = [await viam.upload(str(n), requested=at(n)) for n in range(9)]
    running = True

    async def write() -> None:
        for number in range(8):
            await viam.add_tags(*ids, tags=["x", str(number)])
            await viam.rpc(
                "RemoveTagsFromBinaryDataByFilter",
                data.RemoveTagsFromBinaryDataByFilterRequest(tags=["x", str(number)]),
            )

    async def read() -> None:
        with connect(viam.cloud) as channel:
            client = Viam(viam.cloud, channel)
            while running:
                page = await client.binary()
                seen = {tuple(entry.metadata.capture_metadata.tags) for entry in page.data}
                assert len(seen) == 1
                assert (await client.binary(tagged("x"), count_only=True)).count in {0, 9}

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await write()
    running = False
    await asyncio.gather(*readers)


@asynchronous
async def test_many_clients_write_at_once(viam: Viam) -> None:
    """Nothing is lost: each upload is a record, each tag is there, each count is right (TR-2)."""
    clients = 6

    async def work(number: int) -> None:
        with connect(viam.cloud) as channel:
            client = Viam(viam.cloud, channel)
            for step in range(5):
                record = await client.upload(f"{number}-{step}", requested=at(step))
                await client.add_tags(record, tags=[str(number), "all"])

    await asyncio.gather(*map(work, range(clients)))
    assert len(set(await viam.names(limit=100))) == clients * 5
    assert await viam.tags_by_filter() == [*map(str, range(clients)), "all"]
    request = data.RemoveTagsFromBinaryDataByFilterRequest(tags=["all"])
    removed = await asyncio.gather(
        *(viam.rpc("RemoveTagsFromBinaryDataByFilter", request) for _ in range(4))
    )
    assert sum(reply.deleted_count for reply in removed) == clients * 5


@asynchronous
async def test_only_one_of_many_gets_a_name(viam: Viam) -> None:
    """Names stay unique however many ask at once (DS-8)."""
    made = await asyncio.gather(
        *(viam.create_dataset("same") for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in made) == 1


def test_health_waits_for_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks hears that the fake waits for it; the call goes on later (HT-12)."""
    asked, answers = Event(), Event()
    page = MongoStore.binary_page

    def hang(*arguments: Any, **options: Any) -> Any:
        asked.set()
        assert answers.wait(60)
        return page(*arguments, **options)

    monkeypatch.setattr(MongoStore, "binary_page", hang)
    with FakeViam(store="mongomock:") as cloud, ThreadPoolExecutor(1) as pool:
        call = pool.submit(talk, cloud, lambda viam: viam.binary())
        assert asked.wait(60)
        health = HTTPConnection(cloud.host, cloud.port, timeout=60)
        with closing(health):
            health.request("GET", "/healthz")
            reply = health.getresponse()
            said = reply.read().decode()
        assert (reply.status, reply.getheader("server")) == (503, "fakeviam")
        assert "waits for its database, which does not answer" in said
        answers.set()
        assert list(call.result(60).data) == []
        with closing(health):
            health.request("GET", "/healthz")
            assert health.getresponse().read() == b"ok\n"
