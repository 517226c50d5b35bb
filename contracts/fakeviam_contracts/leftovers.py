"""What a killed run left on a server: found by its names, and removed."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datapipelines, dataset
from fakeviam_contracts.assertions import ContractBrokenError, MayNotError
from fakeviam_contracts.cleanup import (
    CannotRunError,
    datasets_of,
    delete_files,
    delete_readings,
    pages_of,
)
from fakeviam_contracts.model import Origin
from fakeviam_contracts.scope import OURS, PREFIX
from fakeviam_contracts.set_up import Probe
from fakeviam_contracts.wirelog import Refused, rpc_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.wirelog import Wire

#: A field that an index of the kit has among its keys, in BSON as in JSON.
_OUR_FIELD = re.compile(rf"(?<![\w.-])data\.readings\.{OURS.pattern}")


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What runs of the kit left.

    Attributes:
        files: Ids of files.
        components: Components of readings.
        datasets: Names of datasets by their ids.
        newest: Pipelines, saved queries, sequences and indexes, each as people call it, and the
            request that removes it.
    """

    files: tuple[str, ...]
    components: tuple[str, ...]
    datasets: dict[str, str]
    newest: tuple[tuple[str, Message], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What people call all of it."""
        others = (name for name, _ in self.newest)
        return (*self.files, *self.components, *self.datasets.values(), *others)

    def __str__(self) -> str:
        return (
            f"{len(self.files)} files, readings of {len(self.components)} components, "
            f"{len(self.datasets)} datasets and {len(self.newest)} pipelines, saved queries, "
            "sequences and indexes"
        )


def find(wire: Wire, organization_id: str, parts: Sequence[str]) -> Leftovers:
    """What is there of the kit's, of these parts; nothing is written.

    Raises:
        CannotRunError: The server does not show it.
    """
    files, components = list[str](), dict[str, None]()
    for part in parts:
        for reply in _pages(wire, "BinaryDataByFilter", part):
            files += [
                entry.metadata.binary_data_id
                for entry in reply.data
                if OURS.match(entry.metadata.capture_metadata.component_name)
            ]
        for reply in _pages(wire, "TabularDataByFilter", part):
            names = [metadata.component_name for metadata in reply.metadata]
            components.update(dict.fromkeys(filter(OURS.match, names)))
    listed = datasets_of(wire, organization_id)
    return Leftovers(
        files=tuple(dict.fromkeys(files)),
        components=tuple(components),
        datasets={each.id: each.name for each in listed if OURS.match(each.name)},
        newest=tuple(_newest(wire, organization_id)),
    )


def remove(wire: Wire, organization_id: str, part: str, found: Leftovers) -> None:
    """Remove what was found; readings only from a server that honours the filter of the delete."""
    delete_files(wire, list(found.files))
    for each in found.datasets:
        wire.call("DeleteDataset", dataset.DeleteDatasetRequest(id=each))
    for _, request in found.newest:
        wire.call(rpc_of([request]), request)
    if found.components and _readings_go(wire, organization_id, part):
        for component in found.components:
            wire.call("DeleteTabularData", delete_readings(organization_id, component, 0))


def _readings_go(wire: Wire, organization_id: str, part: str) -> bool:
    unknown = dict.fromkeys(("location_id", "robot_id", "robot_name", "part_name"), "")
    origin = Origin(organization_id=organization_id, part_id=part, **unknown)
    probe = Probe(wire=wire, name=f"{PREFIX}{secrets.token_hex(4)}-probe")
    try:
        return probe.readings_can_go(origin)
    except (ContractBrokenError, CannotRunError, MayNotError):
        return False


def _newest(wire: Wire, owner: str) -> Iterator[tuple[str, Message]]:
    """What the newest RPCs made: indexes before the pipelines whose sinks they are on."""
    listed = _listed(wire, datapipelines.ListDataPipelinesRequest(organization_id=owner))
    pipelines = [each for each in listed.data_pipelines if OURS.match(each.name)]
    yield from _indexes(wire, owner, [each.name for each in pipelines])
    for each in pipelines:
        yield each.name, datapipelines.DeleteDataPipelineRequest(id=each.id)
    for query in _listed(wire, data.ListSavedQueriesRequest(organization_id=owner)).queries:
        if OURS.match(query.name):
            yield query.name, data.DeleteSavedQueryRequest(id=query.id)
    asked, tokens = data.ListSequencesRequest(organization_id=owner), {""}
    while True:
        reply = _listed(wire, asked)
        for sequence in filter(_is_ours, reply.sequences):
            yield f"the sequence {sequence.id}", data.DeleteSequenceRequest(id=sequence.id)
        if reply.next_page_token in tokens:
            return
        asked.page_token = reply.next_page_token
        tokens.add(asked.page_token)


def _indexes(
    wire: Wire, owner: str, pipelines: Sequence[str]
) -> Iterator[tuple[str, data.DeleteIndexRequest]]:
    """Those with a key that only the kit has, and all on sinks of its pipelines."""
    hot, sink = data.INDEXABLE_COLLECTION_HOT_STORE, data.INDEXABLE_COLLECTION_PIPELINE_SINK
    places: list[dict[str, Any]] = [
        {"organization_id": owner, "collection_type": hot},
        *({"organization_id": owner, "collection_type": sink, "pipeline_name": name}
          for name in pipelines),
    ]  # fmt: skip
    for place in places:
        for index in _listed(wire, data.ListIndexesRequest(**place)).indexes:
            keys = b" ".join(index.index_spec).decode("latin-1")
            if index.created_by == data.INDEX_CREATOR_CUSTOMER and (
                "pipeline_name" in place or _OUR_FIELD.search(keys)
            ):
                request = data.DeleteIndexRequest(index_name=index.index_name, **place)
                yield f"the index {index.index_name}", request


def _is_ours(sequence: data.Sequence) -> bool:
    """Whether a sequence has a tag of the kit, or the images of its components alone."""
    names = [each.resource_name for each in sequence.resources]
    return any(map(OURS.match, sequence.sequence_tags)) or (
        bool(names) and all(map(OURS.match, names))
    )


def _listed(wire: Wire, request: Any) -> Any:
    """The reply to a list; an empty one of a server that has no such RPC yet.

    Raises:
        CannotRunError: It is refused otherwise.
    """
    rpc = rpc_of([request])
    reply = wire.call(rpc, request)
    if not isinstance(reply, Refused):
        return reply
    if reply.status != "UNIMPLEMENTED":
        raise CannotRunError(f"{rpc} does not show what is there: {reply}")
    module = datapipelines if rpc == "ListDataPipelines" else data
    return getattr(module, f"{rpc}Response")()


def _pages(wire: Wire, rpc: str, part: str) -> Iterator[Any]:
    def ask(request: Any) -> Any:
        reply = wire.call(rpc, request)
        if isinstance(reply, Refused):
            raise CannotRunError(f"{rpc} does not show what is there: {reply}")
        return reply

    asked = data.DataRequest(filter=data.Filter(part_id=part), limit=100)
    return pages_of(ask, getattr(data, f"{rpc}Request")(data_request=asked))
