"""Nothing of another organization shows, whatever is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fakeviam.model.ids import Counters
from fakeviam.server.transport.routes import built
from fakeviam.wire import data

from .driver import (
    DEFAULT_PART,
    ORGANIZATION,
    As,
    RefusedError,
    Viam,
    at,
    play,
    reading,
    signed_in,
)
from .fleet_requests import fleet_requests
from .newest_requests import Things, make_things
from .prying import Known, questions

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam.model.fleet import Part

    from .conftest import Start


@dataclass(frozen=True, kw_only=True)
class Their:
    """Data of another organization, of which nothing may show."""

    files: tuple[tuple[int, bytes, str, str], ...] = ()  # time, bytes, tag, label of a box
    readings: tuple[tuple[int, int, str], ...] = ()  # time, value, tag
    datasets: tuple[str, ...] = ()
    password: bool = False
    things: bool = False  # what the newest RPCs speak of
    metadata: str = ""  # of their part and its owners


#: An example takes a second; a failure says more by what differs than by being small.
NO_SHRINKING = (Phase.explicit, Phase.generate)

WORDS = st.sampled_from(["cat", "dog", "own", "theirs"])
THEIRS = st.builds(
    Their,
    files=st.lists(
        st.tuples(st.integers(-3, 3), st.binary(max_size=4), WORDS, WORDS), max_size=3
    ).map(tuple),
    readings=st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3), WORDS), max_size=3).map(
        tuple
    ),
    datasets=st.lists(WORDS, unique=True, max_size=2).map(tuple),
    password=st.booleans(),
    things=st.booleans(),
    metadata=st.sampled_from(["", "cat", "theirs"]),
)


async def put_theirs(owner: As, part: Part, held: Their) -> Known:
    """Store what another organization has; answer what it knows of it."""
    known = Known(part=part)
    for name in held.datasets:
        made = await owner.create_dataset(name, organization_id=part.organization_id)
        known.datasets.append(made)
    for seconds, payload, tag, label in held.files:
        made = await owner.upload(
            tag,
            payload,
            requested=at(seconds),
            tags=[tag],
            part_id=part.id,
            dataset_ids=known.datasets[:1],
        )
        known.binary.append(made)
        known.boxes.append(await owner.add_box(made, label))
        known.tags.append(tag)
    for seconds, value, tag in held.readings:
        await owner.upload_readings(reading({"n": value}, at(seconds)), tags=[tag], part_id=part.id)
    if held.password:
        request = data.ConfigureDatabaseUserRequest(
            organization_id=part.organization_id,
            password="x",  # noqa: S106 - nobody's
        )
        await owner.rpc("ConfigureDatabaseUser", request)
    for rpc, update in fleet_requests(part).items() if held.metadata else ():
        if rpc.startswith("Update"):
            update.data.update({"note": held.metadata})  # type: ignore[attr-defined]
            await owner.rpc(rpc, update)
    if held.things:
        known.things = await make_things(owner, part)
    for page in (await owner.binary(limit=1), await owner.tabular(limit=1)):
        known.tokens.append(page.last)
    return known


async def put_ours(owner: As) -> tuple[str, str, str]:
    """Store what the caller may see: a record, a dataset, a box."""
    made = await owner.create_dataset("own")
    record = await owner.upload("own", b"own", requested=at(0), tags=["own"], dataset_ids=[made])
    await owner.upload_readings(reading({"n": 1}, at(0)), tags=["own"])
    return record, made, await owner.add_box(record, "own")


async def heard(client: As, rpc: str, messages: list[Message]) -> tuple[object, ...]:
    """All that a client gets to see of an answer."""
    try:
        async with client.calling(
            rpc, metadata={"authorization": f"Bearer {client.token}"}
        ) as stream:
            await stream.send_request()
            for message in messages:
                await stream.send_message(message)
            await stream.end()
            reply = await stream.recv_message()
            await stream.recv_trailing_metadata()
    except RefusedError as error:
        return error.status, error.text, error.clause
    return b"" if reply is None else reply.SerializeToString(), dict(stream.trailing_metadata)


#: Tokens of pages, which hold how much arrived; they are opaque, and so by their number.
_TOKENS = re.compile(rb"[0-9a-f]{38}|127\.0\.0\.1:\d+")  # and the ports of these fakes


class Mask:
    """Tokens by their number in what one client heard."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, bytes] = {}

    def over(self, answer: tuple[object, ...]) -> bytes:
        blob = b"|".join(part if isinstance(part, bytes) else str(part).encode() for part in answer)
        return _TOKENS.sub(self._number, blob)

    def _number(self, found: re.Match[bytes]) -> bytes:
        return self._numbers.setdefault(found[0], b"<%d>" % len(self._numbers))


def theirs_in(viam: Viam, part: Part) -> list[object]:
    """What the other part and its organization have, past all policies."""
    held = viam.contents()
    owner = part.organization_id
    mine = owner == ORGANIZATION  # then datasets are in common
    return [
        [pair for pair in held.binary if pair[0].source.part_id == part.id],
        [record for record in held.tabular if record.source.part_id == part.id],
        () if mine else viam.cloud._cloud.store.datasets(owner),
        () if mine else viam.cloud._cloud.store.database_password(owner),
        () if mine else [one for one in held.entities if one.owner == owner],
        viam.cloud.fleet.metadata_of(part.id),
    ]


async def prepared(
    viam: Viam, their: Their, level: str = "organizations"
) -> tuple[As, Known, tuple[str, str, str]]:
    """A fake with our data and theirs, and the client of ours."""
    owner = "acme" if level == "organizations" else DEFAULT_PART.organization_name
    place = DEFAULT_PART.location_name if level == "machines" else "den"
    part = viam.cloud.fleet.add_part("arm", robot="r", location=place, organization=owner)
    key = viam.cloud.add_api_key(organizations=part.organization_id)
    own: dict[str, Any] = {
        "organizations": ORGANIZATION,
        "locations": DEFAULT_PART.location_id,
        "machines": DEFAULT_PART,
    }
    our_key = viam.cloud.add_api_key(**{level: own[level]})
    owned = await put_ours(await signed_in(viam))
    ours = await signed_in(viam, our_key.id, our_key.key)
    known = await put_theirs(await signed_in(viam, key.id, key.key), part, their)
    # From here on new things get the same ids, whatever was made before.
    viam.cloud._cloud.ids.rewind(Counters(10_000, 10_000))
    return ours, known, owned


@pytest.mark.slow
@settings(
    max_examples=1 + settings().max_examples // 50,
    phases=NO_SHRINKING,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(THEIRS, THEIRS, st.sampled_from(["documented", "observed", "strict"]))
def test_nothing_depends_on_what_others_have(one: Their, two: Their, policy: str) -> None:
    """Two fakes that differ in another organization's data alone give one client the same replies,
    counts, texts and trailers to every RPC, and it changes nothing there (AC-5, A51)."""
    nothing_shows(one, two, policy)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["locations", "machines"])
@settings(max_examples=1, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.too_slow])
@given(THEIRS, THEIRS)
def test_nothing_depends_on_other_places(level: str, one: Their, two: Their) -> None:
    """The same of a key of a location or a machine and the data beside it; datasets and the
    database are those of the organization (AC-5, AC-8)."""
    shared: dict[str, Any] = {"datasets": (), "password": False, "things": False}
    nothing_shows(replace(one, **shared), replace(two, **shared), "documented", level)


def nothing_shows(one: Their, two: Their, policy: str, level: str = "organizations") -> None:
    async def learn(viam: Viam, *, their: Their) -> None:
        _, known, _ = await prepared(viam, their, level)
        everything.part = known.part
        if known.things != Things():
            everything.things = known.things
        for name in ("binary", "datasets", "boxes", "tokens"):
            merged = [*getattr(everything, name), *getattr(known, name)]
            setattr(everything, name, list(dict.fromkeys(merged)))

    async def ask(viam: Viam, *, their: Their) -> None:
        client, known, owned = await prepared(viam, their, level)
        before, mask = theirs_in(viam, known.part), Mask()
        answers = []
        for rpc, messages in questions(owned, everything):
            answers.append((rpc, mask.over(await heard(client, rpc, messages))))
        assert theirs_in(viam, known.part) == before
        streams.append(answers)

    everything = Known(part=DEFAULT_PART)
    streams: list[list[tuple[str, bytes]]] = []
    for their in (one, two):
        play(partial(learn, their=their), auth="keys", policy=policy)
    for their in (one, two):
        play(partial(ask, their=their), auth="keys", policy=policy)
    assert len(streams[0]) == len(streams[1])
    assert [pair for pair in zip(*streams, strict=True) if pair[0] != pair[1]] == []
    assert {rpc for rpc, _ in streams[0]} == built() - {"Authenticate"}


@pytest.mark.asyncio
async def test_tokens_of_pages_are_opaque(start: Start) -> None:
    """Each next one looks like chance: it shows neither times nor how much arrived (AC-5)."""
    viam = await start()
    for number in range(40):
        await viam.upload(str(number), requested=at(0))
    tokens = []
    last = ""
    for _ in range(40):
        page = await viam.binary(limit=1, last=last, sort_order=data.ORDER_ASCENDING)
        tokens.append(last := page.last)
    assert len(set(tokens)) == 40
    for place in range(len(tokens[0])):  # one of 16 digits stays the same 40 times: never
        assert len({token[place] for token in tokens}) > 4


@pytest.mark.asyncio
async def test_tokens_of_pages_are_good_where_they_were_given(start: Start) -> None:
    """To those who see the same organizations; to others they are foreign (AC-5, A56)."""
    viam = await start(auth="keys", policy="strict")
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    key = viam.cloud.add_api_key(organizations=part.organization_id)
    again = viam.cloud.add_api_key(organizations=ORGANIZATION)
    ours, other = await signed_in(viam), await signed_in(viam, key.id, key.key)
    for number in range(2):
        await ours.upload(str(number), requested=at(number))
    last = (await ours.binary(limit=1, sort_order=data.ORDER_ASCENDING)).last
    second = await signed_in(viam, again.id, again.key)
    assert await second.names(last=last) == ["1"]
    with viam.refuses(Status.INVALID_ARGUMENT, "A56"):
        await other.names(last=last)
