"""Restricts a run to its own data on a shared server.

A scope is a unique name. It is the component name of every record and is in every query, and tags,
labels and names of datasets have it as a prefix. Sessions are unaware of it: names are translated
when requests are sent and replies received.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts.newest import removal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from fakeviam_contracts.wirelog import AnyMessage

LABEL = "VIAM_DATASET_"

#: The prefix of all names of the kit.
PREFIX = "contract-"

#: Names of the kit's own: nobody else's begin with the prefix and eight digits of its random.
OURS = re.compile(rf"{re.escape(PREFIX)}[0-9a-f]{{8}}(?![0-9a-f])")

#: Fields with tags, labels of boxes or names of datasets, by message.
NAMES = {
    "TagsFilter": "tags",
    "UploadMetadata": "tags",
    "CaptureMetadata": "tags",
    "TagsByFilterResponse": "tags",
    "AddTagsToBinaryDataByIDsRequest": "tags",
    "AddTagsToBinaryDataByFilterRequest": "tags",
    "RemoveTagsFromBinaryDataByIDsRequest": "tags",
    "RemoveTagsFromBinaryDataByFilterRequest": "tags",
    "Filter": "bbox_labels",
    "AddBoundingBoxToImageByIDRequest": "label",
    "UpdateBoundingBoxRequest": "label",
    "BoundingBox": "label",
    "BoundingBoxLabelsByFilterResponse": "labels",
    "CreateDatasetRequest": "name",
    "RenameDatasetRequest": "name",
    "MergeDatasetsRequest": "name",
    "Dataset": "name",
    "CreateSavedQueryRequest": "name",
    "UpdateSavedQueryRequest": "name",
    "Query": "name",
    "TabularDataByMQLRequest": "query_prefix_name",
    "CreateDataPipelineRequest": "name",
    "RenameDataPipelineRequest": "name",
    "DataPipeline": "name",
    "CreateIndexRequest": "pipeline_name",
    "ListIndexesRequest": "pipeline_name",
    "DeleteIndexRequest": "pipeline_name",
    "Index": "pipeline_name",
    "CreateSequenceRequest": "sequence_tags",
    "UpdateSequenceRequest": "sequence_tags",
    "Sequence": "sequence_tags",
    "ExportTabularDataResponse": "tags",
}

_DATASET_REQUESTS = (
    dataset.DeleteDatasetRequest,
    dataset.RenameDatasetRequest,
    data.AddBinaryDataToDatasetByIDsRequest,
    data.RemoveBinaryDataFromDatasetByIDsRequest,
    data.AddSequencesToDatasetRequest,
    data.RemoveSequencesFromDatasetRequest,
)


class OutOfScopeError(Exception):
    """A request would have affected data that is not the kit's; it was not sent."""


class NameScope:
    """A unique name, and what was created under it.

    Attributes:
        name: The component of all records; tags, labels and names of datasets start with it.
        datasets: Ids of the created datasets.
        removals: Requests that remove other created things.
        indexes: Requests that created indexes, whose names the server chooses.
    """

    def __init__(self, name: str, spare: Callable[[str], None] = lambda _: None) -> None:
        """Use the scope `name`; `spare` is called before each call is sent, and may raise."""
        self.name = name
        self._spare = spare
        self.datasets: set[str] = set()
        self.removals: list[Message] = []
        self.indexes: list[data.CreateIndexRequest] = []
        self._strangers: set[str] = set()

    # Translation -------------------------------------------------------------------------

    def outgoing(self, rpc: str, request: AnyMessage) -> AnyMessage:
        """The request with the scope's names.

        Raises:
            OutOfScopeError: It would affect data outside the scope.
        """
        self._guard(rpc, request)
        self._spare(rpc)
        return self._sent(request)

    def _sent(self, request: AnyMessage) -> AnyMessage:
        sent = _renamed(request, self.hidden)
        if isinstance(sent, data.CreateIndexRequest):
            self.indexes.append(sent)
        return sent

    def incoming(self, rpc: str, reply: AnyMessage) -> AnyMessage:
        """The reply with the session's names."""
        if isinstance(reply, dataset.CreateDatasetResponse):
            self.datasets.add(reply.id)
        elif isinstance(reply, dataset.MergeDatasetsResponse):
            self.datasets.add(reply.dataset_id)
        elif (removal := removal_of(reply)) is not None:
            self.removals.append(removal)
        self._meet(reply)
        renamed = _renamed(reply, self.shown)
        if rpc == "TagsByFilter" and isinstance(reply, data.TagsByFilterResponse):
            _keep_order(list(reply.tags), renamed.tags)  # type: ignore[attr-defined]
        return renamed

    def hidden(self, name: str) -> str:
        """A name with the prefix; blank names are unchanged, since being blank matters."""
        if not name.strip():
            return name
        if not name.startswith(LABEL):
            return self.name + name
        rest = name.removeprefix(LABEL)
        return name if rest in self.datasets else f"{LABEL}{self.name}{rest}"

    def shown(self, name: str) -> str:
        """A name without the prefix; names of other scopes are unchanged."""
        if name.startswith(LABEL + self.name):
            return LABEL + name.removeprefix(LABEL + self.name)
        return name.removeprefix(self.name)

    # The guard ---------------------------------------------------------------------------

    def _meet(self, reply: Message) -> None:
        """Remember the ids of foreign data."""
        if isinstance(reply, data.BinaryDataByFilterResponse):
            self._strangers.update(
                entry.metadata.binary_data_id
                for entry in reply.data
                if entry.metadata.capture_metadata.component_name != self.name
            )
        elif isinstance(reply, dataset.ListDatasetsByOrganizationIDResponse):
            self._strangers.update(d.id for d in reply.datasets if d.id not in self.datasets)

    def _guard(self, rpc: str, request: Message) -> None:
        for message in _within(request):
            self._check_component(rpc, message)
            for entry in _named_ids(message):
                if entry in self._strangers:
                    raise OutOfScopeError(f"{rpc} names {entry}, which belongs to others")
        # A query without a filter selects everything; the scope is added as a filter.
        holder: Any = getattr(request, "data_request", request)
        if "filter" in holder.DESCRIPTOR.fields_by_name and not holder.HasField("filter"):
            raise OutOfScopeError(f"{rpc} has no filter, so it reaches everything")

    def _check_component(self, rpc: str, message: Message) -> None:
        scoped = (data.Filter, data.DeleteTabularFilter, datasync.UploadMetadata)
        if isinstance(message, scoped) and message.component_name != self.name:
            raise OutOfScopeError(
                f"{rpc} is for component {message.component_name!r}, not {self.name!r}"
            )


class NamesAlone(NameScope):
    """Names on a server that belongs to the kit alone: nothing is guarded or narrowed.

    Things that another session could not remove are hidden.
    """

    def outgoing(self, rpc: str, request: AnyMessage) -> AnyMessage:
        """The request with the scope's names."""
        self._spare(rpc)
        return self._sent(request)

    def incoming(self, rpc: str, reply: AnyMessage) -> AnyMessage:
        """The reply with the session's names, without the datasets of other sessions."""
        shown = super().incoming(rpc, reply)
        if isinstance(shown, dataset.ListDatasetsByOrganizationIDResponse):
            ours = [each for each in shown.datasets if not each.name.startswith(PREFIX)]
            del shown.datasets[:]
            shown.datasets.extend(ours)
        return shown


def _named_ids(message: Message) -> Iterator[str]:
    if isinstance(message, data.BinaryID):
        yield f"{message.organization_id}/{message.location_id}/{message.file_id}"
    if isinstance(message, _DATASET_REQUESTS):
        yield getattr(message, "id", "") or getattr(message, "dataset_id", "")
    for name in ("binary_data_ids", "binary_data_id"):
        if name in message.DESCRIPTOR.fields_by_name:
            value = getattr(message, name)
            yield from [value] if isinstance(value, str) else value


def _within(message: Message) -> Iterator[Message]:
    """The message, and all of Viam's messages inside it."""
    yield message
    for field, value in message.ListFields():
        kind = field.message_type
        # Maps do not contain messages of Viam.
        if kind is None or kind.GetOptions().map_entry:
            continue
        if kind.full_name.startswith("viam."):
            entries = [value] if hasattr(value, "DESCRIPTOR") else value
            for entry in entries:
                yield from _within(entry)


def _renamed(message: AnyMessage, change: Callable[[str], str]) -> AnyMessage:
    copy = type(message)()
    copy.CopyFrom(message)
    for part in _within(copy):
        name = NAMES.get(part.DESCRIPTOR.name)
        if name is None:
            continue
        value = getattr(part, name)
        if not isinstance(value, str):
            value[:] = [change(entry) for entry in value]
        elif value:
            setattr(part, name, change(value))
    return copy


def _keep_order(order: list[str], reply: Any) -> None:
    """Keep the order of values that the server has sorted by their prefixed names."""
    in_order = sorted(range(len(order)), key=lambda at: order[at])
    names = sorted(reply)
    for name, at in zip(names, in_order, strict=True):
        reply[at] = name
