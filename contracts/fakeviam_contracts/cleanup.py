"""Removing from a server what the kit put there, and nothing else.

What is to be deleted is looked at first: a server that ignores filters must not make the kit
delete the data of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data, dataset
from fakeviam_contracts.assertions import Assertion, ContractBrokenError
from fakeviam_contracts.newest import remove_made
from fakeviam_contracts.scope import OURS
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.scope import NameScope
    from fakeviam_contracts.wirelog import Wire

#: Pages of a hundred: more than anybody puts under a component of the kit.
MOST_PAGES = 2000


class CannotRunError(Exception):
    """The kit cannot be run against this subject."""


class Counts(NamedTuple):
    """How many files and readings there are."""

    files: int
    readings: int


def remove(wire: Wire, scope: NameScope, organization_id: str, *, readings: bool) -> list[str]:
    """Remove what a scope made; the answer tells what could not be removed."""
    remove_files(wire, scope.name)
    left = remove_made(wire, scope.removals, scope.indexes, OURS)
    left += _remove_datasets(wire, scope, organization_id)
    filter_ = data.Filter(component_name=scope.name)
    if readings and _counts(wire, filter_)[1]:
        wire.call("DeleteTabularData", delete_readings(organization_id, scope.name, 0))
    files, rows = _counts(wire, filter_)
    left += [f"{files} files and {rows} readings of {scope.name}"] if files or rows else []
    return left


def remove_files(wire: Wire, name: str) -> None:
    """Remove the files of a component."""
    ids = [
        entry.metadata.binary_data_id
        for entry in _files(wire, data.Filter(component_name=name))
        if entry.metadata.capture_metadata.component_name == name
    ]
    delete_files(wire, ids)


def empty(wire: Wire, organization_id: str) -> None:
    """Remove everything of an organization.

    Raises:
        ContractBrokenError: Something is left.
    """
    filter_ = data.Filter(organization_ids=[organization_id])
    delete_files(wire, [entry.metadata.binary_data_id for entry in _files(wire, filter_)])
    request = data.DeleteTabularDataRequest(organization_id=organization_id)
    wire.call("DeleteTabularData", request)
    for entry in datasets_of(wire, organization_id):
        wire.call("DeleteDataset", dataset.DeleteDatasetRequest(id=entry.id))
    files, readings = _counts(wire, filter_)
    if files or readings:
        clause = "DI-1" if files else "DT-1"
        what = "files and readings that are left after all was deleted"
        raise ContractBrokenError(Assertion(clause, what, (0, 0), (files, readings)))


def _remove_datasets(wire: Wire, scope: NameScope, organization_id: str) -> list[str]:
    """Remove the datasets of a scope; the answer tells which are refused."""
    left = []
    for entry in datasets_of(wire, organization_id):
        if entry.id in scope.datasets or entry.name.startswith(scope.name):
            answer = wire.call("DeleteDataset", dataset.DeleteDatasetRequest(id=entry.id))
            if isinstance(answer, Refused) and answer.status != "NOT_FOUND":
                left.append(f"the dataset {entry.name} ({entry.id}): {answer}")
    return left


def datasets_of(wire: Wire, organization_id: str) -> list[dataset.Dataset]:
    """All datasets of an organization; none if they are not told."""
    request = dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization_id)
    answer = wire.call("ListDatasetsByOrganizationID", request)
    return [] if isinstance(answer, Refused) else list(answer.datasets)


def delete_files(wire: Wire, ids: list[str]) -> None:
    """Remove files by their ids."""
    for at in range(0, len(ids), 100):
        request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids[at : at + 100])
        wire.call("DeleteBinaryDataByIDs", request)


def delete_readings(
    organization_id: str, component: str, days: int
) -> data.DeleteTabularDataRequest:
    """The request to delete a component's readings that are older than so many days."""
    return data.DeleteTabularDataRequest(
        organization_id=organization_id,
        delete_older_than_days=days,
        filter=data.DeleteTabularFilter(component_name=component),
    )


def pages_of(ask: Callable[[Any], Any], request: Any) -> Iterator[Any]:
    """The pages of a request, as long as they go on, which must have an end.

    Raises:
        CannotRunError: They do.
    """
    tokens = {""}
    for _ in range(MOST_PAGES):
        reply = ask(request)
        if isinstance(reply, Refused) or not reply.data:
            return
        yield reply
        if reply.last in tokens:
            return
        tokens.add(reply.last)
        request.data_request.last = reply.last
    raise CannotRunError(f"{MOST_PAGES} pages, and there is no end of them")


def _files(wire: Wire, filter_: data.Filter) -> list[data.BinaryData]:
    """The files that match, each once, however a server pages."""
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=filter_, limit=100, sort_order=data.ORDER_ASCENDING)
    )
    pages = pages_of(lambda asked: wire.call("BinaryDataByFilter", asked), request)
    found = {entry.metadata.binary_data_id: entry for page in pages for entry in page.data}
    return list(found.values())


def _counts(wire: Wire, filter_: data.Filter) -> Counts:
    """How many files and readings match; those that are not told count as none."""
    asked = data.DataRequest(filter=filter_)
    files = data.BinaryDataByFilterRequest(data_request=asked, count_only=True)
    readings = data.TabularDataByFilterRequest(data_request=asked, count_only=True)
    return Counts(
        _count(wire.call("BinaryDataByFilter", files)),
        _count(wire.call("TabularDataByFilter", readings)),
    )


def _count(answer: Any) -> int:
    return 0 if isinstance(answer, Refused) else int(answer.count)
