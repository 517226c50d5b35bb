"""What pipelines and SQL over readings cost, beside a plain loop over the same documents."""
# ruff: noqa: S311 - a benchmark's readings are drawn from a seed

from __future__ import annotations

import gc
import time
import tracemalloc
from collections import defaultdict
from datetime import datetime, timezone
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import mongomock

from benchmarks.figures import Table
from fakeviam import FakeViam
from fakeviam.model.records import Source, TabularRecord
from fakeviam.query.pipeline import Pipeline
from fakeviam.server.services.data.queries import run_pipeline
from fakeviam.server.services.data.reading_documents import documents_of
from fakeviam.server.state.call import Call
from fakeviam.wire import methods
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Callable

    Document = dict[str, Any]

_SECOND = 1_000_000_000
_START = 1_735_689_600 * _SECOND  # 2025-01-01
_NOW = datetime(2025, 1, 1, tzinfo=timezone.utc)
_PART = FakeViam.default_part

#: mongomock needs minutes beyond this.
_MOST_FOR_MONGOMOCK = 10_000

_NOTE = (
    "Milliseconds of processor time, best of three. *loop*: the same in Python, over documents "
    "that are there already. *engine*: a pipeline over the same documents. *call*: with the "
    "readings' way from the store; a query that reads few fields makes no others."
)

_HOUR = {"$dateTrunc": {"date": "$time_received", "unit": "hour"}}
_VALUES = {"n": {"$sum": 1}, "mean": {"$avg": "$data.readings.t"}}

PIPELINES: dict[str, list[Document]] = {
    "group by part": [{"$group": {"_id": "$part_id", **_VALUES}}],
    "count by part": [{"$group": {"_id": "$part_id", "n": {"$sum": 1}}}],
    "group by part and hour": [{"$group": {"_id": {"p": "$part_id", "h": _HOUR}, **_VALUES}}],
    "match a value, count": [{"$match": {"data.readings.t": {"$gte": 50}}}, {"$count": "n"}],
    "newest ten by time_requested": [{"$sort": {"time_requested": -1}}, {"$limit": 10}],
    "newest ten by time_received": [{"$sort": {"time_received": -1}}, {"$limit": 10}],
}


def _by_part(documents: list[Document]) -> list[Document]:
    groups = defaultdict(list)
    for each in documents:
        groups[each["part_id"]].append(each["data"]["readings"]["t"])
    return [{"_id": k, "n": len(v), "mean": sum(v) / len(v)} for k, v in groups.items()]


def _counted(documents: list[Document]) -> list[Document]:
    groups: dict[str, int] = defaultdict(int)
    for each in documents:
        groups[each["part_id"]] += 1
    return [{"_id": part, "n": count} for part, count in groups.items()]


def _by_part_and_hour(documents: list[Document]) -> list[Document]:
    groups = defaultdict(list)
    for each in documents:
        hour = each["time_received"].replace(minute=0, second=0, microsecond=0)
        groups[each["part_id"], hour].append(each["data"]["readings"]["t"])
    return [{"_id": k, "n": len(v), "mean": sum(v) / len(v)} for k, v in groups.items()]


def _matched(documents: list[Document]) -> int:
    return sum(1 for each in documents if each["data"]["readings"]["t"] >= 50)


def _newest(documents: list[Document]) -> list[Document]:
    return sorted(documents, key=lambda each: each["time_received"], reverse=True)[:10]


LOOPS: dict[str, Callable[[list[Document]], object]] = {
    "group by part": _by_part,
    "count by part": _counted,
    "group by part and hour": _by_part_and_hour,
    "match a value, count": _matched,
    "newest ten by time_requested": _newest,
    "newest ten by time_received": _newest,
}


def readings(count: int) -> list[TabularRecord]:
    """So many readings of 7 parts with 3 sensors each, a second after one another."""
    draw = Random(1)
    sources = [
        Source(
            organization_id=_PART.organization_id,
            location_id=_PART.location_id,
            robot_id=f"robot-{part}",
            robot_name=f"robot {part}",
            part_id=f"part-{part}",
            part_name=f"part {part}",
            component_type="rdk:component:sensor",
            component_name=f"sensor-{sensor}",
            method_name="Readings",
        )
        for part in range(7)
        for sensor in range(3)
    ]
    return [
        TabularRecord(
            id=f"{number:024x}",
            file_id="file",
            source=draw.choice(sources),
            time_requested=_START + number * _SECOND,
            time_received=_START + number * _SECOND + draw.randrange(_SECOND),
            time_synced=_START,
            payload=struct_from(
                {"readings": {"t": float(number % 100), "h": 40.5, "ok": True}}
            ).SerializeToString(),
        )
        for number in range(count)
    ]


def cpu_ms(call: Callable[[], object], times: int = 3) -> float:
    """The least processor time of a call: other programs of the machine are not in it."""
    best = float("inf")
    for _ in range(times):
        gc.collect()
        began = time.process_time()
        call()
        best = min(best, time.process_time() - began)
    return best * 1e3


def measure(count: int) -> Table:
    """All pipelines over so many readings."""
    cloud = FakeViam()
    state = cloud._cloud  # noqa: SLF001 - queries without a network
    records = readings(count)
    state.store.add_tabular(records)
    (method,) = [each for each in methods() if each.name == "TabularDataByMQL"]

    def ask(stages: list[Document]) -> list[Document]:
        return run_pipeline(Call.detached(state, method), _PART.organization_id, stages)

    rows = {name: {"call": cpu_ms(partial(ask, stages))} for name, stages in PIPELINES.items()}
    tracemalloc.start()
    ask(PIPELINES["group by part and hour"])
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    documents = list(documents_of(records))
    mock = _mongomock(documents) if count <= _MOST_FOR_MONGOMOCK else None
    for name, stages in PIPELINES.items():
        row = rows[name]
        row["loop"] = cpu_ms(partial(LOOPS[name], documents))
        row["engine"] = cpu_ms(partial(_run, stages, documents))
        if mock is not None and "$dateTrunc" not in repr(stages):
            row["mongomock"] = cpu_ms(partial(_aggregated, mock, stages), 1)
    return _table(count, rows, peak)


def _run(stages: list[Document], documents: list[Document]) -> list[Document]:
    return Pipeline(stages, now=_NOW, random=Random(1)).run(documents)


def _aggregated(collection: Any, stages: list[Document]) -> list[Document]:
    return list(collection.aggregate(stages))


def _mongomock(documents: list[Document]) -> Any:
    collection: Any = mongomock.MongoClient(tz_aware=True).db.readings
    collection.insert_many([dict(each) for each in documents])
    return collection


def _table(count: int, rows: dict[str, dict[str, float]], peak: float) -> Table:
    kinds = ["loop", "engine", "call", *(["mongomock"] if count <= _MOST_FOR_MONGOMOCK else [])]
    note = f"{_NOTE} Memory beside the data at its peak, by part and hour: {peak:.0f} MiB."
    table = Table(
        f"Pipelines over {count:,} readings",
        note,
        ["what", *kinds, "engine / loop"],
        raw={**rows, "peak MiB": {"call": peak}},
    )
    for name, row in rows.items():
        cells = [f"{row[kind]:,.1f}" if kind in row else "" for kind in kinds]
        table.rows.append([name, *cells, f"{row['engine'] / row['loop']:.1f}"])
    return table
