"""Datasets: named sets of references to binary records."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fakeviam.model.names import check_name

LABEL_PREFIX = "VIAM_DATASET_"


class DatasetType(enum.IntEnum):
    """What a dataset may contain; the numbers are those of the API."""

    BINARY_DATA = 0
    SEQUENCE_DATA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A dataset of one organization. Memberships are stored on the records.

    Attributes:
        time_created: ns since the epoch.
        type: Immutable after creation.
    """

    id: str
    name: str
    organization_id: str
    time_created: int
    type: DatasetType = DatasetType.BINARY_DATA


def dataset_label(dataset_id: str) -> str:
    """The tag that represents membership (DM-2, A10)."""
    return LABEL_PREFIX + dataset_id


def labelled_datasets(tags: frozenset[str]) -> frozenset[str]:
    """The dataset ids whose labels are among `tags`."""
    cut = len(LABEL_PREFIX)
    return frozenset(tag[cut:] for tag in tags if tag.startswith(LABEL_PREFIX) and len(tag) > cut)


def check_dataset_name(name: str) -> str:
    """Return `name` if it is valid (DS-7)."""
    return check_name(name, clause="DS-7")
