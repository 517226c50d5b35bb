"""The fake against a constant reply through the same transport."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from grpclib.client import Channel, UnaryUnaryMethod

from benchmarks.figures import Table, per_call, shares
from benchmarks.handlers import Handlers
from benchmarks.pair import LEARN, Places, pair
from fakeviam import Clock, FakeViam
from fakeviam.server.instruments.journal.journal import Journal
from fakeviam.server.instruments.journal.record import RecordedCall
from fakeviam.wire import data, dataset, datasync, methods, well_known

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fakeviam.wire import Method

_METHODS = {method.name: method for method in methods()}


class Row(NamedTuple):
    """A call."""

    title: str
    rpc: str
    request: Any
    calls: int


def unary(channel: Channel, name: str) -> UnaryUnaryMethod[Any, Any]:
    """A stub of one RPC."""
    method = _METHODS[name]
    return UnaryUnaryMethod(channel, method.path, method.request, method.response)


async def fill(channel: Channel, records: int) -> list[str]:
    """Upload that many small images over the wire; the ids of some."""
    upload = unary(channel, "DataCaptureUpload")
    batch, ids = 500, []
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


def page(limit: int) -> data.BinaryDataByFilterRequest:
    """The newest images."""
    chosen = data.Filter(component_type="rdk:component:camera")
    return data.BinaryDataByFilterRequest(data_request=data.DataRequest(filter=chosen, limit=limit))


async def rows_of(channel: Channel, ids: list[str], calls: int) -> list[Row]:
    """All calls that are measured."""
    made = await unary(channel, "CreateDataset")(
        dataset.CreateDatasetRequest(
            name="benchmark", organization_id=FakeViam.default_part.organization_id
        )
    )
    some = ids[:10]
    reading = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=FakeViam.default_part.id, type=datasync.DATA_TYPE_TABULAR_SENSOR
        ),
        sensor_contents=[datasync.SensorData(struct=well_known.Struct())],
    )
    tags = data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=some, tags=["again"])
    members = data.AddBinaryDataToDatasetByIDsRequest(binary_data_ids=some, dataset_id=made.id)
    by_ids = data.BinaryDataByIDsRequest(binary_data_ids=some)
    count = data.BinaryDataByFilterRequest(count_only=True)
    return [
        *(
            Row(f"page of {limit:,}", "BinaryDataByFilter", page(limit), max(few, 3))
            for limit, few in ((1, calls), (50, calls), (1000, calls // 10))
        ),
        Row("count", "BinaryDataByFilter", count, calls),
        Row("by ids (10)", "BinaryDataByIDs", by_ids, calls),
        Row("add tags (10 ids)", "AddTagsToBinaryDataByIDs", tags, calls),
        Row("add to a dataset (10 ids)", "AddBinaryDataToDatasetByIDs", members, calls),
        Row("upload a reading", "DataCaptureUpload", reading, calls),
    ]


@contextmanager
def another_process(*options: str) -> Iterator[Places]:
    """The two servers in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.pair", *options]
    with subprocess.Popen(  # noqa: S603 - ourselves
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        try:
            places = Places(*json.loads(process.stdout.readline()))
            yield places._replace(pid=process.pid)
        finally:
            process.terminate()


@asynccontextmanager
async def channels(places: Places, *, over: str) -> AsyncIterator[tuple[Channel, Channel]]:
    """To the fake, and to the constant."""
    if over == "TCP":
        both = (
            Channel("127.0.0.1", places.fake_port),
            Channel("127.0.0.1", places.constant_port),
        )
    else:
        both = Channel(path=places.fake_path), Channel(path=places.constant_path)
    yield both
    for channel in both:
        channel.close()


async def _measured(
    places: Places, records: int, calls: int, rounds: int, *, over: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with channels(places, over=over) as (fake, constant):
        ids = await fill(fake, records)
        for row in await rows_of(fake, ids, calls):
            ours, theirs = unary(fake, row.rpc), unary(constant, row.rpc)
            request = row.request
            await ours(request)
            await theirs(request, metadata={LEARN: "1"})
            found[row.title] = await shares(
                lambda ours=ours, request=request: ours(request),  # type: ignore[misc]
                lambda theirs=theirs, request=request: theirs(request),  # type: ignore[misc]
                calls=row.calls,
                rounds=rounds,
            )
    return found


async def _in_one_loop(records: int, calls: int, rounds: int) -> dict[str, Any]:
    async with pair() as (_, places):
        return await _measured(places, records, calls, rounds, over="Unix")


def measure(records: int, calls: int, rounds: int) -> Table:
    """All rows through all transports."""
    found = {"one loop, Unix socket": asyncio.run(_in_one_loop(records, calls, rounds))}
    for over in ("Unix", "TCP"):
        with another_process() as places:
            name = f"two processes, {over}{' socket' if over == 'Unix' else ''}"
            found[name] = asyncio.run(_measured(places, records, calls, rounds, over=over))
    table = Table(
        "Share of a constant reply",
        f"{records:,} binary records. Calls a second of the fake, divided by those of a server "
        "that answers the same bytes from a constant; median, and quartiles in brackets.",
        ["call", *found],
        raw=found,
    )
    for title in next(iter(found.values())):
        table.rows.append([title, *(f"{each[title][2]:.0%}" for each in found.values())])
    return table


def measure_options(records: int, calls: int, rounds: int) -> Table:
    """What the options of `serve` bring: the same calls to servers with and without them."""
    table = Table(
        "Options of `serve`",
        "Calls a second with the option, divided by those without it; two processes, TCP.",
        ["call", "`--uvloop`"],
    )
    with another_process() as plain, another_process("--uvloop") as fast:
        for title, gain in asyncio.run(_gains(plain, fast, records, calls, rounds)).items():
            table.rows.append([title, f"{gain:.2f}"])
            table.raw[title] = gain
    return table


async def _gains(
    plain: Places, fast: Places, records: int, calls: int, rounds: int
) -> dict[str, Any]:
    found = {}
    async with channels(plain, over="TCP") as (slow, _), channels(fast, over="TCP") as (quick, _):
        for channel in (slow, quick):
            await fill(channel, records)
        for limit, few in ((50, calls), (1000, max(calls // 10, 3))):
            stubs = [unary(channel, "BinaryDataByFilter") for channel in (quick, slow)]
            request = page(limit)
            _, _, found[f"page of {limit:,}"] = await shares(
                lambda stub=stubs[0], request=request: stub(request),  # type: ignore[misc]
                lambda stub=stubs[1], request=request: stub(request),  # type: ignore[misc]
                calls=few,
                rounds=rounds,
            )
    return found


def measure_handlers(records: int) -> Table:
    """What calls cost without any transport, and what journal and labels are of that."""
    fake = FakeViam(seed=1)
    handlers = Handlers(fake)
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=FakeViam.default_part.id,
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            component_type="rdk:component:camera",
        ),
        sensor_contents=[datasync.SensorData(binary=b"x") for _ in range(records)],
    )
    handlers.call("DataCaptureUpload", request)
    table = Table(
        "The fake alone",
        "Handlers driven without network, HTTP/2 and event loop; µs of CPU a call, at its best.",
        ["call", "µs", "of which the journal"],
    )
    inner = fake._cloud  # noqa: SLF001 - it cannot be switched off otherwise
    kept = inner.journal
    none = NoJournal(clock=fake.clock, stopwatch=time.perf_counter_ns, budget=1)
    for limit in (1, 50):
        costs, bare = [], []
        for _ in range(300):
            costs.append(handlers.cost("BinaryDataByFilter", page(limit), rounds=1))
            inner.journal = none
            bare.append(handlers.cost("BinaryDataByFilter", page(limit), rounds=1))
            inner.journal = kept
        cost = min(costs)
        journal = cost - min(bare)
        table.rows.append([f"page of {limit}", f"{cost:.0f}", f"{journal:.0f}"])
        table.raw[f"page of {limit}"] = {"us": cost, "journal_us": journal}
    return table


class NoJournal(Journal):
    """Keeps nothing: what is left of a call is all the rest."""

    def __init__(self, *, clock: Clock, **how: Any) -> None:
        """Say that all calls arrive now: another day would have work that is due."""
        super().__init__(clock=clock, **how)
        self._now = clock.now()

    def begin(self, method: Method, **facts: Any) -> RecordedCall:
        """Always a new record, which is not kept."""
        del facts
        record = RecordedCall(number=1, method=method, arrived=self._now, started=0)
        record.status = "OK"
        return record

    def received(self, record: RecordedCall, message: Any) -> None:
        """Keep nothing."""

    def replied(self, record: RecordedCall, reply: Any) -> None:
        """Keep nothing."""


async def _journal(records: int, calls: int, rounds: int) -> float:
    async with pair() as (cloud, places), channels(places, over="Unix") as (channel, _):
        await fill(channel, records)
        stub, request = unary(channel, "BinaryDataByFilter"), page(50)
        inner = cloud._cloud  # noqa: SLF001
        kept = inner.journal
        none = NoJournal(clock=cloud.clock, stopwatch=time.perf_counter_ns, budget=1)
        costs = []
        for _ in range(rounds):
            inner.journal = kept
            with_it = await per_call(lambda: stub(request), calls)
            inner.journal = none
            costs.append(with_it / await per_call(lambda: stub(request), calls) - 1)
        return statistics.median(costs)


def journal_share(records: int, calls: int, rounds: int) -> float:
    """What the journal adds to a page of 50 over the Unix socket, as a share."""
    return asyncio.run(_journal(records, calls, rounds))
