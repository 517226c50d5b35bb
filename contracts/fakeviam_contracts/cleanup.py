"""Removing from a server what the kit put there, and nothing else.

What is to be deleted is looked at first: a server that ignores filters must not make the kit
delete the data of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.well_known import Struct
from fakeviam_contracts.assertions import Assertion, ContractBrokenError
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.scope import Scope
    from fakeviam_contracts.wirelog import Wire

#: Days back to about the year 930: where nobody has readings, as is checked.
LONG_AGO = 400_000

#: 0002-01-01 and 1000-01-01, in seconds.
YEAR_2 = -62_104_060_800
YEAR_1000 = -30_610_224_000


class CannotRunError(Exception):
    """The kit cannot be run against this subject."""


def check_component_is_honoured(wire: Wire, name: str) -> None:
    """Make sure that asking for a component nobody has finds nothing.

    Raises:
        ContractBrokenError: It finds something: every query would touch the data of others.
    """
    found = _counts(wire, data.Filter(component_name=name))
    if any(found):
        what = "files and readings of a component that does not exist"
        raise ContractBrokenError(Assertion("FI-1", what, (0, 0), found))


def check_gone(wire: Wire, name: str) -> None:
    """Make sure that the files of a component are gone, after they were deleted.

    Raises:
        ContractBrokenError: They are still there: nothing that the kit makes could be removed.
    """
    left = _counts(wire, data.Filter(component_name=name))[0]
    if left:
        what = "files that are left after they were deleted by their ids"
        raise ContractBrokenError(Assertion("DI-1", what, 0, left))


def check_empty(wire: Wire) -> None:
    """Make sure that there is nothing to lose.

    Raises:
        CannotRunError: There is.
    """
    files, readings = _counts(wire, data.Filter())
    if files or readings:
        raise CannotRunError(
            f"--exclusive deletes everything, and {files} files and {readings} readings are "
            "there; remove them first, or leave --exclusive out"
        )


def readings_can_go(wire: Wire, origin: Origin, name: str) -> bool:
    """Whether readings of one component can be deleted, and only those.

    Older servers ignore the filter of DeleteTabularData and would delete everybody's. So a
    reading of our own is put where nobody has any, and must survive a delete of other names.
    """
    ancient = data.Filter()
    ancient.interval.end.CopyFrom(timestamp_from(YEAR_1000 * 1_000_000_000))
    if _counts(wire, ancient)[1]:
        return False
    sensor = datasync.SensorMetadata()
    for moment in (sensor.time_requested, sensor.time_received):
        moment.CopyFrom(timestamp_from(YEAR_2 * 1_000_000_000))
    metadata = datasync.UploadMetadata(
        part_id=origin.part_id, component_name=name, type=datasync.DATA_TYPE_TABULAR_SENSOR
    )
    contents = [datasync.SensorData(metadata=sensor, struct=Struct())]
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    if isinstance(wire.call("DataCaptureUpload", request), Refused):
        return False
    _delete_readings(wire, origin.organization_id, f"{name}-other", LONG_AGO)
    mine = data.Filter(component_name=name)
    if not _counts(wire, mine)[1]:
        return False
    _delete_readings(wire, origin.organization_id, name, LONG_AGO)
    return not _counts(wire, mine)[1]


def remove(wire: Wire, scope: Scope, organization_id: str, *, readings: bool) -> list[str]:
    """Remove what a scope made; the answer tells what could not be removed."""
    remove_files(wire, scope.name)
    _remove_datasets(wire, scope, organization_id)
    filter_ = data.Filter(component_name=scope.name)
    if readings and _counts(wire, filter_)[1]:
        _delete_readings(wire, organization_id, scope.name, 0)
    files, rows = _counts(wire, filter_)
    return [f"{files} files and {rows} readings of {scope.name}"] if files or rows else []


def remove_files(wire: Wire, name: str) -> None:
    """Remove the files of a component."""
    ids = [
        entry.metadata.binary_data_id
        for entry in _files(wire, data.Filter(component_name=name))
        if entry.metadata.capture_metadata.component_name == name
    ]
    _delete_files(wire, ids)


def empty(wire: Wire, organization_id: str) -> None:
    """Remove everything of an organization.

    Raises:
        ContractBrokenError: Something is left.
    """
    filter_ = data.Filter(organization_ids=[organization_id])
    _delete_files(wire, [entry.metadata.binary_data_id for entry in _files(wire, filter_)])
    request = data.DeleteTabularDataRequest(organization_id=organization_id)
    wire.call("DeleteTabularData", request)
    for entry in _datasets(wire, organization_id):
        wire.call("DeleteDataset", dataset.DeleteDatasetRequest(id=entry.id))
    files, readings = _counts(wire, filter_)
    if files or readings:
        clause = "DI-1" if files else "DT-1"
        what = "files and readings that are left after all was deleted"
        raise ContractBrokenError(Assertion(clause, what, (0, 0), (files, readings)))


def _remove_datasets(wire: Wire, scope: Scope, organization_id: str) -> None:
    named = {
        entry.id
        for entry in _datasets(wire, organization_id)
        if entry.id in scope.datasets or entry.name.startswith(scope.name)
    }
    for dataset_id in named:
        wire.call("DeleteDataset", dataset.DeleteDatasetRequest(id=dataset_id))


def _datasets(wire: Wire, organization_id: str) -> list[dataset.Dataset]:
    request = dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization_id)
    answer = wire.call("ListDatasetsByOrganizationID", request)
    return [] if isinstance(answer, Refused) else list(answer.datasets)


def _delete_files(wire: Wire, ids: list[str]) -> None:
    for at in range(0, len(ids), 100):
        request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids[at : at + 100])
        wire.call("DeleteBinaryDataByIDs", request)


def _delete_readings(wire: Wire, organization_id: str, component: str, days: int) -> None:
    request = data.DeleteTabularDataRequest(
        organization_id=organization_id,
        delete_older_than_days=days,
        filter=data.DeleteTabularFilter(component_name=component),
    )
    wire.call("DeleteTabularData", request)


def _files(wire: Wire, filter_: data.Filter) -> Iterator[data.BinaryData]:
    """The files that match, each once, however a server pages."""
    seen: set[str] = set()
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=filter_, limit=100, sort_order=data.ORDER_ASCENDING)
    )
    while True:
        reply = wire.call("BinaryDataByFilter", request)
        if isinstance(reply, Refused):
            return
        fresh = [entry for entry in reply.data if entry.metadata.binary_data_id not in seen]
        if not fresh:
            return
        yield from fresh
        seen.update(entry.metadata.binary_data_id for entry in fresh)
        request.data_request.last = reply.last


def _counts(wire: Wire, filter_: data.Filter) -> tuple[int, int]:
    files, readings = (
        _count(wire.call(rpc, cls(data_request=data.DataRequest(filter=filter_), count_only=True)))
        for rpc, cls in (
            ("BinaryDataByFilter", data.BinaryDataByFilterRequest),
            ("TabularDataByFilter", data.TabularDataByFilterRequest),
        )
    )
    return files, readings


def _count(answer: Any) -> int:
    return 0 if isinstance(answer, Refused) else int(answer.count)
