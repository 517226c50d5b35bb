"""Exports of datasets of sequences: a job by the fake's clock, and its file."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.error
import urllib.request
import zipfile
from datetime import timedelta
from functools import partial
from threading import Event, current_thread
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Clock, Policy
from fakeviam.query.computation import AbandonedError, Computation
from fakeviam.server.services import sequence_exports, sequence_files
from fakeviam.server.services.data.sequences import inside, sequences_in
from fakeviam.wire import data, dataset

from .driver import NOW, Viam, at, nanos, reading, until
from .test_sequences import CAM, change, create, photo

if TYPE_CHECKING:
    from fakeviam.model.entities import Sequence
    from fakeviam.model.filters import Query

    from .conftest import Start

pytestmark = pytest.mark.asyncio
pq: Any = pytest.importorskip("pyarrow.parquet")

SENSOR = data.SequenceResourceFilter(resource_name="s", method_name="Readings")


async def begin(start: Start) -> tuple[Viam, str]:
    """A dataset of one sequence: two images, one with a box, and a reading."""
    viam = await start(clock=Clock(lambda: NOW))
    image = await photo(viam, "a", 1)
    await viam.add_box(image, "cat")
    await photo(viam, "b", 2)
    await photo(viam, "outside", 20)
    of = {"component_name": "s", "method_name": "Readings"}
    await viam.upload_readings(reading({"k": 1.5, "a": [None]}, at(3)), **of)
    into = await viam.create_dataset("s", type=dataset.DATASET_TYPE_SEQUENCE_DATA)
    made = await create(viam, resources=[CAM, SENSOR], sequence_tags=["day"])
    await change(viam, "Add", into, made)
    return viam, into


async def started(viam: Viam, dataset_id: str) -> str:
    request = dataset.StartSequenceDatasetExportRequest(dataset_id=dataset_id)
    return str((await viam.rpc("StartSequenceDatasetExport", request)).job_id)


async def state(viam: Viam, job_id: str) -> dataset.GetSequenceDatasetExportResponse:
    request = dataset.GetSequenceDatasetExportRequest(job_id=job_id)
    job: dataset.GetSequenceDatasetExportResponse = await viam.rpc(
        "GetSequenceDatasetExport", request
    )
    return job


async def got(url: str) -> bytes | int:
    """What a link leads to, or the status of its refusal."""

    def get() -> bytes | int:
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - on this machine
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    return await asyncio.get_running_loop().run_in_executor(None, get)


async def test_a_job_runs_and_is_done(start: Start) -> None:
    """EJ-1, EJ-2, EJ-3: its file has what was inside when it was done."""
    viam, into = await begin(start)
    job_id = await started(viam, into)
    job = await state(viam, job_id)
    assert job.status == dataset.SEQUENCE_DATASET_EXPORT_STATUS_RUNNING
    assert (job.download_url, job.HasField("expires_at"), nanos(job.created_at)) == ("", False, 0)
    viam.cloud.clock.advance(seconds=2)
    job = await state(viam, job_id)
    assert job.status == dataset.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED
    assert nanos(job.completed_at) == 2 * 10**9
    assert nanos(job.expires_at) == 3602 * 10**9
    tables = tables_of(await got(job.download_url))
    (sequence,) = tables.pop("sequences.parquet")
    assert sequence["tags"] == ["day"]
    first, second = tables.pop("binary_data.parquet")
    assert first["sequence_id"] == second["sequence_id"] == sequence["sequence_id"]
    assert [box["label"] for box in first["bounding_boxes"]] == ["cat"]
    assert second["bounding_boxes"] == []
    assert len((await viam.by_ids(first["path"])).data) == 1
    assert (second["timestamp"] - first["timestamp"]).total_seconds() == 1
    (row,) = tables.pop("tabular_data.parquet")
    assert json.loads(row["payload"]) == {"k": 1.5, "a": [None]}
    assert (row["component_name"], row["method_name"], tables) == ("s", "Readings", {})


async def test_what_is_not_visible_yet_is_not_in_the_file(start: Start) -> None:
    """EJ-3, A55, FT-7: as of the time that the job is done, however late it is found out."""

    async def images(*, after: int) -> int:
        job_id = await started(viam, into)
        viam.cloud.clock.advance(seconds=after)
        tables = tables_of(await got((await state(viam, job_id)).download_url))
        assert len(tables["tabular_data.parquet"]) == bool(tables["binary_data.parquet"])
        return len(tables["binary_data.parquet"])

    viam, into = await begin(start)
    viam.cloud.clock.advance(seconds=100)
    viam.cloud.faults.on("DataCaptureUpload").hide("10s")
    await photo(viam, "hidden", 3)
    assert [await images(after=20), await images(after=2)] == [2, 3]
    viam.cloud.policy = Policy(visibility_lag=timedelta(seconds=200))
    assert [await images(after=150), await images(after=2)] == [0, 2]


async def test_what_is_not_in_the_dataset_is_not_in_the_file(start: Start) -> None:
    """EJ-3, SQ-4: other sequences, resources, parts and times; a sequence may hold nothing."""
    viam, into = await begin(start)
    other = await viam.create_dataset("other", type=dataset.DATASET_TYPE_SEQUENCE_DATA)
    await change(viam, "Add", other, await create(viam, resources=[SENSOR]))
    await create(viam, resources=[CAM])  # in no dataset
    left = await create(viam, resources=[CAM])
    await change(viam, "Add", into, left)
    await change(viam, "Remove", into, left)
    nothing = data.SequenceResourceFilter(resource_name="none", method_name="GetImages")
    empty = await create(viam, resources=[nothing], sequence_tags=["empty"])
    await change(viam, "Add", into, empty)
    part = viam.cloud.fleet.add_part("second")
    of = {"component_name": "s", "method_name": "Readings"}
    await viam.upload_readings(reading({"k": 2}, at(3)), part_id=part.id, **of)
    await viam.upload_readings(reading({"k": 3}, at(3)), component_name="t", method_name="Readings")
    await viam.upload_readings(reading({"k": 4}, at(3)), component_name="s", method_name="Other")
    await photo(viam, "text", 3, mime_type="text/plain", component_name="cam")
    tables = await exported(viam, into)
    assert [row["tags"] for row in tables["sequences.parquet"]] == [["day"], ["empty"]]
    (kept, _) = tables["sequences.parquet"]
    rows = [*tables["binary_data.parquet"], *tables["tabular_data.parquet"]]
    assert {row["sequence_id"] for row in rows} == {kept["sequence_id"]}
    (row,) = tables["tabular_data.parquet"]
    assert (json.loads(row["payload"])["k"], row["part_id"]) == (1.5, viam.cloud.default_part.id)
    assert len(tables["binary_data.parquet"]) == 2


async def exported(viam: Viam, dataset_id: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table of an export."""
    job_id = await started(viam, dataset_id)
    viam.cloud.clock.advance(seconds=2)
    return tables_of(await got((await state(viam, job_id)).download_url))


def tables_of(file: bytes | int) -> dict[str, list[dict[str, Any]]]:
    assert isinstance(file, bytes)
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {
            name: pq.read_table(io.BytesIO(archive.read(name))).to_pylist()
            for name in archive.namelist()
        }


async def test_links_end(start: Start) -> None:
    """EJ-2: after an hour, without a signature, and for another job."""
    viam, into = await begin(start)
    job_id = await started(viam, into)
    viam.cloud.clock.advance(seconds=2)
    url = (await state(viam, job_id)).download_url
    assert await got(url.partition("?")[0]) == 401
    assert await got(url.replace(job_id, job_id[::-1])) == 403
    viam.cloud.clock.advance(hours=1)
    assert await got(url) == 410
    assert (await state(viam, job_id)).job_id == job_id


async def test_a_dataset_that_is_deleted(start: Start) -> None:
    """EJ-4."""
    viam, into = await begin(start)
    job_id = await started(viam, into)
    await viam.rpc("DeleteDataset", dataset.DeleteDatasetRequest(id=into))
    viam.cloud.clock.advance(seconds=2)
    job = await state(viam, job_id)
    assert job.status == dataset.SEQUENCE_DATASET_EXPORT_STATUS_FAILED
    assert (job.error_message, job.download_url) == ("the dataset was deleted", "")


async def test_what_cannot_be_exported(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """EJ-4, EJ-5, A40, SQ-14."""
    viam, into = await begin(start)
    binary = await viam.create_dataset("binary")
    with viam.refuses(Status.FAILED_PRECONDITION, "SQ-14", "holds binary data"):
        await started(viam, binary)
    with viam.refuses(Status.NOT_FOUND, "A40"):
        await started(viam, "f" * 24)
    with viam.refuses(Status.NOT_FOUND, "EJ-4", "no export 'x'"):
        await state(viam, "x")
    with viam.refuses(Status.INVALID_ARGUMENT, "EJ-4", "job_id must not be empty"):
        await state(viam, "")
    monkeypatch.setattr(sequence_exports, "is_available", lambda: False)
    with viam.refuses(Status.FAILED_PRECONDITION, "EJ-5", "install fakeviam[parquet]"):
        await started(viam, into)


async def test_a_file_is_made_aside(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of other clouds are answered meanwhile, those of its own find it done (SV-18, DP-16).

    A client that asked and left does not take it from the others.
    """
    viam, into = await begin(start)
    job_id = await started(viam, into)
    viam.cloud.session("other")
    others_are_done, began, make = Event(), Event(), sequence_files.file_of

    def waiting(*args: Any, **options: Any) -> bytes:
        began.set()
        assert others_are_done.wait(30), "nobody was answered meanwhile"
        return make(*args, **options)

    monkeypatch.setattr(sequence_files, "file_of", waiting)
    viam.cloud.clock.advance(seconds=2)
    one, two = (asyncio.create_task(state(viam, job_id)) for _ in range(2))
    await until(began.is_set)
    tags = data.TagsByFilterRequest()
    await viam.rpc("TagsByFilter", tags, metadata={"fakeviam-session": "other"})
    assert [one.done(), two.done()] == [False, False]
    one.cancel()
    others_are_done.set()
    assert (await two).status == dataset.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED


async def test_a_file_is_made_though_nobody_waits(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SV-19: clients with less patience than it takes would begin it again and again."""
    viam, into = await begin(start)
    job_id = await started(viam, into)
    may_end, began, make = Event(), Event(), sequence_files.file_of
    made: list[bytes] = []

    def waiting(*args: Any, **options: Any) -> bytes:
        began.set()
        assert may_end.wait(30)
        made.append(make(*args, **options))
        return made[-1]

    monkeypatch.setattr(sequence_files, "file_of", waiting)
    viam.cloud.clock.advance(seconds=2)
    for _ in range(2):
        impatient = asyncio.create_task(state(viam, job_id))
        await until(began.is_set)
        impatient.cancel()
    may_end.set()
    job = await state(viam, job_id)
    assert job.status == dataset.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED
    assert len(made) == 1


async def test_a_file_that_nobody_needs_is_not_made(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SV-19: neither a server that stops nor another computation waits for all of its records."""
    viam, into = await begin(start)
    store, computation = viam.cloud._cloud.store, Computation()
    kept = store.dataset(into)
    assert kept is not None

    def abandoned(sequence: Sequence) -> Query:
        computation.abandon()
        return inside(sequence)

    monkeypatch.setattr(sequence_files, "inside", abandoned)
    with pytest.raises(AbandonedError):
        computation.do(
            partial(sequence_files.file_of, store, sequences_in(store, kept), until=None)
        )


async def test_a_running_clock_makes_a_file_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """DP-16, SV-18: nobody calls, and it is made, while the event loop goes on."""
    moved = [0]
    async with Viam.running(clock=Clock(lambda: NOW + moved[0])) as viam:
        into = await viam.create_dataset("s", type=dataset.DATASET_TYPE_SEQUENCE_DATA)
        job_id = await started(viam, into)
        await state(viam, job_id)
        threads: list[object] = []
        make = sequence_files.file_of

        def told(*args: Any, **options: Any) -> bytes:
            threads.append(current_thread())
            return make(*args, **options)

        monkeypatch.setattr(sequence_files, "file_of", told)
        cloud = viam.cloud._cloud
        assert cloud.alarm is not None
        moved[0] = 2 * 10**9
        cloud.alarm._run()  # the loop would, in two seconds
        job = await state(viam, job_id)
        assert job.status == dataset.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED
        assert len(threads) == 1
        assert threads[0] is not current_thread()
