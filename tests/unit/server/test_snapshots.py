"""The state of a cloud as a whole: set aside and brought back, emptied, exported, kept on disk."""

from __future__ import annotations

import asyncio
import dataclasses
import weakref
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam, UsageError, archive
from fakeviam.datadir import DataDir
from fakeviam.model.ids import Counters
from fakeviam.model.records import BinaryRecord, Source
from fakeviam.server.lifecycle import snapshots
from fakeviam.server.lifecycle.snapshots import (
    ResetSummary,
    apply_contents,
    contents_of,
    keep,
    reset,
    restore_snapshot,
    take_snapshot,
)
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import data, datasync

from .driver import DEFAULT_PART, ORGANIZATION, file_parts, reading, upload_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fakeviam.server.state.cloud import CloudState

    from .conftest import Start
    from .driver import Viam

    Begin = Callable[..., CloudState]

NOON = "2026-03-10T12:00:00Z"


def fresh(**options: Any) -> FakeViam:
    """A cloud that nobody connects to."""
    return FakeViam(**{"seed": 1, "clock": Clock.frozen(NOON), **options})


def everything(cloud: CloudState) -> list[object]:
    """All that a snapshot holds."""
    store = cloud.store
    return [
        list(store.binary_rows()),
        list(store.tabular_rows()),
        store.all_datasets(),
        store.database_passwords(),
        store.arrivals,
        store.stats(),
        cloud.fleet.state(),
        cloud.accounts.keys,
        cloud.ids.counters,
        cloud.clock.now(),
    ]


def add_file(cloud: CloudState, *, time: int = 0, mime_type: str = "a/b") -> str:
    record = BinaryRecord(
        file_id=cloud.ids.file_id(),
        source=Source(
            organization_id=ORGANIZATION,
            location_id=DEFAULT_PART.location_id,
            robot_id=DEFAULT_PART.robot_id,
            robot_name=DEFAULT_PART.robot_name,
            part_id=DEFAULT_PART.id,
            part_name=DEFAULT_PART.name,
        ),
        time_requested=time,
        time_received=time,
        time_synced=time,
        mime_type=mime_type,
        size=3,
    )
    cloud.store.add_binary([(record, b"abc")])
    return record.file_id


def change(cloud: CloudState, number: int) -> None:
    """One change of each kind, by number."""
    files = [row.record.file_id for row in cloud.store.binary_rows()]
    changes: list[Callable[[], object]] = [
        lambda: add_file(cloud, time=number),
        lambda: cloud.store.add_tags(files[:2], [f"tag-{number}"]),
        lambda: cloud.store.delete_binary(files[:1]),
        lambda: cloud.store.set_database_password(ORGANIZATION, f"password-{number}"),
        lambda: cloud.fleet.add_part(cloud.ids.uuid()),
        lambda: cloud.fleet.rename_part(DEFAULT_PART.id, f"name-{number}"),
        lambda: cloud.accounts.add_key(organization_ids=[ORGANIZATION]),
        lambda: cloud.clock.advance(hours=number),
        cloud.ids.object_id,
    ]
    changes[number % len(changes)]()


CHANGES = st.lists(st.integers(0, 40), max_size=12)


@given(before=CHANGES, between=CHANGES, after=CHANGES)
def test_a_snapshot_brings_back_that_very_state(
    before: list[int], between: list[int], after: list[int]
) -> None:
    """Whatever was done since; one within another; more than once (SN-1, SN-2)."""
    cloud = fresh()._cloud
    for number in before:
        change(cloud, number)
    outer, at_outer = take_snapshot(cloud), everything(cloud)
    for number in between:
        change(cloud, number)
    inner, at_inner = take_snapshot(cloud), everything(cloud)
    for number in after:
        change(cloud, number)
    for snapshot, state in ((outer, at_outer), (inner, at_inner), (outer, at_outer)):
        restore_snapshot(cloud, snapshot)
        assert everything(cloud) == state
        for number in after:
            change(cloud, number)


def test_the_same_calls_after_a_restore_give_the_same_ids() -> None:
    """But no secret is issued twice: the holder of the first one would get in (SN-2)."""
    cloud = fresh()._cloud
    snapshot = take_snapshot(cloud)

    def ids() -> list[str]:
        return [cloud.ids.uuid(), cloud.ids.object_id(), cloud.ids.file_id(), add_file(cloud)]

    first, key = ids(), cloud.accounts.add_key(organization_ids=[ORGANIZATION])
    token = cloud.ids.token()
    restore_snapshot(cloud, snapshot)
    assert ids() == first
    again = cloud.accounts.add_key(organization_ids=[ORGANIZATION])
    assert again.id == key.id
    assert again.key != key.key
    assert cloud.ids.token() != token


def test_a_snapshot_of_a_running_clock_does_not_stop_it() -> None:
    """It shows what it would show by now (SN-1)."""
    wall = [0]
    cloud = fresh(clock=Clock(lambda: wall[0]))._cloud
    snapshot = take_snapshot(cloud)
    cloud.clock.advance(days=1)
    cloud.clock.freeze()
    wall[0] = 7
    restore_snapshot(cloud, snapshot)
    assert cloud.clock.now() == 7
    assert not cloud.clock.is_frozen


@pytest.mark.asyncio
async def test_clients_need_not_notice_a_restore(start: Start) -> None:
    """Connections and tokens go on, and an upload in progress goes to what there was (SN-1)."""
    viam = await start()
    cloud = viam.cloud._cloud
    snapshot = take_snapshot(cloud)
    first, *rest = file_parts(b"late")
    async with viam.calling("FileUpload") as stream:
        await stream.send_message(first)
        await viam.upload("in between")
        restore_snapshot(cloud, snapshot)
        for message in rest:
            await stream.send_message(message)
        await stream.end()
        await stream.recv_message()
    assert cloud.store.stats().binary.records == 0
    await viam.upload("after")
    assert cloud.store.stats().binary.records == 1


@pytest.mark.asyncio
async def test_a_reset_tells_what_it_dropped(viam: Viam) -> None:
    """Records, readings, bytes, datasets and users; the fleet and ids go on (SN-3)."""
    await viam.upload(payload=b"four")
    await viam.rpc(
        "DataCaptureUpload",
        datasync.DataCaptureUploadRequest(
            metadata=upload_metadata(type=datasync.DATA_TYPE_TABULAR_SENSOR),
            sensor_contents=[reading({"a": 1}), reading({"a": 2})],
        ),
    )
    await viam.rpc(
        "ConfigureDatabaseUser",
        data.ConfigureDatabaseUserRequest(organization_id=ORGANIZATION, password=ORGANIZATION),
    )
    cloud = viam.cloud._cloud
    part = viam.cloud.fleet.add_part("other")
    size = sum(row.record.size for row in cloud.store.tabular_rows())
    before = cloud.ids.counters
    receipt = reset(cloud, MemoryStore)
    assert receipt == ResetSummary(
        binary_records=1, readings=2, bytes=4 + size, datasets=0, database_users=1, calls=3
    )
    assert cloud.ids.counters == before
    assert viam.cloud.fleet.part(part.id) == part
    assert reset(cloud, MemoryStore) == ResetSummary(
        binary_records=0, readings=0, bytes=0, datasets=0, database_users=0
    )


@pytest.mark.asyncio
async def test_much_is_freed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little at a time, between other steps of the loop; who still reads goes on (SN-3)."""
    monkeypatch.setattr(snapshots, "_FEW", 10)
    cloud = fresh(store=partial(MemoryStore, block_size=4))._cloud
    names = [Name("a/b") for _ in range(20)]
    for number, name in enumerate(names):
        add_file(cloud, time=number, mime_type=name)
    watched = [weakref.ref(name) for name in names]
    del names, name
    snapshot, reader = take_snapshot(cloud), cloud.store
    reset(cloud, MemoryStore)
    for _ in range(600):
        await asyncio.sleep(0)
    assert len(list(reader.binary_rows())) == 20
    restore_snapshot(cloud, snapshot)
    assert cloud.store.stats().binary.records == 20
    del reader, snapshot
    reset(cloud, MemoryStore)
    left = [20]
    while left[-1]:
        left.append(sum(name() is not None for name in watched))
        await asyncio.sleep(0)
    assert left[1] == 20
    assert all(before - after <= 4 for before, after in pairwise(left))


class Name(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


# Archives ------------------------------------------------------------------------------------


def filled() -> CloudState:
    """A cloud with everything in it."""
    cloud = fresh()._cloud
    for number in range(30):
        change(cloud, number)
    cloud.accounts.add_key(organization_ids=[ORGANIZATION], role="operator", expires=1)
    cloud.accounts.add_key(organization_ids=[ORGANIZATION], robot_ids=["r"], location_ids=["l"])
    return cloud


def test_a_cloud_goes_through_an_archive(tmp_path: Path) -> None:
    """Data, datasets, users, fleet and keys, into a fake of another seed (AR-1)."""
    cloud = filled()
    archive.write(tmp_path / "a", contents_of(cloud))
    other = fresh(seed=2)._cloud
    apply_contents(other, archive.read(tmp_path / "a"))
    but_the_clock = everything(cloud)[:-1]
    assert everything(other)[:-1] == but_the_clock
    # The archive is the other's own: a change there shows in no other place.
    contents = archive.read(tmp_path / "a")
    apply_contents(other, contents)
    add_file(other)
    apply_contents(cloud, contents)
    assert everything(cloud)[:-2] == but_the_clock[:-1]


def test_no_id_of_an_archive_is_given_again(tmp_path: Path) -> None:
    """By a new fake of the same seed, which would count from the beginning (AR-4)."""
    cloud = filled()
    archive.write(tmp_path / "a", contents_of(cloud))
    other = fresh()._cloud
    apply_contents(other, archive.read(tmp_path / "a"))
    files = {row.record.file_id for row in other.store.binary_rows()}
    assert add_file(other) not in files
    known = other.accounts.keys
    key = other.accounts.add_key(organization_ids=[ORGANIZATION])
    assert key.id not in {one.id for one in known}
    assert key.key not in {one.key for one in known}
    # And one that is further on does not go back.
    before = cloud.ids.counters
    apply_contents(cloud, dataclasses.replace(contents_of(cloud), counters=Counters(1, 1)))
    assert cloud.ids.counters == before


def test_damaged_keys_change_nothing() -> None:
    """They are read before anything else is done (AR-2)."""
    cloud = filled()
    before = everything(cloud)
    contents = contents_of(cloud)
    wrong = dataclasses.replace(contents, keys=({**contents.keys[0], "role": "king"},))
    with pytest.raises(UsageError, match=r"API key 1: role must be .*, got 'king'"):
        apply_contents(cloud, wrong)
    assert everything(cloud) == before


def test_all_that_is_known_of_a_key_is_written() -> None:
    """A field more must not be lost silently (AR-1)."""
    key = fresh()._cloud.accounts.add_key(
        organization_ids=[ORGANIZATION], expires=1, location_ids=["l"], robot_ids=["r"]
    )
    assert set(snapshots.key_row(key)) == {field.name for field in dataclasses.fields(key)}


# Data directories ----------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Begin]:
    """Begin a cloud on the data directory, and end the one before."""
    open_now: list[DataDir] = []

    def begin(**options: Any) -> CloudState:
        for directory in open_now:
            directory.close()
        directory = DataDir(tmp_path / "data", seed=5, now=lambda: 0)
        open_now[:] = [directory]
        cloud = fresh(**{"seed": directory.seed, **options})._cloud
        keep(cloud, directory)
        return cloud

    yield begin
    for directory in open_now:
        directory.close()


def test_a_cloud_goes_on_where_it_was(kept: Begin) -> None:
    """Data, fleet, keys, users and ids (DD-1)."""
    cloud = kept()
    for _ in range(2):
        for number in range(30):
            change(cloud, number)
        add_file(cloud)
        before = everything(cloud)[:-1]
        cloud = kept()
        assert everything(cloud)[:-1] == before


def test_resets_and_restores_are_kept(kept: Begin) -> None:
    """The directory follows wherever the cloud goes (DD-1)."""
    cloud = kept()
    add_file(cloud)
    snapshot = take_snapshot(cloud)
    add_file(cloud)
    assert reset(cloud, MemoryStore).binary_records == 2
    cloud = kept()
    assert cloud.store.stats().binary.records == 0
    restore_snapshot(cloud, snapshot)
    add_file(cloud)
    before = everything(cloud)
    cloud = kept()
    assert everything(cloud) == before
    contents = contents_of(cloud)
    apply_contents(cloud, dataclasses.replace(contents, store=MemoryStore()))
    add_file(cloud)
    assert kept().store.stats().binary.records == 1


def test_a_call_that_began_before_a_reset_is_not_kept(kept: Begin) -> None:
    """It finishes on what was given up; the directory must not see it (DD-1)."""
    cloud = kept()
    add_file(cloud)
    old = cloud.store
    reset(cloud, MemoryStore)
    old.set_database_password(ORGANIZATION, "late")
    assert kept().store.database_passwords() == {}


def test_revoked_keys_stay_revoked(kept: Begin) -> None:
    """And secrets that were given away are not given again (DD-1, SN-2)."""
    cloud = kept()
    key = cloud.accounts.add_key(organization_ids=[ORGANIZATION], role="operator")
    token = cloud.ids.token()
    cloud.accounts.revoke(key.id)
    cloud = kept()
    assert not cloud.accounts.knows(key.id)
    assert cloud.accounts.add_key(organization_ids=[ORGANIZATION]).key not in {key.key, token}


def test_a_snapshot_has_a_name_and_an_end() -> None:
    """By name here and over HTTP, or in a with statement (SN-1, SN-2)."""
    cloud = fresh()
    clean = cloud.snapshot("clean")
    assert cloud.snapshots == (clean,)
    assert repr(clean) == "<Snapshot s1 'clean' taken 2026-03-10T12:00:00+00:00>"
    with pytest.raises(UsageError, match="a snapshot named 'clean' already exists"):
        cloud.snapshot("clean")
    with pytest.raises(UsageError, match="'s1' is the id of the snapshot 'clean'; delete it"):
        cloud.snapshot("s1")
    with pytest.raises(UsageError, match="name must be text that is not blank"):
        cloud.snapshot(" ")
    with cloud.snapshot() as before:
        cloud.fleet.add_part("arm")
        cloud.clock.advance(days=1)
    assert before.id == "s2"
    assert len(cloud.fleet) == 1
    cloud.fleet.add_part("arm")
    cloud.restore("clean")
    assert len(cloud.fleet) == 1
    assert cloud.clock.moment() == clean.taken
    with pytest.raises(UsageError, match="there is no snapshot 'claen'; existing: clean"):
        cloud.restore("claen")
    with pytest.raises(UsageError, match="snapshot must be a snapshot or its name"):
        cloud.restore(5)  # type: ignore[arg-type]
    clean.delete()
    assert not cloud.snapshots
