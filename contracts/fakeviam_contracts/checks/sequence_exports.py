"""Exports of sequence datasets: jobs and their files."""

from __future__ import annotations

import io
import json
import zipfile
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fakeviam.wire import dataset
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import mql, writes
from fakeviam_contracts.assertions import AnyOf
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, Need, check
from fakeviam_contracts.checks.downloads import fetched
from fakeviam_contracts.checks.sequence_data import images
from fakeviam_contracts.checks.sequence_datasets import join, new_dataset
from fakeviam_contracts.checks.sequences import (
    END,
    START,
    camera,
    create,
    resource,
)
from fakeviam_contracts.scope import NameScope
from fakeviam_contracts.wirelog import NotServedError, Refused

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

BEGIN, LOOK = "StartSequenceDatasetExport", "GetSequenceDatasetExport"
RUNNING, COMPLETED, FAILED = (
    dataset.SEQUENCE_DATASET_EXPORT_STATUS_RUNNING,
    dataset.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED,
    dataset.SEQUENCE_DATASET_EXPORT_STATUS_FAILED,
)
#: Both states mean that a job is in progress.
UNDER_WAY = AnyOf(RUNNING, dataset.SEQUENCE_DATASET_EXPORT_STATUS_UNSPECIFIED)
#: The interval between two looks at a job, in seconds.
LOOKS = (2, 10, 60)


def _begun(session: Session, dataset_id: str) -> str:
    """Start a job; returns its id.

    Raises:
        NotServedError: The fake runs without the optional packages (EJ-5).
    """
    request = dataset.StartSequenceDatasetExportRequest(dataset_id=dataset_id)
    answer = session.wire.call(BEGIN, request)
    if isinstance(answer, Refused) and "pyarrow" in answer.text:
        raise NotServedError(answer.text)
    return str(session.answered("EJ-1", BEGIN, answer).job_id)


def _look(session: Session, job_id: str) -> dataset.GetSequenceDatasetExportResponse:
    request = dataset.GetSequenceDatasetExportRequest(job_id=job_id)
    job: dataset.GetSequenceDatasetExportResponse = raw.call(session, "EJ-1", LOOK, request)
    return job


def _ended(session: Session, job_id: str) -> dataset.GetSequenceDatasetExportResponse:
    """The job once it is no longer in progress."""
    job = _look(session, job_id)
    for seconds in LOOKS:
        if job.status != UNDER_WAY:
            break
        if session.place.sleep is not None:
            session.place.sleep(seconds * SECOND)
        job = _look(session, job_id)
    return job


@check("EJ-1", "EJ-2", needs=(Need.HOURS,))
def exports_of_sequences(session: Session) -> None:
    """A job is in progress, then complete, with a link that expires."""
    ours = new_dataset(session, "drives")
    join(session, ours, create(session))
    job_id = _begun(session, ours)
    job = _look(session, job_id)
    began = nanos_from(job.created_at)
    session.expect("EJ-1", "the id of a job", job_id, job.job_id)
    if job.status != COMPLETED:
        session.expect("EJ-1", "the state of a new job", UNDER_WAY, job.status)
        session.expect("EJ-1", "the link of a job under way", "", job.download_url)
    session.expect("EJ-2", "the state of a new job", RUNNING, job.status)
    job = _ended(session, job_id)
    session.expect("EJ-1", "the state of a job in the end", COMPLETED, job.status)
    is_url = job.download_url.startswith(("http://", "https://"))
    session.expect("EJ-1", "the link of a job that is complete", expected=True, observed=is_url)
    session.expect("EJ-1", "the error of a job that is complete", "", job.error_message)
    completed, expires = nanos_from(job.completed_at), nanos_from(job.expires_at)
    told = job.HasField("expires_at") and expires > began
    session.expect("EJ-1", "the end of a link comes later", expected=True, observed=told)
    session.expect("EJ-2", "seconds that a job takes", 2, (completed - began) // SECOND)
    minutes = (expires - completed) // SECOND // 60
    session.expect("EJ-2", "minutes that a link is good for", 60, minutes)
    for seconds, status in ((0, 200), (3600, 410)):
        _pass(session, seconds)
        answer = fetched(session, job.download_url)
        session.expect("EJ-2", f"status of the link after {seconds} s", status, answer.status)


def _pass(session: Session, seconds: int) -> None:
    assert session.place.advance is not None  # noqa: S101 - required by the check
    session.place.advance(seconds * SECOND)


@check("EJ-1")
def exports_are_jobs(session: Session) -> None:
    """Every job has its own id."""
    ours = new_dataset(session, "drives")
    join(session, ours, create(session))
    jobs = [_begun(session, ours) for _ in range(2)]
    session.expect("EJ-1", "ids of two jobs", 2, len(set(jobs)))


@check("EJ-1", "EJ-4", needs=(Need.HOURS,))
def exports_that_fail(session: Session) -> None:
    """Unknown datasets are refused; a dataset that is deleted meanwhile makes the job fail."""
    ours = new_dataset(session, "drives")
    job_id = _begun(session, ours)
    raw.call(session, "DS-2", "DeleteDataset", dataset.DeleteDatasetRequest(id=ours))
    job = _ended(session, job_id)
    session.expect("EJ-4", "the state of a job whose dataset was deleted", FAILED, job.status)
    if job.status == FAILED:
        told = (bool(job.error_message), job.download_url)
        session.expect("EJ-1", "error and link of a job that failed", (True, ""), told)
    for job_id, status in ((raw.NOBODY, "NOT_FOUND"), ("", "INVALID_ARGUMENT")):
        request = dataset.GetSequenceDatasetExportRequest(job_id=job_id)
        raw.refuse(session, "EJ-4", status, LOOK, request)


# The file --------------------------------------------------------------------------------


def _tables(content: bytes) -> dict[str, list[dict[str, Any]]]:
    """The rows of each Parquet file of an export."""
    pq: Any = import_module("pyarrow.parquet")  # optional, and slow to import
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.rpartition("/")[2].partition(".")[0]: pq.read_table(
                io.BytesIO(archive.read(name))
            ).to_pylist()
            for name in archive.namelist()
        }


@check("EJ-3", needs=(Need.HOURS,))
def images_of_exports(session: Session) -> None:
    """Each sequence has its tags and window, and its images with their boxes."""
    images(session, 12)
    writes.box(session, 0, "dog", (0.0, 0.25, 0.5, 1.0), confidence=0.5)
    made = [create(session), create(session, sequence_tags=["night", "rain"])]
    tables = _exported(session, made)
    _expect_sequences(session, tables["sequences"], made)
    image = {"method_name": "ReadImage", "path": session.handles.files[0]}
    expected = [(each, 12, image) for each in made]
    _expect_rows(session, "images", tables["binary_data"], expected)
    boxes = [[box["label"] for box in row["bounding_boxes"]] for row in tables["binary_data"]]
    session.expect("EJ-3", "labels of exported images", [[_hidden(session, "dog")]] * 2, boxes)
    session.expect("EJ-3", "readings of other resources", [], tables["tabular_data"])


@check("EJ-3", needs=(Need.HOURS,))
def readings_of_exports(session: Session) -> None:
    """Each sequence has its readings, with JSON payloads."""
    how = {"component": "cam", "method": "Readings", "component_type": "camera"}
    rows = [{"readings": {"n": float(second)}} for second in (14, 40)]
    times = [(BASE + second * SECOND, BASE + second * SECOND) for second in (14, 40)]
    writes.upload_rows(session, part=0, rows=rows, times=times, **how)
    made = [create(session, resources=[resource(session, "Readings")])]
    found = _exported(session, made)["tabular_data"]
    _expect_rows(session, "readings", found, [(made[0], 14, {"method_name": "Readings"})])
    payloads = [json.loads(row["payload"]) for row in found]
    session.expect("EJ-3", "payloads of exported readings", [{"readings": {"n": 14.0}}], payloads)


def _exported(session: Session, made: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The tables of an export of sequences.

    Raises:
        NotServedError: The packages that read such files are not installed.
    """
    if find_spec("pyarrow") is None:
        raise NotServedError("pyarrow is not installed, which reads the files of exports")
    ours = new_dataset(session, "drives")
    join(session, ours, *made)
    job = _ended(session, _begun(session, ours))
    session.require("EJ-1", "the state of a job in the end", COMPLETED, job.status)
    tables = _tables(fetched(session, job.download_url).body)
    expected = ["binary_data", "sequences", "tabular_data"]
    session.require("EJ-3", "tables of an export", expected, sorted(tables))
    return tables


def _hidden(session: Session, name: str) -> str:
    """A name as it is stored on the subject."""
    edge = session.wire.edge
    return edge.hidden(name) if isinstance(edge, NameScope) else name


def _expect_sequences(session: Session, rows: list[dict[str, Any]], made: list[str]) -> None:
    found = {
        row["sequence_id"]: (
            row["tags"],
            *(mql.nanos_of(row[end]) for end in ("start_at", "end_at")),
        )
        for row in rows
    }
    window = (BASE + START * SECOND, BASE + END * SECOND)
    day, night, rain = (_hidden(session, name) for name in ("day", "night", "rain"))
    expected = {made[0]: ([day], *window), made[1]: ([night, rain], *window)}
    session.expect("EJ-3", "exported sequences", expected, found)


def _expect_rows(
    session: Session,
    what: str,
    rows: list[dict[str, Any]],
    expected: list[tuple[str, int, dict[str, str]]],
) -> None:
    source = {"part_id": session.place.parts[0].part_id, "component_name": camera(session)}
    wanted = [
        {**source, "sequence_id": made, "timestamp": BASE + second * SECOND, **more}
        for made, second, more in expected
    ]
    found = [
        {**{name: row.get(name) for name in wanted[0]}, "timestamp": mql.nanos_of(row["timestamp"])}
        for row in rows
    ]
    session.expect("EJ-3", f"exported {what}", _sorted(wanted), _sorted(found))


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["sequence_id"]))


CHECKS = (
    exports_of_sequences,
    exports_are_jobs,
    exports_that_fail,
    images_of_exports,
    readings_of_exports,
)
