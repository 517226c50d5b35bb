"""Sequences: saved selections, their datasets, what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam import Clock
from fakeviam.server.services.data import sequences
from fakeviam.wire import data, dataset

from .driver import DEFAULT_PART, NOW, ORGANIZATION, Viam, at, nanos, play, refused, signed_in

if TYPE_CHECKING:
    from .conftest import Start

CAM = data.SequenceResourceFilter(resource_name="cam", method_name="ReadImage")
MISSING = "65f1a2b3c4d5e6f708192a3b"
SEQUENCES = dataset.DATASET_TYPE_SEQUENCE_DATA


async def create(viam: Viam, **fields: Any) -> str:
    known = {
        "part_id": DEFAULT_PART.id,
        "resources": [CAM],
        "start_time": at(0),
        "end_time": at(10),
        **fields,
    }
    return str((await viam.rpc("CreateSequence", data.CreateSequenceRequest(**known))).id)


async def get(viam: Viam, sequence_id: str) -> data.Sequence:
    reply = await viam.rpc("GetSequence", data.GetSequenceRequest(id=sequence_id))
    sequence: data.Sequence = reply.sequence
    return sequence


async def update(viam: Viam, sequence_id: str, *paths: str, **fields: Any) -> None:
    request = data.UpdateSequenceRequest(id=sequence_id, **fields)
    request.field_mask.paths.extend(paths)
    await viam.rpc("UpdateSequence", request)


async def change(viam: Viam, what: str, dataset_id: str, *ids: str) -> None:
    way = "To" if what == "Add" else "From"
    rpc = f"{what}Sequences{way}Dataset"
    await viam.rpc(rpc, getattr(data, f"{rpc}Request")(dataset_id=dataset_id, sequence_ids=ids))


async def members(viam: Viam, dataset_id: str, **fields: Any) -> Any:
    request = data.SequencesByDatasetIDRequest(dataset_id=dataset_id, **fields)
    return await viam.rpc("SequencesByDatasetID", request)


async def images(viam: Viam, sequence_id: str, **fields: Any) -> Any:
    request = data.GetSequenceBinaryDataRequest(sequence_id=sequence_id, **fields)
    return await viam.rpc("GetSequenceBinaryData", request)


async def photo(viam: Viam, name: str, second: float, **fields: Any) -> str:
    known = {"component_name": "cam", "method_name": "ReadImage", **fields}
    return await viam.upload(name, requested=at(second), **known)


@pytest.mark.asyncio
async def test_a_sequence_is_kept(start: Start) -> None:
    """SQ-1."""
    viam = await start(clock=Clock(lambda: NOW))
    made = await create(viam, resources=[CAM, CAM], sequence_tags=["b", "a", "b"])
    assert await get(viam, made) == data.Sequence(
        id=made,
        part_id=DEFAULT_PART.id,
        resources=[CAM],
        sequence_tags=["b", "a"],
        start_time=at(0),
        end_time=at(10),
        created_at=at(0),
        updated_at=at(0),
    )


@pytest.mark.asyncio
async def test_an_update_changes_what_its_mask_names(start: Start) -> None:
    """SQ-2: and nothing else, whatever else is sent."""
    viam = await start(clock=Clock(lambda: NOW))
    made = await create(viam, sequence_tags=["a"])
    viam.cloud.clock.advance(seconds=5)
    await update(viam, made, "sequence_tags", end_time=at(99), resources=[])
    changed = await get(viam, made)
    assert (list(changed.sequence_tags), changed.end_time) == ([], at(10))
    assert (nanos(changed.created_at), nanos(changed.updated_at)) == (0, 5 * 10**9)
    await update(viam, made, "start_time", "end_time", start_time=at(3), end_time=at(3))
    changed = await get(viam, made)
    assert (changed.start_time, changed.end_time, list(changed.resources)) == (at(3), at(3), [CAM])


BAD: dict[str, tuple[dict[str, Any], Status, str, str]] = {
    "part": ({"part_id": "x"}, Status.NOT_FOUND, "SQ-11", "no part 'x'"),
    "no resources": ({"resources": []}, Status.INVALID_ARGUMENT, "SQ-11", "resources must not"),
    "blank": (
        {"resources": [CAM, data.SequenceResourceFilter(resource_name="a")]},
        Status.INVALID_ARGUMENT,
        "SQ-11",
        "resources[1].method_name must not be blank",
    ),
    "point cloud": (
        {"resources": [data.SequenceResourceFilter(resource_name="a", method_name="GetAudio")]},
        Status.INVALID_ARGUMENT,
        "SQ-8",
        "'GetAudio' captures binary data that is no image",
    ),
    "start": ({"start_time": None}, Status.INVALID_ARGUMENT, "SQ-11", "start_time is missing"),
    "end": ({"end_time": None}, Status.INVALID_ARGUMENT, "SQ-11", "end_time is missing"),
    "order": ({"start_time": at(11)}, Status.INVALID_ARGUMENT, "SQ-11", "must not be after"),
    "tag": ({"sequence_tags": [" "]}, Status.INVALID_ARGUMENT, "TA-4", "tags must not be blank"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("case", BAD)
async def test_what_is_no_sequence(viam: Viam, case: str) -> None:
    """SQ-8, SQ-11: neither made nor changed into."""
    fields, status, clause, text = BAD[case]
    with viam.refuses(status, clause, text):
        await create(viam, **fields)
    made = await create(viam)
    if "part_id" not in fields:
        with viam.refuses(status, clause, text):
            await update(viam, made, *fields, **fields)


@pytest.mark.asyncio
async def test_masks_that_name_nothing(viam: Viam) -> None:
    """SQ-2."""
    made = await create(viam)
    with viam.refuses(Status.INVALID_ARGUMENT, "SQ-2", "field_mask must name what to change"):
        await update(viam, made, sequence_tags=["x"])
    for path in ("part_id", "tags", "start_time.seconds", ""):
        with viam.refuses(Status.INVALID_ARGUMENT, "SQ-2", f"{path!r} cannot be changed"):
            await update(viam, made, "sequence_tags", path)


@pytest.mark.asyncio
async def test_unknown_ids_and_tokens(viam: Viam) -> None:
    """SQ-12, SQ-13, A40, DS-11."""
    for rpc in ("GetSequence", "UpdateSequence", "DeleteSequence"):
        with viam.refuses(Status.NOT_FOUND, "SQ-12", f"no sequence '{MISSING}'"):
            await viam.rpc(rpc, getattr(data, f"{rpc}Request")(id=MISSING))
    with viam.refuses(Status.INVALID_ARGUMENT, "SQ-12", "sequence_id must not be empty"):
        await images(viam, "")
    made = await create(viam)
    with viam.refuses(Status.INVALID_ARGUMENT, "SQ-13", "'x'"):
        await images(viam, made, page_token="x")  # noqa: S106 - a page's
    listing = data.ListSequencesRequest(organization_id=ORGANIZATION, page_token="x")  # noqa: S106
    with viam.refuses(Status.INVALID_ARGUMENT, "SQ-13", "'x'"):
        await viam.rpc("ListSequences", listing)
    with viam.refuses(Status.NOT_FOUND, "A40", MISSING):
        await members(viam, MISSING)
    with viam.refuses(Status.NOT_FOUND, "DS-11"):
        await viam.rpc("ListSequences", data.ListSequencesRequest(organization_id="x"))


# What is inside -----------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_images_of_a_window(viam: Viam) -> None:
    """SQ-4, SQ-7, SQ-8, SQ-15: both ends, its resources, JPEG and PNG, in pages."""
    for name, second in (("before", -0.001), ("first", 0), ("late", 7), ("last", 10)):
        await photo(viam, name, second)
    await photo(viam, "png", 5, ext=".png")
    await photo(viam, "after", 10.001)
    await photo(viam, "cloud", 5, ext=".pcd")
    await photo(viam, "other", 5, component_name="other")
    await photo(viam, "method", 5, method_name="GetImages")
    other = viam.cloud.fleet.add_part("other", robot="other")
    await photo(viam, "part", 5, part_id=other.id)
    made = await create(viam)
    page = await images(viam, made)
    names = [entry.metadata.file_name for entry in page.data]
    assert (names, page.next_page_token) == (["first", "png", "late", "last"], "")
    assert {entry.binary for entry in page.data} == {b""}
    for size in (1, 2, 3, 4):
        found, token = [], ""
        while True:
            page = await images(viam, made, page_size=size, page_token=token)
            found += [entry.metadata.file_name for entry in page.data]
            token = page.next_page_token
            assert bool(token) == (len(found) < 4)
            if not token:
                break
        assert found == names


@pytest.mark.asyncio
async def test_data_and_sequences_do_without_each_other(viam: Viam) -> None:
    """SQ-3."""
    image = await photo(viam, "a", 1)
    made = await create(viam)
    again = await create(viam)
    await viam.rpc("DeleteSequence", data.DeleteSequenceRequest(id=again))
    assert len((await viam.by_ids(image)).data) == 1
    delete = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[image])
    await viam.rpc("DeleteBinaryDataByIDs", delete)
    assert list((await images(viam, made)).data) == []
    assert (await get(viam, made)).id == made


# Datasets -----------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_sequences_are_members_of_datasets(viam: Viam) -> None:
    """SQ-5, SQ-6, SQ-9: any number of times, in pages, counted."""
    made = [await create(viam) for _ in range(3)]
    into = await viam.create_dataset("s", type=SEQUENCES)
    await change(viam, "Add", into, *made, made[0])
    await change(viam, "Add", into, made[0])
    assert list((await get(viam, made[0])).dataset_ids) == [into]
    whole = await members(viam, into)
    assert ([each.id for each in whole.sequences], whole.count) == (made, 3)
    counted = await members(viam, into, count_only=True)
    assert (len(counted.sequences), counted.count, counted.next_page_token) == (0, 3, "")
    page = await members(viam, into, page_size=2)
    assert (len(page.sequences), page.count) == (2, 3)
    page = await members(viam, into, page_size=2, page_token=page.next_page_token)
    assert ([each.id for each in page.sequences], page.next_page_token) == (made[2:], "")
    await change(viam, "Remove", into, made[0], made[1])
    await change(viam, "Remove", into, made[0])
    assert (await members(viam, into)).count == 1
    await viam.rpc("DeleteSequence", data.DeleteSequenceRequest(id=made[2]))
    assert (await members(viam, into)).count == 0


@pytest.mark.asyncio
async def test_all_or_none(viam: Viam) -> None:
    """SQ-10, SQ-14."""
    made, into = await create(viam), await viam.create_dataset("s", type=SEQUENCES)
    for what in ("Add", "Remove"):
        with viam.refuses(Status.NOT_FOUND, "SQ-12", MISSING):
            await change(viam, what, into, made, MISSING)
        with viam.refuses(Status.INVALID_ARGUMENT, "SQ-10", "sequence_ids must not be empty"):
            await change(viam, what, into)
        with viam.refuses(Status.NOT_FOUND, "A40"):
            await change(viam, what, MISSING, made)
        binary = await viam.create_dataset(what)
        with viam.refuses(Status.FAILED_PRECONDITION, "SQ-14", "holds binary data"):
            await change(viam, what, binary, made)
    with viam.refuses(Status.INVALID_ARGUMENT, "SQ-14", "dataset_id must not be empty"):
        await members(viam, "")


@pytest.mark.asyncio
async def test_sequences_of_other_organizations_are_no_members(viam: Viam) -> None:
    """SQ-12: who sees both does not mix them."""
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    theirs = await create(viam, part_id=part.id)
    into = await viam.create_dataset("s", type=dataset.DATASET_TYPE_SEQUENCE_DATA)
    with viam.refuses(Status.NOT_FOUND, "SQ-12", theirs):
        await change(viam, "Add", into, theirs)


@pytest.mark.asyncio
async def test_pages_of_images_have_a_limit(viam: Viam, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQ-13."""
    monkeypatch.setattr(sequences, "MOST", 2)
    for second in range(3):
        await photo(viam, str(second), second)
    made = await create(viam)
    page = await images(viam, made, page_size=9)
    assert (len(page.data), page.next_page_token != "") == (2, True)


@pytest.mark.asyncio
async def test_merged_and_deleted_datasets(viam: Viam) -> None:
    """SQ-17, DS-2, DS-10."""
    made = [await create(viam) for _ in range(3)]
    one = await viam.create_dataset("one", type=SEQUENCES)
    two = await viam.create_dataset("two", type=SEQUENCES)
    await change(viam, "Add", one, made[0], made[1])
    await change(viam, "Add", two, made[1])
    merge = dataset.MergeDatasetsRequest(
        dataset_ids=[one, two], name="three", organization_id=ORGANIZATION
    )
    merged = (await viam.rpc("MergeDatasets", merge)).dataset_id
    assert [each.id for each in (await members(viam, merged)).sequences] == made[:2]
    with viam.refuses(Status.ALREADY_EXISTS, "A39"):
        await viam.rpc("MergeDatasets", merge)
    await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id=one))
    assert list((await get(viam, made[0])).dataset_ids) == [merged]


@pytest.mark.asyncio
async def test_keys_of_parts_create_and_nothing_else(start: Start) -> None:
    """SQ-16, A51."""
    viam = await start(auth="keys")
    owner = await signed_in(viam)
    key = viam.cloud.add_api_key(machines=viam.cloud.default_part)
    machine = await signed_in(viam, key.id, key.key)
    made = await create(machine)
    with refused(Status.PERMISSION_DENIED, "SQ-16"):
        await get(machine, made)
    assert (await get(owner, made)).id == made
    other = viam.cloud.fleet.add_part("arm", organization="acme")
    with viam.refuses(Status.NOT_FOUND, "SQ-11"):
        await create(machine, part_id=other.id)
    key = viam.cloud.add_api_key(organizations=other.organization_id)
    theirs = await signed_in(viam, key.id, key.key)
    with viam.refuses(Status.NOT_FOUND, "SQ-12"):
        await get(theirs, made)


# A law --------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.sampled_from(["Add", "Remove"]), st.integers(0, 1), st.integers(0, 7)),
        st.tuples(st.just("delete"), st.integers(0, 7), st.just(0)),
        st.tuples(st.just("window"), st.integers(0, 7), st.integers(0, 5)),
    ),
    max_size=14,
)


@settings(max_examples=12, deadline=None)
@given(STEPS)
def test_sequences_agree_with_a_model(steps: list[tuple[str, int, int]]) -> None:
    """A dictionary of windows and two sets (SQ-1 … SQ-9)."""

    async def story(viam: Viam) -> None:
        seconds = {await photo(viam, str(n), n): n for n in range(6)}
        datasets = [await viam.create_dataset(name, type=SEQUENCES) for name in "ab"]
        windows: dict[str, tuple[int, int]] = {}
        inside: list[set[str]] = [set(), set()]
        for what, one, two in steps:
            ids = list(windows)
            if what == "create":
                low, high = sorted((one, two))
                made = await create(viam, start_time=at(low), end_time=at(high))
                windows[made] = (low, high)
            elif what in ("Add", "Remove") and ids:
                chosen = ids[two % len(ids)]
                await change(viam, what, datasets[one], chosen)
                (inside[one].add if what == "Add" else inside[one].discard)(chosen)
            elif what == "delete" and ids:
                gone = ids[one % len(ids)]
                await viam.rpc("DeleteSequence", data.DeleteSequenceRequest(id=gone))
                del windows[gone]
                for each in inside:
                    each.discard(gone)
            elif what == "window" and ids:
                chosen = ids[one % len(ids)]
                await update(viam, chosen, "end_time", end_time=at(max(two, windows[chosen][0])))
                windows[chosen] = (windows[chosen][0], max(two, windows[chosen][0]))
        listing = data.ListSequencesRequest(organization_id=ORGANIZATION)
        found = (await viam.rpc("ListSequences", listing)).sequences
        assert [each.id for each in found] == list(windows)
        for dataset_id, wanted in zip(datasets, inside, strict=True):
            assert {each.id for each in (await members(viam, dataset_id)).sequences} == wanted
        for sequence_id, (low, high) in windows.items():
            page = await images(viam, sequence_id)
            times = [seconds[entry.metadata.binary_data_id] for entry in page.data]
            assert times == list(range(low, high + 1))

    play(story)
