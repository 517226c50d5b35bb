"""What a seed specifies, as values: checked, resolved, and independent of its file."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakeviam.model.datasets import DatasetType
from fakeviam.seeds.diagnostics import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fakeviam.model.annotations import BoundingBox, Classification
    from fakeviam.model.applied_seed import LeftOut
    from fakeviam.seeds.diagnostics import SourceLocation
    from fakeviam.seeds.kept_models import KeptEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class FileContents:
    """The bytes of a file, in memory or in a file that is read on demand.

    Attributes:
        path: The file.
        data: The bytes, without a path.
        zipped: The file holds what the bytes are with gzip undone.
    """

    path: Path | None = None
    data: bytes = b""
    zipped: bool = False

    def read(self, at: SourceLocation) -> bytes:
        """The bytes, which the seed names at a location.

        Raises:
            SeedError: The file cannot be read.
        """
        if self.path is None:
            return self.data
        try:
            data = self.path.read_bytes()
        except OSError as error:
            text = f"{printable(self.path.name)} cannot be read: {error.strerror or error}"
            raise at.error(text) from error
        return gzip.compress(data, mtime=0) if self.zipped else data


@dataclass(frozen=True, kw_only=True, slots=True)
class PartSeed:
    """A part that must exist. The fake makes an id for a new name without one."""

    name: str
    robot: str
    location: str
    organization: str
    id: str = ""
    robot_id: str = ""
    location_id: str = ""
    organization_id: str = ""
    internal: bool = False
    retention_days: int | None = None
    at: SourceLocation


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSeed:
    """A dataset that must exist; `organization` is a name or an id, or empty for the default."""

    name: str
    organization: str = ""
    type: DatasetType = DatasetType.BINARY_DATA
    id: str = ""
    at: SourceLocation


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """What captured the data: a method of a component of a part.

    Attributes:
        part: A part's id, its name, or organization/location/robot/part; empty is the default.
    """

    part: str = ""
    component_type: str = ""
    component: str = ""
    method: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSeed:
    """One file of binary data.

    Attributes:
        label: How errors and results refer to it.
        datasets: Names or ids.
        time_requested: ns since the epoch; None is the fake's clock (A28).
        time_received: ns since the epoch; None is the time requested.
    """

    label: str
    contents: FileContents
    file_name: str
    file_ext: str
    mime_type: str = ""
    capture: Capture = field(default_factory=Capture)
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    boxes: tuple[BoundingBox, ...] = ()
    classifications: tuple[Classification, ...] = ()
    time_requested: int | None = None
    time_received: int | None = None
    at: SourceLocation


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingSeed:
    """One reading; times as those of a file."""

    data: Mapping[str, Any]
    time_requested: int | None = None
    time_received: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesSeed:
    """Readings of one source."""

    readings: tuple[ReadingSeed, ...]
    capture: Capture = field(default_factory=Capture)
    tags: tuple[str, ...] = ()
    at: SourceLocation


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSeed:
    """What an organization keeps besides data."""

    entry: KeptEntry
    at: SourceLocation


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """Everything that a seed puts into a fake (SE-1)."""

    parts: tuple[PartSeed, ...] = ()
    datasets: tuple[DatasetSeed, ...] = ()
    files: tuple[FileSeed, ...] = ()
    series: tuple[SeriesSeed, ...] = ()
    kept: tuple[KeptSeed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def joined(seeds: Iterable[Seed]) -> Seed:
    """Several seeds as one."""
    every = list(seeds)
    return Seed(
        parts=tuple(part for seed in every for part in seed.parts),
        datasets=tuple(dataset for seed in every for dataset in seed.datasets),
        files=tuple(file for seed in every for file in seed.files),
        series=tuple(series for seed in every for series in seed.series),
        kept=tuple(each for seed in every for each in seed.kept),
        left_out=tuple(each for seed in every for each in seed.left_out),
    )
