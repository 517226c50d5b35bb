"""A cloud on a data directory, and one write of every kind there is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam import Clock, FakeViam, seeds
from fakeviam.datadir import DataDir
from fakeviam.model.annotations import BoundingBox
from fakeviam.model.datasets import Dataset
from fakeviam.model.entities import SavedQuery
from fakeviam.model.filters import Query
from fakeviam.model.fleet import DEFAULT_PART, Metadata
from fakeviam.model.records import BinaryRecord, Source, TabularRecord
from fakeviam.server.lifecycle.snapshots import (
    apply_contents,
    contents_of,
    keep,
    reset,
    restore_snapshot,
    take_snapshot,
)
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.archive.files import Files
    from fakeviam.server.state.cloud import CloudState

NOON = "2026-03-10T12:00:00Z"
SEED = 5

SEED_FILE = Path(__file__).with_name("seed.yaml")


def fresh(seed: int) -> CloudState:
    return FakeViam(seed=seed, clock=Clock.frozen(NOON))._cloud


def state(cloud: CloudState) -> list[object]:
    """All that a data directory keeps, but how far ids were counted: those may be given up."""
    store = cloud.store
    return [
        list(store.binary_rows()),
        list(store.tabular_rows()),
        store.all_datasets(),
        store.database_passwords(),
        list(store.all_entities()),
        store.arrivals,
        store.stats(),
        cloud.fleet.state(),
        # A cloud that does the same once more makes other secrets.
        [replace(key, key="") for key in cloud.accounts.keys],
    ]


def secrets(cloud: CloudState) -> list[str]:
    return [key.key for key in cloud.accounts.keys]


class World:
    """A cloud on a data directory."""

    def __init__(self, path: Path, files: Files | None = None, **options: Any) -> None:
        self.directory = DataDir(path, seed=SEED, now=lambda: 0, files=files, **options)
        try:
            self.cloud = fresh(self.directory.seed)
            keep(self.cloud, self.directory)
        except BaseException:
            self.directory.close()
            raise

    def state(self) -> list[object]:
        return state(self.cloud)

    def close(self) -> None:
        self.directory.close()

    def write(self, kind: str) -> None:
        """Do a write of this kind; it changes something."""
        WRITES[kind](self.cloud)

    def after(self, kind: str) -> list[object]:
        """The state after such a write."""
        twin = fresh(SEED)
        restore_snapshot(twin, take_snapshot(self.cloud))
        WRITES[kind](twin)
        return state(twin)


def found_in(path: Path) -> list[object]:
    """The state that a directory holds."""
    world = World(path)
    try:
        return world.state()
    finally:
        world.close()


def template(path: Path) -> Path:
    """A directory with something of everything."""
    world = World(path, small=2**30)
    for kind in (
        "add files",
        "add readings",
        "tag",
        "add a dataset",
        "join",
        "add a box",
        "put a query",
    ):
        world.write(kind)
    world.directory.replace(contents_of(world.cloud), lambda: None)
    for kind in ("add files", "add a part", "add a key", "set a password", "add a box", "tag"):
        world.write(kind)
    world.close()
    return path


def copy_of(path: Path, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(path, place))


# One write of every kind -----------------------------------------------------------------


def _files(cloud: CloudState) -> list[str]:
    return [row.record.file_id for row in cloud.store.binary_rows()]


def _source(name: str) -> Source:
    return Source(
        organization_id=DEFAULT_PART.organization_id,
        location_id=DEFAULT_PART.location_id,
        robot_id=DEFAULT_PART.robot_id,
        robot_name=DEFAULT_PART.robot_name,
        part_id=DEFAULT_PART.id,
        part_name=name,
    )


def _add_files(cloud: CloudState, *, size: int = 40) -> None:
    """Two of a source that was never named, with bytes of their own and bytes that are known."""
    source, added = _source(f"source-{cloud.ids.counters.ids}"), []
    for data in (str(cloud.ids.counters.ids).encode() * size, b"the same bytes"):
        record = BinaryRecord(
            file_id=cloud.ids.file_id(),
            source=source,
            time_requested=cloud.ids.counters.ids,
            time_received=0,
            time_synced=0,
            mime_type="image/png",
            size=len(data),
        )
        added.append((record, data))
    cloud.store.add_binary(added)


def _add_readings(cloud: CloudState) -> None:
    cloud.store.add_tabular(
        [
            TabularRecord(
                id=cloud.ids.object_id(),
                file_id=cloud.ids.file_id(),
                source=_source(f"source-{cloud.ids.counters.ids}"),
                time_requested=number,
                time_received=0,
                time_synced=0,
                payload=bytes([10, 2, 10, 0]),
            )
            for number in range(2)
        ]
    )


def _add_box(cloud: CloudState) -> None:
    box = BoundingBox(
        id=cloud.ids.object_id(),
        label="cat",
        x_min_normalized=0.25,
        y_min_normalized=0,
        x_max_normalized=1,
        y_max_normalized=1,
    )
    assert cloud.store.add_box(_files(cloud)[0], box)


def _change_box(cloud: CloudState) -> None:
    row = next(row for row in cloud.store.binary_rows() if row.record.boxes)
    assert cloud.store.replace_box(
        row.record.file_id, row.record.boxes[0].id, lambda box: replace(box, label="dog")
    )


def _remove_box(cloud: CloudState) -> None:
    row = next(row for row in cloud.store.binary_rows() if row.record.boxes)
    assert cloud.store.remove_box(row.record.file_id, row.record.boxes[0].id)


def _add_dataset(cloud: CloudState) -> None:
    known = [one.id for one in cloud.store.all_datasets()]
    name = cloud.ids.object_id()
    made = Dataset(id=name, name=name, organization_id="org", time_created=0)
    assert cloud.store.add_dataset(made, members_of=known)


def _rename_dataset(cloud: CloudState) -> None:
    assert cloud.store.rename_dataset(cloud.store.all_datasets()[0].id, cloud.ids.object_id())


def _dataset(cloud: CloudState) -> str:
    return cloud.store.all_datasets()[0].id


def _put_query(cloud: CloudState) -> None:
    name = cloud.ids.object_id()
    query = SavedQuery(
        id=name,
        organization_id="org",
        name=name,
        stages=(b"\x05\0\0\0\0",),
        time_created=0,
        time_updated=cloud.ids.counters.ids,
    )
    assert cloud.store.put_entities(query)


def _drop_query(cloud: CloudState) -> None:
    cloud.store.drop_entities(next(cloud.store.all_entities()))


def _add_key(cloud: CloudState) -> None:
    cloud.accounts.add_key(organization_ids=[DEFAULT_PART.organization_id], role="operator")


def _restore(cloud: CloudState) -> None:
    twin = fresh(SEED)
    restore_snapshot(twin, take_snapshot(cloud))
    _add_files(twin)
    twin.fleet.add_part(twin.ids.uuid())
    restore_snapshot(cloud, take_snapshot(twin))


def _load(cloud: CloudState) -> None:
    twin = fresh(SEED)
    restore_snapshot(twin, take_snapshot(cloud))
    _add_files(twin)
    _add_readings(twin)
    apply_contents(cloud, contents_of(twin))


def _seed(cloud: CloudState) -> None:
    seeds.apply_seed(seeds.read(SEED_FILE), cloud)


WRITES: Mapping[str, Callable[[CloudState], Any]] = MappingProxyType(
    {
        "add files": _add_files,
        "add a large file": lambda cloud: _add_files(cloud, size=30_000),
        "add readings": _add_readings,
        "put a query": _put_query,
        "drop a query": _drop_query,
        "tag": lambda cloud: cloud.store.add_tags(_files(cloud)[:2], [cloud.ids.object_id(), "x"]),
        "tag all": lambda cloud: cloud.store.add_tags_matching(Query(), [cloud.ids.object_id()]),
        "untag": lambda cloud: cloud.store.remove_tags(_files(cloud), ["x"]),
        "untag all": lambda cloud: cloud.store.remove_tags_matching(Query(), ["x"]),
        "join": lambda cloud: cloud.store.add_members(_dataset(cloud), _files(cloud)),
        "leave": lambda cloud: cloud.store.remove_members(_dataset(cloud), _files(cloud)[:1]),
        "add a box": _add_box,
        "change a box": _change_box,
        "remove a box": _remove_box,
        "add a dataset": _add_dataset,
        "rename a dataset": _rename_dataset,
        "delete a dataset": lambda cloud: cloud.store.delete_dataset(_dataset(cloud)),
        "delete a file": lambda cloud: cloud.store.delete_binary(_files(cloud)[:1]),
        "delete all files": lambda cloud: cloud.store.delete_binary_matching(Query()),
        "delete readings": lambda cloud: cloud.store.delete_tabular_matching(Query()),
        "set a password": lambda cloud: cloud.store.set_database_password("org", cloud.ids.uuid()),
        "add a part": lambda cloud: cloud.fleet.add_part("p", robot=cloud.ids.uuid()),
        "keep metadata": lambda cloud: cloud.fleet.put(
            Metadata(id=DEFAULT_PART.id, text=f'{{"a": "{cloud.ids.uuid()}"}}')
        ),
        "rename a part": lambda cloud: cloud.fleet.rename_part(DEFAULT_PART.id, cloud.ids.uuid()),
        "add a key": _add_key,
        "revoke a key": lambda cloud: cloud.accounts.revoke(cloud.accounts.keys[-1].id),
        "reset": lambda cloud: reset(cloud, MemoryStore),
        "restore": _restore,
        "load": _load,
        "seed": _seed,
    }
)

#: Writes that can be done over and over, whatever there is.
REPEATABLE = (
    "add files",
    "add readings",
    "set a password",
    "add a part",
    "rename a part",
    "add a key",
    "add a dataset",
    "restore",
    "load",
    "reset",
)
