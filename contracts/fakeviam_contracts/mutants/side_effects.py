"""Wrong servers: a change has side effects on other objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Interceptor, MemoryStore
from fakeviam_contracts.mutants.base import (
    FILES,
    Mutant,
    on_exchange,
    on_reply,
    on_request,
    with_store,
)
from fakeviam_contracts.wirelog import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from google.protobuf.message import Message

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.values import TagRemoval
    from fakeviam_contracts.mutants.base import IdsRequest, Memory, TagsRequest


#: RPCs without lasting effects.
READS = ("BinaryDataByFilter", "BinaryDataByIDs", "TabularDataByFilter", "TagsByFilter",
         "BoundingBoxLabelsByFilter", "ListDatasetsByIDs", "ListDatasetsByOrganizationID",
         "GetLatestTabularData")  # fmt: skip
LABEL = "VIAM_DATASET_"
CALLS = {
    "AddTagsToBinaryDataByIDs": "TA-1",
    "RemoveTagsFromBinaryDataByIDs": "TR-1",
    "AddBinaryDataToDatasetByIDs": "DM-1",
    "RemoveBinaryDataFromDatasetByIDs": "DM-1",
    "DeleteBinaryDataByIDs": "DI-1",
}


def _records(store: MemoryStore) -> list[Any]:
    return [row.record for row in store.binary_rows()]


class _SharesTags(MemoryStore):
    """Files of the same source, time and tags share their list of tags."""

    def _similar(self, file_ids: Any) -> list[str]:
        records = {r.file_id: r for r in self.find_binary(list(file_ids)) if r is not None}
        keys = {(r.source, r.time_requested, r.tags) for r in records.values()}
        return [r.file_id for r in _records(self) if (r.source, r.time_requested, r.tags) in keys]

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return super().add_tags(self._similar(file_ids), tags)


class _RemovesFromAlike(_SharesTags):
    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return MemoryStore.add_tags(self, file_ids, tags)

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        return super().remove_tags(self._similar(file_ids), tags)


class _SharesCaptures(MemoryStore):
    """Files of one upload share their list of tags."""

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        groups = vars(self).setdefault("_groups", {})
        ids = [record.file_id for record, _ in records]
        groups.update(dict.fromkeys(ids, ids))
        super().add_binary(records)

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        groups = self.__dict__.get("_groups", {})
        every = [other for one in file_ids for other in groups.get(one, [one])]
        return super().add_tags(every, tags)


class _SharesBoxes(MemoryStore):
    """Files with equal contents share their boxes."""

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        size = {r.file_id: (r.size, r.time_requested) for r in _records(self)}
        for other, what in size.items():
            if other != file_id and what == size.get(file_id) and what[0] == 4:
                super().add_box(other, box)
        return super().add_box(file_id, box)


class _DeletesAlike(MemoryStore):
    """Deleting a file deletes readings with the same source and time."""

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        from fakeviam.model.filters import Query  # noqa: PLC0415 - only where it is wrong

        ids = list(file_ids)
        for record in self.find_binary(ids):
            if record is not None and record.source.component_name == "cam" and record.size == 4:
                query = Query(component_name="cam", component_type="camera")
                super().delete_tabular_matching(query)
        return super().delete_binary(ids)


class _NewTimes(MemoryStore):
    """Changing tags or members changes the capture time by a nanosecond."""

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        changed = super().add_members(dataset_id, ids)
        if len(ids) == 2:
            self._later(ids[:1])
        return changed

    def _later(self, file_ids: Any) -> None:
        marks = self._known(file_ids)
        blocks, _ = self._binary.revised(
            marks, "tags", lambda r: replace(r, time_received=r.time_received + 1)
        )
        self._binary.adopt(blocks)


class _RenameMakesAnew(MemoryStore):
    """Renaming a dataset changes its creation time."""

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        result = super().rename_dataset(dataset_id, name)
        dataset = self._datasets[dataset_id]
        if result:
            later = dataset.time_created + 1_000_000_000
            self._datasets[dataset_id] = replace(dataset, time_created=later)
        return result


class _KeepsNames(MemoryStore):
    """The names of deleted and renamed datasets remain taken."""

    def _is_taken(self, organization_id: str, name: str) -> bool:
        old = vars(self).setdefault("_old", set())
        taken = super()._is_taken(organization_id, name) or (organization_id, name) in old
        old.add((organization_id, name))
        return taken


class _OldMembers(MemoryStore):
    """A dataset with a former name inherits the former members."""

    def delete_dataset(self, dataset_id: str) -> None:
        from fakeviam_contracts.mutants.queries import members_of  # noqa: PLC0415 - only here

        page = self.binary_page(members_of(dataset_id), after=None, limit=100, descending=False)
        dataset = self.dataset(dataset_id)
        if dataset is not None:
            former = vars(self).setdefault("_former", {})
            former[dataset.name] = [record.file_id for record in page.records]
        super().delete_dataset(dataset_id)

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        is_added = super().add_dataset(dataset, members_of=members_of)
        if is_added:
            self.add_members(dataset.id, self.__dict__.get("_former", {}).get(dataset.name, ()))
        return is_added


class _OldTags(MemoryStore):
    """Uploading the same bytes again restores their tags."""

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        former = vars(self).setdefault("_former", {})
        for record in self.find_binary(ids):
            if record is not None:
                former[self.read(record.file_id)] = record.tags
        return super().delete_binary(ids)

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        former = self.__dict__.get("_former", {})
        super().add_binary(
            [(replace(r, tags=former.get(b, ()) or r.tags) if len(b) == 4 else r, b)
             for r, b in records]
        )  # fmt: skip


class _HalfUpdates(MemoryStore):
    """An update that is refused still changes the label."""

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        (record,) = self.find_binary([file_id])
        for box in record.boxes if record is not None else ():
            if box.id == box_id:
                self._try(file_id, box, change)
        return super().replace_box(file_id, box_id, change)

    def _try(self, file_id: str, box: Any, change: Any) -> None:
        try:
            change(box)
        except Exception:
            super().replace_box(file_id, box.id, lambda old: replace(old, label="half"))
            raise


# The label as a tag -------------------------------------------------------------------------


def _leaves_by_tag(message: TagsRequest, memory: Memory) -> None:
    labels = [tag for tag in message.tags if tag.startswith(LABEL)]
    memory.setdefault("hidden", set()).update(
        (text, tag.removeprefix(LABEL)) for tag in labels for text in message.binary_data_ids
    )


def _hide_left(_: object, reply: Any, memory: Memory) -> None:
    for entry in reply.data:
        remaining = [
            one
            for one in entry.metadata.dataset_ids
            if (entry.metadata.binary_data_id, one) not in memory.get("hidden", ())
        ]
        entry.metadata.dataset_ids[:] = remaining


def _counts_labels(request: Any, reply: Any, _: Memory) -> None:
    reply.deleted_count += sum(tag.startswith(LABEL) for tag in request.tags)


def _joins_by_tag(message: TagsRequest, memory: Memory) -> None:
    for tag in message.tags:
        if tag.startswith(LABEL):
            memory.setdefault("joined", {}).setdefault(tag.removeprefix(LABEL), set()).update(
                message.binary_data_ids
            )


def _show_joined(_: object, reply: Any, memory: Memory) -> None:
    for dataset_id, texts in memory.get("joined", {}).items():
        for entry in reply.data:
            if entry.metadata.binary_data_id in texts:
                entry.metadata.dataset_ids.append(dataset_id)


def _no_labels(message: Any, _: Memory) -> None:
    if any(tag.startswith(LABEL) and len(tag) > 30 for tag in message.tags):
        raise GRPCError(Status.INTERNAL, "cannot remove a label")


# Segments of ids -----------------------------------------------------------------------------


def _texts(message: IdsRequest) -> Any:
    fields = message.DESCRIPTOR.fields_by_name
    return message.binary_data_ids if "binary_data_ids" in fields else None


def _forgiving(segment: int) -> tuple[Any, Any]:
    """Edits that ignore one segment of an id: files are identified by the other two."""

    def uploaded(_: object, reply: Any, memory: Memory) -> None:
        if reply.binary_data_id:
            memory[_key(reply.binary_data_id)] = reply.binary_data_id

    def asked(message: Any, memory: Memory) -> None:
        texts = _texts(message)
        if texts is not None:
            texts[:] = [memory.get(_key(text), text) for text in texts]
        for one in getattr(message, "binary_ids", ()):
            whole = memory.get(_key(f"{one.organization_id}/{one.location_id}/{one.file_id}"))
            if whole is not None:
                one.organization_id, one.location_id, one.file_id = whole.split("/")
        if "binary_data_id" in message.DESCRIPTOR.fields_by_name:
            message.binary_data_id = memory.get(
                _key(message.binary_data_id), message.binary_data_id
            )

    def _key(text: str) -> tuple[str, ...]:
        parts = text.split("/")
        return (*parts[:segment], *parts[segment + 1 :])

    return asked, uploaded


def _forgives(segment: int, name: str) -> list[Mutant]:
    asked, uploaded = _forgiving(segment)
    matches = [
        on_exchange(f"ignores the {name} of ids in {rpc}", "ID-6", {rpc: asked},
                    dict.fromkeys(UPLOADS, uploaded))
        for rpc in CALLS
    ]  # fmt: skip
    matches += [
        on_exchange(f"ignores the {name} of ids in {rpc}", "BX-8", {rpc: asked},
                    dict.fromkeys(UPLOADS, uploaded))
        for rpc in ("AddBoundingBoxToImageByID", "UpdateBoundingBox",
                    "RemoveBoundingBoxFromImageByID")
    ]  # fmt: skip
    return matches


class _Remembers(Interceptor):
    """Repeats the reply to an equal request, until a call that it notices."""

    def __init__(self, questions: Sequence[str], unminded: Sequence[str]) -> None:
        self._questions, self._unminded = questions, unminded
        self._answers: dict[tuple[str, bytes], Message] = {}
        self.fired = False

    def request(self, rpc: str, message: Message) -> Message:
        if rpc not in (*self._unminded, *READS):
            self._answers.clear()
        return message

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        if rpc not in self._questions or request is None:
            return message
        asked = (rpc, request.SerializeToString(deterministic=True))
        old = self._answers.setdefault(asked, message)
        self.fired = self.fired or old != message
        return old


def _remembering(name: str, clause: str, questions: Sequence[str], *unminded: str) -> Mutant:
    return Mutant(name=name, clause=clause, interceptor=lambda: _Remembers(questions, unminded))


MUTANTS: tuple[Mutant, ...] = (
    _remembering("remembers files past tags by filter", "TA-3", FILES,
                 "AddTagsToBinaryDataByFilter"),
    _remembering("remembers files past the end of a dataset", "DS-2", FILES, "DeleteDataset"),
    _remembering("remembers labels past deletes by filter", "BL-1", ("BoundingBoxLabelsByFilter",),
                 "DeleteBinaryDataByFilter"),
    _remembering("remembers the latest reading past deletes", "GL-3", ("GetLatestTabularData",),
                 "DeleteTabularData"),
    *_forgives(0, "organization"),
    *_forgives(1, "location"),
    with_store("tags files that were captured alike", "TA-1", _SharesTags),
    with_store("untags files that were captured alike", "TR-1", _RemovesFromAlike),
    with_store("tags all files of a capture", "TA-1", _SharesCaptures),
    with_store("puts boxes on files of equal contents", "BX-5", _SharesBoxes),
    with_store("deletes readings that were captured alike", "DI-1", _DeletesAlike),
    with_store("moves the time received when a file joins", "CU-1", _NewTimes),
    with_store("renames to a new time of creation", "DS-3", _RenameMakesAnew),
    with_store("keeps names of datasets for ever", "DS-1", _KeepsNames),
    with_store("gives a new dataset the members of an old one", "DS-2", _OldMembers),
    with_store("gives new files the tags of old ones", "UP-9", _OldTags),
    with_store("does half of an update that it refuses", "BU-3", _HalfUpdates),
    on_exchange("lets files leave a dataset by their label", "DM-3",
                {"RemoveTagsFromBinaryDataByIDs": _leaves_by_tag},
                dict.fromkeys(("BinaryDataByIDs", "BinaryDataByFilter"), _hide_left)),
    on_exchange("lets files join a dataset by their label", "DM-3",
                {"AddTagsToBinaryDataByIDs": _joins_by_tag},
                dict.fromkeys(("BinaryDataByIDs", "BinaryDataByFilter"), _show_joined)),
    on_reply("counts labels among removed tags", "A10", _counts_labels,
             "RemoveTagsFromBinaryDataByIDs"),
    on_request("breaks where a label is removed as a tag", "A10", _no_labels,
               "RemoveTagsFromBinaryDataByIDs"),
)  # fmt: skip
