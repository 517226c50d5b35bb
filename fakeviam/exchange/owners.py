"""Parts and datasets to which exports refer by id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from fakeviam.seeds.values import DatasetSeed, PartSeed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fakeviam.model.read_options import ReadOptions
    from fakeviam.seeds.diagnostics import SourceLocation


#: The file of an export with the names of its datasets, by id.
DATASETS_FILE = "datasets.json"


class OwnerFields(Protocol):
    """The fields that identify a part in messages of exports."""

    @property
    def part_id(self) -> str: ...
    @property
    def part_name(self) -> str: ...
    @property
    def robot_id(self) -> str: ...
    @property
    def robot_name(self) -> str: ...
    @property
    def location_id(self) -> str: ...
    @property
    def organization_id(self) -> str: ...


class Owners:
    """Collects the distinct parts and datasets that an export refers to."""

    def __init__(self, folder: Path | None = None) -> None:
        """Start empty; an export of fakeviam in `folder` contains the names of its datasets."""
        self._names = {} if folder is None else _names_in(folder)
        self._parts: dict[str, PartSeed] = {}
        self._datasets: dict[str, DatasetSeed] = {}

    @property
    def parts(self) -> tuple[PartSeed, ...]:
        """The parts, in order of their first use."""
        return tuple(self._parts.values())

    @property
    def datasets(self) -> tuple[DatasetSeed, ...]:
        """The datasets, in order of their first use."""
        return tuple(self._datasets.values())

    def part(self, source: OwnerFields, at: SourceLocation) -> str:
        """Collect the part of a source and return its id; empty if the export does not name it.

        Exports lack names of organizations and locations; their ids serve as names.
        """
        ids = (source.part_id, source.robot_id, source.location_id, source.organization_id)
        if not all(ids):
            return ""
        if source.part_id not in self._parts:
            self._parts[source.part_id] = PartSeed(
                name=source.part_name or source.part_id,
                robot=source.robot_name or source.robot_id,
                location=source.location_id,
                organization=source.organization_id,
                id=source.part_id,
                robot_id=source.robot_id,
                location_id=source.location_id,
                organization_id=source.organization_id,
                at=at,
            )
        return source.part_id

    def datasets_of(
        self, ids: Iterable[str], organization: str, options: ReadOptions, at: SourceLocation
    ) -> tuple[str, ...]:
        """Collect the datasets of a file and return their ids, which also serve as missing names.

        The dataset in the options replaces them.
        """
        if options.dataset is not None:
            name = options.dataset
            owner = "" if options.part else organization
            if name:
                self._datasets.setdefault(name, DatasetSeed(name=name, organization=owner, at=at))
            return (name,) if name else ()
        for id_ in ids:
            if id_ not in self._datasets:
                self._datasets[id_] = DatasetSeed(
                    name=self._names.get(id_, id_), organization=organization, id=id_, at=at
                )
        return tuple(dict.fromkeys(ids))


def _names_in(folder: Path) -> dict[str, str]:
    try:
        names = json.loads((folder / DATASETS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # missing, or of another program
        return {}
    pairs = names.items() if isinstance(names, dict) else ()
    return {id_: name for id_, name in pairs if isinstance(name, str) and name}
