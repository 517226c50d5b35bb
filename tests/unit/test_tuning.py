"""What `fakeviam serve` does to its process."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakeviam import UsageError, tuning

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collections() -> Iterator[None]:
    """Frozen objects are thawed before and afterwards, and nobody watches any more."""
    gc.unfreeze()
    watching = list(gc.callbacks)
    yield
    gc.callbacks[:] = watching
    gc.unfreeze()


@pytest.mark.usefixtures("collections")
def test_what_a_long_collection_looked_at_is_left_alone() -> None:
    stop = tuning.collect_briefly(stall=0)
    gc.collect(1)
    assert gc.get_freeze_count() == 0
    gc.collect()
    frozen = gc.get_freeze_count()
    assert frozen > 1000
    stop()
    gc.collect()
    assert gc.get_freeze_count() <= frozen


@pytest.mark.usefixtures("collections")
def test_short_collections_freeze_nothing() -> None:
    tuning.collect_briefly(stall=3600)
    gc.collect()
    assert gc.get_freeze_count() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_large_blocks_are_returned() -> None:
    """Even after others as large were freed, and those in between stay."""
    code = """
from fakeviam import tuning

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

tuning.return_large_blocks()
for _ in range(2):
    before = resident()
    blocks = [bytes(b"x" * 2**21) for _ in range(20)]
    held = resident() - before
    kept = blocks[::5]
    del blocks
    freed = before + held - resident()
    assert freed > 30 * 2**20, (held, freed)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_small_blocks_of_threads_are_returned() -> None:
    """Even between others that stay."""
    code = """
import asyncio
from fakeviam import tuning

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def work():
    return [bytearray(3000) for _ in range(30_000)][::100]

async def scene():
    stop, before = asyncio.Event(), resident()
    kept = await asyncio.to_thread(work)
    assert resident() - before > 50 * 2**20, "nothing has to be given back"
    giving = asyncio.create_task(tuning.give_back_until(stop, every=0))
    while resident() - before > 20 * 2**20:
        await asyncio.sleep(0)
    stop.set()
    await giving

asyncio.run(scene())
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_uvloop_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(UsageError, match="fakeviam\\[uvloop\\]"):
        tuning.runner_of(with_uvloop=True)
