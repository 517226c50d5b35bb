"""Protects foreign data on a shared server from writes by filter.

A filter for the kit's component protects foreign data only if the server applies it, and the only
way to find out is to send it. So a write by filter is only sent if nothing can be lost: before each
one, the kit looks for records that are not its own, and skips the write if there are any. If there
are none, it uploads a bystander, a file of another component, and checks it after each such write.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync
from fakeviam_contracts.captures import capture
from fakeviam_contracts.scope import OutOfScopeError
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.wirelog import Wire

#: RPCs that change or delete everything that a filter selects.
WRITES = (
    "AddTagsToBinaryDataByFilter",
    "DeleteBinaryDataByFilter",
    "DeleteTabularData",
    "RemoveTagsFromBinaryDataByFilter",
)

TAG = "bystander"


class ForeignDataError(OutOfScopeError):
    """A write by filter was not sent, to protect foreign data."""


class ForeignDataGuard:
    """The data on a server that is not the kit's.

    Attributes:
        name: The prefix of all components of the kit.
    """

    def __init__(self, wire: Callable[[], Wire], name: str, origin: Origin) -> None:
        """Use wires without translation; upload for `origin`."""
        self.name = name
        self._wire, self._origin = wire, origin
        self._bystander = ""

    def protect(self, rpc: str) -> None:
        """Check that a write by filter is harmless, before it is sent.

        Raises:
            ForeignDataError: It might not be.
        """
        if rpc not in WRITES:
            return
        reason = "" if self._bystander else self._strangers()
        if not (reason or self._bystander):
            self._bystander = self._planted()
        reason = reason or self._strangers()
        if reason:
            raise ForeignDataError(
                f"{reason}, and a server that ignores a part of the filter of {rpc} would take "
                "it for the kit's; so it is tried only where nobody has anything"
            )

    def bystander(self) -> dict[str, object]:
        """The bystander as the server shows it; a missing one is uploaded again later."""
        request = data.BinaryDataByIDsRequest(
            binary_data_ids=[self._bystander], include_binary=True
        )
        answer = self._wire().call("BinaryDataByIDs", request)
        if isinstance(answer, Refused) or len(answer.data) != 1:
            self._bystander = ""
            return {"there": False}
        (file,) = answer.data
        tags = list(file.metadata.capture_metadata.tags)
        if tags != [TAG]:
            self.remove_bystander()
        return {"there": True, "data": file.binary, "tags": tags}

    def remove_bystander(self) -> None:
        """Remove the bystander, by its id."""
        if self._bystander:
            request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[self._bystander])
            self._wire().call("DeleteBinaryDataByIDs", request)
            self._bystander = ""

    def _planted(self) -> str:
        metadata = datasync.UploadMetadata(
            part_id=self._origin.part_id,
            component_name=f"{self.name}-{TAG}",
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            tags=[TAG],
        )
        request = capture(metadata, datasync.SensorData(binary=TAG.encode()))
        answer = self._wire().call("DataCaptureUpload", request)
        return "" if isinstance(answer, Refused) else str(answer.binary_data_id)

    def _strangers(self) -> str:
        """The reason if there is foreign data, or if that cannot be determined."""
        tokens = {""}
        for rpc, what in (("BinaryDataByFilter", "files"), ("TabularDataByFilter", "readings")):
            for reply in self._pages(rpc):
                if isinstance(reply, Refused):
                    return f"{rpc} does not show what the server holds ({reply})"
                for component, record in map(functools.partial(_identity, reply), reply.data):
                    if not component.startswith(self.name):
                        return f"others have {what} here"
                    tokens.add(record)
        # A server that does not even show the kit's own file may hide any number of others.
        return "" if self._bystander in tokens else "the server does not show all that it holds"

    def _pages(self, rpc: str) -> Iterator[Any]:
        """All records, page by page."""
        request = getattr(data, f"{rpc}Request")(data_request=data.DataRequest(limit=100))
        if "include_internal_data" in request.DESCRIPTOR.fields_by_name:
            request.include_internal_data = True
        wire, tokens = self._wire(), {""}
        while True:
            reply = wire.call(rpc, request)
            yield reply
            if isinstance(reply, Refused) or not reply.data or reply.last in tokens:
                return
            tokens.add(reply.last)
            request.data_request.last = reply.last


def _identity(reply: Any, entry: Any) -> tuple[str, str]:
    """The component of a record, and its id if it has one."""
    if isinstance(entry, data.BinaryData):
        metadata = entry.metadata
        return metadata.capture_metadata.component_name, metadata.binary_data_id
    metadata = reply.metadata[entry.metadata_index : entry.metadata_index + 1]
    return metadata[0].component_name if metadata else "", ""
