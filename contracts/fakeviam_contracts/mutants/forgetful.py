"""Wrong servers: indexes, lists and totals that miss a change, and changes by what they change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Interceptor, MemoryStore
from fakeviam.model.datasets import DatasetType
from fakeviam.model.filters import TagRule
from fakeviam.store.values import Page, TagRemoval, Totals
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import CAPTURE, Mutant, on_reply, on_request, with_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from google.protobuf.message import Message

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.values import Position
    from fakeviam_contracts.mutants.base import Memory, QueryReply

#: More records than a check uploads.
ALL = 10_000


def _known(store: MemoryStore, name: str) -> set[Any]:
    """What a store remembers beside its records."""
    known: set[Any] = vars(store).setdefault(name, set())
    return known


def _all(store: MemoryStore, query: Query) -> list[BinaryRecord]:
    page = MemoryStore.binary_page(store, query, after=None, limit=ALL, descending=True)
    return page.records


# Indexes and lists --------------------------------------------------------------------------


class _KeepsLabels(MemoryStore):
    """The index of labels is not told of updates: old ones are found still."""

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        (before,) = self.find_binary([file_id])
        if before is not None:
            _known(self, "_labels").update((file_id, label) for label in before.box_labels)
        return super().replace_box(file_id, box_id, change)

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        page = super().binary_page(query, after=after, limit=limit, descending=descending)
        if not query.box_labels or after is not None:
            return page
        stale = {file_id for file_id, label in _known(self, "_labels") if label in query.box_labels}
        others = _all(self, replace(query, box_labels=frozenset()))
        more = [r for r in others if r.file_id in stale and r not in page.records]
        return Page([*page.records, *more], page.last)


class _LosesLabels(MemoryStore):
    """A label leaves the list with the first of its boxes."""

    def remove_box(self, file_id: str, box_id: str) -> bool:
        (file,) = self.find_binary([file_id])
        boxes = file.boxes if file is not None else ()
        _known(self, "_gone").update(box.label for box in boxes if box.id == box_id)
        return super().remove_box(file_id, box_id)

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        _known(self, "_gone").discard(box.label)
        return super().add_box(file_id, box)

    def box_labels(self, query: Query) -> set[str]:
        return super().box_labels(query) - _known(self, "_gone")


class _LosesTags(MemoryStore):
    """A tag leaves the list with the first file that loses it."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        _known(self, "_gone").update(tags)
        return super().remove_tags(file_ids, tags)

    def binary_tags(self, query: Query) -> set[str]:
        return super().binary_tags(query) - _known(self, "_gone")


class _OnceTagged(MemoryStore):
    """A file that has lost its last tag has an empty list, which is not the same as none."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        ids = list(file_ids)
        removal = super().remove_tags(ids, tags)
        _known(self, "_once").update(r.file_id for r in self.find_binary(ids) if r and not r.tags)
        return removal

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        page = super().binary_page(query, after=after, limit=limit, descending=descending)
        if query.tag_rule is not TagRule.UNTAGGED:
            return page
        once = _known(self, "_once")
        return Page([r for r in page.records if r.file_id not in once], page.last)


class _CountsDeleted(MemoryStore):
    """The total of a dataset is a counter that deletes of files do not know."""

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        for record in self.find_binary(ids):
            if record is not None:
                pairs = ((dataset_id, record.file_id) for dataset_id in record.dataset_ids)
                _known(self, "_deleted").update(pairs)
        return super().delete_binary(ids)

    def binary_totals(self, query: Query) -> Totals:
        count, size = super().binary_totals(query)
        return Totals(count + sum(d == query.dataset_id for d, _ in _known(self, "_deleted")), size)


# Changes by filter, of what the filter is about ----------------------------------------------


def _every_other(store: MemoryStore, query: Query) -> list[str]:
    """What a loop changes that pages by offset, while the pages shrink."""
    return [record.file_id for record in _all(store, query)][::2]


class _RemovesHalf(MemoryStore):
    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> TagRemoval:
        if query.tags & set(tags):
            return self.remove_tags(_every_other(self, query), tags)
        return super().remove_tags_matching(query, tags)


class _TagsHalf(MemoryStore):
    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        if query.tag_rule is TagRule.UNTAGGED:
            return self.add_tags(_every_other(self, query), tags)
        return super().add_tags_matching(query, tags)


class _DeletesUntagged(MemoryStore):
    def delete_binary_matching(self, query: Query) -> int:
        if query.tag_rule in (TagRule.TAGGED, TagRule.UNTAGGED):
            query = replace(query, tag_rule=TagRule.IGNORED)
        return super().delete_binary_matching(query)


# Datasets -----------------------------------------------------------------------------------


class _SharesMembers(MemoryStore):
    """A merged dataset has the list of members of its first source, and no copy of it."""

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if members_of:
            vars(self).setdefault("_sources", {})[dataset.id] = members_of[0]
        return super().add_dataset(dataset, members_of=members_of)

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        source = vars(self).get("_sources", {}).get(dataset_id)
        if source is not None:
            super().add_members(source, ids)
        return super().add_members(dataset_id, ids)


class _RenamesType(MemoryStore):
    """A renamed dataset is written anew, of the default type."""

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        done = super().rename_dataset(dataset_id, name)
        if done:
            named = self._datasets[dataset_id]
            self._datasets[dataset_id] = replace(named, type=DatasetType.BINARY_DATA)
        return done


class _OneUser(MemoryStore):
    """One database user serves all organizations."""

    def database_password(self, organization_id: str) -> str | None:
        return super().database_password(organization_id) or next(
            iter(self._passwords.values()), None
        )


class _CountsSequences(Interceptor):
    """Deleted sequences still count in their datasets."""

    def __init__(self) -> None:
        self._members: dict[str, set[str]] = {}
        self._deleted: set[str] = set()
        self.fired = False

    def reply(self, rpc: str, request: Message | None, message: Any) -> Any:
        del rpc
        if isinstance(request, data.AddSequencesToDatasetRequest):
            self._members.setdefault(request.dataset_id, set()).update(request.sequence_ids)
        elif isinstance(request, data.DeleteSequenceRequest):
            self._deleted.add(request.id)
        elif isinstance(request, data.SequencesByDatasetIDRequest):
            gone = len(self._members.get(request.dataset_id, set()) & self._deleted)
            self.fired = self.fired or gone > 0
            message.count += gone
        return message


# Readings -----------------------------------------------------------------------------------


class _KeepsHotReadings(Interceptor):
    """Answers of the hot store are remembered until the next upload."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}
        self.fired = False

    def request(self, rpc: str, message: Message) -> Message:
        if rpc == CAPTURE:
            self._known.clear()
        return message

    def reply(self, rpc: str, request: Message | None, message: Any) -> Any:
        del rpc
        if isinstance(request, data.TabularDataByMQLRequest):
            source = request.data_source.type
            if source == data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE:
                key = request.SerializeToString(deterministic=True)
                now = message.SerializeToString()
                before = self._known.setdefault(key, now)
                self.fired = self.fired or before != now
                return data.TabularDataByMQLResponse.FromString(before)
        return message


def _one_metadata(_: object, reply: data.TabularDataByFilterResponse, __: Memory) -> None:
    """Metadata that differ in parameters alone are the first of them."""
    first: dict[bytes, int] = {}
    place = {}
    for at, metadata in enumerate(reply.metadata):
        plain = data.CaptureMetadata.FromString(metadata.SerializeToString())
        plain.ClearField("method_parameters")
        place[at] = first.setdefault(plain.SerializeToString(deterministic=True), at)
    for entry in reply.data:
        entry.metadata_index = place[entry.metadata_index]


def _day_of_arrival(_: object, reply: QueryReply, __: Memory) -> None:
    import bson  # noqa: PLC0415 - with the first query

    rows = [bson.decode(row) for row in reply.raw_data]
    for row in rows:
        if "capture_day" in row and "time_received" in row:
            midnight = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
            row["capture_day"] = row["time_received"].replace(**midnight)
    reply.raw_data[:] = [bson.encode(row) for row in rows]


def _only_texts(message: data.UpdateBoundingBoxRequest, _: Memory) -> None:
    if not message.binary_data_id:
        raise GRPCError(Status.INVALID_ARGUMENT, "binary_data_id is missing")


def _no_pictures(message: Any, _: Memory) -> None:
    message.name = "".join(c if ord(c) < 0x10000 else "?" for c in message.name)


MUTANTS: tuple[Mutant, ...] = (
    with_store("finds labels that an update has replaced", "FI-10", _KeepsLabels),
    with_store("loses a label with one of its boxes", "BL-1", _LosesLabels),
    with_store("loses a tag with one of its files", "TG-1", _LosesTags),
    with_store("calls none untagged that had a tag once", "FI-7", _OnceTagged),
    with_store("totals members that are deleted", "A54", _CountsDeleted),
    with_store("removes the tag of a filter from every other file", "TR-1", _RemovesHalf),
    with_store("tags every other file that has none", "TA-3", _TagsHalf),
    with_store("deletes whatever has tags", "DF-1", _DeletesUntagged),
    with_store("has a merge share members with its source", "DS-10", _SharesMembers),
    with_store("makes renamed datasets those of files", "DS-9", _RenamesType),
    with_store("has one database user for all", "DB-4", _OneUser),
    Mutant(name="counts deleted sequences", clause="SQ-6", interceptor=_CountsSequences),
    Mutant(name="keeps deleted readings hot", clause="DT-1", interceptor=_KeepsHotReadings),
    on_reply("shares metadata whatever the parameters", "UP-8", _one_metadata,
             "TabularDataByFilter"),
    on_reply("takes the day of arrival for that of capture", "MQ-2", _day_of_arrival,
             "TabularDataByMQL"),
    on_request("updates boxes by texts alone", "ID-1", _only_texts, "UpdateBoundingBox"),
    on_request("has no pictures in names of datasets", "DS-1", _no_pictures, "CreateDataset"),
)  # fmt: skip
