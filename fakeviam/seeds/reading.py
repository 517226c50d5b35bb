"""From a seed file to a Seed: everything is looked at before anything is applied."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.seeds.checks import Spot
from fakeviam.seeds.groups import Kind, files_of
from fakeviam.seeds.mistakes import Notes, WrongError
from fakeviam.seeds.nodes import Node
from fakeviam.seeds.parsing import read_document
from fakeviam.seeds.series import series_of
from fakeviam.seeds.tables import FILE_MARKS, IMAGE_MARKS, SEED, TYPES
from fakeviam.seeds.values import DatasetSeed, PartSeed, Seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.seeds.checks import Kept
    from fakeviam.seeds.values import FileSeed, SeriesSeed

VERSION = 1

_KINDS = (
    ("images", Kind(marks=IMAGE_MARKS, images=True)),
    ("files", Kind(marks=FILE_MARKS, images=False)),
)


def read(path: str | os.PathLike[str]) -> Seed:
    """Read a seed file: YAML, or JSON if its name ends in .json.

    Files that it names are looked for from the folder it stands in, and read when it is applied;
    that they exist is checked now.

    Raises:
        SeedError: It is no good. The text has a line for each mistake: file, line, field, what
            is there and what is expected.
    """
    place = Path(path)
    node = read_document(place, name=os.fspath(path))
    return _seed(node, name=os.fspath(path), base=place.parent)


def from_document(document: object, *, name: str) -> Seed:
    """See `Seed.from_document`."""
    return _seed(Node(document), name=name, base=None)


def _seed(node: Node, *, name: str, base: Path | None) -> Seed:
    notes = Notes()
    spot = Spot(notes, name)
    try:
        values = SEED.read(node, spot)
    except WrongError:
        notes.check()
        raise
    if values["version"] != VERSION:
        spot.key("version").wrong(node, f"must be {VERSION}, got {values['version']}")
    seed = Seed(
        parts=tuple(_parts(values["organizations"])),
        datasets=tuple(_datasets(values["datasets"])),
        files=tuple(_files(values, base)),
        series=tuple(_series(values["readings"], base)),
    )
    notes.check()
    return seed


_LEVELS = ("locations", "robots", "parts")


def _parts(organizations: tuple[Kept, ...]) -> Iterator[PartSeed]:
    seen: set[tuple[str, ...]] = set()
    for chain in _chains(organizations, _LEVELS):
        kept = chain[-1]
        try:
            names = [_name(one) for one in chain]
        except WrongError:
            continue
        if tuple(names) in seen:
            kept.wrong(f"the part {'/'.join(names)} is given twice; keep one of them")
            continue
        seen.add(tuple(names))
        organization_id, location_id, robot_id, part_id = (one.value["id"] for one in chain)
        yield PartSeed(
            name=names[3],
            robot=names[2],
            location=names[1],
            organization=names[0],
            id=part_id,
            robot_id=robot_id,
            location_id=location_id,
            organization_id=organization_id,
            internal=kept.value["internal"],
            place=kept.place,
        )


def _chains(owners: tuple[Kept, ...], levels: tuple[str, ...]) -> Iterator[tuple[Kept, ...]]:
    """Each part with the robot, location and organization it belongs to, outermost first."""
    for owner in owners:
        if not levels:
            yield (owner,)
            continue
        for chain in _chains(owner.value[levels[0]].value, levels[1:]):
            yield (owner, *chain)


def _name(kept: Kept) -> str:
    name: str = kept.value["name"] or kept.value["id"]
    if not name:
        raise kept.wrong("name is missing; an id alone will do too")
    return name


def _datasets(given: tuple[Kept, ...]) -> Iterator[DatasetSeed]:
    seen: set[tuple[str, str]] = set()
    for kept in given:
        values: dict[str, Any] = kept.value
        key = (values["organization"], values["name"])
        if key in seen:
            kept.wrong(f"the dataset {values['name']!r} is given twice; keep one of them")
        seen.add(key)
        yield DatasetSeed(**{**values, "type": TYPES[values["type"]]}, place=kept.place)


def _files(values: dict[str, Any], base: Path | None) -> Iterator[FileSeed]:
    for name, kind in _KINDS:
        for group in values[name]:
            yield from files_of(group, base, kind)


def _series(given: tuple[Kept, ...], base: Path | None) -> Iterator[SeriesSeed]:
    for kept in given:
        with suppress(WrongError):
            yield series_of(kept, base)
