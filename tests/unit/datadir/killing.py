"""Processes that write to a data directory, one after another, each of which is killed.

    python killing.py DIRECTORY ROUNDS SEED

Each child goes on from what the one before left, writes at random, and tells after each write
that it is done. It is killed at some moment, mostly in the midst of a write. Then the directory
must hold exactly the state after what was told, or after one write more; the writes are made
from a seed, so that state is known. Prints what it did as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fakeviam.archive import Contents
from fakeviam.datadir import DataDir
from fakeviam.model.annotations import BoundingBox
from fakeviam.model.clock import Clock
from fakeviam.model.datasets import Dataset
from fakeviam.model.filters import Query
from fakeviam.model.fleet import DEFAULT_PART, Fleet, FleetState
from fakeviam.model.ids import Ids
from fakeviam.model.records import BinaryRecord, Source, TabularRecord
from fakeviam.store.events import Cleared, FleetPut
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from fakeviam.store.base import Store

SEED = 7

#: So small that a state is written every few entries, and kills hit that too.
SMALL = 1000
GROWTH = 0.2


class Life:
    """A store, a fleet and ids without a server, and random writes to them."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.ids = Ids(seed=SEED, clock=Clock.frozen("2026-01-31"))
        self.fleet = Fleet(ids=self.ids)
        self.store: Store = MemoryStore(block_size=8)

    def go_on(self, found: Contents) -> None:
        """From what was found."""
        self.store = found.store
        self.fleet.restore(found.fleet)
        self.ids.skip(found.counters)

    def keep(self, directory: DataDir) -> None:
        """What fakeviam.server.lifecycle.snapshots.keep does for a cloud."""
        if directory.contents is not None:
            self.go_on(directory.contents)
        directory.connect(contents=self.contents, counters=lambda: self.ids.counters)
        self.store.sink = directory
        self.fleet.keeper = lambda one, apply: directory.commit([FleetPut(one)], apply)

    def contents(self) -> Contents:
        return Contents(
            store=self.store.fork(),
            fleet=self.fleet.state(),
            keys=(),
            counters=self.ids.counters,
            made_by="test",
        )

    def state(self) -> list[object]:
        """Everything, to be compared."""
        return state_of(self.store, self.fleet.state(), self.ids)

    def write(self) -> None:
        """Do one random write that changes something."""
        writes = [self._add_binary, self._add_binary, self._add_readings, self._add_part]
        writes += [self._add_dataset, self._set_password]
        files = [row.record.file_id for row in self.store.binary_rows()]
        if files:
            self._files = files
            writes += [
                self._tag,
                self._box,
                self._join,
                self._delete,
                self._tag_all,
                self._untag_all,
            ]
        if self.store.stats().tabular.records > 10:
            writes += [self._delete_readings] * 3
        if len(files) > 20 and self.dice.random() < 0.3:
            writes = [self._delete_all, self._clear]
        if len(self.store.all_datasets()) > 3:
            writes.append(self._drop_dataset)
        self.dice.choice(writes)()

    def _source(self) -> Source:
        return Source(
            organization_id="org",
            location_id="loc",
            robot_id="robot",
            robot_name="rover",
            part_id="part",
            part_name=self.dice.choice("abc"),
        )

    def _add_binary(self) -> None:
        added = []
        for _ in range(self.dice.randint(1, 3)):
            data = self.dice.randbytes(self.dice.choice((0, 10, 5000)))
            time = self.dice.randrange(100)
            record = BinaryRecord(
                file_id=self.ids.file_id(),
                source=self._source(),
                time_requested=time,
                time_received=time,
                time_synced=time,
                mime_type="a/b",
                size=len(data),
            )
            added.append((record, data))
        self.store.add_binary(added)

    def _add_readings(self) -> None:
        time = self.dice.randrange(100)
        self.store.add_tabular(
            [
                TabularRecord(
                    id=self.ids.object_id(),
                    file_id=self.ids.file_id(),
                    source=self._source(),
                    time_requested=time,
                    time_received=time,
                    time_synced=time,
                    payload=self.dice.randbytes(9),
                )
                for _ in range(self.dice.randint(1, 4))
            ]
        )

    def _add_part(self) -> None:
        number = len(tuple(self.fleet))
        if number > 6:
            parts = [part.id for part in self.fleet]
            self.fleet.rename_part(self.dice.choice(parts), self.ids.uuid())
        else:
            self.fleet.add_part(self.ids.uuid(), robot=self.dice.choice("abc"))

    def _add_dataset(self) -> None:
        made = Dataset(
            id=self.ids.object_id(), name=self.ids.uuid(), organization_id="org", time_created=0
        )
        known = [dataset.id for dataset in self.store.all_datasets()]
        self.store.add_dataset(made, members_of=known[:1])

    def _drop_dataset(self) -> None:
        self.store.delete_dataset(self.store.all_datasets()[0].id)

    def _set_password(self) -> None:
        self.store.set_database_password(self.dice.choice("ab"), self.ids.uuid())

    def _some(self) -> list[str]:
        return self.dice.sample(self._files, min(len(self._files), 3))

    def _tag(self) -> None:
        self.store.add_tags(self._some(), [self.ids.uuid()])

    def _tag_all(self) -> None:
        self.store.add_tags_matching(Query(part_name="a"), ["x"])

    def _untag_all(self) -> None:
        self.store.remove_tags_matching(Query(part_name="b"), ["x"])

    def _box(self) -> None:
        box = BoundingBox(
            id=self.ids.object_id(),
            label="cat",
            x_min_normalized=self.dice.random(),
            y_min_normalized=0,
            x_max_normalized=1,
            y_max_normalized=1,
        )
        self.store.add_box(self._some()[0], box)

    def _join(self) -> None:
        for dataset in self.store.all_datasets()[:1]:
            self.store.add_members(dataset.id, self._some())

    def _delete(self) -> None:
        self.store.delete_binary(self._some()[:1])

    def _delete_readings(self) -> None:
        self.store.delete_tabular_matching(Query(part_name=self.dice.choice("abc")))

    def _delete_all(self) -> None:
        self.store.delete_binary_matching(Query())

    def _clear(self) -> None:
        store = MemoryStore(block_size=8)

        def apply() -> None:
            store.sink, self.store = self.store.sink, store

        if self.store.sink is None:
            apply()
        else:
            self.store.sink.commit([Cleared()], apply)


def state_of(store: Store, fleet: FleetState, ids: Ids) -> list[object]:
    return [
        list(store.binary_rows()),
        list(store.tabular_rows()),
        store.all_datasets(),
        store.database_passwords(),
        store.arrivals,
        fleet,
        ids.counters,
    ]


def live(path: Path, seed: str, told: int) -> NoReturn:
    """Write until somebody kills this process."""
    life = Life(random.Random(seed))  # noqa: S311 - a test's
    life.keep(DataDir(path, seed=SEED, now=time.time_ns, small=SMALL, growth=GROWTH))
    while True:
        os.write(told, b"+")
        life.write()


def main(path: Path, rounds: int, seed: str) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test's
    told_in_all = half_written = between = 0
    expected = Life(dice)
    for number in range(rounds):
        done = run_and_kill(path, f"{seed}/{number}", dice)
        told_in_all += done
        expected.dice = random.Random(f"{seed}/{number}")  # noqa: S311
        for _ in range(done):
            expected.write()
        between += (path / "log.jsonl.new").exists()
        found = Life(dice)
        directory = DataDir(path, seed=0, now=time.time_ns, small=SMALL, growth=GROWTH)
        found.keep(directory)
        if found.state() != expected.state():
            # The write that was not told yet may have been kept all the same.
            expected.write()
            half_written += 1
            assert found.state() == expected.state(), f"round {number}: {path}"
        directory.close()
        found.store.sink = None
    parts = sum(part != DEFAULT_PART for part in expected.fleet)
    # `between` two logs: it was killed while it wrote the log anew.
    told = {"told": told_in_all, "one more": half_written, "between": between, "parts": parts}
    print(json.dumps(told))  # noqa: T201


def run_and_kill(path: Path, seed: str, dice: random.Random) -> int:
    """Let a child write, kill it, and answer how many writes it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        live(path, seed, writing)
    os.close(writing)
    wanted, told = dice.randrange(12), b""
    while len(told) < wanted + 1:
        told += os.read(reading, 1)
    # A moment later, somewhere within the next writes.
    for _ in range(dice.randrange(30_000)):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 100):
        told += more
    os.close(reading)
    # The first sign told that it had begun.
    return len(told) - 1


if __name__ == "__main__":
    if len(sys.argv) == 1:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made, "data"), 200, "0")
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
