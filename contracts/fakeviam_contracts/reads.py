"""Interpretation from the subject, compared with the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam.wire.values import mapping_from
from fakeviam_contracts.operations import operation
from fakeviam_contracts.session import DESCRIPTION, LABEL, Wrong, origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.model import File, FilterSpec, Row
    from fakeviam_contracts.session import Session

ORDERS = {
    None: data.ORDER_UNSPECIFIED,
    True: data.ORDER_DESCENDING,
    False: data.ORDER_ASCENDING,
}

FILTER_CLAUSES = (
    "FI-1",
    "FI-2",
    "FI-4",
    "FI-5",
    "FI-6",
    "FI-7",
    "FI-10",
    "FI-11",
    "FI-13",
    "FI-15",
)


@operation
def check_files(
    session: Session,
    spec: FilterSpec,
    *,
    limit: int = 0,
    descending: bool | None = None,
    with_bytes: bool = False,
) -> None:
    """Follow the pages of files to their end (BF-1, BF-2, PG-1 … PG-9)."""
    spec = session.within(spec)
    expected = session.model.in_order(session.model.matching_files(spec), descending=descending)
    got: list[data.BinaryData] = []
    for page in _pages(
        session,
        "BinaryDataByFilter",
        spec,
        len(expected),
        limit,
        descending=descending,
        with_bytes=with_bytes,
    ):
        got += page.data
    seen = [session.handles.file(entry.metadata.binary_data_id) for entry in got]
    _check_order(session, expected, seen, descending=descending)
    for file, entry in zip(expected, got, strict=True):
        check_file(session, file, entry, with_bytes=with_bytes)


@operation
def check_rows(
    session: Session, spec: FilterSpec, *, limit: int = 0, descending: bool | None = None
) -> None:
    """Follow the pages of readings to their end (TD-1 … TD-4, PG-1 … PG-9)."""
    spec = session.within(spec)
    expected = session.model.in_order(session.model.matching_rows(spec), descending=descending)
    got: list[dict[str, Any]] = []
    for page in _pages(
        session, "TabularDataByFilter", spec, len(expected), limit, descending=descending
    ):
        got += [_observed_row(session, page, entry) for entry in page.data]
    wanted = [_described_row(row) for row in expected]
    session.expect(
        (*FILTER_CLAUSES, "TD-1", "PG-7"),
        "the readings that match",
        sorted(wanted, key=_stable),
        sorted(got, key=_stable),
    )
    clauses = ("A1",) if descending is None else ("PG-6",)
    times = [row["requested"] for row in got]
    session.expect(clauses, "order of times", [row["requested"] for row in wanted], times)
    session.expect(("PG-11",), "order of readings of equal time", wanted, got)


@operation
def check_counts(session: Session, spec: FilterSpec) -> None:
    """Totals of files and of readings (PG-8, A5)."""
    spec = session.within(spec)
    files = session.model.matching_files(spec)
    rows = session.model.matching_rows(spec)
    for rpc, count in (("BinaryDataByFilter", len(files)), ("TabularDataByFilter", len(rows))):
        cls = getattr(data, f"{rpc}Request")
        request = cls(data_request=data.DataRequest(filter=session.filter(spec)), count_only=True)
        reply = session.answered(("PG-8",), rpc, session.wire.call(rpc, request))
        session.expect(("PG-8", "PG-9"), f"count of {rpc}", count, reply.count)
        session.expect(("A5",), f"data of {rpc} with count_only", 0, len(reply.data))
        session.expect(("A5",), f"last of {rpc} with count_only", "", reply.last)
        if rpc == "BinaryDataByFilter":
            size = sum(len(file.data) for file in files)
            session.expect(("A5",), "total_size_bytes", size, reply.total_size_bytes)


@operation
def check_by_ids(
    session: Session, files: Sequence[int], *, form: str = "string", with_bytes: bool = True
) -> None:
    """Files by their ids, in that order (BI-1 … BI-3, ID-6, A13, A14)."""
    request = data.BinaryDataByIDsRequest(include_binary=with_bytes, **session.names(files, form))
    answer = session.wire.call("BinaryDataByIDs", request)
    if session.refused("BinaryDataByIDs", answer, wrong_ids(session, files, form)):
        return
    reply = session.answered(("BI-1",), "BinaryDataByIDs", answer)
    expected = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
    seen = [session.handles.file(entry.metadata.binary_data_id) for entry in reply.data]
    wanted = [file.handle for file in expected]
    session.expect(
        ("BI-1", "ID-6", "A14"),
        "the files of these ids",
        sorted(wanted, key=str),
        sorted(seen, key=str),
    )
    session.expect(("BI-3",), "their order", wanted, seen)
    session.expect(("BI-4",), "count", len(wanted), reply.count)
    for file, entry in zip(expected, reply.data, strict=True):
        check_file(session, file, entry, with_bytes=with_bytes)


@operation
def check_tags(session: Session, spec: FilterSpec) -> None:
    """Distinct tags (TG-1, A47)."""
    spec = session.within(spec)
    expected: set[Any] = set()
    for file in session.model.matching_files(spec):
        expected |= session.model.visible_tags(file)
    for row in session.model.matching_rows(spec):
        expected |= set(row.tags)
    wanted = {t if isinstance(t, str) else LABEL + session.handles.datasets[t[1]] for t in expected}
    request = data.TagsByFilterRequest(filter=session.filter(spec))
    reply = session.answered(("TG-1",), "TagsByFilter", session.wire.call("TagsByFilter", request))
    session.expect(("TG-1", "A10", "A47"), "the tags", wanted, set(reply.tags))
    session.expect(("TG-1",), "how often each tag comes", len(wanted), len(reply.tags))
    session.expect(("A47",), "order of tags", sorted(wanted), list(reply.tags))


@operation
def check_labels(session: Session, spec: FilterSpec) -> None:
    """Distinct labels of boxes (BL-1)."""
    spec = session.within(spec)
    files = session.model.matching_files(spec)
    wanted = {box.label for file in files for box in file.boxes}
    rpc = "BoundingBoxLabelsByFilter"
    request = data.BoundingBoxLabelsByFilterRequest(filter=session.filter(spec))
    reply = session.answered(("BL-1",), rpc, session.wire.call(rpc, request))
    session.expect(("BL-1",), "the labels", wanted, set(reply.labels))
    session.expect(("BL-1",), "how often each label comes", len(wanted), len(reply.labels))
    session.expect(("BL-2",), "order of labels", sorted(wanted), list(reply.labels))


def check_file(session: Session, file: File, entry: data.BinaryData, *, with_bytes: bool) -> None:
    """Everything a reply says about one file."""
    wanted, got = session.described(file), session.observed(entry.metadata)
    for name, clauses in DESCRIPTION.items():
        session.expect(clauses, f"{name} of file {file.handle}", wanted[name], got[name])
    payload = file.data if with_bytes else b""
    session.expect(("BF-2", "BI-2", "FU-3"), f"bytes of file {file.handle}", payload, entry.binary)


def _pages(
    session: Session,
    rpc: str,
    spec: FilterSpec,
    expected: int,
    limit: int,
    *,
    descending: bool | None,
    with_bytes: bool = False,
) -> Any:
    """The pages, checked one by one; ends when the subject's pages do not."""
    interpretation = session.interpretation
    largest = interpretation.largest_page
    if with_bytes and interpretation.large_binary_limit is not None:
        largest = interpretation.large_binary_limit
    most = min(limit or 50, largest)
    request = getattr(data, f"{rpc}Request")(
        data_request=data.DataRequest(
            filter=session.filter(spec), limit=limit, sort_order=ORDERS[descending]
        )
    )
    if with_bytes:
        request.include_binary = True
    if limit > largest and interpretation.large_limit == "refused":
        wrong = Wrong("INVALID_ARGUMENT", ("A6",))
        session.refused(rpc, session.wire.call(rpc, request), [wrong])
        # What a client does then: ask for less.
        request.data_request.limit = largest
    short = False
    for _ in range(expected + 2):
        reply = session.answered(("PG-3", "PG-5"), rpc, session.wire.call(rpc, request))
        size = len(reply.data)
        session.expect(
            ("PG-1", "PG-2", "A6"),
            "page no larger than asked",
            expected=True,
            observed=size <= most,
        )
        if not size:
            session.expect(("PG-5",), "last past the end", "", reply.last)
            return
        session.expect(
            ("PG-4",), "a page with data has a last", expected=True, observed=bool(reply.last)
        )
        session.expect(("PG-2",), "only the last page is short", expected=False, observed=short)
        short = size < most
        session.expect(("PG-9", "A4"), "count of a page", size, reply.count)
        yield reply
        request.data_request.last = reply.last
    session.expect(("PG-3", "PG-4", "PG-5"), "pages end", expected=True, observed=False)


def _check_order(
    session: Session,
    expected: Sequence[File],
    seen: list[int | str],
    *,
    descending: bool | None,
) -> None:
    wanted = [file.handle for file in expected]
    session.expect(
        (*FILTER_CLAUSES, "PG-7"),
        "the files that match",
        sorted(wanted, key=str),
        sorted(seen, key=str),
    )
    times = {file.handle: file.requested for file in expected}
    clauses = ("A1",) if descending is None else ("PG-6",)
    session.expect(
        clauses,
        "order of times",
        [times[h] for h in wanted],
        [times[h] for h in seen],  # type: ignore[index]
    )
    session.expect(("PG-11",), "order of files of equal time", wanted, seen)


def wrong_ids(session: Session, files: Sequence[int], form: str) -> list[Wrong]:
    """What is wrong with the ids of a request (ID-5, A13, A14)."""
    if not files:
        return [Wrong("INVALID_ARGUMENT", ("ID-5", "A12"))]
    wrongs = []
    if form != "string" and session.interpretation.deprecated_ids == "refused":
        wrongs.append(Wrong("FAILED_PRECONDITION", ("A14",)))
    gone = any(session.model.file(handle) is None for handle in files)
    if gone and session.interpretation.unknown_ids == "refused":
        wrongs.append(Wrong("NOT_FOUND", ("A13",)))
    return wrongs


def _stable(row: dict[str, Any]) -> str:
    """A text to sort rows by; the order of keys in a reading means nothing."""
    content = json.dumps(row["data"], sort_keys=True)
    return f"{row['requested']} {row['received']} {row['origin']} {row['tags']} {content}"


def _described_row(row: Row) -> dict[str, Any]:
    return {
        "requested": row.requested,
        "received": row.received,
        "data": row.data,
        "origin": row.origin,
        "tags": row.tags,
    }


def _observed_row(
    session: Session, page: data.TabularDataByFilterResponse, entry: data.TabularData
) -> dict[str, Any]:
    session.expect(
        ("TD-2",),
        "metadata_index is inside",
        expected=True,
        observed=entry.metadata_index < len(page.metadata),
    )
    metadata = page.metadata[entry.metadata_index]
    return {
        "requested": nanos_from(entry.time_requested),
        "received": nanos_from(entry.time_received),
        "data": mapping_from(entry.data),
        "origin": origin_of(metadata),
        "tags": list(metadata.tags),
    }
