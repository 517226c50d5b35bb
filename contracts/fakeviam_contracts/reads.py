"""Reading from the subject, compared with the model."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts import pages
from fakeviam_contracts.descriptions import LABEL
from fakeviam_contracts.operations import operation
from fakeviam_contracts.pages import LARGEST_SURE
from fakeviam_contracts.readings import (
    check_aspects,
    check_received,
    described_row,
    observed_row,
    row_key,
    sorted_rows,
)
from fakeviam_contracts.selection import Question, compare
from fakeviam_contracts.session import Ground, permission
from fakeviam_contracts.told_files import check_file, has_what_is_asked
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.model import File, FilterSpec, Row
    from fakeviam_contracts.session import Session


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
    rpc, total = "BinaryDataByFilter", len(session.model.matching_files(spec))
    entries: list[data.BinaryData] = []
    for page in pages.follow(
        session, rpc, spec, total, limit, descending=descending, with_bytes=with_bytes
    ):
        entries += page.data
    seen = _handles(session, entries)
    question = Question(
        "BF-1",
        lambda probe: _sorted(_handles(session, pages.all_entries(session, rpc, probe))),
        lambda probe, how: _sorted(f.handle for f in session.model.matching_files(probe, how)),
        stored=lambda probe: _is_stored_rightly(session, probe),
    )
    compare(session, spec, question, "the files that match", _sorted(seen))
    known = {file.handle: file for file in session.model.files}
    _check_order(session, [known[h] for h in seen if h in known], "files", descending=descending)
    for entry, handle in zip(entries, seen, strict=True):
        if handle in known:
            check_file(session, known[handle], entry, bytes_clause="BF-2", with_bytes=with_bytes)


@operation
def check_rows(
    session: Session, spec: FilterSpec, *, limit: int = 0, descending: bool | None = None
) -> None:
    """Follow the pages of readings to their end (TD-1 … TD-4, PG-1 … PG-9)."""
    spec = session.within(spec)
    rpc, total = "TabularDataByFilter", len(session.model.matching_rows(spec))
    rows: list[dict[str, object]] = []
    for page in pages.follow(session, rpc, spec, total, limit, descending=descending):
        rows += [observed_row(session, page, entry) for entry in page.data]
    wanted = [described_row(row) for row in session.model.matching_rows(spec)]
    if sorted_rows(wanted) != sorted_rows(rows) and len(wanted) == len(rows):
        check_aspects(session, sorted_rows(wanted), sorted_rows(rows))

    def fetch(probe: FilterSpec) -> list[Any]:
        found = pages.all_pages(session, rpc, probe)
        return sorted_rows(observed_row(session, page, e) for page in found for e in page.data)

    def expected(probe: FilterSpec, how: Interpretation) -> list[Any]:
        return sorted_rows(map(described_row, session.model.matching_rows(probe, how)))

    question = Question("TD-1", fetch, expected)
    if not compare(session, spec, question, "the readings that match", sorted_rows(rows)):
        return
    if rows:
        session.comparisons.update(("TD-3", "TD-2", "TM-1", "UP-7"))
    check_received(session, spec, rows)
    alike: dict[str, list[Row]] = {}
    for row in session.model.matching_rows(spec):
        alike.setdefault(row_key(described_row(row)), []).append(row)
    # Of equal rows any stands for the others.
    names = {row.handle: equals[0].handle for equals in alike.values() for row in equals}
    seen = [alike[row_key(row)].pop() for row in rows]
    _check_order(session, seen, "readings", descending=descending, names=names)


@operation
def check_counts(session: Session, spec: FilterSpec, *, limit: int = 0) -> None:
    """Totals of files and of readings (PG-8, A5); a limit does not matter to them."""
    spec = session.within(spec)
    for rpc in ("BinaryDataByFilter", "TabularDataByFilter"):
        binary = rpc == "BinaryDataByFilter"
        reply = _count(session, rpc, spec, limit)
        question = _count_question(session, rpc)
        right = compare(session, spec, question, f"count of {rpc}", reply.count)
        session.expect("A5", f"data of {rpc} with count_only", 0, len(reply.data), legal=True)
        session.expect("A5", f"last of {rpc} with count_only", "", reply.last, legal=True)
        if binary and right:
            size = sum(len(file.data) for file in session.model.matching_files(spec))
            session.expect("A5", "total_size_bytes", size, reply.total_size_bytes, legal=True)


def is_selected_rightly(session: Session, spec: FilterSpec) -> bool:
    """Whether the subject reads the files of a filter; a write by it changes these.

    Asked before the write, so that a field that is ignored everywhere is told by its own clause.
    """
    rpc = "BinaryDataByFilter"
    observed = int(_count(session, rpc, spec).count)
    return compare(session, spec, _count_question(session, rpc), f"count of {rpc}", observed)


def _count_question(session: Session, rpc: str) -> Question:
    def fetch(probe: FilterSpec) -> int:
        return int(_count(session, rpc, probe).count)

    def expected(probe: FilterSpec, how: Interpretation) -> int:
        if rpc == "BinaryDataByFilter":
            return len(session.model.matching_files(probe, how))
        return len(session.model.matching_rows(probe, how))

    def control(probe: FilterSpec) -> bool:
        found = len(pages.all_entries(session, rpc, probe))
        return found == expected(probe, session.interpretation)

    def stored(probe: FilterSpec) -> bool:
        return rpc != "BinaryDataByFilter" or _is_stored_rightly(session, probe)

    return Question("PG-8", fetch, expected, control=control, stored=stored)


def _is_stored_rightly(session: Session, spec: FilterSpec) -> bool:
    """Whether files by their ids have the tags, labels and datasets that a filter asks for.

    If not, the clause of the change that they lack tells it, rather than that of the filter.
    """
    if not (spec.tags or spec.tag_rule or spec.box_labels or spec.dataset is not None):
        return True
    every = [file.handle for file in session.model.files]
    batches = [every[at : at + LARGEST_SURE] for at in range(0, len(every), LARGEST_SURE)]
    for batch in batches:
        request = data.BinaryDataByIDsRequest(**session.names(batch, "string"))
        answer = session.wire.call("BinaryDataByIDs", request)
        if isinstance(answer, Refused) or len(answer.data) < len(batch):
            return True
        for handle, entry in zip(batch, answer.data, strict=False):
            file = session.model.file(handle)
            if file is not None and not has_what_is_asked(session, file, entry.metadata, spec):
                check_by_ids(session, batch, with_bytes=False)
                return False
    return True


def _files_are_right(session: Session, spec: FilterSpec) -> bool:
    """Whether the pages of a filter hold what they must."""
    found = _handles(session, pages.all_entries(session, "BinaryDataByFilter", spec))
    return _sorted(found) == _sorted(f.handle for f in session.model.matching_files(spec))


def _rows_are_right(session: Session, spec: FilterSpec) -> bool:
    """Whether a filter finds as many readings as it must."""
    found = int(_count(session, "TabularDataByFilter", spec).count)
    return found == len(session.model.matching_rows(spec))


def _count(session: Session, rpc: str, spec: FilterSpec, limit: int = 0) -> Any:
    asked = data.DataRequest(filter=session.filter(spec), limit=limit)
    request = getattr(data, f"{rpc}Request")(data_request=asked, count_only=True)
    return session.answered("PG-8", rpc, session.wire.call(rpc, request))


@operation
def check_by_ids(
    session: Session,
    files: Sequence[int],
    *,
    form: str = "string",
    with_bytes: bool = True,
    clause: str = "BI-1",
) -> None:
    """Files by their ids, in that order (BI-1 … BI-4, ID-6, A13, A14)."""
    rpc = "BinaryDataByIDs"
    request = data.BinaryDataByIDsRequest(include_binary=with_bytes, **session.names(files, form))
    grounds = id_grounds(session, files, form)
    reply = session.outcome("BI-1", rpc, session.wire.call(rpc, request), grounds)
    if reply is None:
        return
    expected = {f.handle: f for f in map(session.model.file, files) if f is not None}
    named = all(entry.metadata.binary_data_id for entry in reply.data)
    session.expect("ID-3", "each file has its whole id", expected=True, observed=named)
    seen = _handles(session, reply.data)
    once, wanted = list(dict.fromkeys(seen)), list(expected)
    unknown = len(expected) < len(set(files))
    session.expect(
        "ID-6" if unknown else clause, "the files of these ids", _sorted(wanted), _sorted(once)
    )
    if form != "string":
        session.comparisons["ID-1"] += 1
    if len(files) > len(set(files)) or form == "both":
        session.expect("A14", "how often each file comes", len(wanted), len(seen))
    session.expect("BI-3", "their order", wanted, once)
    session.expect("BI-4", "count", len(seen), reply.count)
    for entry, handle in zip(reply.data, seen, strict=True):
        if handle in expected:
            check_file(session, expected[handle], entry, bytes_clause="BI-2", with_bytes=with_bytes)


@operation
def check_tags(session: Session, spec: FilterSpec) -> None:
    """Distinct tags (TG-1, A47)."""
    spec = session.within(spec)

    def fetch(probe: FilterSpec) -> Any:
        request = data.TagsByFilterRequest(filter=session.filter(probe))
        return session.answered("TG-1", "TagsByFilter", session.wire.call("TagsByFilter", request))

    def expected(probe: FilterSpec, how: Interpretation) -> set[str]:
        files = session.model.matching_files(probe, how)
        found = {tag for file in files for tag in file.tags}
        if how.tags_by_filter_scope == "binary-and-tabular":
            found |= {tag for row in session.model.matching_rows(probe, how) for tag in row.tags}
        if how.dataset_label == "shown":
            ids = session.handles.datasets
            found |= {LABEL + ids[d] for file in files for d in file.datasets}
        return found

    reply = fetch(spec)
    question = Question(
        "TG-1",
        lambda probe: set(fetch(probe).tags),
        expected,
        ("tags_by_filter_scope", "dataset_label"),
        lambda probe: _files_are_right(session, probe) and _rows_are_right(session, probe),
    )
    if compare(session, spec, question, "the tags", set(reply.tags)):
        session.comparisons.update(("A47", "A10"))
    session.expect("TG-1", "how often each tag comes", len(set(reply.tags)), len(reply.tags))
    session.expect("A47", "order of tags", sorted(reply.tags), list(reply.tags))


@operation
def check_labels(session: Session, spec: FilterSpec) -> None:
    """Distinct labels of boxes (BL-1)."""
    spec = session.within(spec)
    rpc = "BoundingBoxLabelsByFilter"

    def fetch(probe: FilterSpec) -> Any:
        request = data.BoundingBoxLabelsByFilterRequest(filter=session.filter(probe))
        return session.answered("BL-1", rpc, session.wire.call(rpc, request))

    def expected(probe: FilterSpec, how: Interpretation) -> set[str]:
        files = session.model.matching_files(probe, how)
        return {box.label for file in files for box in file.boxes}

    reply = fetch(spec)
    question = Question(
        "BL-1",
        lambda probe: set(fetch(probe).labels),
        expected,
        control=lambda probe: _files_are_right(session, probe),
    )
    compare(session, spec, question, "the labels", set(reply.labels))
    session.expect("BL-1", "how often each label comes", len(set(reply.labels)), len(reply.labels))
    session.expect("BL-2", "order of labels", sorted(reply.labels), list(reply.labels))


# Order and ids -------------------------------------------------------------------------


def _check_order(
    session: Session,
    seen: Sequence[File | Row],
    what: str,
    *,
    descending: bool | None,
    names: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Records come by their times, and by arrival if these are equal; each has a name by handle."""
    if len(seen) < 2:
        return
    times = [record.requested for record in seen]
    up = sorted(times)
    if descending is None:
        candidates = {"ascending": up, "descending": up[::-1]}
        session.choose("default_order", f"order of {what} without a sort order", candidates,
                       times, "A1")  # fmt: skip
        descending = session.interpretation.default_order == "descending"
    else:
        session.expect("PG-6", f"order of {what}", up[::-1] if descending else up, times)
    if len(set(times)) < len(times):
        ordered = session.model.in_order(seen, descending=descending)
        wanted, got = ([names.get(r.handle, r.handle) for r in rs] for rs in (ordered, seen))
        session.expect("PG-11", f"order of {what} of equal time", wanted, got)


def _handles(session: Session, entries: Iterable[data.BinaryData]) -> list[int | str]:
    known = {file_id: at for at, file_id in enumerate(session.handles.files)}
    ids = (entry.metadata.binary_data_id for entry in entries)
    return [known.get(file_id, file_id) for file_id in ids]


def _sorted(values: Iterable[object]) -> list[object]:
    return sorted(values, key=str)


def id_grounds(
    session: Session, files: Sequence[int], form: str, clause: str = "ID-5"
) -> list[Ground]:
    """Why the ids of a request may be refused (ID-5, A13, A14)."""
    if not files:
        return [Ground(clause, names_status="A12")]
    grounds = []
    if form != "string":
        grounds.append(
            Ground("A14", "FAILED_PRECONDITION", point="deprecated_binary_id", accepting="accept")
        )
    if any(session.model.file(handle) is None for handle in files):
        grounds.append(Ground("A13", "NOT_FOUND", point="unknown_ids", accepting="skip"))
    if len(set(files)) > LARGEST_SURE:
        grounds.append(permission("A70"))
    return grounds
