"""The same mixed work again and again: what a server takes for it, it has to give back.

Each round makes calls of all RPCs, cuts uploads in the middle, drops connections without a word,
opens and closes sessions, plans faults, takes snapshots, restores and exports, and ends with a
reset. After the first rounds the server's resident memory must stay within five percent of its
median, from beginning to end and at its highest, and its descriptors must be as many as before.
Rounds after which it is less are no fault: the allocator has given back what it mostly keeps, when
nothing happened to lie above it. It is `fakeviam serve`, with its journal.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from grpclib.client import Channel, StreamUnaryMethod
from grpclib.exceptions import GRPCError, StreamTerminatedError

from campaigns import results
from campaigns.client import METHODS, Client, fill, random_method
from campaigns.dice import Dice
from campaigns.messages import random_message
from campaigns.server import Server
from fakeviam import FakeViam
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Rounds until everything that is made once is there, the bounded journal among it.
WARM_UP = 10
TOLERANCE = 0.05

_ROOT = "/control/v1"
_CHUNK = bytes(64 * 1024)


class Sample(NamedTuple):
    """The server after a round."""

    seconds: float
    resident: int  # bytes
    descriptors: int
    calls: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How much work a round is."""

    calls: int = 300
    cut_uploads: int = 20
    chunks: int = 64
    sessions: int = 10
    records: int = 40


class Work:
    """The work of the rounds."""

    def __init__(self, server: Server, seed: int, effort: Effort) -> None:
        """Work on `server`, by chance from `seed`."""
        self._server, self._seed, self._effort = server, seed, effort
        self.calls = 0

    async def round(self, number: int) -> None:
        """One round, which leaves the server empty."""
        client = await Client.over(self._server.unix_socket)
        try:
            values = await fill(client)
            dice = Dice(self._seed, "soak", number)
            for _ in range(self._effort.calls):
                await self._call(client, dice, values)
            await self._cut_uploads()
            await self._drop_connections(dice)
            await self._sessions(client)
            await self._faults(client)
            await self._snapshots(client)
        finally:
            client.close()
        self._server.control("POST", "/reset")

    async def _call(self, client: Client, dice: Dice, values: Any) -> None:
        method = random_method(dice)
        count = dice.randrange(4) if method.client_streaming else 1
        requests = [random_message(dice, method.request, values) for _ in range(count)]
        self.calls += 1
        with suppress(GRPCError):  # refused, most of the time
            await client.call(method, requests, {})

    async def _cut_uploads(self) -> None:
        channel = Channel(self._server.host, self._server.port)
        await asyncio.gather(*[self._cut(channel) for _ in range(self._effort.cut_uploads)])
        channel.close()

    async def _cut(self, channel: Channel) -> None:
        """Send nearly a file, and reset the stream."""
        method = StreamUnaryMethod(
            channel,
            METHODS["FileUpload"].path,
            datasync.FileUploadRequest,
            datasync.FileUploadResponse,
        )
        part_id = FakeViam.default_part.id
        metadata = datasync.UploadMetadata(part_id=part_id, type=datasync.DATA_TYPE_FILE)
        async with method.open() as stream:
            await stream.send_message(datasync.FileUploadRequest(metadata=metadata))
            contents = datasync.FileData(data=_CHUNK)
            for _ in range(self._effort.chunks):
                await stream.send_message(datasync.FileUploadRequest(file_contents=contents))
            await stream.cancel()
        self.calls += 1

    async def _drop_connections(self, dice: Dice) -> None:
        beginnings = (b"", b"PRI * HT", b"GET / HTTP/1.1\r\n", dice.randbytes(50))
        for beginning in beginnings * 3:
            _, writer = await asyncio.open_connection(self._server.host, self._server.port)
            writer.write(beginning)
            writer.transport.abort()

    async def _sessions(self, client: Client) -> None:
        for number in range(self._effort.sessions):
            name = f"soak-{number}"
            self._server.control("POST", "/sessions", {"name": name})
            metadata = {"fakeviam-session": name}
            for size in (10, 100_000):
                await client.call(METHODS["DataCaptureUpload"], [_upload(size)], metadata)
                self.calls += 1
            self._server.control("DELETE", f"/sessions/{name}")

    async def _faults(self, client: Client) -> None:
        fault = {"rpc": "TagsByFilter", "status": "UNAVAILABLE"}
        self._server.control(
            "POST", "/faults", {"faults": [fault, {"rpc": "FileUpload", "status": "ABORTED"}]}
        )
        with suppress(GRPCError, StreamTerminatedError):
            await client.ask("TagsByFilter", data.TagsByFilterRequest())
        self._server.control("DELETE", "/faults")

    async def _snapshots(self, client: Client) -> None:
        snapshot_id = self._server.control("POST", "/snapshots", {"name": "soak"})["id"]
        for _ in range(self._effort.records):
            await client.ask("DataCaptureUpload", _upload(100_000))
            self.calls += 1
        await client.ask("BinaryDataByFilter", data.BinaryDataByFilterRequest(include_binary=True))
        self._server.control("GET", "/archive")
        self._server.control("POST", f"/snapshots/{snapshot_id}/restore")
        self._server.control("DELETE", f"/snapshots/{snapshot_id}")


def _upload(size: int) -> datasync.DataCaptureUploadRequest:
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=FakeViam.default_part.id, type=datasync.DATA_TYPE_BINARY_SENSOR
        ),
        sensor_contents=[datasync.SensorData(binary=bytes(size))],
    )


def soak(
    rounds: int, *, seed: int, to: TextIO, effort: Effort | None = None, warm_up: int = WARM_UP
) -> list[Sample]:
    """Work so many rounds after the warm-up; a sample after each round."""
    samples: list[Sample] = []
    began = reported = time.monotonic()
    with Server.running() as server:
        at_first = server.descriptors()
        work = Work(server, seed, effort or Effort())
        for number in range(warm_up + rounds):
            asyncio.run(work.round(number))
            _settle(server, at_first)
            now = time.monotonic()
            samples.append(Sample(now - began, server.resident(), server.descriptors(), work.calls))
            if now - reported > 10 or number + 1 == warm_up + rounds:
                reported = now
                print(f"round {number + 1} of {warm_up + rounds}: {_line(samples[-1])}", file=to)
    return samples


def _settle(server: Server, descriptors: int) -> None:
    """Wait until the server has noticed the last goodbyes, for a while."""
    for _ in range(100):
        if server.descriptors() <= descriptors:
            return
        time.sleep(0.02)


def _line(sample: Sample) -> str:
    mebibytes = sample.resident / 2**20
    return f"{mebibytes:.1f} MiB, {sample.descriptors} descriptors, {sample.calls:,} calls"


class Plateau(NamedTuple):
    """The memory after rounds that all did the same.

    Attributes:
        median: Bytes.
        highest: By how much the highest is above the median, as a part of that.
        drift: By how much the median of the last third differs from that of the first.
    """

    median: float
    highest: float
    drift: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Plateau:
        """The plateau of these samples."""
        sizes = [sample.resident for sample in samples]
        middle, third = median(sizes), -(-len(sizes) // 3)
        drift = (median(sizes[-third:]) - median(sizes[:third])) / middle
        return cls(middle, max(sizes) / middle - 1, drift)

    def __str__(self) -> str:
        return (
            f"memory is {self.median / 2**20:.1f} MiB in the middle, {self.highest:.1%} more at "
            f"most, and drifts by {self.drift:+.1%} from the first to the last third"
        )


def broken(
    samples: Sequence[Sample], warm_up: int = WARM_UP, tolerance: float = TOLERANCE
) -> list[str]:
    """The laws that the samples after the warm-up break, in words."""
    measured = samples[warm_up:]
    problems = []
    plateau = Plateau.of(measured)
    if max(plateau.highest, abs(plateau.drift)) > tolerance:
        problems.append(f"{plateau}: more than {tolerance:.0%}")
    if len({sample.descriptors for sample in measured}) > 1:
        counts = sorted({sample.descriptors for sample in measured})
        problems.append(f"descriptors are {' or '.join(map(str, counts))}")
    return problems


def write(samples: Sequence[Sample], *, seed: int, command: str) -> Path:
    """Write `campaigns/results/soak.md`, and draw `soak.svg`."""
    measured = samples[WARM_UP:]
    problems = broken(samples) or ["no law is broken"]
    rows = [
        (number, round(sample.seconds), f"{sample.resident / 2**20:.1f}", sample.descriptors)
        for number, sample in enumerate(samples, 1)
        if number in (1, WARM_UP) or number % max(len(samples) // 10, 1) == 0
    ]
    path = results.write(
        "soak",
        "# The last run of `make soak`",
        f"{len(measured)} rounds after {WARM_UP} to warm up, {samples[-1].calls:,} calls in "
        f"{samples[-1].seconds / 60:.0f} minutes, seed {seed}. `{command}`. {results.machine()}",
        f"The {Plateau.of(measured)}; {'; '.join(problems)}.",
        "![memory and descriptors by round](soak.svg)",
        results.table(("round", "seconds", "MiB", "descriptors"), rows),
    )
    _draw(samples, path.with_suffix(".svg"))
    return path


def _draw(samples: Sequence[Sample], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow, and only for this

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, memory = plt.subplots(figsize=(8, 4))
    numbers = range(1, len(samples) + 1)
    memory.plot(numbers, [sample.resident / 2**20 for sample in samples], color="tab:blue")
    memory.set_xlabel("round")
    memory.set_ylabel("resident memory, MiB", color="tab:blue")
    memory.set_ylim(bottom=0)
    memory.axvline(WARM_UP, color="grey", linestyle=":")
    descriptors = memory.twinx()
    descriptors.plot(numbers, [sample.descriptors for sample in samples], color="tab:orange")
    descriptors.set_ylabel("descriptors", color="tab:orange")
    descriptors.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
