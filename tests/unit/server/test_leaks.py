"""Nothing of another organization shows, whatever is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fakeviam.model.ids import Counters
from fakeviam.server.routes import STREAMS, UNARY
from fakeviam.wire import data, dataset, datasync

from .driver import (
    DEFAULT_PART,
    ORGANIZATION,
    As,
    RefusedError,
    Viam,
    at,
    file_parts,
    id_of,
    play,
    reading,
    signed_in,
    stream_parts,
    tagged,
    upload_metadata,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@dataclass(kw_only=True)
class Known:
    """Every id and name of theirs that somebody could have got hold of."""

    part: Part
    binary: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


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
)

#: An id that nobody has, where there is none of theirs.
GUESSED = "f" * 24


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
    for page in (await owner.binary(limit=1), await owner.tabular(limit=1)):
        known.tokens.append(page.last)
    return known


async def put_ours(owner: As) -> tuple[str, str, str]:
    """Store what the caller may see: a record, a dataset, a box."""
    made = await owner.create_dataset("own")
    record = await owner.upload("own", b"own", requested=at(0), tags=["own"], dataset_ids=[made])
    await owner.upload_readings(reading({"n": 1}, at(0)), tags=["own"])
    return record, made, await owner.add_box(record, "own")


def questions(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    """Every RPC, in every way that could touch what is theirs; writes last."""
    yield from asking(ours, known)
    yield from writing(ours, known)
    yield from asking(ours, known)


def filters(known: Known) -> list[data.Filter]:
    """Filters that name what is theirs, in each field that can."""
    part = known.part
    named = [
        data.Filter(robot_id=part.robot_id),
        data.Filter(robot_name=part.robot_name),
        data.Filter(part_id=part.id),
        data.Filter(part_name=part.name),
    ]
    several = [
        data.Filter(location_ids=[part.location_id]),
        data.Filter(organization_ids=[part.organization_id]),
        data.Filter(organization_ids=[ORGANIZATION, part.organization_id]),
        data.Filter(dataset_id=(known.datasets or [GUESSED])[0]),
        data.Filter(bbox_labels=["cat", "dog", "own", "theirs"]),
    ]
    labels = [f"VIAM_DATASET_{each}" for each in known.datasets or [GUESSED]]
    tags = [
        tagged("cat", "dog", "own", "theirs", *labels),
        tagged(kind=data.TAGS_FILTER_TYPE_TAGGED),
        tagged(kind=data.TAGS_FILTER_TYPE_UNTAGGED),
    ]
    return [data.Filter(), *named, *several, *tags]


def asking(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    pages = [data.DataRequest(filter=wanted, limit=2) for wanted in filters(known)]
    pages += [data.DataRequest(last=last, limit=1) for last in known.tokens if last]
    for page in pages:
        for flags in ({}, {"count_only": True}, {"include_internal_data": True}):
            yield (
                "TabularDataByFilter",
                [data.TabularDataByFilterRequest(data_request=page, **flags)],
            )
            for bytes_too in (False, True):
                yield (
                    "BinaryDataByFilter",
                    [
                        data.BinaryDataByFilterRequest(
                            data_request=page, include_binary=bytes_too, **flags
                        )
                    ],
                )
    for wanted in filters(known):
        yield "TagsByFilter", [data.TagsByFilterRequest(filter=wanted)]
        yield "BoundingBoxLabelsByFilter", [data.BoundingBoxLabelsByFilterRequest(filter=wanted)]
    for named in by_ids(ours, known):
        yield "BinaryDataByIDs", [data.BinaryDataByIDsRequest(**named, include_binary=True)]
    theirs = known.part.organization_id
    yield "GetDatabaseConnection", [data.GetDatabaseConnectionRequest(organization_id=theirs)]
    for organization in ("", theirs, ORGANIZATION):
        yield (
            "ListDatasetsByOrganizationID",
            [dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization)],
        )
    ids = [*known.datasets, GUESSED, ours[1]]
    yield "ListDatasetsByIDs", [dataset.ListDatasetsByIDsRequest(ids=ids)]


def by_ids(ours: tuple[str, str, str], known: Known) -> list[dict[str, Any]]:
    """Both forms of id, alone and together with one that the caller may see."""
    guessed = f"{known.part.organization_id}/{known.part.location_id}/{'f' * 64}"
    theirs = [*known.binary[:4], guessed]
    bare = data.BinaryID(file_id=id_of(theirs[0]).file_id)
    posing = f"{ORGANIZATION}/{id_of(ours[0]).location_id}/{bare.file_id}"
    return [
        {"binary_data_ids": theirs},
        {"binary_data_ids": [posing, ours[0]]},
        {"binary_ids": [id_of(theirs[0])]},
        {"binary_ids": [bare]},
        {"binary_ids": [bare], "binary_data_ids": [ours[0]]},
    ]


def writing(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    record, own_dataset, own_box = ours
    their_dataset = (known.datasets or [GUESSED])[0]
    their_box = (known.boxes or [GUESSED])[0]
    theirs = known.part.organization_id
    for named in by_ids(ours, known):
        yield (
            "AddTagsToBinaryDataByIDs",
            [data.AddTagsToBinaryDataByIDsRequest(**named, tags=["new"])],
        )
        yield (
            "RemoveTagsFromBinaryDataByIDs",
            [data.RemoveTagsFromBinaryDataByIDsRequest(**named, tags=["cat", "new"])],
        )
        for each in (their_dataset, own_dataset):
            yield (
                "AddBinaryDataToDatasetByIDs",
                [data.AddBinaryDataToDatasetByIDsRequest(**named, dataset_id=each)],
            )
            yield (
                "RemoveBinaryDataFromDatasetByIDs",
                [data.RemoveBinaryDataFromDatasetByIDsRequest(**named, dataset_id=each)],
            )
        one = {f"{name.removesuffix('s')}": values[0] for name, values in list(named.items())[:1]}
        yield (
            "AddBoundingBoxToImageByID",
            [
                data.AddBoundingBoxToImageByIDRequest(
                    **one, label="new", x_max_normalized=1, y_max_normalized=1
                )
            ],
        )
        for box in (their_box, own_box):
            yield (
                "UpdateBoundingBox",
                [data.UpdateBoundingBoxRequest(**one, bbox_id=box, label="changed")],
            )
            yield (
                "RemoveBoundingBoxFromImageByID",
                [data.RemoveBoundingBoxFromImageByIDRequest(**one, bbox_id=box)],
            )
    for wanted in filters(known):
        yield (
            "AddTagsToBinaryDataByFilter",
            [data.AddTagsToBinaryDataByFilterRequest(filter=wanted, tags=["more"])],
        )
        yield (
            "RemoveTagsFromBinaryDataByFilter",
            [data.RemoveTagsFromBinaryDataByFilterRequest(filter=wanted, tags=["cat", "more"])],
        )
    yield from datasets_of(ours, known)
    yield from uploads(known, their_dataset)
    yield (
        "ConfigureDatabaseUser",
        [
            data.ConfigureDatabaseUserRequest(organization_id=theirs, password="x")  # noqa: S106
        ],
    )
    for organization in ("", theirs, ORGANIZATION):
        yield "DeleteTabularData", [data.DeleteTabularDataRequest(organization_id=organization)]
    for named in by_ids((record, own_dataset, own_box), known)[:1]:
        yield "DeleteBinaryDataByIDs", [data.DeleteBinaryDataByIDsRequest(**named)]
    for wanted in filters(known)[1:]:
        yield "DeleteBinaryDataByFilter", [data.DeleteBinaryDataByFilterRequest(filter=wanted)]
    yield "DeleteBinaryDataByFilter", [data.DeleteBinaryDataByFilterRequest()]


def datasets_of(ours: tuple[str, str, str], known: Known) -> Iterator[tuple[str, list[Message]]]:
    theirs, own = (known.datasets or [GUESSED])[0], ours[1]
    for name in ("cat", "dog", "own", "theirs"):  # taken in the other organization, perhaps
        for organization in (known.part.organization_id, ORGANIZATION):
            yield (
                "CreateDataset",
                [dataset.CreateDatasetRequest(name=name, organization_id=organization)],
            )
    for organization in (known.part.organization_id, ORGANIZATION):
        yield (
            "MergeDatasets",
            [
                dataset.MergeDatasetsRequest(
                    dataset_ids=[own, theirs], name="merged", organization_id=organization
                )
            ],
        )
    yield "RenameDataset", [dataset.RenameDatasetRequest(id=theirs, name="cat")]
    yield "RenameDataset", [dataset.RenameDatasetRequest(id=own, name="theirs")]
    yield "DeleteDataset", [dataset.DeleteDatasetRequest(id=theirs)]


def uploads(known: Known, their_dataset: str) -> Iterator[tuple[str, list[Message]]]:
    for fields in ({"part_id": known.part.id}, {"dataset_ids": [their_dataset]}):
        sensed = datasync.DataCaptureUploadRequest(
            metadata=upload_metadata(type=datasync.DATA_TYPE_BINARY_SENSOR, **fields),
            sensor_contents=[datasync.SensorData(binary=b"x")],
        )
        yield "DataCaptureUpload", [sensed]
        yield "FileUpload", [*file_parts(b"x", **fields)]
        yield "StreamingDataCaptureUpload", [*stream_parts(b"x", **fields)]


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
    return reply.SerializeToString(), dict(stream.trailing_metadata)


#: Tokens of pages, which hold how much arrived; they are opaque, and so by their number.
_TOKENS = re.compile(rb"[0-9a-f]{38}")


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
    """What the other organization has, past all policies."""
    held = viam.contents()
    owner = part.organization_id
    return [
        [pair for pair in held.binary if pair[0].source.organization_id == owner],
        [record for record in held.tabular if record.source.organization_id == owner],
        viam.cloud._cloud.store.datasets(owner),
        viam.cloud._cloud.store.database_password(owner),
    ]


async def prepared(viam: Viam, their: Their) -> tuple[As, Known, tuple[str, str, str]]:
    """A fake with our data and theirs, and the client of ours."""
    part = viam.cloud.fleet.add_part("arm", location="den", organization="acme")
    key = viam.cloud.add_api_key(organizations=part.organization_id)
    ours = await signed_in(viam)
    owned = await put_ours(ours)
    known = await put_theirs(await signed_in(viam, key.id, key.key), part, their)
    # From here on new things get the same ids, whatever was made before.
    viam.cloud._cloud.ids.rewind(Counters(10_000, 10_000))
    return ours, known, owned


@settings(max_examples=3, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.too_slow])
@given(THEIRS, THEIRS, st.sampled_from(["documented", "observed", "strict"]))
def test_nothing_depends_on_what_others_have(one: Their, two: Their, policy: str) -> None:
    """Two fakes that differ in another organization's data alone give one client the same replies,
    counts, texts and trailers to every RPC, and it changes nothing there (AC-5, A51)."""

    async def learn(viam: Viam, *, their: Their) -> None:
        _, known, _ = await prepared(viam, their)
        everything.part = known.part
        for name in ("binary", "datasets", "boxes", "tokens"):
            merged = [*getattr(everything, name), *getattr(known, name)]
            setattr(everything, name, list(dict.fromkeys(merged)))

    async def ask(viam: Viam, *, their: Their) -> None:
        client, known, owned = await prepared(viam, their)
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
    handled = {name for table in (*UNARY.values(), *STREAMS.values()) for name in table}
    assert {rpc for rpc, _ in streams[0]} == handled - {"Authenticate"}


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
