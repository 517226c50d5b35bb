"""Many isolated clouds behind one server."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakeviam import FakeViam, Policy, UsageError
from fakeviam.store.base import Store
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import data

from .driver import ORGANIZATION, As, Viam, at, file_parts, login, play, reading, refused, signed_in

if TYPE_CHECKING:
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.session import Session

    from .conftest import Start


class Within(Viam):
    """A client that names a session with every call."""

    session: Session

    async def rpc(self, name: str, *messages: Any, **options: Any) -> Any:
        return await super().rpc(name, *messages, metadata=dict(self.session.metadata), **options)


def within(viam: Viam, session: Session) -> Within:
    client = Within(viam.cloud, viam.channel)
    client.session = session
    return client


# Which session ---------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("auth", ["any", "keys"])
async def test_an_api_key_chooses_its_session(start: Start, auth: str) -> None:
    """The login, and every call with its token (SS-1, SS-4)."""
    viam = await start(auth=auth)
    with viam.cloud.session() as one, viam.cloud.session() as two:
        clients = [await signed_in(viam, each.api_key_id, each.api_key) for each in (one, two)]
        base = await signed_in(viam)
        for name, client in zip(("a", "b", "c"), (*clients, base), strict=True):
            await client.upload(name)
        assert [await client.names() for client in (*clients, base)] == [["a"], ["b"], ["c"]]
        for controls in (one, two, viam.cloud):
            made = [call.rpc for call in controls._cloud.journal.records()]
            assert made == ["Authenticate", "DataCaptureUpload", "BinaryDataByFilter"]
            assert [call.number for call in controls._cloud.journal.records()] == [1, 2, 3]


@pytest.mark.asyncio
async def test_metadata_chooses_a_session(viam: Viam) -> None:
    """Without any login; what is named wins over a token (SS-1)."""
    with viam.cloud.session("mine") as session, viam.cloud.session() as other:
        client = within(viam, session)
        await client.upload("a")
        assert await viam.names() == []
        token = await login(viam, other.api_key_id, other.api_key)
        headers = {**session.metadata, "authorization": f"Bearer {token}"}
        reply = await viam.rpc(
            "BinaryDataByFilter", data.BinaryDataByFilterRequest(), metadata=headers
        )
        assert reply.count == 1
        assert not other.calls


@pytest.mark.asyncio
async def test_a_login_that_names_a_session_stays_there(start: Start) -> None:
    """The key of another session is unknown in it (SS-1)."""
    viam = await start(auth="keys")
    with viam.cloud.session() as one, viam.cloud.session() as two:
        with refused(Status.UNAUTHENTICATED, "AU-4"):
            await login(viam, two.api_key_id, two.api_key, metadata=dict(one.metadata))
        assert await login(viam, one.api_key_id, one.api_key, metadata=dict(one.metadata))


@pytest.mark.asyncio
async def test_a_session_meets_its_own_faults_at_login(viam: Viam) -> None:
    """And the base's do not count it (SS-4)."""
    viam.cloud.faults.on("Authenticate").once().status("UNAVAILABLE")
    with viam.cloud.session() as session:
        session.faults.on("Authenticate").once().status("ABORTED")
        with pytest.raises(Exception, match="ABORTED"):
            await login(viam, session.api_key_id, session.api_key)
        await login(viam, session.api_key_id, session.api_key)
    with pytest.raises(Exception, match="UNAVAILABLE"):
        await login(viam)


@pytest.mark.asyncio
async def test_an_unknown_session_is_refused(viam: Viam) -> None:
    """It is named, with what opens it; the base stays as it is (SS-2)."""
    with viam.refuses(Status.FAILED_PRECONDITION, "SS-2", "open it with cloud.session('x')"):
        await viam.rpc(
            "TagsByFilter", data.TagsByFilterRequest(), metadata={"fakeviam-session": "x"}
        )


# Their end -------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("auth", ["any", "keys"])
async def test_what_is_left_of_a_closed_session_reaches_nobody(start: Start, auth: str) -> None:
    """Its name, its tokens and its API keys, those too that were made within (SS-2, SS-3)."""
    viam = await start(auth=auth)
    session = viam.cloud.session("mine")
    made = session.add_api_key(organizations=ORGANIZATION)
    client = await signed_in(viam, made.id, made.key)
    await client.upload("a")
    session.close()
    with viam.refuses(Status.FAILED_PRECONDITION, "SS-3", "of a closed session"):
        await client.upload("b")
    for key_id, key in ((session.api_key_id, session.api_key), (made.id, made.key)):
        with refused(Status.FAILED_PRECONDITION, "SS-3", "open another one"):
            await login(viam, key_id, key)
    with refused(Status.FAILED_PRECONDITION, "SS-2"):
        await within(viam, session).binary()
    assert [call.rpc for call in session.calls] == ["DataCaptureUpload"]
    assert "mine" not in viam.cloud.sessions


@pytest.mark.asyncio
async def test_the_next_session_of_that_name_is_another_one(viam: Viam) -> None:
    """The same ids for the same calls; other keys, other tokens (SS-1, SS-3)."""
    with viam.cloud.session("mine") as first:
        old = await signed_in(viam, first.api_key_id, first.api_key)
        one = await old.upload("a")
    with viam.cloud.session("mine") as second:
        with refused(Status.FAILED_PRECONDITION, "SS-3"):
            await old.upload("b")
        with refused(Status.FAILED_PRECONDITION, "SS-3"):
            await login(viam, first.api_key_id, first.api_key)
        new = await signed_in(viam, second.api_key_id, second.api_key)
        assert await new.names() == []
        assert await new.upload("a") == one


@pytest.mark.asyncio
async def test_a_token_of_ones_own_is_no_sessions(viam: Viam) -> None:
    """In mode `any`, a bearer token may be anything, a tilde in it too (SS-3)."""
    for token in ("a~b", "~", "~~1", "a~000000001", "a~" + "9" * 5000, "a~deadbeef0"):
        client = As(viam.cloud, viam.channel)
        client.token = token
        await client.binary()


@pytest.mark.asyncio
async def test_a_call_in_progress_ends_where_it_began(viam: Viam) -> None:
    """An upload whose session is closed meanwhile is stored there, and nowhere else (SS-1)."""
    session = viam.cloud.session()
    async with viam.calling("FileUpload", metadata=dict(session.metadata)) as stream:
        first, second = file_parts(b"x")
        await stream.send_message(first)
        await stream.send_message(second)
        while sum(call.messages_received for call in session.calls) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        session.close()
        await stream.end()
        assert (await stream.recv_message()).file_id
    assert await viam.names() == []


@pytest.mark.asyncio
async def test_names_are_checked(viam: Viam) -> None:
    """The text says which are fine (SS-1)."""
    with viam.cloud.session("mine"), pytest.raises(UsageError, match="is already open; close it"):
        viam.cloud.session("mine")
    for name in ("", " ", "a b", "é", "a\n", "x" * 201):
        with pytest.raises(UsageError, match="1 to 200 printable ASCII characters"):
            viam.cloud.session(name)
    assert not viam.cloud.sessions
    with pytest.raises(UsageError, match="policy must be one of"):
        viam.cloud.session(policy="lenient")


# What it starts with, and what it keeps to itself -----------------------------------------


@pytest.mark.asyncio
async def test_a_session_starts_with_what_the_base_holds(start: Start) -> None:
    """Data, datasets, fleet, API keys and the clock (SS-1)."""
    viam = await start(auth="keys")
    base = await signed_in(viam)
    record = await base.upload("a", tags=["x"])
    dataset = await base.create_dataset("cats")
    part = viam.cloud.fleet.add_part("arm")
    viam.cloud.clock.advance(days=1)
    key = viam.cloud.add_api_key(organizations=ORGANIZATION)
    with viam.cloud.session() as session:
        client = await signed_in(viam, session.api_key_id, session.api_key)
        assert await client.tags_of(record) == ["x"]
        await client.add_members(dataset, record)
        await client.upload("b", part_id=part.id)
        assert session.clock.now() == viam.cloud.clock.now()
        assert key in session.api_keys
        assert await base.names() == ["a"]
        assert not (await base.metadata_of(record)).dataset_ids


@pytest.mark.asyncio
async def test_everything_else_is_a_sessions_own(viam: Viam) -> None:
    """Clock, fleet, keys, policy, journal, faults, scripted replies, clauses, reset (SS-1)."""
    cloud = viam.cloud
    await viam.upload("base")
    with cloud.session() as one, cloud.session(policy="strict") as two:
        part = one.fleet.add_part("arm")
        one.clock.advance(days=1)
        one.add_api_key(organizations=ORGANIZATION)
        one.faults.on("TagsByFilter").status("ABORTED").optional()
        one.policy = Policy(remove_tags_count="records")
        await within(viam, one).upload("a")
        for other in (cloud, two):
            assert other.fleet.part(part.id) is None
            assert one.clock.now() - other.clock.now() == timedelta(days=1).total_seconds() * 1e9
            assert not other.faults
            assert other.policy != one.policy
        assert [key.id for key in cloud.api_keys] == [cloud.api_key_id]
        assert [key.id for key in two.api_keys] == [cloud.api_key_id, two.api_key_id]
        assert two.policy == Policy.strict()
        assert [len(each.calls) for each in (one, two, cloud)] == [1, 0, 1]
        assert not two.clauses_used
        one.reset()
        assert await within(viam, one).names() == []
        assert await within(viam, two).names() == ["base"]
        await viam.tags_by_filter()


@pytest.mark.asyncio
async def test_a_store_that_cannot_fork_has_no_sessions() -> None:
    class Stiff(MemoryStore):
        fork = Store.fork  # type: ignore[assignment]

    cloud = FakeViam(store=Stiff)
    with pytest.raises(UsageError, match="Stiff cannot be forked; sessions and snapshots require"):
        cloud.session()
    assert not cloud.sessions


# The law ---------------------------------------------------------------------------------

STEPS = st.sampled_from(["upload", "readings", "tag", "untag", "delete", "dataset", "box", "clock"])
PROGRAMS = st.lists(st.tuples(st.integers(0, 2), STEPS, st.integers(0, 3)), max_size=14)


async def do(  # noqa: PLR0911 - a step, a line
    client: Viam, world: CloudHandle, step: str, number: int
) -> object:
    """One step of a program; what it answers, for comparison with the same alone."""
    ids = [record.binary_data_id for record, _ in contents(world)[0]][number:]
    if step == "upload":
        return await client.upload(f"f{number}", bytes(number), requested=at(number))
    if step == "readings":
        return await client.upload_readings(reading({"n": number}, at(number)))
    if step == "clock":
        world.clock.advance(hours=number)
        return None
    if step == "dataset":
        return await client.create_dataset(f"d{len(contents(world)[2][0])}")
    if step == "untag":
        request = data.RemoveTagsFromBinaryDataByFilterRequest(tags=[f"t{number}"])
        return await client.rpc("RemoveTagsFromBinaryDataByFilter", request)
    if not ids:
        return None
    if step == "tag":
        await client.add_tags(*ids, tags=[f"t{number}"])
        return None
    if step == "box":
        return await client.add_box(ids[0])
    request_ = data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids)
    return await client.rpc("DeleteBinaryDataByIDs", request_)


def contents(world: CloudHandle) -> tuple[Any, ...]:
    client = Viam.__new__(Viam)
    client.cloud = world  # type: ignore[assignment]
    return (*client.contents(), world.clock.now())


@settings(max_examples=settings().max_examples // 4, suppress_health_check=[HealthCheck.too_slow])
@given(PROGRAMS, PROGRAMS)
def test_worlds_are_as_if_alone(before: Any, after: Any) -> None:
    """A program in two sessions and the base, interleaved, comes in each to what its own steps
    come to with nobody else there: answers and contents (SS-1)."""

    async def together(viam: Viam) -> None:
        for _, step, number in before:
            await do(viam, viam.cloud, step, number)
        with viam.cloud.session("one") as one, viam.cloud.session("two") as two:
            worlds = [(viam, viam.cloud), (within(viam, one), one), (within(viam, two), two)]
            for which, step, number in after:
                client, world = worlds[which]
                answers[which].append(await do(client, world, step, number))
            held.extend(contents(world) for _, world in worlds)

    async def alone(viam: Viam, mine: int) -> None:
        for _, step, number in before:
            await do(viam, viam.cloud, step, number)
        with viam.cloud.session("one") as one, viam.cloud.session("two") as two:
            client, world = [
                (viam, viam.cloud),
                (within(viam, one), one),
                (within(viam, two), two),
            ][mine]
            own = [await do(client, world, step, n) for at_, step, n in after if at_ == mine]
            assert own == answers[mine]
            assert contents(world) == held[mine]

    answers: list[list[object]] = [[], [], []]
    held: list[Any] = []
    play(together)
    for mine in range(3):
        play(partial(alone, mine=mine))
