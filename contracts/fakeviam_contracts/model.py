"""The reference model: what the documentation says a server must hold and answer.

Lists and predicates, slow and obvious. It shares no code with the fake: it is the second
opinion. Things are named by handles (small numbers in the order they were made), because the
server's ids are the server's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

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
    """What captured the data: everything about it that a filter can ask for."""

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
    """A binary record."""

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
    """A filter, in the model's terms: datasets by handle, times in ns; empty is no constraint.

    `label_of` names datasets whose labels are asked for among the tags (A10).
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
    tag_rule: str = "or"  # or, tagged, untagged, unspecified
    tags: tuple[str, ...] = ()
    label_of: tuple[int, ...] = ()
    box_labels: tuple[str, ...] = ()
    dataset: int | None = None


class Model:
    """What the server must hold."""

    def __init__(self, interpretation: Interpretation) -> None:
        """Start empty."""
        self.interpretation = interpretation
        self.files: list[File] = []
        self.rows: list[Row] = []
        self.datasets: list[Dataset] = []

    # Selecting ---------------------------------------------------------------------------

    def matching_files(self, spec: FilterSpec) -> list[File]:
        """The files that a filter selects, in order of arrival."""
        return [f for f in self.files if self._matches(spec, f) and self._matches_file(spec, f)]

    def matching_rows(self, spec: FilterSpec) -> list[Row]:
        """The readings that a filter selects, in order of arrival (A18)."""
        if spec.box_labels or spec.dataset is not None:
            return []
        return [r for r in self.rows if self._matches(spec, r) and self._tags_match(spec, r, [])]

    def in_order(self, records: Iterable[Any], *, descending: bool | None) -> list[Any]:
        """By time, then arrival (PG-6, PG-11); None is the order of no order (A1)."""
        backwards = self.interpretation.descending if descending is None else descending
        return sorted(records, key=lambda r: (r.requested, r.handle), reverse=backwards)

    def _matches(self, spec: FilterSpec, record: File | Row) -> bool:
        origin = record.origin
        scalars = ("component_name", "component_type", "method", "robot_name", "robot_id",
                   "part_name", "part_id")  # fmt: skip
        for name in scalars:  # FI-1, FI-3, FI-4
            wanted = getattr(spec, name)
            if wanted and wanted != getattr(origin, name):
                return False
        lists = (
            (spec.location_ids, origin.location_id),
            (spec.organization_ids, origin.organization_id),
            (spec.mime_types, record.mime_type),
        )
        for wanted, got in lists:  # FI-5
            if wanted and got not in wanted:
                return False
        return self._in_interval(spec, record.requested)

    def _in_interval(self, spec: FilterSpec, time: int) -> bool:  # FI-13, A2, A3
        if spec.start is not None and time < spec.start:
            return False
        if spec.end is None:
            return True
        return time <= spec.end if self.interpretation.end_inside else time < spec.end

    def _matches_file(self, spec: FilterSpec, file: File) -> bool:
        if not self._tags_match(spec, file, file.datasets):
            return False
        if spec.box_labels and not any(b.label in spec.box_labels for b in file.boxes):  # FI-10
            return False
        return spec.dataset is None or spec.dataset in file.datasets  # FI-11

    def _tags_match(self, spec: FilterSpec, record: File | Row, datasets: Sequence[int]) -> bool:
        if spec.tag_rule == "tagged":  # FI-7
            return bool(record.tags)
        if spec.tag_rule == "untagged":
            return not record.tags
        labels = spec.label_of if self.interpretation.labels_shown else ()
        if not spec.tags and not spec.label_of:  # FI-8, A17
            return True
        return any(t in record.tags for t in spec.tags) or any(d in datasets for d in labels)

    # Files -------------------------------------------------------------------------------

    def file(self, handle: int) -> File | None:
        """The file of that handle, if it is still there."""
        return next((f for f in self.files if f.handle == handle), None)

    def delete_files(self, handles: Iterable[int]) -> int:
        """Delete files; the answer counts those that were there (DI-1, A54)."""
        gone = set(handles)
        before = len(self.files)
        self.files = [f for f in self.files if f.handle not in gone]
        return before - len(self.files)

    def delete_rows(self, organization_id: str, days: int, now: int, spec: FilterSpec) -> int:
        """Delete readings by UTC calendar days (DT-1 … DT-4)."""
        midnight = now - now % DAY
        cutoff = None if days == 0 else midnight - (days - 1) * DAY
        chosen = {
            r.handle
            for r in self.matching_rows(spec)
            if r.origin.organization_id == organization_id
            and (cutoff is None or r.requested < cutoff)
        }
        self.rows = [r for r in self.rows if r.handle not in chosen]
        return len(chosen)

    def add_tags(self, files: Iterable[File], tags: Sequence[str]) -> None:
        """Add tags that are not there yet (TA-1, TA-5)."""
        for file in files:
            file.tags += [t for t in dict.fromkeys(tags) if t not in file.tags]

    def remove_tags(self, files: Iterable[File], tags: Sequence[str]) -> int:
        """Remove tags, and count as the reading says (TR-1, TR-2, A8)."""
        removed = changed = 0
        for file in files:
            kept = [t for t in file.tags if t not in tags]
            removed += len(file.tags) - len(kept)
            changed += kept != file.tags
            file.tags = kept
        return removed if self.interpretation.counts_tags else changed

    def visible_tags(self, file: File) -> set[str | tuple[str, int]]:
        """Tags as a set; labels of datasets as pairs with the dataset's handle (A10)."""
        labels = (
            {("label", d) for d in file.datasets} if self.interpretation.labels_shown else set()
        )
        return set(file.tags) | labels

    def change_box(self, file: File, handle: int, change: Callable[[Box], Box]) -> None:
        """Change one box (BU-1, BU-2)."""
        file.boxes = [change(b) if b.handle == handle else b for b in file.boxes]

    def remove_box(self, file: File, handle: int) -> None:
        """Remove one box; the others stay (BR-1)."""
        file.boxes = [b for b in file.boxes if b.handle != handle]

    # Datasets ----------------------------------------------------------------------------

    def dataset(self, handle: int) -> Dataset | None:
        """The dataset of that handle, if it is still there."""
        return next((d for d in self.datasets if d.handle == handle), None)

    def name_is_taken(self, name: str, organization_id: str, *, but: int | None = None) -> bool:
        """Whether another dataset of the organization has the name (DS-8)."""
        return any(
            d.name == name and d.organization_id == organization_id and d.handle != but
            for d in self.datasets
        )

    def delete_dataset(self, handle: int) -> None:
        """Delete a dataset; its data stays (DS-2)."""
        self.datasets = [d for d in self.datasets if d.handle != handle]
        for file in self.files:
            file.datasets = [d for d in file.datasets if d != handle]

    def members(self, handle: int) -> list[File]:
        """The members of a dataset."""
        return [f for f in self.files if handle in f.datasets]

    def add_members(self, handle: int, files: Iterable[File]) -> None:
        """Make files members; twice is once (DM-1, DM-6)."""
        for file in files:
            if handle not in file.datasets:
                file.datasets.append(handle)

    def remove_members(self, handle: int, files: Iterable[File]) -> None:
        """End memberships; the data stays (DM-4)."""
        for file in files:
            file.datasets = [d for d in file.datasets if d != handle]


def moved(box: Box, **changes: Any) -> Box:
    """A box with some fields changed."""
    return replace(box, **changes)
