"""Wrong servers: datasets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakeviam import MemoryStore
from fakeviam.wire import dataset
from fakeviam_contracts.mutants.base import (
    FILES,
    Mutant,
    answering,
    asking,
    deciding,
    forgiving,
    metadata_edit,
    storing,
)


class _DeletesData(MemoryStore):
    def delete_dataset(self, dataset_id: str) -> None:
        from fakeviam_contracts.mutants.queries import members_of  # noqa: PLC0415 - only here

        super().delete_binary_matching(members_of(dataset_id))
        super().delete_dataset(dataset_id)


class _RenameCreates(MemoryStore):
    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        known = self.dataset(dataset_id)
        assert known is not None  # noqa: S101 - the server saw to it
        return self.add_dataset(replace(known, id="e" * 24, name=name))


class _MergeMoves(MemoryStore):
    def add_dataset(self, dataset: Any, *, members_of: Any = ()) -> bool:
        made = super().add_dataset(dataset, members_of=members_of)
        for source in members_of if made else ():
            from fakeviam_contracts.mutants.queries import members_of as members  # noqa: PLC0415

            page = self.binary_page(members(source), after=None, limit=100, descending=False)
            super().remove_members(source, (record.file_id for record in page.records))
        return made


class _MergeTakesFirst(MemoryStore):
    def add_dataset(self, dataset: Any, *, members_of: Any = ()) -> bool:
        return super().add_dataset(dataset, members_of=members_of[:1])


def _keep_labels(_: Any, reply: Any, memory: dict[Any, Any]) -> None:
    """Once a member, for ever labelled."""
    for entry in reply.data:
        tags = entry.metadata.capture_metadata.tags
        old = memory.setdefault(entry.metadata.binary_data_id, set())
        old |= {tag for tag in tags if tag.startswith("VIAM_DATASET_") and len(tag) > 14}
        tags.extend(sorted(old - set(tags)))


def _reverse_datasets(_: Any, reply: Any, __: dict[Any, Any]) -> None:
    entries = [type(d).FromString(d.SerializeToString()) for d in reversed(reply.datasets)]
    del reply.datasets[:]
    reply.datasets.extend(entries)


JOIN = "AddBinaryDataToDatasetByIDs"

MUTANTS: tuple[Mutant, ...] = (
    storing("deletes the data of a dataset", "DS-2", _DeletesData),
    storing("makes a new dataset when renaming", "DS-3", _RenameCreates),
    storing("moves members when merging", "A42", _MergeMoves),
    storing("merges the first dataset only", "DS-10", _MergeTakesFirst),
    answering("keeps the label of a former member", "DM-2", _keep_labels, *FILES),
    deciding("hides labels of datasets", "A10", dataset_label="hidden"),
    answering(
        "lists datasets by ids the other way round", "A41", _reverse_datasets, "ListDatasetsByIDs"
    ),
    answering(
        "lists one dataset of an organization",
        "DS-4",
        lambda _, r, __: r.datasets.__delitem__(slice(1, None)),
        "ListDatasetsByOrganizationID",
    ),
    forgiving(
        "takes a name twice", "A39", lambda _, __: dataset.CreateDatasetResponse(id="d" * 24)
    ),
    deciding(
        "calls a name that is taken INVALID_ARGUMENT",
        "A39",
        duplicate_dataset_name="INVALID_ARGUMENT",
    ),
    forgiving(
        "takes a blank name", "DS-7", lambda _, __: dataset.CreateDatasetResponse(id="d" * 24)
    ),
    forgiving("deletes unknown datasets", "A40", lambda _, __: dataset.DeleteDatasetResponse()),
    asking(
        "adds the first member only",
        "DM-1",
        lambda m, _: m.binary_data_ids.__delitem__(slice(1, None)),
        JOIN,
    ),
    answering(
        "does not show memberships",
        "DM-3",
        metadata_edit(lambda m: m.ClearField("dataset_ids")),
        *FILES,
    ),
)
