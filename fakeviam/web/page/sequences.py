"""The view of sequences: selections, contents, and exports of their datasets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam import wire
from fakeviam.model.clock import moment_of
from fakeviam.model.entities import Sequence, SequenceExport
from fakeviam.server.services.data.sequences import inside
from fakeviam.web.downloads import zipped
from fakeviam.web.page import code
from fakeviam.web.page.files import cards_of
from fakeviam.web.page.filters import PAGE
from fakeviam.web.problems import HttpProblem
from fakeviam.wire import data

if TYPE_CHECKING:
    from starlette.responses import Response

    from fakeviam.web.page.visit import Visit

#: How many sequences are listed.
SHOWN = 500


def show_list(visit: Visit) -> tuple[str, dict[str, object]]:
    """The sequences of all organizations, newest first."""
    sequences = visit.store.entities(Sequence)
    return "sequences.html", {
        "sequences": sequences[::-1][:SHOWN],
        "total": len(sequences),
    }


class _Resource(NamedTuple):
    """A resource of a sequence, and its data in the window."""

    name: str
    method: str
    files: int
    readings: int


def show_one(visit: Visit) -> tuple[str, dict[str, Any]]:
    """One sequence: window, resources with data, images, datasets."""
    store = visit.store
    sequence = store.entity(Sequence, visit.path)
    if sequence is None:
        raise HttpProblem(404, f"there is no sequence {visit.path!r}")
    window = inside(sequence)
    resources = []
    for each in sequence.resources:
        chosen = replace(window, component_name=each.resource_name, method_name=each.method_name)
        files, readings = store.binary_totals(chosen), store.tabular_totals(chosen)
        resources.append(
            _Resource(each.resource_name, each.method_name, files.records, readings.records)
        )
    request = data.GetSequenceBinaryDataRequest(
        sequence_id=sequence.id, page_size=PAGE, page_token=visit.query.get("last", "")
    )
    reply = visit.ask("GetSequenceBinaryData", request)
    found = store.find_binary([each.metadata.id for each in reply.data])
    return "sequence.html", {
        "sequence": sequence,
        "span": {
            "part_id": sequence.part_id,
            "start": moment_of(sequence.time_start).isoformat(),
            "end": moment_of(sequence.time_end).isoformat(),
        },
        "resources": resources,
        "datasets": [(each, store.dataset(each)) for each in sequence.dataset_ids],
        "cards": cards_of(visit.cloud, found),
        "next": reply.next_page_token,
        "snippets": code.request_snippets(visit, wire.method("GetSequenceBinaryData"), request),
    }


def jobs_of(visit: Visit, dataset_id: str) -> list[SequenceExport]:
    """The exports of a sequence dataset, newest first."""
    found = visit.store.entities(SequenceExport)
    return [each for each in found if each.dataset_id == dataset_id][::-1]


def job_file(visit: Visit) -> Response:
    """The file of an export."""
    job = visit.store.entity(SequenceExport, visit.path)
    if job is None or job.status != "completed":
        raise HttpProblem(404, f"there is no export {visit.path!r} that is completed")
    return zipped(job.file, f"sequences-{job.dataset_id}")
