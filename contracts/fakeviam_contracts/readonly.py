"""Checks that never write: what a server says must agree with what else it says."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam_contracts.assertions import MayNotError
from fakeviam_contracts.checks.base import Need, check
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.places import Place
from fakeviam_contracts.remote import ELSEWHERE, NO_CLOCK, SHARED
from fakeviam_contracts.session import Session
from fakeviam_contracts.wirelog import Refused, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.wirelog import AnyMessage

#: No more records than these are looked at, from the oldest on.
MOST = 300

READS = (
    "BinaryDataByFilter",
    "BinaryDataByIDs",
    "BoundingBoxLabelsByFilter",
    "TabularDataByFilter",
    "TagsByFilter",
)


class _ReadsOnly:
    """An edge that lets nothing through that could write, and keeps to an organization."""

    def __init__(self, organization: str) -> None:
        self._organizations = [organization] if organization else []

    def outgoing(self, rpc: str, request: AnyMessage) -> AnyMessage:
        """The request, asking for the organization only."""
        if rpc not in READS:
            raise CannotRunError(f"{rpc} writes, and this run is read-only")
        copy = type(request)()
        copy.CopyFrom(request)
        holder: Any = getattr(copy, "data_request", copy)
        if "filter" in holder.DESCRIPTOR.fields_by_name:
            holder.filter.organization_ids.extend(self._organizations)
        return copy

    def incoming(self, rpc: str, reply: AnyMessage) -> AnyMessage:
        """The reply as it is."""
        del rpc
        return reply


class ReadOnlySubject:
    """A server that is only asked."""

    def __init__(
        self, interpretation: Interpretation, address: Address, *, organization: str = ""
    ) -> None:
        """Connect.

        Raises:
            CannotRunError: Nobody answers, or it does not answer us.
        """
        self.left: list[str] = []
        self.tally = address.tally
        self.broken: list[Assertion] = []
        self.missing: Mapping[Need, str] = {
            **ELSEWHERE,
            Need.EXCLUSIVE: SHARED,
            Need.CLOCK: NO_CLOCK,
        }
        self.line = RemoteConnection(address)
        self.interpretation, self._edge = interpretation, _ReadsOnly(organization)
        self.muted: frozenset[tuple[str, str]] = frozenset()
        with contextlib.suppress(MayNotError):  # an answer, too
            answer = self._wire().call("TagsByFilter", data.TagsByFilterRequest())
            if isinstance(answer, Refused):
                self.line.close()
                raise CannotRunError(f"{address.target} does not answer us: {answer}")

    def _wire(self) -> Wire:
        return self.line.wire(self._edge)

    def open_session(self) -> Session:
        """A session that can only read."""
        return Session(self._wire(), Place(parts=()), self.interpretation, self.muted)

    def close_session(self, session: Session) -> None:
        """Nothing was made."""

    def close(self) -> None:
        """Hang up."""
        self.line.close()


# Asking ----------------------------------------------------------------------------------


def _pages(
    session: Session,
    rpc: str,
    filter_: data.Filter | None = None,
    *,
    limit: int = 100,
    order: data.OrderValue = data.ORDER_ASCENDING,
) -> list[Any]:
    """The first records, page by page, each page checked."""
    request = getattr(data, f"{rpc}Request")(
        data_request=data.DataRequest(filter=filter_, limit=limit, sort_order=order)
    )
    found: list[Any] = []
    while len(found) < MOST:
        reply = session.answered("PG-3", rpc, session.wire.call(rpc, request))
        size = len(reply.data)
        if not size and not found:
            # Nothing was compared: an empty server keeps nothing.
            break
        session.expect("PG-1", "page no larger than asked", True, size <= limit)  # noqa: FBT003
        session.expect("PG-9", "count of a page", size, reply.count)
        if not size:
            session.expect("PG-5", "last past the end", "", reply.last)
            break
        session.expect("PG-4", "a page with data has a last", True, bool(reply.last))  # noqa: FBT003
        session.expect("PG-3", "last moves on", True, reply.last != request.data_request.last)  # noqa: FBT003
        found += [_known(rpc, reply, entry) for entry in reply.data]
        request.data_request.last = reply.last
    return found[:MOST]


def _known(rpc: str, reply: Any, entry: Any) -> object:
    """A record by what identifies it: files by metadata, readings by all of them."""
    if rpc == "BinaryDataByFilter":
        return entry.metadata
    copy = data.TabularData()
    copy.CopyFrom(entry)
    copy.metadata_index = 0
    return copy, reply.metadata[entry.metadata_index]


def _ids(files: list[Any]) -> list[str]:
    return [file.binary_data_id for file in files]


def _texts(readings: list[Any]) -> list[bytes]:
    return [part.SerializeToString(deterministic=True) for reading in readings for part in reading]


def _total(session: Session, rpc: str, filter_: data.Filter | None = None) -> int:
    request = getattr(data, f"{rpc}Request")(
        data_request=data.DataRequest(filter=filter_), count_only=True
    )
    reply = session.answered("PG-8", rpc, session.wire.call(rpc, request))
    if reply.count:
        session.expect("A5", f"data of {rpc} with count_only", 0, len(reply.data), legal=True)
    return int(reply.count)


# Checks ----------------------------------------------------------------------------------


@check("PG-1", "PG-3", "PG-4", "PG-5", "PG-9")
def pages_of_any_size_hold_the_same(session: Session) -> None:
    """Records come in the same order however they are cut into pages."""
    files = _ids(_pages(session, "BinaryDataByFilter"))
    readings = _texts(_pages(session, "TabularDataByFilter"))
    for limit in (7, 50):
        if not (files or readings):
            return
        session.expect(
            "PG-3",
            f"files by pages of {limit}",
            files,
            _ids(_pages(session, "BinaryDataByFilter", limit=limit)),
        )
        session.expect(
            "PG-3",
            f"readings by pages of {limit}",
            readings,
            _texts(_pages(session, "TabularDataByFilter", limit=limit)),
        )


@check("PG-6")
def orders_are_reverses(session: Session) -> None:
    """Ascending ascends, descending descends, over the same times."""
    up, down = (
        [nanos_from(f.time_requested) for f in _pages(session, "BinaryDataByFilter", order=order)]
        for order in (data.ORDER_ASCENDING, data.ORDER_DESCENDING)
    )
    if not up:
        return
    session.expect("PG-6", "times that ascend", sorted(up), up)
    session.expect("PG-6", "times that descend", sorted(down, reverse=True), down)
    if len(up) < MOST:
        session.expect("PG-6", "the same times in both orders", up, down[::-1])


@check("PG-8", "A5")
def counts_are_what_pages_hold(session: Session) -> None:
    """count_only says how many records the pages hold."""
    for rpc in ("BinaryDataByFilter", "TabularDataByFilter"):
        seen = len(_pages(session, rpc))
        if 0 < seen < MOST:
            session.expect("PG-8", f"count of {rpc}", seen, _total(session, rpc))


@check("BI-1", "BI-3")
def ids_find_what_pages_hold(session: Session) -> None:
    """Files found by a filter are found by their ids, and look the same."""
    files = _pages(session, "BinaryDataByFilter")[:50]
    if not files:
        return
    request = data.BinaryDataByIDsRequest(binary_data_ids=_ids(files))
    answer = session.wire.call("BinaryDataByIDs", request)
    reply = session.answered("BI-1", "BinaryDataByIDs", answer)
    got = [entry.metadata for entry in reply.data]
    session.expect("BI-3", "the files of these ids", _ids(files), _ids(got))
    session.expect("BI-1", "their metadata", files, got)


@check("TG-1")
def tags_are_listed(session: Session) -> None:
    """Every tag seen is among the tags listed."""
    seen = {
        tag for file in _pages(session, "BinaryDataByFilter") for tag in file.capture_metadata.tags
    }
    answer = session.wire.call("TagsByFilter", data.TagsByFilterRequest(filter=data.Filter()))
    listed = session.answered("TG-1", "TagsByFilter", answer).tags
    if not seen:
        return
    session.expect("TG-1", "tags seen and not listed", set(), seen - set(listed))
    session.expect("TG-1", "how often each tag comes", len(set(listed)), len(listed))


def _filtered(
    session: Session, clause: str, files: list[Any], name: str, values: Any, asked: Any
) -> None:
    """What a filter finds is what was seen with that value."""
    for value in sorted({v for file in files for v in values(file)} - {""})[:3]:
        wanted = [file.binary_data_id for file in files if value in values(file)]
        got = _ids(_pages(session, "BinaryDataByFilter", asked(value)))
        # Of more records than are looked at, those seen come first: both are oldest first.
        session.expect(clause, f"files of {name} {value!r}", wanted, got[: len(wanted)])
        if len(files) < MOST:
            session.expect(clause, f"how many of {name} {value!r}", len(wanted), len(got))


@check("FI-1", "FI-6")
def filters_find_what_was_seen(session: Session) -> None:
    """By component, part and tag."""
    files = _pages(session, "BinaryDataByFilter")

    def tagged(tag: str) -> data.Filter:
        return data.Filter(
            tags_filter=data.TagsFilter(type=data.TAGS_FILTER_TYPE_MATCH_BY_OR, tags=[tag])
        )

    _filtered(
        session,
        "FI-1",
        files,
        "component",
        lambda file: [file.capture_metadata.component_name],
        lambda value: data.Filter(component_name=value),
    )
    _filtered(
        session,
        "FI-1",
        files,
        "part",
        lambda file: [file.capture_metadata.part_id],
        lambda value: data.Filter(part_id=value),
    )
    _filtered(session, "FI-6", files, "tag", lambda file: list(file.capture_metadata.tags), tagged)


READ_ONLY_CHECKS = (
    pages_of_any_size_hold_the_same,
    orders_are_reverses,
    counts_are_what_pages_hold,
    ids_find_what_pages_hold,
    tags_are_listed,
    filters_find_what_was_seen,
)
