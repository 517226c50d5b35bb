"""The view of files: a grid of the selected files, and the details of one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam.model.entities import Sequence
from fakeviam.server.services.data.sequences import IMAGES, resources_of
from fakeviam.server.services.explain import SELECTING
from fakeviam.web.page import code, filters, points
from fakeviam.web.page.known import known_values, latest
from fakeviam.web.page.pictures import record_of
from fakeviam.wire import data
from fakeviam.wire.encoded import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.web.page.points import PointCloud
    from fakeviam.web.page.visit import Visit

#: MIME types that browsers display as images.
_IMAGES = frozenset(
    {
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/svg+xml",
        "image/webp",
    }
)
_TEXTS = ("text/", "application/json", "application/yaml", "application/xml")
_MOST_TEXT = 64 * 1024

#: How many points of a point cloud are drawn, alone and in the grid.
_POINTS, _FEW_POINTS = 4000, 400

#: Maximum size of decompressed points in bytes, likewise.
_LARGEST, _FEW_BYTES = 16 * 1024 * 1024, 128 * 1024

#: How many of the latest calls are searched for a file.
_LOOKED_AT = 2000

#: How many of the latest calls a file's page links to, with the explanation of their reply.
_ASKABLE = 20


@dataclass(frozen=True, slots=True)
class Card:
    """A file for display.

    Attributes:
        kind: `image`, `video`, `text`, `points` or `other`.
        text: The beginning of a text file.
        points: The point cloud, if it is one.
        tags: The tags as clients see them, including labels of datasets.
    """

    record: BinaryRecord
    kind: str
    text: str = ""
    points: PointCloud | None = None

    @property
    def id(self) -> str:
        """The binary data id."""
        return self.record.binary_data_id

    @property
    def name(self) -> str:
        """The file's name; images from cameras have none."""
        return self.record.name or self.record.file_id


def cards_of(cloud: CloudState, records: Iterable[BinaryRecord | None]) -> list[Card]:
    """The cards of the files that exist."""
    return [card_of(cloud, record) for record in records if record is not None]


def card_of(cloud: CloudState, record: BinaryRecord, *, whole: bool = False) -> Card:
    """The card of a file; with `whole`, with more of a text or a point cloud."""
    kind = _kind(record)
    if kind == "points":
        content = cloud.store.read(record.file_id)
        most, largest = (_POINTS, _LARGEST) if whole else (_FEW_POINTS, _FEW_BYTES)
        cloud_of = points.read(content, most, largest=largest)
        return Card(record, kind, points=cloud_of)
    if kind != "text" or not whole:
        return Card(record, kind)
    shown = bytes(cloud.store.read(record.file_id)[:_MOST_TEXT])
    return Card(record, kind, shown.decode(errors="replace"))


def _kind(record: BinaryRecord) -> str:
    mime_type = record.mime_type
    if mime_type in _IMAGES:
        return "image"
    if mime_type.startswith("video/"):
        return "video"
    if mime_type == "pointcloud/pcd" or record.file_ext.lower() == ".pcd":
        return "points"
    return "text" if mime_type.startswith(_TEXTS) else "other"


def show_list(visit: Visit) -> tuple[str, dict[str, Any]]:
    """A page of the selected files, and calls that return the same."""
    internal = visit.query.get("internal") == "1"
    request = data.BinaryDataByFilterRequest(
        data_request=filters.page_of(visit), include_internal_data=internal
    )
    reply = visit.ask("BinaryDataByFilter", request)
    totals = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=request.data_request.filter),
        include_internal_data=internal,
        count_only=True,
    )
    counted = visit.ask("BinaryDataByFilter", totals)
    found = visit.store.find_binary([each.metadata.id for each in reply.data])
    return "files.html", {
        "cards": cards_of(visit.cloud, found),
        "total": counted.count,
        "size": counted.total_size_bytes,
        "next": filters.next_of(visit, "BinaryDataByFilter", request, reply),
        "asked": filters.asked_of(visit.query),
        "link": filters.link_of(visit.query),
        "internal": internal,
        "limit": request.data_request.limit,
        "known": known_values(visit, latest(visit, visit.store.binary_page)),
        "snippets": code.request_snippets(visit, wire.method("BinaryDataByFilter"), request),
    }


def show_file(visit: Visit) -> tuple[str, dict[str, object]]:
    """One file: bytes, boxes, metadata, datasets, and calls that refer to it."""
    record = record_of(visit)
    names = {dataset.id: dataset.name for dataset in visit.store.all_datasets()}
    return "file.html", {
        "card": card_of(visit.cloud, record, whole=True),
        "record": record,
        "datasets": [(each, names.get(each, "")) for each in record.dataset_ids],
        "sequences": _sequences_with(visit, record),
        "calls": list(_calls_about(visit, record)),
        "selecting": [call for call in visit.handle.calls if call.rpc in SELECTING][-_ASKABLE:][
            ::-1
        ],
    }


def _sequences_with(visit: Visit, record: BinaryRecord) -> list[Sequence]:
    """The sequences that contain a file (SQ-4, SQ-8)."""
    resource = (record.source.component_name, record.source.method_name)
    return [
        each
        for each in visit.store.entities(Sequence, record.source.organization_id)
        if record.mime_type in IMAGES
        and each.part_id == record.source.part_id
        and each.time_start <= record.time_requested <= each.time_end
        and resource in resources_of(each)
    ]


def _calls_about(visit: Visit, record: BinaryRecord) -> Iterator[RecordedCall]:
    """The recorded calls whose request or reply contains the file's id."""
    mark = record.file_id.encode()
    for call in list(visit.handle.calls)[-_LOOKED_AT:][::-1]:
        kept = call.kept
        messages = [*kept.requests, *kept.replies]
        if any(mark in encoded(message) for message in messages):
            yield call
