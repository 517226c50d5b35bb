"""A process that is killed at each step of each kind of write in turn.

    python -m tests.unit.datadir.killed_at_each_step DIRECTORY KIND...

DIRECTORY is a data directory, of which copies are made beside. After each kill the copy must hold
the state before the write or after it, and after it if the write had returned. Prints how often
it found what, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from .faulty import FaultyFiles
from .worlds import World, copy_of, found_in

if TYPE_CHECKING:
    from .faulty import Fault


def killed(path: Path, kind: str, step: int, fault: Fault) -> tuple[bool, bool]:
    """Write in a child that is killed; whether it was, and whether the write had returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        files = FaultyFiles()
        world = World(path, files, small=0, growth=0)
        files.arm(step, fault)
        world.write(kind)
        os.write(writing, b"+")
        os._exit(0 if files.steps <= step else 3)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    returned = os.read(reading, 1) == b"+"
    os.close(reading)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0, 3):
        raise AssertionError(f"{kind}, step {step}: the child failed")
    return not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0), returned


def main(directory: Path, kinds: list[str]) -> None:
    found = {"before": 0, "after": 0}
    place = directory.with_name("killed")
    faults: tuple[Fault, ...] = ("kill", "kill halfway")
    for kind in kinds:
        world = World(copy_of(directory, place), small=0, growth=0)
        before, after = world.state(), world.after(kind)
        world.close()
        assert before != after, kind
        for fault in faults:
            for step in count():
                was_killed, returned = killed(copy_of(directory, place), kind, step, fault)
                state = found_in(place)
                assert state == after or (state == before and not returned), (kind, step, fault)
                found["after" if state == after else "before"] += 1
                if not was_killed:
                    break
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
