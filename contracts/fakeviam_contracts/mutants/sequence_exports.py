"""Wrong servers: exports of sequence datasets."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fakeviam.model.entities import SequenceExport
from fakeviam.wire import dataset
from fakeviam_contracts.mutants.access import empty_reply
from fakeviam_contracts.mutants.base import Mutant, on_refusal, on_reply, with_store
from fakeviam_contracts.mutants.entities import changing

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam import MemoryStore
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit

BEGIN, LOOK = "StartSequenceDatasetExport", "GetSequenceDatasetExport"
RUNNING, COMPLETED, FAILED = (
    dataset.SEQUENCE_DATASET_EXPORT_STATUS_RUNNING,
    dataset.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED,
    dataset.SEQUENCE_DATASET_EXPORT_STATUS_FAILED,
)


def _in_state(state: int, change: Callable[[Any], object]) -> ReplyEdit:
    """An edit of jobs in a state."""

    def edit(_: object, job: Any, __: Memory) -> None:
        if job.status == state:
            change(job)

    return edit


def _one_job(_: object, reply: Any, memory: Memory) -> None:
    reply.job_id = memory.setdefault("job", reply.job_id)


def _slow(_: object, job: Any, memory: Memory) -> None:
    """A complete job appears to be in progress at first."""
    memory[job.job_id] = memory.get(job.job_id, 0) + 1
    if job.status == COMPLETED and memory[job.job_id] < 3:
        job.status = RUNNING
        for name in ("download_url", "expires_at", "completed_at"):
            job.ClearField(name)
    elif job.status == COMPLETED:
        job.completed_at.seconds += 3


def _good_for_a_day(job: Any) -> None:
    job.expires_at.seconds += 23 * 3600


def _with_file(change: Callable[[dict[str, bytes]], object]) -> Any:
    """A store of exports that changes their zip files."""

    def edit(_: MemoryStore, export: SequenceExport) -> SequenceExport:
        if not export.file:
            return export
        with zipfile.ZipFile(io.BytesIO(export.file)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        change(files)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return replace(export, file=packed.getvalue())

    return changing(SequenceExport, edit)


def _with_rows(name: str, change: Callable[[list[dict[str, Any]]], object]) -> Any:
    """A store of exports that changes one of their tables."""

    def edit(files: dict[str, bytes]) -> None:
        pa: Any = import_module("pyarrow")  # optional, and slow to import
        pq: Any = import_module("pyarrow.parquet")
        table = pq.read_table(io.BytesIO(files[f"{name}.parquet"]))
        rows = table.to_pylist()
        change(rows)
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), buffer)
        files[f"{name}.parquet"] = buffer.getvalue()

    return _with_file(edit)


def _each_row(name: str, field: str, change: Callable[[Any], Any]) -> Any:
    def edit(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row[field] = change(row[field])

    return _with_rows(name, edit)


def _completed(_: MemoryStore, export: SequenceExport) -> SequenceExport:
    if export.status != "failed":
        return export
    return replace(export, status="completed", error="", file=b"no file")


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    on_reply("takes longer to export", "EJ-2", _slow, LOOK),
    on_reply("has links to exports for a day", "EJ-2", _in_state(COMPLETED, _good_for_a_day), LOOK),
    with_store("exports datasets that were deleted", "EJ-4", changing(SequenceExport, _completed)),
)

MUTANTS: tuple[Mutant, ...] = (
    on_reply("has one job for all exports", "EJ-1", _one_job, BEGIN),
    on_reply("calls running exports failed", "EJ-1",
             _in_state(RUNNING, lambda j: setattr(j, "status", FAILED)), LOOK),
    on_reply("never completes exports", "EJ-1",
             _in_state(COMPLETED, lambda j: setattr(j, "status", RUNNING)), LOOK),
    on_reply("has no links to exports", "EJ-1",
             _in_state(COMPLETED, lambda j: j.ClearField("download_url")), LOOK),
    on_reply("has links to exports that run", "EJ-1",
             _in_state(RUNNING, lambda j: setattr(j, "download_url", "http://soon")), LOOK),
    on_reply("has paths for links to exports", "EJ-1", _in_state(
        COMPLETED, lambda j: setattr(j, "download_url", j.download_url.rpartition("/")[2])), LOOK),
    on_reply("does not say when links to exports end", "EJ-1",
             _in_state(COMPLETED, lambda j: j.ClearField("expires_at")), LOOK),
    on_reply("has an error of complete exports", "EJ-1",
             _in_state(COMPLETED, lambda j: setattr(j, "error_message", "none")), LOOK),
    on_reply("does not say why exports fail", "EJ-1",
             _in_state(FAILED, lambda j: j.ClearField("error_message")), LOOK),
    on_reply("does not say which job it is", "EJ-1", lambda _, j, __: j.ClearField("job_id"), LOOK),
    with_store("exports no readings", "EJ-3", _with_file(lambda f: f.pop("tabular_data.parquet"))),
    with_store("exports sequences without tags", "EJ-3", _each_row("sequences", "tags",
                                                                   lambda _: [])),
    with_store("exports windows of sequences from end to end", "EJ-3", _with_rows(
        "sequences", lambda rows: [r.update(start_at=r["end_at"]) for r in rows])),
    with_store("exports images of the first sequence", "EJ-3", _with_rows(
        "binary_data", lambda rows: rows.__delitem__(slice(1, None)))),
    with_store("exports images without boxes", "EJ-3",
               _each_row("binary_data", "bounding_boxes", lambda _: [])),
    with_store("exports images by bare ids", "EJ-3",
               _each_row("binary_data", "path", lambda path: path.rpartition("/")[2])),
    with_store("exports images without methods", "EJ-3",
               _each_row("binary_data", "method_name", lambda _: "")),
    with_store("exports readings twice", "EJ-3", _with_rows(
        "tabular_data", lambda rows: rows.extend(rows[:1]))),
    with_store("exports readings without what they say", "EJ-3",
               _each_row("tabular_data", "payload", lambda _: "{}")),
    with_store("exports readings of another time", "EJ-3", _each_row(
        "tabular_data", "timestamp", lambda time: time.replace(second=0))),
    on_refusal("has exports of nobody", "EJ-4", empty_reply),
    *LEGAL,
)  # fmt: skip
