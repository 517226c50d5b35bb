"""Empty requests and invalid requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, datasync, well_known
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, Need, check, small_world
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

PAGES = ("BinaryDataByFilter", "TabularDataByFilter")


@check("FI-2", needs=(Need.EXCLUSIVE,))
def no_filter_at_all(session: Session) -> None:
    """A missing or empty filter selects everything."""
    small_world(session, files=2, rows=2)
    tags = raw.call(session, "FI-2", "TagsByFilter", data.TagsByFilterRequest()).tags
    binary = {tag for file in session.model.files for tag in file.tags}
    every = binary | {tag for row in session.model.rows for tag in row.tags}
    candidates = {"binary-and-tabular": every, "binary": binary}
    session.choose("tags_by_filter_scope", "the tags", candidates, set(tags), "FI-2")
    counts = (len(session.model.files), len(session.model.rows))
    for data_request in (None, data.DataRequest(), data.DataRequest(filter=data.Filter())):
        for rpc, count in zip(PAGES, counts, strict=True):
            for only in (False, True):
                request = getattr(data, f"{rpc}Request")(data_request=data_request, count_only=only)
                reply = raw.call(session, "FI-2", rpc, request)
                session.expect("FI-2", f"count of {rpc}", count, reply.count)


@check("FI-3", "FI-8")
def empty_parts_of_a_filter(session: Session) -> None:
    """Empty fields of a filter have no effect, alone and with others."""
    small_world(session, files=3, rows=0)
    for component_type, count in (("", 3), ("camera", 2)):
        filter_ = raw.mine(
            session,
            component_type=component_type,
            interval=data.CaptureInterval(),
            tags_filter=data.TagsFilter(),
        )
        reply = raw.page(session, "FI-3", "BinaryDataByFilter", filter_)
        for clause in ("FI-3", "FI-8"):
            session.expect(clause, "files of a page", count, len(reply.data))


@check("FI-17", "PG-12")
def values_without_meaning(session: Session) -> None:
    """An unknown tag rule or order is an error."""
    tags = raw.mine(session, tags_filter=data.TagsFilter(tags=["dog"]))
    tags.tags_filter.type = 9  # type: ignore[assignment]  # an enum is open on the wire
    unordered = data.DataRequest(filter=raw.mine(session))
    unordered.sort_order = 9  # type: ignore[assignment]
    for rpc in PAGES:
        cls = getattr(data, f"{rpc}Request")
        request = cls(data_request=data.DataRequest(filter=tags))
        raw.refuse(session, "FI-17", "INVALID_ARGUMENT", rpc, request)
        raw.refuse(session, "PG-12", "INVALID_ARGUMENT", rpc, cls(data_request=unordered))
    request = data.TagsByFilterRequest(filter=tags)
    raw.refuse(session, "FI-17", "INVALID_ARGUMENT", "TagsByFilter", request)


#: One second after the year 9999, and one nanosecond too many.
NO_TIMES = ((253_402_300_800, 0), (0, 10**9), (0, -1))


@check("TM-3")
def impossible_times(session: Session) -> None:
    """Times out of range are refused in filters and in uploads; nothing is stored."""
    refused = []
    for seconds, nanos in NO_TIMES:
        time = well_known.Timestamp(seconds=seconds, nanos=nanos)
        filter_ = raw.mine(session, interval=data.CaptureInterval(start=time))
        request = data.BinaryDataByFilterRequest(data_request=data.DataRequest(filter=filter_))
        raw.refuse(session, "TM-3", "INVALID_ARGUMENT", "BinaryDataByFilter", request)
        content = datasync.SensorData(
            metadata=datasync.SensorMetadata(time_requested=time), binary=b"x"
        )
        upload = raw.capture(raw.metadata(session, raw.BINARY), content)
        refused.append(raw.refuse(session, "TM-3", "INVALID_ARGUMENT", "DataCaptureUpload", upload))
    if all(refused):
        reads.check_files(session, FilterSpec())


@check("TA-4")
def blank_tags(session: Session) -> None:
    """Blank tags are refused, also among others; nothing is stored."""
    writes.upload(session, way="DataCaptureUpload", part=0, chunks=[b"x"], times=(BASE, BASE))
    refused = []
    for tag in ("", " ", "\t"):
        request = data.AddTagsToBinaryDataByIDsRequest(
            binary_data_ids=session.handles.files, tags=["dog", tag]
        )
        rpc = "AddTagsToBinaryDataByIDs"
        refused.append(raw.refuse(session, "TA-4", "INVALID_ARGUMENT", rpc, request))
        upload = raw.metadata(session, raw.BINARY, tags=["dog", tag])
        capture = raw.capture(upload, datasync.SensorData(binary=b"x"))
        refused.append(
            raw.refuse(session, "TA-4", "INVALID_ARGUMENT", "DataCaptureUpload", capture)
        )
    if all(refused):
        reads.check_files(session, FilterSpec())


CHECKS = (
    no_filter_at_all,
    empty_parts_of_a_filter,
    values_without_meaning,
    impossible_times,
    blank_tags,
)
