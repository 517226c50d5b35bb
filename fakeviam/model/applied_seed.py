"""The result of loading a seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fakeviam.model.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something that the data cloud cannot represent, and how often it occurred.

    Attributes:
        what: Its kind, such as `annotations.segmentation`.
        count: How often.
        why: Why it was left out.
        first: Where it first occurred.
    """

    what: str
    count: int
    why: str
    first: str = ""

    def __str__(self) -> str:
        where = f" (first: {self.first})" if self.first else ""
        return f"{self.count} x {self.what}: {self.why}{where}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedSeed:
    """What a seed created or reused. `str` gives a summary.

    Attributes:
        organizations: Their ids by name.
        parts: Their ids by name, and by organization/location/robot/part; an ambiguous name
            refers to the first.
        datasets: Their ids by name, and by organization/name; likewise.
        files: Binary data ids by the path or name in the seed; likewise.
        binary_data_ids: The ids of all files, in the order of the seed.
        readings: The number of readings.
        boxes: The number of bounding boxes on the files.
        classifications: The number of classifications.
        saved_queries: Their ids by name.
        pipelines: Their ids by name.
        sequences: The ids of all sequences, in the order of the seed.
        indexes: The number of custom indexes.
        left_out: What the data cloud cannot represent.
    """

    organizations: Mapping[str, str]
    parts: Mapping[str, str]
    datasets: Mapping[str, str]
    files: Mapping[str, str]
    binary_data_ids: tuple[str, ...]
    readings: int
    boxes: int = 0
    classifications: int = 0
    saved_queries: Mapping[str, str]
    pipelines: Mapping[str, str]
    sequences: tuple[str, ...] = ()
    indexes: int = 0
    left_out: tuple[LeftOut, ...] = ()

    def __str__(self) -> str:
        """The summary: what was loaded, and what was left out and why."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        counts = (
            (len(set(self.parts.values())), "part"),
            (len(set(self.datasets.values())), "dataset"),
            (len(self.binary_data_ids), "file"),
            (self.boxes, "box", "boxes"),
            (self.classifications, "classification"),
            (self.readings, "reading"),
            (len(self.saved_queries), "saved query", "saved queries"),
            (len(self.pipelines), "pipeline"),
            (self.indexes, "index", "indexes"),
            (len(self.sequences), "sequence"),
        )
        texts = [counted(count, *names) for count, *names in counts if count]
        yield f"loaded: {', '.join(texts) or 'nothing'}"
        for each in self.left_out:
            yield f"left out: {each}"

    def as_document(self) -> dict[str, object]:
        """The same as JSON."""
        return {
            "organizations": dict(self.organizations),
            "parts": dict(self.parts),
            "datasets": dict(self.datasets),
            "files": dict(self.files),
            "binary_data_ids": list(self.binary_data_ids),
            "readings": self.readings,
            "boxes": self.boxes,
            "classifications": self.classifications,
            "saved_queries": dict(self.saved_queries),
            "pipelines": dict(self.pipelines),
            "sequences": list(self.sequences),
            "indexes": self.indexes,
            "left_out": [asdict(each) for each in self.left_out],
        }
