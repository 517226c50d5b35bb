"""Uploads and downloads against handlers that do nothing, and what memory an upload takes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, StreamUnaryMethod

from benchmarks.figures import Table, spread
from benchmarks.pair import LEARN
from benchmarks.transport import another_process, channels, unary
from fakeviam import FakeViam
from fakeviam.wire import data, datasync, methods

if TYPE_CHECKING:
    from benchmarks.pair import Places

_CHUNK = 64 * 1024
_MB = 1_000_000
_METHODS = {method.name: method for method in methods()}


async def _upload(channel: Channel, size: int, metadata: dict[str, str] | None = None) -> str:
    """Stream a file of that many bytes; its id."""
    method = _METHODS["FileUpload"]
    stub: StreamUnaryMethod[Any, Any] = StreamUnaryMethod(
        channel, method.path, method.request, method.response
    )
    opening = datasync.UploadMetadata(
        part_id=FakeViam.default_part.id, type=datasync.DATA_TYPE_FILE, file_extension=".bin"
    )
    chunk = datasync.FileUploadRequest(file_contents=datasync.FileData(data=bytes(_CHUNK)))
    async with stub.open(metadata=metadata) as stream:
        await stream.send_message(datasync.FileUploadRequest(metadata=opening))
        for _ in range(size // _CHUNK):
            await stream.send_message(chunk)
        await stream.end()
        reply: Any = await stream.recv_message()
    return str(reply.binary_data_id)


async def _speeds(places: Places, size: int, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with channels(places, over="TCP") as (fake, constant):
        name = await _upload(fake, size)
        await _upload(constant, _CHUNK, {LEARN: "1"})
        wanted = data.BinaryDataByIDsRequest(binary_data_ids=[name], include_binary=True)
        get, limit = unary(fake, "BinaryDataByIDs"), unary(constant, "BinaryDataByIDs")
        await limit(wanted, metadata={LEARN: "1"})
        found["upload"] = await _compared(
            lambda: _upload(fake, size), lambda: _upload(constant, size), size, rounds
        )
        found["download"] = await _compared(
            lambda: get(wanted), lambda: limit(wanted), size, rounds
        )
    return found


async def _compared(ours: Any, limit: Any, size: int, rounds: int) -> dict[str, Any]:
    speeds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, taken in zip((ours, limit), speeds, strict=True):
            start = time.perf_counter()
            await call()
            taken.append(size / _MB / (time.perf_counter() - start))
    mine, best = speeds
    shares = spread([m / b for m, b in zip(mine, best, strict=True)])
    return {"fake": spread(mine), "limit": spread(best), "share": shares}


def _peak(pid: int) -> float:
    """The most memory a process had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / _MB
    raise RuntimeError("no VmHWM")


def _growth(size: int) -> float:
    """By how much an upload of that size raises the peak of the server's memory, in MB."""
    with another_process() as places:

        async def once() -> float:
            async with channels(places, over="TCP") as (fake, _):
                await _upload(fake, _CHUNK)
                before = _peak(places.pid)
                await _upload(fake, size)
                return _peak(places.pid) - before

        return asyncio.run(once())


def measure(rounds: int) -> Table:
    """All sizes."""
    table = Table(
        "Uploads and downloads",
        "Two processes over TCP, chunks of 64 KiB, against handlers that read everything and "
        "answer the same bytes.",
        ["what", "MB/s", "MB/s of the empty handler", "share"],
    )
    for size in (1 << 20, 16 << 20):
        with another_process() as places:
            found = asyncio.run(_speeds(places, size, rounds))
        for what, row in found.items():
            title = f"{what} of {size >> 20} MiB"
            fake, limit = f"{row['fake'][1]:.0f}", f"{row['limit'][1]:.0f}"
            table.rows.append([title, fake, limit, f"{row['share']:.0%}"])
            table.raw[title] = row
    return table


def measure_memory() -> Table:
    """Peak memory of the server against the size of an upload."""
    table = Table(
        "Memory of an upload",
        "By how much one upload raises the peak of the server's resident memory. The file itself "
        "is kept, so 1.0 is the least there can be.",
        ["file", "MB more", "times the file"],
    )
    for size in (16 << 20, 64 << 20, 128 << 20):
        grown = _growth(size)
        title = f"{size >> 20} MiB"
        table.rows.append([title, f"{grown:.0f}", f"{grown * _MB / size:.2f}"])
        table.raw[title] = grown
    return table
