"""The page: how soon each view is answered, and what a grid of thumbnails takes and leaves."""

from __future__ import annotations

import asyncio
import base64
import gc
import http.client
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, UnaryUnaryMethod

from benchmarks.figures import Table, spread
from fakeviam import FakeViam
from fakeviam.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable

_GRID, _CONNECTIONS = 200, 6
_MB = 1_000_000

_VIEWS = (
    "calls",
    "files",
    "files?component_name=cam-1",
    "readings",
    "readings?component_name=thermometer",
    "datasets",
    "policy",
    "controls",
)

_NOTE = (
    "Until the whole answer is there: median and quartiles in milliseconds, and the median of CPU "
    "time, over TCP, fake and browser on the same cores. *And its thumbnails* is that page and "
    "then its 200 images over six connections, as browsers ask. *A call appears* is from its end "
    "until a browser that listens is told. *Held* is what the process has grown by since the "
    "first grid."
)


def measure(files: int, readings: int, rounds: int) -> Table:
    """Views of a cloud with so many files and readings."""
    columns = ["view", "ms", "CPU, ms"]
    table = Table(f"The page: {files:,} files, {readings:,} readings", _NOTE, columns)
    grid = f"files?limit={_GRID}"

    def take(name: str, work: Callable[[], object]) -> None:
        times, cpu = [], []
        for _ in range(rounds):
            began, began_cpu = time.perf_counter(), time.process_time()
            work()
            times.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - began_cpu) * 1000)
        table.rows.append([name, f"{spread(times):.0f}", f"{spread(cpu).median:.0f}"])
        table.raw[name] = times

    with FakeViam(seed=1, load=_seed(files, readings)) as cloud:
        for view in _VIEWS:
            take(view, partial(_get, cloud, view))
        take("grid of 200", partial(_get, cloud, grid))
        _thumbnails(cloud, grid)
        before = _resident()
        take("grid of 200 and its thumbnails", partial(_thumbnails, cloud, grid))
        held = (_resident() - before) / _MB
        table.rows.append([f"held after {rounds} more grids", f"{held:.1f} MB", ""])
        table.raw["held"] = held
        take("a call appears", partial(_appears, cloud))
    return table


def _get(cloud: FakeViam, path: str) -> bytes:
    return _all(cloud, [f"/ui/{path}"])[0]


def _all(cloud: FakeViam, paths: list[str]) -> list[bytes]:
    """What is at these addresses, one after the other over one connection."""
    connection = http.client.HTTPConnection(cloud.host, cloud.port)
    found = []
    for path in paths:
        connection.request("GET", path)
        reply = connection.getresponse()
        found.append(reply.read())
        if reply.status != 200:
            raise RuntimeError(found[-1].decode())
    connection.close()
    return found


def _thumbnails(cloud: FakeViam, grid: str) -> None:
    """A grid, and its images as a browser asks for them."""
    images = re.findall(r'<img src="([^"]*)"', _get(cloud, grid).decode())
    shares = [images[number::_CONNECTIONS] for number in range(_CONNECTIONS)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        found = sum(len(each) for each in pool.map(partial(_all, cloud), shares))
    if found != _GRID:
        raise RuntimeError(f"{found} images instead of {_GRID}")


def _appears(cloud: FakeViam) -> None:
    """Listen, let a call happen, and wait to be told."""
    with socket.create_connection((cloud.host, cloud.port)) as browser:
        browser.sendall(f"GET /ui/events HTTP/1.1\r\nhost: {cloud.target}\r\n\r\n".encode())
        received = b""
        while b"event: calls" not in received:
            before = received
            received += browser.recv(1000)
            if b"retry:" in received and b"retry:" not in before:
                asyncio.run(_call(cloud))


async def _call(cloud: FakeViam) -> None:
    method = next(each for each in methods() if each.name == "TagsByFilter")
    channel = Channel(cloud.host, cloud.port)
    stub: Any = UnaryUnaryMethod(channel, method.path, method.request, method.response)
    try:
        await stub(method.request())
    finally:
        channel.close()


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def _seed(files: int, readings: int) -> dict[str, Any]:
    picture = base64.b64encode(bytes(9_000)).decode()  # nobody looks at it
    box = {
        "label": "dog",
        "x_min_normalized": 0.2,
        "y_min_normalized": 0.2,
        "x_max_normalized": 0.6,
        "y_max_normalized": 0.8,
    }
    return {
        "images": [
            {
                "name": f"{number:06}.png",
                "data": picture,
                "component": f"cam-{number % 4}",
                "tags": ["outdoor", f"t{number % 50}"],
                "boxes": [box],
            }
            for number in range(files)
        ],
        "readings": [
            {
                "component": "thermometer",
                "method": "Readings",
                "time_unit": "s",
                "rows": [
                    {
                        "time": 1_773_144_000 + n,
                        "celsius": 20 + n % 100 / 25,
                        "inner": {"humidity": 50.0 - n % 37},
                    }
                    for n in range(readings)
                ],
            }
        ],
    }
