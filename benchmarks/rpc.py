"""What the fake costs on top of its transport.

Every row is a ratio taken in one run: the fake against a server that answers the same bytes
from a constant, over the same Unix socket, in one event loop, rounds interleaved, medians.
"""
# ruff: noqa: INP001, T201 - a script that talks to people

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Cardinality, Handler

from fakeviam import FakeViam
from fakeviam.server.codec import Codec, Encoded
from fakeviam.server.journal.journal import Journal
from fakeviam.server.journal.record import RecordedCall
from fakeviam.server.listeners import Listener
from fakeviam.wire import data, datasync, methods, well_known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from grpclib.server import Stream

    from fakeviam.wire import Method

PATHS = {method.name: method for method in methods()}


class Constant:
    """Answers one RPC with the same bytes for ever."""

    def __init__(self, name: str, blob: bytes) -> None:
        """Answer `name` with `blob`."""
        self._method, self._reply = PATHS[name], Encoded(blob)

    def __mapping__(self) -> dict[str, Handler]:
        """In grpclib's shape."""
        method = self._method

        async def handle(stream: Stream[Any, Any]) -> None:
            async for _ in stream:
                pass
            await stream.send_message(self._reply)

        kind = Cardinality.STREAM_UNARY if method.client_streaming else Cardinality.UNARY_UNARY
        return {method.path: Handler(handle, kind, method.request, method.response)}


def unary(channel: Channel, name: str) -> UnaryUnaryMethod[Any, Any]:
    """A stub of one RPC."""
    method = PATHS[name]
    return UnaryUnaryMethod(channel, method.path, method.request, method.response)


async def per_call(call: Callable[[], Awaitable[Any]], calls: int) -> float:
    """Microseconds a call."""
    start = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - start) / calls * 1e6


async def compare(
    fake: Channel, name: str, request: Any, *, calls: int, rounds: int
) -> dict[str, float]:
    """One row: the fake's RPC against a constant reply of the same bytes."""
    ours = unary(fake, name)
    blob = (await ours(request)).SerializeToString()
    with tempfile.TemporaryDirectory(prefix="fv-") as place:
        listener = Listener(Constant(name, blob), Codec(None))  # type: ignore[arg-type]
        await listener.start(path=f"{place}/s")
        channel = Channel(path=f"{place}/s")
        theirs = unary(channel, name)
        mine, limit = [], []
        for _ in range(rounds):
            mine.append(await per_call(lambda: ours(request), calls))
            limit.append(await per_call(lambda: theirs(request), calls))
        channel.close()
        await listener.stop()
    return {
        "fake_us": statistics.median(mine),
        "constant_us": statistics.median(limit),
        "share": statistics.median(c / f for c, f in zip(limit, mine, strict=True)),
    }


async def fill(channel: Channel, records: int) -> list[str]:
    """Upload that many small images over the wire."""
    upload = unary(channel, "DataCaptureUpload")
    batch = 500
    ids = []
    for start in range(0, records, batch):
        request = datasync.DataCaptureUploadRequest(
            metadata=datasync.UploadMetadata(
                part_id=FakeViam.default_part.id,
                type=datasync.DATA_TYPE_BINARY_SENSOR,
                component_name=f"cam-{start // batch % 12}",
                component_type="rdk:component:camera",
                method_name="ReadImage",
                file_extension=".jpg",
                tags=[f"tag-{start // batch % 50}"],
            ),
            sensor_contents=[datasync.SensorData(binary=b"x") for _ in range(batch)],
        )
        ids.append((await upload(request)).binary_data_id)
    return ids


async def run(records: int, calls: int, rounds: int) -> dict[str, dict[str, float]]:
    """All rows."""
    rows: dict[str, dict[str, float]] = {}
    # Pages of 1,000 are beyond what the default policy serves in one reply.
    from fakeviam import PageLimit, Policy  # noqa: PLC0415

    async with FakeViam(seed=1, policy=Policy(max_page=PageLimit(1000))) as cloud:
        channel = Channel(path=cloud.unix_socket)
        ids = await fill(channel, records)

        def page(limit: int) -> data.BinaryDataByFilterRequest:
            asked = data.DataRequest(
                filter=data.Filter(component_type="rdk:component:camera"), limit=limit
            )
            return data.BinaryDataByFilterRequest(data_request=asked)

        cases: list[tuple[str, str, Any, int]] = [
            (
                f"page of {limit}",
                "BinaryDataByFilter",
                page(limit),
                max(calls // (limit // 50 + 1), 5),
            )
            for limit in (1, 50, 1000)
        ]
        cases.append(
            (
                "by ids (10)",
                "BinaryDataByIDs",
                data.BinaryDataByIDsRequest(binary_data_ids=ids[:10]),
                calls,
            )
        )
        cases.append(
            (
                "add tags (10 ids)",
                "AddTagsToBinaryDataByIDs",
                data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=ids[:10], tags=["again"]),
                calls,
            )
        )
        one = datasync.DataCaptureUploadRequest(
            metadata=datasync.UploadMetadata(
                part_id=cloud.default_part.id, type=datasync.DATA_TYPE_TABULAR_SENSOR
            ),
            sensor_contents=[datasync.SensorData(struct=well_known.Struct())],
        )
        cases.append(("upload one reading", "DataCaptureUpload", one, calls))
        for title, name, request, count in cases:
            rows[title] = await compare(channel, name, request, calls=count, rounds=rounds)
        channel.close()
    return rows


class NoJournal(Journal):
    """Keeps nothing: what is left of a call is all the rest."""

    def begin(self, method: Method, **facts: Any) -> RecordedCall:
        """Always the same record."""
        del facts
        record = RecordedCall(number=1, method=method, time=0, started=0)
        record.status = "OK"
        return record

    def received(self, record: RecordedCall, message: Any) -> None:
        """Keep nothing."""

    def replied(self, record: RecordedCall, reply: Any) -> None:
        """Keep nothing."""


async def journal(records: int, calls: int, rounds: int) -> float:
    """What the journal adds to a page of 50, as a share of the call without it."""
    async with FakeViam(seed=1) as cloud:
        channel = Channel(path=cloud.unix_socket)
        await fill(channel, records)
        stub = unary(channel, "BinaryDataByFilter")
        request = data.BinaryDataByFilterRequest(data_request=data.DataRequest(limit=50))
        inner = cloud._cloud  # noqa: SLF001 - it cannot be switched off otherwise
        kept = inner.journal
        none = NoJournal(clock=cloud.clock, stopwatch=time.perf_counter_ns, budget=1)
        costs = []
        for _ in range(rounds):
            inner.journal = kept
            with_it = await per_call(lambda: stub(request), calls)
            inner.journal = none
            costs.append(with_it / await per_call(lambda: stub(request), calls) - 1)
        channel.close()
        return statistics.median(costs)


async def life(rounds: int) -> dict[str, float]:
    """Start, stop and reset, in ms."""
    started, stopped, reset = [], [], []
    for _ in range(rounds):
        cloud = FakeViam()
        begin = time.perf_counter()
        await cloud.start()
        middle = time.perf_counter()
        cloud.reset()
        done = time.perf_counter()
        await cloud.stop()
        end = time.perf_counter()
        started.append(middle - begin)
        reset.append(done - middle)
        stopped.append(end - done)
    return {
        "start_ms": statistics.median(started) * 1e3,
        "stop_ms": statistics.median(stopped) * 1e3,
        "reset_ms": statistics.median(reset) * 1e3,
    }


def versions() -> str:
    """What was measured."""
    parts = [f"{name} {version(name)}" for name in ("grpclib", "protobuf", "fakeviam")]
    return f"Python {platform.python_version()}, {', '.join(parts)}."


def table(rows: dict[str, dict[str, float]], ends: dict[str, float], records: int) -> str:
    """The rows as Markdown."""
    lines = [
        f"{records:,} binary records, Unix socket, one loop. {versions()}",
        "",
        "| call | fake µs | constant reply µs | share of the constant reply |",
        "|---|--:|--:|--:|",
    ]
    lines += [
        f"| {title} | {row['fake_us']:.0f} | {row['constant_us']:.0f} | {row['share']:.0%} |"
        for title, row in rows.items()
    ]
    lines += [
        "",
        "Start {start_ms:.1f} ms, stop {stop_ms:.1f} ms, reset {reset_ms:.3f} ms (medians).".format(
            **ends
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    rows = asyncio.run(run(options.records, options.calls, options.rounds))
    ends = asyncio.run(life(30))
    added = asyncio.run(journal(options.records, options.calls, options.rounds * 3))
    print(table(rows, ends, options.records))
    print(f"\nThe journal adds {added:.0%} to a page of 50.")
    if options.json:
        options.json.write_text(
            json.dumps({"rows": rows, "life": ends, "journal": added}, indent=2)
        )


if __name__ == "__main__":
    main()
