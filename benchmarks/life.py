"""Starting, stopping, forking, importing; beside programs that do the same job."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Spread, Table, milliseconds, spread
from benchmarks.handlers import Handlers
from fakeviam import FakeViam
from fakeviam.wire import datasync

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOTO = Path(".envs/moto/bin/moto_server")


async def _ends(rounds: int) -> dict[str, Spread]:
    """Start and stop."""
    started, stopped = [], []
    for _ in range(rounds):
        cloud = FakeViam()
        begin = time.perf_counter()
        await cloud.start()
        middle = time.perf_counter()
        await cloud.stop()
        started.append((middle - begin) * 1e3)
        stopped.append((time.perf_counter() - middle) * 1e3)
    return {"start": spread(started), "stop": spread(stopped)}


def _filled(records: int) -> FakeViam:
    cloud = FakeViam(seed=1)
    handlers = Handlers(cloud)
    batch = 1000
    request = _upload(cloud, [b"x"] * batch)
    for _ in range(records // batch):
        handlers.call("DataCaptureUpload", request)
    return cloud


def _upload(cloud: FakeViam, files: Sequence[bytes]) -> datasync.DataCaptureUploadRequest:
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=cloud.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR
        ),
        sensor_contents=[datasync.SensorData(binary=data) for data in files],
    )


def _forks(records: int, rounds: int) -> dict[str, Spread]:
    """Reset, fork for a session, snapshot and restore, with that many records."""
    cloud = _filled(records)
    kept = cloud.snapshot()
    taken: dict[str, list[float]] = {"session": [], "snapshot": [], "restore": [], "reset": []}
    for _ in range(rounds):
        taken["session"].append(milliseconds(cloud.session))
        taken["snapshot"].append(milliseconds(cloud.snapshot))
        taken["restore"].append(milliseconds(lambda: cloud.restore(kept)))
        taken["reset"].append(milliseconds(cloud.reset))
        cloud.restore(kept)
    return {f"{name}, {records:,} records": spread(each) for name, each in taken.items()}


def _kept(rounds: int) -> dict[str, Spread]:
    """An upload that is answered from memory, from the kernel's hands, and from the disk's."""
    found = {}
    for durability in ("", "process", "power"):
        with tempfile.TemporaryDirectory(prefix="fv-") as place:
            kept: dict[str, Any] = {"data_dir": place, "durability": durability}
            cloud = FakeViam(seed=1, **(kept if durability else {}))
            handlers = Handlers(cloud)
            requests = [_upload(cloud, [b"%06d" % number * 200]) for number in range(rounds * 10)]
            taken = [
                milliseconds(partial(handlers.call, "DataCaptureUpload", request))
                for request in requests
            ]
            asyncio.run(cloud.stop())
        name = f"kept, durability={durability}" if durability else "in memory"
        found[f"upload of 1.2 kB, {name}"] = spread(taken)
    return found


def _cpu(command: Sequence[str]) -> float:
    """Milliseconds of CPU that a program takes: imports wait for nothing, and this is quieter."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (children.ru_utime + children.ru_stime) * 1e3

    before = used()
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - ourselves
    return used() - before


def _added(command: Sequence[str], bare: Sequence[str], rounds: int) -> Spread:
    """What a program takes more than another."""
    return spread([_cpu(command) - _cpu(bare) for _ in range(rounds)])


def _import(what: str, rounds: int) -> Spread:
    return _added([sys.executable, "-c", what], [sys.executable, "-c", "pass"], rounds)


#: What a run that never uses them imports of ours, after what pytest imports anyway.
_UNUSED = """
import pytest, pytest_asyncio, time
start = time.process_time()
import fakeviam.pytest_plugin, fakeviam.pytest_plugin.sdk, fakeviam_contracts.pytest_suite.plugin
print(time.process_time() - start)
"""


def _plugin(rounds: int) -> Spread:
    """What the plugins add to a session of pytest that does not use them.

    Asked of one process: a whole session takes seconds, and varies by more than this.
    """
    command = [sys.executable, "-W", "ignore", "-c", _UNUSED]
    told = [subprocess.check_output(command, text=True) for _ in range(rounds)]  # noqa: S603 - ourselves
    return spread([float(text) * 1e3 for text in told])


def _ready(command: Sequence[str], *, is_ready: Callable[[subprocess.Popen[str]], None]) -> float:
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            is_ready(process)
            return (time.perf_counter() - start) * 1e3
        finally:
            process.terminate()


def _first_line(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None  # noqa: S101 - for the type checker
    if not process.stdout.readline():
        raise RuntimeError("not ready")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _moto(rounds: int) -> Spread:
    taken = []
    for _ in range(rounds):
        port = _free_port()

        def answers(_: object, port: int = port) -> None:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        return
                time.sleep(0.002)

        taken.append(_ready([str(_MOTO), "-p", str(port)], is_ready=answers))
    return spread(taken)


def measure(records: int, rounds: int) -> Table:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="fv-") as place:
        # As where it is installed: compiled, whatever this environment says of that.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = place
        for modules in ("fakeviam.serve", "viam.app.data_client"):
            _import(f"import {modules}", 1)
        return _measured(records, rounds)


def _measured(records: int, rounds: int) -> Table:
    serve = [str(Path(sys.executable).parent / "fakeviam"), "serve", "--port", "0", "--quiet"]
    found = asyncio.run(_ends(rounds * 3))
    found |= _forks(records, rounds * 3)
    found |= _kept(rounds)
    found["import fakeviam, FakeViam"] = _import("from fakeviam import FakeViam", rounds)
    found["import of the SDK's data client"] = _import(
        "from viam.app.data_client import DataClient", rounds
    )
    found["the pytest plugin, unused"] = _plugin(rounds)
    found["`fakeviam serve` to ready"] = spread(
        [_ready(serve, is_ready=_first_line) for _ in range(rounds)]
    )
    if _MOTO.exists():
        found["`moto_server` to an open port"] = _moto(rounds)
    table = Table(
        "Life",
        "Milliseconds: median, and quartiles in brackets. Imports and the plugin are CPU "
        "time, beyond that of a bare interpreter and of what pytest imports anyway.",
        ["what", "ms"],
        raw=dict(found),
    )
    for name, each in found.items():
        digits = ".3f" if statistics.fmean(each) < 10 else ".0f"
        table.rows.append([name, f"{each:{digits}}"])
    return table
