"""Several fakes on one database are one cloud."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import TYPE_CHECKING, Any

import bson
import pymongo
import pytest

from fakeviam import Clock, FakeViam, UsageError
from fakeviam.model.clock import moment_of
from fakeviam.model.entities import DataPipeline, PipelineRun, Sequence
from fakeviam.model.filters import Query
from fakeviam.model.fleet import Metadata
from fakeviam.server.lifecycle.snapshots import contents_of
from fakeviam.server.services.data import sequences
from fakeviam.server.services.data.sequences import (
    add_sequences_to_dataset,
    create_sequence,
    delete_sequence,
    remove_sequences_from_dataset,
)
from fakeviam.server.services.datasets import create_dataset
from fakeviam.server.services.due import catch_up
from fakeviam.server.services.job_steps import Worker
from fakeviam.server.services.pipelines import (
    create_data_pipeline,
    delete_data_pipeline,
    rename_data_pipeline,
)
from fakeviam.server.state.call import Call
from fakeviam.store.mongo.database import Database
from fakeviam.store.mongo.embedded import Embedded
from fakeviam.store.mongo.store import MongoStore
from fakeviam.wire import data, datapipelines, dataset, datasync, methods
from fakeviam.wire.well_known import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fakeviam.server.services.handlers import Rpc

#: A server that tests may make databases on.
URL = os.environ.get("FAKEVIAM_MONGO_URL")

ALL = Query(include_internal=True)


@pytest.fixture(params=["embedded", *(["mongodb"] if URL else [])])
def another(request: pytest.FixtureRequest) -> Iterator[Callable[..., FakeViam]]:
    """Make another fake on one database, with a connection of its own."""
    name = f"fakeviam_test_{uuid.uuid4().hex}"
    embedded: Any = Embedded()
    with ExitStack() as stack:

        def connect() -> Any:
            if request.param == "embedded":
                return embedded
            client: Any = pymongo.MongoClient(URL)
            stack.callback(client.close)
            return client

        def make(**options: Any) -> FakeViam:
            def store() -> MongoStore:
                return MongoStore(database)

            database = Database(connect()[name], seed=7, private=False, close=lambda: None)
            return FakeViam(store=store, **options)

        yield make
        connect().drop_database(name)


def upload(cloud: FakeViam, **fields: Any) -> str:
    """Upload a file, as a seed does; answer its id."""
    from fakeviam.server.services.datasync import data_capture_upload  # noqa: PLC0415

    method = next(m for m in methods() if m.name == "DataCaptureUpload")
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=cloud.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR, **fields
        ),
        sensor_contents=[datasync.SensorData(binary=b"bytes")],
    )
    reply = data_capture_upload.handle(Call.detached(cloud._cloud, method), request)
    return str(reply.binary_data_id)


def test_data_is_the_same_on_all(another: Callable[..., FakeViam]) -> None:
    """MG-1, MG-2: with one seed, and no id twice."""
    one, two = another(), another(seed=99)
    assert one.seed == two.seed == 7
    ids = [upload(cloud) for cloud in (one, two, one, two)]
    assert len(set(ids)) == 4
    for cloud in (one, two):
        page = cloud._cloud.store.binary_page(ALL, after=None, limit=9, descending=False)
        assert [record.binary_data_id for record in page.records] == ids
    factories = [cloud._cloud.ids for cloud in (one, two)]
    for kind in ("uuid", "location_id", "file_id", "object_id", "token"):
        made = [getattr(ids, kind)() for ids in factories for _ in range(20)]
        assert len(set(made)) == 40


def test_page_tokens_are_good_on_all(another: Callable[..., FakeViam]) -> None:
    """MG-2, PG-3."""
    from fakeviam.server.services.paging import position_in, token_of  # noqa: PLC0415

    one, two = another(), another()
    upload(one)
    page = one._cloud.store.binary_page(ALL, after=None, limit=1, descending=True)
    method = next(m for m in methods() if m.name == "BinaryDataByFilter")
    token = token_of(Call.detached(one._cloud, method), page.last, "files")
    assert position_in(Call.detached(two._cloud, method), token, "files") == page.last


def test_one_fleet(another: Callable[..., FakeViam]) -> None:
    """MG-3."""
    one, two = another(), another()
    rover = one.fleet.add_part("main", organization="acme", robot="rover")
    arm = two.fleet.add_part("main", organization="acme", robot="arm")
    assert rover.organization_id == arm.organization_id
    assert one.fleet.part(arm.id) == arm
    assert two.fleet.has_organization(rover.organization_id)
    with pytest.raises(UsageError, match="already has a part named 'main'"):
        two.fleet.add_part("main", organization="acme", robot="rover", location="fake-location")
    with pytest.raises(UsageError, match="already has a part named 'main'"):
        one.fleet.add_part("main", organization="acme", robot="arm")
    renamed = two.fleet.rename_part(rover.id, "other")
    assert one.fleet.part(rover.id) == renamed
    assert list(one.fleet) == list(two.fleet) == [one.default_part, renamed, arm]
    assert one.fleet.state() == another().fleet.state()
    assert [o.name for o in two.fleet.organizations] == ["fake-org", "acme"]


def test_metadata_is_the_same_on_all(another: Callable[..., FakeViam]) -> None:
    """AP-7, MG-3: beside the parts that others add."""
    one, two = another(), another()
    owner = one.default_part.organization_id
    one.fleet.put(Metadata(id=owner, text='{"a": 1}'))
    two.fleet.add_part("later")
    assert two.fleet.metadata_of(owner) == '{"a": 1}' == another().fleet.metadata_of(owner)
    two.fleet.put(Metadata(id=owner, text="{}"))
    assert one.fleet.metadata_of(owner) == "{}"
    assert one.fleet.state() == two.fleet.state()


def test_a_fleet_that_changed_in_between(
    another: Callable[..., FakeViam], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-3: who was slower makes its change to what the faster one made."""
    one, two = another(), another()
    ledgers: Any = one.fleet
    save = ledgers._ledgers.save

    def late(*args: Any, **known: Any) -> bool:
        monkeypatch.undo()
        two.fleet.add_part("first", organization="acme")
        return bool(save(*args, **known))

    monkeypatch.setattr(ledgers._ledgers, "save", late)
    part = one.fleet.add_part("second", organization="acme")
    names = {p.name: p.organization_id for p in two.fleet}
    assert names["first"] == names["second"] == part.organization_id
    assert one.fleet.state() == two.fleet.state()


def test_keys_and_tokens_are_the_same_on_all(another: Callable[..., FakeViam]) -> None:
    """MG-4, AC-4, AC-7."""
    one, two = another(auth="keys"), another(auth="keys")
    one.add_api_key(locations=one.default_part.location_id)
    key = one.add_api_key(machines=one.default_part, role="operator", expires="9999-12-31")
    assert two.api_keys == one.api_keys
    accounts = [cloud._cloud.accounts for cloud in (one, two)]
    token = accounts[1].authenticate(key.id, "api-key", key.key)
    third = another(auth="keys")  # or one of them, started again (AC-7)
    for each in (accounts[0], third._cloud.accounts):
        assert each.principal(f"Bearer {token}").role == "operator"
        assert each.caller({"key_id": key.id, "key": key.key}).scope == key.scope
    two.revoke_api_key(key)
    assert not accounts[0].knows(key.id)
    for each in accounts:
        with pytest.raises(Exception, match="revoked"):
            each.principal(f"Bearer {token}")
        with pytest.raises(Exception, match="is invalid"):
            each.caller({"key_id": key.id, "key": key.key})
    with pytest.raises(Exception, match="did not issue"):
        accounts[0].principal("Bearer nonsense")


def test_a_reset_is_for_all_and_leaves_fleet_and_keys(another: Callable[..., FakeViam]) -> None:
    """MG-1, SN-3."""
    one, two = another(), another()
    upload(one)
    one.fleet.add_part("kept")
    receipt = two.reset()
    assert (receipt.binary_records, receipt.bytes) == (1, 5)
    assert one._cloud.store.stats().binary.records == 0
    assert [part.name for part in two.fleet] == ["fake-robot-main", "kept"]


def test_archives_move_in_and_out(another: Callable[..., FakeViam], tmp_path: Path) -> None:
    """AR-1, AR-4, MG-3: what is loaded is there for all."""
    memory = FakeViam(seed=7)
    upload(memory, file_name="a.png", tags=["x"])
    memory.fleet.add_part("from memory")
    key = memory.add_api_key(organizations=memory.default_part.organization_id)
    memory.export(tmp_path / "first")
    one, two = another(), another()
    upload(one)
    one.load(tmp_path / "first")
    assert [part.name for part in two.fleet] == ["fake-robot-main", "from memory"]
    assert key in two.api_keys
    new = upload(two)
    rows = list(one._cloud.store.binary_rows())
    assert [row.record.tags for row in rows] == [("x",), ()]
    assert rows[1].record.binary_data_id == new
    two.export(tmp_path / "second")
    back = FakeViam(load=tmp_path / "second")
    assert list(back._cloud.store.binary_rows()) == rows
    assert contents_of(back._cloud).fleet == one.fleet.state()


def test_what_is_loaded_goes_into_a_new_database_only(
    another: Callable[..., FakeViam], tmp_path: Path
) -> None:
    """MG-1, SE-2: a whole fleet of servers may start with one command."""
    seed = tmp_path / "seed.yaml"
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    seed.write_text("datasets: [one]\nfiles: [{files: a.txt}]\n", encoding="utf-8")
    clouds = [another(load=seed) for _ in range(3)]
    assert [cloud._cloud.store.stats().binary.records for cloud in clouds] == [1, 1, 1]
    assert [one.name for one in clouds[2]._cloud.store.all_datasets()] == ["one"]


def test_what_cannot_be_had_with_a_database(
    another: Callable[..., FakeViam], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="data_dir and a database as store cannot be combined"):
        FakeViam(store="mongomock:", data_dir=tmp_path)
    with pytest.raises(UsageError, match="readable ids count from 1 on every server"):
        another(ids="readable")
    cloud = another()
    for work in (cloud.snapshot, cloud.session):
        with pytest.raises(UsageError, match="sessions and snapshots require the in-memory store"):
            work()


def test_a_fake_alone_in_its_database_is_like_one_in_memory() -> None:
    """MG-2: down to its ids."""
    with ExitStack() as stack:
        clouds = [
            stack.enter_context(FakeViam(seed=3, store=url)) for url in ("memory:", "mongomock:")
        ]
        made = [(upload(cloud), cloud.fleet.add_part("new")) for cloud in clouds]
        assert made[0] == made[1]


# Jobs ---------------------------------------------------------------------------------------------

NOON = "2026-03-10T12:10:00Z"
COUNT = {"$group": {"_id": {"$dateTrunc": {"date": "$time_requested", "unit": "hour"}}}}


def call(cloud: FakeViam, handler: Rpc[Any, Any], rpc: str, request: Any) -> Any:
    method = next(method for method in methods() if method.name == rpc)
    return handler.handle(Call.detached(cloud._cloud, method), request)


def create_pipeline(cloud: FakeViam, **fields: Any) -> DataPipeline:
    request = datapipelines.CreateDataPipelineRequest(
        organization_id=cloud.default_part.organization_id,
        name="p",
        schedule="0 * * * *",
        mql_binary=[bson.encode(COUNT)],
        **fields,
    )
    call(cloud, create_data_pipeline, "CreateDataPipeline", request)
    (pipeline,) = cloud._cloud.store.entities(DataPipeline)
    return pipeline


def runs_of(cloud: FakeViam) -> list[tuple[int, str, int]]:
    """Hour, state and number of results of each run."""
    runs = cloud._cloud.store.entities(PipelineRun)
    return sorted(
        (moment_of(run.time_data_start).hour, run.status, len(run.documents)) for run in runs
    )


def test_memberships_of_a_sequence_that_servers_change_at_once(
    another: Callable[..., FakeViam], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-1, MG-7, SQ-9, SQ-17: what another server adds or takes meanwhile stays so."""
    one, two = another(), another()
    organization = one.default_part.organization_id
    kind = dataset.DATASET_TYPE_SEQUENCE_DATA
    made = [
        call(one, create_dataset, "CreateDataset", dataset.CreateDatasetRequest(
            organization_id=organization, name=name, type=kind)).id
        for name in "abc"
    ]  # fmt: skip
    window = data.CreateSequenceRequest(
        part_id=one.default_part.id, start_time=Timestamp(seconds=1), end_time=Timestamp(seconds=2)
    )
    window.resources.add(resource_name="camera", method_name="ReadImage")
    sequence = call(one, create_sequence, "CreateSequence", window).id

    def change(cloud: FakeViam, handler: Rpc[Any, Any], rpc: str, dataset_id: str) -> None:
        request = getattr(data, f"{rpc}Request")(dataset_id=dataset_id, sequence_ids=[sequence])
        call(cloud, handler, rpc, request)

    def add(cloud: FakeViam, dataset_id: str) -> None:
        change(cloud, add_sequences_to_dataset, "AddSequencesToDataset", dataset_id)

    named = sequences._named

    def meanwhile(do: Callable[[], None]) -> None:
        """Do something between what the next change reads and what it writes."""

        def named_and_done(*args: Any) -> Any:
            found = named(*args)
            monkeypatch.undo()
            do()
            return found

        monkeypatch.setattr(sequences, "_named", named_and_done)

    def memberships() -> set[str]:
        (found,) = two._cloud.store.entities(Sequence)
        return set(found.dataset_ids)

    meanwhile(lambda: add(two, made[1]))
    add(one, made[0])
    assert memberships() == {made[0], made[1]}
    meanwhile(lambda: add(two, made[2]))
    change(one, remove_sequences_from_dataset, "RemoveSequencesFromDataset", made[0])
    assert memberships() == {made[1], made[2]}
    meanwhile(lambda: call(two, delete_sequence, "DeleteSequence",
                           data.DeleteSequenceRequest(id=sequence)))  # fmt: skip
    add(one, made[0])
    assert two._cloud.store.entities(Sequence) == []


def read_hourly(cloud: FakeViam) -> None:
    """A reading in each of the hours from 11 to 14."""
    rows = [{"time": f"2026-03-10T{hour}:30:00Z", "x": 1} for hour in range(11, 15)]
    cloud.load({"readings": [{"component": "a", "rows": rows}]})


@pytest.mark.parametrize("backfills", [False, True])
def test_each_run_is_done_by_one_server(another: Callable[..., FakeViam], backfills: bool) -> None:  # noqa: FBT001
    """MG-7: servers whose clocks come to the same time at once."""
    clouds = [another(clock=Clock.frozen(NOON)) for _ in range(3)]
    read_hourly(clouds[0])
    create_pipeline(clouds[1], enable_backfill=backfills)
    ready = Barrier(len(clouds))

    def go(cloud: FakeViam) -> None:
        cloud._cloud.clock.advance(hours=3)
        ready.wait(30)
        catch_up(cloud._cloud)

    with ThreadPoolExecutor(len(clouds)) as pool:
        list(pool.map(go, clouds))
    catch_up(clouds[2]._cloud)
    past = [(11, "completed", 1)] if backfills else []
    assert runs_of(clouds[0]) == [*past, *((hour, "completed", 1) for hour in (12, 13, 14))]
    (pipeline,) = clouds[0]._cloud.store.entities(DataPipeline)
    assert pipeline.open == ()


def while_it_runs(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[], object], *, dies: bool = False
) -> None:
    """Do something while the query of a run is answered, once."""
    results = Worker._results

    def meanwhile(self: Any, *args: Any) -> Any:
        monkeypatch.undo()
        change()
        if dies:
            raise KeyboardInterrupt
        return results(self, *args)

    monkeypatch.setattr(Worker, "_results", meanwhile)


def test_a_run_that_another_server_has_begun(
    another: Callable[..., FakeViam], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-7: it is left alone, and so is what else changes meanwhile."""
    one, two = another(clock=Clock.frozen(NOON)), another(clock=Clock.frozen(NOON))
    read_hourly(one)
    made = create_pipeline(one)
    seen: list[Any] = []

    def meanwhile() -> None:
        two._cloud.clock.advance(hours=1)
        catch_up(two._cloud)
        seen.extend(runs_of(two))
        request = datapipelines.RenameDataPipelineRequest(id=made.id, name="new")
        call(two, rename_data_pipeline, "RenameDataPipeline", request)

    while_it_runs(monkeypatch, meanwhile)
    one._cloud.clock.advance(hours=1)
    catch_up(one._cloud)
    assert seen == [(12, "started", 0)]
    assert runs_of(one) == [(12, "completed", 1)]
    (pipeline,) = two._cloud.store.entities(DataPipeline)
    assert (pipeline.name, pipeline.open) == ("new", ())


def test_a_pipeline_that_is_deleted_while_it_runs(
    another: Callable[..., FakeViam], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-7, DP-10."""
    one, two = another(clock=Clock.frozen(NOON)), another()
    made = create_pipeline(one)
    request = datapipelines.DeleteDataPipelineRequest(id=made.id)
    while_it_runs(
        monkeypatch, lambda: call(two, delete_data_pipeline, "DeleteDataPipeline", request)
    )
    one._cloud.clock.advance(hours=1)
    catch_up(one._cloud)
    assert one._cloud.store.stats().entities == 0


def test_a_server_that_dies_during_a_run(
    another: Callable[..., FakeViam], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-7, DP-6: another one gives the run up five minutes after it first saw it."""
    one, two = another(clock=Clock.frozen(NOON)), another(clock=Clock.frozen(NOON))
    create_pipeline(one)
    while_it_runs(monkeypatch, lambda: None, dies=True)
    one._cloud.clock.advance(minutes=55)
    with pytest.raises(KeyboardInterrupt):
        catch_up(one._cloud)
    two._cloud.clock.advance(minutes=58)
    for minutes, status in ((0, "started"), (4, "started"), (1, "failed")):
        two._cloud.clock.advance(minutes=minutes)
        catch_up(two._cloud)
        assert runs_of(two) == [(12, status, 0)]
    (run,) = two._cloud.store.entities(PipelineRun)
    assert run.error == "query timed out"


def test_a_run_that_another_server_has_given_up(
    another: Callable[..., FakeViam], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MG-7, DP-6: what it answers then goes nowhere."""
    one, two = another(clock=Clock.frozen(NOON)), another(clock=Clock.frozen(NOON))
    read_hourly(one)
    create_pipeline(one)

    def meanwhile() -> None:
        for minutes in (54, 6):
            two._cloud.clock.advance(minutes=minutes)
            catch_up(two._cloud)

    while_it_runs(monkeypatch, meanwhile)
    one._cloud.clock.advance(minutes=53)
    catch_up(one._cloud)
    assert runs_of(one) == [(12, "failed", 0)]
