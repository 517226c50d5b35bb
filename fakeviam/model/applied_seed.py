"""What a seed put into a fake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedSeed:
    """What a seed put into a fake, or found there.

    Attributes:
        organizations: Their ids by name.
        parts: Their ids by name, and by organization/location/robot/part; a name that several
            of the seed have stands for the first.
        datasets: Their ids by name, and by organization/name; likewise.
        files: Binary data ids by the path or name that the seed gives; likewise.
        binary_data_ids: Those of all files, in the order of the seed.
        readings: How many there were.
    """

    organizations: Mapping[str, str]
    parts: Mapping[str, str]
    datasets: Mapping[str, str]
    files: Mapping[str, str]
    binary_data_ids: tuple[str, ...]
    readings: int

    def as_document(self) -> dict[str, object]:
        """The same, as JSON has it."""
        return {
            "organizations": dict(self.organizations),
            "parts": dict(self.parts),
            "datasets": dict(self.datasets),
            "files": dict(self.files),
            "binary_data_ids": list(self.binary_data_ids),
            "readings": self.readings,
        }
