"""The reference model: what a server must store and reply according to the documentation.

It is naive and slow by design, and shares no code with the fake, so that it is an independent
second implementation. Objects are identified by handles (small numbers in order of creation),
because ids are chosen by the server.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam_contracts.interpretation import Interpretation

DAY = 86_400 * 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Box:
    """A bounding box."""

    handle: int
    label: str
    corners: tuple[float, float, float, float]
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The source of data: every property of it that a filter can select by."""

    organization_id: str
    location_id: str
    robot_id: str
    robot_name: str
    part_id: str
    part_name: str
    component_type: str = ""
    component_name: str = ""
    method: str = ""


@dataclass(kw_only=True)
class File:
    """A binary record; `because` has the clause of each aspect."""

    handle: int
    origin: Origin
    requested: int
    received: int
    data: bytes
    mime_type: str
    file_name: str = ""
    file_ext: str = ""
    tags: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    datasets: list[int] = field(default_factory=list)
    because: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Row:
    """A reading."""

    handle: int
    origin: Origin
    requested: int
    received: int
    data: dict[str, Any]
    tags: list[str] = field(default_factory=list)
    mime_type: str = "application/octet-stream"


@dataclass(kw_only=True)
class Dataset:
    """A dataset."""

    handle: int
    name: str
    organization_id: str


@dataclass(frozen=True, kw_only=True)
class FilterSpec:
    """A filter in the model's terms: datasets by handle, times in ns; empty is no condition.

    `label_of` are datasets whose labels are in the tags filter (A10). A `tag_rule` of "" sends
    MATCH_BY_OR if there are tags, and otherwise no tags filter.
    """

    component_name: str = ""
    component_type: str = ""
    method: str = ""
    robot_name: str = ""
    robot_id: str = ""
    part_name: str = ""
    part_id: str = ""
    location_ids: tuple[str, ...] = ()
    organization_ids: tuple[str, ...] = ()
    mime_types: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    tag_rule: str = ""  # "", or, tagged, untagged, unspecified
    tags: tuple[str, ...] = ()
    label_of: tuple[int, ...] = ()
    box_labels: tuple[str, ...] = ()
    dataset: int | None = None


SCALARS = (
    "component_name",
    "component_type",
    "method",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
)
#: The list fields of a filter, and the fields of a record that they are compared with.
LISTS: dict[str, Callable[[Any], str]] = {
    "location_ids": lambda record: record.origin.location_id,
    "organization_ids": lambda record: record.origin.organization_id,
    "mime_types": lambda record: record.mime_type,
}

_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda wanted, got: wanted == got,
    "casefold": lambda wanted, got: wanted.casefold() == got.casefold(),
    "prefix": lambda wanted, got: got.startswith(wanted),
}


class ReferenceModel:
    """The state that the server must have."""

    def __init__(self, interpretation: Interpretation) -> None:
        """Start without data."""
        self.interpretation = interpretation
        self.files: list[File] = []
        self.rows: list[Row] = []
        self.datasets: list[Dataset] = []
        self.kept = Kept()

    # Selecting ---------------------------------------------------------------------------

    def matching_files(
        self, spec: FilterSpec, interpretation: Interpretation | None = None
    ) -> list[File]:
        """The files that a filter selects, in order of arrival."""
        how = interpretation or self.interpretation
        return [f for f in self.files if _matches(spec, f, how) and _matches_file(spec, f, how)]

    def matching_rows(
        self, spec: FilterSpec, interpretation: Interpretation | None = None
    ) -> list[Row]:
        """The readings that a filter selects, in order of arrival."""
        how = interpretation or self.interpretation
        if how.file_filters_on_rows == "none" and (spec.box_labels or spec.dataset is not None):
            return []
        if how.mime_filter_on_rows == "none" and spec.mime_types:
            return []
        if how.mime_filter_on_rows == "ignored":
            spec = replace(spec, mime_types=())
        return [r for r in self.rows if _matches(spec, r, how) and _tags_match(spec, r, [], how)]

    def in_order(self, records: Iterable[Any], *, descending: bool | None) -> list[Any]:
        """By time, then arrival (PG-6, PG-11); None is the default order (A1)."""
        if descending is None:
            descending = self.interpretation.default_order == "descending"
        return sorted(records, key=lambda r: (r.requested, r.handle), reverse=descending)

    # Files -------------------------------------------------------------------------------

    def file(self, handle: int) -> File | None:
        """The file with this handle, if it still exists."""
        return next((f for f in self.files if f.handle == handle), None)

    def delete_files(self, handles: Iterable[int]) -> int:
        """Delete files; returns how many existed (DI-1, A54)."""
        deleted = set(handles)
        before = len(self.files)
        self.files = [f for f in self.files if f.handle not in deleted]
        return before - len(self.files)

    def rows_before(self, organization_id: str, cutoff: int | None, spec: FilterSpec) -> list[Row]:
        """The readings of an organization that are old enough to be deleted (DT-1 … DT-3)."""
        return [
            r
            for r in self.matching_rows(spec)
            if r.origin.organization_id == organization_id
            and (cutoff is None or r.requested < cutoff)
        ]

    def delete_rows(self, rows: Iterable[Row]) -> None:
        """Delete readings."""
        deleted = {row.handle for row in rows}
        self.rows = [r for r in self.rows if r.handle not in deleted]

    def add_tags(self, files: Iterable[File], tags: Sequence[str]) -> None:
        """Add missing tags (TA-1, TA-6)."""
        for file in files:
            file.tags += [t for t in dict.fromkeys(tags) if t not in file.tags]
            file.because["tags"] = "TA-1"

    def remove_tags(self, files: Iterable[File], tags: Sequence[str]) -> tuple[int, int]:
        """Remove tags; returns the number of tags and of changed records (TR-1, TR-2, A8)."""
        removed = changed = 0
        for file in files:
            remaining = [t for t in file.tags if t not in tags]
            removed += len(file.tags) - len(remaining)
            changed += remaining != file.tags
            file.tags = remaining
            file.because["tags"] = "TR-1"
        return removed, changed

    def change_box(self, file: File, handle: int, change: Callable[[Box], Box]) -> None:
        """Change one box (BU-1, BU-2)."""
        file.boxes = [change(b) if b.handle == handle else b for b in file.boxes]
        file.because["boxes"] = "BU-1"

    def remove_box(self, file: File, handle: int) -> None:
        """Remove one box; the others remain (BR-1)."""
        file.boxes = [b for b in file.boxes if b.handle != handle]
        file.because["boxes"] = "BR-1"

    # Datasets ----------------------------------------------------------------------------

    def dataset(self, handle: int) -> Dataset | None:
        """The dataset with this handle, if it still exists."""
        return next((d for d in self.datasets if d.handle == handle), None)

    def name_is_taken(self, name: str, organization_id: str, *, but: int | None = None) -> bool:
        """Whether another dataset of the organization has the name (DS-8)."""
        return any(
            d.name == name and d.organization_id == organization_id and d.handle != but
            for d in self.datasets
        )

    def delete_dataset(self, handle: int) -> None:
        """Delete a dataset; its data remains (DS-2)."""
        self.datasets = [d for d in self.datasets if d.handle != handle]
        for file in self.members(handle):
            self.remove_members(handle, [file])
            file.because["datasets"] = "DS-2"

    def members(self, handle: int) -> list[File]:
        """The members of a dataset."""
        return [f for f in self.files if handle in f.datasets]

    def add_members(self, handle: int, files: Iterable[File]) -> None:
        """Add members; adding twice has no further effect (DM-1, DM-6)."""
        for file in files:
            if handle not in file.datasets:
                file.datasets.append(handle)
                file.because["datasets"] = "DM-1"

    def remove_members(self, handle: int, files: Iterable[File]) -> None:
        """Remove members; the data remains (DM-4)."""
        for file in files:
            file.datasets = [d for d in file.datasets if d != handle]
            file.because["datasets"] = "DM-1"


def _matches(spec: FilterSpec, record: File | Row, how: Interpretation) -> bool:
    origin, same = record.origin, _STRINGS[how.strings]
    for name in SCALARS:
        expected = getattr(spec, name)
        if expected and not same(expected, getattr(origin, name)):
            return False
    for name, value in LISTS.items():
        expected = getattr(spec, name)
        if expected and value(record) not in _counting(expected, how):
            return False
    if spec.start is None and spec.end is None:
        return True
    return _in_interval(spec, getattr(record, _CLOCKS[how.interval_clock]), how.interval_bounds)


_CLOCKS = {"time_requested": "requested", "time_received": "received"}


def _counting(values: Sequence[object], how: Interpretation) -> Sequence[object]:
    """The values of a filter's list that are not ignored (FI-5)."""
    if how.lists == "any":
        return values
    return values[-1:] if how.lists == "last" else values[:1]


def _in_interval(spec: FilterSpec, time: int, bounds: str) -> bool:
    if spec.start is not None:
        early = time < spec.start if bounds in ("closed", "half-open") else time <= spec.start
        if early:
            return False
    if spec.end is None:
        return True
    return time <= spec.end if bounds in ("closed", "open-start") else time < spec.end


def _matches_file(spec: FilterSpec, file: File, how: Interpretation) -> bool:
    if not _tags_match(spec, file, file.datasets, how):
        return False
    if spec.box_labels and not any(b.label in spec.box_labels for b in file.boxes):
        return False
    return spec.dataset is None or spec.dataset in file.datasets


def _tags_match(
    spec: FilterSpec, record: File | Row, datasets: Sequence[int], how: Interpretation
) -> bool:
    if spec.tag_rule in ("tagged", "untagged"):
        is_tagged = record.tags or (how.label_is_tag == "yes" and datasets)
        return bool(is_tagged) == (spec.tag_rule == "tagged")
    if not spec.tags and not spec.label_of:
        return spec.tag_rule != "or" or how.empty_or == "everything"
    labels = spec.label_of if how.dataset_label == "shown" else ()
    return any(t in record.tags for t in spec.tags) or any(d in datasets for d in labels)
