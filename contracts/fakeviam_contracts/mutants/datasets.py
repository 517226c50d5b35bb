"""Wrong servers: datasets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import MemoryStore
from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts.mutants.base import (
    FILES,
    Mutant,
    in_each,
    metadata_edit,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    only_first,
    with_policy,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam_contracts.mutants.base import BinaryReply, DatasetsReply, Memory, ReplyEdit


class _DeletesData(MemoryStore):
    def delete_dataset(self, dataset_id: str) -> None:
        from fakeviam_contracts.mutants.queries import members_of  # noqa: PLC0415 - only here

        super().delete_binary_matching(members_of(dataset_id))
        super().delete_dataset(dataset_id)


class _RenameCreates(MemoryStore):
    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        dataset = self.dataset(dataset_id)
        assert dataset is not None  # noqa: S101 - checked by the server
        return self.add_dataset(replace(dataset, id="e" * 24, name=name))


class _MergeMoves(MemoryStore):
    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        is_added = super().add_dataset(dataset, members_of=members_of)
        for source in members_of if is_added else ():
            from fakeviam_contracts.mutants.queries import members_of as members  # noqa: PLC0415

            page = self.binary_page(members(source), after=None, limit=100, descending=False)
            super().remove_members(source, (record.file_id for record in page.records))
        return is_added


class _MergeTakesFirst(MemoryStore):
    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        return super().add_dataset(dataset, members_of=members_of[:1])


class _DeletesLeavers(MemoryStore):
    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        count = super().remove_members(dataset_id, ids)
        super().delete_binary(ids)
        return count


class _Toggles(MemoryStore):
    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        members = {r.file_id for r in self.find_binary(ids) if r and dataset_id in r.dataset_ids}
        self.remove_members(dataset_id, members)
        return super().add_members(dataset_id, (f for f in ids if f not in members))


def _only_known_ids(
    request: dataset.ListDatasetsByIDsRequest, reply: DatasetsReply, _: Memory
) -> None:
    if len(reply.datasets) < len(set(request.ids)):
        raise GRPCError(Status.NOT_FOUND, "no such dataset")


def _renamed_anyhow(rpc: str, refusal: Any) -> object:
    if rpc != "RenameDataset":
        raise refusal
    return dataset.RenameDatasetResponse()


def _each_dataset(field: str) -> ReplyEdit:
    return in_each("datasets", "", lambda entry: entry.ClearField(field))


def _keep_labels(_: object, reply: BinaryReply, memory: Memory) -> None:
    """The label of a former membership remains."""
    for entry in reply.data:
        tags = entry.metadata.capture_metadata.tags
        old = memory.setdefault(entry.metadata.binary_data_id, set())
        old |= {tag for tag in tags if tag.startswith("VIAM_DATASET_") and len(tag) > 14}
        tags.extend(sorted(old - set(tags)))


def _reverse_datasets(_: object, reply: DatasetsReply, __: Memory) -> None:
    entries = [type(d).FromString(d.SerializeToString()) for d in reversed(reply.datasets)]
    del reply.datasets[:]
    reply.datasets.extend(entries)


def _uploaded_anyhow(*_: object) -> object:
    return datasync.DataCaptureUploadResponse(binary_data_id="a/b/c", file_id="c")


def _remember_name(
    request: dataset.CreateDatasetRequest, reply: dataset.CreateDatasetResponse, memory: Memory
) -> None:
    memory[reply.id] = request.name


def _refuse_own_name(message: dataset.RenameDatasetRequest, memory: Memory) -> None:
    if memory.get(message.id) == message.name:
        raise GRPCError(Status.ALREADY_EXISTS, "it has that name")
    memory[message.id] = message.name


def _refuse_single(message: dataset.MergeDatasetsRequest, _: Memory) -> None:
    if len(message.dataset_ids) == 1:
        raise GRPCError(Status.INVALID_ARGUMENT, "name several")


JOIN = "AddBinaryDataToDatasetByIDs"

LISTS = ("ListDatasetsByIDs", "ListDatasetsByOrganizationID")
CREATED = dataset.CreateDatasetResponse(id="d" * 24)

MUTANTS: tuple[Mutant, ...] = (
    on_request(
        "merges two datasets at most",
        "A42",
        lambda m, _: m.dataset_ids.__delitem__(slice(2, None)),
        "MergeDatasets",
    ),
    on_reply(
        "tells three memberships of a file",
        "DM-1",
        metadata_edit(lambda m: m.dataset_ids.__delitem__(slice(3, None))),
        *FILES,
    ),
    on_reply(
        "lists datasets of an organization without their types",
        "DS-9",
        in_each("datasets", "", lambda d: d.ClearField("type")),
        "ListDatasetsByOrganizationID",
    ),
    with_store("deletes the data that leaves a dataset", "DM-4", _DeletesLeavers),
    with_store("takes a member out that is added again", "DM-6", _Toggles),
    on_refusal(
        "takes no ids for a membership",
        "DM-8",
        lambda _, __: data.AddBinaryDataToDatasetByIDsResponse(),
    ),
    on_refusal(
        "lets data of others pass", "DM-7", lambda _, __: data.AddBinaryDataToDatasetByIDsResponse()
    ),
    on_refusal(
        "lets files join sequences",
        "DM-5",
        lambda _, __: data.AddBinaryDataToDatasetByIDsResponse(),
    ),
    on_refusal("takes uploads into datasets of sequences", "DM-9", _uploaded_anyhow),
    on_exchange(
        "refuses the name that a dataset has",
        "DS-14",
        {"RenameDataset": _refuse_own_name},
        {"CreateDataset": _remember_name},
    ),
    on_request("merges no single dataset", "DS-15", _refuse_single, "MergeDatasets"),
    on_reply("does not say whose a dataset is", "DS-1", _each_dataset("organization_id"), *LISTS),
    on_reply("does not say when a dataset was made", "TM-2", _each_dataset("time_created"), *LISTS),
    on_reply(
        "lists one dataset by ids",
        "DS-5",
        lambda _, r, __: r.datasets.__delitem__(slice(1, None)),
        "ListDatasetsByIDs",
    ),
    on_reply("wants to know every id of a list", "DS-6", _only_known_ids, "ListDatasetsByIDs"),
    Mutant(
        name="takes a name twice by renaming",
        clause="DS-8",
        interceptor=on_refusal("", "A39", _renamed_anyhow).interceptor,
    ),
    on_request(
        "makes every dataset one of files",
        "DS-9",
        lambda m, _: m.ClearField("type"),
        "CreateDataset",
    ),
    on_request(
        "lists all types of datasets",
        "A43",
        lambda m, _: m.ClearField("type"),
        "ListDatasetsByOrganizationID",
    ),
    on_refusal("makes datasets of nobody", "DS-11", lambda _, __: CREATED),
    on_refusal("makes datasets without an organization", "A48", lambda _, __: CREATED),
    on_refusal(
        "merges no datasets", "DS-12", lambda _, __: dataset.MergeDatasetsResponse(dataset_id="d")
    ),
    on_request(
        "takes any number for a type",
        "DS-13",
        lambda m, _: setattr(m, "type", min(m.type, 1)),
        "CreateDataset",
    ),
    with_store("deletes the data of a dataset", "DS-2", _DeletesData),
    with_store("makes a new dataset when renaming", "DS-3", _RenameCreates),
    with_store("moves members when merging", "A42", _MergeMoves),
    with_store("merges the first dataset only", "A42", _MergeTakesFirst),
    on_reply("keeps the label of a former member", "DM-2", _keep_labels, *FILES),
    with_policy("hides labels of datasets", "A10", dataset_label="hidden"),
    on_reply(
        "lists datasets by ids the other way round", "A41", _reverse_datasets, "ListDatasetsByIDs"
    ),
    on_reply(
        "lists one dataset of an organization",
        "DS-4",
        lambda _, r, __: r.datasets.__delitem__(slice(1, None)),
        "ListDatasetsByOrganizationID",
    ),
    Mutant(
        name="takes a name twice",
        clause="DS-8",
        interceptor=on_refusal("", "A39", lambda _, __: CREATED).interceptor,
    ),
    on_exchange(
        "answers the first of the merged datasets",
        "DS-10",
        {},
        {"MergeDatasets": lambda m, r, _: setattr(r, "dataset_id", m.dataset_ids[0])},
    ),
    with_policy(
        "calls a name that is taken INVALID_ARGUMENT",
        "A39",
        duplicate_dataset_name="INVALID_ARGUMENT",
    ),
    on_refusal(
        "takes a blank name", "DS-7", lambda _, __: dataset.CreateDatasetResponse(id="d" * 24)
    ),
    on_refusal("deletes unknown datasets", "A40", lambda _, __: dataset.DeleteDatasetResponse()),
    on_request(
        "adds the first member only",
        "DM-1",
        only_first("binary_data_ids"),
        JOIN,
    ),
    on_reply(
        "does not show memberships",
        "DM-3",
        metadata_edit(lambda m: m.ClearField("dataset_ids")),
        *FILES,
    ),
)
