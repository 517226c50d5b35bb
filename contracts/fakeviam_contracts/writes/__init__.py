"""Changing the subject and the model alike."""

from __future__ import annotations

from fakeviam_contracts.writes.annotations import (
    CORNERS,
    box,
    remove_box,
    tag,
    tag_matching,
    update_box,
)
from fakeviam_contracts.writes.datasets import (
    change_members,
    check_datasets,
    create_dataset,
    delete_dataset,
    merge_datasets,
    rename_dataset,
)
from fakeviam_contracts.writes.deletes import delete_files, delete_matching, delete_rows
from fakeviam_contracts.writes.many import (
    upload_many,
    upload_many_rows,
    upload_pieces,
    upload_several,
)
from fakeviam_contracts.writes.uploads import upload, upload_rows

__all__ = [
    "CORNERS",
    "box",
    "change_members",
    "check_datasets",
    "create_dataset",
    "delete_dataset",
    "delete_files",
    "delete_matching",
    "delete_rows",
    "merge_datasets",
    "remove_box",
    "rename_dataset",
    "tag",
    "tag_matching",
    "update_box",
    "upload",
    "upload_many",
    "upload_many_rows",
    "upload_pieces",
    "upload_rows",
    "upload_several",
]
